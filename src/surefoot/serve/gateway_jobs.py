"""Work that requests wait for: begun in the crew's threads, waited for in the event loop.

Whoever goes away, or waits too long, stops the work; it ends at its next model call.
"""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from surefoot.core.errors import Stopped
from surefoot.engine import OpenCrew
from surefoot.serve.gateway_errors import Refusal, refusal_of
from surefoot.serve.gateway_watch import Watch

T = TypeVar("T")
Ended = Callable[[Watch, Future[Any]], None]
PULSE = 1.0  # seconds between two signs of life


@dataclass(frozen=True, slots=True)
class Job(Generic[T]):
    """One piece of work, and its watch."""

    watch: Watch
    future: Future[T]


class Desk:
    """Takes work as long as there is room. Safe in any thread.

    waiting: how much may wait for one of the crew's threads.
    """

    def __init__(self, crew: OpenCrew, *, waiting: int) -> None:
        self._crew, self._room = crew, crew.size + waiting
        self._lock = threading.Lock()
        self._taken: dict[Watch, Future[Any] | None] = {}
        self.ending = False  # no work is taken any more
        self.over = asyncio.Event()  # nobody may be waited for any longer

    @property
    def taken(self) -> int:
        """Work that runs or waits; work that was stopped counts until it has ended."""
        return len(self._taken)

    def begin(
        self, works: Sequence[tuple[Watch, Callable[[], T]]], *, ended: Ended
    ) -> list[Job[T]]:
        """All of them, or none: Refusal (429) if there is not room for all, 503 at the end.

        ended: told of each, when its thread is done with it.
        """
        with self._lock:
            if self.ending:
                raise refusal_of(Stopped("the server is stopping"))
            if len(self._taken) + len(works) > self._room:
                raise Refusal(
                    429,
                    f"{len(self._taken)} of {self._room} places are taken, and {len(works)} are "
                    "asked for; try again soon",
                    code="too_busy",
                )
            self._taken |= {watch: None for watch, _ in works}
        return [Job(watch, self._begun(watch, work, ended)) for watch, work in works]

    async def end(self, grace: float) -> None:
        """No new work is taken, and what has not begun is cancelled; after `grace` seconds the rest
        is told to stop, and whoever waits takes what there is of it."""
        with self._lock:
            self.ending = True
            futures = list(self._taken.values())
        for future in futures:
            if future is not None:
                future.cancel()  # does nothing to what has begun
        await asyncio.sleep(grace)
        self.stop_all()

    def stop_all(self) -> None:
        """Nobody waits any more."""
        with self._lock:
            self.ending = True
            for watch in self._taken:
                watch.stop.set()
        self.over.set()

    def _begun(self, watch: Watch, work: Callable[[], T], ended: Ended) -> Future[T]:
        def leave(future: Future[T]) -> None:
            with self._lock:
                del self._taken[watch]
            ended(watch, future)

        future = self._crew.submit(work, watch.stop)
        with self._lock:
            self._taken[watch] = future
        future.add_done_callback(leave)
        return future


def stop(jobs: Sequence[Job[T]]) -> None:
    """Ends them all; those that have ended do not mind."""
    for job in jobs:
        job.watch.stop.set()
        job.future.cancel()  # if it has not begun


async def settled(
    jobs: Sequence[Job[T]], seconds: float, *, over: asyncio.Event, pulse: float = PULSE
) -> AsyncIterator[int | None]:
    """Yields the index of each job as it ends, and None as a sign of life meanwhile.

    Those that have not ended after `seconds`, or once it is `over`, are not yielded.
    """
    ends = time.monotonic() + seconds
    waiting = {_awaitable(job.future): index for index, job in enumerate(jobs)}
    end = asyncio.ensure_future(over.wait())
    try:
        while waiting and not over.is_set() and (left := ends - time.monotonic()) > 0:
            awaited: set[asyncio.Future[Any]] = {*waiting, end}
            done, _ = await asyncio.wait(
                awaited, timeout=min(pulse, left), return_when=asyncio.FIRST_COMPLETED
            )
            for future in waiting.keys() & done:
                yield waiting.pop(future)
            if not done:
                yield None
    finally:
        end.cancel()


def _awaitable(future: Future[T]) -> asyncio.Future[T]:
    waited = asyncio.wrap_future(future)
    waited.add_done_callback(_seen)
    return waited


def _seen(future: Future[T] | asyncio.Future[T]) -> None:
    """An error is not lost where nobody waits for it any more: it is of no interest."""
    if not future.cancelled():
        future.exception()
