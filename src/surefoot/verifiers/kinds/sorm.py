"""Stepwise outcome reward model (GLoRe, Havrilla et al., arXiv:2402.10963).

    L = -mean_t [ y_t log s(z_t) + (1 - y_t) log(1 - s(z_t)) ]        y_1 >= y_2 >= ... >= y_S

y_t says whether the right answer can still be reached from step t, so it never rises again.
Labels come from `annotate.sorm`; `annotate.balanced` leaves as many 1s as 0s at each length.
The first score under 1/2 marks the first error.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from surefoot.core.errors import InputError
from surefoot.core.types import Kind, LabelledTrace
from surefoot.verifiers.data import Example, Target, View, hard_target, one_kind, step_examples
from surefoot.verifiers.kinds.prm import PRM

VALUES = frozenset({Kind.VALUE})


def falling_steps(labelled: Sequence[LabelledTrace], view: View, target: Target) -> list[Example]:
    """Every step with its label. Raises InputError for a trace whose targets rise again."""
    one_kind(labelled, VALUES)
    for item in labelled:
        known = [t for t in map(target, item.labels) if t is not None]
        if any(later > sooner for sooner, later in pairwise(known)):
            raise InputError(
                f"targets of a trace of problem {item.trace.problem.id!r} rise again: {known}; "
                "a SORM learns whether the answer can still be reached, which once lost stays "
                "so: label with `annotate.sorm`"
            )
    return step_examples(labelled, view, target)


SORM = replace(
    PRM,
    name="sorm",
    examples=falling_steps,
    target=hard_target,
    kind=Kind.VALUE,
    learns_from=VALUES,
)
