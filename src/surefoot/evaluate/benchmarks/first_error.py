"""What benchmarks of the first wrong step share: the truth, the rule, critics' replies, figures.

With acc_E the share of erroneous solutions whose first wrong step is named exactly, and acc_C
the share of right ones without an alarm (ProcessBench, arXiv:2412.06559),

    F1 = 2 acc_E acc_C / (acc_E + acc_C),   0 if both are 0:

the harmonic mean of two accuracies, so every constant predictor scores 0. No prediction counts
as wrong in either group.

Dimension key: M cases, V replies (votes) about one case.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from surefoot.core.records import Record
from surefoot.core.types import StepScores
from surefoot.evaluate.benchmarks.benchmark import Case, Rule, harmonic
from surefoot.evaluate.checks import Floats
from surefoot.evaluate.intervals import quotient
from surefoot.evaluate.step_metrics import NO_ERROR, choose_threshold, predict_first_error
from surefoot.formats.fields import nullable, texts_of

NUMBER = re.compile(r"(?:(?<![A-Za-z0-9])-\s*)?\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class FirstError:
    """first: index of the first wrong step, or NO_ERROR. answer_right: None if not known."""

    first: int
    answer_right: bool | None = None


# --- scores ----------------------------------------------------------------


def decide(_case: Case[FirstError], scores: Sequence[StepScores], threshold: float) -> int:
    """The first step with score < threshold, or NO_ERROR."""
    return predict_first_error(scores[0].values, threshold)


def choose(cases: Sequence[Case[FirstError]], scores_M: Sequence[Sequence[StepScores]]) -> float:
    """The threshold of highest F1 on these cases; the lowest of equally good ones."""
    return choose_threshold([s[0].values for s in scores_M], [c.truth.first for c in cases])


RULE = Rule(decide, choose)


def perfect(case: Case[FirstError]) -> int:
    """The true first error."""
    return case.truth.first


# --- critics' replies ------------------------------------------------------


def official(reply: str) -> int | None:
    r"""The last \boxed{...} as ProcessBench's own script reads it.

    The box ends at the first "}" and `int` has to accept what it holds, so
    \boxed{\text{2}}, \boxed{paragraph_2}, \boxed{1.0} and \boxed {3} are no prediction.
    """
    boxed = _official_box(reply)
    return None if boxed is None else _as_int(boxed)


def robust(reply: str) -> int | None:
    r"""The one whole number in the last \boxed{...}, whatever stands around it.

    Nested braces, \text, names such as paragraph_2, 1.0, a space before the brace and a
    Unicode minus are read; two different numbers, a fraction or none are no prediction.
    """
    starts = [m.end() for m in re.finditer(r"\\boxed\s*\{", reply)]
    if not starts:
        return None
    held = _balanced(reply[starts[-1] :]).replace("\N{MINUS SIGN}", "-")
    numbers = {float(number.replace(" ", "")) for number in NUMBER.findall(held)}
    if len(numbers) != 1:
        return None
    number = numbers.pop()
    return int(number) if number.is_integer() else None


def vote_official(replies_V: Sequence[str]) -> int | None:
    """The commonest box, counted as text before it is read; of equals the first seen."""
    boxes = [box for reply in replies_V if (box := _official_box(reply)) is not None]
    return _as_int(Counter(boxes).most_common(1)[0][0]) if boxes else None


def vote_robust(replies_V: Sequence[str]) -> int | None:
    """The commonest readable prediction; of equals the first seen; None if none is readable."""
    readable = [found for reply in replies_V if (found := robust(reply)) is not None]
    return Counter(readable).most_common(1)[0][0] if readable else None


def _official_box(reply: str) -> str | None:
    boxes = re.findall(r"\\boxed\{([^}]*)\}", reply)
    return boxes[-1].strip() if boxes else None


def _as_int(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def _balanced(text: str) -> str:
    """Up to the brace that closes one already open; all of it if none does."""
    depth = 1
    for place, character in enumerate(text):
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return text[:place]
    return text


def read(
    _case: Case[FirstError],
    row: Record,
    *,
    vote: Callable[[Sequence[str]], int | None] = vote_robust,
) -> int | None:
    """{"prediction": int or null} or a critic's {"replies": [text, ...]}, put to the vote.

    An index that is none of the steps is kept: it is a wrong prediction, not an unreadable one.
    """
    if "replies" in row:
        return vote(texts_of(row, "replies"))
    prediction: int | None = nullable(row, "prediction", (int,))
    return prediction


def read_official(case: Case[FirstError], row: Record) -> int | None:
    """As `read`, replies taken as ProcessBench's own script takes them."""
    return read(case, row, vote=vote_official)


# --- figures ---------------------------------------------------------------

ERRONEOUS, FOUND, WITHIN_ONE, RIGHT, PASSED, MISLED, MISLED_FOUND, MISLED_ALARM, ANSWERED, CASES = (
    range(10)
)


def count(cases: Sequence[Case[FirstError]], predictions_M: Sequence[int | None]) -> Floats:
    """[M, 10] what each case adds to the counts named above."""
    rows = [_counts(case.truth, found) for case, found in zip(cases, predictions_M, strict=True)]
    return np.array(rows, dtype=np.float64).reshape(len(cases), CASES + 1)


def _counts(truth: FirstError, found: int | None) -> list[bool]:
    wrong = truth.first != NO_ERROR
    exact = found == truth.first
    alarm = found not in (None, NO_ERROR)
    near = wrong and found in {truth.first - 1, truth.first, truth.first + 1} - {NO_ERROR}
    misled = wrong and truth.answer_right is True
    return [
        wrong, wrong and exact, near, not wrong, not wrong and exact,
        misled, misled and exact, misled and alarm, found is not None, True,
    ]  # fmt: skip


def columns(sums_R_K: Floats) -> dict[str, Floats]:
    """The figures of one group.

    f1; error_found, correct_passed: its two accuracies; within_one: an alarm at most one step
    away among the erroneous; misled_found, misled_alarmed: the wrong step named, or any alarm,
    among solutions with a right answer and a wrong step; answered: cases with a prediction.
    """
    k = sums_R_K.T
    found, passed = quotient(k[FOUND], k[ERRONEOUS]), quotient(k[PASSED], k[RIGHT])
    return {
        "f1": harmonic(found, passed),
        "error_found": found,
        "correct_passed": passed,
        "within_one": quotient(k[WITHIN_ONE], k[ERRONEOUS]),
        "misled_found": quotient(k[MISLED_FOUND], k[MISLED]),
        "misled_alarmed": quotient(k[MISLED_ALARM], k[MISLED]),
        "answered": quotient(k[ANSWERED], k[CASES]),
    }
