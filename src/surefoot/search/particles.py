"""Particle filtering over steps (Puri et al., arXiv:2502.01618) and particle Gibbs.

N prefixes move on together; what a step did to the verifier's opinion is the particle's new
weight, and the particles are resampled by weight when too few of them count:

    x_t^i ~ policy(. | x_{<t}^i),     log w^i += gain(G_t^i, G_{t-1}^i)
    resample if (sum w)^2 / sum w^2 < below * N                        (effective sample size)

for t = 1..R, until all have ended. A solution of T < R steps takes no further step, keeps its
score, G_t = G_T for t > T, and is weighed in each round as the others are. The distribution
that the particles stand for follows from `gain`:

    odds       log G_t / (1 - G_t)     p(x) ~ policy(x) prod_{t=1..R} odds(G_t): each round the
                                       whole score counts again, and that of an end as often as
                                       those of the steps which the others still take. It is the
                                       paper's algorithm 1 and its code; not a posterior, but it
                                       finds right answers faster than one
    gained     log G_t - log G_{t-1}   p(x) ~ policy(x) G_T [ours]: a sum that telescopes, to
                                       which rounds after the end add nothing; with exact
                                       values, the policy's solutions given that they are right

One particle is a plain sample; equal scores are N plain samples. Gibbs repeats this with one
solution held fixed, drawn by weight from the particles of the pass before, which saves its
tokens; and stops, if told when, at a score that is `enough`.

Dimension key: N particles.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from surefoot.core.budget import Budget
from surefoot.core.kinds import TINY
from surefoot.core.protocols import Checker, Sampler, Scorer
from surefoot.core.types import Kind, Problem
from surefoot.search.result import Found, Unfinished
from surefoot.search.search_tree import SearchTree, positive

Floats = npt.NDArray[np.float64]
Gain = Callable[[float, float], float]
Resample = Callable[[Floats, int, np.random.Generator], list[int]]
NEAR = 1e-7  # odds are taken of scores no nearer than this to 0 and 1, as in its_hub


# --- weights ---------------------------------------------------------------


def gained(now: float, before: float) -> float:
    """log G_t - log G_{t-1}; before the first step G is 1, and 0 counts as 2e-308."""
    return math.log(max(now, TINY)) - math.log(max(before, TINY))


def odds(now: float, before: float) -> float:  # noqa: ARG001  (a `Gain`)
    """The log-odds of the score: weights .9 : .1 for scores .9 and .5."""
    near = min(max(now, NEAR), 1 - NEAR)
    return math.log(near / (1 - near))


def normalised(logs_N: Sequence[float]) -> Floats:
    """[N] weights that add up to 1; equal ones if all are 0."""
    logs = np.array(logs_N, dtype=float)
    if not np.isfinite(logs.max()):
        return np.full(len(logs), 1 / len(logs))
    weights = np.exp(logs - logs.max())
    return np.asarray(weights / weights.sum())


def effective_size(weights_N: Floats) -> float:
    """(sum w)^2 / sum w^2, in [1, N]: how many equal particles would be as good."""
    return float(weights_N.sum() ** 2 / (weights_N**2).sum())


# --- resampling: [count] indices whose expected numbers are count * weight ---


def multinomial(weights_N: Floats, count: int, rng: np.random.Generator) -> list[int]:
    """`count` independent draws."""
    return [int(i) for i in _at(weights_N, rng.random(count))]


def systematic(weights_N: Floats, count: int, rng: np.random.Generator) -> list[int]:
    """One draw for all, at equal distances: no number is off its expectation by 1 or more."""
    return [int(i) for i in _at(weights_N, (rng.random() + np.arange(count)) / count)]


def residual(weights_N: Floats, count: int, rng: np.random.Generator) -> list[int]:
    """The whole parts of the expected numbers for sure, the rest by independent draws."""
    expected = weights_N * count
    sure = np.floor(expected + 1e-9).astype(int)
    kept = [i for i, times in enumerate(sure) for _ in range(times)]
    rest = np.maximum(expected - sure, 0)
    if len(kept) >= count or rest.sum() == 0:
        return kept[:count]
    return kept + multinomial(rest / rest.sum(), count - len(kept), rng)


def _at(weights_N: Floats, points: Floats) -> npt.NDArray[np.intp]:
    """The particle whose part of [0, 1) each point lies in."""
    sums = np.cumsum(weights_N)
    found = np.searchsorted(sums / sums[-1], points, side="right")
    return np.minimum(found, int(np.flatnonzero(weights_N)[-1]))


# --- the searches ----------------------------------------------------------


def particle_filter(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    score: Scorer,
    rng: np.random.Generator,
    n: int = 16,
    rounds: int = 40,
    gain: Gain = odds,
    resample: Resample = systematic,
    below: float = 1.0,
    aggregation: str | None = None,
    budget: Budget | None = None,
) -> Found | Unfinished:
    """The best finished solution of n particles.

    below: in [0, 1]; 1 resamples whenever weights differ (as the paper does), 0 never. With
      few particles less than 1 is worse: weights reach the threshold when it is too late.
    Cost: at most rounds * n one-step completions and as many scores, one call of the policy
    and one of the verifier a round.
    Raises InputError unless n and rounds are at least 1, KindError for scores that are not
    probabilities.
    """
    search = _search(problem, sample, check, score, rng, aggregation, budget, (n, rounds))
    cloud = _filtered(search, n, rounds, gain, resample, below, held=())
    return search.result(cloud.nodes)


def particle_gibbs(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    score: Scorer,
    rng: np.random.Generator,
    n: int = 8,
    passes: int = 2,
    enough: float = math.inf,
    rounds: int = 40,
    gain: Gain = odds,
    below: float = 1.0,
    aggregation: str | None = None,
    budget: Budget | None = None,
) -> Found | Unfinished:
    """The best finished solution of `passes` filters of n particles, in each after the first
    one of which is a solution of the pass before, held fixed (conditional multinomial draws).

    The next one to be held is drawn from the n particles that the last resampling left. One of
      them is the held one, so with a chance of 1 / n or more it stays.
    enough: no further pass once a solution has this score (`repeated` tells where from).
    Cost: of at most one particle filter of n and passes - 1 of n - 1. Errors as of the filter.
    """
    search = _search(problem, sample, check, score, rng, aggregation, budget, (n, rounds, passes))
    left: list[int] = []
    held: tuple[int, ...] = ()
    for _ in range(passes):
        if not search.affords(n) or search.best_value() >= enough:
            break
        cloud = _filtered(search, n, rounds, gain, multinomial, below, held)
        left += cloud.nodes
        [drawn] = multinomial(normalised(cloud.logs), 1, rng)
        held = cloud.lines[drawn] if cloud.nodes[drawn] in search.ended else ()
    return search.result(left or [0])


@dataclass(slots=True)
class _Cloud:
    """nodes: where each particle is. logs: log-weight of each; scores: G of each; lines: where
    each was after every round that moved it."""

    nodes: list[int]
    logs: list[float]
    scores: list[float]
    lines: list[tuple[int, ...]]

    def alive(self, i: int) -> bool:
        """Has the particle any weight?"""
        return self.logs[i] > -math.inf

    def moving(self, search: SearchTree) -> list[int]:
        """Those with weight whose solution has not ended."""
        going = set(search.open(self.nodes))
        return [i for i, node in enumerate(self.nodes) if node in going and self.alive(i)]

    def drawn(self, picks: list[int]) -> "_Cloud":
        """The picked particles with equal weights."""
        return _Cloud(
            [self.nodes[i] for i in picks],
            [0.0] * len(picks),
            [self.scores[i] for i in picks],
            [self.lines[i] for i in picks],
        )


def _filtered(
    search: SearchTree,
    n: int,
    rounds: int,
    gain: Gain,
    resample: Resample,
    below: float,
    held: tuple[int, ...],
) -> _Cloud:
    """One pass. held: the line of a solution that is particle 0 whatever is drawn; or ()."""
    cloud = _Cloud([0] * n, [0.0] * n, [1.0] * n, [()] * n)
    for time in range(rounds):
        moving = cloud.moving(search)
        if not moving or not search.affords(len(moving)):
            break
        _move(search, cloud, moving, held[time : time + 1])
        _weigh(search, cloud, gain)
        weights = normalised(cloud.logs)
        if n > 1 and effective_size(weights) < below * n - 1e-9:
            free = resample(weights, n - bool(held), search.rng)
            cloud = cloud.drawn([0] * bool(held) + free)
    return cloud


def _move(search: SearchTree, cloud: _Cloud, moving: list[int], held: tuple[int, ...]) -> None:
    """Every particle that is not finished takes a step; the held one takes its own."""
    free = [i for i in moving if not (held and i == 0)]
    rows = search.grow([cloud.nodes[i] for i in free]) if free else []
    for i, row in zip(free, rows, strict=True):
        if row:
            cloud.nodes[i] = row[0]
        else:  # the policy has nothing to say here
            cloud.logs[i] = -math.inf
    if held and 0 in moving:
        cloud.nodes[0] = held[0]
    for i in moving:
        cloud.lines[i] = (*cloud.lines[i], cloud.nodes[i])


def _weigh(search: SearchTree, cloud: _Cloud, gain: Gain) -> None:
    """All particles, also those that ended: a resampling has made their weight forget how good
    they were, while the others go on to be weighed by every further score."""
    alive = [i for i in range(len(cloud.nodes)) if cloud.alive(i)]
    values = search.values([cloud.nodes[i] for i in alive])
    search.need_kind([Kind.VALUE, Kind.CORRECTNESS], "weighing particles")
    for i, now in zip(alive, values, strict=True):
        if now > -math.inf:  # else the budget ended
            cloud.logs[i] += gain(now, cloud.scores[i])
            cloud.scores[i] = now


def _search(
    problem: Problem,
    sample: Sampler,
    check: Checker,
    score: Scorer,
    rng: np.random.Generator,
    aggregation: str | None,
    budget: Budget | None,
    sizes: tuple[int, ...],
) -> SearchTree:
    positive(**dict(zip(("n", "rounds", "passes"), sizes, strict=False)))
    return SearchTree(
        problem=problem, sample=sample, check=check, score=score, rng=rng,
        aggregation=aggregation, budget=budget,
    )  # fmt: skip
