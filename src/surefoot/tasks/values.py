r"""The exact value of a written number, and whether two of them are the same.

Integers, decimals, fractions, mixed and repeating numbers, powers of ten and number
words, with a currency, a percent sign or a unit. Everything is a `Fraction`: no rounding.

    1,234.5 = 1.234,5 = 1 234,5 = 1'234.5       thousand and decimal marks of any country
    50% = 50 = 0.5                              a percent sign on one side may mean either
    $5 = 5 dollars = 5;  $0.20 = 20 cents;  60 minutes = 1 hour;  $5 is not 5 euros
    12th = twelfth = 12;  12_8 is not 12;  3 pm is not 3
    0.333333 = 1/3                              from six decimals on, within 5e-7, one in 1e5
                                                and one unit of the last place
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from surefoot.tasks.answers import plain_number
from surefoot.tasks.quantities import CURRENCIES, KNOWN, Unit, currency_before, unit_of
from surefoot.tasks.words import ordinal, worded

MOST_DIGITS = 300
REMEMBERED = 4096
CLOSE, CLOSE_PART = Fraction(5, 10**7), Fraction(1, 10**5)
FLOAT = 14  # decimals that a binary double gets right

_SCALES = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}
_MONEY_SCALES = {"k": 3, "m": 6, "mn": 6, "b": 9, "bn": 9}
_INTEGER = r"\d{1,300}"
_DECIMAL = r"\d{0,300}\.?\d{1,300}"
_FRACTION = re.compile(
    rf"(-?)\s*(?:({_INTEGER})\s*\+?\s*)?"
    rf"(?:\\frac\{{\s*([-+]?{_DECIMAL})\s*\}}\{{\s*(-?{_DECIMAL})\s*\}})"
)
_SLASHED = re.compile(
    rf"([-+]?)\s*(?:({_INTEGER})(?:\s+|\s*\+\s*))?\(?({_INTEGER})\)?\s*/\s*\(?({_INTEGER})\)?"
)
_REPEATING = re.compile(r"(-?)(\d{0,50})\.(\d{0,50})(?:\\overline\{(\d{1,50})\}|\((\d{1,50})\))")
_SCIENTIFIC = re.compile(
    r"([-+]?\d{0,300}\.?\d{1,300})\s*(?:[eE]|(?:\\times|\\cdot|\*|x)\s*10\s*\^)\s*\{?\(?([-+]?\d{1,3})\)?\}?"
)
_POWER_OF_TEN = re.compile(r"()10\s*\^\s*\{?\(?([-+]?\d{1,3})\)?\}?")
_MARKED = (  # thousand marks, and which sign is the decimal point
    (re.compile(r"[-+]?\d{1,3}(?:[ '_]\d{3})+(?:[.,]\d{1,300})?"), " '_", ","),
    (re.compile(r"[-+]?\d{1,3}(?:\.\d{3})+,\d{1,300}|[-+]?\d{1,3}(?:\.\d{3}){2,}"), ".", ","),
    (re.compile(r"[-+]?\d{1,2}(?:,\d{2})+,\d{3}(?:\.\d{1,300})?"), ",", ""),
    (re.compile(r"[-+]?(?:0,\d{1,300}|\d{1,300},(?:\d{1,2}|\d{4,300}))"), "", ","),
)
_BASED = re.compile(r"\(?\s*(-?)([0-9a-zA-Z.]{1,64})\s*\)?\s*_\s*\{?\s*(\d{1,2}|[a-z]{2,7})\s*\}?")
_BASES = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9}
_BASES |= {"ten": 10, "twelve": 12, "sixteen": 16}
_UNIT = re.compile(
    r"(.*[\d.})%])\s*"
    r"((?:[A-Za-z°$€£¥₹₩₽]{1,20}\.?\s*){1,4}(?:\^\s*\{?\s*[1-9]\s*\}?)?"
    r"(?:(?:/|per)\s*(?:[A-Za-z]{1,20}\s*){1,2})?(?:\^\s*\{?\s*-?[1-9]\s*\}?)?"
    r"|\\frac\{\s*[a-z]{1,12}\s*\}\{\s*[a-z]{1,12}\s*\})"
)
_COMPOUND = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]{1,12})\.?(?:\s*,?\s+and\s+|\s*,\s*|\s*)")
_WORDED = re.compile(r"([A-Za-z][a-z]*(?:[ -][A-Za-z]+){0,9}?)(?:\s+([A-Za-z ]{2,40}))?")
_NO_UNITS = set(
    re.findall(
        r"\w+",
        """
    pi e i x sqrt mod choose or and to is are was be not no isn wrong false incorrect if than
    more less times plus minus but nor never maybe about unless except factorial squared cubed
    am pm a p st nd rd th remainder r
""",
    )
)


@dataclass(frozen=True, slots=True)
class Value:
    """A number as it was written.

    decimals: how many digits stand after its point. base: of a numeral such as 12_8.
    unit: what it measures and the size of that in the base unit, or None without one.
    comma: a comma was read as its decimal point, so it might also be two numbers.
    """

    number: Fraction
    decimals: int = 0
    percent: bool = False
    unit: Unit | None = None
    base: int | None = None
    comma: bool = False


@lru_cache(REMEMBERED)
def value_of(text: str) -> Value | None:
    """The value of a tidied text that is one number, or None."""
    text = without_brackets(text)
    based = _BASED.fullmatch(text)
    if based is not None:
        return _in_base(based[1], based[2], based[3])
    money = currency_before(text)
    if money is not None:
        return _money(*money)
    percent = text.endswith("%")
    bare = text.rstrip("% ").strip()
    value = _number(bare)
    if value is not None:
        return Value(value[0], value[1], percent, comma=value[2])
    return _with_unit(bare) or _compound(bare) or _in_words(bare)


def without_brackets(text: str) -> str:
    """(3) and {3} without brackets that hold no others."""
    text = text.strip()
    while (
        len(text) > 2 and text[0] + text[-1] in ("()", "{}") and not set(text[1:-1]) & set("(){}")
    ):
        text = text[1:-1].strip()
    return text


def _money(name: str, amount: str) -> Value | None:
    """Of what follows a currency sign: "5", "1.5 million", "5k", "5 dollars"."""
    amount = re.sub(r"\s*(?:/|\bper\s|\ban?\s)\s*[A-Za-z]+$", "", amount)  # $40 per day
    scale = re.fullmatch(r"(.*\d)\s*(k|mn?|bn?)", amount, re.IGNORECASE)
    value = value_of(scale[1] if scale else amount)
    if value is None or value.base is not None or value.percent:
        return None
    unit = KNOWN[name]
    if value.unit is not None and value.unit[0] not in (unit[0], "count"):
        return None
    number = value.number * 10 ** (_MONEY_SCALES[scale[2].lower()] if scale else 0)
    return Value(number, value.decimals, unit=unit)


def _with_unit(text: str) -> Value | None:
    """Of "5 cm", "2 million dollars", "20 % increase"; None if the word cannot be a unit."""
    match = _UNIT.fullmatch(text)
    value = _number(match[1].rstrip("% ")) if match else None
    if match is None or value is None:
        return None
    number, decimals, comma = value
    percent, name = "%" in match[1], match[2].strip(" .")
    first, _, rest = name.partition(" ")
    if first.lower() in _SCALES:
        number, decimals = number * 10 ** _SCALES[first.lower()], 0
        name = rest.strip()
    if name.lower() in ("percent", "per cent", "pct"):
        return Value(number, decimals, percent=True)
    if not name:
        return Value(number, decimals, percent)
    unit = _known_unit(name)
    apart = match[0][len(match[1]) :] != match[2]
    if unit is None or _is_algebra(name.lower(), apart) or (name in "hNJWV" and not apart):
        return None
    return Value(number, decimals, percent, unit, comma=comma)


def _is_algebra(name: str, apart: bool) -> bool:
    """3ab and 3 a b are products, 3 kg and 3 red apples are not."""
    words = re.findall(r"[a-z]+", name)
    if not words or name in KNOWN or any(word in KNOWN and len(word) > 1 for word in words):
        return False
    return max(map(len, words)) < (3 if apart else 4) and not re.search(r"[/^°]", name)


def _known_unit(name: str) -> Unit | None:
    if len(name) == 1 and name not in "mgslLhNJWV°" and name not in CURRENCIES:  # "2x" is algebra
        return None
    if _NO_UNITS & set(re.findall(r"[a-z]+", name.lower())):
        return None
    return unit_of(name)


def _compound(text: str) -> Value | None:
    """Of "3 hours 30 minutes" or "two dollars and fifty cents": the sum, in the first unit."""
    pieces = re.split(r"\s+and\s+|\s*,\s*", text)
    if len(pieces) == 1:
        pieces = [f"{number} {name}" for number, name in _COMPOUND.findall(text)]
        pieces = [] if _COMPOUND.sub("", text).strip() else pieces
    if not 2 <= len(pieces) <= 4:
        return None
    parts = [(v.number, v.unit) for v in map(value_of, pieces) if v is not None and v.unit]
    sizes = [unit[1] for _, unit in parts]
    one_measure = len({unit[0] for _, unit in parts}) == 1 and parts[0][1][1] != sizes[-1]
    if len(parts) < len(pieces) or not one_measure or sorted(set(sizes), reverse=True) != sizes:
        return None
    total = sum(
        (number * size for (number, _), size in zip(parts, sizes, strict=True)), Fraction(0)
    )
    return Value(total / sizes[0], unit=parts[0][1])


def _in_words(text: str) -> Value | None:
    """Of "twenty-one", "five apples", "12th" or "third"."""
    place = ordinal(re.sub(r"^the\s+", "", text.lower()))
    if place is not None:
        return Value(Fraction(place))
    number = worded(text)
    if number is not None:
        return Value(number)
    words = re.sub(r"^an?(?= dozen\b)", "one", text).split(" ")
    for split in range(len(words) - 1, max(0, len(words) - 4), -1):
        number = worded(" ".join(words[:split]))
        if number is not None:
            unit = _known_unit(" ".join(words[split:]))
            return unit and Value(number, unit=unit)
    return None


def _number(text: str) -> tuple[Fraction, int, bool] | None:
    """(value, decimals, was a comma its point) of a number without % and units."""
    plain = plain_number(text)
    if plain is not None and len(plain) <= MOST_DIGITS:
        return Fraction(plain), len(plain.partition(".")[2]), False
    for pattern, marks, point in _MARKED:
        if len(text) <= MOST_DIGITS and pattern.fullmatch(text):
            plain = text.translate(dict.fromkeys(map(ord, marks)))
            plain = plain.replace(",", ".") if point else plain
            return Fraction(plain), len(plain.partition(".")[2]), not marks
    if match := _FRACTION.fullmatch(text) or _SLASHED.fullmatch(text):
        number = _quotient(*match.groups())
    elif match := _REPEATING.fullmatch(text):
        number = _repeating(match[1], match[2], match[3], match[4] or match[5])
    elif match := _SCIENTIFIC.fullmatch(text) or _POWER_OF_TEN.fullmatch(text):
        number = Fraction(match[1] or 1) * Fraction(10) ** int(match[2])
    else:
        number = None
    return None if number is None else (number, 0, False)


def _quotient(sign: str, whole: str | None, top: str, bottom: str) -> Fraction | None:
    """Of a fraction, maybe mixed; None over 0."""
    if Fraction(bottom) == 0 or (whole and (top + bottom).count("-")):
        return None
    number = Fraction(whole or 0) + Fraction(top) / Fraction(bottom)
    return -number if sign == "-" else number


def _repeating(sign: str, whole: str, start: str, period: str) -> Fraction:
    """0.1(6) = (16 - 1) / 90."""
    digits = int(whole + start + period) - int((whole + start) or 0)
    number = Fraction(digits, (10 ** len(period) - 1) * 10 ** len(start))
    return -number if sign else number


def _in_base(sign: str, digits: str, base: str) -> Value | None:
    radix = int(base) if base.isdigit() else _BASES.get(base, 0)
    whole, _, part = digits.partition(".")
    if not 2 <= radix <= 36 or not whole or not (digits[0].isdigit() or radix > 10):
        return None
    try:
        number = Fraction(int(whole + part, radix), radix ** len(part))
    except ValueError:
        return None  # a name with an index, such as x_2, or a digit too large
    return Value(-number if sign else number, base=None if radix == 10 else radix)


# --- comparing ---------------------------------------------------------------


def same_value(gold: Value, answer: Value) -> bool:
    """Are two written numbers the same?"""
    if (gold.base is None) != (answer.base is None):
        return False
    number = answer.number
    if gold.unit is not None and answer.unit is not None:
        ratio = ratio_of_units(gold.unit, answer.unit)
        if ratio is None:
            return False
        number *= ratio
    elif (gold.unit or answer.unit) == KNOWN["dozen"]:  # the one unit that is a mere number
        number *= 12 if answer.unit else Fraction(1, 12)
    if _close(gold, number, answer.decimals):
        return True
    if gold.percent == answer.percent or gold.unit or answer.unit:
        return False
    scale = Fraction(1, 100) if answer.percent else Fraction(100)
    return _close(gold, number * scale, answer.decimals)


def ratio_of_units(gold: Unit, answer: Unit) -> Fraction | None:
    """How many of the gold's unit the answer's is; None if they measure different things."""
    if gold[0] == answer[0]:
        return answer[1] / gold[1]
    if {gold[0], answer[0]} == {"£", "mass"} and KNOWN["pound"] in (gold, answer):
        return Fraction(1)  # pounds of money
    names = sorted((gold[0], answer[0]), key=len)
    if names[0] in CURRENCIES and names[1].startswith(f"{names[0]}/"):
        return Fraction(1)  # the question says per what
    if names[1].endswith(f" {names[0]}"):  # tickets and children tickets
        return Fraction(1)
    return None


def _close(gold: Value, number: Fraction, decimals: int) -> bool:
    if gold.number == number:
        return True
    if max(gold.decimals, decimals) < 6:
        return False
    apart = abs(gold.number - number)
    if max(gold.decimals, decimals) >= FLOAT and apart <= abs(gold.number) / 10**FLOAT:
        return True  # 0.30000000000000004, as machines write 0.3
    # less than one unit of its last place: 0.333333 is 1/3, 0.9999999 is not 1
    places = max(gold.decimals, decimals)
    if min(gold.decimals, decimals) >= 6:
        places = min(gold.decimals, decimals)
    return apart < min(CLOSE, Fraction(1, 10**places)) and apart <= CLOSE_PART * abs(gold.number)
