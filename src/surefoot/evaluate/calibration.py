"""Does a score of 0.8 come true 8 times in 10?

    Brier = (1/M) sum_i (p_i - y_i)^2                                 (Brier, 1950)
    ECE   = sum_b (|b| / M) |mean(y in b) - mean(p in b)|             (arXiv:1706.04599)

over B bins of equal width; p = k/B belongs to the bin above it, p = 1 to the last.
ECE depends on B and falls with fewer bins: give B with the figure.

Dimension key: M scored things, B bins, P problems of N things each, R resamples.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from surefoot.core.errors import InputError
from surefoot.evaluate.checks import Floats, Ints, same_length, unit_numbers
from surefoot.evaluate.intervals import resampled_sums


@dataclass(frozen=True, slots=True)
class Bin:
    """One bar of a reliability diagram.

    low, high: the range of scores.
    count: how many scores fell in it.
    mean_score, mean_outcome: in [0, 1]; None if there are none.
    """

    low: float
    high: float
    count: int
    mean_score: float | None
    mean_outcome: float | None


def brier(scores_M: Sequence[float], outcomes_M: Sequence[float]) -> float | None:
    """Mean squared distance of score and outcome, in [0, 1]; 0 is perfect. None without any.

    scores_M: [M] in [0, 1].
    outcomes_M: [M] True or False, or a rate in [0, 1] such as a rollout value.
    """
    scores, came_out = _checked(scores_M, outcomes_M)
    return float(np.mean((scores - came_out) ** 2)) if len(scores) else None


def reliability_bins(
    scores_M: Sequence[float], outcomes_M: Sequence[float], *, bins: int = 10
) -> list[Bin]:
    """[bins] what came out in each range of scores; empty bins are kept, with count 0.

    Arguments as in `brier`. bins: at least 1.
    """
    scores, came_out = _checked(scores_M, outcomes_M)
    if bins < 1:
        raise InputError(f"bins must be at least 1, got {bins}")
    borders = np.arange(bins + 1) / bins
    places = bin_places(scores, bins)
    return [
        _bin(borders[b], borders[b + 1], scores[places == b], came_out[places == b])
        for b in range(bins)
    ]


def expected_calibration_error(
    scores_M: Sequence[float], outcomes_M: Sequence[float], *, bins: int = 10
) -> float | None:
    """ECE over bins of equal width, in [0, 1]; 0 is perfect. None without any score."""
    gaps = [
        b.count * abs(b.mean_outcome - b.mean_score)
        for b in reliability_bins(scores_M, outcomes_M, bins=bins)
        if b.mean_outcome is not None and b.mean_score is not None
    ]
    return sum(gaps) / len(scores_M) if gaps else None


def resampled_calibration(
    scores_P_N: Floats,
    outcomes_P_N: Floats,
    *,
    rng: np.random.Generator,
    bins: int = 10,
    resamples: int = 2000,
) -> tuple[Floats, Floats]:
    """([1 + R], [1 + R]) Brier score and ECE of all and of resampled problems, for `interval_of`.

    scores_P_N, outcomes_P_N: [P, N] in [0, 1]. An ECE is a sum of sizes, so noise raises
      it: its resamples lie a little above its estimate.
    """
    scores_M, outcomes_M = _checked(scores_P_N.ravel().tolist(), outcomes_P_N.ravel().tolist())
    gaps_P_N = (outcomes_M - scores_M).reshape(scores_P_N.shape)
    places_P_N = bin_places(scores_P_N, bins)
    gaps_P_B = [(gaps_P_N * (places_P_N == b)).mean(axis=1) for b in range(bins)]
    columns_P_K = np.stack([(gaps_P_N**2).mean(axis=1), *gaps_P_B], axis=1)
    sums_1R_K = resampled_sums(columns_P_K, rng=rng, resamples=resamples) / len(columns_P_K)
    return sums_1R_K[:, 0], np.abs(sums_1R_K[:, 1:]).sum(axis=1)


def bin_places(scores: Floats, bins: int) -> Ints:
    """The bin of each score, by the borders themselves: a score on one falls where it says."""
    borders = np.arange(bins + 1) / bins
    return np.minimum(np.searchsorted(borders, scores, side="right") - 1, bins - 1)


def _bin(low: float, high: float, scores: Floats, came_out: Floats) -> Bin:
    if not len(scores):
        return Bin(float(low), float(high), 0, None, None)
    means = float(scores.mean()), float(came_out.mean())
    return Bin(float(low), float(high), len(scores), *means)


def _checked(scores_M: Sequence[float], outcomes_M: Sequence[float]) -> tuple[Floats, Floats]:
    scores, came_out = unit_numbers(scores_M, "scores"), unit_numbers(outcomes_M, "outcomes")
    same_length(scores=len(scores), outcomes=len(came_out))
    return scores, came_out
