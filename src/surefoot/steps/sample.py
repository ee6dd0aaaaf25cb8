"""N whole solutions of a problem, checked.

Dimension key: N traces.
"""

import numpy as np

from surefoot.core.protocols import Checker, Sampler, Steps
from surefoot.core.types import Completion, Problem, Trace
from surefoot.tasks.answers import final_answer


def sample_traces(
    problem: Problem, *, sample: Sampler, check: Checker, count: int, rng: np.random.Generator
) -> list[Trace]:
    """[N] independent solutions, asked for at once; a failed one is a trace like any other.

    A completion without any step becomes no trace: fewer than `count` may come back.
    """
    [completions_N] = sample(problem, [()], count=count, rng=rng)
    return [
        finished_trace(problem, (), completion, check)
        for completion in completions_N
        if completion.steps
    ]


def finished_trace(
    problem: Problem, prefix: Steps, completion: Completion, check: Checker
) -> Trace:
    """Prefix and completion as one trace, with its answer and verdict."""
    steps = prefix + completion.steps
    trace = Trace(problem, steps, finished=completion.finished)
    answer = final_answer(trace.text)
    trace = Trace(problem, steps, answer, None, completion.finished)
    verdict = check(problem, trace) if problem.gold is not None else None
    return Trace(problem, steps, answer, verdict, completion.finished)
