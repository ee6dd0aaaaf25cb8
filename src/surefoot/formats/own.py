"""Our own rows (see `core.records`): traces, with or without labels, and nothing lost."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from surefoot.core.records import Record, labelled_of, labelled_record, trace_of, trace_record
from surefoot.core.types import Kind, LabelledTrace, Usage
from surefoot.formats.fields import rest_of
from surefoot.formats.nouns import EXTRA, OTHER_FIELDS, Choices, Note, evidence

TRACE = (
    "problem", "steps", "ids", "logprobs", "answer", "verdict", "finished", "sizes", "ended",
)  # fmt: skip
READ_OF_TRACES = (
    *TRACE, "problem.id", "problem.problem", "problem.answer", "problem.level",
)  # fmt: skip
READ = (
    *READ_OF_TRACES, "notes", *(f"usage.{part.name}" for part in fields(Usage)),
    *(f"labels[].{name}" for name in ("kind", "successes", "tries", "by", "belief")),
)  # fmt: skip
ADDED = frozenset({"scores", "candidate_scores", EXTRA})  # what our own verbs add to rows
HOLDS_OF_TRACES = frozenset({
    "gold answers", "levels", "problem ids", "final answers", "verdicts", "unfinished marks",
    "token ids", "log-probabilities", "token counts", OTHER_FIELDS,
})  # fmt: skip
HOLDS = HOLDS_OF_TRACES | {"label kinds and makers", "label counts", "costs", "notes"}


@dataclass(frozen=True, slots=True)
class OwnRow:
    """`rest` holds fields of a row that its kind does not define, such as "scores"."""

    item: LabelledTrace
    rest: Mapping[str, Any] = field(default_factory=dict)


def labels_of(record: Record) -> OwnRow:
    """A labelled trace from its record. Raises InputError that names the field."""
    # A Parquet table gives every row every key, null where the row had none.
    notes = {"notes": _without_nulls(record["notes"])} if "notes" in record else {}
    item = labelled_of({**record, **notes})
    return OwnRow(item, rest_of(record, (*TRACE, "labels", "usage", "notes")))


def _without_nulls(notes: Any) -> Any:
    if not isinstance(notes, dict):
        return notes
    return {name: note for name, note in notes.items() if note is not None}


def labels_record(row: OwnRow) -> Record:
    """Inverse of `labels_of`."""
    return {**labelled_record(row.item), **row.rest}


def traces_of(record: Record) -> OwnRow:
    """A trace from its record, its steps without labels. Raises InputError that names the field."""
    trace = trace_of(record)
    labels = tuple(evidence(None, Kind.CORRECTNESS, "") for _ in trace.steps)
    # An empty list of labels says nothing, and would stand in the place of those given here.
    none = () if record.get("labels") else ("labels",)
    return OwnRow(LabelledTrace(trace, labels), rest_of(record, (*TRACE, *none)))


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
