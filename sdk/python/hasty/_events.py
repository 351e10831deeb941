"""Events as they come over the wire (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

from __future__ import annotations

import http.client
import json
import time
from typing import Any, Dict, Iterator, List, Optional, Tuple, cast

from ._transport import Cut, Query, Transport, backoff_s, dict_of, unexpected_answer, with_query
from .models import Event

#: Silence after which a stream counts as broken: the server sends a comment every 15 s.
SILENT_S = 45.0
#: Shortest time between two immediate reconnects, which follow a stream that had events.
AT_ONCE_EVERY_S = 1.0


class Events(Iterator[Event]):
    """Events, over as many connections as needed: each continues after the last event seen, without gap or repeat.

    Iterate over it. `close()` ends it, from any thread.
    """

    def __init__(self, transport: Transport, path: str, query: Optional[Query], after_seq: Optional[int]) -> None:
        self._transport = transport
        self._target = with_query(path, query)
        self._last_id = after_seq
        self._cut = Cut()
        self._events = self._follow()

    def __iter__(self) -> "Events":
        return self

    def __next__(self) -> Event:
        return next(self._events)

    def __enter__(self) -> "Events":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._cut.cut()

    def _follow(self) -> Iterator[Event]:
        broken = 0
        last_at_once = float("-inf")
        while not self._cut.is_cut:
            is_news = False
            try:
                for event in self._one_stream():
                    is_news = True
                    # An id alone is nothing for the reader, but the next connection continues from there.
                    if event is not None:
                        yield event
            except _AllSent:
                return
            except (OSError, http.client.HTTPException):
                pass  # The kind of the failure does not matter: the next connection will show it.
            now = time.monotonic()
            broken = 0 if is_news else broken + 1
            if is_news and now - last_at_once >= AT_ONCE_EVERY_S:
                last_at_once = now
            elif not self._cut.is_cut:
                time.sleep(0.1 + backoff_s(broken))

    def _one_stream(self) -> Iterator[Optional[Event]]:
        headers = {"Accept": "text/event-stream"}
        if self._last_id is not None:
            headers["Last-Event-ID"] = str(self._last_id)
        response, conn = self._transport.until_answered(lambda: self._open(headers))
        try:
            if response.status == 204:
                raise _AllSent
            kind = dict_of(response).get("content-type", "no content type")
            if not kind.startswith("text/event-stream"):
                raise unexpected_answer(response.status, f"is no event stream ({kind})")
            conn.sock.settimeout(SILENT_S)
            for event_id, name, data in parse_stream(response):
                if not event_id.isdigit():
                    continue
                seq = int(event_id)
                if name != "reset" and self._last_id is not None and seq <= self._last_id:
                    continue
                self._last_id = seq
                yield None if data is None else cast(Event, {**json.loads(data), "event": name, "seq": seq})
        finally:
            self._cut.hold(None)
            response.close()
            conn.close()

    def _open(self, headers: Dict[str, str]) -> Tuple[Any, http.client.HTTPConnection]:
        if self._cut.is_cut:
            raise _AllSent
        return self._transport.open(self._target, headers, self._cut)


class _AllSent(Exception):
    """The server has sent all events of the job, or the reader has closed the stream."""


def parse_stream(lines: Iterator[bytes]) -> Iterator[Tuple[str, str, Optional[str]]]:
    """Yields (last id, name, data) for each event; data is None where only an id came."""
    event_id, name = "", ""
    data: List[str] = []
    has_new_id = False
    for raw in lines:
        line = raw.decode("utf-8").rstrip("\r\n")
        if line == "":
            if data or has_new_id:
                yield event_id, name or "message", "\n".join(data) if data else None
            name, data, has_new_id = "", [], False
            continue
        field, _, value = line.partition(":")
        value = value[1:] if value.startswith(" ") else value
        if field == "data":
            data.append(value)
        elif field == "event":
            name = value
        elif field == "id" and "\0" not in value:
            event_id, has_new_id = value, True
