r"""A reasoning world whose step values are known exactly. Ground truth for every test.

A solution has T steps, each "good" or "bad". After a good step (and at the start)
the next is bad with probability e; after a bad one the policy recovers with
probability r. The answer is right iff the last step is good. With t steps to go,

    V_t(good) = (1-e) V_{t-1}(good) + e V_{t-1}(bad)        V_0(good) = 1
    V_t(bad)  = r V_{t-1}(good) + (1-r) V_{t-1}(bad)        V_0(bad) = 0

which, with m = r / (e + r) and q = 1 - e - r, is in closed form

    V_t(good) = m + (1-m) q^t          V_t(bad) = m - m q^t

An end may be unreadable: with probability u a last step "mumble" follows. Values
are those of readable ends. The first error is the first bad step.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from surefoot.core.errors import InputError
from surefoot.core.protocols import Steps, Until
from surefoot.core.seeds import Rng, each_own
from surefoot.core.types import Completion, Problem, Step, Trace, Verdict

GOOD, BAD, MUMBLE = "good", "bad", "mumble"


@dataclass(frozen=True, slots=True)
class ToyWorld:
    """length: T. slip: e. recover: r. unreadable: u. Probabilities lie in [0, 1]."""

    length: int = 5
    slip: float = 0.2
    recover: float = 0.1
    unreadable: float = 0.0

    def __post_init__(self) -> None:
        if self.length < 1:
            raise InputError(f"a solution needs a step or more, got length {self.length}")
        for name in ("slip", "recover", "unreadable"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name} must lie in [0, 1], got {getattr(self, name)}")

    # --- what is known exactly ---------------------------------------------

    def value(self, prefix: Steps) -> float:
        """P(the end is right | prefix, the end is readable), in [0, 1]."""
        good = _is_good(prefix)
        left = max(0, self.length - len(prefix))
        moved = self.slip + self.recover
        if moved == 0:  # every state is kept for ever
            return float(good)
        limit, decay = self.recover / moved, (1 - moved) ** left
        return limit + (1 - limit) * decay if good else limit - limit * decay

    def pass_at_1(self) -> float:
        """P(a solution from the start is right), an unreadable one being not right."""
        return (1 - self.unreadable) * self.value(())

    def first_error(self, steps: Steps) -> int | None:
        """Index in [0, S) of the first bad step, or None."""
        return next((i for i, step in enumerate(steps) if step.text == BAD), None)

    def probability(self, steps: Steps, prefix: Steps = ()) -> float:
        """P(the policy continues `prefix` with exactly `steps`, mumbling aside), in [0, 1]."""
        chance, done = 1.0, prefix
        for step in steps:
            good = self._chance_good(done)
            chance *= good if step.text == GOOD else 1 - good
            done = (*done, step)
        return chance

    # --- the verbs ---------------------------------------------------------

    def problems(self, count: int) -> list[Problem]:
        """`count` problems; they differ in nothing but their ids."""
        text = f"Take {self.length} good steps."
        return [Problem(f"toy-{i}", text, gold=GOOD, level="toy") for i in range(count)]

    def sample(
        self,
        problem: Problem,  # noqa: ARG002  (all are alike)
        prefixes_P: Sequence[Steps],
        *,
        count: int,
        rng: Rng,
        until: Until = "end",
    ) -> list[list[Completion]]:
        """The `Sampler`: [P][K] continuations; each step has one token, 1 if good, 0 if bad.

        A prefix that is already finished is continued by nothing.
        """
        seeds_P_K = [own.integers(2**63, size=count) for own in each_own(rng, len(prefixes_P))]
        return [
            [self._continue(prefix, until, np.random.default_rng(seed)) for seed in seeds_K]
            for prefix, seeds_K in zip(prefixes_P, seeds_P_K, strict=True)
        ]

    def check(self, problem: Problem, trace: Trace) -> Verdict:  # noqa: ARG002  (all are alike)
        """The `Checker`: UNREADABLE after a mumble or without all T steps, else by its end."""
        if len(trace.steps) < self.length or trace.steps[-1].text == MUMBLE:
            return Verdict.UNREADABLE
        return Verdict.CORRECT if _is_good(trace.steps) else Verdict.WRONG

    def _continue(self, prefix: Steps, until: Until, rng: np.random.Generator) -> Completion:
        steps: list[Step] = []
        while len(prefix) + len(steps) < self.length:
            good = self._chance_good((*prefix, *steps))
            is_good = rng.random() < good
            logprob = float(np.log(good if is_good else 1 - good))
            steps.append(Step(GOOD if is_good else BAD, (int(is_good),), (logprob,)))
            if until == "step":
                break
        finished = len(prefix) + len(steps) >= self.length
        if finished and steps and rng.random() < self.unreadable:
            steps.append(Step(MUMBLE, (2,), (float(np.log(self.unreadable)),)))
        return Completion(tuple(steps), finished)

    def _chance_good(self, prefix: Steps) -> float:
        return 1 - self.slip if _is_good(prefix) else self.recover


def _is_good(prefix: Steps) -> bool:
    return not prefix or prefix[-1].text == GOOD
