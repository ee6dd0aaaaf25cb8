"""ProcBench (Fujisawa et al., arXiv:2410.03117): follow a procedure, state by state.

With gold states g = intermediate + [final] and predicted states p,

    PML = number of leading states that agree     prefix accuracy PA = PML / max(|g|, |p|)
    sequential match = 1[PA = 1]                  final match = 1[final states agree]

Agreement follows the gold's type: whole numbers as such (text of digits is read), texts exactly,
lists element by element with equal length. Rows short, medium and long are of 1-5, 6-15 and 16
or more intermediate states. A case without a prediction has no state right.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from surefoot.core.errors import InputError
from surefoot.core.fields import parsed
from surefoot.core.records import Record, field_of
from surefoot.evaluate.benchmarks.benchmark import (
    Benchmark,
    Case,
    Table,
    cases_of,
    files_of,
    with_total,
)
from surefoot.evaluate.checks import Floats
from surefoot.evaluate.intervals import quotient

State = int | str | list[Any]
LENGTHS = {"short": 5, "medium": 15, "long": None}  # most intermediate states


@dataclass(frozen=True, slots=True)
class Procedure:
    """intermediate: the states on the way. final: the last."""

    intermediate: tuple[Any, ...]
    final: Any

    @property
    def states(self) -> tuple[Any, ...]:
        """All of them, in order."""
        return (*self.intermediate, self.final)


def load(path: Path) -> list[Case[Procedure]]:
    """The cases of a folder, or of one file; groups are the 23 tasks."""
    return cases_of(files_of(path), _case)


def _case(record: Record, _row: str, _file: str) -> Case[Procedure]:
    name, task = (field_of(record, key, str) for key in ("problem_name", "task_name"))
    gold = _procedure(_label(record))
    for state in gold.states:
        if isinstance(state, bool) or not isinstance(state, int | str | list):
            raise InputError(f"field 'label': expected numbers, texts and lists, got {state!r}")
    return Case(name, task, name, (), gold)


def _label(record: Record) -> Record:
    """The gold states; a table's column may hold them as JSON text."""
    label = field_of(record, "label", (dict, str))
    if isinstance(label, str):
        try:
            label = parsed(label)
        except InputError as error:
            raise InputError(f"field 'label' is text but no JSON ({error})") from error
    states: Record = field_of({"label": label}, "label", dict)
    return states


def _procedure(record: Record) -> Procedure:
    if "final" not in record:
        raise InputError(f"field 'final' is missing; found {sorted(record)}")
    return Procedure(tuple(field_of(record, "intermediate", list)), record["final"])


def read(_case: Case[Procedure], row: Record) -> Procedure | None:
    """{"prediction": {"intermediate": [state], "final": state} or null}."""
    if row.get("prediction", ()) is None:
        return None
    return _procedure(field_of(row, "prediction", dict))


def perfect(case: Case[Procedure]) -> Procedure:
    """The gold states."""
    return case.truth


# --- agreement -------------------------------------------------------------


def agree(gold: State, found: Any) -> bool:
    """Is the state the gold one, by the gold's type?"""
    if isinstance(gold, list):
        return (
            isinstance(found, list)
            and len(gold) == len(found)
            and all(agree(g, f) for g, f in zip(gold, found, strict=True))
        )
    if isinstance(gold, int):
        return gold == _whole(found)
    return isinstance(found, str | int | float) and gold == str(found)


def _whole(value: Any) -> int | None:
    """5, 5.0 and "5" are 5; anything else is no whole number."""
    if isinstance(value, bool):
        return None
    try:
        return int(value) if int(value) == float(value) else None
    except (TypeError, ValueError, OverflowError):
        return None


def prefix_match(gold: Sequence[State], found: Sequence[Any]) -> int:
    """PML: how many leading states agree."""
    for place, (g, f) in enumerate(zip(gold, found, strict=False)):
        if not agree(g, f):
            return place
    return min(len(gold), len(found))


# --- figures ---------------------------------------------------------------

WIDTH = 5  # PA, sequential match, final match, answered, cases: for each length in turn


def count(cases: Sequence[Case[Procedure]], predictions_M: Sequence[Procedure | None]) -> Floats:
    """[M, 15] the five counts, in the block of the case's length."""
    counts_M_K = np.zeros((len(cases), WIDTH * len(LENGTHS)))
    for m, (case, found) in enumerate(zip(cases, predictions_M, strict=True)):
        start = WIDTH * _length(len(case.truth.intermediate))
        counts_M_K[m, start : start + WIDTH] = _counts(case.truth, found)
    return counts_M_K


def _length(intermediate: int) -> int:
    bounds = enumerate(LENGTHS.values())
    return next(i for i, most in bounds if most is None or intermediate <= most)


def _counts(gold: Procedure, found: Procedure | None) -> list[float]:
    if found is None:
        return [0.0, 0.0, 0.0, 0.0, 1.0]
    longest = max(len(gold.states), len(found.states))
    accuracy = prefix_match(gold.states, found.states) / longest
    return [accuracy, accuracy == 1, agree(gold.final, found.final), 1.0, 1.0]


def columns(sums_R_5: Floats) -> dict[str, Floats]:
    """prefix_accuracy, sequential_match, final_match, answered: means over cases."""
    prefix, sequential, final, answered, cases = sums_R_5.T
    return {
        "prefix_accuracy": quotient(prefix, cases),
        "sequential_match": quotient(sequential, cases),
        "final_match": quotient(final, cases),
        "answered": quotient(answered, cases),
    }


def table(sums: Mapping[str, Floats]) -> Table:
    """A row a task, a row a length, and all."""
    by_length = {
        task: sums_R_K.reshape(len(sums_R_K), len(LENGTHS), WIDTH)
        for task, sums_R_K in sums.items()
    }
    tasks = {task: blocks.sum(axis=1) for task, blocks in by_length.items()}
    total = np.sum(list(by_length.values()), axis=0)
    lengths = {name: columns(total[:, i]) for i, name in enumerate(LENGTHS)}
    return {**with_total(tasks, columns), **lengths}


PROC_BENCH = Benchmark(
    name="proc_bench",
    title="ProcBench",
    paper="2410.03117",
    load=load,
    read=read,
    count=count,
    table=table,
    main="prefix_accuracy",
    total="all",
    perfect=perfect,
)
