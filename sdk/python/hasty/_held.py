"""A job in the hands of a worker: what its handler knows of it, and how it ended."""

from __future__ import annotations

import asyncio
import json
import threading
import traceback
from concurrent.futures import Future
from datetime import datetime
from typing import Any, Callable, Dict, Optional

from ._transport import to_json
from .errors import Cancelled, Permanent, RetryLater

RESULT_MAX_BYTES = 512 * 1024
PROGRESS_DATA_MAX_BYTES = 16 * 1024
#: What is encoded here is encoded again in a claim: in deeper calls, and as a part of something larger.
NESTED_LATER = 50


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
        encoded = to_json(data)
        if len(encoded) > PROGRESS_DATA_MAX_BYTES:
            raise ValueError(f"data has more than {PROGRESS_DATA_MAX_BYTES} bytes of JSON")
        # A Decimal or a number of numpy is fine too.
        progress: Dict[str, Any] = {"percent": float(percent)}
        if message is not None:
            progress["message"] = text_of(lambda: message, 1_000)
        if data is not None:
            # The handler may change its object before it is sent.
            progress["data"] = json.loads(encoded)
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
        encoded = to_json(body)
        self.held = held
        self.verb = verb
        # The handler may go on to change what it returned, and the thread that sends it must never fail.
        self.body: Dict[str, Any] = json.loads(encoded)
        self.size = len(encoded)
        #: The server refused another end of this attempt.
        self.is_substitute = False

    def settlement(self) -> Dict[str, Any]:
        return {"lease": self.held.lease, self.verb: self.body}

    def refused(self, code: str, detail: str) -> "Optional[Outcome]":
        """What is sent instead of an end that the server cannot take; None: there is nothing else to say."""
        if self.is_substitute:
            return None
        if self.verb == "complete":
            # Another attempt would only make the same result again.
            other = Outcome(self.held, "fail", failure(Permanent(f"the result was refused: {detail}", code)))
        elif self.verb == "fail":
            about = {"name": "Error", "message": f"the error was refused: {detail}", "code": code}
            is_permanent = self.body.get("retry") is False
            other = Outcome(self.held, "fail", {"error": about, **({"retry": False} if is_permanent else {})})
        else:
            return None
        other.is_substitute = True
        return other


def completed(held: Held, result: Any) -> Outcome:
    """Raises what is to be told of a result that is no JSON, or too large: another attempt would only make it again."""
    try:
        nested = result
        for _ in range(NESTED_LATER):
            nested = [nested]
        to_json(nested)
        outcome = Outcome(held, "complete", {"result": result})
    except (TypeError, ValueError, RecursionError) as error:
        raise Permanent(f"the result is not JSON: {error}", "invalid-result") from error
    if outcome.size > RESULT_MAX_BYTES + len('{"result":}'):
        raise Permanent(f"the result has more than {RESULT_MAX_BYTES} bytes", "result-too-large")
    return outcome


def failed(held: Held, error: BaseException) -> Optional[Outcome]:
    """Never raises, whatever the error is like. None: the handler stopped because it was told to."""
    if isinstance(error, (Cancelled, asyncio.CancelledError)) and held.context.cancelled.is_set():
        return None
    return Outcome(held, "fail", failure(error))


def failure(error: BaseException) -> Dict[str, Any]:
    """Never raises: an error's text may be no text, and its members may be anything."""
    name = text_of(lambda: type(error).__name__, 1_000)
    about: Dict[str, Any] = {"name": name, "message": text_of(lambda: str(error), 10_000, name)}
    code = text_of(lambda: _code_of(error), 1_000, "")
    if code != "":
        about["code"] = code
    body: Dict[str, Any] = {"error": about}
    if isinstance(error, Permanent):
        body["retry"] = False
    elif isinstance(error, RetryLater):
        delay_ms = _whole(lambda: error.delay_s * 1000)
        if delay_ms is not None:
            body["retry"] = {"delay_ms": max(0, delay_ms)}
    else:
        lines = lambda: traceback.format_exception(type(error), error, error.__traceback__)  # noqa: E731
        about["stack"] = text_of(lambda: "".join(lines())[-50_000:], 50_000, name)
    return body


def _code_of(error: BaseException) -> str:
    code = getattr(error, "code", None)
    return str(code) if isinstance(code, (str, int)) else ""


def _whole(number: Callable[[], float]) -> Optional[int]:
    """None: it is no number, or not a finite one."""
    try:
        return round(number())
    except Exception:
        return None


def text_of(text: Callable[[], str], most: int, otherwise: str = "") -> str:
    """The beginning of a text as UTF-8 can express it: half of a surrogate pair becomes U+FFFD.

    `otherwise` stands for a text that cannot be had: `__str__` and properties may raise anything.
    """
    try:
        return text()[:most].encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    except BaseException:
        return otherwise


def parse_time(text: str) -> datetime:
    # Python knows the Z from 3.11 on.
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
