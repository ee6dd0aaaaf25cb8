"""Prefix values by rollout: how often does the policy end correctly from here?

    V(s_1..s_t) = (1/n) sum_k 1[completion k of the prefix s_1..s_t is correct]

over the n <= K readable completions.

Dimension key: P prefixes, K completions of one prefix.
"""

from collections.abc import Callable, Sequence

import numpy as np

from surefoot.core.errors import InputError
from surefoot.core.protocols import Checker, Sampler, Steps
from surefoot.core.types import Kind, Problem, StepLabel, Usage, Verdict
from surefoot.steps.sample import finished_trace


def rollout_labels(
    problem: Problem,
    prefixes_P: Sequence[Steps],
    *,
    sample: Sampler,
    check: Checker,
    rng: np.random.Generator,
    completions: int = 8,
    spend: Callable[[Usage], None] = lambda _: None,
) -> list[StepLabel]:
    """Estimates V after each prefix, [P], from P * K completions asked for at once.

    `functools.partial(rollout_labels, sample=..., check=...)` is an Estimator.
    A label has value None if none of its completions could be read. `spend` is
    told the tokens and calls. Raises InputError for fewer than one completion
    or a problem without a gold answer.
    """
    if completions < 1:
        raise InputError(f"completions must be 1 or more, got {completions}")
    if problem.gold is None:
        raise InputError(f"problem {problem.id!r} has no gold answer; rollouts cannot be checked")
    ends_P_K = sample(problem, prefixes_P, count=completions, rng=rng)
    calls = len(prefixes_P) * completions
    tokens = sum(end.tokens for ends_K in ends_P_K for end in ends_K)
    spend(Usage(policy_tokens=tokens, calls=calls))
    labels = []
    for prefix, ends_K in zip(prefixes_P, ends_P_K, strict=True):
        traces_K = [finished_trace(problem, prefix, end, check) for end in ends_K]
        labels.append(value_of([trace.verdict for trace in traces_K]))
    return labels


def value_of(verdicts_K: Sequence[Verdict | None]) -> StepLabel:
    """Success rate over the readable verdicts, as a label with its counts."""
    readable = [v for v in verdicts_K if v in (Verdict.CORRECT, Verdict.WRONG)]
    correct = sum(v is Verdict.CORRECT for v in readable)
    return StepLabel(Kind.VALUE, correct, len(readable), f"rollout-{len(verdicts_K)}")
