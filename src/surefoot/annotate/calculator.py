"""Is the arithmetic that a step states true? Computed exactly, for every "a op b = c" in it.

    label of step t = 1[every claim of step t holds],   unknown if it makes no claim

A claim is a calculator mark <<a=b>> (GSM8K) or two sides of an equals sign that are arithmetic,
the left one more than a number; chains a = b = c make several. A decimal may be rounded or cut:
it holds within one unit of its last place. Words, variables and functions beside a claim, and
talk of quotients and remainders, make it unreadable, and what cannot be read is not wrong. True
arithmetic may still be the wrong thing to compute.

Dimension key: S steps, C claims of a step.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from surefoot.core.types import Kind, LabelledTrace, StepLabel, Trace
from surefoot.tasks.arithmetic import Token, tokens_of, value_of_tokens

_WHOLE = re.compile(r"remain|quotient|whole|modul|\bmod\b|round", re.IGNORECASE)
_MARK = re.compile(r"<<([^<>\n]{1,200})>>")
_BEFORE = set(".,:;!?()[]{}\"'$>→•~") | {r"\(", r"\[", r"\\", "**"}  # may touch a claim's left
_AFTER = set(".,;!?()[]{}\"'$<→°~") | {r"\)", r"\]", r"\\", "**"}  # may touch its right
_PLAIN_COMMANDS = re.compile(
    r"\\(?:[()\[\]\\]|text|textbf|mathrm|quad|qquad|implies|Rightarrow|rightarrow|to|therefore)"
)
_WORKING_WORDS = re.compile(
    r"sin|cos|tan|log|ln|exp|sqrt|root|mod|choose|of|over|by|times|plus|minus|per|divided|to|power"
    r"|multiplied|subtracted|added|half|twice|double|hundred|thousand|million|billion|dozen"
    r"|squared|cubed|factorial|percent|negative",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Claim:
    """left = right, both arithmetic; computed and stated are their exact values."""

    left: tuple[Token, ...]
    right: tuple[Token, ...]
    computed: Fraction
    stated: Fraction

    @property
    def text(self) -> str:
        """The claim without spaces."""
        return "=".join("".join(token.text for token in side) for side in (self.left, self.right))

    @property
    def holds(self) -> bool:
        """Is it true, up to the rounding of a decimal on the right?"""
        return self.computed == self.stated or _same_percent(self) or _rounded(self)

    @property
    def whole(self) -> bool:
        """Is the right side the left one without its fraction?"""
        return self.computed != self.stated == math.floor(self.computed)


def calculator(trace: Trace) -> LabelledTrace:
    """[S] labels of kind correctness; without evidence where a step makes no claim.

    The counts are claims that hold of claims made; one that fails makes the belief 0.
    notes: how many "claims" were read. Costs nothing.
    """
    claims_S_C = [claims_of(step.text) for step in trace.steps]
    notes = {"claims": str(sum(map(len, claims_S_C)))}
    return LabelledTrace(trace, tuple(map(_label, claims_S_C)), notes=notes)


def _label(claims_C: Sequence[Claim]) -> StepLabel:
    held = sum(claim.holds for claim in claims_C)
    belief = float(held == len(claims_C)) if claims_C else None
    return StepLabel(Kind.CORRECTNESS, held, len(claims_C), "calculator", belief)


def claims_of(text: str) -> list[Claim]:
    """The claims of a step, those of calculator marks first; each counts once. Linear time."""
    marked = [claim for mark in _MARK.findall(text) for claim in _plain_claims(mark)]
    blank = _MARK.sub(lambda mark: " " * len(mark[0]), text)  # places in the text stay
    claims = [*marked, *_plain_claims(blank)]
    if _WHOLE.search(text):
        claims = [claim for claim in claims if not claim.whole]
    return list({claim.text: claim for claim in claims}.values())  # the text's own, if both say it


def _plain_claims(text: str) -> list[Claim]:
    tokens = tokens_of(text)
    signs = [i for i, token in enumerate(tokens) if token.sort == "equals"]
    edges = [-1, *signs, len(tokens)]
    sides = [tokens[a + 1 : b] for a, b in pairwise(edges)]
    found = (_claim(left, right) for left, right in pairwise(sides))
    return [claim for claim in found if claim is not None]


def _claim(before: list[Token], after: list[Token]) -> Claim | None:
    left, right = _left_side(before), _right_side(after)
    if sum(token.sort == "number" for token in left) < 2:
        return None
    computed, stated = value_of_tokens(left), value_of_tokens(right)
    if computed is None or stated is None:
        return None
    return Claim(tuple(left), tuple(right), computed, stated)


def _left_side(tokens: list[Token]) -> list[Token]:
    """The arithmetic that ends a side; [] if it is none, or what stands before belongs to it."""
    start = _reach(tokens[::-1], ")]}", "([{")
    run = tokens[len(tokens) - start :]
    before = tokens[: len(tokens) - start]
    if not run or run[0].text in "+*/^":
        return []
    if run[0].text == "-" and not _is_sign(run, before):
        return []
    if before and not _stands_apart(before[-1], touching=not run[0].after_space, allowed=_BEFORE):
        return []
    return run


def _is_sign(run: list[Token], before: list[Token]) -> bool:
    """A minus that is a number's sign: not a dash in a list, not an operator after a variable."""
    return len(run) > 1 and not run[1].after_space and (bool(before) or run[0].after_space)


def _right_side(tokens: list[Token]) -> list[Token]:
    """The arithmetic that begins a side; [] if it is none, or what follows belongs to it."""
    stop = _reach(tokens, "([{", ")]}")
    run, after = tokens[:stop], tokens[stop:]
    if len(run) > 1 and after and run[-1].text in "([" and len(after[0].text) > 1:
        run, after = run[:-1], []  # a remark in brackets
    if not run or not after:
        return run
    apart = _stands_apart(after[0], touching=not after[0].after_space, allowed=_AFTER | {":"})
    return run if apart and not _goes_on(after) else []


def _goes_on(after: list[Token]) -> bool:
    """A ratio such as 5:6, or a decimal such as 0.\\overline{3}?"""
    if len(after) < 2 or after[1].text in _AFTER:
        return False
    touching = not after[0].after_space and not after[1].after_space
    sorts = (after[0].text, after[1].sort)
    return sorts == (":", "number") or (touching and sorts == (".", "other"))


def _reach(tokens: list[Token], opening: str, closing: str) -> int:
    """How many tokens from the beginning are arithmetic, up to a bracket closed but not opened."""
    depth = 0
    for index, token in enumerate(tokens):
        if token.sort in ("other", "equals"):
            return index
        depth += (token.text in opening) - (token.text in closing)
        if depth < 0:
            return index
    return len(tokens)


def _stands_apart(token: Token, *, touching: bool, allowed: set[str]) -> bool:
    """Is a neighbour no part of the arithmetic beside it?"""
    if token.text.startswith("\\"):
        return _PLAIN_COMMANDS.fullmatch(token.text) is not None
    if touching:
        return token.text in allowed
    if token.text.isalpha():
        return len(token.text) > 1 and not _WORKING_WORDS.fullmatch(token.text)
    return token.text in _BEFORE | _AFTER


# --- does it hold? -----------------------------------------------------------


def _same_percent(claim: Claim) -> bool:
    """With a percent sign on one side only, it may mean either."""
    left, right = (any("%" in token.text for token in side) for side in (claim.left, claim.right))
    return left != right and claim.stated in (claim.computed * 100, claim.computed / 100)


def _rounded(claim: Claim) -> bool:
    """Is the right side a decimal within one unit of its last place?"""
    number = claim.right[0].text
    decimals = len(re.sub(r"\D", "", number.partition(".")[2]))
    unit = Fraction(1, 10**decimals) / (100 if "%" in number else 1)
    return len(claim.right) == 1 and decimals > 0 and abs(claim.computed - claim.stated) <= unit
