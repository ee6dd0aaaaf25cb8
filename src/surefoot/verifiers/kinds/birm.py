"""Two heads, one looking back and one ahead (BiRM, Chen et al., arXiv:2503.04618).

    L = mean_t [ (r_t - c_t)^2 + (v_t - y_t)^2 ]        r = 1/2 + z^r, v = 1/2 + z^v
    score_t = ( v_t + beta mean_{i<=t} r_i ) / (1 + beta)

As in A*, what is done (reward r: is step t right?) and what is to come (value v: will it
end well?). The published score is not divided by 1 + beta, which orders traces the same and
would leave [0, 1]. beta is the released code's and the tables': 0 is the value alone, and the
best one differs between tasks (1.5 to 3.5), so it is chosen when the verifier is read
(`birm(beta)`, `load_birm`), not when it is trained. The heads share the language model and
nothing else. A step with one target of two counts half. A fresh network has L = 1/2 for
targets of 0 and 1.

Labels of both kinds go into one set: a trace labelled for correctness and the same trace
labelled with values are one example, and without values the verdict stands for them.

Dimension key: N traces, S steps.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from surefoot.core.errors import InputError, KindError
from surefoot.core.types import Kind, LabelledTrace
from surefoot.verifiers.data import (
    CHANCES,
    Example,
    Target,
    View,
    kinds_of,
    outcome_of,
    placed,
    refuse_kinds,
    whole,
)
from surefoot.verifiers.losses import squared_loss
from surefoot.verifiers.network import Batch, VerifierNetwork
from surefoot.verifiers.objective import Objective

BETA = 1.0
Targets = list[float | None]


def two_targets(labelled: Sequence[LabelledTrace], view: View, target: Target) -> list[Example]:
    """One example a trace: rewards as its targets, values as its others.

    Raises KindError without any label of correctness, or with one of another kind.
    """
    refuse_kinds(labelled, CHANCES)
    if Kind.CORRECTNESS not in kinds_of(labelled):
        raise KindError(
            f"a BiRM learns from labels of correctness, with labels of value or verdicts beside "
            f"them, but all labels of {len(labelled)} traces are of value; label them with a "
            "method that says whether a step is right, too"
        )
    items: dict[tuple[str, str], LabelledTrace] = {}
    rewards: dict[tuple[str, str], Targets] = {}
    values: dict[tuple[str, str], Targets] = {}
    for item in labelled:
        key = (item.trace.problem.id, item.trace.text)
        items.setdefault(key, item)
        for kind, found in ((Kind.CORRECTNESS, rewards), (Kind.VALUE, values)):
            if all(label.kind is kind for label in item.labels):
                found[key] = [target(label) for label in item.labels]
    return [_example(item, view, rewards.get(key), values.get(key)) for key, item in items.items()]


def _example(
    item: LabelledTrace, view: View, rewards: Targets | None, values: Targets | None
) -> Example:
    steps = len(item.trace.steps)
    [example] = placed(item.trace, view, rewards or [None] * steps)
    kept = len(example.targets_S)
    ahead = values or [outcome_of(item.trace)] * steps
    return replace(example, others_S=tuple(ahead[:kept]))


def two_mse(z_NS2: torch.Tensor, batch: Batch) -> torch.Tensor:
    """The loss at the top. Raises ValueError if no step has a target."""
    assert batch.others_NS is not None
    return 2 * squared_loss(0.5 + z_NS2, torch.stack((batch.targets_NS, batch.others_NS), -1))


def past_and_future(beta: float = BETA) -> Callable[[torch.Tensor], torch.Tensor]:
    """Reads the score at the top, [N, S], in [0, 1]. beta: 0 or more."""
    if not 0 <= beta < math.inf:
        raise InputError(f"beta must be 0 or more and finite, got {beta}")

    def read(z_NS2: torch.Tensor) -> torch.Tensor:
        r_NS, v_NS = (0.5 + z_NS2.float()).clamp(0, 1).unbind(-1)
        steps_S = torch.arange(1, r_NS.shape[1] + 1, device=r_NS.device)
        return (v_NS + beta * r_NS.cumsum(1) / steps_S) / (1 + beta)

    return read


BIRM = Objective(
    name="birm",
    build=lambda base, *_: VerifierNetwork(base, outputs=2),
    view=whole,
    examples=two_targets,
    loss=two_mse,
    read=past_and_future(),
    kind=Kind.VALUE,
    learns_from=CHANCES,
)


def birm(beta: float = BETA) -> Objective:
    """BIRM, read with this weight of the past. Raises InputError for a negative one."""
    return replace(BIRM, name=f"{BIRM.name}, beta {float(beta)!r}", read=past_and_future(beta))
