"""First errors fused as places on a line (Universalizing Weak Supervision, arXiv:2112.03865).

    P(lambda_j | tau) ∝ exp(-theta_j d(lambda_j, tau)^2),   d = |lambda_j - tau|, none at S
    E d(a, tau)^2 = (D_ab + D_ac - D_bc) / 2,   D_ab = E d(lambda_a, lambda_b)^2      (triplets)
    tau* = argmin_z sum_j theta_j d(lambda_j, z)^2

Errors that are independent and even to both sides cancel out of the triplets, so nothing
but the sources' distances from one another is needed to know how far each strays. theta_j
is the one whose spread on the whole numbers, sum k^2 exp(-theta k^2) / sum exp(-theta k^2),
is that E d^2. Near the ends of a trace votes cannot stray to both sides: there the figures
are somewhat too sure.

A vote one step off counts almost as a hit here, while `channels` takes it for any other
miss: use this where sources differ in where a step's error shows.

Dimension key: N traces, J sources, S steps of a trace.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from surefoot.annotate.fuse.sources import Floats, Ints, Vote, needs_three, normalised, vote_array
from surefoot.core.errors import InputError


@dataclass(frozen=True, slots=True)
class MetricFused:
    """thetas_J: [J] precision of each source, above 0.

    taus_N: [N] tau*; None where nobody votes. posteriors_N: [N][S + 1] ∝ exp(-sum theta d^2),
    uniform where nobody votes; its highest is tau*.
    """

    thetas_J: Floats
    taus_N: tuple[Vote, ...]
    posteriors_N: tuple[Floats, ...]


def metric_fusion(votes_N_J: Sequence[Sequence[Vote]], steps_N: Sequence[int]) -> MetricFused:
    """Learns every theta_j and fuses.

    votes_N_J: [N][J] first errors in 0..S, or None. steps_N: [N] S of each trace.
    Three sources or more that meet, two by two, on some trace; InputError otherwise.
    Costs O(N J^2 + J^3 + N J S).
    """
    votes = vote_array(votes_N_J, list(steps_N))
    needs_three(votes, "the distances of two do not say who strays")
    thetas = np.array([_precision(v) for v in _mean_squares(votes)])
    posteriors = [_posterior(row, thetas, s) for row, s in zip(votes, steps_N, strict=True)]
    taus = tuple(
        int(np.argmax(p)) if (row >= 0).any() else None
        for row, p in zip(votes, posteriors, strict=True)
    )
    return MetricFused(thetas, taus, tuple(posteriors))


def _mean_squares(votes_N_J: Ints) -> list[float]:
    """[J] E d(lambda_j, tau)^2: the mean over the pairs of others.

    At least 1 / (N + 1): who never strayed in N traces may in the next.
    """
    sources = range(votes_N_J.shape[1])
    D = {pair: _mean_square(votes_N_J, *pair) for pair in combinations(sources, 2)}
    D |= {(b, a): d for (a, b), d in D.items()}
    return [
        max(
            float(np.mean([(D[j, a] + D[j, b] - D[a, b]) / 2 for a, b in _others(sources, j)])),
            1 / (len(votes_N_J) + 1),
        )
        for j in sources
    ]


def _others(sources: Sequence[int], j: int) -> list[tuple[int, int]]:
    return list(combinations([i for i in sources if i != j], 2))


def _mean_square(votes_N_J: Ints, a: int, b: int) -> float:
    both = (votes_N_J[:, a] >= 0) & (votes_N_J[:, b] >= 0)
    if not both.any():
        raise InputError(
            f"sources {a} and {b} vote on no trace in common, so their distance is unknown; "
            "leave one of them out"
        )
    return float(np.mean((votes_N_J[both, a] - votes_N_J[both, b]) ** 2))


def _precision(mean_square: float) -> float:
    """theta with spread `mean_square` on the whole numbers; the spread falls with theta."""
    low, high = -20.0, 5.0  # of log theta
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _spread(np.exp(middle)) > mean_square else (low, middle)
    return float(np.exp((low + high) / 2))


def _spread(theta: float) -> float:
    """sum k^2 exp(-theta k^2) / sum exp(-theta k^2) over all whole k."""
    if theta < 0.1:  # 1 / (2 theta) is then right to 1e-38
        return 1 / (2 * theta)
    k2 = np.arange(1, 40) ** 2
    weights = np.exp(-theta * k2)
    return float(2 * (k2 * weights).sum() / (1 + 2 * weights.sum()))


def _posterior(votes_J: Ints, thetas_J: Floats, steps: int) -> Floats:
    spoke = votes_J >= 0
    d2_Z_J = (np.arange(steps + 1)[:, None] - votes_J[spoke]) ** 2
    posterior: Floats = normalised(-(d2_Z_J @ thetas_J[spoke])[None, :])[0]
    return posterior
