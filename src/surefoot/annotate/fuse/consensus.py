"""Consensus filter (The Lessons of Developing PRMs, arXiv:2501.07301).

    keep a trace  iff  all sources name the same first error tau (or none)

Steps before tau are right, tau is wrong, and those after it are not labelled. The paper
kept 40 % of its traces and trained a verifier as good as the judge's on all of them; what
is thrown away is mostly the hard and the ambiguous, so calibration suffers. `fit_channels`
keeps every trace and says how sure it is.

Dimension key: J sources, S steps.
"""

from surefoot.annotate.first_error import first_wrong
from surefoot.annotate.fuse.sources import Row, joint_usage, trace_in
from surefoot.core.types import Kind, LabelledTrace, StepLabel


def consensus(row_J: Row) -> LabelledTrace | None:
    """The trace with [S] labels that all sources share; None where they differ.

    One that does not have the trace, or whose first error is unknown, does not agree.
    The order of the sources does not matter, and the consensus agrees with itself.
    """
    taus = {None if item is None else first_wrong(item.labels) for item in row_J}
    if len(taus) != 1 or None in taus:
        return None
    [tau] = taus
    assert tau is not None
    trace, sources = trace_in(row_J), len(row_J)
    labels = (
        StepLabel(Kind.CORRECTNESS, sources * (t < tau), sources * (t <= tau), "consensus")
        for t in range(len(trace.steps))
    )
    return LabelledTrace(trace, tuple(labels), joint_usage(row_J))
