"""Trust in oneself against a weak teacher's labels (Burns et al., arXiv:2312.09390).

    L = CE( z, (1 - c) y + c h )        h = 1[ s(z) is among the m highest of the batch ]
    m = round( sum y )                  c = weight * min(1, done / warmup)

y are weak labels. h hardens the student's own predictions at the threshold that keeps the
share of positives that the labels have. c rises over the first `warmup` of the training, in
proportion; c = 0 is plain cross-entropy. h has no gradient.

Dimension key: N traces, S steps.
"""

from dataclasses import replace

import torch
import torch.nn.functional as F

from surefoot.core.errors import InputError
from surefoot.verifiers.kinds.prm import PRM
from surefoot.verifiers.losses import known_steps
from surefoot.verifiers.network import Batch
from surefoot.verifiers.objective import Loss

WEIGHT, WARMUP = 0.5, 0.2


def hardened(z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """h: 1 for the m highest z, 0 for the others. Equal z count in the order they come."""
    count = round(float(y.sum()))
    highest = torch.argsort(z.detach(), descending=True, stable=True)[:count]
    return torch.zeros_like(y).index_fill(0, highest, 1.0)


def confidence(weight: float = WEIGHT, warmup: float = WARMUP) -> Loss:
    """The loss at the top. weight in [0, 1]; warmup: a share of the training."""
    if not 0 <= weight <= 1 or not 0 <= warmup <= 1:
        raise InputError(f"weight and warmup must be in [0, 1], got {weight} and {warmup}")

    def loss(z_NS: torch.Tensor, batch: Batch) -> torch.Tensor:
        known = known_steps(batch.targets_NS)
        z, y = z_NS[known].float(), batch.targets_NS[known].float()
        c = weight * min(1.0, batch.done / warmup if warmup else 1.0)
        return F.binary_cross_entropy_with_logits(z, (1 - c) * y + c * hardened(z, y))

    return loss


WEAK_TO_STRONG = replace(PRM, name="weak-to-strong", loss=confidence())
