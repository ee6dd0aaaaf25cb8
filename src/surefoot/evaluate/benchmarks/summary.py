"""The outcome of a benchmark as one JSON object: every entry's figures, and their differences.

    {"benchmark", "title", "paper", "cases", "problems", "groups": {name: cases}, "main", "total",
     "seed", "resamples",
     "entries": {name: {"kind", "threshold", "chosen_on", "refused", "tokens",
                        "figures": {row: {column: INTERVAL or null}}}},
     "base": name, "differences": {name: {row: INTERVAL or null}}}
    INTERVAL  {"estimate", "low", "high", "method", "note"}, those of `evaluate.intervals`

`differences` are of the main column, each entry less the first, paired by problem.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TypeVar

from surefoot.core.errors import InputError
from surefoot.core.records import Record
from surefoot.evaluate.benchmarks.benchmark import (
    Benchmark,
    Case,
    Table,
    differences_of,
    figures_of,
    problems_in,
    resampled_table,
)
from surefoot.evaluate.benchmarks.entries import Entry
from surefoot.evaluate.intervals import Interval

T = TypeVar("T")
P = TypeVar("P")


def compare(
    benchmark: Benchmark[T, P],
    cases: Sequence[Case[T]],
    entries: Sequence[Entry[P]],
    *,
    seed: int = 0,
    resamples: int = 2000,
) -> Record:
    """All entries on the same cases and the same resamples of the problems.

    Raises InputError for two entries of one name. Costs O(entries * resamples * problems).
    """
    names = [entry.name for entry in entries]
    if len(set(names)) < len(names) or not names:
        raise InputError(f"expected one entry or more, of different names, got {names}")
    tables = {
        entry.name: resampled_table(
            benchmark, cases, entry.predictions_M, seed=seed, resamples=resamples
        )
        for entry in entries
    }
    problems = problems_in(cases)
    return {
        "benchmark": benchmark.name,
        "title": benchmark.title,
        "paper": benchmark.paper,
        "cases": len(cases),
        "problems": problems[""],
        "groups": dict(Counter(case.group for case in cases)),
        "main": benchmark.main,
        "total": benchmark.total,
        "seed": seed,
        "resamples": resamples,
        "entries": {entry.name: _entry(entry, tables[entry.name], problems) for entry in entries},
        "base": names[0],
        "differences": {
            name: _differences(tables[name], tables[names[0]], benchmark.main, problems)
            for name in names[1:]
        },
    }


def _entry(entry: Entry[P], table: Table, problems: Mapping[str, int]) -> Record:
    return {
        "kind": entry.kind.value if entry.kind else None,
        "threshold": entry.threshold,
        "chosen_on": entry.chosen_on,
        "refused": len(entry.refused),
        "tokens": entry.tokens,
        "figures": {
            row: {column: _record(interval) for column, interval in columns.items()}
            for row, columns in figures_of(table, problems=problems).items()
        },
    }


def _differences(table: Table, base: Table, column: str, problems: Mapping[str, int]) -> Record:
    found = differences_of(table, base, column, problems=problems)
    return {row: _record(columns[column]) for row, columns in found.items() if columns}


def _record(interval: Interval | None) -> Record | None:
    return None if interval is None else asdict(interval)
