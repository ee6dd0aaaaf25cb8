"""How sure we are of a figure or a difference: percentile bootstrap (Efron, 1979).

    theta* = f(sum_{c in C*} counts of c),   C* = C clusters drawn with replacement;
    [low, high] = quantiles (1 -+ level) / 2 of theta* over the resamples.

A mean is f(sum of values, number of values) = a / b; an F1 or a correlation is another
f of a few sums, so one set of resampled sums serves every figure of a table at once.

Several answers to one problem are not independent, so whole problems are drawn
(`clusters`). A comparison on the same problems keeps the pairs together: the
interval of the differences is far narrower than two intervals side by side.

Dimension key: M values, K counts of each, C clusters, R resamples.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from surefoot.core.errors import InputError
from surefoot.evaluate.checks import Floats, Ints, finite_numbers, same_length

CHUNK = 4_000_000  # draws held at once: 32 MB


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and the interval around it.

    estimate: the figure, or the difference of figures, on all values.
    low, high: ends of the interval; None where fewer than two clusters leave the
      spread unknown (it is not zero).
    """

    estimate: float
    low: float | None
    high: float | None


def resampled_sums(
    counts_M_K: Sequence[Sequence[float]] | Floats,
    clusters_M: Sequence[Hashable] | None = None,
    *,
    rng: np.random.Generator,
    resamples: int = 2000,
) -> Floats:
    """[1 + R, K] column sums: row 0 of all values as they are, the others of one resample each.

    Any function of the columns, applied row by row, is a figure with its resamples; hand
    it to `interval_of`. Equal generators and clusters draw the same resamples, so the
    difference of two systems' figures, row by row, is paired.

    counts_M_K: [M][K] finite numbers. clusters_M: [M] which values belong together, such
      as problem ids; None if each stands alone. With fewer than two there is row 0 only.
    rng: consumed. resamples: R, at least 1. Costs O(R * C * K).
    """
    if resamples < 1:
        raise InputError(f"resamples must be at least 1, got {resamples}")
    sums_C_K = _by_cluster(np.asarray(counts_M_K, dtype=np.float64), clusters_M)
    clusters = len(sums_C_K)
    parts = [sums_C_K.sum(axis=0, keepdims=True)]
    rows = max(1, CHUNK // max(1, clusters))
    for start in range(0, resamples if clusters > 1 else 0, rows):
        drawn = rng.integers(clusters, size=(min(rows, resamples - start), clusters))
        parts.append(_times_drawn(drawn) @ sums_C_K)
    return np.concatenate(parts)


def interval_of(values_1R: Floats, *, level: float = 0.95) -> Interval | None:
    """The interval of a figure from its value on all data, first, and on each resample.

    values_1R: [1 + R]; NaN where the figure is undefined. None if it is so on all data;
      undefined resamples are left out.
    level: in (0, 1).
    """
    if not 0 < level < 1:
        raise InputError(f"level must be between 0 and 1, such as 0.95, got {level}")
    estimate, resampled = float(values_1R[0]), values_1R[1:]
    defined = resampled[~np.isnan(resampled)]
    if np.isnan(estimate):
        return None
    if not len(defined):
        return Interval(estimate, None, None)
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return Interval(estimate, float(low), float(high))


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
    clusters_M: as in `resampled_sums`. Large clusters weigh more: it is the mean over values.
    rng: consumed; equal generators give equal intervals.
    level: in (0, 1). resamples: at least 1. Costs O(resamples * C).
    """
    values = finite_numbers(values_M, "values")
    counts_M_2 = np.column_stack((values, np.ones(len(values))))
    sums_1R_2 = resampled_sums(counts_M_2, clusters_M, rng=rng, resamples=resamples)
    return interval_of(quotient(sums_1R_2[:, 0], sums_1R_2[:, 1]), level=level)


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


def quotient(part: Floats, whole: Floats) -> Floats:
    """part / whole, elementwise; NaN where whole is 0: unknown is not zero."""
    unknown = np.full(np.broadcast(part, whole).shape, np.nan)
    ratio: Floats = np.divide(part, whole, out=unknown, where=whole != 0)
    return ratio


def _by_cluster(counts_M_K: Floats, clusters_M: Sequence[Hashable] | None) -> Floats:
    """[C, K] the sums of each cluster, in the order seen."""
    if clusters_M is None:
        return counts_M_K
    same_length(values=len(counts_M_K), clusters=len(clusters_M))
    numbers: dict[Hashable, int] = {}
    places = np.array([numbers.setdefault(c, len(numbers)) for c in clusters_M], dtype=np.intp)
    sums_C_K = np.zeros((len(numbers), counts_M_K.shape[1]))
    np.add.at(sums_C_K, places, counts_M_K)
    return sums_C_K


def _times_drawn(drawn_R_C: Ints) -> Floats:
    """[R, C] how often each resample drew each cluster."""
    rows, clusters = drawn_R_C.shape
    flat = (drawn_R_C + clusters * np.arange(rows)[:, None]).ravel()
    return np.bincount(flat, minlength=rows * clusters).reshape(rows, clusters).astype(np.float64)
