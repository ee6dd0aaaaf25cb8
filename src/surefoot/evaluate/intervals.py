"""How sure we are of a figure or a difference.

A share (a mean of values in [0, 1], one a problem) and a paired difference of two have score
intervals, Wilson's and Tango's (`score_intervals`): they hold near 0 and 1, and where few pairs
differ. Every other figure has a percentile bootstrap (Efron, 1979):

    theta* = f(sum_{c in C*} counts of c),   C* = C clusters drawn with replacement;
    [low, high] = quantiles (1 -+ level) / 2 of theta* over the resamples.

A mean is f(sum of values, number of values) = a / b; an F1 or a correlation is another
f of a few sums, so one set of resampled sums serves every figure of a table at once.
Resamples repeat what was seen: where almost nothing varied, or problems are few, they vary too
little, and the interval says so in its note.

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
from surefoot.evaluate.score_intervals import tango_ends, wilson_ends

CHUNK = 4_000_000  # draws held at once: 32 MB
FEW = 30  # clusters from which a percentile bootstrap of a mean covers about what it says
# A share of equal resamples above it means fewer than about seven events decide the figure (a
# Poisson count of mean 7 has .149 at its mode): there a 95 % bootstrap may cover 20 to 92 %.
COARSE = 0.15
NO_SPREAD = "all resamples are equal, which is not certainty"
RARE = "few problems decide it: the interval is likely too short"


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and the interval around it.

    estimate: the figure, or the difference of figures, on all values.
    low, high: ends of the interval; None where fewer than two clusters leave the
      spread unknown (it is not zero).
    method: "wilson", "tango" or "bootstrap"; "" without ends.
    note: why not to trust the ends; "" if there is no reason.
    """

    estimate: float
    low: float | None
    high: float | None
    method: str = ""
    note: str = ""


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


def interval_of(
    values_1R: Floats, *, level: float = 0.95, clusters: int | None = None
) -> Interval | None:
    """The bootstrap interval of a figure from its value on all data, first, and on each resample.

    values_1R: [1 + R]; NaN where the figure is undefined. None if it is so on all data;
      undefined resamples are left out.
    level: in (0, 1). clusters: how many there are, for the note; None if unknown.
    """
    _check_level(level)
    estimate, resampled = float(values_1R[0]), values_1R[1:]
    defined = resampled[~np.isnan(resampled)]
    if np.isnan(estimate):
        return None
    if not len(defined):
        return Interval(estimate, None, None)
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return Interval(estimate, float(low), float(high), "bootstrap", _doubt(defined, clusters))


def _doubt(resampled_R: Floats, clusters: int | None) -> str:
    """Why a bootstrap interval is too short; "" if nothing shows that it is."""
    _, counts = np.unique(resampled_R.round(12), return_counts=True)
    if len(counts) == 1:
        return NO_SPREAD
    if clusters is not None and clusters < FEW:
        return f"only {clusters} problems: the interval is likely too short"
    return RARE if counts.max() > COARSE * len(resampled_R) else ""


def mean_interval(
    values_M: Sequence[float],
    clusters_M: Sequence[Hashable] | None = None,
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    resamples: int = 2000,
) -> Interval | None:
    """The mean of `values_M` with its interval; None without any value.

    Wilson's where all values lie in [0, 1] and no two are of one cluster, else the bootstrap
    over clusters. Differences belong into `paired_interval`: none below 0 would make them shares.

    values_M: [M] finite numbers; booleans count as 0 and 1.
    clusters_M: as in `resampled_sums`. Large clusters weigh more: it is the mean over values.
    rng: consumed by a bootstrap; equal generators give equal intervals.
    level: in (0, 1). resamples: at least 1. Costs O(M), or O(resamples * C).
    """
    values = finite_numbers(values_M, "values")
    if len(values) and _within_0_1(values) and _alone(len(values), clusters_M):
        _check_level(level)
        return Interval(float(values.mean()), *wilson_ends(values, level), "wilson")
    return _bootstrapped_mean(values, clusters_M, rng, level, resamples)


def paired_interval(
    a_M: Sequence[float],
    b_M: Sequence[float],
    clusters_M: Sequence[Hashable] | None = None,
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    resamples: int = 2000,
) -> Interval | None:
    """The mean of a - b with its interval; None without any pair.

    Tango's where all of a and b lie in [0, 1] and no two pairs are of one cluster, else the
    bootstrap over clusters.

    a_M, b_M: [M] results of two systems on the same things in the same order. Above
      0 means a is larger. The rest is as in `mean_interval`.
    """
    a, b = finite_numbers(a_M, "a"), finite_numbers(b_M, "b")
    same_length(a=len(a), b=len(b))
    shares = _within_0_1(a) and _within_0_1(b)
    if len(a) and shares and _alone(len(a), clusters_M):
        _check_level(level)
        return Interval(float((a - b).mean()), *tango_ends(a - b, level), "tango")
    return _bootstrapped_mean(a - b, clusters_M, rng, level, resamples)


def _bootstrapped_mean(
    values_M: Floats,
    clusters_M: Sequence[Hashable] | None,
    rng: np.random.Generator,
    level: float,
    resamples: int,
) -> Interval | None:
    counts_M_2 = np.column_stack((values_M, np.ones(len(values_M))))
    sums_1R_2 = resampled_sums(counts_M_2, clusters_M, rng=rng, resamples=resamples)
    clusters = len(values_M) if clusters_M is None else len(set(clusters_M))
    means_1R = quotient(sums_1R_2[:, 0], sums_1R_2[:, 1])
    return interval_of(means_1R, level=level, clusters=clusters)


def _within_0_1(values_M: Floats) -> bool:
    return bool(((values_M >= 0) & (values_M <= 1)).all())


def _alone(values: int, clusters_M: Sequence[Hashable] | None) -> bool:
    """Is each value a cluster of its own?"""
    if clusters_M is None:
        return True
    same_length(values=values, clusters=len(clusters_M))
    return len(set(clusters_M)) == values


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise InputError(f"level must be between 0 and 1, such as 0.95, got {level}")


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
