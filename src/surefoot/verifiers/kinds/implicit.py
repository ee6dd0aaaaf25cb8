"""Implicit process rewards from outcomes (Free Process Rewards, Yuan et al., arXiv:2412.01981).

    r(y) = beta log( P(y) / P_ref(y) )            score_t = the part of r that step t adds
    sum_{i<=t} score_i = beta log E_{y ~ P_ref( | s_1..s_t)} exp( r(y) / beta )

So the scores of the steps so far are the (soft) best that can still come, though only
whole solutions were labelled. Losses on the r of right (w) and wrong (l) solutions:

    CE    -[ y log s(r) + (1 - y) log s(-r) ]                 y: does it end correctly?
    DPO   -log s(r_w - r_l)
    KTO   s(-(r_w - k)), s(r_l - k)        k = max(0, mean r of the batch), without gradient
    NCA   -[ log s(r_w) + 1/2 log s(-r_w) + 1/2 log s(-r_l) ]

s is the logistic function; logs of it are taken in logits form. KTO's k estimates the
divergence of P from P_ref on these solutions, where its authors use mismatched ones ([ours]).
Pairs are of one problem. With P = P_ref, as a fresh network has it, r = 0, every score is 0,
and L is ln 2, ln 2, 1/2 and 2 ln 2.

Dimension key: N solutions, S steps, M pairs.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import cycle, islice

import torch
import torch.nn.functional as F

from surefoot.core.errors import InputError
from surefoot.core.types import Kind, LabelledTrace
from surefoot.verifiers.data import Example, Target, View, outcome_of, whole, whole_examples
from surefoot.verifiers.losses import known_steps
from surefoot.verifiers.network import Batch, ImplicitNetwork
from surefoot.verifiers.objective import Build, Objective

BETA = 0.05


def log_ratio(beta: float = BETA) -> Build:
    """The network whose reference is what the language model was at first."""
    return lambda base, _, reference: ImplicitNetwork(base, reference(), beta)


def solutions(labelled: Sequence[LabelledTrace], view: View, target: Target) -> list[Example]:
    """Each solution with its outcome; labels are not read."""
    del target
    return whole_examples(labelled, view)


def solution_pairs(labelled: Sequence[LabelledTrace], view: View, target: Target) -> list[Example]:
    """A right solution and a wrong one of the same problem, next to each other.

    Each solution that has an opposite is used at least once, the rarer side again and again.
    Raises InputError if no problem has both.
    """
    del target
    sides: dict[str, dict[float | None, list[LabelledTrace]]] = {}
    for item in labelled:
        of_problem = sides.setdefault(item.trace.problem.id, {1.0: [], 0.0: [], None: []})
        of_problem[outcome_of(item.trace)].append(item)
    pairs: list[LabelledTrace] = []
    for side in sides.values():
        right, wrong = side[1.0], side[0.0]
        count = max(len(right), len(wrong)) if right and wrong else 0
        for pair in zip(islice(cycle(right), count), islice(cycle(wrong), count), strict=True):
            pairs += pair
    if not pairs:
        raise InputError(
            f"no problem of {len(sides)} has both a right and a wrong solution, and pairs are "
            "needed; sample more solutions of each, or train with single ones (ce, kto)"
        )
    return whole_examples(pairs, view)


def rewards(gains_NS: torch.Tensor, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """r and y of the solutions whose outcome is known. Raises ValueError if there are none."""
    known = known_steps(batch.targets_NS).any(1)
    y_N = batch.targets_NS.amax(1)
    return gains_NS.sum(1)[known].float(), y_N[known].float()


def paired_rewards(gains_NS: torch.Tensor, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """r_w and r_l, [M] each, of the pairs of which both outcomes are known; rows 2m and 2m + 1 are
    a pair, right and wrong. Raises ValueError if there are none, or if rows are not such pairs.

    A side that was cut off takes its pair with it: the sides left over are of other problems.
    """
    known = known_steps(batch.targets_NS).any(1).view(-1, 2).all(1)
    y_M2 = batch.targets_NS.amax(1).view(-1, 2)[known]
    if not len(y_M2) or not (y_M2 == y_M2.new_tensor([1.0, 0.0])).all():
        raise ValueError(f"expected pairs of a right and a wrong solution, got outcomes {y_M2}")
    r_w, r_l = gains_NS.sum(1).float().view(-1, 2)[known].unbind(1)
    return r_w, r_l


def ce(gains_NS: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Cross-entropy of single outcomes."""
    return F.binary_cross_entropy_with_logits(*rewards(gains_NS, batch))


def dpo(gains_NS: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Preference of the right solution of each pair."""
    w_M, l_M = paired_rewards(gains_NS, batch)
    return -F.logsigmoid(w_M - l_M).mean()


def kto(gains_NS: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Gain of single outcomes over the batch's mean."""
    r_N, y_N = rewards(gains_NS, batch)
    k = r_N.detach().mean().clamp(min=0)
    return torch.sigmoid((1 - 2 * y_N) * (r_N - k)).mean()


def nca(gains_NS: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Noise-contrastive alignment: absolute rewards of a pair, not their difference only."""
    w_M, l_M = paired_rewards(gains_NS, batch)
    each_M = F.logsigmoid(w_M) + 0.5 * (F.logsigmoid(-w_M) + F.logsigmoid(-l_M))
    return -each_M.mean()


def as_it_is(gains_NS: torch.Tensor) -> torch.Tensor:
    """The gains: beta times each step's log-likelihood ratio."""
    return gains_NS


def implicit(name: str, loss: Callable[[torch.Tensor, Batch], torch.Tensor]) -> Objective:
    """An objective on single solutions."""
    return Objective(
        name=name,
        build=log_ratio(),
        view=whole,
        examples=solutions,
        loss=loss,
        read=as_it_is,
        kind=Kind.LOGRATIO,
        learns_from=frozenset(),
    )


IMPLICIT_CE = implicit("implicit-ce", ce)
IMPLICIT_KTO = implicit("implicit-kto", kto)
IMPLICIT_DPO = replace(implicit("implicit-dpo", dpo), examples=solution_pairs, together=2)
IMPLICIT_NCA = replace(IMPLICIT_DPO, name="implicit-nca", loss=nca)
