"""The client: sends jobs, waits for them, follows and changes them."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Union, cast

from ._events import Events
from ._transport import Query, TokenSource, Transport, backoff_s, make_token, one_call_key, path_of
from .errors import HastyError, JobCancelled, JobFailed, WaitTimeout
from .models import BatchResult, Job, JobAccepted, JobPage, JobSummary, Message, NewJob, Request

Time = Union[datetime, str]

#: Seconds that a poll asks the server to wait: less than proxies allow.
POLL_S = 30
ENDED = ("finished", "failed", "cancelled")


class Hasty:
    """A client. Any number of threads may share one.

    Every request is repeated when the connection breaks, when nothing answers within `try_timeout_s`, and after 429,
    502, 503 and 504, for `retry_for_s` from the first failure on. A POST carries an Idempotency-Key over all of its
    tries, so a job is made once however often it was sent.
    """

    def __init__(
        self,
        url: str,
        *,
        token: Optional[TokenSource] = None,
        client_id: Optional[str] = None,
        client_secret: Optional[str] = None,
        retry_for_s: float = 30.0,
        try_timeout_s: float = 10.0,
        on_retry: Optional[Callable[[HastyError, float], None]] = None,
    ) -> None:
        self._transport = Transport(
            url,
            make_token(url, token, client_id, client_secret),
            retry_for_s=retry_for_s,
            try_timeout_s=try_timeout_s,
            on_retry=on_retry,
        )

    def __enter__(self) -> "Hasty":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections that are idle."""
        self._transport.close()

    # Jobs

    def create(
        self,
        type: str,
        payload: Any = None,
        *,
        object_id: Optional[str] = None,
        priority: Optional[str] = None,
        tags: Optional[List[str]] = None,
        timeout_ms: Optional[int] = None,
        attempts: Optional[int] = None,
        backoff: Optional[Mapping[str, Any]] = None,
        delay_ms: Optional[int] = None,
        run_at: Optional[Time] = None,
        callback_url: Optional[str] = None,
        idempotency_key: Optional[str] = None,
    ) -> JobAccepted:
        """Sends a job; it is stored when this returns. Without an `object_id` no cooldown applies."""
        key = idempotency_key or one_call_key()
        body = given(
            object_id=object_id or key,
            type=type,
            payload=payload,
            priority=priority,
            tags=tags,
            timeout_ms=timeout_ms,
            attempts=attempts,
            backoff=backoff,
            delay_ms=delay_ms,
            run_at=to_time(run_at),
            callback_url=callback_url,
        )
        return cast(JobAccepted, self._transport.request("POST", "/v1/jobs", body, key=key))

    def run(self, type: str, payload: Any = None, *, wait_s: float = 60.0, **options: Any) -> Any:
        """Sends a job, waits and returns its result. Options are those of `create`.

        Raises JobFailed, JobCancelled or WaitTimeout.
        """
        accepted = self.create(type, payload, **options)
        job = self.wait(accepted["job_id"], wait_s=wait_s)
        if job["status"] == "failed":
            raise JobFailed(cast(Dict[str, Any], job))
        if job["status"] == "cancelled":
            raise JobCancelled(cast(Dict[str, Any], job))
        return job["result"]

    def batch(
        self, jobs: Iterable[NewJob], *, atomic: bool = False, idempotency_key: Optional[str] = None
    ) -> BatchResult:
        """Sends up to 10,000 jobs, each for itself or, with `atomic`, all or none."""
        key = idempotency_key or one_call_key()
        body = [{"object_id": f"{key}-{n}", **job} for n, job in enumerate(jobs)]
        query: Query = {"atomic": "true" if atomic else None}
        return cast(BatchResult, self._transport.request("POST", "/v1/jobs/batch", body, query=query, key=key))

    def get(self, job_id: str) -> Job:
        return cast(Job, self._transport.request("GET", path_of("v1", "jobs", job_id)))

    def wait(self, job_id: str, *, wait_s: float = 60.0) -> Job:
        """Returns the job once it has ended, however it ended. Raises WaitTimeout; `wait_s` may be `math.inf`."""
        end = time.monotonic() + wait_s
        early = 0
        while True:
            asked = time.monotonic()
            poll_s = int(max(0, min(POLL_S, end - asked)))
            job = cast(Job, self._transport.request("GET", path_of("v1", "jobs", job_id), wait_s=poll_s))
            if job["status"] in ENDED:
                return job
            now = time.monotonic()
            if now >= end:
                raise WaitTimeout(cast(Dict[str, Any], job), wait_s)
            # A server that stops, or does not wait, answers at once: the pause is then made here.
            early = early + 1 if now - asked < 1 else 0
            if early:
                time.sleep(min(0.05 + backoff_s(early), end - now))

    def cancel(self, job_id: str, *, reason: Optional[str] = None, idempotency_key: Optional[str] = None) -> Job:
        """Cancels a job. A job that was cancelled on request before is returned as it is."""
        path = path_of("v1", "jobs", job_id)
        try:
            answer = self._transport.request("POST", f"{path}/cancel", given(reason=reason), key=idempotency_key)
            return cast(Job, answer)
        except HastyError as error:
            job = (error.problem or {}).get("job") or {}
            if error.code == "wrong-state" and job.get("status") == "cancelled" and job.get("reason") == "requested":
                return self.get(job_id)
            raise

    def retry(
        self,
        job_id: str,
        *,
        attempts: Optional[int] = None,
        timeout_ms: Optional[int] = None,
        delay_ms: Optional[int] = None,
        run_at: Optional[Time] = None,
        idempotency_key: Optional[str] = None,
    ) -> Job:
        """Begins a new round of a failed or cancelled job."""
        body = given(attempts=attempts, timeout_ms=timeout_ms, delay_ms=delay_ms, run_at=to_time(run_at))
        path = path_of("v1", "jobs", job_id, "retry")
        return cast(Job, self._transport.request("POST", path, body, key=idempotency_key))

    def list(
        self,
        *,
        status: Optional[Iterable[str]] = None,
        type: Optional[str] = None,
        object_id: Optional[str] = None,
        tag: Optional[str] = None,
        created_after: Optional[Time] = None,
        created_before: Optional[Time] = None,
        ended_after: Optional[Time] = None,
        ended_before: Optional[Time] = None,
        limit: Optional[int] = None,
        cursor: Optional[str] = None,
    ) -> Iterator[JobSummary]:
        """Yields all jobs that match, newest first. A page of `limit` jobs is read when its first job is asked for."""
        filters: Query = {
            "status": ",".join(status) if status is not None else None,
            "type": type,
            "object_id": object_id,
            "tag": tag,
            "created_after": to_time(created_after),
            "created_before": to_time(created_before),
            "ended_after": to_time(ended_after),
            "ended_before": to_time(ended_before),
            "limit": limit,
        }
        while True:
            page: JobPage = self._transport.request("GET", "/v1/jobs", query={**filters, "cursor": cursor})
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def events(self, job_id: str, *, after_seq: Optional[int] = None) -> Events:
        """Iterates over the job's events, live, and ends with the job."""
        return Events(self._transport, path_of("v1", "jobs", job_id, "events"), None, after_seq)

    def all_events(
        self, *, type: Optional[str] = None, tag: Optional[str] = None, after_seq: Optional[int] = None
    ) -> Events:
        """Iterates over the events of all jobs, from now on, until it is closed."""
        return Events(self._transport, "/v1/events", {"type": type, "tag": tag}, after_seq)

    def why(self, job_id: str) -> Dict[str, Any]:
        """Says why a job is where it is, and what to do next."""
        return cast(Dict[str, Any], self._transport.request("GET", path_of("v1", "jobs", job_id, "why")))

    def stats(self) -> Dict[str, Any]:
        return cast(Dict[str, Any], self._transport.request("GET", "/v1/stats"))

    # Types that workers over HTTP run

    def put_type(
        self,
        type: str,
        *,
        policy: Optional[Mapping[str, Any]] = None,
        payload_schema: Optional[Mapping[str, Any]] = None,
    ) -> Dict[str, Any]:
        """Registers a type for workers over HTTP, or changes it. Needs the scope `admin`."""
        body = {"runner": "http", **given(policy=policy, payload_schema=payload_schema)}
        return cast(Dict[str, Any], self._transport.request("PUT", path_of("v1", "types", type), body))

    def delete_type(self, type: str) -> None:
        """Removes a registered type of which no job is left."""
        self._transport.request("DELETE", path_of("v1", "types", type))

    # Requests of several steps

    def create_request(
        self,
        *,
        steps: Optional[List[Dict[str, Any]]] = None,
        definition: Optional[str] = None,
        version: Optional[int] = None,
        name: Optional[str] = None,
        params: Optional[Mapping[str, Any]] = None,
        extras: Optional[Mapping[str, Any]] = None,
        idempotency_key: Optional[str] = None,
    ) -> Request:
        """Starts a request, by its steps or by a stored definition."""
        body = given(
            steps=steps, definition=definition, version=version, name=name, params=params, extras=extras
        )
        return cast(Request, self._transport.request("POST", "/v1/requests", body, key=idempotency_key))

    def get_request(self, request_id: str) -> Request:
        return cast(Request, self._transport.request("GET", path_of("v1", "requests", request_id)))

    def wait_request(self, request_id: str, *, wait_s: float = 60.0) -> Request:
        """Returns the request once it has ended, however it ended. Raises WaitTimeout."""
        end = time.monotonic() + wait_s
        pause_s = 0.05
        while True:
            request = self.get_request(request_id)
            if request["finished_at"] is not None:
                return request
            left_s = end - time.monotonic()
            if left_s <= 0:
                raise WaitTimeout(cast(Dict[str, Any], request), wait_s)
            time.sleep(min(pause_s, left_s))
            pause_s = min(pause_s * 2, 1.0)

    def cancel_request(
        self, request_id: str, *, reason: Optional[str] = None, idempotency_key: Optional[str] = None
    ) -> Request:
        """Cancels a request. One that was cancelled before is returned as it is."""
        path = path_of("v1", "requests", request_id)
        try:
            answer = self._transport.request("POST", f"{path}/cancel", given(reason=reason), key=idempotency_key)
            return cast(Request, answer)
        except HastyError as error:
            request = (error.problem or {}).get("request") or {}
            if error.code == "wrong-state" and request.get("status") == "cancelled":
                return self.get_request(request_id)
            raise

    def retry_request(self, request_id: str, *, idempotency_key: Optional[str] = None) -> Request:
        """Continues a failed or cancelled request."""
        path = path_of("v1", "requests", request_id, "retry")
        return cast(Request, self._transport.request("POST", path, key=idempotency_key))

    def signal_request(
        self,
        request_id: str,
        name: str,
        *,
        extras: Optional[Mapping[str, Any]] = None,
        idempotency_key: Optional[str] = None,
    ) -> Request:
        """Sends a signal that a step waits for, with extras that are merged into the request's."""
        path = path_of("v1", "requests", request_id, "signals", name)
        return cast(Request, self._transport.request("POST", path, given(extras=extras), key=idempotency_key))

    def list_requests(
        self, *, status: Optional[Iterable[str]] = None, limit: Optional[int] = None
    ) -> Iterator[Request]:
        """Yields all requests that match, newest first."""
        query: Query = {"status": ",".join(status) if status is not None else None, "limit": limit}
        cursor: Optional[str] = None
        while True:
            page = self._transport.request("GET", "/v1/requests", query={**query, "cursor": cursor})
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    # Messages

    def send_messages(self, messages: Iterable[Message], *, idempotency_key: Optional[str] = None) -> int:
        """Sends up to 10,000 messages, all or none. Returns how many were accepted."""
        answer = self._transport.request("POST", "/message", [*messages], key=idempotency_key)
        return int(answer["accepted"])


def given(**members: Any) -> Dict[str, Any]:
    """The members that have a value."""
    return {name: value for name, value in members.items() if value is not None}


def to_time(value: Optional[Time]) -> Optional[str]:
    """RFC 3339. A datetime without a zone is local time, as everywhere in Python."""
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
    return value
