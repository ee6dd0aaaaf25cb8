"""JSON over HTTP with patience: retried where trying again can help, and never for ever.

    wait before try k + 1 = max(u * min(longest, first * 2^k), the server's Retry-After)
    with u even in [1/2, 1], so that calls that failed together do not come back together

A request is worth repeating after a broken connection, a timeout, a body that is cut off or
no JSON, and the statuses 408, 409, 425, 429 and most of 500 and above; any other status is the
server's last word. One deadline covers all tries, waits and slow bodies of a call.
"""

import email.utils
import ipaddress
import json
import os
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from surefoot.core.errors import InputError, ModelError, need

T = TypeVar("T")
Json = dict[str, Any]

AGAIN = frozenset({408, 409, 425, 429})
LAST_WORD = frozenset({501, 505})
KEY_END = 4  # letters of a key that servers show: "Incorrect API key provided: sk-ab****wxyz"
OVERFLOW = re.compile(
    r"context.{0,5}length|context size|maximum.{0,20}(tokens|length)|reduce the length"
    r"|max_tokens must be at least|greater than max_model_len",
    re.I,
)
"""What servers say of a request that is longer than their context."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to go on: all in seconds but `tries`.

    deadline: for a call with all its tries and waits. timeout: for one try.
    """

    tries: int = 12
    first: float = 0.5
    longest: float = 8.0
    deadline: float = 600.0
    timeout: float = 300.0


PATIENT = Patience()


KEY_CURE = (
    "; the API key is read from the environment variable SUREFOOT_API_KEY (for OpenAI's own "
    "servers also from OPENAI_API_KEY): set it to one that this server accepts"
)


class Refused(ModelError):
    """The server answered, and the answer is no: `status` and `text` as they came."""

    def __init__(self, url: str, status: int, text: str) -> None:
        cure = KEY_CURE if status in (401, 403) else ""
        super().__init__(f"{url} answered {status}: {text[:300]}{cure}")
        self.status, self.text = status, text

    @property
    def overflow(self) -> bool:
        """Is it because the request does not fit into the model's context?"""
        return self.status in (400, 413, 422) and OVERFLOW.search(self.text) is not None


class Failed(Exception):
    """One try came to nothing, and the next may not; `after`: seconds the server asks for."""

    def __init__(self, reason: str, after: float = 0.0) -> None:
        super().__init__(reason)
        self.reason, self.after = reason, after


@dataclass(slots=True)
class _Server:
    """One of several: how many calls it is at work on, and since when it may be asked again."""

    url: str
    busy: int = 0
    served: int = 0
    rests_until: float = 0.0


class Servers:
    """Servers that answer alike. A try goes to the idlest; one that failed rests for a while.

    urls: of their APIs, such as "http://localhost:8000/v1"; several share the work.
    key: sent as a bearer token, and shown nowhere: not in errors, logs or `repr`.
    happened: how many calls ended well ("answered"), and what befell those that did not.
    Raises InputError for an address that is none of http or https, or that holds a password.
    """

    def __init__(
        self,
        urls: Sequence[str],
        *,
        key: str | None = None,
        patience: Patience = PATIENT,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._httpx = need("httpx", "endpoint")
        self._servers = [_Server(checked_url(url)) for url in urls]
        if not self._servers:
            raise InputError("expected the address of one server or more, got none")
        self._key, self._patience, self._sleep = key, patience, sleep
        headers = {"Content-Type": "application/json"}
        headers |= {"Authorization": f"Bearer {key}"} if key is not None else {}
        limits = self._httpx.Limits(max_connections=None, max_keepalive_connections=64)
        self._client = self._httpx.Client(headers=headers, limits=limits)
        self._lock = threading.Lock()
        self.happened: Counter[str] = Counter()

    @property
    def urls(self) -> tuple[str, ...]:
        """Their addresses."""
        return tuple(server.url for server in self._servers)

    def call(
        self,
        path: str,
        body: Json | None = None,
        *,
        read: Callable[[Json], T],
        patience: Patience | None = None,
    ) -> T:
        """What `read` makes of an answer: to POST with a body, to GET without one.

        read: raises Failed for an answer that is worth asking for again.
        Raises Refused if a server says no, ModelError if none answers within the patience.
        """
        patience = patience or self._patience
        ends = time.monotonic() + patience.deadline
        data = None if body is None else json.dumps(body).encode()  # ASCII: any text can be sent
        for number in range(patience.tries):
            seconds = max(0.001, min(patience.timeout, ends - time.monotonic()))
            server = self._idlest()
            try:
                answer = read(self._answer(server.url + path, data, seconds))
            except Failed as failure:
                wait = self._failed(server, failure, number, patience)
                reason = failure.reason
            else:
                self._note("answered")
                return answer
            finally:
                self._done(server)
            if number + 1 == patience.tries or time.monotonic() + wait > ends:
                break
            if wait > 0:
                self._sleep(wait)
        self._note("given up")
        raise ModelError(
            f"no answer from {server.url}{path} in {number + 1} tries: {self._told(reason)}; is "
            "the server running, and not overloaded? The same command goes on from what is finished"
        )

    def close(self) -> None:
        """Ends all connections."""
        self._client.close()

    def note(self, what: str) -> None:
        """Counts something that happened."""
        self._note(what)

    def _note(self, what: str) -> None:
        with self._lock:
            self.happened[what] += 1

    def _idlest(self) -> _Server:
        with self._lock:
            now = time.monotonic()
            server = min(
                self._servers, key=lambda s: (max(0.0, s.rests_until - now), s.busy, s.served)
            )
            server.busy += 1
            server.served += 1
        return server

    def _done(self, server: _Server) -> None:
        with self._lock:
            server.busy -= 1

    def _failed(self, server: _Server, failure: Failed, number: int, patience: Patience) -> float:
        """Lets the server rest; the seconds until any of them may be asked."""
        backoff = random.uniform(0.5, 1) * min(patience.longest, patience.first * 2.0**number)
        wait = max(failure.after, backoff)
        with self._lock:
            self.happened[failure.reason.partition(":")[0]] += 1
            now = time.monotonic()
            if len(self._servers) == 1:
                return wait
            server.rests_until = max(server.rests_until, now + wait)
            awake = min(s.rests_until for s in self._servers)
            return max(0.0, awake - now)

    def _answer(self, url: str, data: bytes | None, seconds: float) -> Json:
        """One try."""
        ends = time.monotonic() + seconds
        timeout = self._httpx.Timeout(seconds, connect=min(seconds, 20.0))
        method = "GET" if data is None else "POST"
        pieces: list[bytes] = []
        try:
            with self._client.stream(method, url, content=data, timeout=timeout) as reply:
                for piece in reply.iter_bytes():
                    pieces.append(piece)
                    if time.monotonic() > ends:  # one byte a minute never meets httpx's timeout
                        raise Failed(f"timeout: the body took more than {seconds:.3g} s")
        except self._httpx.TimeoutException as error:
            raise Failed(f"timeout: {error or type(error).__name__}") from error
        except self._httpx.TransportError as error:
            raise Failed(f"broken connection: {error or type(error).__name__}") from error
        except self._httpx.DecodingError as error:
            raise Failed(f"malformed answer: {error}") from error
        text = b"".join(pieces).decode("utf-8", errors="replace")
        if reply.status_code != 200:
            raise self._verdict(url, reply.status_code, reply.headers, text)
        return self._parsed(url, text)

    def _parsed(self, url: str, text: str) -> Json:
        try:
            answer = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise Failed(f"malformed answer: no JSON ({error})") from error
        if not isinstance(answer, dict):
            raise Failed(f"malformed answer: a {type(answer).__name__}, not a JSON object")
        refusal = answer.get("error")
        if isinstance(refusal, dict):  # some gateways say 200 and mean no
            code = refusal.get("code")
            status = code if isinstance(code, int) else 500
            raise self._verdict(url, status, {}, json.dumps(refusal))
        return answer

    def _verdict(self, url: str, status: int, headers: Any, text: str) -> Exception:
        """What a status other than 200 means: the last word, or a reason to try again."""
        again = status in AGAIN or (status >= 500 and status not in LAST_WORD)
        if again and "insufficient_quota" not in text:
            return Failed(f"status {status}: {self._told(text)[:200]}", retry_after(headers))
        return Refused(url, status, self._told(text))

    def _told(self, text: str) -> str:
        """Words of a server without the key, which some repeat, whole or with its ends shown."""
        if not self._key:
            return text
        text = text.replace(self._key, "[key]")
        if len(self._key) < 2 * KEY_END:
            return text
        return re.sub(rf"[^\s'\"]*{re.escape(self._key[-KEY_END:])}", "[key]", text)


def call_json(
    url: str,
    body: Json | None = None,
    *,
    key: str | None = None,
    patience: Patience = PATIENT,
    sleep: Callable[[float], None] = time.sleep,
) -> Json:
    """One call of one server; see `Servers.call`, of which it has the errors."""
    servers = Servers([url], key=key, patience=patience, sleep=sleep)
    try:
        return servers.call("", body, read=lambda answer: answer)
    finally:
        servers.close()


def retry_after(headers: Any) -> float:
    """The seconds a server asks to wait, in any of the three ways; 0 if it does not."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        text = headers.get(name) or ""
        try:
            return max(0.0, scale * float(text))
        except ValueError:
            continue
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return 0.0


def checked_url(url: str) -> str:
    """An address without its last slash. Raises InputError for one that cannot be used."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for a port that is no number
    except ValueError as error:
        raise InputError(f"{url.partition('?')[0]!r} is no address: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError(f"expected an address that begins with http:// or https://, got {url!r}")
    if parts.username or parts.password:
        raise InputError(
            f"the address of {parts.hostname} holds a name or password; leave them out, and put "
            "the key into the environment (SUREFOOT_API_KEY)"
        )
    if parts.query:  # never shown: some put their key there
        raise InputError(
            f"the address of {parts.hostname} has a query ('?...'), and paths are added to its "
            "end; leave that out, and put the key into the environment (SUREFOOT_API_KEY)"
        )
    return url.rstrip("/")


def key_for(urls: Sequence[str], name: str | None = None) -> str | None:
    """The API key from the environment; None if there is none.

    name: of the variable. Without it SUREFOOT_API_KEY is used, for any server, else
      OPENAI_API_KEY, for OpenAI's own only: nobody else is sent it.
    Raises InputError for a named variable that is not set, and for a key on its way to another
    machine unencrypted.
    """
    hosts = [urlsplit(checked_url(url)).hostname or "" for url in urls]
    if name is not None and not os.environ.get(name):
        raise InputError(f"expected the API key in the environment variable {name}, found none")
    key = os.environ.get(name or "SUREFOOT_API_KEY")
    if key is None and all(host.endswith(".openai.com") for host in hosts):
        key = os.environ.get("OPENAI_API_KEY")
    for url, host in zip(urls, hosts, strict=True):
        if key and url.startswith("http://") and not _private(host):
            raise InputError(f"an API key is not sent to {host} unencrypted; use https://")
    return key or None


def _private(host: str) -> bool:
    """Is it this machine, or one on a network of one's own?"""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:  # a name
        return host == "localhost" or "." not in host or host.endswith((".local", ".internal"))
