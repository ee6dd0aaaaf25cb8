"""From one format to another, a row at a time, with an account of everything that was lost."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from surefoot.core.errors import InputError
from surefoot.core.records import Record
from surefoot.core.types import LabelledTrace
from surefoot.formats.nouns import NEUTRAL, Choices, LeftOut, NeedsThreshold, carried
from surefoot.formats.table import Format

BROKEN = "not a row of this format"
KEPT = 20  # examples of a reason whose row numbers are remembered


@dataclass(slots=True)
class Account:
    """What became of the rows.

    source: what the rows are called in messages, such as their file.
    rows, traces, written: read, found in them, and written.
    dropped: how many rows or traces were, by reason; where: the first `KEPT` row numbers of each.
    broken: (row, what is wrong with it) of the first `KEPT` rows that could not be read.
    lost: in how many written rows something of the source found no place, by what it is.
    noted: what was changed to fit, by what was done and how often.
    """

    source: str
    rows: int = 0
    traces: int = 0
    written: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    where: dict[str, list[int]] = field(default_factory=dict)
    broken: list[tuple[int, str]] = field(default_factory=list)
    lost: Counter[str] = field(default_factory=Counter)
    noted: Counter[str] = field(default_factory=Counter)

    def drop(self, row: int, reason: str) -> None:
        """One more that is not in the result."""
        self.dropped[reason] += 1
        rows = self.where.setdefault(reason, [])
        if len(rows) < KEPT and row not in rows:
            rows.append(row)

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
        for _, row in readable(rows, source, account):
            account.written += 1
            yield source.write(row)
        return
    for number, item in traces_in(rows, source, choices, account):
        try:
            row = fitted(number, item, target, choices, account)
        except NeedsThreshold as error:
            raise NeedsThreshold(f"{account.source} row {number}: {error}") from error
        if row is not None:
            yield target.write(row)


def fitted(
    number: int, item: LabelledTrace, target: Format, choices: Choices, account: Account
) -> object | None:
    """A row of the target with what the trace holds; None if it was left out. Either way the
    account tells of it. Raises InputError if the target's rows cannot be made, NeedsThreshold."""
    if target.make is None:
        raise InputError("the format to write holds more than traces say: its rows are only kept")
    notes: list[str] = []  # of this trace; they count only if it is written
    try:
        row: object = target.make(item, choices, notes.append)
    except LeftOut as reason:
        account.drop(number, str(reason))
        return None
    account.written += 1
    account.noted.update(notes)
    account.lost.update(carried(item) - target.holds)
    return row


def traces_in(
    rows: Iterable[tuple[int, Record]], source: Format, choices: Choices, account: Account
) -> Iterator[tuple[int, LabelledTrace]]:
    """(row number, trace) of every trace in the rows; what is none goes to `account`."""
    for number, row in readable(rows, source, account):
        try:
            for item in source.labelled(row, choices):
                account.traces += 1
                account.noted.update(_neutral(item, choices))
                yield number, item
        except LeftOut as reason:
            account.drop(number, str(reason))
        except InputError as error:
            account.drop_broken(number, str(error))


def _neutral(item: LabelledTrace, choices: Choices) -> list[str]:
    """A note for each label that came from a neutral rating."""
    made = [label for label in item.labels if label.by.endswith(NEUTRAL)]
    return [f"labels from neutral ratings: {choices.neutral}"] * len(made)


def readable(
    rows: Iterable[tuple[int, Record]], source: Format, account: Account
) -> Iterator[tuple[int, object]]:
    """(row number, typed row) of the rows that can be read; the others go to `account`."""
    for number, record in rows:
        account.rows += 1
        try:
            row = source.read(record)
        except InputError as error:
            account.drop_broken(number, str(error))
            continue
        yield number, row
