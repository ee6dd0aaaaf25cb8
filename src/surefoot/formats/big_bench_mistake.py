"""BIG-Bench Mistake rows (Tyen et al., arXiv:2311.08516): the first mistake, marked by people.

    {"input", "steps": [text], "target", "answer": text or null, "mistake_index": int or null}

answer: null where the model gave none (one published row of logical_deduction).
mistake_index: from 0; null if no step is wrong. What follows a mistake was not judged.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from surefoot.core.errors import InputError
from surefoot.core.records import Record, field_of
from surefoot.core.types import LabelledTrace
from surefoot.formats.fields import nullable, rest_of, steps_of
from surefoot.formats.nouns import (
    Choices,
    LeftOut,
    Note,
    first_wrong,
    labelled,
    problem_for,
    texts_of_steps,
    until_first_error,
)

FIELDS = ("input", "steps", "target", "answer", "mistake_index")
HOLDS = frozenset({"gold answers", "final answers"})


@dataclass(frozen=True, slots=True)
class BigBenchMistakeRow:
    """target: the right answer; answer: the one that was given, None if there was none."""

    input: str
    steps: tuple[str, ...]
    target: str
    answer: str | None
    mistake_index: int | None
    rest: Mapping[str, Any] = field(default_factory=dict)


def big_bench_mistake_of(record: Record) -> BigBenchMistakeRow:
    """A row from its record. Raises InputError that names the field."""
    row = BigBenchMistakeRow(
        input=field_of(record, "input", str),
        steps=steps_of(record, "steps"),
        target=field_of(record, "target", str),
        answer=nullable(record, "answer", (str,)),
        mistake_index=nullable(record, "mistake_index", (int,)),
        rest=rest_of(record, FIELDS),
    )
    if row.mistake_index is not None and not 0 <= row.mistake_index < len(row.steps):
        raise InputError(
            f"field 'mistake_index': expected null or the index of one of the {len(row.steps)} "
            f"steps, got {row.mistake_index}"
        )
    return row


def big_bench_mistake_record(row: BigBenchMistakeRow) -> Record:
    """Inverse of `big_bench_mistake_of`."""
    return {
        "input": row.input,
        "steps": list(row.steps),
        "target": row.target,
        "answer": row.answer,
        "mistake_index": row.mistake_index,
        **row.rest,
    }


def big_bench_mistake_labelled(
    row: BigBenchMistakeRow, choices: Choices
) -> Iterator[LabelledTrace]:
    """One trace."""
    del choices  # the format says all there is to say
    labels = until_first_error(len(row.steps), row.mistake_index, "big_bench_mistake")
    item = labelled(problem_for(row.input, gold=row.target), row.steps, labels)
    yield replace(item, trace=replace(item.trace, answer=row.answer))


def big_bench_mistake_from(item: LabelledTrace, choices: Choices, note: Note) -> BigBenchMistakeRow:
    """A row. Raises LeftOut without gold and final answer, or if the first mistake is unknown."""
    trace = item.trace
    if trace.problem.gold is None or trace.answer is None:
        raise LeftOut("the format needs the gold answer and the one that was given")
    index = first_wrong(item, choices, note)
    return BigBenchMistakeRow(
        input=trace.problem.text,
        steps=tuple(texts_of_steps(item)),
        target=trace.problem.gold,
        answer=trace.answer,
        mistake_index=None if index == -1 else index,
    )
