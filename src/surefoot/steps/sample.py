"""N whole solutions of a problem, checked.

Dimension key: N traces.
"""

from collections.abc import Callable

import numpy as np

from surefoot.core.protocols import Checker, Sampler, Steps
from surefoot.core.types import Completion, Problem, Trace
from surefoot.tasks.answers import final_answer

Read = Callable[[str], str | None]


def sample_traces(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    count: int,
    rng: np.random.Generator,
    read: Read = final_answer,
) -> list[Trace]:
    """[N] independent solutions, asked for at once; a failed one is a trace like any other.

    read: finds the answer in a solution's text. A completion without any step
    becomes no trace: fewer than `count` may come back.
    """
    [completions_N] = sample(problem, [()], count=count, rng=rng)
    return [
        finished_trace(problem, (), completion, check, read)
        for completion in completions_N
        if completion.steps
    ]


def finished_trace(
    problem: Problem,
    prefix: Steps,
    completion: Completion,
    check: Checker,
    read: Read = final_answer,
) -> Trace:
    """Prefix and completion as one trace, with its answer and verdict."""
    steps = prefix + completion.steps
    trace = Trace(problem, steps, finished=completion.finished)
    answer = read(trace.text)
    trace = Trace(problem, steps, answer, None, completion.finished)
    verdict = check(problem, trace) if problem.gold is not None else None
    return Trace(problem, steps, answer, verdict, completion.finished)
