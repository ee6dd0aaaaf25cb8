"""Reading the fields of one foreign row, with errors that name the field.

A typed row keeps what its format promises as attributes and every other field, verbatim, in
`rest`; so a row that is read and written again is the row that came.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from surefoot.core.errors import InputError
from surefoot.core.records import Record, field_of

T = TypeVar("T")


def texts_of(record: Record, name: str) -> tuple[str, ...]:
    """A list of strings. Raises InputError that names the first entry that is not one."""
    return tuple(items_of(record, name, (str,)))


def items_of(record: Record, name: str, kinds: tuple[type, ...]) -> list[Any]:
    """A list whose entries are of one of `kinds`; a bool counts as one only if asked for."""
    values = field_of(record, name, list)
    for index, value in enumerate(values):
        field_of({f"{name}[{index}]": value}, f"{name}[{index}]", kinds)
    return values


def nullable(record: Record, name: str, kinds: tuple[type, ...]) -> Any:
    """A field that must be there and may be null."""
    if name in record and record[name] is None:
        return None
    return field_of(record, name, kinds)


def rest_of(record: Record, names: Iterable[str]) -> Record:
    """The fields that are not in `names`, in their order."""
    known = set(names)
    return {name: value for name, value in record.items() if name not in known}


def steps_of(record: Record, name: str) -> tuple[str, ...]:
    """`texts_of`, one or more."""
    texts = texts_of(record, name)
    if not texts:
        raise InputError(f"field {name!r} is empty; expected one step or more")
    return texts


def built_in(name: str, build: Callable[[Record], T], record: Record) -> T:
    """`build(record)`; its InputErrors gain the name of the field that `record` stands in."""
    try:
        return build(record)
    except InputError as error:
        raise InputError(f"in {name}: {error}") from error
