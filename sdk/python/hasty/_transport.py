"""How requests are sent: connections that stay open, tokens, repeats."""

from __future__ import annotations

import base64
import email.utils
import http.client
import json
import random
import socket
import ssl
import threading
import time
import uuid
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple, Union
from urllib.parse import quote, urlencode, urlsplit

from .errors import HastyError

TokenSource = Union[str, Callable[[], str]]
Query = Mapping[str, Union[str, int, None]]

USER_AGENT = "hasty-python/0.1.0"
#: Statuses of a server that is stopping, starting, away from its broker, or asks for patience.
PASSING = frozenset((0, 429, 502, 503, 504))
#: Idle connections that are kept: more than that many threads at once are rare.
IDLE_MAX = 32


def one_call_key() -> str:
    """An Idempotency-Key for one call and its repeats: the server forgets it after an hour, not a day."""
    return f"once-{uuid.uuid4()}"


def backoff_s(tries: int, first_s: float = 0.1, most_s: float = 2.0) -> float:
    """Full jitter: many clients that failed together do not come back together."""
    return random.uniform(0, min(first_s * 2 ** min(tries, 30), most_s))


class Cut:
    """Ends a request from another thread, by closing its connection."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._conn: Optional[http.client.HTTPConnection] = None
        self.is_cut = False

    def hold(self, conn: Optional[http.client.HTTPConnection]) -> None:
        with self._lock:
            self._conn = conn

    def cut(self) -> None:
        with self._lock:
            self.is_cut = True
            sock = None if self._conn is None else self._conn.sock
            if sock is not None:
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # It was closed already.


class Answer:
    """An answer of status 2xx."""

    def __init__(self, status: int, headers: Mapping[str, str], data: bytes) -> None:
        self.status = status
        self.headers = headers
        self.data = data

    def json(self) -> Any:
        if self.status == 204 or not self.data:
            return None
        try:
            return json.loads(self.data)
        except ValueError:
            kind = self.headers.get("content-type", "no content type")
            raise unexpected_answer(self.status, f"is not JSON ({kind})") from None


class Transport:
    """Sends requests. Any number of threads may share one: each request has a connection for itself."""

    def __init__(
        self,
        url: str,
        token: Optional[TokenSource] = None,
        *,
        retry_for_s: float = 30.0,
        try_timeout_s: float = 10.0,
        on_retry: Optional[Callable[[HastyError, float], None]] = None,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"not an http address: {url!r}")
        self.url = url.rstrip("/")
        self.token = token
        self.retry_for_s = retry_for_s
        self.try_timeout_s = try_timeout_s
        self._on_retry = on_retry
        self._host = parts.hostname
        self._port = parts.port
        self._path = parts.path.rstrip("/")
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._lock = threading.Lock()
        self._idle: List[http.client.HTTPConnection] = []
        self._is_closed = False

    def close(self) -> None:
        with self._lock:
            idle, self._idle, self._is_closed = self._idle, [], True
        for conn in idle:
            conn.close()

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Optional[Query] = None,
        wait_s: int = 0,
        key: Optional[str] = None,
    ) -> Any:
        """Sends a request until it is answered. A POST carries one Idempotency-Key over all of its tries."""
        headers: Dict[str, str] = {}
        if wait_s > 0:
            headers["Prefer"] = f"wait={wait_s}"
        if method == "POST":
            headers["Idempotency-Key"] = key or one_call_key()
        timeout_s = self.try_timeout_s + wait_s
        target = with_query(path, query)
        return self.until_answered(lambda: self.exchange(method, target, body, headers, timeout_s)).json()

    def until_answered(self, attempt: Callable[[], Any]) -> Any:
        """Repeats what failed on the way, for `retry_for_s` from the first failure on."""
        first_failure: Optional[float] = None
        tries = 0
        while True:
            try:
                return attempt()
            except HastyError as error:
                if error.status not in PASSING:
                    raise
                now = time.monotonic()
                first_failure = now if first_failure is None else first_failure
                delay_s = backoff_s(tries) + (error.retry_after_s or 0)
                if now + delay_s > first_failure + self.retry_for_s:
                    raise
                if self._on_retry is not None:
                    self._on_retry(error, delay_s)
                tries += 1
                time.sleep(delay_s)

    def exchange(
        self,
        method: str,
        target: str,
        body: Any,
        headers: Mapping[str, str],
        timeout_s: float,
        cut: Optional[Cut] = None,
    ) -> Answer:
        """One try. Raises HastyError with status 0 where no whole answer came."""
        while True:
            conn, is_used = self._take(timeout_s)
            try:
                response = self._send(conn, method, target, body, headers, cut)
                data = response.read()  # An answer that breaks off is no answer.
            except (OSError, http.client.HTTPException) as error:
                conn.close()
                # The server closes connections that were idle. Every request of this library may be sent twice.
                is_stale = is_used and isinstance(error, (ConnectionError, http.client.RemoteDisconnected))
                if is_stale and not (cut and cut.is_cut):
                    continue
                raise self._unreachable(error) from error
            finally:
                if cut is not None:
                    cut.hold(None)
            self._give(conn, response)
            return _checked(response.status, response.reason, dict_of(response), data)

    def open(self, target: str, headers: Mapping[str, str], cut: Cut) -> Tuple[Any, http.client.HTTPConnection]:
        """Opens a stream. The caller reads the answer and closes the connection."""
        conn, _ = self._take(self.try_timeout_s, fresh=True)
        try:
            response = self._send(conn, "GET", target, None, headers, cut)
            if response.status >= 300:
                _checked(response.status, response.reason, dict_of(response), response.read())
            return response, conn
        except (OSError, http.client.HTTPException) as error:
            conn.close()
            raise self._unreachable(error) from error
        except HastyError:
            conn.close()
            raise

    def _send(
        self,
        conn: http.client.HTTPConnection,
        method: str,
        target: str,
        body: Any,
        headers: Mapping[str, str],
        cut: Optional[Cut],
    ) -> http.client.HTTPResponse:
        sent = {"Accept": "application/json", "User-Agent": USER_AGENT, **headers}
        if self.token is not None and "Authorization" not in sent:
            sent["Authorization"] = f"Bearer {self.token() if callable(self.token) else self.token}"
        data = body
        if body is not None and not isinstance(body, bytes):
            sent["Content-Type"] = "application/json"
            data = to_json(body)
        if conn.sock is None:
            conn.connect()  # With TCP_NODELAY, as http.client has it.
        if cut is not None:
            cut.hold(conn)
            if cut.is_cut:
                raise ConnectionAbortedError("the request was taken back")
        conn.request(method, self._path + target, data, sent)
        return conn.getresponse()

    def _take(self, timeout_s: float, fresh: bool = False) -> Tuple[http.client.HTTPConnection, bool]:
        with self._lock:
            conn = self._idle.pop() if self._idle and not fresh else None
        if conn is not None and conn.sock is not None:
            conn.sock.settimeout(timeout_s)
            return conn, True
        if self._tls is not None:
            return http.client.HTTPSConnection(self._host, self._port, timeout=timeout_s, context=self._tls), False
        return http.client.HTTPConnection(self._host, self._port, timeout=timeout_s), False

    def _give(self, conn: http.client.HTTPConnection, response: http.client.HTTPResponse) -> None:
        if not response.will_close and conn.sock is not None:
            with self._lock:
                if len(self._idle) < IDLE_MAX and not self._is_closed:
                    self._idle.append(conn)
                    return
        conn.close()

    def _unreachable(self, error: BaseException) -> HastyError:
        return HastyError(f"{self.url} did not answer ({error or type(error).__name__})")


class ClientCredentials:
    """A token source that fetches its own tokens: when one is first needed, and again in time. Threads may share it."""

    #: Share of a token's life that is left when the next one is requested.
    RENEW_SHARE = 0.2

    def __init__(self, url: str, client_id: str, client_secret: str) -> None:
        self._transport = Transport(url)
        # Encoded as RFC 6749 requires; ids and secrets made by the server stay unchanged.
        pair = f"{quote(client_id, safe='')}:{quote(client_secret, safe='')}"
        self._basic = "Basic " + base64.b64encode(pair.encode()).decode()
        self._lock = threading.Lock()
        self._token = ""
        self._asked_at = 0.0
        self._life_s = 0.0

    def __call__(self) -> str:
        with self._lock:
            age_s = time.monotonic() - self._asked_at
            if self._token and age_s < self._life_s * (1 - self.RENEW_SHARE):
                return self._token
            try:
                self._renew()
            except HastyError:
                # A token that is still valid is used in the meantime.
                if not self._token or age_s >= self._life_s:
                    raise
            return self._token

    def _renew(self) -> None:
        asked_at = time.monotonic()
        form = b"grant_type=client_credentials"
        headers = {"Authorization": self._basic, "Content-Type": "application/x-www-form-urlencoded"}
        send = self._transport
        answer = send.until_answered(lambda: send.exchange("POST", "/token", form, headers, send.try_timeout_s)).json()
        self._token, self._life_s, self._asked_at = answer["access_token"], float(answer["expires_in"]), asked_at


def is_passing(error: HastyError) -> bool:
    """Whether the same call may do better later: there was no answer, or the server has trouble of its own."""
    return error.status == 0 or error.status == 429 or error.status >= 500


def make_token(
    url: str, token: Optional[TokenSource], client_id: Optional[str], client_secret: Optional[str]
) -> Optional[TokenSource]:
    if client_id is None and client_secret is None:
        return token
    if token is not None or client_id is None or client_secret is None:
        raise ValueError("give either a token, or a client_id and its client_secret")
    return ClientCredentials(url, client_id, client_secret)


def to_json(value: Any) -> bytes:
    """Raises TypeError or ValueError for what is not JSON: NaN, for one, or half of a surrogate pair."""
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()


def with_query(path: str, query: Optional[Query]) -> str:
    given = {name: value for name, value in (query or {}).items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path


def path_of(*parts: str) -> str:
    """A path of which every part is encoded: an id may be any text that a caller pasted."""
    return "/" + "/".join(quote(part.strip(), safe="") for part in parts)


def dict_of(response: http.client.HTTPResponse) -> Dict[str, str]:
    return {name.lower(): value for name, value in response.getheaders()}


def unexpected_answer(status: int, what: str) -> HastyError:
    detail = f"The answer {what}: is this the address of a Hasty server?"
    return HastyError(detail, status=status, code="unexpected-answer")


def _checked(status: int, reason: str, headers: Mapping[str, str], data: bytes) -> Answer:
    if 200 <= status < 300:
        return Answer(status, headers, data)
    retry_after_s = _retry_after_s(headers)
    try:
        problem = json.loads(data)
        code, detail = str(problem["code"]), str(problem["detail"])
    except (ValueError, KeyError, TypeError):
        detail = f"The answer was {status} {reason}".rstrip()
        raise HastyError(detail, status=status, code="unexpected-answer", retry_after_s=retry_after_s) from None
    request_id = problem.get("request_id") or headers.get("hasty-request-id")
    raise HastyError(
        detail, status=status, code=code, request_id=request_id, problem=problem, retry_after_s=retry_after_s
    )


def _retry_after_s(headers: Mapping[str, str]) -> Optional[float]:
    """Seconds that Retry-After asks for, as seconds or as a date by the server's own clock."""
    text = headers.get("retry-after", "").strip()
    if text.isdigit():
        return float(text)
    until = _http_date(text)
    now = _http_date(headers.get("date", ""))
    return None if until is None or now is None else max(0.0, until - now)


def _http_date(text: str) -> Optional[float]:
    try:
        return email.utils.parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, IndexError):
        return None
