r"""How coverage grows with samples: the power law of Large Language Monkeys (arXiv:2407.21787).

    c(k) ~ exp(a k^b),   a, b < 0;   (a, b) = argmin sum_k (log c(k) - a k^b)^2

over k spaced evenly in log k. For a given b the best a is linear,

    a(b) = sum_k k^b log c(k) / sum_k k^2b,

so only b is searched. The law is one of many problems together: the coverage of each
alone goes as 1 - (1 - p)^k. It describes; far beyond the data it is a guess.

Dimension key: P problems, K sizes, R resamples.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from surefoot.core.errors import InputError
from surefoot.evaluate.checks import Floats, finite_numbers, same_length
from surefoot.evaluate.curves import coverage_curves, resampled_means
from surefoot.evaluate.intervals import Interval, interval_of

FLATTEST, STEEPEST = -1e-3, -5.0  # where b is looked for
SEARCHES = 64  # golden sections: b to 13 digits of its range
GOLDEN = (5**0.5 - 1) / 2
SIZES = 40  # sizes k that a fit looks at, as in the paper


@dataclass(frozen=True, slots=True)
class CoverageLaw:
    """c(k) = exp(a k^b). a, b: below 0. low, high of each interval: None if not resampled."""

    a: Interval
    b: Interval

    def at(self, k: float) -> float:
        """The law's coverage with k samples, in (0, 1)."""
        return float(np.exp(self.a.estimate * k**self.b.estimate))


def fit_power_law(sizes_K: Sequence[float], coverage_K: Sequence[float]) -> tuple[float, float]:
    """(a, b) of c(k) = exp(a k^b) by least squares on log c.

    sizes_K: [K] two or more different, 1 or more. coverage_K: [K] in (0, 1]; InputError
    for a coverage of 0 (its log has no end) or 1 throughout (any b fits).
    """
    sizes, coverage = finite_numbers(sizes_K, "sizes"), finite_numbers(coverage_K, "coverage")
    same_length(sizes=len(sizes), coverage=len(coverage))
    if len(set(sizes.tolist())) < 2 or sizes.min() < 1:
        raise InputError(f"sizes must be 2 or more different numbers from 1 on, got {sizes_K!r}")
    if coverage.min() <= 0 or coverage.max() > 1 or coverage.min() == 1:
        raise InputError(
            "coverage must be in (0, 1] and not 1 throughout, got "
            f"{coverage.min()} to {coverage.max()}; add problems, or drop sizes without success"
        )
    a, b = _fit(sizes, np.log(coverage)[None])
    return float(a[0]), float(b[0])


def coverage_law(
    right_P_N: npt.ArrayLike,
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    resamples: int = 1000,
) -> CoverageLaw:
    """The law of a pool, with intervals from resampled problems.

    right_P_N: [P, N], N at least 2. Resamples without any right candidate, or with all
    problems always right, fit no law and are left out. Raises InputError as `fit_power_law`.
    """
    curves_P_N = coverage_curves(right_P_N)
    total = curves_P_N.shape[1]
    sizes = np.unique(np.geomspace(1, total, SIZES).round().astype(np.intp))
    chosen = curves_P_N[:, sizes - 1]
    fit_power_law(sizes.tolist(), chosen.mean(axis=0).tolist())  # refuses what has no law
    means_1R_K = np.minimum(resampled_means(chosen, rng=rng, resamples=resamples), 1.0)
    lawful = (means_1R_K[:, 0] > 0) & (means_1R_K[:, 0] < 1)
    a_1R, b_1R = np.full((2, len(means_1R_K)), np.nan)
    a_1R[lawful], b_1R[lawful] = _fit(sizes.astype(np.float64), np.log(means_1R_K[lawful]))
    a, b = interval_of(a_1R, level=level), interval_of(b_1R, level=level)
    assert a is not None  # row 0 was fitted
    assert b is not None
    return CoverageLaw(a, b)


def _fit(sizes_K: Floats, logs_R_K: Floats) -> tuple[Floats, Floats]:
    """([R], [R]) a and b of each row by golden sections."""
    log_sizes = np.log(sizes_K)

    def best_a(b_R: Floats) -> tuple[Floats, Floats]:
        powers = np.exp(b_R[:, None] * log_sizes)
        a_R = (powers * logs_R_K).sum(axis=1) / (powers**2).sum(axis=1)
        return a_R, ((logs_R_K - a_R[:, None] * powers) ** 2).sum(axis=1)

    low = np.full(len(logs_R_K), STEEPEST)
    high = np.full(len(logs_R_K), FLATTEST)
    for _ in range(SEARCHES):
        reach = GOLDEN * (high - low)
        left, right = high - reach, low + reach
        lower_is_left = best_a(left)[1] < best_a(right)[1]
        high, low = np.where(lower_is_left, right, high), np.where(lower_is_left, low, left)
    b_R = (low + high) / 2
    return best_a(b_R)[0], b_R
