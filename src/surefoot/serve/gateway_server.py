"""The gateway behind uvicorn: how it ends, and how long it waits for a request to come.

    listen(gateway(...), bound("127.0.0.1", 8000), grace=5.0)

On SIGINT or SIGTERM it takes no more connections, and answers 503 to what has not begun. What has
begun may finish within `grace` seconds; then its best solution so far is the answer, or 503. The
process waits for model calls under way; a second SIGINT ends it at once.

A connection whose next request is not wholly there `HEAD_SECONDS` after it began (or after the
connection did) is closed. The body's time is the guard's affair (`gateway_guard`).
"""

import asyncio
import signal
import socket
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING, Any

from surefoot.core.errors import InputError

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI

HEAD_SECONDS = 10.0  # for the first line and the headers of a request
LAST_WORDS = 5.0  # seconds to send what is left once everything has been told to stop
SPARE_FILES = 128  # descriptors for anything but connections
MOST_CONNECTIONS = 10_000


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens at an address; port 0 takes a free one. InputError if it cannot."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        raise InputError(
            f"cannot listen at {host} port {port}: {error}; name an address of this machine and a "
            "port that nobody has taken (0 takes a free one)"
        ) from error


def listen(app: "FastAPI", sock: socket.socket, *, grace: float = 5.0) -> None:
    """Serves a gateway at a bound socket until SIGINT or SIGTERM.

    grace: seconds that searches have to end once a signal came.
    """
    with suppress(KeyboardInterrupt):  # uvicorn passes the signal on once it has ended
        server(app, grace=grace).run(sockets=[sock])


def server(app: "FastAPI", *, grace: float = 5.0) -> "uvicorn.Server":
    """The server of a gateway, for those who run it in a thread or loop of their own."""
    import uvicorn

    class Server(uvicorn.Server):
        """Tells the gateway's desk to end when uvicorn begins to stop, not when it has stopped."""

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            """A second Ctrl-C ends the process at once: a model's call cannot be interrupted."""
            if self.should_exit and sig == signal.SIGINT:
                signal.signal(sig, signal.SIG_DFL)
                signal.raise_signal(sig)
            super().handle_exit(sig, frame)

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            ending = asyncio.create_task(app.state.desk.end(grace))
            await super().shutdown(sockets)
            ending.cancel()

    config = uvicorn.Config(
        app,
        ws="none",
        log_level="warning",
        timeout_graceful_shutdown=round(grace + LAST_WORDS),
        limit_concurrency=_most_connections(),
    )
    config.load()
    config.http_protocol_class = _with_timed_heads(config.http_protocol_class)
    return Server(config)


def _with_timed_heads(protocol: Any) -> Any:
    """uvicorn's protocol (whichever of its two), with a limit to how long a request may be in
    coming: uvicorn itself limits only how long a connection may be silent after an answer."""

    class TimedHeads(protocol):  # type: ignore[misc]  # known when the server starts
        _timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            self._expect_head()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.cycle is not None and not self.cycle.response_complete:
                self._stop_timer()  # a whole head, and its request is being worked on
            elif self._timer is None:  # part of the next head, or of a body that nobody reads
                self._expect_head()

        def connection_lost(self, error: Exception | None) -> None:
            self._stop_timer()
            super().connection_lost(error)

        def _expect_head(self) -> None:
            self._timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)

        def _stop_timer(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    return TimedHeads


def _most_connections() -> int:
    """As many as this process may have files open: beyond them it could not even refuse."""
    try:
        import resource
    except ImportError:  # not Unix
        return MOST_CONNECTIONS
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    return max(1, min(MOST_CONNECTIONS, soft - SPARE_FILES))
