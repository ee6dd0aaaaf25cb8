"""RPC: votes by probability, after pruning (Zhou et al., arXiv:2510.15444).

    p_i = exp( mean log-probability of the tokens of y_i )
    PC     score(a) = sum of p_i over the different solutions y_i with answer a
    prune  y_i goes if P(low | p_i) > P(high | p_i) and p_i < mean p

low and high are the parts of a mixture of two Weibull distributions that is fitted to p by
maximum likelihood, each with a weight in [0.2, 0.8]. A solution that was drawn twice counts
once. Where all p_i are equal and all solutions different it is `majority`.

Dimension key: N solutions, C = 2 parts of the mixture.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from surefoot.core.budget import Budget, Meter
from surefoot.core.errors import InputError
from surefoot.core.protocols import Checker, Sampler
from surefoot.core.types import Problem, Trace
from surefoot.core.votes import Same
from surefoot.search.best_of_n import draw_within
from surefoot.search.result import Found, Unfinished
from surefoot.search.vote import elected

Floats = npt.NDArray[np.float64]
FEWEST = 6  # different probabilities below which a mixture cannot be told from one part
SHAPES = (0.05, 500.0)


def rpc(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    rng: np.random.Generator,
    n: int = 16,
    same: Same[str] | None = None,
    budget: Budget | None = None,
) -> Found | Unfinished:
    """The answer that the policy itself holds most probable among n solutions.

    Found.scores: p of the first of each solution, 0 where it is pruned or drawn again.
    Cost: n completions, no verifier. Raises InputError for solutions without log-probabilities.
    """
    meter = Meter(budget or Budget())
    traces, _ = draw_within(
        problem, sample=sample, check=check, score=None, rng=rng, n=n, meter=meter
    )
    weights = consistency_weights([trace for trace in traces if trace.finished])
    return elected(problem, traces, weights, same=same, meter=meter)


def consistency_weights(traces_N: Sequence[Trace]) -> list[float]:
    """[N] the weight of each solution's vote."""
    p_N = [probability(trace) for trace in traces_N]
    first = {trace.text: i for i, trace in reversed(list(enumerate(traces_N)))}
    unique = sorted(first.values())
    kept = dict(zip(unique, keep([p_N[i] for i in unique]), strict=True))
    return [p if kept.get(i) else 0.0 for i, p in enumerate(p_N)]


def probability(trace: Trace) -> float:
    """exp of the mean log-probability of its tokens, in [0, 1]."""
    logs = [log for step in trace.steps for log in step.logprobs]
    if not logs:
        raise InputError(
            f"a solution of problem {trace.problem.id!r} has no log-probabilities; use a policy "
            "that gives them, or majority"
        )
    return math.exp(math.fsum(logs) / len(logs))


def keep(p_N: Sequence[float]) -> list[bool]:
    """[N] is each not pruned? All are kept where a mixture cannot be told."""
    p = np.array(p_N, dtype=float)
    if len(set(p_N)) < FEWEST or p.min() <= 0:
        return [True] * len(p_N)
    low, high = fit_mixture(p)
    dropped = (low.density(p) > high.density(p)) & (p < p.mean())
    return [not gone for gone in dropped]


@dataclass(frozen=True, slots=True)
class Weibull:
    """A part of a mixture: density weight (k / l) (x / l)^(k-1) exp(-(x / l)^k)."""

    weight: float
    shape: float
    scale: float

    def density(self, x_N: Floats) -> Floats:
        """[N] its share of the mixture's density."""
        z = np.log(x_N / self.scale)
        log = math.log(self.weight * self.shape) - np.log(x_N) + self.shape * z
        return np.asarray(np.exp(log - np.exp(np.minimum(self.shape * z, 700))))

    def mean(self) -> float:
        """l Gamma(1 + 1 / k)."""
        return self.scale * math.gamma(1 + 1 / self.shape)


def fit_mixture(x_N: Floats, *, rounds: int = 200) -> tuple[Weibull, Weibull]:
    """The parts of lower and of higher mean, by expectation and maximisation from halves.

    x_N: positive, not all equal. O(N * rounds).
    """
    upper_N = (x_N > np.median(x_N)).astype(float)
    shares_C_N = np.array([0.98 * (1 - upper_N) + 0.01, 0.98 * upper_N + 0.01])
    parts = [_fit_part(x_N, share_N) for share_N in shares_C_N]
    for _ in range(rounds):
        densities_C_N = np.array([part.density(x_N) for part in parts]) + 1e-300
        shares_C_N = densities_C_N / densities_C_N.sum(axis=0)
        before, parts = parts, [_fit_part(x_N, share_N) for share_N in shares_C_N]
        if all(abs(a.scale - b.scale) < 1e-9 * a.scale for a, b in zip(before, parts, strict=True)):
            break
    low, high = sorted(parts, key=Weibull.mean)
    return low, high


def _fit_part(x_N: Floats, share_N: Floats) -> Weibull:
    """Weighted maximum likelihood: the shape by bisection of a falling function."""
    log_N, total = np.log(x_N), share_N.sum()
    mean_log = float(share_N @ log_N / total)

    def slope(shape: float) -> float:
        powers = share_N * np.exp(shape * (log_N - log_N.max()))
        return float(1 / shape + mean_log - powers @ log_N / powers.sum())

    low, high = SHAPES
    for _ in range(60):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    shape = math.sqrt(low * high)
    power = share_N @ np.exp(shape * (log_N - log_N.max())) / total
    scale = math.exp(log_N.max() + math.log(power) / shape)
    return Weibull(float(np.clip(total / len(x_N), 0.2, 0.8)), shape, scale)
