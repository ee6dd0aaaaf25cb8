"""TRL's stepwise supervision: one label a completion.

    {"prompt": str, "completions": [str], "labels": [bool]}

TRL casts labels with int(): a 0.7 would be trained as 0, and -100 in a column of bools becomes
True. So soft values are read as they stand but written only through a threshold, and -100 is
refused. Steps without a label have no place here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from surefoot.core.errors import InputError
from surefoot.core.records import Record, field_of
from surefoot.core.types import LabelledTrace
from surefoot.formats.fields import items_of, rest_of, steps_of
from surefoot.formats.nouns import (
    Choices,
    Note,
    evidence,
    hard_values,
    labelled,
    problem_for,
    texts_of_steps,
)

FIELDS = ("prompt", "completions", "labels")
HOLDS: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class TRLStepwiseRow:
    """labels: [S] as they stand: bools, shares in [0, 1], or None for an unlabelled step."""

    prompt: str
    completions: tuple[str, ...]
    labels: tuple[bool | float | None, ...]
    rest: Mapping[str, Any] = field(default_factory=dict)


def trl_stepwise_of(record: Record) -> TRLStepwiseRow:
    """A row from its record. Raises InputError that names the field and the entry."""
    completions = steps_of(record, "completions")
    labels = items_of(record, "labels", (bool, int, float, type(None)))
    if len(labels) != len(completions):
        raise InputError(
            f"field 'labels' has {len(labels)} entries for {len(completions)} completions"
        )
    for index, label in enumerate(labels):
        if label is not None and not 0 <= label <= 1:
            raise InputError(
                f"field 'labels[{index}]': expected true, false or a share in [0, 1], got {label}; "
                "for a step without a label write null"
            )
    return TRLStepwiseRow(
        field_of(record, "prompt", str), completions, tuple(labels), rest_of(record, FIELDS)
    )


def trl_stepwise_record(row: TRLStepwiseRow) -> Record:
    """Inverse of `trl_stepwise_of`."""
    return {
        "prompt": row.prompt,
        "completions": list(row.completions),
        "labels": list(row.labels),
        **row.rest,
    }


def trl_stepwise_labelled(row: TRLStepwiseRow, choices: Choices) -> Iterator[LabelledTrace]:
    """One trace; the file does not say what its labels mean, `choices.kind` does."""
    labels = (evidence(value, choices.kind, "trl") for value in row.labels)
    yield labelled(problem_for(row.prompt), row.completions, labels)


def trl_stepwise_from(item: LabelledTrace, choices: Choices, note: Note) -> TRLStepwiseRow:
    """A row of hard labels. Raises LeftOut, or NeedsThreshold for soft ones without one."""
    labels = hard_values(item, choices, note)
    steps = texts_of_steps(item)[: len(labels)]
    return TRLStepwiseRow(item.trace.problem.text, tuple(steps), tuple(labels))
