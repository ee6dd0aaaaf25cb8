"""The value of every token, by TD(lambda) (VAS, Han et al., arXiv:2405.06639).

    G_P = R,   G_i = (1 - lambda) V_{i+1} + lambda G_{i+1},   V_P := R        lambda = 0.95
    L = mean over the solution's tokens i of (V_i - G_i)^2                    V_i = 1/2 + z_i

The samples are of the frozen policy, R is 1 if they end correctly and else 0, and G holds no
gradient. lambda = 1 is Monte Carlo, G = R: an ORM. A smaller lambda lets a token learn from what
is believed of the next one, which is less noisy and, early in training, wrong. Whatever lambda,
the fixed point is V_i = P(R = 1 | tokens up to i), the Q(s, a) of token i that tilts the policy in
decoding (`search.token_guidance`). A fresh network has L below 1/4: only at the end is G = R.

Dimension key: N traces, P tokens of the solutions.
"""

from dataclasses import replace

import torch
import torch.nn.functional as F

from surefoot.core.errors import InputError
from surefoot.verifiers.kinds.orm import ORM
from surefoot.verifiers.losses import IGNORED, known_steps
from surefoot.verifiers.network import Batch
from surefoot.verifiers.objective import Loss

LAMBDA = 0.95


def lambda_returns(values_NP: torch.Tensor, ends_NP: torch.Tensor, weight: float) -> torch.Tensor:
    """[N, P] the G at the top.

    values_NP: V. ends_NP: R at every token of a trace, then IGNORED; IGNORED returns stay so.
    weight: lambda. Raises InputError unless it lies in [0, 1].
    """
    if not 0 <= weight <= 1:
        raise InputError(f"lambda must lie in [0, 1], got {weight}")
    known_NP = ends_NP != IGNORED
    final_NP = known_NP & ~F.pad(known_NP[:, 1:], (0, 1))  # each trace's end
    ahead_NP = torch.where(final_NP, ends_NP, values_NP.to(ends_NP.dtype))
    returns_NP = ends_NP.clone()
    for i in reversed(range(ends_NP.shape[1] - 1)):
        blend_N = (1 - weight) * ahead_NP[:, i + 1] + weight * returns_NP[:, i + 1]
        returns_NP[:, i] = torch.where(known_NP[:, i + 1], blend_N, ends_NP[:, i])
    return returns_NP


def td_loss(weight: float = LAMBDA) -> Loss:
    """The loss at the top. weight: lambda."""

    def loss(z_NP: torch.Tensor, batch: Batch) -> torch.Tensor:
        known_NP = known_steps(batch.targets_NS)
        values_NP = 0.5 + z_NP.float()
        returns_NP = lambda_returns(values_NP.detach(), batch.targets_NS, weight)
        # G is no target from outside: V is linear, so it and G may leave [0, 1]
        return F.mse_loss(values_NP[known_NP], returns_NP[known_NP])

    return loss


VAS = replace(ORM, name="vas", loss=td_loss())
