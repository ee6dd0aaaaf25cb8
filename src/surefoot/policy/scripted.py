"""A policy that replays given texts: the test double, for users too.

Dimension key: P prefixes, K completions of one prefix.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from surefoot.core.errors import InputError
from surefoot.core.protocols import Steps, Until
from surefoot.core.seeds import Rng, each_own
from surefoot.core.types import Completion, Problem, Step


@dataclass(frozen=True)
class ScriptedPolicy:
    """A `Sampler` that knows some solutions of each problem.

    solutions: problem id -> solutions, each a list of steps. A prefix is continued
      by a solution that begins with it, drawn evenly; if there is none, by nothing,
      unfinished. One character counts as one token.
    """

    solutions: Mapping[str, Sequence[Sequence[str]]]

    def __call__(
        self,
        problem: Problem,
        prefixes_P: Sequence[Steps],
        *,
        count: int,
        rng: Rng,
        until: Until = "end",
    ) -> list[list[Completion]]:
        """[P][K] completions. Raises InputError for a problem without a script."""
        if problem.id not in self.solutions:
            raise InputError(
                f"problem {problem.id!r} is not in the script; it has {sorted(self.solutions)[:3]}"
            )
        return [
            [self._continue(problem.id, prefix, own, until) for _ in range(count)]
            for prefix, own in zip(prefixes_P, each_own(rng, len(prefixes_P)), strict=True)
        ]

    def _continue(
        self, problem: str, prefix: Steps, rng: np.random.Generator, until: Until
    ) -> Completion:
        said = [step.text for step in prefix]
        fitting = [s for s in self.solutions[problem] if list(s[: len(said)]) == said]
        if not fitting:
            return Completion((), finished=False)
        rest = fitting[int(rng.integers(len(fitting)))][len(said) :]
        new = rest[:1] if until == "step" else rest
        steps = tuple(Step(text, tuple(map(ord, text)), (0.0,) * len(text)) for text in new)
        return Completion(steps, finished=len(new) == len(rest))
