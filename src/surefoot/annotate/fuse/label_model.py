"""Label model (Snorkel; Ratner et al., arXiv:1810.02840): accuracies from overlaps alone.

    O = E[psi psi'],   psi one-hot votes of all sources side by side (abstaining: all 0)
    mu_jk,k' = P(source j says k | class k'),   P = diag(class balance)

    minimise  |(O - mu P mu')  off the sources' own blocks|^2  +  |mu P 1 - diag O|^2
              + l2 |mu - start|^2

Given the other sources the loss is quadratic in one source's block, so each block in turn
is solved for exactly, until none moves. Posterior by naive Bayes over who did not abstain.

The class balance cannot be had from pairs; `balance_of_two` finds it, for two classes, from
triples: the product of three centred votes is skewed as the class itself is,

    T_abc / sqrt(C_ab C_bc C_ac) = (1 - 2 p) / sqrt(p (1 - p)).

Dimension key: N items, J sources, C classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from surefoot.annotate.fuse.sources import Floats, Ints, Vote, needs_three, normalised, vote_array
from surefoot.core.errors import InputError

FLOOR = 1e-3  # no vote is taken for impossible


@dataclass(frozen=True, slots=True)
class LabelModel:
    """balance_C: [C]. mu_J_C_C: [J, C, C] P(vote l | class k) at [j, l, k]; what a column
    lacks to 1 is how often the source abstains. posterior_N_C: [N, C] P(class | votes)."""

    balance_C: Floats
    mu_J_C_C: Floats
    posterior_N_C: Floats


def label_model(
    votes_N_J: Sequence[Sequence[Vote]],
    *,
    balance_C: Sequence[float],
    l2: float = 1e-6,
    rounds: int = 2000,
    tolerance: float = 1e-9,
) -> LabelModel:
    """Fits mu and joins the votes.

    votes_N_J: [N][J] in 0..C-1, or None. balance_C: [C] shares of the classes, above 0, sum 1.
    Three sources or more, independent given the class, must vote; InputError otherwise.
    Costs O(N (J C)^2) once and O(J^2 C^3) a round.
    """
    p = np.asarray(balance_C, dtype=np.float64)
    if p.ndim != 1 or len(p) < 2 or (p <= 0).any() or abs(p.sum() - 1) > 1e-6:
        raise InputError(f"balance_C must be shares above 0 that add up to 1, got {balance_C}")
    C = len(p)
    votes = vote_array(votes_N_J, C - 1)
    needs_three(votes, "two overlaps fit any accuracies")
    said_N_J_C = (votes[:, :, None] == np.arange(C)).astype(np.float64)
    N, J, _ = said_N_J_C.shape
    psi = said_N_J_C.reshape(N, J * C)
    overlaps = (psi.T @ psi / N).reshape(J, C, J, C)
    mu = _start(said_N_J_C)
    for _ in range(rounds):
        before = mu.copy()
        for j in range(J):
            mu[j] = _block(overlaps, mu, j, p, l2, before[j])
        if np.abs(mu - before).max() < tolerance:
            break
    mu = np.clip(mu, FLOOR, 1 - FLOOR)
    return LabelModel(p, mu, _posterior(said_N_J_C, mu, p))


def _start(said_N_J_C: Floats) -> Floats:
    """Every source right 7 times in 10 when it speaks: better than chance, and so on the
    side of the solutions on which classes have their own names."""
    C = said_N_J_C.shape[2]
    rates_J = said_N_J_C.sum(axis=2).mean(axis=0)
    likely = np.full((C, C), 0.3 / (C - 1)) + (0.7 - 0.3 / (C - 1)) * np.eye(C)
    start: Floats = rates_J[:, None, None] * likely
    return start


def _block(
    overlaps_J_C_J_C: Floats, mu_J_C_C: Floats, j: int, p: Floats, l2: float, at: Floats
) -> Floats:
    """Source j's mu, [C, C], that minimises the loss with the others' held fixed.

    Off-diagonal blocks count twice (above and below), hence the roots of 2.
    """
    J, C = len(mu_J_C_C), len(p)
    others = [i for i in range(J) if i != j]
    design = np.vstack(
        [
            np.sqrt(2) * mu_J_C_C[others].reshape(-1, C) * p,
            p[None, :],
            np.sqrt(l2) * np.eye(C),
        ]
    )
    seen = np.hstack(
        [
            np.sqrt(2) * overlaps_J_C_J_C[j][:, others].reshape(C, -1),
            np.diag(overlaps_J_C_J_C[j, :, j])[:, None],
            np.sqrt(l2) * at,
        ]
    )
    solved: Floats = np.linalg.lstsq(design, seen.T, rcond=None)[0].T
    return solved


def _posterior(said_N_J_C: Floats, mu_J_C_C: Floats, p: Floats) -> Floats:
    log_T = np.log(p) + np.einsum("njl,jlk->nk", said_N_J_C, np.log(mu_J_C_C))
    return normalised(log_T)


def balance_of_two(votes_N_J: Sequence[Sequence[Vote]]) -> float:
    """P(class 1) of two classes, in (0, 1), from the third moments of the votes.

    The median over all triples of sources on the items where all three vote; sources must
    on average be better than chance. Raises InputError where no triple is informative.
    """
    votes = vote_array(votes_N_J, 1)
    needs_three(votes, "the balance shows only in triples")
    shares = [_share_by_triple(votes[:, list(t)]) for t in combinations(range(votes.shape[1]), 3)]
    known = [share for share in shares if share is not None]
    if not known:
        raise InputError(
            "no three sources vote together and agree more than by chance, so the class balance "
            "cannot be estimated; give it"
        )
    return float(np.median(known))


def _share_by_triple(votes_N_3: Ints) -> float | None:
    together = votes_N_3[(votes_N_3 >= 0).all(axis=1)].astype(np.float64)
    if len(together) < 2:
        return None
    centred = together - together.mean(axis=0)
    a, b, c = centred.T
    product = (a * b).mean() * (b * c).mean() * (a * c).mean()
    if product <= 0:
        return None
    skew = (a * b * c).mean() / np.sqrt(product)
    return float((1 - skew / np.sqrt(4 + skew**2)) / 2)
