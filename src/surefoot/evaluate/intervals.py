"""How sure we are of a mean or a difference: percentile bootstrap (Efron, 1979).

    mean* = sum_{c in C*} sum(values of c) / sum_{c in C*} |c|,   C* = C clusters drawn with
    replacement;   [low, high] = quantiles (1 -+ level) / 2 of mean* over the resamples.

Several answers to one problem are not independent, so whole problems are drawn
(`clusters`). A comparison on the same problems keeps the pairs together: the
interval of the differences is far narrower than two intervals side by side.

Dimension key: M values, C clusters, R resamples.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from surefoot.core.errors import InputError
from surefoot.evaluate.checks import Floats, finite_numbers, same_length

CHUNK = 4_000_000  # draws held at once: 32 MB


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and the interval around it.

    estimate: the mean, or the mean difference, of all values.
    low, high: ends of the interval; None where fewer than two clusters leave the
      spread unknown (it is not zero).
    """

    estimate: float
    low: float | None
    high: float | None


def mean_interval(
    values_M: Sequence[float],
    clusters_M: Sequence[Hashable] | None = None,
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    resamples: int = 2000,
) -> Interval | None:
    """The mean of `values_M` with its bootstrap interval; None without any value.

    values_M: [M] finite numbers; booleans count as 0 and 1.
    clusters_M: [M] which values belong together, such as problem ids; None if each
      stands alone. Large clusters weigh more: it is the mean over values.
    rng: consumed; equal generators give equal intervals.
    level: in (0, 1). resamples: at least 1. Costs O(resamples * C).
    """
    values = finite_numbers(values_M, "values")
    if not 0 < level < 1:
        raise InputError(f"level must be between 0 and 1, such as 0.95, got {level}")
    if resamples < 1:
        raise InputError(f"resamples must be at least 1, got {resamples}")
    sums_C, sizes_C = _by_cluster(values, clusters_M)
    if not len(values):
        return None
    estimate = float(values.mean())
    if len(sums_C) < 2:
        return Interval(estimate, None, None)
    means_R = _resampled_means(sums_C, sizes_C, resamples, rng)
    low, high = np.quantile(means_R, [(1 - level) / 2, (1 + level) / 2])
    return Interval(estimate, float(low), float(high))


def paired_interval(
    a_M: Sequence[float],
    b_M: Sequence[float],
    clusters_M: Sequence[Hashable] | None = None,
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    resamples: int = 2000,
) -> Interval | None:
    """The mean of a - b with its bootstrap interval; None without any pair.

    a_M, b_M: [M] results of two systems on the same things in the same order. Above
      0 means a is larger. The rest is as in `mean_interval`.
    """
    a, b = finite_numbers(a_M, "a"), finite_numbers(b_M, "b")
    same_length(a=len(a), b=len(b))
    differences: list[float] = (a - b).tolist()
    return mean_interval(differences, clusters_M, rng=rng, level=level, resamples=resamples)


def _by_cluster(values: Floats, clusters_M: Sequence[Hashable] | None) -> tuple[Floats, Floats]:
    """Sum and size of each cluster, [C] and [C], in the order seen."""
    if clusters_M is None:
        return values, np.ones(len(values))
    same_length(values=len(values), clusters=len(clusters_M))
    numbers: dict[Hashable, int] = {}
    places = np.array([numbers.setdefault(c, len(numbers)) for c in clusters_M], dtype=np.intp)
    sums_C = np.bincount(places, weights=values).astype(np.float64)
    return sums_C, np.bincount(places).astype(np.float64)


def _resampled_means(
    sums_C: Floats, sizes_C: Floats, resamples: int, rng: np.random.Generator
) -> Floats:
    """[R] the mean of each resample."""
    clusters = len(sums_C)
    rows = max(1, CHUNK // clusters)
    parts = []
    for start in range(0, resamples, rows):
        drawn = rng.integers(clusters, size=(min(rows, resamples - start), clusters))
        parts.append(sums_C[drawn].sum(axis=1) / sizes_C[drawn].sum(axis=1))
    return np.concatenate(parts)
