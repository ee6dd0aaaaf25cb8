"""OpenRLHF's process reward rows: a text with a placeholder after each step, and a list of labels.

    {"input": "Q Step 1: ... ки\\nStep 2: ... ки", "value": ["+", "-"]}   or numbers in [0, 1]

The labels' column is the user's to name; "value" and "label" are read. The placeholder is not in
the row: it is the one of `PLACEHOLDERS` that stands in the text as often as there are labels.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from surefoot.core.errors import InputError
from surefoot.core.records import Record, field_of
from surefoot.core.types import LabelledTrace
from surefoot.formats.fields import items_of, rest_of
from surefoot.formats.nouns import (
    Choices,
    Note,
    evidence,
    hard_values,
    known_values,
    labelled,
    problem_for,
    tagged,
    untagged,
)

LABEL_COLUMNS = ("value", "label")
READ = ("input", *LABEL_COLUMNS)
PLACEHOLDERS = ("ки", "<extra_0>")
HOLDS: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class OpenRLHFRow:
    """pieces: [S + 1] of `input`, cut at the placeholder. labels: [S] all signs or all numbers."""

    pieces: tuple[str, ...]
    labels: tuple[str, ...] | tuple[float, ...]
    placeholder: str = PLACEHOLDERS[0]
    column: str = LABEL_COLUMNS[0]
    rest: Mapping[str, Any] = field(default_factory=dict)


def openrlhf_of(record: Record) -> OpenRLHFRow:
    """A row from its record. Raises InputError unless there is one label for each placeholder."""
    text = field_of(record, "input", str)
    column = next((name for name in LABEL_COLUMNS if isinstance(record.get(name), list)), "value")
    labels = tuple(items_of(record, column, (str, int, float)))
    _check(labels, column)
    counts = {mark: text.count(mark) for mark in PLACEHOLDERS}
    fitting = [mark for mark, count in counts.items() if count == len(labels)]
    if not labels or not fitting:
        raise InputError(
            f"field {column!r} has {len(labels)} labels, and the placeholders in 'input' are "
            f"{counts}; expected as many of one of them"
        )
    rest = rest_of(record, ("input", column))
    return OpenRLHFRow(tuple(text.split(fitting[0])), labels, fitting[0], column, rest)


def _check(labels: tuple[Any, ...], column: str) -> None:
    if len({isinstance(label, str) for label in labels}) > 1:
        raise InputError(f"field {column!r} mixes signs and numbers; expected one or the other")
    for index, label in enumerate(labels):
        fits = label in ("+", "-") if isinstance(label, str) else 0 <= label <= 1
        if not fits:
            raise InputError(
                f"field '{column}[{index}]': expected '+', '-' or a number in [0, 1], got {label!r}"
            )


def openrlhf_record(row: OpenRLHFRow) -> Record:
    """Inverse of `openrlhf_of`."""
    return {"input": row.placeholder.join(row.pieces), row.column: list(row.labels), **row.rest}


def openrlhf_labelled(row: OpenRLHFRow, choices: Choices) -> Iterator[LabelledTrace]:
    """One trace. Raises LeftOut if question and step 1 cannot be told apart."""
    question, steps = untagged(row.pieces)
    labels = (evidence(_value(label), choices.kind, "openrlhf") for label in row.labels)
    yield labelled(problem_for(question), steps, labels)


def _value(label: str | float) -> float:
    return float(label == "+") if isinstance(label, str) else label


def openrlhf_from(item: LabelledTrace, choices: Choices, note: Note) -> OpenRLHFRow:
    """A row of signs, or of numbers if `choices.soft`. Raises LeftOut if it cannot be read back."""
    labels: tuple[str, ...] | tuple[float, ...]
    if choices.soft:
        labels = tuple(map(float, known_values(item, note)))
    else:
        labels = tuple("+" if right else "-" for right in hard_values(item, choices, note))
    return OpenRLHFRow(tagged(item, len(labels), PLACEHOLDERS[0], note), labels)
