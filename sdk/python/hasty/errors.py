"""The errors that callers of this library see."""

from __future__ import annotations

from typing import Any, Dict, Optional


class HastyError(Exception):
    """A request that was refused, or that got no answer however often it was repeated."""

    def __init__(
        self,
        detail: str,
        *,
        status: int = 0,
        code: str = "unreachable",
        request_id: Optional[str] = None,
        problem: Optional[Dict[str, Any]] = None,
        retry_after_s: Optional[float] = None,
    ) -> None:
        super().__init__(f"{code}: {detail}")
        #: 0: there was no answer.
        self.status = status
        #: A code of the problem, or `unreachable` or `unexpected-answer`.
        self.code = code
        #: One sentence for people.
        self.detail = detail
        #: Names the HTTP request in the log of the server.
        self.request_id = request_id
        #: The whole answer (RFC 9457), with the members of its code; None where there was none.
        self.problem = problem
        #: Seconds after which the request may be tried again, where the server said so.
        self.retry_after_s = retry_after_s


class JobFailed(Exception):
    """Raised by `run`: the job failed permanently."""

    def __init__(self, job: Dict[str, Any]) -> None:
        super().__init__(f"Job {job['job_id']} failed: {_why(job)}")
        self.job = job


class JobCancelled(Exception):
    """Raised by `run`: somebody cancelled the job, or it ran into its timeout."""

    def __init__(self, job: Dict[str, Any]) -> None:
        super().__init__(f"Job {job['job_id']} was cancelled: {_why(job)}")
        self.job = job


class WaitTimeout(Exception):
    """The job or request had not ended when the wait was over. It continues: wait again with its id."""

    def __init__(self, seen: Dict[str, Any], wait_s: float) -> None:
        name = f"Job {seen['job_id']}" if "job_id" in seen else f"Request {seen['request_id']}"
        super().__init__(f"{name} had not ended after {wait_s:g} s")
        #: The job or request as it was last seen.
        self.seen = seen


class Permanent(Exception):
    """Raised by a handler: another attempt cannot help."""

    def __init__(self, message: str, code: Optional[str] = None) -> None:
        super().__init__(message)
        self.code = code


class RetryLater(Exception):
    """Raised by a handler: the attempt failed, and the next one starts after `delay_s`."""

    def __init__(self, delay_s: float, message: str = "asked to be tried again later", code: Optional[str] = None):
        super().__init__(message)
        self.delay_s = delay_s
        self.code = code


class Cancelled(Exception):
    """Raised by `ctx.check()`: the job is not this worker's any more. The worker sends nothing about it."""


def _why(job: Dict[str, Any]) -> str:
    error = job.get("error") or {}
    return str(error.get("message") or job.get("reason") or "no reason was given")
