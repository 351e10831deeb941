"""Client and worker for Hasty, a job service over plain HTTP."""

from ._held import Context
from .aio import AsyncHasty
from .client import Hasty
from .errors import Cancelled, HastyError, JobCancelled, JobFailed, Permanent, RetryLater, WaitTimeout
from .worker import Worker

__all__ = [
    "AsyncHasty",
    "Cancelled",
    "Context",
    "Hasty",
    "HastyError",
    "JobCancelled",
    "JobFailed",
    "Permanent",
    "RetryLater",
    "WaitTimeout",
    "Worker",
]
