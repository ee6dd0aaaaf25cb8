"""Our own rows (see `core.records`): traces, with or without labels, and nothing lost."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from surefoot.core.records import Record, labelled_of, labelled_record, trace_of, trace_record
from surefoot.core.types import Kind, LabelledTrace
from surefoot.formats.fields import rest_of
from surefoot.formats.nouns import Choices, Note, evidence

TRACE = ("problem", "steps", "ids", "logprobs", "answer", "verdict", "finished")
HOLDS_OF_TRACES = frozenset({
    "gold answers", "levels", "problem ids", "final answers", "verdicts", "unfinished marks",
    "token ids",
})  # fmt: skip
HOLDS = HOLDS_OF_TRACES | {"label kinds and makers", "label counts", "costs", "notes"}


@dataclass(frozen=True, slots=True)
class OwnRow:
    """`rest` holds fields of a row that its kind does not define, such as "scores"."""

    item: LabelledTrace
    rest: Mapping[str, Any] = field(default_factory=dict)


def labels_of(record: Record) -> OwnRow:
    """A labelled trace from its record. Raises InputError that names the field."""
    return OwnRow(labelled_of(record), rest_of(record, (*TRACE, "labels", "usage", "notes")))


def labels_record(row: OwnRow) -> Record:
    """Inverse of `labels_of`."""
    return {**labelled_record(row.item), **row.rest}


def traces_of(record: Record) -> OwnRow:
    """A trace from its record, its steps without labels. Raises InputError that names the field."""
    trace = trace_of(record)
    labels = tuple(evidence(None, Kind.CORRECTNESS, "") for _ in trace.steps)
    return OwnRow(LabelledTrace(trace, labels), rest_of(record, TRACE))


def traces_record(row: OwnRow) -> Record:
    """Inverse of `traces_of`."""
    return {**trace_record(row.item.trace), **row.rest}


def own_labelled(row: OwnRow, choices: Choices) -> Iterator[LabelledTrace]:
    """The trace itself."""
    del choices  # the row says all there is to say
    yield row.item


def labels_from(item: LabelledTrace, choices: Choices, note: Note) -> OwnRow:
    """Everything."""
    del choices, note
    return OwnRow(item)


def traces_from(item: LabelledTrace, choices: Choices, note: Note) -> OwnRow:
    """All but the labels."""
    del choices
    if any(label.value is not None for label in item.labels):
        note("traces that lost their step labels")
    return OwnRow(item)
