"""What a calibration gains, on problems that it was not fitted on.

    q_i = g_{-f(i)}(x_i),   g_{-f} fitted on all problems outside fold f

A map always fits the pairs it was fitted on, an isotonic one most of all; so each problem is
mapped by a map that has not seen it, and figures before and after are of the same steps.

Dimension key: M scored steps, B bins, R resamples.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from surefoot.core.errors import InputError
from surefoot.evaluate.calibration import bin_places
from surefoot.evaluate.checks import Floats, Ints, same_length, unit_numbers
from surefoot.evaluate.intervals import Interval, interval_of, resampled_sums

Map = Callable[[Sequence[float]], Sequence[float]]
Fit = Callable[[Sequence[float], Sequence[float]], Map]


@dataclass(frozen=True, slots=True)
class CalibrationChange:
    """Brier score and ECE of the scores as they came, of the mapped ones, and the difference.

    A change below 0 is a gain. Intervals are over resampled problems; an ECE's resamples lie a
    little above its estimate, because noise raises it.
    """

    brier_before: Interval
    brier_after: Interval
    brier_change: Interval
    ece_before: Interval
    ece_after: Interval
    ece_change: Interval


def calibration_change(
    fit: Fit,
    scores_M: Sequence[float],
    outcomes_M: Sequence[float],
    problems_M: Sequence[Hashable],
    *,
    rng: np.random.Generator,
    before: Map = lambda scores: scores,
    folds: int = 5,
    bins: int = 10,
    resamples: int = 2000,
) -> CalibrationChange:
    """Fits on each share of the problems, measures on the rest.

    fit: from scores and outcomes to a map, such as `verifiers.calibrate.platt` of a kind.
    scores_M: as the verifier gave them. outcomes_M: in [0, 1]. problems_M: their problems.
    before: what the scores were as probabilities; for logits the logistic function.
    rng: decides folds and resamples. Costs `folds` fits and O(resamples * problems * bins).
    Raises InputError for fewer problems than folds, and what `fit` raises on a share.
    """
    same_length(scores=len(scores_M), outcomes=len(outcomes_M), problems=len(problems_M))
    y_M = unit_numbers(outcomes_M, "outcomes")
    folds_M = _folds(problems_M, folds, rng)
    scores = np.asarray(scores_M, dtype=np.float64)
    after_M = np.empty(len(y_M))
    for fold in range(folds):
        out = folds_M == fold
        fitted = fit(scores[~out].tolist(), y_M[~out].tolist())
        after_M[out] = fitted(scores[out].tolist())
    before_M = unit_numbers(before(list(scores_M)), "scores before")
    columns = [np.ones((len(y_M), 1)), *(_columns(q, y_M, bins) for q in (before_M, after_M))]
    sums = resampled_sums(np.hstack(columns), list(problems_M), rng=rng, resamples=resamples)
    means = sums[:, 1:] / sums[:, :1]
    figures = [_figures(part) for part in np.split(means, 2, axis=1)]
    (brier_0, ece_0), (brier_1, ece_1) = figures
    series = (brier_0, brier_1, brier_1 - brier_0, ece_0, ece_1, ece_1 - ece_0)
    return CalibrationChange(*map(_interval, series))


def _folds(problems_M: Sequence[Hashable], folds: int, rng: np.random.Generator) -> Ints:
    """[M] the fold of each step's problem: equally many problems each, drawn by rng."""
    numbers: dict[Hashable, int] = {}
    places_M = [numbers.setdefault(problem, len(numbers)) for problem in problems_M]
    if not 2 <= folds <= len(numbers):
        raise InputError(
            f"{len(numbers)} problems cannot be fitted and measured in {folds} folds; "
            "label more problems"
        )
    fold_of: Ints = rng.permutation(len(numbers)) % folds
    return fold_of[places_M]


def _columns(q_M: Floats, y_M: Floats, bins: int) -> Floats:
    """[M, 1 + B] squared error, and the gap in the bin of the score."""
    gaps_M_B = np.zeros((len(q_M), bins))
    gaps_M_B[np.arange(len(q_M)), bin_places(q_M, bins)] = y_M - q_M
    return np.column_stack(((q_M - y_M) ** 2, gaps_M_B))


def _figures(means: Floats) -> tuple[Floats, Floats]:
    return means[:, 0], np.abs(means[:, 1:]).sum(axis=1)


def _interval(values: Floats) -> Interval:
    interval = interval_of(values)
    if interval is None:  # a figure of one step or more is defined
        raise InputError("there is nothing to measure")
    return interval
