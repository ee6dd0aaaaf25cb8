"""The first error of a labelled trace: the one fact that all sorts of step labels share.

    tau = min { t : step t is labelled wrong },   S if every step is labelled right

A step after the first error may be right or wrong in itself; sources disagree about what
that even means. Up to the first error they all speak of the same thing.

Dimension key: S steps.
"""

from collections.abc import Sequence

from surefoot.core.errors import KindError
from surefoot.core.types import Kind, StepLabel

STATES = (Kind.CORRECTNESS, Kind.VALUE)


def first_wrong(labels_S: Sequence[StepLabel]) -> int | None:
    """tau in 0..S (S: no step is wrong); None if a step before it has no evidence.

    Raises KindError for labels of other kinds than correctness and value: a step that
    loses ground, say, need not be wrong.
    """
    for t, label in enumerate(labels_S):
        if label.kind not in STATES:
            raise KindError(
                f"a first error needs correctness or value labels, but step {t} has one of kind "
                f"{label.kind.value} by {label.by!r}; label the traces by another method"
            )
        if not label.hard:
            return None if label.hard is None else t
    return len(labels_S)
