"""Do other solutions of the problem reach what this step reaches? (consensus of results)

    label of step t = (others that state t's result anywhere) / (others that state any result)

Solutions that go different ways meet in their intermediate results; an error is rarely met
twice. But a right step on a way that nobody else took meets nothing either: low agreement is
weak evidence. A result that the problem itself names, or that an earlier step has, proves nothing
and gives no evidence; nor does a step without a result.

Dimension key: S steps, N other solutions.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction

from surefoot.annotate.calculator import claims_of
from surefoot.core.types import Kind, LabelledTrace, Problem, StepLabel, Trace
from surefoot.tasks.answers import last_number
from surefoot.tasks.arithmetic import number_of, tokens_of

Result = Callable[[str], Fraction | None]


def stated_result(text: str) -> Fraction | None:
    """What a step arrives at: its last calculation's result, else its last number; or None."""
    claims = claims_of(text)
    if claims:
        return claims[-1].stated
    number = last_number(text)
    return None if number is None else number_of(number)


def consensus(
    trace: Trace, *, others: Sequence[Trace], result: Result = stated_result
) -> LabelledTrace:
    """[S] labels of kind correctness with their counts. Costs nothing but the others' making.

    others: solutions of the same problem. One with exactly this trace's steps is no witness and
      is left out, and so are those without any result. notes: how many "witnesses" remain.
    """
    others_N = [other for other in others if other.text != trace.text]
    results_N = [results for other in others_N if (results := _results(other, result))]
    known = {None, *_named(trace.problem)}
    by = f"consensus-{len(results_N)}"
    labels = []
    for step in trace.steps:
        reached = result(step.text)
        witnesses = [] if reached in known else results_N
        met = sum(reached in results for results in witnesses)
        labels.append(StepLabel(Kind.CORRECTNESS, met, len(witnesses), by))
        known.add(reached)
    return LabelledTrace(trace, tuple(labels), notes={"witnesses": str(len(results_N))})


def _named(problem: Problem) -> set[Fraction | None]:
    """The numbers in a problem's text."""
    return {number_of(t.text) for t in tokens_of(problem.text) if t.sort == "number"}


def _results(trace: Trace, result: Result) -> set[Fraction]:
    """All results that a solution states."""
    return {r for step in trace.steps if (r := result(step.text)) is not None}
