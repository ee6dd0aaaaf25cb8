"""Outcome labels: a step is labelled with how its trace came out (Cobbe, arXiv:2110.14168).

    label of every step t = 1[the trace ends correctly]

They cost nothing beyond the checked trace. Trained on them, a verifier's best
fit at a prefix is E[outcome | prefix], the prefix's value (OVM, arXiv:2311.09724).

Dimension key: S steps.
"""

from collections.abc import Sequence

from surefoot.core.types import Kind, LabelledTrace, StepLabel, Trace, Verdict


def outcome(trace: Trace) -> LabelledTrace:
    """[S] labels of kind value; without evidence (tries 0) if the verdict is not known."""
    known = trace.verdict in (Verdict.CORRECT, Verdict.WRONG)
    label = StepLabel(Kind.VALUE, int(trace.verdict is Verdict.CORRECT), int(known), "outcome")
    return LabelledTrace(trace, (label,) * len(trace.steps))


def outcomes(traces: Sequence[Trace]) -> list[LabelledTrace]:
    """`outcome` of each trace."""
    return [outcome(trace) for trace in traces]
