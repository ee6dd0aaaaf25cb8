"""PRMBench rows (Song et al., arXiv:2501.03124): right solutions with errors put in.

    {"original_question", "modified_question", "original_process": [text],
     "modified_process": [text], "modified_steps": [int], "error_steps": [int], "reason",
     "idx", "question", "classification", ...}

modified_steps, error_steps: numbered from 1. A hundred published rows name steps beyond the last;
they mark nothing. Rows of class "multi_solutions" have no errors and carry "ground_truth" and
"original_response" too; five of them repeat an `idx`. "redundency" is the source's spelling.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from surefoot.core.errors import InputError
from surefoot.core.records import Record, field_of
from surefoot.core.types import Kind, LabelledTrace
from surefoot.formats.fields import items_of, rest_of, steps_of
from surefoot.formats.files import read_foreign
from surefoot.formats.nouns import Choices, evidence, labelled, problem_for

FIELDS = (
    "original_question", "modified_question", "original_process", "modified_process",
    "modified_steps", "error_steps", "reason", "idx", "question", "classification",
)  # fmt: skip
READ = ("idx", "classification", "modified_question", "modified_process", "error_steps")
BY = "prm_bench"


@dataclass(frozen=True, slots=True)
class PRMBenchRow:
    """One solution with its right twin; `rest` holds the fields that only some classes have."""

    idx: str
    classification: str
    question: str
    original_question: str
    original_process: tuple[str, ...]
    modified_question: str
    modified_process: tuple[str, ...]
    modified_steps: tuple[int, ...]
    error_steps: tuple[int, ...]
    reason: str
    rest: Mapping[str, Any] = field(default_factory=dict)

    @property
    def right(self) -> tuple[bool, ...]:
        """[S] is each step of `modified_process` free of error?"""
        wrong = set(self.error_steps)
        return tuple(number not in wrong for number in range(1, len(self.modified_process) + 1))


def prm_bench_of(record: Record) -> PRMBenchRow:
    """A row from its record. Raises InputError that names the field."""
    return PRMBenchRow(
        idx=field_of(record, "idx", str),
        classification=field_of(record, "classification", str),
        question=field_of(record, "question", str),
        original_question=field_of(record, "original_question", str),
        original_process=steps_of(record, "original_process"),
        modified_question=field_of(record, "modified_question", str),
        modified_process=steps_of(record, "modified_process"),
        modified_steps=_numbers(record, "modified_steps"),
        error_steps=_numbers(record, "error_steps"),
        reason=field_of(record, "reason", str),
        rest=rest_of(record, FIELDS),
    )


def prm_bench_record(row: PRMBenchRow) -> Record:
    """Inverse of `prm_bench_of`."""
    return {
        "original_question": row.original_question,
        "modified_question": row.modified_question,
        "original_process": list(row.original_process),
        "modified_process": list(row.modified_process),
        "modified_steps": list(row.modified_steps),
        "error_steps": list(row.error_steps),
        "reason": row.reason,
        "idx": row.idx,
        "question": row.question,
        "classification": row.classification,
        **row.rest,
    }


def read_prm_bench(path: str | Path) -> list[PRMBenchRow]:
    """All rows of one class's file. Raises InputError with file, row and field."""
    return read_foreign(path, prm_bench_of)


def _numbers(record: Record, name: str) -> tuple[int, ...]:
    numbers = tuple(items_of(record, name, (int,)))
    for number in numbers:
        if number < 1:
            raise InputError(f"field {name!r}: steps are numbered from 1, got {number}")
    return numbers


def prm_bench_labelled(row: PRMBenchRow, choices: Choices) -> Iterator[LabelledTrace]:
    """One trace: the modified solution of the modified question, every step labelled."""
    del choices  # the format says all there is to say
    labels = (evidence(float(right), Kind.CORRECTNESS, BY) for right in row.right)
    notes = {"id": row.idx, "classification": row.classification}
    problem = problem_for(row.modified_question)
    yield labelled(problem, row.modified_process, labels, **notes)
