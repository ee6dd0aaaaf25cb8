r"""Sets of real numbers: intervals, unions, inequalities and exceptions, as pieces with two ends.

    (1, 5] = ]1; 5] = 1 < x \le 5 = "x > 1 and x \le 5"
    (-\infty, 0) \cup (0, \infty) = x \ne 0 = \mathbb{R} \setminus \{0\} = all real numbers except 0

Ends stay text, to be compared like any answer. "(a, b)" alone may also be a pair, so it
is a region only against something that is surely one.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TypeVar

from surefoot.tasks.values import Value, value_of

Same = Callable[[str, str], bool | None]
T = TypeVar("T")
MOST_PIECES = 8
INFINITE = ("-inf", "inf")

_ALL = re.compile(
    r"(?:all|any|every|the set of all)?\s*(?:the\s+)?real(?:s|\s+numbers?|\s+values?)?(?:\s+x)?"
    r"|\\mathbb\{R\}",
    re.IGNORECASE,
)
_EXCEPT = re.compile(
    r"(?P<all>.+?)\s*(?:\\setminus|\\backslash|,?\s*except(?:\s+for)?|-(?=\s*\\\{)|other\s+than)\s*(?P<out>.+)",
    re.IGNORECASE,
)
_NOT = re.compile(r"\s*(?P<name>\\?[A-Za-z]+)\s*\\ne\s*(?P<out>[^=<>]+)")
_MEMBER = re.compile(r"(?P<name>\\?[A-Za-z]+)\s*\\in(?![a-z])\s*(?P<set>.+)")
_BUILT = re.compile(
    r"\\?\{\s*(?:[a-z]\s*\\in\s*\\mathbb\{R\}|[a-z])\s*(?:\\mid|\||:)\s*(?P<where>.+?)\s*\\?\}"
)
_ABSOLUTE = re.compile(
    r"\|\s*(?P<name>[a-z])\s*(?:(?P<sign>[-+])\s*(?P<shift>[^|]+?))?\s*\|\s*(?P<than><|>|\\le|\\ge)(?P<end>[^<>|]+)"
)
_RELATION = re.compile(r"<|>|\\le(?![a-z])|\\ge(?![a-z])")
_NAME = re.compile(r"\\?[A-Za-z]+(?:_\{?\w+\}?)?(?:\([a-z]\))?")


@dataclass(frozen=True, slots=True)
class Piece:
    """From `low` to `high`, as written ("-inf" and "inf" without end); are the ends in it?"""

    low: str
    low_in: bool
    high: str
    high_in: bool


@dataclass(frozen=True, slots=True)
class Region:
    """Pieces, the variable if it is named, and whether the text can be nothing but a region."""

    pieces: tuple[Piece, ...]
    name: str | None = None
    surely: bool = True


LINE = Piece("-inf", False, "inf", False)


@lru_cache(4096)
def region_of(text: str) -> Region | None:
    """The region that a tidied text describes, or None."""
    text = text.strip()
    if _ALL.fullmatch(text):
        return Region((LINE,))
    member = _MEMBER.fullmatch(text)
    if member is not None:
        inner = region_of(member["set"])
        return inner and Region(inner.pieces, member["name"])
    built = _BUILT.fullmatch(text)
    if built is not None:
        return region_of(built["where"])
    absolute = _ABSOLUTE.fullmatch(text)
    if absolute is not None:
        return _around(absolute)
    unequal = _without(text)
    if unequal is not None:
        return unequal
    pieces = [_piece(part) for part in re.split(r"\\cup(?![a-z])|\s+or\s+", text)]
    found = [piece for piece in pieces if piece is not None]
    if len(found) != len(pieces) or len(found) > MOST_PIECES:
        return None
    names = {name for _, name, _ in found if name is not None}
    if len(names) > 1:
        return None
    surely = any(sure for _, _, sure in found) or r"\cup" in text
    return Region(tuple(piece for piece, _, _ in found), next(iter(names), None), surely)


def _around(absolute: re.Match[str]) -> Region | None:
    """Of |x - 2| < 3: what is nearer to 2 than 3; of > the two rays that are not."""
    centre = value_of(absolute["shift"]) if absolute["shift"] else Value(Fraction(0))
    radius = value_of(absolute["end"])
    if centre is None or radius is None or radius.number < 0:
        return None
    middle = -centre.number if absolute["sign"] == "+" else centre.number
    low, high = str(middle - radius.number), str(middle + radius.number)
    closed = absolute["than"].startswith("\\")
    if absolute["than"] in ("<", r"\le"):
        return Region((Piece(low, closed, high, closed),), absolute["name"])
    rays = Piece("-inf", False, low, closed), Piece(high, closed, "inf", False)
    return Region(rays, absolute["name"])


def _without(text: str) -> Region | None:
    r"""Of "x \ne 0", "\mathbb{R} \setminus \{0, 1\}", "all real numbers except 0 and 1"."""
    parts = [_NOT.fullmatch(part) for part in re.split(r",|\s+and\s+", text)]
    if all(part is not None for part in parts):
        names = {part["name"] for part in parts if part is not None}
        holes = [part["out"] for part in parts if part is not None]
        return _line_without(holes, names.pop()) if len(names) == 1 else None
    taken = _EXCEPT.fullmatch(text)
    if taken is None or not _ALL.fullmatch(taken["all"]):
        return None
    out = re.sub(r"^\\?\{|\\?\}$|^[a-z]\s*=", "", taken["out"].strip())
    return _line_without(re.split(r",\s*(?:and\s+)?|\s+and\s+", out), None)


def _line_without(holes: list[str], name: str | None) -> Region | None:
    ends = [hole.strip(" \\{}") if "{" not in hole[1:] else hole.strip() for hole in holes]
    if len(ends) > 1:
        values = [value_of(end) for end in ends]
        if any(value is None for value in values):
            return None
        ends = [e for _, e in sorted((v.number, e) for v, e in zip(values, ends, strict=True) if v)]
    lows, highs = ["-inf", *ends], [*ends, "inf"]
    return Region(tuple(Piece(a, False, b, False) for a, b in zip(lows, highs, strict=True)), name)


def _piece(text: str) -> tuple[Piece, str | None, bool] | None:
    """(piece, the variable's name, surely a region?)"""
    text = text.strip()
    interval = re.fullmatch(r"([(\[\]])(.*)([)\]\[])", text, re.DOTALL)
    if interval is not None:
        ends = _two_ends(interval[2])
        if ends is None:
            return None
        low_in, high_in = interval[1] == "[", interval[3] == "]"
        low, high = map(_end, ends)
        surely = interval[1] + interval[3] != "()" or low == "-inf" or high == "inf"
        return Piece(low, low_in, high, high_in), None, surely
    single = re.fullmatch(r"\\\{([^{},;]+)\\\}", text)
    if single is not None:
        return Piece(single[1].strip(), True, single[1].strip(), True), None, False
    return _inequality(text)


def _two_ends(inside: str) -> list[str] | None:
    """The two elements of "a, b" or "a; b", split outside of brackets; None if not two."""
    depth, cuts = 0, []
    for i, char in enumerate(inside):
        depth += (char in "([{") - (char in ")]}")
        if depth < 0:
            return None
        if depth == 0 and char in ",;":
            cuts.append(i)
    if len(cuts) != 1:
        return None
    return [inside[: cuts[0]], inside[cuts[0] + 1 :]]


def _end(text: str) -> str:
    text = text.strip()
    if re.fullmatch(r"[+]?\s*\\infty", text):
        return "inf"
    return "-inf" if re.fullmatch(r"-\s*\\infty", text) else text


def _inequality(text: str) -> tuple[Piece, str | None, bool] | None:
    r"""Of "x < 3", "1 < x \le 5", "x \ge 1 and x < 5"."""
    low, low_in, high, high_in = "-inf", False, "inf", False
    names = set()
    for part in re.split(r"\s+and\s+|\s*\\land\s*|,", text):
        for bound in _bounds(part):
            if bound is None:
                return None
            name, below, end, included = bound
            names.add(name)
            if below and low == "-inf":
                low, low_in = end, included
            elif not below and high == "inf":
                high, high_in = end, included
            else:
                return None
    if len(names) != 1:
        return None
    return Piece(low, low_in, high, high_in), names.pop(), True


def _bounds(text: str) -> Iterator[tuple[str, bool, str, bool] | None]:
    """(variable, is it a lower bound?, the bound, is it included?) for every sign of a chain."""
    signs = _RELATION.findall(text)
    sides = [side.strip() for side in _RELATION.split(text)]
    middle = [i for i, side in enumerate(sides) if _NAME.fullmatch(side) and side != r"\infty"]
    if not 1 <= len(signs) <= 2 or len(middle) != 1 or (len(signs) == 2 and middle != [1]):
        yield None
        return
    for i, sign in enumerate(signs):
        ends = {_end(side) for side in (sides[i], sides[i + 1])}
        if "" in ends:
            yield None
            return
        on_left = i == middle[0]  # "x < 3", not "3 > x"
        less = sign in ("<", r"\le")
        bound = _end(sides[i + 1] if on_left else sides[i])
        if bound not in INFINITE:
            yield sides[middle[0]], less != on_left, bound, sign.startswith("\\")


def same_region(gold: Region, answer: Region, same: Same) -> bool | None:
    """Are two regions the same? Exact where all ends are numbers, else piece by piece."""
    if gold.name and answer.name and gold.name.lower() != answer.name.lower():
        return False
    left, right = _joined(gold.pieces), _joined(answer.pieces)
    if left is not None and right is not None:
        return left == right
    if len(gold.pieces) != len(answer.pieces):
        return False
    return matched(gold.pieces, answer.pieces, lambda g, a: _same_piece(g, a, same))


def matched(
    golds: Sequence[T], answers: Sequence[T], same: Callable[[T, T], bool | None]
) -> bool | None:
    """Are they equal part by part in some order? None: not known of every part that is needed."""
    left, unsure = list(answers), False
    for gold in golds:
        verdicts = [same(gold, part) for part in left]
        if True in verdicts:
            left.pop(verdicts.index(True))
        elif None in verdicts:
            unsure = True
        else:
            return False
    return None if unsure else True


def _same_piece(gold: Piece, answer: Piece, same: Same) -> bool | None:
    if (gold.low_in, gold.high_in) != (answer.low_in, answer.high_in):
        return False
    ends = ((gold.low, answer.low), (gold.high, answer.high))
    verdicts = [
        left == right if {left, right} & set(INFINITE) else same(left, right)
        for left, right in ends
    ]
    return False if False in verdicts else None if None in verdicts else True


Ends = tuple[Fraction | float, bool, Fraction | float, bool]


def _joined(pieces: tuple[Piece, ...]) -> list[Ends] | None:
    """The pieces in order, touching ones joined; None if an end is no number."""
    ends: list[Ends] = []
    for piece in pieces:
        low, high = _number(piece.low), _number(piece.high)
        if low is None or high is None:
            return None
        ends.append((low, piece.low_in, high, piece.high_in))
    joined: list[Ends] = []
    for low, low_in, high, high_in in sorted(ends, key=lambda e: (e[0], not e[1])):
        before = joined[-1] if joined else None
        touches = before and (low < before[2] or (low == before[2] and (low_in or before[3])))
        if before and touches:
            far = max((before[2], before[3]), (high, high_in))
            joined[-1] = (before[0], before[1], *far)
        else:
            joined.append((low, low_in, high, high_in))
    return joined


def _number(end: str) -> Fraction | float | None:
    if end in INFINITE:
        return float(end)
    value = value_of(end)
    return None if value is None or value.base is not None else value.number
