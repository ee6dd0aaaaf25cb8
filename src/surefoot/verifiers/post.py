"""JSON over HTTP with patience: retried where trying again can help, and never for ever.

    wait before try n + 1 = min(longest, first * 2^n), or the server's Retry-After if that is more

Standard library only. A request is worth repeating after a broken connection, a timeout, a
body that is no JSON, and the statuses in AGAIN; any other status is the server's last word.
"""

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from surefoot.core.errors import InputError, ModelError

AGAIN = {408, 409, 425, 429, 500, 502, 503, 504}


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to go on: all in seconds but `tries`.

    deadline: for a call with all its tries and waits. timeout: for one try.
    """

    tries: int = 6
    first: float = 0.5
    longest: float = 8.0
    deadline: float = 600.0
    timeout: float = 300.0


PATIENT = Patience()


class Refused(ModelError):
    """The server answered, and the answer is no: `status` and `text` as they came."""

    def __init__(self, url: str, status: int, text: str) -> None:
        super().__init__(f"{url} answered {status}: {text[:300]}")
        self.status, self.text = status, text


class _Failed(Exception):
    """One try came to nothing, and the next may not; `after`: seconds the server asks for."""

    def __init__(self, reason: str, after: float = 0.0) -> None:
        super().__init__(reason)
        self.after = after


def call_json(
    url: str,
    body: dict[str, Any] | None = None,
    *,
    key: str | None = None,
    patience: Patience = Patience(),  # frozen
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """What the server answers: to POST with a body, to GET without one.

    key: sent as a bearer token. Raises Refused if the server says no, ModelError if there is no
    answer within `patience`, InputError for an address that is none of http or https.
    """
    if not url.startswith(("http://", "https://")):
        raise InputError(f"expected an address that begins with http:// or https://, got {url!r}")
    ends = time.monotonic() + patience.deadline
    for number in range(patience.tries):
        left = ends - time.monotonic()
        try:
            return _once(url, body, key, max(0.001, min(patience.timeout, left)))
        except _Failed as failure:
            reason = str(failure)
            wait = max(failure.after, min(patience.longest, patience.first * 2**number))
        last = number + 1 == patience.tries
        if last or time.monotonic() + wait > ends:
            break
        sleep(wait)
    raise ModelError(
        f"no answer from {url} in {number + 1} tries: {reason}; is the server running, and not "
        "overloaded? The same command goes on from what is finished"
    )


def _once(url: str, body: dict[str, Any] | None, key: str | None, timeout: float) -> dict[str, Any]:
    headers = {"Content-Type": "application/json"}
    headers |= {"Authorization": f"Bearer {key}"} if key is not None else {}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as reply:
            answer = json.loads(reply.read())
    except urllib.error.HTTPError as error:
        raise _verdict(url, error) from error
    except (OSError, http.client.HTTPException) as error:  # of the connection, or a timeout
        raise _Failed(str(error) or type(error).__name__) from error
    except ValueError as error:
        raise _Failed(f"its answer is no JSON ({error})") from error
    if not isinstance(answer, dict):
        raise _Failed(f"its answer is a {type(answer).__name__}, not a JSON object")
    return answer


def _verdict(url: str, error: urllib.error.HTTPError) -> Exception:
    """What a status other than 200 means: the last word, or a reason to try again."""
    if error.code not in AGAIN:
        return Refused(url, error.code, error.read().decode("utf-8", errors="replace"))
    return _Failed(f"status {error.code}", _seconds(error.headers["Retry-After"]))


def _seconds(header: str | None) -> float:
    """Retry-After in seconds; 0 without one, and for a date."""
    try:
        return max(0.0, float(header or 0))
    except ValueError:
        return 0.0
