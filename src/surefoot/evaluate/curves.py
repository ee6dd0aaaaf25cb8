"""Accuracy against n for a whole pool, and what such a curve must not hide.

    best-of-n   A_p(n) = sum_j [C(j+1, n) - C(j, n)] / C(N, n) * right of place j    (upwards)
    coverage    C_p(n) = 1 - C(N - c_p, n) / C(N, n)
    curve       A(n) = mean_p A_p(n);  a band resamples the problems p
    fall        D(n) = A(n) - A(N) at its largest; more than chance where D - q sd(D*) > 0,
                q = the (1 + level) / 2 quantile over resamples * of max_n (D* - D) / sd(D*)

A best-of-n curve that falls tells of candidates that please the verifier and are wrong
(arXiv:2210.10760 measures it for reward models). Its peak is picked by looking, so the
fall is judged against the largest that chance shows at any n, not at that n.

All problems go through one matrix product. Dimension key: P problems, N candidates of
each, M curves, R resamples.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from surefoot.core.errors import InputError
from surefoot.evaluate.checks import Bools, Floats
from surefoot.evaluate.intervals import Interval, resampled_sums
from surefoot.evaluate.pass_at_k import share_within
from surefoot.evaluate.selection import Ties


def best_of_n_curves(
    scores_P_N: npt.ArrayLike, right_P_N: npt.ArrayLike, *, ties: Ties = "average"
) -> Floats:
    """`best_of_n_curve` of every problem, [P, N]. Arguments, ties and range as there. O(P N^2)."""
    scores, right = _rectangle(scores_P_N, right_P_N)
    total = scores.shape[1]
    if ties not in ("average", "first"):
        raise InputError(f"ties must be 'average' or 'first', got {ties!r}")
    # stable and from the back: the earliest of equal scores comes last, hence wins
    order = total - 1 - np.argsort(scores[:, ::-1], axis=1, kind="stable")
    upwards = np.take_along_axis(right, order, axis=1).astype(np.float64)
    if ties == "average":
        upwards = _averaged(np.take_along_axis(scores, order, axis=1), upwards)
    return upwards @ np.diff(_shares(total), axis=1).T


def coverage_curves(right_P_N: npt.ArrayLike) -> Floats:
    """`coverage_curve` of every problem, [P, N]."""
    right = _rectangle(right_P_N, right_P_N)[1]
    total = right.shape[1]
    return 1.0 - _shares(total)[:, total - right.sum(axis=1)].T


def resampled_means(
    values_P_M: Floats, *, rng: np.random.Generator, resamples: int = 2000
) -> Floats:
    """[1 + R, M] means over problems: row 0 of all, the others of one bootstrap resample each.

    All M figures see the same resamples, so differences of columns are paired; hand a
    column, or a difference of two, to `interval_of`. O(R P M) as one matrix product.
    """
    return resampled_sums(values_P_M, rng=rng, resamples=resamples) / len(values_P_M)


@dataclass(frozen=True, slots=True)
class Fall:
    """How far a curve falls after its peak.

    peak: the n of highest accuracy, the smallest if several.
    fall: A(peak) - A(N). low allows for the peak's having been picked by looking.
    """

    peak: int
    fall: Interval

    @property
    def sure(self) -> bool:
        """Is the fall more than chance: should a user stop at the peak?"""
        return self.fall.low is not None and self.fall.low > 0


def fall_after_peak(means_1R_N: Floats, *, level: float = 0.95) -> Fall:
    """The over-optimisation alarm: does accuracy fall with more candidates?

    means_1R_N: [1 + R, N] a curve and its resamples, from `resampled_means`. Without a
      resample (one problem) the ends are None.
    """
    drops_1R_N = means_1R_N - means_1R_N[:, -1:]
    drops_N, drawn_R_N = drops_1R_N[0], drops_1R_N[1:]
    peak = int(np.argmax(drops_N))
    largest = float(drops_N[peak])
    if not len(drawn_R_N):
        return Fall(peak + 1, Interval(largest, None, None))
    spread_N = drawn_R_N.std(axis=0)
    known = spread_N > 0
    strayed = (drawn_R_N - drops_N)[:, known] / spread_N[known]
    most = float(np.quantile(strayed.max(axis=1, initial=0.0), (1 + level) / 2))
    high = float(np.quantile(drawn_R_N[:, peak], (1 + level) / 2))
    low = largest - most * float(spread_N[peak])
    return Fall(peak + 1, Interval(largest, low, high, "bootstrap"))


def _rectangle(scores_P_N: npt.ArrayLike, right_P_N: npt.ArrayLike) -> tuple[Floats, Bools]:
    try:
        scores = np.asarray(scores_P_N, dtype=np.float64)
        right = np.asarray(right_P_N, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"expected as many candidates for every problem, all numbers ({error}); "
            "fill in what is missing, or cut all problems to the same number"
        ) from error
    if scores.ndim != 2 or scores.shape != right.shape or not scores.size:
        raise InputError(
            f"expected scores and outcomes of one shape, problems by candidates, 1 or more "
            f"of each, got {scores.shape} and {right.shape}"
        )
    for name, values, good in (
        ("scores", scores, np.isfinite(scores)),
        ("right", right, (right == 0) | (right == 1)),
    ):
        if not good.all():
            p, i = np.argwhere(~good)[0]
            raise InputError(f"{name}[{p}][{i}] is {values[p, i]}; mend it or leave it out")
    return scores, right == 1


def _averaged(sorted_P_N: Floats, values_P_N: Floats) -> Floats:
    """Each value replaced by the mean over its group of equal scores in its row."""
    rises = np.ones(sorted_P_N.shape, dtype=bool)
    rises[:, 1:] = np.diff(sorted_P_N, axis=1) > 0
    group = np.cumsum(rises.ravel()) - 1
    means = np.bincount(group, weights=values_P_N.ravel()) / np.bincount(group)
    averaged: Floats = means[group].reshape(values_P_N.shape)
    return averaged


@cache
def _shares(total: int) -> Floats:
    """C(j, n) / C(total, n) for n = 1..total and j = 0..total, [total, total + 1]."""
    return np.array([share_within(total, n) for n in range(1, total + 1)])
