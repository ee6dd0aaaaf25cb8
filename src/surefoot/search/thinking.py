"""A budget for thinking: a solution is cut short, or asked to go on (s1, arXiv:2501.19393).

    longer than `most` tokens      stop, write `close`, let the policy answer
    ended before `least` tokens    take the end back, write `wait`, let the policy go on

So small reasoners, which think too long about easy problems and too little about hard ones,
cost what one decides. What is written for the policy is a step without token ids: it was not
generated and is not charged.
"""

from dataclasses import dataclass

import numpy as np

from surefoot.core.budget import Budget, Meter
from surefoot.core.errors import InputError
from surefoot.core.protocols import Checker, Sampler, Steps, Until
from surefoot.core.types import Completion, Problem, Step, Trace
from surefoot.search.result import Found, Unfinished, spend_completions, tree_of, unfinished
from surefoot.steps.sample import finished_trace

CLOSE = "That was enough thinking, so I state the answer."
WAIT = "Wait, let me check that again."


def thinking_budget(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    rng: np.random.Generator,
    most: int = 512,
    least: int = 0,
    waits: int = 4,
    close: str = CLOSE,
    wait: str = WAIT,
    budget: Budget | None = None,
) -> Found | Unfinished:
    """One solution with about `least` to `most` tokens before its answer.

    waits: how often at most an end is taken back.
    Cost: a call a step, so `most` is passed by less than one step, and one call to answer.
    Raises InputError unless 0 <= least <= most and waits is 0 or more.
    """
    if not 0 <= least <= most or waits < 0:
        raise InputError(
            f"expected 0 <= least <= most and 0 or more waits, got {least}, {most}, {waits}"
        )
    thought = _Thought(problem, sample, rng, Meter(budget or Budget()))
    thought.think(most)
    while waits and thought.too_short(least):
        thought.take_back(wait)
        thought.think(most)
        waits -= 1
    if thought.too_long(most):
        thought.prefix = (*thought.prefix, Step(close))
        thought.write("end")
    return thought.result(check)


@dataclass(slots=True)
class _Thought:
    """A solution while it is written."""

    problem: Problem
    sample: Sampler
    rng: np.random.Generator
    meter: Meter
    prefix: Steps = ()
    ended: bool = False

    def tokens(self) -> int:
        """What the policy wrote so far."""
        return self.meter.spent.policy_tokens

    def too_short(self, least: int) -> bool:
        """Ended before `least` tokens?"""
        return self.ended and self.tokens() < least

    def too_long(self, most: int) -> bool:
        """At `most` tokens without an end?"""
        return not self.ended and self.tokens() >= most

    def think(self, most: int) -> None:
        """Steps until the end, or `most` tokens, or a policy that has nothing to say."""
        while not self.ended and self.tokens() < most and self.write("step"):
            pass

    def write(self, until: Until) -> bool:
        """A step more, or the rest; False if the budget or the policy gave nothing."""
        if self.meter.exhausted():
            return False
        [[new]] = self.sample(self.problem, [self.prefix], count=1, rng=self.rng, until=until)
        spend_completions(self.meter, [[new]])
        self.prefix, self.ended = self.prefix + new.steps, new.finished
        return bool(new.steps)

    def take_back(self, wait: str) -> None:
        """The same words, without the ids that say the text is over, and some to go on with."""
        last = [Step(step.text) for step in self.prefix[-1:]]
        self.prefix, self.ended = (*self.prefix[:-1], *last, Step(wait)), False

    def result(self, check: Checker) -> Found | Unfinished:
        """The solution as it stands."""
        problem, prefix, meter = self.problem, self.prefix, self.meter
        if not prefix:
            return unfinished(problem, [], meter)
        if not self.ended:
            return unfinished(problem, [Trace(problem, prefix, finished=False)], meter)
        trace = finished_trace(problem, prefix, Completion((), finished=True), check)
        return Found(problem, trace, (trace,), (), meter.total(), tree_of([trace], ()))
