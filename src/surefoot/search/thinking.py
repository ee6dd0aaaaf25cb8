"""A budget for thinking: a solution is cut short, or asked to go on (s1, arXiv:2501.19393).

    longer than `most` tokens      stop, write `close`, let the policy answer
    ended before `least` tokens    take the end back, write `wait`, let the policy go on

So small reasoners, which think too long about easy problems and too little about hard ones,
cost what one decides. What is written for the policy is a step without token ids: it was not
generated and is not charged.
"""

import numpy as np

from surefoot.core.budget import Budget, Meter
from surefoot.core.errors import InputError
from surefoot.core.protocols import Checker, Sampler, Steps
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
    meter = Meter(budget or Budget())
    prefix: Steps = ()
    until = "step"
    ended = False
    while not ended and not meter.exhausted():
        [[new]] = sample(problem, [prefix], count=1, rng=rng, until=until)  # type: ignore[arg-type]
        spend_completions(meter, [[new]])
        prefix, ended = prefix + new.steps, new.finished
        if until == "end" or not (new.steps or ended):
            break
        tokens = meter.spent.policy_tokens
        if ended and tokens < least and waits and prefix:
            prefix, ended, waits = (*_without_end(prefix), Step(wait)), False, waits - 1
        elif not ended and tokens >= most:
            prefix, until = (*prefix, Step(close)), "end"
    if not ended or not prefix:
        return unfinished(problem, [Trace(problem, prefix, finished=False)] * bool(prefix), meter)
    trace = finished_trace(problem, prefix, Completion((), finished=True), check)
    return Found(problem, trace, (trace,), (), meter.total(), tree_of([trace], ()))


def _without_end(prefix: Steps) -> Steps:
    """The same words, without the ids that say the text is over."""
    return (*prefix[:-1], Step(prefix[-1].text))
