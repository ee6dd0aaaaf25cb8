"""A pool under study: every way to choose, at every n, on the same resampled problems.

`study_pool` computes, `study_records` says what it means. With n = N all figures are
those of `select_pool`.

Dimension key: P problems, N candidates of each, S steps, M ways to weigh votes, R resamples.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from surefoot.core.errors import InputError
from surefoot.core.kinds import reduce_values
from surefoot.core.seeds import rng_for
from surefoot.core.types import Kind
from surefoot.core.votes import answer_classes
from surefoot.evaluate.checks import Bools, Floats
from surefoot.evaluate.curves import best_of_n_curves, coverage_curves
from surefoot.evaluate.pools import AGGREGATIONS, Pool
from surefoot.evaluate.votes import MOST, ballots, drawn_vote_curves, majority_curve

Same = Callable[[str, str], bool | None]
Way = tuple[str, str]  # a verifier's name, an aggregation


@dataclass(frozen=True, slots=True)
class Scored:
    """One verifier's scores of a pool.

    scores_P_N_S: [P][N][S], from `join_scores`. kind: what they mean; None if unknown.
    """

    name: str
    scores_P_N_S: Sequence[Sequence[Sequence[float]]]
    kind: Kind | None = None


@dataclass(frozen=True, slots=True)
class Study:
    """What was computed of a pool; a curve is [P, N], accuracy of each problem at each n.

    right_P_N: [P, N]. totals: [P, N] one number a candidate, by way.
    coverage, majority, random: what a perfect scorer, a vote and a random scorer reach.
    best, weighted: best-of-n and weighted vote by way; no vote where totals are none
      (`votes.ballots`).
    resamples: of the figures that no closed interval exists for.
    """

    verifiers: tuple[Scored, ...]
    right_P_N: Bools
    totals: dict[Way, Floats]
    coverage: Floats
    majority: Floats
    random: Floats
    best: dict[Way, Floats]
    weighted: dict[Way, Floats]
    seed: int
    resamples: int
    draws: int


def study_pool(
    pools_P: Sequence[Pool],
    verifiers: Sequence[Scored],
    *,
    seed: int = 0,
    resamples: int = 2000,
    draws: int = 256,
    same: Same | None = None,
) -> Study:
    """Every curve of a pool, by all aggregations of every verifier.

    A geometric mean needs scores of 0 or more and is left out where one is below.

    A problem counts with its first N candidates, N the fewest that any has. Ties go to
    the earlier candidate. Best-of-n, coverage and (to N = 512) majority are exact over
    all subsets; weighted votes are means over `draws` random orders of the pool.
    same: are two answers equivalent? Without it, answers that are the same text.

    Raises InputError for an empty pool and verifiers of one name. 500 problems of 32
    candidates and four verifiers take seconds.
    """
    _check(pools_P, verifiers)
    total = min(len(pool.right_N) for pool in pools_P)
    right = np.array([pool.right_N[:total] for pool in pools_P])
    totals = {
        (v.name, how): _totals(v, how, total)
        for v in verifiers
        for how in AGGREGATIONS
        if how != "geometric_mean" or _has_roots(v)
    }
    kinds = {v.name: v.kind for v in verifiers}
    weights = {
        way: weights_P_N
        for way, totals_P_N in totals.items()
        if (weights_P_N := _ballots(totals_P_N, kinds[way[0]])) is not None
    }
    votes = _vote_curves(pools_P, right, list(weights.values()), seed, draws, same)
    return Study(
        verifiers=tuple(verifiers),
        right_P_N=right,
        totals=totals,
        coverage=coverage_curves(right),
        majority=votes[0],
        random=np.repeat(right.mean(axis=1, keepdims=True), total, axis=1),
        best={w: best_of_n_curves(t, right, ties="first") for w, t in totals.items()},
        weighted=dict(zip(weights, votes[1:], strict=True)),
        seed=seed,
        resamples=resamples,
        draws=draws,
    )


def _check(pools_P: Sequence[Pool], verifiers: Sequence[Scored]) -> None:
    if not pools_P:
        raise InputError("a study needs at least one problem, got an empty pool")
    names = [v.name for v in verifiers]
    if len(set(names)) < len(names):
        raise InputError(f"verifiers need different names, got {names}")


def _has_roots(verifier: Scored) -> bool:
    return all(min(s) >= 0 for rows_N_S in verifier.scores_P_N_S for s in rows_N_S)


def _totals(verifier: Scored, how: str, total: int) -> Floats:
    """[P, N] one number a candidate."""
    return np.array(
        [[reduce_values(s, how) for s in rows_N_S[:total]] for rows_N_S in verifier.scores_P_N_S]
    )


def _ballots(totals_P_N: Floats, kind: Kind | None) -> Floats | None:
    """[P, N] the weights in votes; None if those of some problem are none."""
    rows = [ballots(totals_N, kind) for totals_N in totals_P_N.tolist()]
    known = [weights_N for weights_N in rows if weights_N is not None]
    return np.array(known) if len(known) == len(rows) else None


def _vote_curves(
    pools_P: Sequence[Pool],
    right_P_N: Bools,
    weights_M_P_N: Sequence[Floats],
    seed: int,
    draws: int,
    same: Same | None,
) -> Floats:
    """[1 + M, P, N] a majority vote and M weighted ones, all on the same subsets."""
    problems, total = right_P_N.shape
    weights = np.stack([np.ones((problems, total)), *weights_M_P_N])
    curves = np.empty_like(weights)
    for p, (pool, right_N) in enumerate(zip(pools_P, right_P_N.tolist(), strict=True)):
        classes = answer_classes(pool.answers_N[:total], same=same)
        rng = rng_for(seed, "study", "votes", pool.problem_id)
        curves[:, p] = drawn_vote_curves(
            classes, right_N, weights[:, p].tolist(), rng=rng, draws=draws
        )
        if total <= MOST:
            curves[0, p] = majority_curve(classes, right_N)
    return curves
