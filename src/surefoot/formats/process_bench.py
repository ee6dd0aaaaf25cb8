"""ProcessBench rows (Zheng et al., arXiv:2412.06559): the first wrong step, marked by people.

    {"id", "generator", "problem", "steps": [text], "final_answer_correct": bool, "label": int}

label: index from 0 of the first wrong step, -1 if all are right. What follows a wrong step was
not judged. Two rows may ask the same problem; `id` names the solution.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from surefoot.core.errors import InputError
from surefoot.core.records import Record, field_of
from surefoot.formats.fields import rest_of, steps_of
from surefoot.formats.files import read_foreign

FIELDS = ("id", "generator", "problem", "steps", "final_answer_correct", "label")


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
