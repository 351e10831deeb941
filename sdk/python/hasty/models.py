"""What the server answers, with the names of the HTTP interface. An answer may have more members than these."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, TypedDict


class JobAccepted(TypedDict):
    job_id: str
    object_id: str
    type: str
    status: str
    created_at: str


class JobError(TypedDict, total=False):
    name: str
    message: str
    code: str


class Attempt(TypedDict, total=False):
    attempt: int
    round: int
    worker_id: str
    started_at: str
    ended_at: Optional[str]
    outcome: Optional[str]
    error: Optional[JobError]


class Progress(TypedDict):
    percent: float
    message: Optional[str]
    data: Any
    at: str


class JobSummary(TypedDict, total=False):
    """A job in a list: payload and result are shown only at the job's own address."""

    job_id: str
    object_id: str
    tenant: str
    tags: List[str]
    type: str
    priority: str
    #: scheduled, processing, finished, failed or cancelled.
    status: str
    phase: str
    round: int
    created_at: str
    due_at: Optional[str]
    started_at: Optional[str]
    finished_at: Optional[str]
    updated_at: str
    timeout_ms: int
    max_attempts: int
    progress: Optional[Progress]
    attempts: List[Attempt]
    error: Optional[JobError]
    reason: Optional[str]


class Job(JobSummary, total=False):
    payload: Any
    result: Any


class JobPage(TypedDict):
    items: List[JobSummary]
    next_cursor: Optional[str]
    as_of: Optional[str]
    lag_ms: Optional[int]


class NewJob(TypedDict, total=False):
    """One job of a batch. `object_id` is made where it is missing."""

    type: str
    payload: Any
    object_id: str
    priority: str
    tags: List[str]
    timeout_ms: int
    attempts: int
    backoff: Dict[str, Any]
    delay_ms: int
    run_at: str
    callback_url: str


class BatchItem(TypedDict, total=False):
    index: int
    status: int
    job: JobAccepted
    error: Dict[str, Any]


class BatchResult(TypedDict):
    accepted: int
    failed: int
    items: List[BatchItem]


class Event(TypedDict, total=False):
    """One event of a job, such as `job:progress`; `reset` with `first_seq` comes among those of all jobs only."""

    event: str
    seq: int
    first_seq: int
    job_id: str
    object_id: str
    type: str
    at: str
    attempt: int
    worker_id: str
    percent: float
    message: Optional[str]
    data: Any
    result: Any
    error: JobError
    reason: str


class Request(TypedDict, total=False):
    """A request of several steps."""

    request_id: str
    name: Optional[str]
    #: queuing, inprogress, completed, failed or cancelled.
    status: str
    step: Optional[str]
    round: int
    params: Dict[str, Any]
    extras: Dict[str, Any]
    steps: List[Dict[str, Any]]
    error: Optional[JobError]
    created_at: str
    updated_at: str
    finished_at: Optional[str]


class Message(TypedDict, total=False):
    #: RFC 3339; without a key it decides which shard the message goes to.
    timestamp: str
    value: Any
    #: The source: its messages keep their order.
    key: str
