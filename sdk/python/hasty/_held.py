"""A job in the hands of a worker: what its handler knows of it, and how it ended."""

from __future__ import annotations

import asyncio
import threading
import traceback
from concurrent.futures import Future
from datetime import datetime
from typing import Any, Dict, Optional

from ._transport import to_json
from .errors import Cancelled, Permanent, RetryLater

RESULT_MAX_BYTES = 512 * 1024
PROGRESS_DATA_MAX_BYTES = 16 * 1024


class Context:
    """What a handler knows of its attempt. All of it may be used from any thread."""

    def __init__(self, job: Dict[str, Any], cond: threading.Condition) -> None:
        #: The job as it was handed out.
        self.job = job
        self.job_id: str = job["job_id"]
        self.type: str = job["type"]
        self.object_id: str = job["object_id"]
        #: Counts from 1.
        self.attempt: int = job["attempt"]
        self.max_attempts: int = job["max_attempts"]
        #: Rises with each attempt: hand it to your database, and let it refuse smaller ones.
        self.fencing_token: int = job["fencing_token"]
        self.traceparent: Optional[str] = job.get("traceparent")
        #: The end of the attempt's time, by the clock of the server.
        self.deadline: datetime = parse_time(job["deadline_at"])
        #: Set when the job is not this worker's any more. What the handler returns then is thrown away.
        self.cancelled = threading.Event()
        #: requested, timeout, superseded, lease-lost or stopping.
        self.cancel_reason: Optional[str] = None
        self.unsent_progress: Optional[Dict[str, Any]] = None
        self._cond = cond

    def progress(self, percent: float, message: Optional[str] = None, data: Any = None) -> None:
        """Says how far the job is. Only the latest one is sent, at most one in a second.

        Raises ValueError or TypeError for what the server would refuse.
        """
        if not 0 <= percent <= 100:
            raise ValueError(f"percent must be from 0 to 100, and is {percent}")
        if len(to_json(data)) > PROGRESS_DATA_MAX_BYTES:
            raise ValueError(f"data has more than {PROGRESS_DATA_MAX_BYTES} bytes of JSON")
        progress: Dict[str, Any] = {"percent": percent}
        if message is not None:
            progress["message"] = message[:1_000]
        if data is not None:
            progress["data"] = data
        with self._cond:
            self.unsent_progress = progress
            self._cond.notify_all()

    def check(self) -> None:
        """Raises Cancelled when the job is not this worker's any more."""
        if self.cancelled.is_set():
            raise Cancelled(f"job {self.job_id}: {self.cancel_reason}")


class Held:
    """A job from its claim to its confirmed end. Times are those of the monotonic clock."""

    def __init__(self, job: Dict[str, Any], claimed_at: float, lease_s: int, cond: threading.Condition) -> None:
        self.job = job
        self.lease: str = job["lease"]
        self.context = Context(job, cond)
        self.ends_at = claimed_at + job["timeout_ms"] / 1000
        # By the server's clock, which may differ from this one: it is only compared with itself.
        self.lease_until: str = job["lease_until"]
        self.lease_ends_at = claimed_at + lease_s
        #: Its end is known, or was given up.
        self.is_ended = False
        self.future: Optional["Future[None]"] = None
        self.task: Optional["asyncio.Future[Any]"] = None

    def extended(self, lease_until: str, asked_at: float, lease_s: int) -> None:
        """The server leaves a lease as it is while much of it is left; one that it moves is whole again."""
        if lease_until != self.lease_until:
            self.lease_until = lease_until
            self.lease_ends_at = asked_at + lease_s

    def cancel(self, reason: str) -> None:
        if self.context.cancelled.is_set():
            return
        self.context.cancel_reason = reason
        self.context.cancelled.set()
        task = self.task
        if task is not None:
            try:
                task.get_loop().call_soon_threadsafe(task.cancel)
            except RuntimeError:
                pass  # The loop is closed, and the handler with it.


class Outcome:
    """How an attempt ended, as it is sent."""

    def __init__(self, held: Held, verb: str, body: Dict[str, Any]) -> None:
        self.held = held
        self.verb = verb
        self.body = body
        self.size = len(to_json(body))

    def settlement(self) -> Dict[str, Any]:
        return {"lease": self.held.lease, self.verb: self.body}


def completed(held: Held, result: Any) -> Outcome:
    """Raises what is to be told of a result that is no JSON, or too large: another attempt would only make it again."""
    try:
        outcome = Outcome(held, "complete", {"result": result})
    except (TypeError, ValueError, RecursionError) as error:
        raise Permanent(f"the result is not JSON: {error}", "invalid-result") from error
    if outcome.size > RESULT_MAX_BYTES + len('{"result":}'):
        raise Permanent(f"the result has more than {RESULT_MAX_BYTES} bytes", "result-too-large")
    return outcome


def failed(held: Held, error: BaseException) -> Optional[Outcome]:
    """None: the handler stopped because it was told to."""
    if isinstance(error, (Cancelled, asyncio.CancelledError)) and held.context.cancelled.is_set():
        return None
    return Outcome(held, "fail", failure(error))


def failure(error: BaseException) -> Dict[str, Any]:
    about: Dict[str, Any] = {"name": type(error).__name__, "message": str(error)[:10_000]}
    code = getattr(error, "code", None)
    if isinstance(code, (str, int)):
        about["code"] = str(code)[:1_000]
    body: Dict[str, Any] = {"error": about}
    if isinstance(error, Permanent):
        body["retry"] = False
    elif isinstance(error, RetryLater):
        body["retry"] = {"delay_ms": max(0, round(error.delay_s * 1000))}
    else:
        about["stack"] = "".join(traceback.format_exception(type(error), error, error.__traceback__))[-50_000:]
    return body


def parse_time(text: str) -> datetime:
    # Python knows the Z from 3.11 on.
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
