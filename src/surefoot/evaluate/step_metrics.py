"""Does a verifier find the first wrong step?

A trace's first error is predicted as the first step with score < threshold. With
acc_E the share found exactly among erroneous traces and acc_C the share of correct
traces without an alarm (ProcessBench, arXiv:2412.06559),

    F1 = 2 acc_E acc_C / (acc_E + acc_C),   0 if both are 0.

It is not the F1 of precision and recall: a constant predictor scores 0. Within one
problem, the chance that a right trace outscores a wrong one is

    AUC = (1 / (|R| |W|)) sum_{r in R, w in W} 1[s_r > s_w] + 1[s_r = s_w] / 2.

Over all traces at once, whatever their problem, it is the pooled AUC. The macro F1 of step labels
is the mean of F1 = 2 TP / (2 TP + FP + FN) with "right" and with "wrong" as the positive class.

Dimension key: N traces, S steps of a trace, M labels or scored traces.
"""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from surefoot.core.errors import InputError
from surefoot.evaluate.checks import Bools, Floats, finite_numbers, outcomes, same_length

NO_ERROR = -1  # the first error of a trace whose steps are all right, as in ProcessBench


# --- the first error -------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FirstErrorScore:
    """How well first errors were found.

    on_erroneous: share of erroneous traces whose first error was found; None if there are none.
    on_correct: share of correct traces without an alarm; None if there are none.
    erroneous, correct: how many traces of each.
    abstained: traces without a prediction. As in ProcessBench none of them counts as found.
    """

    on_erroneous: float | None
    on_correct: float | None
    erroneous: int
    correct: int
    abstained: int

    @property
    def f1(self) -> float | None:
        """Harmonic mean of the two shares, in [0, 1]; 0 if both are 0, None if one is unknown."""
        if self.on_erroneous is None or self.on_correct is None:
            return None
        return float(_harmonic(np.array(self.on_erroneous), np.array(self.on_correct)))


def predict_first_error(scores_S: Sequence[float], threshold: float) -> int:
    """Index of the first step with score < threshold, or NO_ERROR. A trace needs a step."""
    scores = finite_numbers(scores_S, "scores")
    if not len(scores):
        raise InputError("a trace without steps has no first error: leave it out")
    below = np.flatnonzero(scores < threshold)
    return int(below[0]) if len(below) else NO_ERROR


def first_error_score(
    predicted_N: Sequence[int | None], oracle_N: Sequence[int]
) -> FirstErrorScore:
    """Compares predicted first errors with the true ones.

    predicted_N: [N] a step's index, NO_ERROR, or None where no prediction was made.
    oracle_N: [N] the index of the first wrong step, or NO_ERROR.

    Both shares are None for N = 0.
    """
    same_length(predicted=len(predicted_N), oracle=len(oracle_N))
    for index, true in enumerate(oracle_N):
        if true < NO_ERROR:
            raise InputError(
                f"oracle[{index}] is {true}; expected a step's index from 0, or {NO_ERROR}"
            )
    found_E = [p == t for p, t in zip(predicted_N, oracle_N, strict=True) if t != NO_ERROR]
    found_C = [p == t for p, t in zip(predicted_N, oracle_N, strict=True) if t == NO_ERROR]
    return FirstErrorScore(
        on_erroneous=sum(found_E) / len(found_E) if found_E else None,
        on_correct=sum(found_C) / len(found_C) if found_C else None,
        erroneous=len(found_E),
        correct=len(found_C),
        abstained=sum(p is None for p in predicted_N),
    )


def choose_threshold(scores_N_S: Sequence[Sequence[float]], oracle_N: Sequence[int]) -> float:
    """The threshold with the highest F1 on these traces, to be reused unchanged on others.

    A trace with first error e is found for thresholds in (s_e, min(s_0..s_{e-1})], a
    correct one for those up to min(s); so F1 changes only at these ends, and every
    stretch between two of them is tried, at its middle. Of equally good stretches the
    lowest (fewest alarms) is taken. O(N log N) after reading the scores.

    scores_N_S: [N][S] any finite numbers; a trace needs a step.
    oracle_N: [N] index of the first wrong step, or NO_ERROR. Both sorts of trace must
      occur, or F1 is unknown at every threshold: InputError.
    """
    same_length(scores=len(scores_N_S), oracle=len(oracle_N))
    spans = [_span(i, s, t) for i, (s, t) in enumerate(zip(scores_N_S, oracle_N, strict=True))]
    erroneous = np.array([true != NO_ERROR for true in oracle_N], dtype=np.bool_)
    if erroneous.all() or not erroneous.any():
        raise InputError(
            f"expected erroneous and correct traces, got {erroneous.sum()} and "
            f"{(~erroneous).sum()}; add some of the other sort"
        )
    spans_N_2 = np.array(spans)
    tried = _middles(np.unique(spans_N_2[np.isfinite(spans_N_2)]))
    f1 = _harmonic(
        _share_found(spans_N_2[erroneous], tried), _share_found(spans_N_2[~erroneous], tried)
    )
    return float(tried[np.argmax(f1)])


def _span(index: int, scores_S: Sequence[float], true: int) -> tuple[float, float]:
    """(low, high]: the thresholds that find this trace's first error; empty if low >= high."""
    scores = finite_numbers(scores_S, f"scores[{index}]")
    if not -1 <= true < len(scores) or not len(scores):
        raise InputError(
            f"trace {index} has {len(scores)} scored steps and its first error at {true}; "
            f"expected an index below the number of steps, or {NO_ERROR}"
        )
    if true == NO_ERROR:
        return -math.inf, float(scores.min())
    return float(scores[true]), float(scores[:true].min(initial=math.inf))


def _middles(ends: Floats) -> Floats:
    """One threshold in each stretch (a, b] between neighbouring ends, below and above included."""
    a, b = ends[:-1], ends[1:]
    middle = a / 2 + b / 2
    inside = np.where((a < middle) & (middle <= b), middle, b)  # neighbours may have no middle
    return np.concatenate((ends[:1], inside, np.nextafter(ends[-1:], math.inf)))


def _share_found(spans_N_2: Floats, thresholds: Floats) -> Floats:
    """Share of the spans that hold each threshold."""
    low, high = spans_N_2[spans_N_2[:, 0] < spans_N_2[:, 1]].T
    begun = np.searchsorted(np.sort(low), thresholds, side="left")
    over = np.searchsorted(np.sort(high), thresholds, side="left")
    share: Floats = (begun - over) / len(spans_N_2)
    return share


def _harmonic(a: Floats, b: Floats) -> Floats:
    total = a + b
    mean: Floats = np.divide(2 * a * b, total, out=np.zeros_like(total), where=total > 0)
    return mean


# --- single labels ---------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LabelAccuracy:
    """Labels against the truth. The four counts add up to the number of labels.

    right, wrong: labels that agree with the truth, or do not.
    abstained: labels that are None while the truth is known.
    unknown: labels whose truth is None; whatever they say cannot be judged.
    """

    right: int
    wrong: int
    abstained: int
    unknown: int

    @property
    def accuracy(self) -> float | None:
        """right / (right + wrong); None if nothing was answered. Read it with `answered`."""
        judged = self.right + self.wrong
        return self.right / judged if judged else None

    @property
    def answered(self) -> float | None:
        """Share of the steps of known truth that got a label; None if there are none."""
        known = self.right + self.wrong + self.abstained
        return (self.right + self.wrong) / known if known else None


def label_accuracy(
    labels_M: Sequence[bool | None], oracle_M: Sequence[bool | None]
) -> LabelAccuracy:
    """Compares step labels with the truth; None is an abstention, never right or wrong.

    labels_M, oracle_M: [M] is the step right? M = 0 gives four zeros.
    """
    same_length(labels=len(labels_M), oracle=len(oracle_M))
    pairs = list(zip(labels_M, oracle_M, strict=True))
    known = [(label, true) for label, true in pairs if true is not None]
    answered = [(label, true) for label, true in known if label is not None]
    right = sum(bool(label) == bool(true) for label, true in answered)
    return LabelAccuracy(
        right=right,
        wrong=len(answered) - right,
        abstained=len(known) - len(answered),
        unknown=len(pairs) - len(known),
    )


def macro_f1(labels_M: Sequence[bool | None], oracle_M: Sequence[bool | None]) -> float | None:
    """Mean of the F1 of "right" and the F1 of "wrong", in [0, 1].

    Labels whose truth is None are left out.

    labels_M, oracle_M: [M] is the step right? An abstention (None) is a miss of its true class
      and an alarm of neither. None unless both classes are among the truths: F1 of a class that
      is not there would be 0 whatever the labels.
    """
    same_length(labels=len(labels_M), oracle=len(oracle_M))
    known = [
        (said, true) for said, true in zip(labels_M, oracle_M, strict=True) if true is not None
    ]
    if len({bool(true) for _, true in known}) < 2:
        return None
    scores = []
    for positive in (True, False):
        hits = sum(said == true == positive for said, true in known)
        said_so = sum(said == positive for said, _ in known)
        scores.append(2 * hits / (said_so + sum(true == positive for _, true in known)))
    return sum(scores) / 2


# --- ranking within a problem, and over all ----------------------------------------------


def within_problem_auc(
    scores_M: Sequence[float], right_M: Sequence[bool], problems_M: Sequence[Hashable]
) -> float | None:
    """Mean AUC over the problems with right and wrong traces; None if there is no such problem.

    Only traces of one problem are compared, so knowing which problems are hard does
    not help. Each mixed problem counts once, however many traces it has [ours].

    scores_M: [M] finite. right_M: [M]. problems_M: [M] which problem each trace solves.
    In [0, 1]; 0.5 for a constant score. O(M log M).
    """
    scores, right = finite_numbers(scores_M, "scores"), outcomes(right_M, "right")
    same_length(scores=len(scores), right=len(right), problems=len(problems_M))
    places: dict[Hashable, list[int]] = {}
    for index, problem in enumerate(problems_M):
        places.setdefault(problem, []).append(index)
    aucs = [_auc(scores[ids], right[ids]) for ids in places.values()]
    known = [auc for auc in aucs if auc is not None]
    return math.fsum(known) / len(known) if known else None


def pooled_auc(scores_M: Sequence[float], right_M: Sequence[bool]) -> float | None:
    """Chance that a right trace outscores a wrong one of any problem, ties half. In [0, 1].

    None unless there are both. It rewards knowing which problems are hard, which
    `within_problem_auc` does not. scores_M: [M] finite. right_M: [M]. O(M log M).
    """
    scores, right = finite_numbers(scores_M, "scores"), outcomes(right_M, "right")
    same_length(scores=len(scores), right=len(right))
    return _auc(scores, right)


def _auc(scores: Floats, right: Bools) -> float | None:
    if right.all() or not right.any():
        return None
    wrong_sorted = np.sort(scores[~right])
    below = np.searchsorted(wrong_sorted, scores[right], side="left")
    up_to = np.searchsorted(wrong_sorted, scores[right], side="right")
    return float((below + up_to).mean() / 2 / len(wrong_sorted))
