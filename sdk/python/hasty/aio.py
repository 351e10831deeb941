"""The client for asyncio. It is the blocking client in threads: each call that waits takes one of `max_threads`."""

from __future__ import annotations

import asyncio
import functools
from concurrent.futures import ThreadPoolExecutor
from typing import Any, AsyncIterator, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, TypeVar

from ._events import Events
from .client import Hasty
from .models import BatchResult, Event, Job, JobAccepted, JobSummary, Message, NewJob, Request

T = TypeVar("T")
_END: Any = object()


class AsyncHasty:
    """The methods of `Hasty`, with the same arguments, to be awaited; lists and events are for `async for`."""

    def __init__(self, url: str, *, max_threads: int = 32, **options: Any) -> None:
        self._client = Hasty(url, **options)
        self._threads = ThreadPoolExecutor(max_threads, thread_name_prefix="hasty")

    async def __aenter__(self) -> "AsyncHasty":
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._client.close()
        self._threads.shutdown(wait=False)

    async def _in_thread(self, call: Callable[..., T], *args: Any, **options: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, functools.partial(call, *args, **options)
        )

    async def _each(self, items: Iterator[T]) -> AsyncIterator[T]:
        while True:
            item = await self._in_thread(next, items, _END)
            if item is _END:
                return
            yield item

    async def _each_event(self, events: Events) -> AsyncIterator[Event]:
        try:
            async for event in self._each(events):
                yield event
        finally:
            events.close()

    async def create(self, type: str, payload: Any = None, **options: Any) -> JobAccepted:
        return await self._in_thread(self._client.create, type, payload, **options)

    async def run(self, type: str, payload: Any = None, *, wait_s: float = 60.0, **options: Any) -> Any:
        return await self._in_thread(self._client.run, type, payload, wait_s=wait_s, **options)

    async def batch(
        self, jobs: Iterable[NewJob], *, atomic: bool = False, idempotency_key: Optional[str] = None
    ) -> BatchResult:
        return await self._in_thread(self._client.batch, jobs, atomic=atomic, idempotency_key=idempotency_key)

    async def get(self, job_id: str) -> Job:
        return await self._in_thread(self._client.get, job_id)

    async def wait(self, job_id: str, *, wait_s: float = 60.0) -> Job:
        return await self._in_thread(self._client.wait, job_id, wait_s=wait_s)

    async def cancel(self, job_id: str, **options: Any) -> Job:
        return await self._in_thread(self._client.cancel, job_id, **options)

    async def retry(self, job_id: str, **options: Any) -> Job:
        return await self._in_thread(self._client.retry, job_id, **options)

    def list(self, **filters: Any) -> AsyncIterator[JobSummary]:
        return self._each(self._client.list(**filters))

    def events(self, job_id: str, *, after_seq: Optional[int] = None) -> AsyncIterator[Event]:
        return self._each_event(self._client.events(job_id, after_seq=after_seq))

    def all_events(self, **filters: Any) -> AsyncIterator[Event]:
        return self._each_event(self._client.all_events(**filters))

    async def why(self, job_id: str) -> Dict[str, Any]:
        return await self._in_thread(self._client.why, job_id)

    async def stats(self) -> Dict[str, Any]:
        return await self._in_thread(self._client.stats)

    async def put_type(
        self,
        type: str,
        *,
        policy: Optional[Mapping[str, Any]] = None,
        payload_schema: Optional[Mapping[str, Any]] = None,
    ) -> Dict[str, Any]:
        return await self._in_thread(self._client.put_type, type, policy=policy, payload_schema=payload_schema)

    async def delete_type(self, type: str) -> None:
        await self._in_thread(self._client.delete_type, type)

    async def create_request(self, *, steps: Optional[List[Dict[str, Any]]] = None, **options: Any) -> Request:
        return await self._in_thread(self._client.create_request, steps=steps, **options)

    async def get_request(self, request_id: str) -> Request:
        return await self._in_thread(self._client.get_request, request_id)

    async def wait_request(self, request_id: str, *, wait_s: float = 60.0) -> Request:
        return await self._in_thread(self._client.wait_request, request_id, wait_s=wait_s)

    async def cancel_request(self, request_id: str, **options: Any) -> Request:
        return await self._in_thread(self._client.cancel_request, request_id, **options)

    async def retry_request(self, request_id: str, **options: Any) -> Request:
        return await self._in_thread(self._client.retry_request, request_id, **options)

    async def signal_request(self, request_id: str, name: str, **options: Any) -> Request:
        return await self._in_thread(self._client.signal_request, request_id, name, **options)

    def list_requests(self, **filters: Any) -> AsyncIterator[Request]:
        return self._each(self._client.list_requests(**filters))

    async def send_messages(self, messages: Iterable[Message], *, idempotency_key: Optional[str] = None) -> int:
        return await self._in_thread(self._client.send_messages, messages, idempotency_key=idempotency_key)
