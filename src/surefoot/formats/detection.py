"""Which format a row is written in, said only where the row is explained.

A format explains a row if the row has its fields, its reader accepts the row, and no field that it
leaves unread looks like labels: so labels are never taken for something to be ignored. Where
several explain a row, the one that reads more of its fields has it; if none reads all that
another does, nothing is decided.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from surefoot.core.errors import InputError
from surefoot.core.records import Record
from surefoot.formats.files import foreign_rows
from surefoot.formats.table import FORMATS, Format
from surefoot.formats.unread import judges

LOOK = 100  # rows that are looked at before a file's format counts as unknown


@dataclass(frozen=True, slots=True)
class Guess:
    """What one row could be.

    fit: formats that explain it, and of which no other reads more; one if the row is clear.
    doubts: why each format that has its fields does not explain it.
    """

    fit: tuple[str, ...]
    doubts: dict[str, str]


def guessed(record: Record) -> Guess:
    """The formats that a row may be written in."""
    left: dict[str, frozenset[str]] = {}  # fields of the row that a format does not name
    doubts: dict[str, str] = {}
    for name, form in FORMATS.items():
        if not form.fits(record):
            continue
        left[name] = frozenset(record) - form.names
        doubt = _doubt(record, form)
        if doubt:
            doubts[name] = doubt
    best = [name for name, rest in left.items() if not any(r < rest for r in left.values())]
    return Guess(tuple(name for name in best if name not in doubts), doubts)


def _doubt(record: Record, form: Format) -> str:
    """Why a row that has the format's fields may yet be none of its rows; "" if nothing is."""
    try:
        row = form.read(record)
    except InputError as error:
        return f"its reader refuses the row ({error})"
    names = form.unread(record, row).names
    suspects = [part for part in names if _suspect(record, part, form)]
    suspects += [
        inside
        for part in names
        if part in record and part not in form.known and not judges(part)
        for inside in _hidden(record[part], part)
    ]
    return f"it does not read {', '.join(suspects)}, which looks like labels" if suspects else ""


def _suspect(record: Record, part: str, form: Format) -> bool:
    """Does a field that the format leaves unread look like the labels that matter?

    Of a format that labels steps, only what can hold one label per step does.
    """
    if part in form.known or not judges(part):
        return False
    return not form.steps or isinstance(record.get(part), list | dict)


def _hidden(value: object, path: str) -> Iterator[str]:
    """Paths below a field to what looks like labels and can hold one per step."""
    if not isinstance(value, dict):
        return
    for name, part in value.items():
        if judges(name) and isinstance(part, list | dict):
            yield f"{path}.{name}"
        else:
            yield from _hidden(part, f"{path}.{name}")


def detected(record: Record) -> str | None:
    """Name of the one format that explains the row; None if there is none, or several."""
    fit = guessed(record).fit
    return fit[0] if len(fit) == 1 else None


def format_of(path: str | Path) -> str:
    """The format of a file: that of the first of its first rows that one format explains.

    Raises InputError where nothing, or not only one, explains any: what was found, what speaks
    against the formats that come near, and how to decide.
    """
    first: tuple[Record, Guess] | None = None
    broken: list[tuple[int, str]] = []  # lines that are no JSON objects hide no file either
    rows = foreign_rows(path, broken=lambda row, why: broken.append((row, why)))
    for _, record in islice(rows, LOOK):
        guess = guessed(record)
        if len(guess.fit) == 1:
            return guess.fit[0]
        if first is None or (guess.doubts and not first[1].doubts):
            first = record, guess
    if first is None and broken:
        row, why = broken[0]
        raise InputError(f"{path} has no rows of data: row {row}: {why}")
    if first is None:
        raise InputError(f"{path} has no rows; expected one a line")
    raise InputError(_told(path, *first))


def _told(path: str | Path, record: Record, guess: Guess) -> str:
    found = ", ".join(f"{name} ({type(value).__name__})" for name, value in record.items())
    if guess.fit:
        return (
            f"{path} could be in any of the formats {', '.join(guess.fit)}: its first row has "
            f"{found}. {_cure(path, guess.fit[0])}"
        )
    if guess.doubts:
        near = "; ".join(f"{name}, but {doubt}" for name, doubt in guess.doubts.items())
        return (
            f"{path} is not surely in any known format: a row has {found}. Nearest: {near}. "
            f"{_cure(path, next(iter(guess.doubts)))}"
        )
    shapes = "; ".join(f"{name}: {' '.join(form.fields)}" for name, form in FORMATS.items())
    return f"{path} is in no known format: its first row has {found}; expected {shapes}"


def _cure(path: str | Path, name: str) -> str:
    return f"If that is the format, say so: `surefoot convert {path} labels.jsonl --from {name}`"
