"""How much search a problem deserves, and when to say nothing (Snell et al., arXiv:2408.03314).

    difficulty   1 - mean verifier score of a few plain solutions; these are paid for
    bins         quantiles of the difficulty of problems that were tried before
    theta*(b)    = argmax over strategies of mean accuracy in bin b, less `price` a token

The paper does not charge the 2048 samples that its difficulty takes; here `probe` of them
are part of the search's budget. Fit on some problems and judge on others: `two_fold` does
both, and on the problems it was fitted to the choice is never worse than any one strategy.

Abstention: an answer whose score is below a threshold is withheld. Which threshold keeps
the error among the answers given below a stated risk is `evaluate.accept_threshold`'s.

Dimension key: P problems, B bins.
"""

import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from surefoot.core.budget import Budget, Meter
from surefoot.core.errors import InputError
from surefoot.core.protocols import Checker, Sampler, Scorer
from surefoot.core.types import Problem
from surefoot.search.best_of_n import best_of_n
from surefoot.search.result import Found, Unfinished


class Strategy(Protocol):
    """A search with its settings, such as `partial(beam, beams=4)`."""

    def __call__(
        self,
        problem: Problem,
        *,
        sample: Sampler,
        check: Checker,
        score: Scorer,
        rng: np.random.Generator,
        budget: Budget | None,
    ) -> Found | Unfinished:
        """Searches one problem."""


@dataclass(frozen=True, slots=True)
class Allocation:
    """edges: [B - 1] ascending borders between bins. chosen: [B] a strategy's name each."""

    edges: tuple[float, ...]
    chosen: tuple[str, ...]

    def strategy(self, difficulty: float) -> str:
        """The strategy for a problem; a difficulty on a border belongs to the harder bin."""
        return self.chosen[bisect.bisect_right(self.edges, difficulty)]


def fit_allocation(
    difficulty_P: Sequence[float],
    accuracy: Mapping[str, Sequence[float]],
    *,
    tokens: Mapping[str, float] | None = None,
    price: float = 0.0,
    bins: int = 5,
) -> Allocation:
    """The best strategy of each bin, the first of equals.

    accuracy: strategy -> [P] of the same problems. tokens: of a problem, for `price`.
    Raises InputError for no problem, no strategy, columns that are not of one length, or
    fewer than one bin.
    """
    _check(len(difficulty_P), {name: len(values_P) for name, values_P in accuracy.items()}, bins)
    quantiles = np.quantile(difficulty_P, np.arange(1, bins) / bins)
    edges = tuple(sorted({float(edge) for edge in quantiles}))
    places = np.array([bisect.bisect_right(edges, d) for d in difficulty_P])
    cost = {name: price * (tokens or {}).get(name, 0.0) for name in accuracy}

    def best_where(there: npt.NDArray[np.bool_]) -> str:
        there = there if there.any() else ~there  # an empty bin takes what is best everywhere
        worth = {n: float(np.asarray(v)[there].mean()) - cost[n] for n, v in accuracy.items()}
        return max(worth, key=worth.__getitem__)

    return Allocation(edges, tuple(best_where(places == b) for b in range(len(edges) + 1)))


def _check(problems: int, sizes: Mapping[str, int], bins: int) -> None:
    if bins < 1 or not problems or set(sizes.values()) != {problems}:
        raise InputError(
            f"an allocation needs 1 or more bins, got {bins}, and a figure of each of "
            f"{problems} problems for each strategy, got {dict(sizes)}"
        )


def two_fold(
    difficulty_P: Sequence[float], accuracy: Mapping[str, Sequence[float]], *, bins: int = 5
) -> list[float]:
    """[P] accuracy of the allocation on each problem, fitted on the other half (even, odd).

    Raises InputError for fewer than two problems.
    """
    figures = [0.0] * len(difficulty_P)
    for fold in (0, 1):
        others = range(1 - fold, len(difficulty_P), 2)
        fitted = fit_allocation(
            [difficulty_P[p] for p in others],
            {name: [values_P[p] for p in others] for name, values_P in accuracy.items()},
            bins=bins,
        )
        for p in range(fold, len(difficulty_P), 2):
            figures[p] = accuracy[fitted.strategy(difficulty_P[p])][p]
    return figures


def allocated(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    score: Scorer,
    rng: np.random.Generator,
    strategies: Mapping[str, Strategy],
    allocation: Allocation,
    probe: int = 4,
    budget: Budget | None = None,
) -> Found | Unfinished:
    """What the strategy for this problem's difficulty finds; scores of the probe must be
    probabilities.

    The probe's solutions are candidates too: the better of both chosen ones is returned.
    With a budget, the strategy gets what the probe left.
    """
    meter = Meter(budget or Budget())
    tried = best_of_n(
        problem, sample=sample, check=check, score=score, rng=rng, n=probe, budget=budget
    )
    if isinstance(tried, Unfinished) or not tried.scores:
        return tried
    meter.spend(tried.usage)
    name = allocation.strategy(1 - float(np.mean(tried.scores)))
    found = strategies[name](
        problem, sample=sample, check=check, score=score, rng=rng, budget=meter.rest()
    )
    usage = tried.usage + found.usage
    better = isinstance(found, Found) and max(found.scores, default=0.0) > max(tried.scores)
    return replace(found if better else tried, usage=usage)


def abstaining(found: Found | Unfinished, threshold: float) -> Found | Unfinished:
    """The answer, or Unfinished with it as a partial one if its score is below the threshold.

    An answer that was not scored is withheld too.
    """
    if isinstance(found, Unfinished):
        return found
    top = max(found.scores, default=None)
    if top is not None and top >= threshold:
        return found
    why = f"abstained: the best score, {top}, is below {threshold:.6g}"
    return Unfinished(found.problem, why, found.candidates, found.usage, found.tree)
