"""A search again and again, until its verifier is sure: easy problems pay for the hard ones.

    run r:  best_r = score of the best solution of a new, independent search
    stop after run r if max(best_1, ..., best_r) >= enough, or after `runs` of them

The best solution of all runs is the answer, so with `enough` out of reach this is one search
of n * runs in `runs` parts. How sure is sure? `evaluate.accept_threshold` gives the score from
which on an answer is wrong no more often than promised; more runs are more chances to reach it
by mistake, so calibrate what is deployed: the repeated search.
"""

import math
from collections.abc import Sequence
from functools import partial
from typing import Protocol

import numpy as np

from surefoot.core.budget import Budget, Meter
from surefoot.core.protocols import Checker, Sampler, Scorer
from surefoot.core.tree import Tree
from surefoot.core.types import Problem
from surefoot.search.particles import particle_filter
from surefoot.search.result import Found, Unfinished
from surefoot.search.search_tree import positive


class Sized(Protocol):
    """A search of n: `particle_filter`, `rebase`, `best_of_n`, `stepwise_best_of_n`."""

    def __call__(
        self,
        problem: Problem,
        *,
        sample: Sampler,
        check: Checker,
        score: Scorer,
        rng: np.random.Generator,
        n: int,
        aggregation: str | None,
        budget: Budget | None,
    ) -> Found | Unfinished:
        """Searches one problem."""


def repeated(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    score: Scorer,
    rng: np.random.Generator,
    search: Sized = particle_filter,
    n: int = 4,
    runs: int = 8,
    enough: float = 0.9,
    aggregation: str | None = None,
    budget: Budget | None = None,
) -> Found | Unfinished:
    """The best solution of up to `runs` searches of n each.

    enough: on the scale of the aggregated scores; the search stops once a solution has it.
    Cost: of one to `runs` searches, one after the other.
    Raises InputError unless n and runs are at least 1.
    """
    positive(n=n, runs=runs)
    meter = Meter(budget or Budget())
    done: list[Found | Unfinished] = []
    once = partial(
        search, problem, sample=sample, check=check, score=score, rng=rng, n=n,
        aggregation=aggregation,
    )  # fmt: skip
    while len(done) < runs and not meter.exhausted() and not _sure(done, enough):
        done.append(once(budget=meter.rest()))
        meter.spend(done[-1].usage)
    return _together(problem, done, meter)


def _sure(done: Sequence[Found | Unfinished], enough: float) -> bool:
    return bool(done) and _best(done[-1]) >= enough


def _best(run: Found | Unfinished) -> float:
    return max(run.scores, default=-math.inf) if isinstance(run, Found) else -math.inf


def _together(
    problem: Problem, done: Sequence[Found | Unfinished], meter: Meter
) -> Found | Unfinished:
    """The runs as one search."""
    tree = Tree()
    for run in done:
        tree.merge(run.tree or Tree())
    found = [run for run in done if isinstance(run, Found)]
    empty = [run for run in done if isinstance(run, Unfinished)]
    if not found:
        why = meter.exhausted() or empty[-1].why
        pieces = tuple(trace for run in empty for trace in run.partial)
        return Unfinished(problem, why, pieces, meter.total(), tree)
    scored = [trace for run in found for trace in run.candidates[: len(run.scores)]]
    unscored = [trace for run in found for trace in run.candidates[len(run.scores) :]]
    scores = tuple(score for run in found for score in run.scores)
    chosen = max(found, key=_best).chosen
    return Found(problem, chosen, (*scored, *unscored), scores, meter.total(), tree)
