"""Many problems at once, their model calls merged.

An algorithm handles one problem and calls its model as if it were alone. A crew
runs many in threads; a call that goes through `crew.merged(complete)` waits, and
when every thread of the crew waits, all that was asked for goes to `complete`
as one batch. No timer is involved: the same calls always make up the same
batches. The thread that called `map` does the model work, since it has nothing
else to do, and since each further thread that computes would bring a pool of
OpenMP threads of its own: with more of those than cores they stop spinning at
their barriers, which made a small model's steps half as fast.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, TypeVar

A = TypeVar("A")
B = TypeVar("B")
Q = TypeVar("Q")
R = TypeVar("R")


@dataclass(slots=True)
class _Ticket:
    """One waiting call: what it asked, and where the answer goes."""

    requests: Sequence[Any]
    complete: Callable[[Sequence[Any]], list[Any]]
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


def _serve(batch: list[_Ticket]) -> None:
    """Answers tickets, one call for each different `complete` among them."""
    while batch:
        complete = batch[0].complete
        mine = [ticket for ticket in batch if ticket.complete is complete]
        batch = [ticket for ticket in batch if ticket.complete is not complete]
        try:
            replies = _answered(complete, mine)
        except Exception as error:  # noqa: BLE001 - each caller gets it
            _fail(mine, error)
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


def _fail(tickets: list[_Ticket], error: BaseException) -> None:
    for ticket in tickets:
        ticket.future.set_exception(error)
