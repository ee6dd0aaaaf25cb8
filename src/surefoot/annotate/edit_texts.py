"""Seven ways to break a step's text (RISE, arXiv:2410.06638); `edits` says when they count.

Each takes a scene and a generator and gives the broken text, or None if it does not fit:

    change_value     one number of the calculation, or the result, is another
    change_values    two numbers are others, and the result follows
    substitute       a number from elsewhere takes a number's place, and the result follows
    delete_term      a term is left out, and the result follows
    change_operator  an operator is another, and the result follows
    swap_terms       the terms around - or / change places, and the result follows
    misread          the relation is read the other way round, in words and symbols alike
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Self

import numpy as np

from surefoot.annotate.calculator import Claim, claims_of
from surefoot.tasks.arithmetic import Token, number_of, tokens_of, value_of_text

_MOST_DECIMALS = 4
_OTHER_WAY = {"+": "-", "-": "+", "*": "/", "/": "*"}
_WORDS = (
    ("more", "fewer"), ("more", "less"), ("twice", "half"), ("increase", "decrease"),
    ("gained", "lost"), ("added", "removed"), ("before", "after"), ("bought", "sold"),
    ("earned", "spent"), ("older", "younger"),
)  # fmt: skip
Change = tuple[Token, str]


@dataclass(frozen=True, slots=True)
class Scene:
    """A step to break.

    claim: its last calculation with a plain number as its result; None if it has none.
    elsewhere: the numbers of the problem and of the steps before it, without currency signs.
    """

    text: str
    claim: Claim | None
    elsewhere: tuple[str, ...]

    @classmethod
    def of(cls, text: str, around: Sequence[str]) -> Self:
        """The scene of a step's text among the texts that it builds on."""
        claims = [c for c in claims_of(text) if len(c.right) == 1 and _placed(c, text)]
        tokens = (token for other in around for token in tokens_of(other))
        numbers = {token.text.lstrip("\\$€£ ") for token in tokens if token.sort == "number"}
        return cls(text, claims[-1] if claims else None, tuple(sorted(numbers)))


Edit = Callable[[Scene, np.random.Generator], str | None]


def _placed(claim: Claim, text: str) -> bool:
    """Does the claim stand in the text itself? (One in a calculator mark does not.)"""
    return all(
        text[t.start : t.stop] == t.text for t in (*claim.left, *claim.right) if t.sort == "number"
    )


# --- the seven -----------------------------------------------------------------


def change_value(scene: Scene, rng: np.random.Generator) -> str | None:
    """One number of the calculation, or of a step without one, gets another digit."""
    inside = [*scene.claim.left, *scene.claim.right] if scene.claim else tokens_of(scene.text)
    numbers = [token for token in inside if token.sort == "number"]
    if not numbers:
        return None
    token = numbers[rng.integers(len(numbers))]
    return _written(scene.text, [(token, _other_digit(token.text, rng))])


def change_values(scene: Scene, rng: np.random.Generator) -> str | None:
    """Two numbers of the calculation get another digit each, and the result follows."""
    numbers = _numbers(scene)
    if len(numbers) < 2:
        return None
    chosen = [numbers[i] for i in rng.permutation(len(numbers))[:2]]
    return _followed(scene, [(token, _other_digit(token.text, rng)) for token in chosen])


def substitute(scene: Scene, rng: np.random.Generator) -> str | None:
    """A number of the calculation gives way to another one of the problem or of earlier steps."""
    numbers = _numbers(scene)
    if not numbers:
        return None
    token = numbers[rng.integers(len(numbers))]
    others = [n for n in scene.elsewhere if number_of(n) != number_of(token.text)]
    if not others:
        return None
    return _followed(scene, [(token, others[rng.integers(len(others))])])


def delete_term(scene: Scene, rng: np.random.Generator) -> str | None:
    """An operator and the number after it are left out, and the result follows.

    A lone number would be left of two; it stays only where it continues a chain of equals signs.
    """
    pairs = _operators(scene)
    if scene.claim is None or not pairs:
        return None
    chained = scene.text[: scene.claim.left[0].start].rstrip().endswith("=")
    if len(_numbers(scene)) < 3 and not chained:
        return None
    operator, after = pairs[rng.integers(len(pairs))]
    return _followed(scene, [(operator, ""), (after, "")])


def change_operator(scene: Scene, rng: np.random.Generator) -> str | None:
    """An operator is another one of the four, and the result follows."""
    pairs = _operators(scene)
    if not pairs:
        return None
    operator, _ = pairs[rng.integers(len(pairs))]
    others = [op for op in "+-*/" if op != operator.text]
    return _followed(scene, [(operator, others[rng.integers(3)])])


def swap_terms(scene: Scene, rng: np.random.Generator) -> str | None:
    """The numbers on both sides of a minus or a division change places; the result follows."""
    left = scene.claim.left if scene.claim else ()
    spots = [
        (left[i - 1], left[i + 1])
        for i in range(1, len(left) - 1)
        if left[i].text in "-/" and left[i - 1].sort == left[i + 1].sort == "number"
    ]
    if not spots:
        return None
    first, second = spots[rng.integers(len(spots))]
    return _followed(scene, [(first, second.text), (second, first.text)])


def misread(scene: Scene, rng: np.random.Generator) -> str | None:
    """More is read as fewer: an operator and its kind elsewhere in the step turn round, and so do
    the words that say it. Without such words or symbols beside the calculation it does not fit."""
    pairs = _operators(scene)
    if scene.claim is None or not pairs:
        return None
    turned = pairs[rng.integers(len(pairs))][0]
    beside = _said_beside(scene.text, turned.text, scene.claim.left)
    swapped = _turned_words(scene.text)
    if not beside and not swapped:
        return None
    changes = [(token, _OTHER_WAY[turned.text]) for token in (turned, *beside)]
    return _followed(scene, [*changes, *swapped])


def _said_beside(text: str, operator: str, calculation: Sequence[Token]) -> list[Token]:
    """The same operator elsewhere in the step; with a space before it, so that it is no hyphen."""
    inside = {token.start for token in calculation}
    same = [token for token in tokens_of(text) if token.text == operator and token.after_space]
    return [token for token in same if token.start not in inside]


EDITS: dict[str, Edit] = {
    "change_value": change_value,
    "change_values": change_values,
    "substitute": substitute,
    "delete_term": delete_term,
    "change_operator": change_operator,
    "swap_terms": swap_terms,
    "misread": misread,
}


# --- parts of a calculation -----------------------------------------------------


def _numbers(scene: Scene) -> list[Token]:
    """The numbers that the scene's calculation starts from."""
    return [t for t in scene.claim.left if t.sort == "number"] if scene.claim else []


def _operators(scene: Scene) -> list[tuple[Token, Token]]:
    """Operators between terms, each with the number after it."""
    left = scene.claim.left if scene.claim else ()
    return [
        (left[i], left[i + 1])
        for i in range(1, len(left) - 1)
        if left[i].text in "+-*/" and left[i + 1].sort == "number" and left[i - 1].sort != "op"
    ]


def _turned_words(text: str) -> list[Change]:
    """The first word that has an opposite, with it."""
    for pair in _WORDS:
        for word, other in (pair, pair[::-1]):
            found = re.search(rf"\b{word}\b", text)
            if found is not None:
                return [(Token("other", word, found.start(), found.end(), True), other)]
    return []


def _other_digit(number: str, rng: np.random.Generator) -> str:
    """The number with one digit changed; no zero comes to lead it."""
    places = [i for i, char in enumerate(number) if char.isdigit()]
    place = places[rng.integers(len(places))]
    least = 1 if place == places[0] else 0
    digits = [str(d) for d in range(least, 10) if str(d) != number[place]]
    return number[:place] + digits[rng.integers(len(digits))] + number[place + 1 :]


# --- writing ---------------------------------------------------------------------


def _written(text: str, changes: Sequence[Change]) -> str:
    """The text with some pieces replaced; a piece replaced by nothing takes the space before it."""
    for token, new in sorted(changes, key=lambda change: -change[0].start):
        head = text[: token.start] if new else text[: token.start].rstrip()
        text = head + new + text[token.stop :]
    return text


def _followed(scene: Scene, changes: Sequence[Change]) -> str | None:
    """The changed text with the result that now follows, there and where it is repeated later.

    None if there is none that can be written as a short decimal.
    """
    claim = scene.claim
    if claim is None:
        return None
    start, stop = claim.left[0].start, claim.left[-1].stop
    inner = [(t, new) for t, new in changes if start <= t.start < stop]
    blank = " " * start + scene.text[start:stop]
    value = value_of_text(_written(blank, inner))
    result = claim.right[0]
    number = None if value is None else _like(result.text, value)
    if number is None:
        return None
    later = [t for t in tokens_of(scene.text) if t.start > result.start and t.text == result.text]
    return _written(scene.text, [*changes, *((t, number) for t in (result, *later))])


def _like(number: str, value: Fraction) -> str | None:
    """A value written as `number` is, with its currency or percent sign; None if too long."""
    value *= 100 if "%" in number else 1
    scaled = value * 10**_MOST_DECIMALS
    if scaled.denominator != 1:
        return None
    whole, part = divmod(abs(int(scaled)), 10**_MOST_DECIMALS)
    decimals = f".{part:0{_MOST_DECIMALS}d}".rstrip("0").rstrip(".")
    sign = re.match(r"\D*?(?=[\d.])", number)
    prefix, suffix = sign[0] if sign else "", re.sub(r".*\d", "", number)
    comma = "," if "," in number else ""
    return f"{'-' if value < 0 else ''}{prefix}{whole:{comma}}{decimals}{suffix}"
