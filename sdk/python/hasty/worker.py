"""The worker: claims jobs over plain HTTP, runs their handlers, keeps their leases and says how they ended.

Three threads share what `self._cond` guards:

- the claimer asks for as many jobs as there are free slots. It takes the ends of earlier jobs along, so that a busy
  worker needs one call for many;
- the settler sends the ends of jobs while the claimer waits for an answer, or has stopped;
- the beater extends the leases, and learns which jobs to stop.

A job is held from its claim until its end is confirmed: running -> ended -> (settled), or running -> lost, when it was
cancelled, its time is over or another attempt has it. The end of a lost job is thrown away.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
import queue
import re
import signal
import socket
import threading
import time
import uuid
from collections import deque
from typing import Any, Awaitable, Callable, Deque, Dict, List, Optional, TypeVar, Union

from ._held import Context, Held, Outcome, completed, failed
from ._leases import CALL_MAX, Leases
from ._transport import Cut, TokenSource, Transport, backoff_s, is_passing, make_token, path_of
from .errors import HastyError

log = logging.getLogger("hasty")

Handler = Callable[[Any, Context], Union[Any, Awaitable[Any]]]
AnyHandler = TypeVar("AnyHandler", bound=Callable[..., Any])

#: Bytes of results that go into one call; a larger one goes alone.
BATCH_BYTES = 512 * 1024
LONGEST_PAUSE_S = 10.0


class Worker:
    """A worker. `run()` returns after SIGTERM, SIGINT or `stop()`, when its jobs have ended or were handed back."""

    def __init__(
        self,
        url: str,
        *,
        token: Optional[TokenSource] = None,
        client_id: Optional[str] = None,
        client_secret: Optional[str] = None,
        concurrency: int = 10,
        lease_s: int = 10,
        wait_s: int = 30,
        drain_s: float = 25.0,
        worker_id: Optional[str] = None,
        version: Optional[str] = None,
    ) -> None:
        self._transport = Transport(url, make_token(url, token, client_id, client_secret))
        self.worker_id = worker_id or _new_worker_id()
        self._concurrency = concurrency
        self._lease_s = lease_s
        self._wait_s = wait_s
        self._drain_s = drain_s
        self._about: Dict[str, Any] = {"host": socket.gethostname(), "pid": os.getpid(), "slots": concurrency}
        if version is not None:
            self._about["version"] = version
        self._handlers: Dict[str, Handler] = {}
        # A put is safe in a signal handler, which may interrupt anything.
        self._stops: "queue.SimpleQueue[Optional[BaseException]]" = queue.SimpleQueue()
        self._cut = Cut()
        self._loop: Optional[asyncio.AbstractEventLoop] = None

        self._leases = Leases(self._transport, self.worker_id, lease_s)
        self._cond = self._leases.cond
        self._running = 0
        self._outcomes: Deque[Outcome] = deque()
        self._unconfirmed = 0
        self._is_claiming = False
        #: The claimer may be busy for long: it waits for jobs, or for a server that is away.
        self._is_waiting = False
        self._is_stopping = False

    # Handlers

    def job(self, type: str) -> Callable[[AnyHandler], AnyHandler]:
        """`@worker.job("resize")`: the function below, sync or async, runs the jobs of the type."""

        def decorate(handler: AnyHandler) -> AnyHandler:
            self.register(type, handler)
            return handler

        return decorate

    def register(self, type: str, handler: Handler) -> None:
        if type in self._handlers:
            raise ValueError(f"the type {type} has a handler already")
        self._handlers[type] = handler

    # Life

    def run(self) -> None:
        """Works until SIGTERM or SIGINT, where it is called in the main thread, or `stop()`.

        Raises HastyError where the server refuses the worker: its token, or one of its types.
        """
        loop = asyncio.new_event_loop()
        loop_thread = threading.Thread(target=loop.run_forever, name="hasty-async", daemon=True)
        loop_thread.start()
        previous = {}
        if threading.current_thread() is threading.main_thread():
            previous = {sig: signal.signal(sig, lambda *_: self.stop()) for sig in (signal.SIGTERM, signal.SIGINT)}
        try:
            self._work(loop)
        finally:
            for sig, handler in previous.items():
                signal.signal(sig, handler)
            loop.call_soon_threadsafe(loop.stop)
            loop_thread.join(1)
            if not loop.is_running():  # A handler that blocks it ends with the process.
                loop.close()

    async def run_async(self) -> None:
        """Works as `run()` does, with async handlers on the caller's event loop. HTTP is done in threads."""
        loop = asyncio.get_running_loop()
        caught: List[signal.Signals] = []
        for sig in (signal.SIGTERM, signal.SIGINT):
            try:
                loop.add_signal_handler(sig, self.stop)
                caught.append(sig)
            except (NotImplementedError, RuntimeError, ValueError):
                pass  # Not the main thread, or not Unix: the caller calls stop().
        work = asyncio.ensure_future(asyncio.to_thread(self._work, loop))
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            self.stop()
            await work
            raise
        finally:
            for sig in caught:
                loop.remove_signal_handler(sig)

    def stop(self) -> None:
        """Claims nothing more, and lets running jobs end within `drain_s`. The second call hands them back at once."""
        self._stops.put(None)

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._handlers:
            raise ValueError("register a handler first")
        self._loop = loop
        for target in (self._claim_loop, self._settle_loop, self._leases.loop):
            threading.Thread(target=self._guarded, args=(target,), name=f"hasty{target.__name__}", daemon=True).start()
        failure = self._next_stop()
        self._drain()
        self._transport.close()
        if failure is not None:
            raise failure

    def _next_stop(self) -> Optional[BaseException]:
        while True:
            try:
                # A signal that comes just before the wait does not end it: Python calls its handler after the timeout.
                return self._stops.get(timeout=0.5)
            except queue.Empty:
                pass

    def _guarded(self, loop: Callable[[], None]) -> None:
        try:
            loop()
        except BaseException as error:  # The thread that called run() raises it.
            self._stops.put(error)

    def _drain(self) -> None:
        with self._cond:
            self._is_stopping = True
            self._cond.notify_all()
        self._cut.cut()
        ends_at = time.monotonic() + self._drain_s
        while time.monotonic() < ends_at and not self._wait_for(self._is_idle, 0.1):
            if not self._stops.empty():
                break
        with self._cond:
            for held in self._leases.held.values():
                if not held.is_ended:
                    held.cancel("stopping")
        # Handlers that listen stop before another worker begins with the job.
        self._wait_for(lambda: self._running == 0, 1.0)
        with self._cond:
            self._release([held for held in self._leases.held.values() if not held.is_ended])
        if not self._wait_for(lambda: not self._outcomes and self._unconfirmed == 0, 5.0):
            log.error("stopped before the server confirmed the ends of all jobs")
        with self._cond:
            self._leases.is_closed = True
            self._cond.notify_all()

    def _release(self, given_up: List[Held]) -> None:
        for held in given_up:
            if held.context.cancel_reason in (None, "stopping"):
                held.cancel("stopping")
                held.is_ended = True
                self._outcomes.append(Outcome(held, "release", {}))
        self._cond.notify_all()

    def _is_idle(self) -> bool:
        return not self._is_claiming and self._running == 0 and not self._outcomes and self._unconfirmed == 0

    def _wait_for(self, is_true: Callable[[], bool], timeout_s: float) -> bool:
        with self._cond:
            return self._cond.wait_for(is_true, timeout_s)

    # Claims

    def _claim_loop(self) -> None:
        while True:
            with self._cond:
                self._is_claiming = self._is_waiting = False
                self._cond.notify_all()
                self._cond.wait_for(lambda: self._is_stopping or self._running < self._concurrency)
                if self._is_stopping:
                    return
                outcomes = self._take_outcomes()
                self._is_claiming = True
                self._is_waiting = not outcomes
                self._cond.notify_all()
                free = min(self._concurrency - self._running, CALL_MAX)
            try:
                self._claim(free, outcomes)
            except BaseException:
                self._is_claiming = False
                raise

    def _claim(self, free: int, outcomes: List[Outcome]) -> None:
        body: Dict[str, Any] = {
            "worker_id": self.worker_id,
            "types": list(self._handlers),
            "max": free,
            # The ends of jobs are to be confirmed at once, whether there are new jobs or not.
            "wait_s": 0 if outcomes else self._wait_s,
            "lease_s": self._lease_s,
            "claim_id": str(uuid.uuid4()),
            "settle": [outcome.settlement() for outcome in outcomes],
            "about": self._about,
        }
        tries = 0
        while not self._is_stopping:
            try:
                answer = self._transport.exchange("POST", "/v1/work", body, {}, body["wait_s"] + 10, self._cut).json()
            except HastyError as error:
                if self._is_stopping:
                    break
                if not is_passing(error):
                    if not outcomes:
                        raise
                    # One of the outcomes may be the reason: each is sent alone, and the next claim carries none.
                    self._settle_alone(outcomes)
                    return
                # Every try may have been the one that was given jobs: the claim_id stays.
                log.warning("claim: %s", error)
                with self._cond:
                    self._is_waiting = True
                    self._cond.notify_all()
                self._pause(tries, error)
                tries += 1
                continue
            self._confirm(outcomes, answer["settled"])
            self._begin(answer["jobs"], is_late=tries > 0)
            return
        # The outcomes go their own way. What the claim may have been given, while it was taken back, is handed back.
        with self._cond:
            self._outcomes.extendleft(reversed(outcomes))
            self._unconfirmed -= len(outcomes)
        self._hand_back(body)

    def _hand_back(self, claim: Dict[str, Any]) -> None:
        again = {**claim, "max": 0, "wait_s": 0, "settle": []}
        try:
            jobs = self._transport.exchange("POST", "/v1/work", again, {}, 5).json()["jobs"]
        except HastyError as error:
            log.warning("the last claim: %s", error)
            return
        self._begin(jobs, is_late=False)

    def _begin(self, jobs: List[Dict[str, Any]], is_late: bool) -> None:
        """Late jobs may have been given to an earlier try: whether they are still ours is asked at once."""
        begun = [Held(job, time.monotonic(), self._lease_s, self._cond) for job in jobs]
        with self._cond:
            self._is_waiting = False
            self._leases.held.update((held.lease, held) for held in begun)
            if self._is_stopping:
                self._release(begun)
                return
            self._running += len(begun)
            self._leases.beat_now = self._leases.beat_now or is_late
            self._cond.notify_all()
        for held in begun:
            handler = self._handlers[held.job["type"]]
            if _is_async(handler) and self._loop is not None:
                held.future = asyncio.run_coroutine_threadsafe(self._run_async(handler, held), self._loop)
            else:
                threading.Thread(target=self._run_sync, args=(handler, held), daemon=True).start()

    # Handlers at work

    def _run_sync(self, handler: Handler, held: Held) -> None:
        try:
            outcome: Optional[Outcome] = completed(held, handler(held.job["payload"], held.context))
        except BaseException as error:  # Whatever a handler raises ends its own attempt, and nothing else.
            outcome = failed(held, error)
        self._ended(held, outcome)

    async def _run_async(self, handler: Callable[[Any, Context], Awaitable[Any]], held: Held) -> None:
        async def run() -> Optional[Outcome]:
            # Nothing leaves the task: a SystemExit would end the loop, and all other handlers with it.
            try:
                return completed(held, await handler(held.job["payload"], held.context))
            except BaseException as error:
                return failed(held, error)

        # A task of its own: a cancel reaches the handler, and not the lines below that say how it ended.
        held.task = asyncio.ensure_future(run())
        if held.context.cancelled.is_set():
            held.task.cancel()
        try:
            outcome = await held.task
        except BaseException as error:  # It was cancelled before it began.
            outcome = failed(held, error)
        self._ended(held, outcome)

    def _ended(self, held: Held, outcome: Optional[Outcome]) -> None:
        with self._cond:
            self._running -= 1
            if not held.is_ended:
                held.is_ended = True
                reason = held.context.cancel_reason
                if reason == "stopping":
                    self._outcomes.append(Outcome(held, "release", {}))
                elif outcome is not None and reason in (None, "lease-lost"):
                    # A lease that is over by this worker's clock alone may live: the server decides about the end.
                    self._outcomes.append(outcome)
                else:
                    self._leases.held.pop(held.lease, None)
            self._cond.notify_all()

    # Ends

    def _take_outcomes(self) -> List[Outcome]:
        """Called with the lock held."""
        taken: List[Outcome] = []
        size = 0
        while self._outcomes and len(taken) < CALL_MAX:
            size += self._outcomes[0].size
            if taken and size > BATCH_BYTES:
                break
            taken.append(self._outcomes.popleft())
        self._unconfirmed += len(taken)
        return taken

    def _settle_loop(self) -> None:
        while True:
            with self._cond:
                self._cond.wait_for(
                    lambda: self._leases.is_closed or bool(self._outcomes) and (self._is_waiting or self._is_stopping)
                )
                if self._leases.is_closed:
                    return
                outcomes = self._take_outcomes()
            if len(outcomes) == 1:
                self._settle_alone(outcomes)
            else:
                self._settle_together(outcomes)

    def _settle_together(self, outcomes: List[Outcome]) -> None:
        body = {
            "worker_id": self.worker_id,
            "types": list(self._handlers),
            "max": 0,
            "lease_s": self._lease_s,
            "settle": [outcome.settlement() for outcome in outcomes],
        }
        try:
            answer = self._until_answered("/v1/work", body)
        except HastyError:
            self._settle_alone(outcomes)
            return
        if answer is not None:
            self._confirm(outcomes, answer["settled"])

    def _settle_alone(self, outcomes: List[Outcome]) -> None:
        for outcome in outcomes:
            held = outcome.held
            body = {"lease": held.lease, **outcome.body}
            try:
                answer = self._until_answered(path_of("v1", "work", held.context.job_id, outcome.verb), body)
                settled = [] if answer is None else [answer]
            except HastyError as error:
                substitute = outcome.refused(error.code, error.detail) if error.status in (400, 413, 422) else None
                if substitute is not None:
                    self._settle_alone([substitute])
                    continue
                settled = [{"status": error.code, "detail": error.detail}]
            self._confirm([outcome], settled)

    def _until_answered(self, path: str, body: Dict[str, Any]) -> Any:
        """Repeats what failed on the way; a refusal is raised. None: the worker is closed."""
        tries = 0
        while not self._leases.is_closed:
            try:
                return self._transport.exchange("POST", path, body, {}, 10).json()
            except HastyError as error:
                if not is_passing(error):
                    raise
                log.warning("%s: %s", path, error)
                self._pause(tries, error)
                tries += 1
        return None

    def _confirm(self, outcomes: List[Outcome], settled: List[Dict[str, Any]]) -> None:
        for outcome, answer in zip(outcomes, settled):
            status = answer["status"]
            if status not in ("finished", "failed", "retrying", "released"):
                detail = answer.get("detail", "the job went on or ended without this attempt")
                job_id = outcome.held.context.job_id
                log.warning("job %s: %s was not taken: %s (%s)", job_id, outcome.verb, status, detail)
        with self._cond:
            for outcome in outcomes:
                self._leases.held.pop(outcome.held.lease, None)
            self._unconfirmed -= len(outcomes)
            self._cond.notify_all()

    def _pause(self, tries: int, error: HastyError) -> None:
        pause_s = max(backoff_s(tries, most_s=LONGEST_PAUSE_S), error.retry_after_s or 0.0)
        was_stopping = self._is_stopping
        self._wait_for(lambda: self._leases.is_closed or self._is_stopping != was_stopping, pause_s)


def _is_async(handler: Handler) -> bool:
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(getattr(handler, "__call__", None))


def _new_worker_id() -> str:
    host = re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname())[:60].lstrip("._-") or "worker"
    return f"{host}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
