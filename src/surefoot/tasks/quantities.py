"""Units and currencies: what a unit measures, and how many of the base unit it is.

    cm, centimetres -> (length, 1/100)    miles per hour, mph -> (length/time, 1609.344/3600)
    cents           -> ($, 1/100)         apples              -> (apple, 1)

An unknown word is a unit of its own: what is counted. Exact fractions, no rounding.
"""

import re
from fractions import Fraction

Unit = tuple[str, Fraction]  # (what it measures, its size in the base unit)

_METRE, _INCH, _POUND = Fraction(1), Fraction(254, 10_000), Fraction(45_359_237, 100_000)
_TABLE: dict[str, list[tuple[str, Fraction | int]]] = {
    "length": [
        ("m meter metre", _METRE),
        ("km kilometer kilometre", 1000),
        ("cm centimeter centimetre", Fraction(1, 100)),
        ("mm millimeter millimetre", Fraction(1, 1000)),
        ("in inch", _INCH),
        ("ft foot feet", 12 * _INCH),
        ("yd yard", 36 * _INCH),
        ("mi mile", 63_360 * _INCH),
    ],
    "mass": [
        ("g gm gram gramme", 1),
        ("kg kilogram kilo", 1000),
        ("mg milligram", Fraction(1, 1000)),
        ("lb pound", _POUND),
        ("oz ounce", _POUND / 16),
        ("tonne", 10**6),
    ],
    "time": [
        ("s sec second", 1),
        ("min minute", 60),
        ("h hr hour", 3600),
        ("day", 86_400),
        ("week wk", 7 * 86_400),
        ("ms millisecond", Fraction(1, 1000)),
    ],
    "calendar": [("month", 1), ("year yr", 12), ("decade", 120), ("century", 1200)],
    "volume": [
        ("l liter litre", 1),
        ("ml milliliter millilitre", Fraction(1, 1000)),
        ("cl centiliter centilitre", Fraction(1, 100)),
    ],
    "liquid": [("gal gallon", 16), ("qt quart", 4), ("pint pt", 2), ("cup", 1)],
    "$": [("$ us$ usd dollar buck", 1), ("cent", Fraction(1, 100))],
    "€": [("€ eur euro", 1)],
    "£": [("£ gbp quid", 1), ("pence penny", Fraction(1, 100))],
    "¥": [("¥ jpy yen", 1)],
    "₹": [("₹ rs inr rupee", 1)],
    "brl": [("r$ brl reais", 1)],
    "chf": [("chf franc", 1)],
    "cny": [("cny rmb yuan", 1)],
    "krw": [("₩ krw won", 1)],
    "rub": [("₽ rub ruble rouble", 1)],
    "mxn": [("mxn peso", 1)],
    "cad": [("cad c$ ca$", 1)],
    "aud": [("aud a$ au$", 1)],
    "°": [("° deg degree", 1)],
    "°c": [("°c celsius", 1)],
    "°f": [("°f fahrenheit", 1)],
    "radian": [("rad radian", 1)],
    "count": [("dozen", 12), ("", 1)],
    "unit": [("unit", 1)],
    "watt": [("w watt", 1), ("kw kilowatt", 1000), ("mw megawatt", 10**6)],
    "joule": [("j joule", 1), ("kj kilojoule", 1000)],
    "newton": [("n newton", 1)],
    "volt": [("v volt", 1)],
    "hertz": [("hz hertz", 1), ("khz kilohertz", 1000)],
}
KNOWN: dict[str, Unit] = {
    name: (measures, Fraction(size))
    for measures, rows in _TABLE.items()
    for names, size in rows
    for name in names.split(" ")
}
CURRENCIES = frozenset("$€£¥₹₩₽")
_POWERS = {"square": 2, "sq": 2, "cubic": 3, "cu": 3}
_SPEEDS = {"mph": "mile/hour", "kph": "km/hour", "kmh": "km/hour", "kmph": "km/hour"}
_PREFIXED = re.compile(
    r"([-+]?)\s*(USD|EUR|GBP|JPY|INR|CHF|CNY|RMB|KRW|RUB|MXN|CAD|AUD|Rs\.?|(?:US|CA?|AU?|R)\$|[$€£¥₹₩₽])"
    r"\s*([-+]?)\s*(?=[\d.])",
    re.IGNORECASE,
)
_PLURALS = {
    "people": "person",
    "children": "child",
    "men": "man",
    "women": "woman",
    "mice": "mouse",
}


def currency_before(text: str) -> tuple[str, str] | None:
    """("-$5") -> ("$", "-5"): the currency sign or code before a number, and the number."""
    match = _PREFIXED.match(text)
    if match is None or (match[1] and match[3]):
        return None
    name = match[2].lower().rstrip(".")
    return name, (match[1] or match[3]) + text[match.end() :]


def unit_of(text: str) -> Unit | None:
    """What a unit such as "cm^2", "square miles" or "meters per second" measures.

    None if it is no unit: more than three words that are not known.
    """
    text = re.sub(r"\\frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}", r"\1/\2", text.lower())
    text = re.sub(r"[{}]|\\cdot", " ", text.strip(" ."))
    text = _SPEEDS.get(text.strip(), text)
    if "/" not in text:  # m s^-2
        text = re.sub(r"(?<=[a-z])\s+([a-z]+)\s*\^\s*-\s*([1-9])\s*$", r"/\1^\2", text)
    over, *under = re.split(r"/|\bper\b", text)
    if len(under) > 1:
        return None
    upper, lower = _product(over), _product(under[0]) if under else None
    if upper is None or not under:
        return upper
    return lower and (f"{upper[0]}/{lower[0]}", upper[1] / lower[1])


def _product(text: str) -> Unit | None:
    words = re.sub(r"\s*\^\s*", " ^", text).split()
    if len(words) == 2 and words[0] in ("degree", "degrees", "°") and words[1][0] in "cf":
        return KNOWN[f"°{words[1][0]}"]
    power = _POWERS.get(words[0].rstrip("."), 1) if words else 1
    words = words[1:] if power > 1 else words
    if words and re.fullmatch(r"\^-?[1-9]", words[-1]):
        power *= int(words.pop()[1:])
    name = " ".join(map(_singular, words))
    measures, size = KNOWN.get(name) or KNOWN.get(" ".join(words)) or (name, Fraction(1))
    if re.search(r"[\d^]", measures):
        return None
    return (measures, size) if power == 1 else (f"{measures}^{power}", size**power)


def _singular(word: str) -> str:
    if word in KNOWN:
        return word
    word = word.strip(".")
    word = re.sub(r"(?<=[a-z]{2})ies$", "y", _PLURALS.get(word, word))
    word = re.sub(r"(?<=x|s|z|h)es$", "", word) if not word.endswith("thes") else word
    return re.sub(r"(?<=[a-z]{2})(?<!s)s$", "", word)


# A unit after algebra must be sure to be one: "2\\sqrt{3} cm", not the m of "2\\sqrt{3} m".
_ENDS_IN_UNIT = re.compile(
    r"(.*?[\w})°])\s+((?:[A-Za-z]{2,20}\.?\s*){1,3}(?:\^\s*\{?\s*[23]\s*\}?)?)(?<![\s{])"
)


def in_one_unit(gold: str, answer: str) -> tuple[str, str] | None:
    """Two expressions without their units, the answer's in the gold's; None if these differ."""
    (left, unit), (right, other) = (_without_unit(text) for text in (gold, answer))
    if unit is None or other is None or unit == other:
        return left, right
    if unit[0] != other[0]:
        return None
    ratio = other[1] / unit[1]
    return left, rf"\frac{{{ratio.numerator}}}{{{ratio.denominator}}} \cdot ({right})"


def _without_unit(text: str) -> tuple[str, Unit | None]:
    match = _ENDS_IN_UNIT.fullmatch(text)
    unit = unit_of(match[2]) if match is not None and not _is_maths(match[2]) else None
    if match is None or unit is None:
        return text, None
    return match[1], unit


def _is_maths(words: str) -> bool:
    return (
        re.search(r"\b(?:pi|is|or|and|not|mod|sin|cos|tan|ln|log|to|if|for)\b", words) is not None
    )
