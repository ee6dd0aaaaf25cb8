"""Labels from a rule that may not know: the oracle's younger sister.

    label of step t = rule(t) in {right, wrong},   unknown where the rule says nothing

An exact checker of steps (`check_steps` of trails, game24, prontoqa) calls everything wrong that it
cannot read, and `oracle` takes it at its word. `readable` keeps only what it could read, for
solutions that also hold other prose.

Dimension key: S steps.
"""

from collections.abc import Callable, Collection

from surefoot.annotate.oracle import StepChecker
from surefoot.core.types import Kind, LabelledTrace, Problem, StepLabel, Trace

Rule = Callable[[Problem, Trace], list[bool | None]]


def by_rule(trace: Trace, *, rule: Rule) -> LabelledTrace:
    """[S] labels of kind correctness, one sure try each; no evidence where `rule` is silent."""
    labels = (
        StepLabel(Kind.CORRECTNESS, int(bool(right)), int(right is not None), "rule")
        for right in rule(trace.problem, trace)
    )
    return LabelledTrace(trace, tuple(labels))


def readable(check_steps: StepChecker, unreadable: Collection[str]) -> Rule:
    """A checker's rule that is silent where its flaw is one of `unreadable`, e.g. {Flaw.FORM}."""

    def rule(problem: Problem, trace: Trace) -> list[bool | None]:
        flaws_S = check_steps(problem, trace)
        return [None if flaw in unreadable else flaw is None for flaw in flaws_S]

    return rule
