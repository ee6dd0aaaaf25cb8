r"""How often a vote is right, for every size of subset at once and whatever the order.

Votes are cast by candidates in random order, and a tie goes to the class seen first, as an
argmax over them has it. So the candidate that is answered with is any member of the heaviest
classes, each as likely as another, and a vote is as right as those members are on average. No
figure depends on the order of a file.

Majority, exactly. Class a wins with m votes where every other class b has fewer, or as many: t
classes tied with it take their turns. With c_b members of b in the pool and u silent candidates,
the subsets of size n in which that happens are counted by the coefficient of x^n in

    W_a(x) = (1+x)^u sum_m C(c_a, m) x^m
                     int_0^1 prod_{b != a} [ sum_{k<m} C(c_b, k) x^k + y C(c_b, m) x^m ] dy

since int y^t dy = 1 / (t + 1), and P(right | n) = sum_a r_a [x^n] W_a(x) / C(N, n) with r_a the
share of a's members that are right ([ours], checked against enumeration of all orders). All terms
are positive: no digits cancel.

Weighted votes have no such form (their classes meet at real weights), so they are means
over random orders of the pool, whose first n candidates are the subset of size n.

Dimension key: N candidates of one problem, B classes, M weightings, R random orders, T ties.
"""

import math
from collections.abc import Hashable, Iterable, Sequence
from functools import cache
from typing import TypeVar

import numpy as np

from surefoot.core.errors import InputError
from surefoot.core.types import Kind
from surefoot.core.votes import Same, answer_classes
from surefoot.evaluate.checks import (
    Bools,
    Floats,
    Ints,
    finite_numbers,
    outcomes,
    same_length,
    whole_between,
)

A = TypeVar("A", bound=Hashable)

MOST = 512  # candidates of an exact majority: C(N, n) stays far from overflow, time below seconds
LEVEL = 1 - 1e-12  # sums this close, in parts of the larger, are a tie: 10 * 0.1 against 1.0


def majority_curve(
    answers_N: Sequence[A | None], right_N: Sequence[bool], *, same: Same[A] | None = None
) -> Floats:
    """Accuracy of a majority vote among n candidates, exact over all subsets and orders. [N].

    Entry n - 1 is for n = 1..N. None never votes, and nobody voting is not right.

    N: at most 512 (then use `drawn_vote_curves`); [] for none. Costs O(N c^2 B) for
    c votes of the largest class, milliseconds for N = 32.
    """
    classes, right = _read(answers_N, right_N, same)
    if len(right) > MOST:
        raise InputError(
            f"an exact majority takes at most {MOST} candidates, got {len(right)}; "
            "use drawn_vote_curves with equal weights"
        )
    return _majority(classes, right, len(right))[1:]


def majority_of(
    answers_N: Sequence[A | None],
    right_N: Sequence[bool],
    n: int,
    *,
    same: Same[A] | None = None,
) -> float:
    """Entry n - 1 of `majority_curve`, at the cost of subsets of size n only. n in 1..N."""
    classes, right = _read(answers_N, right_N, same)
    whole_between(n, "n", 1, min(MOST, len(right)))
    return float(_majority(classes, right, n)[n])


def drawn_vote_curves(
    answers_N: Sequence[A | None],
    right_N: Sequence[bool],
    weights_M_N: Sequence[Sequence[float]],
    *,
    rng: np.random.Generator,
    same: Same[A] | None = None,
    draws: int = 256,
) -> Floats:
    """Accuracy of weighted votes among n candidates, n = 1..N, for M weightings. [M, N].

    weights_M_N: [M, N] finite and not negative; all weightings see the same subsets.
    draws: random orders; the standard error is at most 0.5 / sqrt(draws), and none at
      n = N. Sums that agree to 12 digits are a tie. O(M * draws * N * B).
    """
    classes, right = _read(answers_N, right_N, same)
    weights_M = [vote_weights(w, len(right)) for w in weights_M_N]
    if draws < 1:
        raise InputError(f"draws must be at least 1, got {draws}")
    could_win = right & (classes >= 0)
    if could_win.all() or not could_win.any():
        return np.full((len(weights_M), len(right)), float(could_win.any()))
    orders_R_N = rng.random((draws, len(right))).argsort(axis=1)
    member_R_N_B = classes[orders_R_N][:, :, None] == np.arange(classes.max() + 1)
    votes_R_N_B = member_R_N_B.cumsum(axis=1, dtype=np.float64)
    right_R_N_B = (member_R_N_B & right[orders_R_N][:, :, None]).cumsum(axis=1, dtype=np.float64)
    curves = []
    for weights_N in weights_M:
        sums = np.cumsum(member_R_N_B * weights_N[orders_R_N][:, :, None], axis=1)
        leading = (sums >= sums.max(axis=2, keepdims=True) * LEVEL).astype(np.float64)
        # einsum adds without a product array of [R, N, B]: half the time of all votes
        votes, hits = (
            np.einsum("rnb,rnb->rn", leading, of_class) for of_class in (votes_R_N_B, right_R_N_B)
        )
        curves.append((hits / np.maximum(votes, 1)).mean(axis=0))  # nobody votes: not right
    return np.array(curves).reshape(len(weights_M), len(right))


def expected_right(
    classes_N: Sequence[int | None],
    weights_N: Sequence[float],
    right_N: Sequence[bool],
    picks: Iterable[int],
) -> float:
    """How right a vote among `picks` is on average over their orders; 0 if nobody votes."""
    members: dict[int, list[int]] = {}
    for i in picks:
        number = classes_N[i]
        if number is not None:
            members.setdefault(number, []).append(i)
    sums = {number: math.fsum(weights_N[i] for i in ids) for number, ids in members.items()}
    most = max(sums.values(), default=0.0)
    tied = [i for number, ids in members.items() if sums[number] >= most * LEVEL for i in ids]
    return sum(bool(right_N[i]) for i in tied) / len(tied) if tied else 0.0


def vote_weights(weights_N: Sequence[float], candidates: int) -> Floats:
    """Weights as an array; InputError unless there are `candidates`, finite and 0 or more."""
    weights = finite_numbers(weights_N, "weights")
    same_length(answers=candidates, weights=len(weights))
    bad = np.flatnonzero(weights < 0)
    if bad.size:
        raise InputError(
            f"weights[{bad[0]}] is {weights[bad[0]]}; expected 0 or more: "
            "map logits through a sigmoid first"
        )
    return weights


def ballots(totals_N: Sequence[float], kind: Kind | None) -> list[float] | None:
    """What each candidate's total weighs in a vote; None where it is no vote.

    Probabilities weigh as they are, logits x as 1 / (1 + exp(-x)), log-ratios r as
    exp(r - max r); progress is no vote. kind: what the scores mean. None, unknown: they weigh
    as they are, unless one is below 0.
    """
    if kind is None:
        return list(totals_N) if min(totals_N, default=0) >= 0 else None
    if kind in (Kind.CORRECTNESS, Kind.VALUE):
        return list(totals_N)
    if kind is Kind.LOGIT:  # tanh does not overflow
        return [0.5 + 0.5 * math.tanh(total / 2) for total in totals_N]
    if kind is Kind.LOGRATIO:
        return [math.exp(total - max(totals_N)) for total in totals_N]
    return None


def _read(
    answers_N: Sequence[A | None], right_N: Sequence[bool], same: Same[A] | None
) -> tuple[Ints, Bools]:
    """The class of each answer, -1 for None; and whether it is right."""
    numbers = answer_classes(answers_N, same=same)
    right = outcomes(right_N, "right")
    same_length(answers=len(numbers), right=len(right))
    return np.array([-1 if c is None else c for c in numbers], dtype=np.intp), right


def _majority(classes: Ints, right: Bools, most: int) -> Floats:
    """Accuracy among 0..most candidates, [most + 1]; 0 among none."""
    total, choose = len(classes), _choose(len(classes))
    voting = classes >= 0
    sizes_B = np.bincount(classes[voting])
    right_B = np.bincount(classes[voting], weights=right[voting])
    silent = total - int(voting.sum())
    ways = np.zeros(most + 1)
    for own in np.flatnonzero(right_B):
        rivals = np.delete(sizes_B, own)
        won = _ways_won(int(sizes_B[own]), rivals, silent, most, choose)
        ways += right_B[own] / sizes_B[own] * won
    return ways / choose[total, : most + 1]


def _ways_won(own: int, rivals: Ints, silent: int, most: int, choose: Floats) -> Floats:
    """How many subsets of each size a class of `own` wins, a tie of t + 1 as 1 / (t + 1).

    [most + 1].
    """
    ways = np.zeros(most + 1)
    for votes in range(1, min(own, most) + 1):
        won_T = np.zeros((1, most + 1))  # row t: with t rivals tied
        quiet = min(silent, most - votes) + 1
        won_T[0, votes : votes + quiet] = choose[own, votes] * choose[silent, :quiet]
        for size in rivals.tolist():
            won_T = _not_beaten(won_T, size, votes, choose)
        ways += (1 / np.arange(1, len(won_T) + 1)) @ won_T
    return ways


def _not_beaten(won_T: Floats, size: int, votes: int, choose: Floats) -> Floats:
    """`won_T` times the rival's factor: fewer than `votes` of it, or as many, one tie more."""
    fewer = won_T.copy()
    for k in range(1, min(votes - 1, size) + 1):
        fewer[:, k:] += won_T[:, :-k] * choose[size, k]
    if votes > size:
        return fewer
    product = np.zeros((len(won_T) + 1, won_T.shape[1]))
    product[:-1] = fewer
    product[1:, votes:] += won_T[:, :-votes] * choose[size, votes]
    return product


@cache
def _choose(total: int) -> Floats:
    """C(n, k) for n, k = 0..total, [total + 1, total + 1]; 0 where k > n."""
    table = np.zeros((total + 1, total + 1))
    table[:, 0] = 1.0
    for n in range(1, total + 1):
        table[n, 1:] = table[n - 1, 1:] + table[n - 1, :-1]
    return table
