"""Many problems at once, their model calls merged.

    Crew      runs a function on a list of items and is done
    OpenCrew  stays; work joins and leaves at any time, as in a server

An algorithm handles one problem and calls its model as if it were alone. A `Crew`
runs many in threads; a call that goes through `crew.merged(complete)` waits, and
when every thread of the crew waits, all that was asked for goes to `complete`
as one batch. No timer is involved: the same calls always make up the same
batches. The thread that called `map` does the model work, since it has nothing
else to do, and since each further thread that computes would bring a pool of
OpenMP threads of its own: with more of those than cores they stop spinning at
their barriers, which made a small model's steps half as fast.

In an `OpenCrew` one thread does all model work. Whenever it is free it takes what was
asked for meanwhile, so calls merge the more, the busier it is. Who joins an idle crew
never waits for others; who comes while others are about to ask waits `linger` at most.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, TypeVar

from surefoot.core.errors import Stopped, SurefootError

A = TypeVar("A")
B = TypeVar("B")
Q = TypeVar("Q")
R = TypeVar("R")


@dataclass(slots=True)
class _Ticket:
    """One waiting call: what it asked, and where the answer goes."""

    requests: Sequence[Any]
    complete: Callable[[Sequence[Any]], list[Any]]
    stop: threading.Event = field(default_factory=threading.Event)
    future: Future[list[Any]] = field(default_factory=Future)


class Crew:
    """Runs a function on many items, at most `size` at a time, merging their model calls."""

    def __init__(self, size: int = 64) -> None:
        self.size = size
        self._lock = threading.Lock()
        self._members = threading.local()
        self._working = 0  # threads that may still ask for something
        self._tickets: list[_Ticket] = []
        self._batches: SimpleQueue[list[_Ticket] | None] = SimpleQueue()  # None: all have left

    def map(
        self,
        work: Callable[[A], B],
        items: Iterable[A],
        *,
        done: Callable[[B], None] = lambda _: None,
    ) -> list[B]:
        """[work(item) for item in items], in order; `done` is told each result as it comes.

        The first exception is raised after all items have been tried, so that
        what the others cost is not lost.
        """
        with ThreadPoolExecutor(self.size) as pool:
            items = list(items)
            lanes = min(self.size, len(items))
            with self._lock:
                self._working += lanes
            queue = list(reversed(list(enumerate(items))))
            results: dict[int, B] = {}
            errors: dict[int, BaseException] = {}

            def lane() -> None:
                self._members.inside = True
                try:
                    while True:
                        with self._lock:
                            if not queue:
                                return
                            index, item = queue.pop()
                        try:
                            results[index] = work(item)
                            done(results[index])
                        except BaseException as error:  # noqa: BLE001 - re-raised by map
                            errors[index] = error
                finally:
                    self._leave()

            for _ in range(lanes):
                pool.submit(lane)
            try:
                for batch in self._batches_until_all_left(lanes):
                    _serve(batch)
            except BaseException as stopped:  # such as Ctrl-C: nobody starts anything new
                with self._lock:
                    queue.clear()
                for batch in self._batches_until_all_left(lanes):
                    _fail(batch, stopped)
                raise
        if errors:
            raise errors[min(errors)]
        return [results[index] for index in range(len(items))]

    def merged(
        self, complete: Callable[[Sequence[Q]], list[R]]
    ) -> Callable[[Sequence[Q]], list[R]]:
        """`complete` for use inside `map`: its calls are merged. Outside it is called at once."""

        def ask(requests: Sequence[Q]) -> list[R]:
            if not getattr(self._members, "inside", False):
                return complete(requests)
            ticket = _Ticket(requests, complete)
            with self._lock:
                self._tickets.append(ticket)
                self._hand_over_if_due()
            return ticket.future.result()

        return ask

    def _leave(self) -> None:
        """A thread has no more work: perhaps all the others are waiting."""
        self._members.inside = False
        with self._lock:
            self._working -= 1
            self._hand_over_if_due()
            if not self._working:
                self._batches.put(None)

    def _hand_over_if_due(self) -> None:
        """All tickets make a batch once everybody waits. Called with the lock held."""
        if self._tickets and len(self._tickets) >= self._working:
            self._batches.put(self._tickets)
            self._tickets = []

    def _batches_until_all_left(self, lanes: int) -> Iterable[list[_Ticket]]:
        return iter(self._batches.get, None) if lanes else ()


class OpenCrew:
    """Runs work that comes at any time, at most `size` at once, merging its model calls.

    linger: seconds that a call waits for those that are about to be made.
    """

    def __init__(self, size: int = 64, *, linger: float = 0.02) -> None:
        self.size, self.linger = size, linger
        self._pool = ThreadPoolExecutor(size, thread_name_prefix="surefoot-work")
        self._members = threading.local()
        self._changed = threading.Condition()
        self._working = 0  # threads that may still ask for something, or wait for an answer
        self._tickets: list[_Ticket] = []
        self._open = True
        self._model = threading.Thread(target=self._serve_all, name="surefoot-model", daemon=True)
        self._model.start()

    def submit(self, work: Callable[[], B], stop: threading.Event) -> Future[B]:
        """`work()` in a thread of the crew, as soon as one is free.

        stop: once set, work that waits for its turn never begins, and a merged call that is made
          or still waits to be answered raises Stopped.
        """

        def member() -> B:
            if stop.is_set():
                raise Stopped("told to stop before it began")
            self._members.stop = stop
            self._join(1)
            try:
                return work()
            finally:
                self._members.stop = None
                self._join(-1)

        return self._pool.submit(member)

    def merged(
        self, complete: Callable[[Sequence[Q]], list[R]]
    ) -> Callable[[Sequence[Q]], list[R]]:
        """`complete` for use by submitted work: its calls are merged. Others call it at once.

        Where a merged call raises a SurefootError each part of it is asked for alone, so that
        one bad request fails nobody else's.
        """

        def ask(requests: Sequence[Q]) -> list[R]:
            stop = getattr(self._members, "stop", None)
            if stop is None:
                return complete(requests)
            ticket = _Ticket(requests, complete, stop)
            with self._changed:
                self._tickets.append(ticket)
                self._changed.notify_all()
            return ticket.future.result()

        return ask

    def close(self) -> None:
        """Waits for the work that has begun; the rest is cancelled. No thread is left."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        with self._changed:
            self._open = False
            self._changed.notify_all()
        self._model.join()

    def _join(self, change: int) -> None:
        with self._changed:
            self._working += change
            self._changed.notify_all()

    def _serve_all(self) -> None:
        while due := self._due():
            stopped = [ticket for ticket in due if ticket.stop.is_set()]
            _fail(stopped, Stopped("told to stop before its model was asked"))
            _serve([ticket for ticket in due if not ticket.stop.is_set()], failed=_one_by_one)

    def _due(self) -> list[_Ticket]:
        """The next batch, once there is one; [] when the crew is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._tickets or not self._open)
            self._changed.wait_for(lambda: len(self._tickets) >= self._working, self.linger)
            due, self._tickets = self._tickets, []
            return due


def _fail(tickets: Sequence[_Ticket], error: BaseException) -> None:
    for ticket in tickets:
        ticket.future.set_exception(error)


def _one_by_one(tickets: list[_Ticket], error: Exception) -> None:
    """After a merged call failed: perhaps only one of its parts was at fault."""
    if len(tickets) == 1 or not isinstance(error, SurefootError):
        _fail(tickets, error)
        return
    for ticket in tickets:
        _serve([ticket])


def _serve(
    batch: list[_Ticket], failed: Callable[[list[_Ticket], Exception], None] = _fail
) -> None:
    """Answers tickets, one call for each different `complete` among them.

    failed: what becomes of those whose call raised.
    """
    while batch:
        complete = batch[0].complete
        mine = [ticket for ticket in batch if ticket.complete is complete]
        batch = [ticket for ticket in batch if ticket.complete is not complete]
        try:
            replies = _answered(complete, mine)
        except Exception as error:  # noqa: BLE001 - each caller gets it
            failed(mine, error)
            continue
        except BaseException as stopped:  # such as Ctrl-C: nobody must wait for ever
            _fail(mine + batch, stopped)
            raise
        start = 0
        for ticket in mine:
            stop = start + len(ticket.requests)
            ticket.future.set_result(replies[start:stop])
            start = stop


def _answered(complete: Callable[[Sequence[Any]], list[Any]], tickets: list[_Ticket]) -> list[Any]:
    requests = [request for ticket in tickets for request in ticket.requests]
    replies = complete(requests)
    if len(replies) != len(requests):
        raise ValueError(f"{len(requests)} requests got {len(replies)} replies")
    return replies
