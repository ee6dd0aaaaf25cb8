"""One JSON text, and one field of it: what is wrong is named, and impossible values are refused.

What no one can have meant is refused where it enters, with the field's name: integers beyond 64
bits, halves of a surrogate pair in a text, nesting without end, and, for evidence, NaN,
infinity and what lies outside a number's range.
"""

import json
import math
import re
from collections.abc import Callable
from enum import Enum
from typing import Any, TypeVar, overload

from surefoot.core.errors import InputError

Record = dict[str, Any]
T = TypeVar("T")
E = TypeVar("E", bound=Enum)

DEEPEST = 256  # levels of nesting; Python's own limit, 1000 calls, is near where functions recurse
LARGEST = 2**63  # NumPy, Parquet and SQLite hold no integer from here on
ROUNDING = 1e-9  # how far a sum of floats may lie beyond a bound
_TOKENS = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"(\s*:)?|([\[{])|([\]}])|(\d{640,})')
_SURROGATE = re.compile("[\ud800-\udfff]")


# --- one text --------------------------------------------------------------


def parsed(text: str) -> Any:
    """The JSON value in a text.

    Raises InputError that says what is wrong: no JSON, nested deeper than `DEEPEST`, or an integer
    that Python takes for an attack (over 4,300 digits; `sys.set_int_max_str_digits`).
    """
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(
            f"expected a JSON object, got {text.strip()[:60]!r} ({error.msg}); mend or delete it"
        ) from error
    except RecursionError as error:
        raise _too_deep(text) from error
    except ValueError as error:
        raise InputError(too_long(text)[1]) from error
    # Counting is cheap, and most rows have fewer brackets than levels are allowed.
    if text.count("[") + text.count("{") > DEEPEST and is_deep(value):
        raise _too_deep(text)
    return value


def too_long(text: str) -> tuple[int, str]:
    """(row, what is wrong) of the longest integer in a JSON text that Python did not take.

    row: which object of the text's outermost array it stands in, or which of several objects.
    """
    outside = 1 if text.lstrip().startswith("[") else 0
    longest = max(_TOKENS.finditer(text), key=lambda m: len(m[5] or ""))
    depth, row, field = 0, 0, ""
    for token in _TOKENS.finditer(text, 0, longest.end()):
        row += token[3] is not None and depth == outside
        depth += bool(token[3]) - bool(token[4])
        if token[2] and depth == outside + 1:
            field = token[1]
    return row, (
        f"field {field!r} holds an integer of {len(longest[5])} digits; expected at most 64 "
        "bits; mend or delete it"
    )


def is_deep(value: Any) -> bool:
    """Is it nested deeper than `DEEPEST`? Level by level: nothing here may recurse."""
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(DEEPEST):
        parts = (node.values() if isinstance(node, dict) else node for node in level)
        level = [part for row in parts for part in row if isinstance(part, (dict, list))]
        if not level:
            return False
    return True


def _too_deep(text: str) -> InputError:
    return InputError(
        f"field {_outermost(text)!r} is nested more than {DEEPEST} levels deep; mend or delete it"
    )


def _outermost(text: str) -> str:
    """The last key of the outermost object before the text ends or gets too deep."""
    depth, field = 0, ""
    for token in _TOKENS.finditer(text):
        depth += bool(token[3]) - bool(token[4])
        if token[2] and depth == 1:
            field = token[1]
        if depth > DEEPEST:
            break
    return field


# --- one field -------------------------------------------------------------


@overload
def field_of(record: Record, name: str, kind: type[T]) -> T: ...
@overload
def field_of(record: Record, name: str, kind: tuple[type, ...]) -> Any: ...
def field_of(record: Record, name: str, kind: type | tuple[type, ...]) -> Any:
    """`record[name]`, or an InputError that names the field, what was expected and what came.

    A text is text: half of a surrogate pair is refused. An integer fits into 64 bits, unless text
    would do as well (then it is a name).
    """
    expected = kind if isinstance(kind, tuple) else (kind,)
    names = " or ".join(k.__name__ for k in expected)
    if name not in record:
        found = sorted(record)[:20]
        raise InputError(f"field {name!r} is missing; expected {names}, found {found}")
    value = record[name]
    if not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected):
        shown = repr(value)[:60]
        raise InputError(f"field {name!r}: expected {names}, got {type(value).__name__} {shown}")
    if isinstance(value, str):
        _refuse_half_letters(name, value)
    elif isinstance(value, int) and str not in expected and not -LARGEST <= value < LARGEST:
        raise InputError(
            f"field {name!r}: expected an integer of at most 64 bits, got one of "
            f"{len(str(abs(value)))} digits"
        )
    return value


def _refuse_half_letters(name: str, text: str) -> None:
    if text.isascii():
        return
    half = _SURROGATE.search(text)
    if half is not None:
        raise InputError(
            f"field {name!r} holds half of a surrogate pair ({half[0]!a} at letter "
            f"{half.start()}), which is no text; expected whole letters: mend it, or write U+FFFD"
        )


def with_whole_letters(record: Record) -> Record:
    """The record with "?" for each half of a surrogate pair: to be looked at, not learned from."""
    text = json.dumps(record, ensure_ascii=False)
    if text.isascii() or not _SURROGATE.search(text):
        return record
    whole: Record = json.loads(text.encode("utf-8", "replace"))
    return whole


def number_of(
    record: Record,
    name: str,
    *,
    least: float = -math.inf,
    most: float = math.inf,
    whole: bool = False,
) -> float:
    """A finite number in [least, most], up to rounding; an integer if it has to be `whole`.

    Raises InputError that names the field, the range, and what came.
    """
    value: float = field_of(record, name, int if whole else (int, float))
    slack = ROUNDING * max(1.0, abs(most) if math.isfinite(most) else 1.0)
    if not (math.isfinite(value) and least - slack <= value <= most + slack):
        raise InputError(f"field {name!r}: expected {_range(least, most)}, got {value}")
    return value


def _range(least: float, most: float) -> str:
    if math.isinf(least) and math.isinf(most):
        return "a finite number"
    if math.isinf(most):
        return f"{least:g} or more"
    return f"at most {most:g}" if math.isinf(least) else f"a number in [{least:g}, {most:g}]"


def optional(record: Record, name: str, kinds: tuple[type, ...], default: Any) -> Any:
    """`field_of`, or `default` where the field is absent or null."""
    return default if record.get(name) is None else field_of(record, name, kinds)


def member_of(enum: type[E], record: Record, name: str) -> E:
    """The member of an enum that a field names."""
    value = record.get(name)
    try:
        return enum(value)
    except ValueError as error:
        choices = sorted(member.value for member in enum)
        shown = repr(value)[:60]
        raise InputError(f"field {name!r}: expected one of {choices}, got {shown}") from error


# --- many ------------------------------------------------------------------


def list_of(record: Record, name: str, kinds: tuple[type, ...]) -> list[Any]:
    """A list field, each entry of one of `kinds`; the error names the first that is not."""
    values = field_of(record, name, list)
    for index, value in enumerate(values):
        if type(value) is float and float in kinds:
            continue  # most lists are long and of numbers: no name is made for each
        if type(value) is int and int in kinds and -LARGEST <= value < LARGEST:
            continue
        field_of({f"{name}[{index}]": value}, f"{name}[{index}]", kinds)
    return values


def per_step(record: Record, name: str, kinds: tuple[type, ...], steps: int) -> list[list[Any]]:
    """[S] a list of `kinds` for each step; empty lists where the field is absent, null or []."""
    if not record.get(name):
        return [[] for _ in range(steps)]
    lists = list_of(record, name, (list,))
    if len(lists) != steps:
        raise InputError(f"field {name!r} has {len(lists)} entries for {steps} steps")
    return [list_of({f"{name}[{i}]": row}, f"{name}[{i}]", kinds) for i, row in enumerate(lists)]


def within(name: str, build: Callable[[Record], T], row: Record) -> T:
    """`build(row)`; its InputErrors gain the name of the field that `row` stands in."""
    try:
        return build(row)
    except InputError as error:
        raise InputError(f"in {name}: {error}") from error
