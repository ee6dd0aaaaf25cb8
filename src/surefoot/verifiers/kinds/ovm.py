"""Outcome-supervised value model (Yu et al., arXiv:2311.09724).

    L = mean over traces of  sum over the solution's tokens i of (v_i - y)^2    v_i = 1/2 + z_i

An ORM whose loss is summed over the tokens of a trace, so that a long one weighs more, as
its authors have it. What makes it a value model is the theory: among all traces that begin
with the same prefix P, the v that minimizes L is the share of them that end correctly, an
estimate of P(correct | P). Steps are never labelled. A fresh network has L = tokens / 4.

Dimension key: N traces, P tokens.
"""

from dataclasses import replace

import torch

from surefoot.verifiers.kinds.orm import ORM
from surefoot.verifiers.losses import known_steps
from surefoot.verifiers.network import Batch
from surefoot.verifiers.objective import rows


def summed_mse(z_NP: torch.Tensor, batch: Batch) -> torch.Tensor:
    """The loss at the top. Raises ValueError if nothing has a target."""
    known = known_steps(batch.targets_NS)
    errors_NP = torch.where(known, 0.5 + z_NP.float() - batch.targets_NS, 0.0)
    return errors_NP.square().sum() / known.any(1).sum()


OVM = replace(ORM, name="ovm", loss=summed_mse, terms=rows)
