"""Times of day and dates, in the spellings that people use.

    2:00 pm = 2 p.m. = 14:00         without am or pm a time is on the 24-hour clock
    March 5, 2021 = 5 Mar 2021 = 2021-03-05 = 3/5/2021

3 pm is not 3. A year may be missing from the gold, and not from the answer.
"""

import re
from functools import lru_cache

from surefoot.tasks.words import worded

REMEMBERED = 4096
_MONTHS = [
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
]  # fmt: skip
_DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_SHORT = {name[:3]: name for name in _MONTHS + _DAYS} | {
    "sept": "september", "tues": "tuesday", "thur": "thursday", "thurs": "thursday",
}  # fmt: skip
_CLOCK = re.compile(
    r"(?:at\s+)?(\d{1,2})(?:\s*[:.h]\s*(\d{2}))?(?:\s*:\s*(\d{2}))?\s*"
    r"(?:([ap])\.?\s?m\.?|o'?clock(?:\s*([ap])\.?\s?m\.?)?)?",
    re.IGNORECASE,
)
_PAST = re.compile(r"(half|(?:a )?quarter|[\w -]{1,20}?)(?: minutes)? (past|after|to|before) (\w+)")
_NAMED_TIMES = {
    "noon": 43_200,
    "12 noon": 43_200,
    "midday": 43_200,
    "midnight": 0,
    "12 midnight": 0,
}
_MONTH = r"([a-z]{3,9})\.?"
_DAY = r"(\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?:\s*,?\s*(\d{4}))?"
_MONTH_FIRST = re.compile(rf"{_MONTH}\s+(?:the\s+)?{_DAY}{_YEAR}")
_DAY_FIRST = re.compile(rf"(?:the\s+)?{_DAY}\s+(?:of\s+)?{_MONTH}{_YEAR}")
_ISO = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})")
_NUMERIC = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4})")

Date = tuple[int | None, int, int]  # year, month, day


def full_name(word: str) -> str:
    """ "Fri" -> "friday", "Sept" -> "september"; other words in lower case, as they are."""
    word = word.casefold().rstrip(".")
    return _SHORT.get(word, word)


@lru_cache(REMEMBERED)
def time_of(text: str) -> int | None:
    """Seconds since midnight of a time of day, or None if it is none. A bare number is none."""
    text = re.sub(r"\s+in the morning$", " am", text.strip().lower())
    text = re.sub(r"\s+(?:in the (?:afternoon|evening)|at night)$", " pm", text)
    if text in _NAMED_TIMES:
        return _NAMED_TIMES[text]
    past = _PAST.fullmatch(text)
    if past is not None:
        return _past_the_hour(past)
    match = _CLOCK.fullmatch(text)
    if match is None or text.isdigit() or (re.fullmatch(r"\d+\s*\.\s*\d+", text)):
        return None
    half = match[4] or match[5]
    hour, minute, second = (int(group or 0) for group in match.groups()[:3])
    if minute > 59 or second > 59 or not (1 <= hour <= 12 if half else hour <= 24):
        return None
    hour = hour % 12 + 12 * (half == "p") if half else hour % 24
    return 3600 * hour + 60 * minute + second


def _past_the_hour(past: re.Match[str]) -> int | None:
    """Of "half past two", "quarter to five"."""
    hour, minutes = worded(past[3]), worded(past[1])
    minute = 30 if past[1] == "half" else 15 if past[1].endswith("quarter") else minutes
    if hour is None or minute is None or not (1 <= hour <= 12 and 0 < minute < 60):
        return None
    sign = 1 if past[2] in ("past", "after") else -1
    return int(3600 * (hour % 12) + sign * 60 * minute) % 43_200


@lru_cache(REMEMBERED)
def date_of(text: str) -> Date | None:
    """(year or None, month, day) of a date, or None if it is none.

    Of 3/5/2021 the month comes first, of 5.3.2021 the day; a number over 12 is a day.
    """
    text = " ".join(text.lower().split())
    weekday, comma, rest = text.partition(", ")
    if comma and full_name(weekday) in _DAYS:
        text = rest
    if match := _MONTH_FIRST.fullmatch(text):
        month, day, year = match.groups()
    elif match := _DAY_FIRST.fullmatch(text):
        day, month, year = match.groups()
    elif match := _ISO.fullmatch(text):
        year, month, day = match.groups()
    elif match := _NUMERIC.fullmatch(text):
        first, mark, second, year = match.groups()
        day_first = mark == "." or int(first) > 12
        day, month = (first, second) if day_first else (second, first)
    else:
        return None
    name = full_name(month)
    number = _MONTHS.index(name) + 1 if name in _MONTHS else int(month) if month.isdigit() else 0
    if not (1 <= number <= 12 and 1 <= int(day) <= 31):
        return None
    return (int(year) if year else None, number, int(day))


def same_moment(gold: str, answer: str) -> bool | None:
    """Are two times of day, or two dates, the same? None if the gold and the answer are neither."""
    times = time_of(gold), time_of(answer)
    if None not in times:
        return times[0] == times[1]
    left, right = date_of(gold), date_of(answer)
    if left is not None and right is not None:
        return left[1:] == right[1:] and left[0] in (None, right[0])
    is_moment = any(_is_surely_one(text) for text in (gold, answer))
    return False if is_moment else None


def _is_surely_one(text: str) -> bool:
    """A time with am or pm, or a date with its month's name: no number, no ratio."""
    named = re.search(r"[a-z]", text.lower()) is not None
    return named and (time_of(text) is not None or date_of(text) is not None)
