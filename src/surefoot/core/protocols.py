"""The verbs: the four callables a user may replace. A plain function fits each.

Dimension key: P prefixes, K completions of one prefix, N traces, S steps.
"""

from collections.abc import Sequence
from typing import Literal, Protocol

import numpy as np

from surefoot.core.seeds import Rng
from surefoot.core.types import Completion, Problem, Step, StepLabel, StepScores, Trace, Verdict

Steps = tuple[Step, ...]
Until = Literal["step", "end"]


class Sampler(Protocol):
    """A policy: continues prefixes, batch-first."""

    def __call__(
        self,
        problem: Problem,
        prefixes_P: Sequence[Steps],
        *,
        count: int,
        rng: Rng,
        until: Until = "end",
    ) -> list[list[Completion]]:
        """Returns [P][K]: for each prefix, `count` continuations.

        until: "end" for whole solutions, "step" for one more step of each.
        rng: consumed; one seed is drawn from it for each of the P * K requests,
          so equal generators ask for equal completions. With a generator for
          each prefix, its completions do not depend on which others are asked for.
        """


class Checker(Protocol):
    """Is the outcome right?"""

    def __call__(self, problem: Problem, trace: Trace) -> Verdict:
        """Returns how a finished trace came out."""


class Estimator(Protocol):
    """Evidence about prefixes: rollouts, a value model, a judge, a cache."""

    def __call__(
        self, problem: Problem, prefixes_P: Sequence[Steps], *, rng: np.random.Generator
    ) -> list[StepLabel]:
        """Returns [P]: for each prefix, the evidence about its last step."""


class Scorer(Protocol):
    """A verifier: exactly one score a step, or an error that names the step."""

    def __call__(self, traces_N: Sequence[Trace]) -> list[StepScores]:
        """Returns [N], each with as many values as its trace has steps."""
