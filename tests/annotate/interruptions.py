"""Doubles: rollouts with given counts, and a policy that can be killed and has a journal."""

import numpy as np

from surefoot.core.seeds import each_own
from surefoot.core.types import Completion, Kind, Step, StepLabel, Verdict
from surefoot.steps import Rollouts
from surefoot.tasks.toy import ToyWorld


class Killed(Exception):
    """The process is gone; what the journal holds is not."""


class Journalled:
    """A `Sampler` before a journal: a request is its prefix, its seed and `until`.

    known: the journal, which outlives the policy. made: requests that were computed.
    lives: how many may be computed before the process is killed.
    """

    def __init__(self, world, known=None, lives=10**9):
        self.world, self.known, self.lives, self.made = (
            world,
            {} if known is None else known,
            lives,
            0,
        )

    def __call__(self, problem, prefixes_P, *, count, rng, until="end"):
        owns = each_own(rng, len(prefixes_P))
        return [
            [self._one(problem, prefix, int(own.integers(2**63)), until) for _ in range(count)]
            for prefix, own in zip(prefixes_P, owns, strict=True)
        ]

    def _one(self, problem, prefix, seed, until):
        key = (problem.id, problem.text, tuple(step.text for step in prefix), seed, until)
        if key not in self.known:
            if self.made == self.lives:
                raise Killed
            self.made += 1
            [[self.known[key]]] = self.world.sample(
                problem, [prefix], count=1, rng=np.random.default_rng(seed), until=until
            )
        return self.known[key]


def sound_world(**settings):
    """A world without recovery: MC > 0 iff nothing is wrong yet."""
    return ToyWorld(**{"length": 6, "slip": 0.15, "recover": 0.0, **settings})


def counted_rollouts(problem, counts):
    """Rollouts of which, after t steps, counts[t] = (successes, readable) come out so."""

    def sample(problem, prefixes_P, *, count, rng, until="end"):
        return [[end(*counts[len(prefix)], k) for k in range(count)] for prefix in prefixes_P]

    def end(successes, readable, k):
        text = "?" if k >= readable else "right" if k < successes else "wrong"
        return Completion((Step(text, (0,)),))

    return Rollouts(problem, sample=sample, check=by_last_word)


def by_last_word(problem, trace):
    known = {"right": Verdict.CORRECT, "wrong": Verdict.WRONG}
    return known.get(trace.steps[-1].text, Verdict.UNREADABLE)


def exact_values(world):
    """The `Estimator` that knows the toy world."""

    def value(problem, prefixes_P, *, rng):
        return [StepLabel(Kind.VALUE, 0, 0, "exact", world.value(prefix)) for prefix in prefixes_P]

    return value
