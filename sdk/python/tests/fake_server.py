"""A small Hasty for the tests: real HTTP, and answers that the test chooses."""

from __future__ import annotations

import json
import socket
import threading
import time
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Dict, List, NamedTuple, Optional


class Call(NamedTuple):
    method: str
    path: str
    headers: Dict[str, str]
    body: Any


class Reply(NamedTuple):
    status: int = 200
    body: Any = None
    headers: Dict[str, str] = {}


#: The connection is closed without an answer.
CUT = Reply(status=0)

Answer = Callable[[Call], Reply]


def problem(status: int, code: str, **headers: str) -> Reply:
    body = {"status": status, "code": code, "detail": f"a {code} of the test", "request_id": "r-1"}
    return Reply(status, body, headers)


def at(seconds: float) -> str:
    time_then = datetime.now(timezone.utc) + timedelta(seconds=seconds)
    return time_then.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def lent(n: int, **members: Any) -> Dict[str, Any]:
    job = {
        "job_id": f"job-{n}",
        "type": "test",
        "object_id": f"object-{n}",
        "payload": {"n": n},
        "created_at": at(0),
        "attempt": 1,
        "max_attempts": 3,
        "timeout_ms": 60_000,
        "deadline_at": at(60),
        "fencing_token": 100 + n,
        "lease": f"lease-{n}",
        "lease_until": at(10),
    }
    return {**job, **members}


class FakeServer:
    """`with FakeServer() as server`: by default it hands out `jobs`, and takes every end and extension."""

    def __init__(self) -> None:
        self.calls: List[Call] = []
        self.jobs: List[Dict[str, Any]] = []
        #: Answers that come before all others, by the beginning of the path, in order.
        self.next: Dict[str, List[Any]] = {}
        self.extended: Dict[str, Dict[str, Any]] = {}
        self._given: Dict[str, List[Dict[str, Any]]] = {}
        self._changed = threading.Condition()
        self.connections = 0
        #: A test may put another in its place.
        self.usual_answer = self.usual
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Headers and body are two writes: the second must not wait for the ack of the first.
            disable_nagle_algorithm = True

            def setup(self) -> None:
                super().setup()
                fake.connections += 1

            def do(self) -> None:
                length = int(self.headers.get("content-length", 0))
                text = self.rfile.read(length)
                is_json = self.headers.get("content-type") == "application/json"
                body = json.loads(text) if is_json and text else text.decode()
                call = Call(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
                reply = fake.answer(call, self.connection)
                if reply is CUT:
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                data = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
                self.send_response(reply.status)
                for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_DELETE = do

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                pass  # A client that closes its connection is what some tests are about.

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "FakeServer":
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def add(self, *jobs: Dict[str, Any]) -> None:
        with self._changed:
            self.jobs.extend(jobs)
            self._changed.notify_all()

    def calls_to(self, path: str) -> List[Call]:
        return [call for call in self.calls if call.path == path]

    def settled(self) -> List[Any]:
        """The ends of jobs as (lease, verb), in the order of their arrival."""
        found = []
        for call in self.calls:
            for settlement in call.body.get("settle", []) if isinstance(call.body, dict) else []:
                verb = next(name for name in ("complete", "fail", "release") if name in settlement)
                found.append((settlement["lease"], verb))
            verb = call.path.rsplit("/", 1)[-1]
            if verb in ("complete", "fail", "release"):
                found.append((call.body["lease"], verb))
        return found

    def end_of(self, lease: str) -> Any:
        """How the job with this lease ended, as it was said last: {"complete": ...}, or None."""
        for call in reversed(self.calls):
            body = call.body if isinstance(call.body, dict) else {}
            for settlement in body.get("settle", []):
                if settlement["lease"] == lease:
                    return {name: value for name, value in settlement.items() if name != "lease"}
            verb = call.path.rsplit("/", 1)[-1]
            if verb in ("complete", "fail", "release") and body["lease"] == lease:
                return {verb: {name: value for name, value in body.items() if name != "lease"}}
        return None

    def until(self, is_true: Callable[[], Any], timeout_s: float = 10.0) -> Any:
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            found = is_true()
            if found:
                return found
            time.sleep(0.01)
        raise AssertionError(f"it did not happen; calls: {[(call.path, call.body) for call in self.calls]}")

    def answer(self, call: Call, connection: socket.socket) -> Reply:
        self.calls.append(call)
        for path, replies in self.next.items():
            if call.path.startswith(path) and replies:
                reply = replies.pop(0)
                return reply(call) if callable(reply) else reply
        return self.usual_answer(call, connection)

    def usual(self, call: Call, connection: Optional[socket.socket] = None) -> Reply:
        if call.path == "/v1/work":
            return self.claim(call, connection)
        if call.path == "/v1/work/extend":
            leases = [self._extended(member["lease"], call.body["lease_s"]) for member in call.body["leases"]]
            return Reply(body={"leases": leases})
        return Reply(body=self._settled(call.body["lease"], call.path.rsplit("/", 1)[-1]))

    def claim(self, call: Call, connection: Optional[socket.socket] = None) -> Reply:
        """The claim as the server does it: the same `claim_id` gets the same jobs."""
        body = call.body
        settled = [
            self._settled(one["lease"], next(v for v in ("complete", "fail", "release") if v in one))
            for one in body.get("settle", [])
        ]
        claim_id = body.get("claim_id")
        with self._changed:
            jobs = self._given.get(claim_id)
            if jobs is None:
                end = time.monotonic() + body.get("wait_s", 0)
                while body["max"] > 0 and not self.jobs and time.monotonic() < end and not _is_closed(connection):
                    self._changed.wait(0.02)
                # Nothing is handed out to a worker that has closed its connection.
                jobs = [] if _is_closed(connection) else self.jobs[: body["max"]]
                del self.jobs[: len(jobs)]
                if claim_id is not None:
                    self._given[claim_id] = jobs
        return Reply(body={"settled": settled, "jobs": jobs, "draining": False})

    def _extended(self, lease: str, lease_s: int) -> Dict[str, Any]:
        return self.extended.get(lease, {"lease": lease, "job_id": None, "status": "ok", "lease_until": at(lease_s)})

    def _settled(self, lease: str, verb: str) -> Dict[str, Any]:
        status = {"complete": "finished", "fail": "retrying", "release": "released"}[verb]
        return {"lease": lease, "job_id": None, "status": status}


def _is_closed(connection: Optional[socket.socket]) -> bool:
    if connection is None:
        return False
    try:
        connection.setblocking(False)
        return connection.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        try:
            connection.setblocking(True)
        except OSError:
            pass
