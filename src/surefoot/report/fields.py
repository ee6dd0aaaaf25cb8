"""Reading a report's JSON: every error names the field by its path.

methods.majority: field 'accuracy': expected a number in [0, 1], got 71.2
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from surefoot.core.errors import InputError
from surefoot.core.records import Record, field_of

T = TypeVar("T")


# --- one value -------------------------------------------------------------


def needed(record: Record, name: str, *, least: float = 0, most: float = 1) -> float:
    """A finite number in [least, most] that has to be there."""
    value: float = field_of(record, name, (int, float))
    if not (math.isfinite(value) and least <= value <= most):
        raise InputError(f"field {name!r}: expected a number {_range(least, most)}, got {value}")
    return value


def known(record: Record, name: str, *, least: float = 0, most: float = 1) -> float | None:
    """As `needed`, or None where the field is absent, null or NaN."""
    value = record.get(name)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    return needed(record, name, least=least, most=most)


def ends(record: Record, *, least: float = 0) -> tuple[float | None, float | None]:
    """ "low" and "high" of an interval: both have to be there, either may be null or NaN."""
    for name in ("low", "high"):
        field_of(record, name, (int, float, type(None)))
    low, high = (known(record, name, least=least) for name in ("low", "high"))
    if low is not None and high is not None and low > high:
        raise InputError(f"fields 'low' and 'high': expected low <= high, got {low} and {high}")
    return low, high


def text_of(record: Record, name: str) -> str | None:
    """Text; a number becomes text; None where the field is absent or null."""
    value = record.get(name)
    if value is None:
        return None
    return str(field_of(record, name, (str, int, float)))


def one_of(record: Record, name: str, choices: Sequence[str]) -> str | None:
    """One of `choices`, or None where the field is absent or null."""
    value = record.get(name)
    if value is not None and value not in choices:
        raise InputError(f"field {name!r}: expected one of {list(choices)} or null, got {value!r}")
    return value


def _range(least: float, most: float) -> str:
    if math.isinf(least):
        return "that is finite"
    return f"of {least} or more" if math.isinf(most) else f"in [{least}, {most}]"


# --- many ------------------------------------------------------------------


def named(record: Record, name: str, build: Callable[[Record], T]) -> dict[str, T]:
    """{key: build(row)} of an object of objects; {} where the field is absent."""
    rows: dict[str, Any] = field_of({name: {}, **record}, name, dict)
    return {str(key): _built(f"{name}.{key}", build, row) for key, row in rows.items()}


def listed(record: Record, name: str, build: Callable[[Record], T]) -> list[T]:
    """[build(row)] of a list of objects; [] where the field is absent."""
    rows: list[Any] = field_of({name: [], **record}, name, list)
    return [_built(f"{name}[{index}]", build, row) for index, row in enumerate(rows)]


def lists_by_name(
    record: Record, name: str, build: Callable[[Record], T]
) -> dict[str, tuple[T, ...]]:
    """{key: (build(row), ...)} of an object of lists of objects; {} where the field is absent."""
    lists: dict[str, Any] = field_of({name: {}, **record}, name, dict)
    built = {}
    for key in lists:
        try:
            built[str(key)] = tuple(listed(lists, key, build))
        except InputError as error:
            raise InputError(f"{name}.{error}") from error
    return built


def rates(record: Record, name: str) -> dict[str, float]:
    """{key: fraction} of an object of numbers; {} where the field is absent."""
    rows: dict[str, Any] = field_of({name: {}, **record}, name, dict)
    try:
        return {str(key): needed(rows, key) for key in rows}
    except InputError as error:
        raise InputError(f"{name}: {error}") from error


def _built(path: str, build: Callable[[Record], T], row: object) -> T:
    if not isinstance(row, dict):
        raise InputError(f"{path}: expected an object, got {type(row).__name__}")
    try:
        return build(row)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
