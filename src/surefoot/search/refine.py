"""Two baselines that improve one solution (as in the o1 comparative study, arXiv:2410.13639).

    stepwise_best_of_n   s_t = argmax { score(s_1..s_{t-1}, s') : s' ~ policy, n of them }
    self_refine          y_0 ~ policy(x);  f_i ~ judge(x, y_i);  y_{i+1} ~ policy(x, y_i, f_i)

The first is a beam of one. The second (Madaan et al., arXiv:2303.17651) has no verifier: it
ends with the solution the judge finds nothing wrong with, else with the last one that was
finished, which need not be the best: without a signal from outside it loses right answers as
well as it repairs wrong ones.
"""

from dataclasses import replace

import numpy as np

from surefoot.annotate.asking import QUOTING, ask, code_word, quoted, verdict_of
from surefoot.core.budget import Budget, Meter
from surefoot.core.errors import InputError
from surefoot.core.protocols import Checker, Sampler, Scorer
from surefoot.core.types import Problem, Trace
from surefoot.search.beam import beam
from surefoot.search.result import Found, Unfinished, spend_completions, tree_of, unfinished
from surefoot.steps.sample import finished_trace


def stepwise_best_of_n(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    score: Scorer,
    rng: np.random.Generator,
    n: int = 4,
    rounds: int = 40,
    aggregation: str | None = None,
    budget: Budget | None = None,
) -> Found | Unfinished:
    """Of n next steps the best, until a solution ends. Cost: rounds * n steps and scores."""
    return beam(
        problem, sample=sample, check=check, score=score, rng=rng, beams=1, width=n,
        rounds=rounds, aggregation=aggregation, budget=budget,
    )  # fmt: skip


def self_refine(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    judge: Sampler,
    rng: np.random.Generator,
    passes: int = 3,
    budget: Budget | None = None,
) -> Found | Unfinished:
    """A solution that was criticised and rewritten at most `passes` times.

    judge: writes feedback; usually the policy's own model.
    Cost: at most 1 + passes completions, and as many replies of the judge.
    Raises InputError for a negative number of passes.
    """
    if passes < 0:
        raise InputError(f"passes must be 0 or more, got {passes}")
    meter, seed = Meter(budget or Budget()), int(rng.integers(2**32))
    drafts: list[Trace] = []
    asked: Problem | None = problem
    while asked is not None and len(drafts) <= passes and not meter.exhausted():
        [[completion]] = sample(asked, [()], count=1, rng=rng)
        spend_completions(meter, [[completion]])
        if not completion.steps:
            break
        drafts.append(finished_trace(problem, (), completion, check))
        asked = None if meter.exhausted() else _criticised(drafts[-1], judge, meter, seed)
    finished = tuple(draft for draft in drafts if draft.finished)
    if not finished:
        return unfinished(problem, drafts, meter)
    return Found(problem, finished[-1], finished, (), meter.total(), tree_of(drafts, ()))


def _criticised(draft: Trace, judge: Sampler, meter: Meter, seed: int) -> Problem | None:
    """What the policy is asked next; None if the judge finds nothing wrong."""
    code = code_word(draft.problem.text, draft.text)
    replies = ask(judge, draft.problem, "refine", feedback_prompt(draft, code), seed=seed)
    meter.spend(replies.usage)
    if verdict_of(replies.texts[0], "Verdict", code, {"RIGHT": True, "WRONG": False}):
        return None
    return replace(draft.problem, text=rewrite_prompt(draft, replies.texts[0]))


def feedback_prompt(draft: Trace, code: str) -> str:
    """What the judge is asked about a draft."""
    return f"""\
Below is a problem and a solution that may be wrong.
{QUOTING}

Problem:
{quoted(draft.problem.text)}

Solution:
{quoted(draft.text)}

Say what is wrong with it and how to mend it. End with a line

Verdict [{code}]: WORD

where WORD is RIGHT or WRONG, and the brackets stay as they are."""


def rewrite_prompt(draft: Trace, feedback: str) -> str:
    """What the policy is asked after feedback."""
    return f"""\
{draft.problem.text}

A first try:
{quoted(draft.text)}

What was said about it:
{quoted(feedback)}

Solve the problem again, and mend what was wrong."""
