"""Numbers in English words: "twenty-one", "three hundred", "two thirds", "twelfth"."""

import re
from fractions import Fraction

_UNITS = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
]  # fmt: skip
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_SMALL = {word: n for n, word in enumerate(_UNITS)} | {
    word: 10 * n for n, word in enumerate(_TENS, start=2)
}
_LARGE = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_IRREGULAR = {
    "first": 1, "second": 2, "third": 3, "fifth": 5, "eighth": 8, "ninth": 9, "twelfth": 12,
    "hundredth": 100, "thousandth": 1000,
}  # fmt: skip
_ORDINALS = (
    {f"{word}th": n for word, n in _SMALL.items() if n > 3}
    | {f"{word[:-1]}ieth": n for word, n in _SMALL.items() if word.endswith("ty")}
    | _IRREGULAR
)
_PARTS = {"half": 2, "halve": 2, "quarter": 4} | {w: n for w, n in _ORDINALS.items() if n > 2}
MOST_WORDS = 12


def cardinal(text: str) -> int | None:
    """The whole number that words say, such as "one hundred and five"; None if they say none."""
    words = re.findall(r"[a-z]+", text.lower().replace("-", " "))
    if not 0 < len(words) <= MOST_WORDS or re.search(r"[^A-Za-z\s-]", text):
        return None
    total = group = 0
    before = ""
    for i, word in enumerate(words):
        if word in _SMALL and _follows(before, word):
            group += _SMALL[word]
        elif word == "hundred" and 0 < group < 100 and group % 10:  # fifteen hundred
            group *= 100
        elif word in _LARGE and group:
            total, group = total + group * _LARGE[word], 0
        elif word != "and" or i in (0, len(words) - 1) or before not in ("hundred", *_LARGE):
            return None
        before = word
    return total + group


def _follows(before: str, word: str) -> bool:
    """May `word` follow? "twenty one" and "hundred six" are numbers, "one two" is none."""
    if before in _SMALL:
        return _SMALL[before] >= 20 and 0 < _SMALL[word] < 10
    return _SMALL[word] > 0 or not before


def ordinal(text: str) -> int | None:
    """The place in a row that "12th" or "twenty-first" names, or None."""
    digits = re.fullmatch(r"(\d{1,18})\s*(?:st|nd|rd|th)", text.strip(), re.IGNORECASE)
    if digits is not None:
        return int(digits[1])
    *tens, last = text.lower().replace("-", " ").split() or [""]
    if last not in _ORDINALS or len(tens) > 1 or (tens and tens[0] not in _TENS):
        return None
    return _ORDINALS[last] + (_SMALL[tens[0]] if tens else 0)


def worded(text: str) -> Fraction | None:
    """The number that a text in words says: whole, "three quarters", "two and a half"."""
    text = re.sub(r"[\s-]+", " ", text.lower()).strip()
    text = re.sub(r"^an? (?=(?:dozen|hundred|thousand|million|billion)\b)", "one ", text)
    sign = -1 if re.match(r"(?:minus|negative) ", text) else 1
    text = re.sub(r"^(?:minus|negative) ", "", text)
    number = cardinal(text)
    if number is not None:
        return Fraction(sign * number)
    whole, _, part = text.rpartition(" and ")
    share = _share(part)
    if share is None:
        return None
    before = cardinal(whole) if whole else 0
    return None if before is None else sign * (before + share)


def _share(text: str) -> Fraction | None:
    """Of "a half", "three quarters", "two thirds"; "third" alone is a place in a row."""
    count, _, part = text.rpartition(" ")
    part = part.removesuffix("s")
    if text == "half":
        return Fraction(1, 2)
    if part not in _PARTS or not count:
        return None
    number = 1 if count in ("a", "an") else cardinal(count)
    return None if number is None else Fraction(number, _PARTS[part])
