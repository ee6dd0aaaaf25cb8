"""Value head of a search that knows only the answer (AlphaMath, arXiv:2405.03553).

    v_t = tanh(z_t)        L = mean over traces of  sum_t (v_t - q_t)^2 / S

q_t in [-1, 1] is a step's value in the tree, +1 or -1 at an end; as a label of kind value it
is y = (1 + q) / 2, and so is the score, (1 + v) / 2. Right and wrong paths are learnt from,
and right ones imitated (the loop's language-model loss). A fresh network has v = 0.

Dimension key: N traces, S steps.
"""

from functools import partial

import torch

from surefoot.core.types import Kind
from surefoot.verifiers.data import whole
from surefoot.verifiers.kinds.prm import labelled_steps
from surefoot.verifiers.losses import known_steps
from surefoot.verifiers.network import Batch, StateNetwork
from surefoot.verifiers.objective import Objective, rows

VALUES = frozenset({Kind.VALUE})


def tanh_mse(z_NS: torch.Tensor, batch: Batch) -> torch.Tensor:
    """The loss at the top, over the steps with a target. Raises ValueError if none has one."""
    known = known_steps(batch.targets_NS)
    errors_NS = torch.tanh(z_NS.float()) - (2 * batch.targets_NS - 1)
    sums_N = torch.where(known, errors_NS.square(), 0.0).sum(1)
    steps_N = known.sum(1)
    return (sums_N / steps_N.clamp(min=1)).sum() / (steps_N > 0).sum()


def as_chance(z_NS: torch.Tensor) -> torch.Tensor:
    """(1 + v) / 2, in [0, 1]."""
    return (1 + torch.tanh(z_NS.float())) / 2


ALPHAMATH = Objective(
    name="alphamath",
    build=lambda base, *_: StateNetwork(base),
    view=whole,
    examples=partial(labelled_steps, allowed=VALUES),
    loss=tanh_mse,
    read=as_chance,
    kind=Kind.VALUE,
    learns_from=VALUES,
    terms=rows,
)
