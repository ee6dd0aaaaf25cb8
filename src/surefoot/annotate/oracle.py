"""Labels from an exact checker of steps: the truth that other labels are measured by.

Dimension key: S steps.
"""

from collections.abc import Callable

from surefoot.core.types import Kind, LabelledTrace, Problem, StepLabel, Trace

StepChecker = Callable[[Problem, Trace], list[str | None]]


def oracle(trace: Trace, *, check_steps: StepChecker) -> LabelledTrace:
    """[S] labels of kind correctness with one sure try each.

    check_steps: says what is wrong with each step, None where nothing is.
    """
    flaws_S = check_steps(trace.problem, trace)
    labels = (StepLabel(Kind.CORRECTNESS, int(f is None), 1, "oracle") for f in flaws_S)
    return LabelledTrace(trace, tuple(labels))
