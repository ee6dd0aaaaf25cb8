"""Intervals of shares and of paired differences near the ends of their range.

A share (Wilson, 1927) is the set of p that a score test does not reject, and so is a paired
difference (Tango, Statistics in Medicine 17:891, 1998), of d = p10 - p01:

    share        |m - p| <= z sqrt(p (1 - p) / n)
    difference   |b - c - n d| <= z sqrt(n (2 q + d (1 - d)))
                 q = (sqrt(B^2 - 4 A C) - B) / 2A,  A = 2n,  B = (2n - b + c) d - b - c,
                 C = -c d (1 - d): the likeliest p01 where p10 - p01 = d

with b pairs in which only the first is right and c in which only the second is. Both tests take
their variance from the p or d that they judge, not from the data, so an interval has a width
where nothing at all varied.

Values between 0 and 1 (a share of samples, an expectation over subsets) vary less than outcomes
of the same mean. Their b, c and m are sums as before, and [ours]

    z^2 becomes z^2 / f,   f = (variance if all were 0 or 1, times n, + 1) / (their own + 1) >= 1.

Without the 1s this is the effective sample size of Korn and Graubard (Survey Methodology
24:193, 1998). With them, one unseen outcome of full size, a few small values do not pass for
knowledge. f = 1 for outcomes.

Coverage at 95 %, computed exactly (tests/evaluate/test_coverage.py) for n of 20 to 400. It swings
with p, since results come in steps: a share is covered by 92 to 98.2 % with one or more of either
outcome expected, and by 89 to 98.2 % with half of one; a difference by 93 to 98.8 % with four or
more discordant pairs expected, and with fewer by more, up to 100 %.
"""

import math
from statistics import NormalDist

import numpy as np

from surefoot.evaluate.checks import Floats

HALVINGS = 60  # of [-1, 1]: to the last bit


def wilson_ends(values_M: Floats, level: float) -> tuple[float, float]:
    """[low, high] of the mean of values in [0, 1], M of 1 or more, each observed on its own.

    For outcomes 0 and 1 this is `scipy.stats.binomtest(...).proportion_ci(method="wilson")`.
    """
    n, m = len(values_M), float(values_M.mean())
    z2 = _z2(level, n * m * (1 - m), values_M)
    centre = (m + z2 / (2 * n)) / (1 + z2 / n)
    half = math.sqrt(z2 * m * (1 - m) / n + (z2 / (2 * n)) ** 2) / (1 + z2 / n)
    return min(m, max(0.0, centre - half)), max(m, min(1.0, centre + half))


def tango_ends(differences_M: Floats, level: float) -> tuple[float, float]:
    """[low, high] of the mean of paired differences in [-1, 1], M of 1 or more."""
    n = len(differences_M)
    b = float(np.maximum(differences_M, 0.0).sum())
    c = float(np.maximum(-differences_M, 0.0).sum())
    z2 = _z2(level, b + c - (b - c) ** 2 / n, differences_M)
    estimate = (b - c) / n
    return (
        -_furthest(c, b, n, z2, -estimate),  # the lower end is the upper one of the pairs swapped
        _furthest(b, c, n, z2, estimate),
    )


def _z2(level: float, spread_of_outcomes: float, values_M: Floats) -> float:
    """z^2 / f. spread_of_outcomes: n times the variance that outcomes of that mean have."""
    z = NormalDist().inv_cdf((1 + level) / 2)
    own = float(((values_M - values_M.mean()) ** 2).sum())
    return z * z / max(1.0, (spread_of_outcomes + 1) / (own + 1))


def _furthest(b: float, c: float, n: int, z2: float, estimate: float) -> float:
    """The largest d that the test does not reject: its statistic falls as d grows."""
    low, high = estimate, 1.0
    for _ in range(HALVINGS):
        d = (low + high) / 2
        if (b - c - n * d) ** 2 <= z2 * n * _variance(b, c, n, d):
            low = d
        else:
            high = d
    return high


def _variance(b: float, c: float, n: int, d: float) -> float:
    """Of one pair's difference, 2 q + d - d^2, at the likeliest q."""
    linear = (2 * n - b + c) * d - b - c
    constant = -c * d * (1 - d)
    root = math.sqrt(max(0.0, linear**2 - 8 * n * constant))
    q = (root - linear) / (4 * n)
    return max(0.0, 2 * q + d * (1 - d))
