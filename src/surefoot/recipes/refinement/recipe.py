"""What a refinement recipe is: a search at test time, builders of training records, or both."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from surefoot.core.budget import Budget, Meter
from surefoot.core.protocols import Checker, Sampler, Scorer, Steps
from surefoot.core.types import Problem, Step
from surefoot.search import Found, Unfinished
from surefoot.search.refinement import Desk, Rate, by_verifier

Solve = Callable[..., Found | Unfinished]
Build = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class RefineRecipe:
    """A published system in one place.

    paper: its arXiv id, or "ours". about: one line.
    claims: what the paper says it is worth. deviations: where this differs, and why.
    checks: tests/recipes file::test, the known answers that it must give.
    solve: the search, for one problem. builds: the functions that make training records.
    """

    name: str
    paper: str
    about: str
    claims: str
    deviations: str
    checks: tuple[str, ...]
    solve: Solve | None = None
    builds: tuple[Build, ...] = ()


def desk_of(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    rng: np.random.Generator,
    rate: Rate,
    budget: Budget | None,
) -> Desk:
    """A desk with nothing on it."""
    return Desk(problem, sample, check, rng, Meter(budget or Budget()), rate)


def scored_desk(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    score: Scorer,
    rng: np.random.Generator,
    aggregation: str | None,
    budget: Budget | None,
) -> Desk:
    """A desk whose drafts a verifier judges."""
    rate = by_verifier(score, aggregation)
    return desk_of(problem, sample=sample, check=check, rng=rng, rate=rate, budget=budget)


def in_lines(text: str) -> Steps:
    """The lines of a text that are not blank, as steps."""
    return tuple(Step(line) for line in text.splitlines() if line.strip())
