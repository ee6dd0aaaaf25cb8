"""Step labels and outcomes in one head (OPRM of Easy-to-Hard, Sun et al., arXiv:2403.09472).

    L = -mean over targets [ y log s(z) + (1 - y) log(1 - s(z)) ]

A trace with labels of correctness has a target at every step, one with labels of value is
outcome data: its verdict is a target of its last step alone. Both go through the same head,
whose scores are read as correctness. (Outcome data helped its authors beside human step labels,
not beside Math-Shepherd's.)

Dimension key: N traces, S steps.
"""

from collections.abc import Sequence
from dataclasses import replace

from surefoot.core.errors import KindError
from surefoot.core.types import Kind, LabelledTrace
from surefoot.verifiers.data import (
    CHANCES,
    Example,
    Target,
    View,
    kinds_of,
    refuse_kinds,
    step_examples,
    whole_examples,
)
from surefoot.verifiers.kinds.prm import PRM


def steps_and_outcomes(
    labelled: Sequence[LabelledTrace], view: View, target: Target
) -> list[Example]:
    """Targets at every step of labelled traces, at the last step of the others.

    Raises KindError for labels of other kinds, or of two kinds in one trace.
    """
    refuse_kinds(labelled, CHANCES)
    for row, item in enumerate(labelled, start=1):
        kinds = {label.kind for label in item.labels}
        if len(kinds) > 1:
            raise KindError(
                f"the labels of trace {row} (of problem {item.trace.problem.id!r}) must all be of "
                "correctness, or all of value (then its verdict is learnt), got both: give each "
                "trace one kind of labels"
            )
    kinds_of(labelled)
    examples = []
    for item in labelled:
        process = any(label.kind is Kind.CORRECTNESS for label in item.labels)
        if process:
            examples += step_examples([item], view, target)
        else:
            [example] = whole_examples([item], view)
            examples.append(replace(example, imitate=example.targets_S[-1:] == (1.0,)))
    return examples


OPRM = replace(
    PRM,
    name="oprm",
    examples=steps_and_outcomes,
    kind=Kind.CORRECTNESS,
    learns_from=CHANCES,
)
