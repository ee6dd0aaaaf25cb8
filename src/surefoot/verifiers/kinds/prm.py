"""Process reward model: is each step right? (Lightman, arXiv:2305.20050; Math-Shepherd)

    L = -mean_t [ y_t log s(z_t) + (1 - y_t) log(1 - s(z_t)) ]        score_t = s(z_t)

s is the logistic function; y_t is a label's share of successes (soft) or whether there is
one (`hard_target`), in [0, 1]: labels of progress are refused (`kinds/pav.py` learns from them).
Its scores are of the kind of its labels. With ratings +1, 0, -1:

    L = -mean_t log softmax(z_t)[ rating_t ]        score_t = P(+1) + P(0)

A fresh network has L = ln 2, or ln 3. Steps rarely fail as often as they succeed;
`balanced` weighs them so that either side has half of the loss:

    L = -mean_t [ w_1 y_t log s(z_t) + w_0 (1 - y_t) log(1 - s(z_t)) ]    w_c = n / (2 n_c)

Dimension key: N traces, S steps.
"""

from collections.abc import Sequence
from functools import partial

import torch
import torch.nn.functional as F

from surefoot.core.errors import InputError
from surefoot.core.types import Kind, LabelledTrace, StepLabel
from surefoot.formats.nouns import NEUTRAL
from surefoot.verifiers.data import (
    CHANCES,
    Example,
    Target,
    View,
    hard_target,
    one_kind,
    step_examples,
    whole,
)
from surefoot.verifiers.losses import known_steps, step_loss
from surefoot.verifiers.network import Batch, VerifierNetwork
from surefoot.verifiers.objective import Loss, Objective


def labelled_steps(
    labelled: Sequence[LabelledTrace],
    view: View,
    target: Target,
    *,
    allowed: frozenset[Kind] = CHANCES,
) -> list[Example]:
    """Every step with its own label, all labels of one kind."""
    one_kind(labelled, allowed)
    return step_examples(labelled, view, target)


def cross_entropy(z_NS: torch.Tensor, batch: Batch) -> torch.Tensor:
    """The loss at the top."""
    return step_loss(z_NS, batch.targets_NS)


def probability(z_NS: torch.Tensor) -> torch.Tensor:
    """s(z), in [0, 1]."""
    return z_NS.float().sigmoid()


PRM = Objective(
    name="prm",
    build=lambda base, *_: VerifierNetwork(base),
    view=whole,
    examples=labelled_steps,
    loss=cross_entropy,
    read=probability,
    kind=None,
)


# --- +1, 0, -1 -------------------------------------------------------------


def rating_target(label: StepLabel) -> float | None:
    """0 wrong, 1 neutral (a label whose maker says so), 2 right; None without evidence."""
    if label.by.endswith(NEUTRAL):
        return 1.0
    right = hard_target(label)
    return None if right is None else 2 * right


def rating_loss(z_NS3: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Cross-entropy of the three ratings."""
    known = known_steps(batch.targets_NS, highest=2.0)
    return F.cross_entropy(z_NS3[known].float(), batch.targets_NS[known].long())


def not_wrong(z_NS3: torch.Tensor) -> torch.Tensor:
    """P(+1) + P(0): neutral counts as right, as PRM800K's authors score it."""
    return z_NS3.float().softmax(-1)[..., 1:].sum(-1)


PRM_THREE_WAY = Objective(
    name="prm-three-way",
    build=lambda base, *_: VerifierNetwork(base, outputs=3),
    view=whole,
    examples=partial(labelled_steps, allowed=frozenset({Kind.CORRECTNESS})),
    target=rating_target,
    loss=rating_loss,
    read=not_wrong,
    kind=Kind.CORRECTNESS,
    learns_from=frozenset({Kind.CORRECTNESS}),
    highest=2.0,
)


# --- class balance ---------------------------------------------------------


def balanced(examples: Sequence[Example]) -> Loss:
    """The cross-entropy whose weights w_0, w_1 these examples decide.

    Raises InputError if all their targets are of one class.
    """
    targets = [t for example in examples for t in example.targets_S if t is not None]
    right = sum(targets)
    if not 0 < right < len(targets):
        raise InputError(
            f"all {len(targets)} targets are of one class, so there is nothing to balance; "
            "label more traces, or train without balance"
        )
    w_1, w_0 = len(targets) / (2 * right), len(targets) / (2 * (len(targets) - right))

    def loss(z_NS: torch.Tensor, batch: Batch) -> torch.Tensor:
        known = known_steps(batch.targets_NS)
        z, y = z_NS[known].float(), batch.targets_NS[known].float()
        return -(w_1 * y * F.logsigmoid(z) + w_0 * (1 - y) * F.logsigmoid(-z)).mean()

    return loss
