"""What a labelling recipe is, and the parts that it puts together.

    sample N solutions -> label them -> LabelledTraces

Dimension key: N solutions of a problem, P problems.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol, TypeVar

import numpy as np

from surefoot.annotate.mutate import Passes
from surefoot.annotate.oracle import StepChecker
from surefoot.core.errors import InputError
from surefoot.core.protocols import Checker, Estimator, Sampler, Scorer, Steps, Until
from surefoot.core.seeds import Rng, rng_for
from surefoot.core.types import (
    Completion,
    LabelledTrace,
    Problem,
    StepLabel,
    StepScores,
    Trace,
    Usage,
)
from surefoot.steps import Rollouts, sample_traces
from surefoot.trees import Grown, NodeLabel, labelled_traces

A = TypeVar("A")
B = TypeVar("B")
Need = Literal["judge", "verifier", "tests"]


def no_judge(
    problem: Problem, prefixes_P: Sequence[Steps], *, count: int, rng: Rng, until: Until = "end"
) -> list[list[Completion]]:
    """The judge of parts that have none: InputError."""
    del problem, prefixes_P, count, rng, until
    raise InputError("this recipe asks a judge; give its parts one, as judge=")


def no_verifier(traces_N: Sequence[Trace]) -> list[StepScores]:
    """The verifier of parts that have none: InputError."""
    del traces_N
    raise InputError("this recipe asks a verifier; give its parts one, as score=")


@dataclass(frozen=True, slots=True)
class Parts:
    """What a recipe has for one problem; `sampled` makes it.

    traces_N: checked solutions.
    rollouts: further ones, from any prefix.
    check_steps: an exact checker of steps, where the task has one.
    reference: steps of a worked solution, where the data has one.
    tests: name -> does a program's text pass?
    """

    problem: Problem
    traces_N: Sequence[Trace]
    sample: Sampler
    check: Checker
    rollouts: Rollouts
    seed: int = 0
    judge: Sampler = no_judge
    score: Scorer = no_verifier
    check_steps: StepChecker | None = None
    reference: Sequence[str] = ()
    tests: Mapping[str, Passes] = field(default_factory=dict)


Label = Callable[[Parts], list[LabelledTrace]]


class Each(Protocol):
    """[work(item)] of all items, perhaps many at once."""

    def __call__(self, work: Callable[[A], B], items: Sequence[A]) -> list[B]:
        """In the order of the items."""


@dataclass(frozen=True, slots=True)
class LabelRecipe:
    """A published system in one place.

    paper: its arXiv id, or "ours".
    about: one line.
    claims: what the paper says it is worth. deviations: where this differs, and why.
    methods: its names in `surefoot label`. page: where docs/ tells more.
    checks: file::test, the known answers that it must give.
    needs: what else than problems and a policy it asks for.
    label: the system, for one problem.
    learn: what is first learned of all problems, if anything; gives the label to use.
    together: what is done to the labels of all problems in the end, if anything.
    """

    name: str
    paper: str
    about: str
    claims: str
    deviations: str
    page: str
    checks: tuple[str, ...]
    label: Label
    methods: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ()
    learn: Callable[[Sequence[Parts], Each], Label] | None = None
    together: (
        Callable[[Sequence[LabelledTrace], np.random.Generator], list[LabelledTrace]] | None
    ) = None


def sampled(
    problem: Problem, *, sample: Sampler, check: Checker, count: int = 16, seed: int = 0
) -> Parts:
    """Parts with `count` solutions (fewer where one has no step); add a judge by `replace`."""
    rng = rng_for(seed, "sample", problem.id)
    traces = sample_traces(problem, sample=sample, check=check, count=count, rng=rng)
    rollouts = Rollouts(problem, sample=sample, check=check, seed=seed)
    return Parts(problem, traces, sample, check, rollouts, seed)


def valued_by(rollouts: Rollouts, completions: int = 8) -> Estimator:
    """Rollouts in the place of a value model."""

    def value(
        problem: Problem, prefixes_P: Sequence[Steps], *, rng: np.random.Generator
    ) -> list[StepLabel]:
        del problem, rng  # the rollouts are those of this problem, and have seeds of their own
        return rollouts.values(prefixes_P, completions)

    return value


def solutions_of(
    grown: Grown,
    label: NodeLabel,
    beside: Usage = Usage(),  # noqa: B008  (immutable)
) -> list[LabelledTrace]:
    """The tree's solutions, each step labelled; the first carries what all of it cost.

    beside: what was paid that the tree does not count, such as rollouts that valued it.
    """
    solutions = labelled_traces(grown.problem, grown.tree, label)
    cost, notes = grown.usage + beside, {"ended": grown.why}
    return [replace(item, usage=cost, notes=notes) for item in solutions[:1]] + solutions[1:]
