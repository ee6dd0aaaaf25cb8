"""What benchmarks of one verdict a response share: is there an error in it?

With "there is an error" as positive,

    precision = TP / (TP + FP)   recall = TP / (TP + FN)   F1 = 2 TP / (2 TP + FP + FN)

A response without a verdict counts as judged wrongly (`count`). ReaLMistake's own script takes
it for "no error" in precision, recall and F1, and for wrong in accuracy (`count_official`):
staying silent on right responses then costs no precision. Calling everything wrong has the F1 and
the accuracy of the base rate: both stand beside the figures as `always_error_f1`, `base_rate`.
A scorer says "error" where its scores, aggregated by their kind, fall below the threshold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from surefoot.core.errors import InputError
from surefoot.core.kinds import aggregate
from surefoot.core.records import Record
from surefoot.core.types import StepScores
from surefoot.evaluate.benchmarks.benchmark import Case, Rule, Table, with_total
from surefoot.evaluate.checks import Floats
from surefoot.evaluate.intervals import quotient
from surefoot.formats.fields import nullable


@dataclass(frozen=True, slots=True)
class Judged:
    """wrong: is there an error in the response?"""

    wrong: bool


def decide(_case: Case[Judged], scores: Sequence[StepScores], threshold: float) -> bool:
    """Is the response's total below the threshold?"""
    return aggregate(scores[0]) < threshold


def choose(cases: Sequence[Case[Judged]], scores_M: Sequence[Sequence[StepScores]]) -> float:
    """The threshold of highest F1 on these cases; the lowest of equally good ones. O(M log M)."""
    totals = np.array([aggregate(scores[0]) for scores in scores_M])
    wrong = np.array([case.truth.wrong for case in cases], dtype=np.bool_)
    if wrong.all() or not wrong.any():
        raise InputError("expected responses with and without an error to choose a threshold on")
    levels = np.unique(totals)
    tried = np.append(levels, np.nextafter(levels[-1], np.inf))
    tp, fp = (
        np.searchsorted(np.sort(totals[kind]), tried, side="left").astype(np.float64)
        for kind in (wrong, ~wrong)
    )
    return float(tried[np.argmax(2 * tp / (tp + fp + wrong.sum()))])


RULE = Rule(decide, choose)


def read(_case: Case[Judged], row: Record) -> bool | None:
    """{"prediction": true if there is an error, or null}."""
    found: bool | None = nullable(row, "prediction", (bool,))
    return found


def perfect(case: Case[Judged]) -> bool:
    """Is there an error?"""
    return case.truth.wrong


def count(cases: Sequence[Case[Judged]], predictions_M: Sequence[bool | None]) -> Floats:
    """[M, 6] TP, FP, TN, FN, right, answered; no verdict is FN or FP."""
    missing_M = [not case.truth.wrong for case in cases]
    return _counted(cases, predictions_M, missing_M)


def count_official(cases: Sequence[Case[Judged]], predictions_M: Sequence[bool | None]) -> Floats:
    """The same; no verdict is FN or TN, and right in neither case."""
    return _counted(cases, predictions_M, [False] * len(cases))


def _counted(
    cases: Sequence[Case[Judged]],
    predictions_M: Sequence[bool | None],
    missing_M: Sequence[bool],
) -> Floats:
    """missing_M: [M] what no verdict stands for: is there an error?"""
    rows = []
    for case, found, missing in zip(cases, predictions_M, missing_M, strict=True):
        wrong, said = case.truth.wrong, missing if found is None else found
        confusion = (wrong and said, not wrong and said, not wrong and not said, wrong and not said)
        rows.append((*confusion, found == wrong, found is not None))
    return np.array(rows, dtype=np.float64).reshape(len(cases), 6)


def columns(sums_R_K: Floats) -> dict[str, Floats]:
    """f1, precision, recall (of errors), accuracy, always_error_f1, base_rate, answered."""
    tp, fp, tn, fn, right, answered = sums_R_K.T
    cases = tp + fp + tn + fn
    return {
        "f1": quotient(2 * tp, 2 * tp + fp + fn),
        "accuracy": quotient(right, cases),
        "precision": quotient(tp, tp + fp),
        "recall": quotient(tp, tp + fn),
        "always_error_f1": quotient(2 * (tp + fn), 2 * (tp + fn) + fp + tn),
        "base_rate": quotient(tp + fn, cases),
        "answered": quotient(answered, cases),
    }


def table(sums: Mapping[str, Floats]) -> Table:
    """A row a group, and all."""
    return with_total(sums, columns)
