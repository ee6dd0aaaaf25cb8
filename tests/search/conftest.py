"""The toy world with a verifier that knows its exact values."""

import numpy as np
import pytest

from surefoot.core.types import Completion, Kind, Problem, Step, StepScores, Trace
from surefoot.tasks.toy import ToyWorld


class SpeakingWorld(ToyWorld):
    """A toy world whose solutions end with a line that states an answer, so that they can vote."""

    def sample(self, problem, prefixes_P, **settings):
        rows = ToyWorld.sample(self, problem, prefixes_P, **settings)
        return [[self._spoken(c) for c in row] for row in rows]

    def value(self, prefix):
        return ToyWorld.value(self, without_answer(prefix))

    def check(self, problem, trace):
        return ToyWorld.check(self, problem, Trace(problem, without_answer(trace.steps)))

    def _spoken(self, completion):
        if not completion.finished or completion.steps[-1].text == "mumble":
            return completion
        last = Step(f"The answer is {int(completion.steps[-1].text == 'good')}", (3,), (0.0,))
        return Completion((*completion.steps, last))


def without_answer(steps):
    return tuple(step for step in steps if not step.text.startswith("The answer"))


class ExactScorer:
    """A `Scorer` of the toy world's true values; each prefix costs a token."""

    def __init__(self, world, kind=Kind.VALUE):
        self.world, self.kind, self.calls = world, kind, 0

    def __call__(self, traces_N):
        self.calls += 1
        return [
            StepScores(
                self.kind,
                tuple(self.world.value(t.steps[: s + 1]) for s in range(len(t.steps))),
                "exact",
                tokens=len(t.steps),
            )
            for t in traces_N
        ]


@pytest.fixture(scope="session")
def world():
    return ToyWorld(length=4, slip=0.3, recover=0.2)


@pytest.fixture(scope="session")
def speaking():
    return SpeakingWorld


@pytest.fixture(scope="session")
def exact():
    return ExactScorer


@pytest.fixture(scope="session")
def constant():
    """A scorer to which every step is worth 0.5."""
    return lambda traces_N: [
        StepScores(Kind.VALUE, (0.5,) * len(t.steps), "constant", 1) for t in traces_N
    ]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def scripted_problem():
    return Problem("p", "What is 6 times 7?", gold="42")
