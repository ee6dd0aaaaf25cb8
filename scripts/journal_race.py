"""Opens one fresh journal from several processes at once, many times over, and counts what is lost.

    python scripts/journal_race.py --tries 200 --processes 2 --processes 4 --processes 8

In each try every process asks for keys of its own and for keys that all of them share, and starts
when all are ready. A process that dies is a death; a call that the file does not hold afterwards,
or holds with another answer, is lost.
"""

import argparse
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from surefoot.engine import Journal
from surefoot.engine.journal import Stream

OWN, SHARED = 5, 5  # keys of each process, and of all
PATIENCE = 120.0  # seconds for one try; a try that needs them hangs


def main() -> int:
    """Prints a line for each number of processes; returns 0 if nothing was lost."""
    asked = _arguments()
    worst = 0
    for processes in asked.processes:
        started = time.monotonic()
        deaths, lost = 0, 0
        for _ in range(asked.tries):
            dead, missing = one_try(processes)
            deaths, lost = deaths + dead, lost + missing
        seconds = time.monotonic() - started
        print(
            f"{processes} processes, {asked.tries} tries: {deaths} deaths, {lost} calls lost, "
            f"{seconds:.0f} s",
            flush=True,
        )
        worst = max(worst, deaths + lost)
    return int(worst > 0)


def one_try(processes: int) -> tuple[int, int]:
    """(deaths, calls lost) of one fresh journal."""
    fork = multiprocessing.get_context("fork")  # a start costs 2 ms, so the race is a close one
    with tempfile.TemporaryDirectory() as folder:
        path, start = Path(folder) / "calls.sqlite", time.monotonic() + 0.01 * processes
        team = [fork.Process(target=_work, args=(path, n, start)) for n in range(processes)]
        for process in team:
            process.start()
        for process in team:
            process.join(PATIENCE)
            process.kill()
        deaths = sum(process.exitcode != 0 for process in team)
        return deaths, _lost(path, processes)


def _work(path: Path, number: int, start: float) -> None:
    while time.monotonic() < start:  # awake, so that all open within microseconds
        pass
    journal = Journal(path)
    for key in (*_own(number), *range(SHARED)):
        _asking(journal, _answers)([key])
    journal.close()


def _lost(path: Path, processes: int) -> int:
    """How many calls have to be made again."""
    made: list[int] = []

    def stream(requests: Sequence[int]) -> Iterator[tuple[int, int]]:
        made.extend(requests)
        return _answers(requests)

    keys = [*range(SHARED), *(key for n in range(processes) for key in _own(n))]
    journal = Journal(path)
    found = _asking(journal, stream)(keys)
    journal.close()
    wrong = sum(answer != key * key for key, answer in zip(keys, found, strict=True))
    return len(made) + wrong


def _own(number: int) -> range:
    return range(100 * (number + 1), 100 * (number + 1) + OWN)


def _asking(journal: Journal, stream: Stream[int, int]) -> Callable[[Sequence[int]], list[int]]:
    return journal.recorded(
        stream, kind="square", model="m", key=lambda n: str(n).encode(), encode=int, decode=int
    )


def _answers(requests: Sequence[int]) -> Iterator[tuple[int, int]]:
    yield from enumerate(request * request for request in requests)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--tries", type=int, default=200, help="fresh journals for each number")
    parser.add_argument("--processes", type=int, action="append", help="at once; may be repeated")
    asked = parser.parse_args()
    asked.processes = asked.processes or [2, 4, 8]
    return asked


if __name__ == "__main__":
    sys.exit(main())
