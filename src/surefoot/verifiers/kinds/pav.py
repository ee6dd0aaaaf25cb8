"""Process advantage verifier: what a step changes (PAV, Setlur et al., arXiv:2410.08146).

    Q_t = s(z_t)        L = cross-entropy of Q_0 ... Q_S with the share of correct rollouts
    score_t = A_t = Q_t - Q_(t-1)        sum_t A_t = Q_S - Q_0

Q_t is the prover's chance from s_1..s_t, Q_0 that from the problem alone, which is read at
the token before the first step. From one model of Q comes the advantage of the best of K
of the prover, without further training: A_t = B(Q_t) - B(Q_(t-1)), B(Q) = 1 - (1 - Q)^K.

Dimension key: N traces, S steps.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from surefoot.core.errors import InputError
from surefoot.core.protocols import Steps
from surefoot.core.types import Kind, LabelledTrace, Problem, StepLabel
from surefoot.steps.encode import Encoded, Encoder
from surefoot.verifiers.data import Example, Target, View, one_kind, placed, whole
from surefoot.verifiers.kinds.prm import PRM, probability
from surefoot.verifiers.objective import Objective

COUNTS = frozenset({Kind.VALUE, Kind.PROGRESS})
ROOT = re.compile(
    r"([0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?) of ([0-9]+)"
)  # how annotate.progress notes the problem's counts


def from_problem(encoder: Encoder) -> View:
    """A trace as one sequence, judged before the first step and after each."""
    view = whole(encoder)

    def rooted(problem: Problem, steps: Steps) -> list[Encoded]:
        return [
            Encoded(e.ids, e.start - 1, (e.start - 1, *e.ends_S), e.dropped)
            for e in view(problem, steps)
        ]

    return rooted


def prefix_value(label: StepLabel) -> float | None:
    """Q_t from the rollouts of the prefix; labels of progress keep their counts too."""
    if label.kind is Kind.PROGRESS:
        return label.successes / label.tries if label.tries else None
    return label.value


def root_value(item: LabelledTrace) -> float | None:
    """Q_0 from the note that `annotate.progress` leaves; None without it, or without a rollout.

    Raises InputError for a note that is no share of rollouts.
    """
    note = item.notes.get("root")
    if note is None:
        return None
    found = ROOT.fullmatch(note)
    if not found or float(found[1]) > int(found[2]):
        raise InputError(
            f"the note 'root' of a trace of problem {item.trace.problem.id!r} is {note!r}; "
            "expected the problem's own rollouts, such as '3 of 8': mend it, or drop it"
        )
    return float(found[1]) / int(found[2]) if int(found[2]) else None


def prefix_values(labelled: Sequence[LabelledTrace], view: View, target: Target) -> list[Example]:
    """Q_0 ... Q_S of each trace."""
    one_kind(labelled, COUNTS)
    return [
        example
        for item in labelled
        for example in placed(item.trace, view, [root_value(item), *map(target, item.labels)])
    ]


def advantages(best_of: int = 1) -> Callable[[torch.Tensor], torch.Tensor]:
    """Reads A_1 ... A_S, [N, S], from z_0 ... z_S, for the best of K of the prover."""

    def read(z_NS: torch.Tensor) -> torch.Tensor:
        values_NS = 1 - (1 - probability(z_NS)) ** best_of
        return values_NS.diff(dim=1)

    return read


PAV: Objective = replace(
    PRM,
    name="pav",
    view=from_problem,
    examples=prefix_values,
    target=prefix_value,
    read=advantages(),
    kind=Kind.PROGRESS,
    learns_from=COUNTS,
)
