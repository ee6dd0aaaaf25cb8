"""Math-Shepherd's lines (Wang et al., arXiv:2312.08935).

    {"input": "Q Step 1: ... ки\\nStep 2: ... ки", "label": the same with + or - for ки, "task"}

The signs are found by walking `label` along the pieces of `input`, so a + in the mathematics is
never taken for one. "+" says that some rollout from the step ended right: a value, not a proof.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from surefoot.core.errors import InputError
from surefoot.core.records import Record, field_of
from surefoot.core.types import Kind, LabelledTrace
from surefoot.formats.fields import rest_of
from surefoot.formats.nouns import (
    Choices,
    Note,
    evidence,
    hard_values,
    labelled,
    problem_for,
    tagged,
    untagged,
)

FIELDS = ("input", "label", "task")
TAG = "ки"
HOLDS = frozenset({"levels"})  # "task" names the set the problem comes from


@dataclass(frozen=True, slots=True)
class MathShepherdRow:
    """pieces: [S + 1] of `input`, cut at the tags, white space and all; signs: [S] is it a +?"""

    pieces: tuple[str, ...]
    signs: tuple[bool, ...]
    task: str
    rest: Mapping[str, Any] = field(default_factory=dict)


def math_shepherd_of(record: Record) -> MathShepherdRow:
    """A row from its record.

    Raises InputError for a row without tags, and where `label` is not `input` with signs.
    """
    pieces = field_of(record, "input", str).split(TAG)
    if len(pieces) == 1:
        raise InputError(f"field 'input' has no {TAG!r}; expected one after each step")
    return MathShepherdRow(
        pieces=tuple(pieces),
        signs=_signs(field_of(record, "label", str), pieces),
        task=field_of(record, "task", str),
        rest=rest_of(record, FIELDS),
    )


def _signs(label: str, pieces: list[str]) -> tuple[bool, ...]:
    signs, at = [], 0
    for number, piece in enumerate(pieces[:-1], start=1):
        sign = label[at + len(piece) : at + len(piece) + 1]
        if not label.startswith(piece, at) or sign not in ("+", "-"):
            raise InputError(
                f"field 'label' does not follow 'input' with a + or - after step {number}; "
                f"it goes on with {label[at : at + 40]!r}"
            )
        signs.append(sign == "+")
        at += len(piece) + 1
    if label[at:] != pieces[-1]:
        raise InputError(f"field 'label' ends in {label[at:][:40]!r}, 'input' in {pieces[-1]!r}")
    return tuple(signs)


def math_shepherd_record(row: MathShepherdRow) -> Record:
    """Inverse of `math_shepherd_of`."""
    marks = ["+" if sign else "-" for sign in row.signs]
    signed = chain.from_iterable(zip(row.pieces, [*marks, ""], strict=True))
    return {"input": TAG.join(row.pieces), "label": "".join(signed), "task": row.task, **row.rest}


def math_shepherd_labelled(row: MathShepherdRow, choices: Choices) -> Iterator[LabelledTrace]:
    """One trace. Raises LeftOut if question and step 1 cannot be told apart."""
    del choices  # the format says all there is to say
    question, steps = untagged(row.pieces)
    labels = (evidence(float(sign), Kind.VALUE, "math_shepherd") for sign in row.signs)
    yield labelled(problem_for(question, level=row.task), steps, labels)


def math_shepherd_from(item: LabelledTrace, choices: Choices, note: Note) -> MathShepherdRow:
    """A row of hard labels. Raises LeftOut, or NeedsThreshold for soft ones without one."""
    signs = hard_values(item, choices, note)
    pieces = tagged(item, len(signs), TAG, note)
    return MathShepherdRow(pieces, tuple(signs), item.trace.problem.level)
