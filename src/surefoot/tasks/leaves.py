"""Answers that are compared whole and without algebra: choices, yes or no, moments, numbers, words.

`same_whole` knows what may hold a comma or an "and" ("March 5, 2021", "(B) Paris, France"),
so it comes before an answer is taken apart; `same_plainly` is the comparison of one part.
None is always "not told here".
"""

import re

from surefoot.tasks.moments import full_name, same_moment
from surefoot.tasks.values import same_value, value_of

_BARE_CHOICE = re.compile(r"[({\[]?\s*(\w)\s*[)}\].:]?")
_LABELLED_CHOICE = re.compile(
    r"(?:option|choice|answer)\s*:?\s*[(\[]?\s*([A-Za-z])\s*[)\]]?[.:]?", re.IGNORECASE
)
_CHOICE_WITH_TEXT = re.compile(r"(?:\(\s*([A-J])\s*\)\s*:?|([A-J])[.):]\s)\s*(\S.*)", re.DOTALL)
_ANOTHER_CHOICE = re.compile(r"\b(?:or|and|not)\b|\([A-J]\)", re.IGNORECASE)
_VERDICT = re.compile(r"(yes|no|true|false)\b(?:[\s,.;:!-]+(.*))?", re.IGNORECASE | re.DOTALL)
_TURNS = re.compile(r"\b(?:yes|no|true|false|but|maybe|or|if|unless)\b", re.IGNORECASE)
_WORDS = re.compile(r"[^\W\d_][^\W\d_' -]*(?:[' -]+[^\W\d_]+)*")
_ARTICLE = re.compile(r"\A(?:an?|the)\s+(?=\S{2})")


def same_whole(gold: str, answer: str) -> bool | None:
    """Two choices, two verdicts, two moments or two numbers; None for anything else."""
    for compare in (_same_choice, _same_verdict, same_moment):
        verdict = compare(gold, answer)
        if verdict is not None:
            return verdict
    left, right = value_of(gold), value_of(answer)
    if left is None or right is None or (left.comma and right.comma):
        return None
    return same_value(left, right)


def same_plainly(gold: str, answer: str) -> bool | None:
    """The leaf comparison that needs no algebra: numbers, else words; None if it is neither."""
    whole = same_whole(gold, answer)
    if whole is not None:
        return whole
    left, right = value_of(gold), value_of(answer)
    if left is not None and right is not None:
        return same_value(left, right)
    if (left is None) != (right is None) and "_" in gold + answer:
        return None if "\\" in gold + answer else False
    first, second = words_of(gold), words_of(answer)
    if first is None and second is None:
        return True if gold.casefold() == answer.casefold() else None
    if first is not None and second is not None:
        return first == second
    one, number = (gold, left) if first is None else (answer, right)
    return False if number is not None or len(one) == 1 else None


def words_of(text: str) -> str | None:
    """A text of three letters or more without its dress (articles, case, hyphens), or None.

    Names of days and months are written out; fewer letters are algebra.
    """
    text = re.sub(r"[\s-]+", " ", text.strip(" '.,;:!")).casefold()
    text = _ARTICLE.sub("", text)
    if len(text) < 3 or not _WORDS.fullmatch(text):
        return None
    return "does not exist" if text == "dne" else " ".join(map(full_name, text.split()))


def _same_choice(gold: str, answer: str) -> bool | None:
    """Two letters to choose from; one may be followed by what it stands for."""
    left, right = _choice(gold), _choice(answer)
    if left is None or right is None:
        return None
    if left[1] and right[1] and left[0] == right[0]:
        return None  # both with their texts: these decide
    return left[0].casefold() == right[0].casefold()


def _choice(text: str) -> tuple[str, bool] | None:
    """(letter, does its text follow?)"""
    bare = _BARE_CHOICE.fullmatch(text) or _LABELLED_CHOICE.fullmatch(text)
    if bare is not None:
        return (bare[1], False) if bare[1].isalpha() else None
    full = _CHOICE_WITH_TEXT.fullmatch(text)
    if full is None or _ANOTHER_CHOICE.search(full[3]):
        return None
    return full[1] or full[2], True


def _same_verdict(gold: str, answer: str) -> bool | None:
    """Yes or no, true or false; the first word counts unless what follows takes it back."""
    left, right = _VERDICT.fullmatch(gold), _VERDICT.fullmatch(answer)
    if left is None or right is None:
        return None
    for match in (left, right):
        rest = match[2] or ""
        denied = match[1].lower() in ("yes", "true") and re.search(r"\bnot\b|n't\b", rest)
        if _TURNS.search(rest) or denied:
            return None
    return left[1].lower() == right[1].lower()
