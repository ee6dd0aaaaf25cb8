"""ProcessBench rows (Zheng et al., arXiv:2412.06559): the first wrong step, marked by people.

    {"id", "generator", "problem", "steps": [text], "final_answer_correct": bool, "label": int}

label: index from 0 of the first wrong step, -1 if all are right. What follows a wrong step was
not judged. Two rows may ask the same problem; `id` names the solution.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from surefoot.core.errors import InputError
from surefoot.core.records import Record, field_of
from surefoot.core.types import LabelledTrace, Verdict
from surefoot.formats.fields import rest_of, steps_of
from surefoot.formats.files import read_foreign
from surefoot.formats.nouns import (
    Choices,
    LeftOut,
    Note,
    digest,
    first_wrong,
    labelled,
    problem_for,
    texts_of_steps,
    until_first_error,
)

FIELDS = ("id", "generator", "problem", "steps", "final_answer_correct", "label")
BY = "process_bench"
HOLDS = frozenset({"verdicts"})


@dataclass(frozen=True, slots=True)
class ProcessBenchRow:
    """One solution. label: in [-1, S) for S steps; rest: fields the format does not define."""

    id: str
    generator: str
    problem: str
    steps: tuple[str, ...]
    final_answer_correct: bool
    label: int
    rest: Mapping[str, Any] = field(default_factory=dict)


def process_bench_of(record: Record) -> ProcessBenchRow:
    """A row from its record.

    Raises InputError that names the field, also where the parts contradict each other: a label
    that is no step's, or a wrong answer without a wrong step (the authors left such rows out).
    """
    row = ProcessBenchRow(
        id=field_of(record, "id", str),
        generator=field_of(record, "generator", str),
        problem=field_of(record, "problem", str),
        steps=steps_of(record, "steps"),
        final_answer_correct=field_of(record, "final_answer_correct", bool),
        label=field_of(record, "label", int),
        rest=rest_of(record, FIELDS),
    )
    if not -1 <= row.label < len(row.steps):
        raise InputError(
            f"field 'label': expected -1 or the index of one of the {len(row.steps)} steps, "
            f"got {row.label}"
        )
    if row.label == -1 and not row.final_answer_correct:
        raise InputError(
            "field 'label' is -1 (no wrong step) where 'final_answer_correct' is false; "
            "mark the wrong step or drop the row"
        )
    return row


def process_bench_record(row: ProcessBenchRow) -> Record:
    """Inverse of `process_bench_of`."""
    return {
        "id": row.id,
        "generator": row.generator,
        "problem": row.problem,
        "steps": list(row.steps),
        "final_answer_correct": row.final_answer_correct,
        "label": row.label,
        **row.rest,
    }


def read_process_bench(path: str | Path) -> list[ProcessBenchRow]:
    """All rows of one subset's file. Raises InputError with file, row and field."""
    return read_foreign(path, process_bench_of)


def process_bench_labelled(row: ProcessBenchRow, choices: Choices) -> Iterator[LabelledTrace]:
    """One trace; its notes keep the row's id and generator."""
    del choices  # the format says all there is to say
    labels = until_first_error(len(row.steps), None if row.label == -1 else row.label, BY)
    notes = {"id": row.id, "generator": row.generator}
    item = labelled(problem_for(row.problem), row.steps, labels, **notes)
    verdict = Verdict.CORRECT if row.final_answer_correct else Verdict.WRONG
    yield replace(item, trace=replace(item.trace, verdict=verdict))


def process_bench_from(item: LabelledTrace, choices: Choices, note: Note) -> ProcessBenchRow:
    """A row. Raises LeftOut without a verdict, if the first wrong step is unknown, or if all
    steps are right and the answer is not."""
    trace = item.trace
    if trace.verdict not in (Verdict.CORRECT, Verdict.WRONG):
        raise LeftOut("the format needs to know whether the final answer is right")
    label = first_wrong(item, choices, note)
    if label == -1 and trace.verdict is Verdict.WRONG:
        raise LeftOut("all steps are labelled right and the final answer is wrong")
    return ProcessBenchRow(
        id=item.notes.get("id", f"{trace.problem.id}-{digest(trace.text)}"),
        generator=item.notes.get("generator", ""),
        problem=trace.problem.text,
        steps=tuple(texts_of_steps(item)),
        final_answer_correct=trace.verdict is Verdict.CORRECT,
        label=label,
    )
