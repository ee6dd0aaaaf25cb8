"""From one format to another, a row at a time, with an account of everything that was lost."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from surefoot.core.errors import InputError
from surefoot.core.records import Record
from surefoot.core.types import LabelledTrace
from surefoot.formats.nouns import (
    EXTRA,
    NEUTRAL,
    OTHER_FIELDS,
    Choices,
    LeftOut,
    NeedsThreshold,
    carried,
)
from surefoot.formats.table import Format
from surefoot.formats.unread import Unread

BROKEN = "not a row of this format"
KEPT = 20  # examples of a reason whose row numbers are remembered


@dataclass(slots=True)
class Account:
    """What became of the rows.

    source: what the rows are called in messages, such as their file.
    rows, sound, traces, written: rows met, of these read by the format, traces in them, written.
    dropped: how many rows or traces were, by reason; where: the first `KEPT` row numbers of each.
    broken: (row, what is wrong with it) of the first `KEPT` rows that could not be read.
    kept: in how many written rows a field that its format does not read is kept, by its name.
    lost: in how many written rows something of the source found no place, by what it is; and of
      what no row was made, by the reason.
    noted: what was changed to fit, by what was done and how often.
    """

    source: str
    rows: int = 0
    sound: int = 0
    traces: int = 0
    written: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    where: dict[str, list[int]] = field(default_factory=dict)
    broken: list[tuple[int, str]] = field(default_factory=list)
    kept: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    noted: Counter[str] = field(default_factory=Counter)

    def drop(self, row: int, reason: str) -> None:
        """One more that is not in the result."""
        self.dropped[reason] += 1
        rows = self.where.setdefault(reason, [])
        if len(rows) < KEPT and row not in rows:
            rows.append(row)

    def drop_unparsed(self, row: int, what: str) -> None:
        """A line of the file that is no JSON object."""
        self.rows += 1
        self.drop_broken(row, what)

    def drop_broken(self, row: int, what: str) -> None:
        """A row that could not be read."""
        self.drop(row, BROKEN)
        if len(self.broken) < KEPT:
            self.broken.append((row, what))


def converted(
    rows: Iterable[tuple[int, Record]],
    source: Format,
    target: Format,
    choices: Choices,
    account: Account,
) -> Iterator[Record]:
    """The rows in the target's format; `account` is filled on the way. Holds one row at a time.

    Within one format rows pass through as they are, broken ones excepted. Raises InputError for
    a target whose rows cannot be made, NeedsThreshold for soft labels where hard ones are needed.
    """
    if source is target:
        for found in _readable(rows, source, account):
            account.written += 1
            yield found.record
        return
    for each in found_in(rows, source, choices, account):
        try:
            row = fitted(each, target, choices, account)
        except NeedsThreshold as error:
            raise NeedsThreshold(f"{account.source} row {each.number}: {error}") from error
        if row is not None:
            yield target.write(row)


def fitted(found: "Found", target: Format, choices: Choices, account: Account) -> Any:
    """A row of the target with what the trace holds; None if it was left out. Either way the
    account tells of it. Raises InputError if the target's rows cannot be made, NeedsThreshold."""
    if target.make is None:
        raise InputError("the format to write holds more than traces say: its rows are only kept")
    notes: list[str] = []  # of this trace; they count only if it is written
    try:
        row: Any = target.make(found.item, choices, notes.append)
    except LeftOut as reason:
        account.drop(found.number, str(reason))
        return None
    account.written += 1
    account.noted.update(notes)
    account.lost.update(carried(found.item) - target.holds)
    if OTHER_FIELDS not in target.holds:
        account.lost.update(f"field {name}" for name in found.unread.names)
        return row
    beside, inside = found.other_fields(target)
    account.kept.update(said for said in beside if beside[said] is not None)
    account.kept.update(f"{EXTRA}.{said}" for said in inside if inside[said] is not None)
    account.lost.update(f"field {name}" for name in found.unread.parts)
    return replace(row, rest={**beside, **({EXTRA: inside} if inside else {})})


@dataclass(frozen=True, slots=True)
class Found:
    """A trace of a row.

    unread: what of the row is in no trace. own: is it one of our own rows?
    """

    number: int
    item: LabelledTrace
    unread: Unread
    own: bool

    def other_fields(self, target: Format) -> tuple[dict[str, Any], dict[str, Any]]:
        """The unread fields that one of our own rows keeps as its own, and those in its EXTRA.

        The fields of others may have names that mean something else in ours, and so may those of a
        trace in a row of labels ("usage", "notes"). They are kept together, apart from the rest.
        """
        whole = dict(self.unread.whole)
        if not self.own:
            return {}, whole
        inside = {name: whole.pop(name) for name in [*whole] if name in target.names}
        if inside and EXTRA in whole:  # which stays whole within the new one
            inside[EXTRA] = whole.pop(EXTRA)
        return whole, inside


def found_in(
    rows: Iterable[tuple[int, Record]], source: Format, choices: Choices, account: Account
) -> Iterator[Found]:
    """Every trace in the rows; what is none goes to `account`."""
    for read in _readable(rows, source, account):
        unread = source.unread(read.record, read.row)
        try:
            for item in source.labelled(read.row, choices):
                account.traces += 1
                account.noted.update(_neutral(item, choices))
                yield Found(read.number, item, unread, OTHER_FIELDS in source.holds)
            account.lost.update(source.passed_over(read.row, choices))
        except LeftOut as reason:
            account.drop(read.number, str(reason))
        except InputError as error:
            account.drop_broken(read.number, str(error))


def traces_in(
    rows: Iterable[tuple[int, Record]], source: Format, choices: Choices, account: Account
) -> Iterator[tuple[int, LabelledTrace]]:
    """(row number, trace) of every trace in the rows; what is none goes to `account`."""
    for found in found_in(rows, source, choices, account):
        yield found.number, found.item


def _neutral(item: LabelledTrace, choices: Choices) -> list[str]:
    """A note for each label that came from a neutral rating."""
    made = [label for label in item.labels if label.by.endswith(NEUTRAL)]
    return [f"labels from neutral ratings: {choices.neutral}"] * len(made)


@dataclass(frozen=True, slots=True)
class _Read:
    number: int
    record: Record
    row: Any


def _readable(
    rows: Iterable[tuple[int, Record]], source: Format, account: Account
) -> Iterator[_Read]:
    """The rows that can be read; the others go to `account`."""
    for number, record in rows:
        account.rows += 1
        try:
            row = source.read(record)
        except InputError as error:
            account.drop_broken(number, str(error))
            continue
        account.sound += 1
        yield _Read(number, record, row)
