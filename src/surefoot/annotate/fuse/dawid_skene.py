"""Who is right when annotators disagree (Dawid and Skene, 1979): EM over confusion matrices.

    T_nk  ∝  p_k prod_j pi^j_{k, l_nj}                                           (E)
    pi^j_kl = (sum_n T_nk 1[l_nj = l] + a_kl) / (sum over l of the same)         (M)
    p_k     = (sum_n T_nk + a) / (n + C a)

with l_nj the vote of source j on item n; abstentions drop out of both. T starts as the
share of the votes. a_kl = a (1 + 1[k = l]) are Dirichlet pseudo-counts: they keep every
probability above 0 and, being heavier on the diagonal, hold each class to its own name
(the likelihood alone is the same when classes are swapped).

Items are whatever classes apply to: steps (wrong, right) as a rule. For first errors in
traces of different lengths see `channels`, which has three numbers a source instead of a
matrix that no data set could fill.

Dimension key: N items, J sources, C classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from surefoot.annotate.fuse.sources import Floats, Vote, needs_three, normalised, vote_array
from surefoot.core.errors import InputError


@dataclass(frozen=True, slots=True)
class DawidSkene:
    """What was fitted.

    prior_C: [C] share of each class. confusions_J_C_C: [J, C, C] P(vote l | class k), rows
    add up to 1. posterior_N_C: [N, C] P(class | votes); the prior where nobody voted.
    """

    prior_C: Floats
    confusions_J_C_C: Floats
    posterior_N_C: Floats


def dawid_skene(
    votes_N_J: Sequence[Sequence[Vote]],
    *,
    classes: int = 2,
    smooth: float = 1.0,
    rounds: int = 500,
    tolerance: float = 1e-6,
) -> DawidSkene:
    """Fits all sources at once; ends when no posterior moves by more than `tolerance`.

    votes_N_J: [N][J] in 0..classes-1, or None. smooth: a, above 0.
    Three sources or more, independent given the class, must vote; InputError otherwise.
    Costs O(N J C^2) a round.
    """
    if smooth <= 0:
        raise InputError(f"smooth must be above 0, got {smooth}; it keeps probabilities off 0")
    votes = vote_array(votes_N_J, classes - 1)
    needs_three(votes, "two cannot tell whose error a disagreement is")
    said_N_J_C = (votes[:, :, None] == np.arange(classes)).astype(np.float64)
    pseudo_C_C = smooth * (1 + np.eye(classes))
    shares = said_N_J_C.sum(axis=1) + 1e-3  # so that nobody's vote is no class's certainty
    T = shares / shares.sum(axis=1, keepdims=True)
    for _ in range(rounds):
        confusions = np.einsum("nk,njl->jkl", T, said_N_J_C) + pseudo_C_C
        confusions /= confusions.sum(axis=2, keepdims=True)
        prior = (T.sum(axis=0) + smooth) / (len(T) + classes * smooth)
        before, T = T, _posterior(said_N_J_C, prior, confusions)
        if np.abs(T - before).max() < tolerance:
            break
    return DawidSkene(prior, confusions, T)


def _posterior(said_N_J_C: Floats, prior_C: Floats, confusions_J_C_C: Floats) -> Floats:
    log_T = np.log(prior_C) + np.einsum("njl,jkl->nk", said_N_J_C, np.log(confusions_J_C_C))
    return normalised(log_T)
