"""Outcome reward model, at every token (Cobbe et al., arXiv:2110.14168).

    L = mean over the solution's tokens i of (v_i - y)^2        v_i = 1/2 + z_i

y is 1 if the solution ends correctly, else 0. v is linear, as in the paper, and not a
logistic of z, whose gradient would vanish where it is surely wrong; the best v_i is
E[y | tokens up to i], in [0, 1], so scores are cut to that. A step's score is v at its last
token. A fresh network has L = 1/4. The language-model loss beside it is the loop's.

Dimension key: N traces, P tokens of the solutions, S steps.
"""

from collections.abc import Sequence
from itertools import repeat

import torch

from surefoot.core.protocols import Steps
from surefoot.core.types import Kind, LabelledTrace, Problem
from surefoot.steps.encode import Encoded
from surefoot.verifiers.data import Example, Target, View, outcome_of, placed, whole
from surefoot.verifiers.losses import squared_loss
from surefoot.verifiers.network import Batch, StateNetwork
from surefoot.verifiers.objective import Objective


def every_token(view: View) -> View:
    """The same ids, judged at each token of the solution."""

    def tokens(problem: Problem, steps: Steps) -> list[Encoded]:
        return [
            Encoded(e.ids, e.start, tuple(range(e.start, e.ends_S[-1] + 1)), e.dropped)
            for e in view(problem, steps)
        ]

    return tokens


def outcome_tokens(labelled: Sequence[LabelledTrace], view: View, target: Target) -> list[Example]:
    """How a trace came out, at each of its tokens; labels are not read."""
    del target
    tokens = every_token(view)
    return [
        example
        for item in labelled
        for example in placed(item.trace, tokens, repeat(outcome_of(item.trace)))
    ]


def token_mse(z_NP: torch.Tensor, batch: Batch) -> torch.Tensor:
    """The loss at the top."""
    return squared_loss(0.5 + z_NP, batch.targets_NS)


def linear_value(z_NS: torch.Tensor) -> torch.Tensor:
    """v cut to [0, 1]."""
    return (0.5 + z_NS.float()).clamp(0, 1)


ORM = Objective(
    name="orm",
    build=lambda base, *_: StateNetwork(base),
    view=whole,
    examples=outcome_tokens,
    loss=token_mse,
    read=linear_value,
    kind=Kind.VALUE,
    learns_from=frozenset(),
)
