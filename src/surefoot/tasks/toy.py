r"""A reasoning world whose step values are known exactly. Ground truth for every test.

A solution has T steps, each "good" or "bad". After a good step (and at the start)
the next is bad with probability e; after a bad one the policy recovers with
probability r. The answer is right iff the last step is good. With t steps to go,

    V_t(good) = (1-e) V_{t-1}(good) + e V_{t-1}(bad)        V_0(good) = 1
    V_t(bad)  = r V_{t-1}(good) + (1-r) V_{t-1}(bad)        V_0(bad) = 0

which, with m = r / (e + r) and q = 1 - e - r, is in closed form

    V_t(good) = m + (1-m) q^t          V_t(bad) = m - m q^t

Solutions may differ in length: with probability h a step "stop" comes in place of
any step but the first, and ends the solution; the answer is right iff the step
before is good. What is long then has to be weighed against what is short, and

    V_t(s) = h [s = good] + (1-h) (the right-hand side above)           for t < T

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

GOOD, BAD, STOP, MUMBLE = "good", "bad", "stop", "mumble"


@dataclass(frozen=True, slots=True)
class ToyWorld:
    """length: T. slip: e. recover: r. unreadable: u. stop: h. Probabilities lie in [0, 1]."""

    length: int = 5
    slip: float = 0.2
    recover: float = 0.1
    unreadable: float = 0.0
    stop: float = 0.0

    def __post_init__(self) -> None:
        if self.length < 1:
            raise InputError(f"a solution needs a step or more, got length {self.length}")
        for name in ("slip", "recover", "unreadable", "stop"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name} must lie in [0, 1], got {getattr(self, name)}")

    # --- what is known exactly ---------------------------------------------

    def value(self, prefix: Steps) -> float:
        """P(the end is right | prefix, the end is readable), in [0, 1]. O(T) if some stop early."""
        if self._ended(prefix):
            return float(_is_good(prefix[:-1] if prefix[-1].text == STOP else prefix))
        good, left = _is_good(prefix), self.length - len(prefix)
        if self.stop:
            return self._value_with_stops(good, left, at_start=not prefix)
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
            stop = self.stop if done else 0.0
            chances = {GOOD: (1 - stop) * good, BAD: (1 - stop) * (1 - good), STOP: stop}
            chance *= chances[step.text]
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
        """The `Sampler`: [P][K] continuations; each step has one token, 1 if good, 0 if bad,
        2 for a mumble, 3 for a stop.

        A prefix that is already finished is continued by nothing.
        """
        seeds_P_K = [own.integers(2**63, size=count) for own in each_own(rng, len(prefixes_P))]
        return [
            [self._continue(prefix, until, np.random.default_rng(seed)) for seed in seeds_K]
            for prefix, seeds_K in zip(prefixes_P, seeds_P_K, strict=True)
        ]

    def check(self, problem: Problem, trace: Trace) -> Verdict:  # noqa: ARG002  (all are alike)
        """The `Checker`: UNREADABLE after a mumble or without a stop or all T steps, else by its
        end."""
        steps = trace.steps
        if not self._ended(steps) or steps[-1].text == MUMBLE:
            return Verdict.UNREADABLE
        return Verdict.CORRECT if self.value(steps) == 1 else Verdict.WRONG

    def _continue(self, prefix: Steps, until: Until, rng: np.random.Generator) -> Completion:
        done = prefix
        while not (finished := self._ended(done)) and (until == "end" or done == prefix):
            done = (*done, self._next(done, rng))
        if finished and done != prefix and rng.random() < self.unreadable:
            done = (*done, Step(MUMBLE, (2,), (float(np.log(self.unreadable)),)))
        return Completion(done[len(prefix) :], finished)

    def _next(self, done: Steps, rng: np.random.Generator) -> Step:
        stop = self.stop if done else 0.0
        if stop and rng.random() < stop:
            return Step(STOP, (3,), (float(np.log(stop)),))
        good = self._chance_good(done)
        is_good = rng.random() < good
        logprob = float(np.log((good if is_good else 1 - good) * (1 - stop)))
        return Step(GOOD if is_good else BAD, (int(is_good),), (logprob,))

    def _ended(self, steps: Steps) -> bool:
        return len(steps) >= self.length or any(s.text == STOP for s in steps[-2:])

    def _value_with_stops(self, good: bool, left: int, *, at_start: bool) -> float:
        """V_left, from the V_0 of both states upwards; the first step is no stop."""
        of_good, of_bad = 1.0, 0.0
        for t in range(1, left + 1):
            h = 0.0 if at_start and t == left else self.stop
            of_good, of_bad = (
                h + (1 - h) * ((1 - self.slip) * of_good + self.slip * of_bad),
                (1 - h) * (self.recover * of_good + (1 - self.recover) * of_bad),
            )
        return of_good if good else of_bad

    def _chance_good(self, prefix: Steps) -> float:
        return 1 - self.slip if _is_good(prefix) else self.recover


def _is_good(prefix: Steps) -> bool:
    return not prefix or prefix[-1].text == GOOD
