r"""The exact value of a written number, and whether two of them are the same.

Integers, decimals, fractions, mixed and repeating numbers, powers of ten, with a
currency sign, a percent sign or a unit. Everything is a `Fraction`: no rounding.

    50% = 50 = 0.5         one percent sign may mean either
    $5 = 5 miles = 5       but 5 miles is not 5 hours, and 12_8 is not 12
    0.333333 = 1/3         from six decimals on, within 5e-7 and one part in 1e5
"""

import re
from dataclasses import dataclass
from fractions import Fraction

from surefoot.tasks.answers import plain_number

MOST_DIGITS = 300
CLOSE, CLOSE_PART = Fraction(5, 10**7), Fraction(1, 10**5)

_SCALES = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}
_INTEGER = r"\d{1,300}"
_DECIMAL = r"\d{0,300}\.?\d{1,300}"
_FRACTION = re.compile(
    rf"(-?)\s*(?:({_INTEGER})\s*\+?\s*)?(?:\\frac\{{\s*(-?{_DECIMAL})\s*\}}\{{\s*({_DECIMAL})\s*\}})"
)
_SLASHED = re.compile(rf"([-+]?)\s*(?:({_INTEGER})\s+)?\(?({_INTEGER})\)?\s*/\s*\(?({_INTEGER})\)?")
_REPEATING = re.compile(r"(-?)(\d{0,50})\.(\d{0,50})\\overline\{(\d{1,50})\}")
_SCIENTIFIC = re.compile(
    r"([-+]?\d{0,300}\.?\d{1,300})\s*(?:[eE]|(?:\\times|\\cdot|\*|x)\s*10\s*\^)\s*\{?\(?([-+]?\d{1,3})\)?\}?"
)
_BASED = re.compile(r"([0-9a-zA-Z]{1,64})\s*_\s*\{?\s*(\d{1,2})\s*\}?")
_UNIT = re.compile(
    r"(.*[\d.})%])\s*((?:[A-Za-z]{1,20}\.?\s*){1,3}(?:(?:/|per)\s*[A-Za-z]{1,20})?(?:\^\{?[23]\}?)?)"
)
_NO_UNITS = set(
    re.findall(
        r"\w+",
        """
    pi e i x sqrt mod choose or and to is are was be not no isn wrong false incorrect if than
    more less times plus minus but nor never maybe about unless except factorial squared cubed
""",
    )
)
_WORDS = re.compile(r"[A-Za-z][A-Za-z' -]{2,}")


@dataclass(frozen=True, slots=True)
class Value:
    """A number as it was written.

    decimals: how many digits stand after its point. base: of a numeral such as 12_8.
    """

    number: Fraction
    decimals: int = 0
    percent: bool = False
    unit: str = ""
    base: int | None = None


def value_of(text: str) -> Value | None:
    """The value of a tidied text that is one number, or None."""
    text = text.strip()
    while (
        len(text) > 2 and text[0] + text[-1] in ("()", "{}") and not set(text[1:-1]) & set("(){}")
    ):
        text = text[1:-1].strip()
    based = _BASED.fullmatch(text)
    if based is not None:
        return _in_base(based[1], int(based[2]))
    percent = text.endswith("%")
    bare = text.rstrip("% ").replace("$", "").strip()
    value = _number(bare)
    if value is not None:
        return Value(value[0], value[1], percent)
    unit = _UNIT.fullmatch(bare)
    value = _number(unit[1].rstrip("% ")) if unit else None
    if unit is None or value is None:
        return None
    return _with_unit(value[0], value[1], "%" in unit[1], unit[2].lower().strip(" ."))


def _with_unit(number: Fraction, decimals: int, percent: bool, unit: str) -> Value | None:
    first, _, rest = unit.partition(" ")
    if first in _SCALES:
        return Value(number * 10 ** _SCALES[first], 0, percent, _singular(rest))
    if len(unit) == 1 and unit not in "mgsl":  # "2x" is algebra
        return None
    if _NO_UNITS & set(re.findall(r"[a-z]+", unit)):
        return None
    return Value(number, decimals, percent, "" if unit == "percent" else _singular(unit))


def _singular(unit: str) -> str:
    return re.sub(r"(?<=[a-z]{2})s\b", "", unit.strip())


def _number(text: str) -> tuple[Fraction, int] | None:
    """(value, decimals) of a number without sign posts such as % and units."""
    plain = plain_number(text)
    if plain is not None and len(plain) <= MOST_DIGITS:
        return Fraction(plain), len(plain.partition(".")[2])
    if match := _FRACTION.fullmatch(text) or _SLASHED.fullmatch(text):
        number = _quotient(*match.groups())
    elif match := _REPEATING.fullmatch(text):
        number = _repeating(*match.groups())
    elif match := _SCIENTIFIC.fullmatch(text):
        number = Fraction(match[1]) * Fraction(10) ** int(match[2])
    else:
        number = None
    return None if number is None else (number, 0)


def _quotient(sign: str, whole: str | None, top: str, bottom: str) -> Fraction | None:
    """Of a fraction, maybe mixed; None over 0."""
    if Fraction(bottom) == 0:
        return None
    number = Fraction(whole or 0) + Fraction(top) / Fraction(bottom)
    return -number if sign == "-" else number


def _repeating(sign: str, whole: str, start: str, period: str) -> Fraction:
    """0.1(6) = (16 - 1) / 90."""
    digits = int(whole + start + period) - int((whole + start) or 0)
    number = Fraction(digits, (10 ** len(period) - 1) * 10 ** len(start))
    return -number if sign else number


def _in_base(digits: str, base: int) -> Value | None:
    if not 2 <= base <= 36:
        return None
    try:
        return Value(Fraction(int(digits, base)), base=base)
    except ValueError:
        return None  # a name with an index, such as x_2, or a digit too large


def same_value(gold: Value, answer: Value) -> bool:
    """Are two written numbers the same?"""
    if (gold.base is None) != (answer.base is None):
        return False
    if gold.unit and answer.unit and gold.unit != answer.unit:
        return False
    if _close(gold, answer.number, answer.decimals):
        return True
    if gold.percent == answer.percent:
        return False
    scale = Fraction(1, 100) if answer.percent else Fraction(100)
    return _close(gold, answer.number * scale, answer.decimals)


def _close(gold: Value, number: Fraction, decimals: int) -> bool:
    if gold.number == number:
        return True
    if max(gold.decimals, decimals) < 6:
        return False
    apart = abs(gold.number - number)
    return apart < CLOSE and apart <= CLOSE_PART * abs(gold.number)


def same_plainly(gold: str, answer: str) -> bool | None:
    """The leaf comparison that needs no algebra: numbers, else words; None if it is neither."""
    left, right = value_of(gold), value_of(answer)
    if left is not None and right is not None:
        return same_value(left, right)
    if (left is None) != (right is None) and "_" in gold + answer:
        return None if "\\" in gold + answer else False
    first, second = (_letter(text) for text in (gold, answer))
    if len(first) == len(second) == 1 and (first + second).isalpha():
        return first.casefold() == second.casefold()
    texts = [first, second]
    if any(_WORDS.fullmatch(t) for t in texts) and all(
        _WORDS.fullmatch(t) or v is not None or len(t) == 1
        for t, v in zip(texts, (left, right), strict=True)
    ):
        return first.casefold() == second.casefold()
    return True if first.casefold() == second.casefold() else None


def _letter(text: str) -> str:
    """A choice such as "(A)" or "A." without its dress."""
    match = re.fullmatch(r"[({\[]?\s*(\w+)\s*[)}\].]?", text)
    return match[1] if match else text.strip()
