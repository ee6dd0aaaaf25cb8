r"""How often a vote is right, for every size of subset at once.

Majority, exactly. Candidate i, of class a, is answered with if it is its class's first
in the subset and the class has m votes, while any other class b has fewer, or m that
all come after i (a tie goes to the class seen first). With c_b members of b in the
pool, l_b(i) of them after i, and u silent candidates, the subsets of size n in which
that happens are counted by the coefficient of x^n in

    W_i(x) = (1+x)^u sum_m C(l_a(i), m-1) x^m
                     prod_{b != a} [ sum_{k<m} C(c_b, k) x^k + C(l_b(i), m) x^m ]

so P(right | n) = sum_{i right} [x^n] W_i(x) / C(N, n)   ([ours], checked against
enumeration). All terms are positive: no digits cancel.

Weighted votes have no such form (their classes meet at real weights), so they are means
over random orders of the pool, whose first n candidates are the subset of size n.

Dimension key: N candidates of one problem, I of them right and of one class, B classes,
M weightings, R random orders.
"""

from collections.abc import Hashable, Sequence
from functools import cache
from typing import TypeVar

import numpy as np

from surefoot.core.errors import InputError
from surefoot.core.votes import Same, answer_classes
from surefoot.evaluate.checks import (
    Bools,
    Floats,
    Ints,
    finite_numbers,
    outcomes,
    same_length,
)

A = TypeVar("A", bound=Hashable)

MOST = 512  # candidates of an exact majority: C(N, n) stays far from overflow, time below seconds
LEVEL = 1 - 1e-12  # sums this close, in parts of the larger, are a tie: 10 * 0.1 against 1.0


def majority_curve(
    answers_N: Sequence[A | None], right_N: Sequence[bool], *, same: Same[A] | None = None
) -> Floats:
    """Accuracy of a majority vote among n candidates, exact over all subsets, n = 1..N. [N].

    Same rules as `vote_accuracy`: None never votes, nobody voting is not right, a tie
    goes to the class seen first, a class is as right as its first candidate.

    N: at most 512 (then use `drawn_vote_curves`); [] for none. Costs O(N^2 c^2 B) for
    c votes of the right class, milliseconds for N = 32.
    """
    classes, right = _read(answers_N, right_N, same)
    total = len(right)
    if total > MOST:
        raise InputError(
            f"an exact majority takes at most {MOST} candidates, got {total}; "
            "use drawn_vote_curves with equal weights"
        )
    voting = classes >= 0
    ways = np.zeros(total + 1)
    for own in np.unique(classes[right & voting]):
        ways += _ways_won(classes, int(own), np.flatnonzero(right & (classes == own)))
    return ways[1:] / _choose(total)[total, 1:]


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
    places = np.where(member_R_N_B, orders_R_N[:, :, None], len(right))
    firsts_R_N_B = np.minimum.accumulate(places, axis=1)  # N: nobody of the class yet
    padded = np.append(right, False)
    curves = []
    for weights_N in weights_M:
        sums = np.cumsum(member_R_N_B * weights_N[orders_R_N][:, :, None], axis=1)
        leading = sums >= sums.max(axis=2, keepdims=True) * LEVEL
        chosen_R_N = np.where(leading, firsts_R_N_B, len(right)).min(axis=2, initial=len(right))
        curves.append(padded[chosen_R_N].mean(axis=0))
    return np.array(curves).reshape(len(weights_M), len(right))


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


def _read(
    answers_N: Sequence[A | None], right_N: Sequence[bool], same: Same[A] | None
) -> tuple[Ints, Bools]:
    """The class of each answer, -1 for None; and whether it is right."""
    numbers = answer_classes(answers_N, same=same)
    right = outcomes(right_N, "right")
    same_length(answers=len(numbers), right=len(right))
    return np.array([-1 if c is None else c for c in numbers], dtype=np.intp), right


def _ways_won(classes: Ints, own: int, firsts_I: Ints) -> Floats:
    """How many subsets of each size are won by one of these candidates of class `own`. [N + 1]."""
    total, choose = len(classes), _choose(len(classes))
    member_N_B = classes[:, None] == np.arange(classes.max() + 1)
    sizes_B, silent = member_N_B.sum(axis=0), int((classes < 0).sum())
    later_I_B = (member_N_B[::-1].cumsum(axis=0)[::-1] - member_N_B)[firsts_I]
    ways = np.zeros(total + 1)
    for votes in range(1, sizes_B[own] + 1):
        won_I = np.zeros((len(firsts_I), total + 1))
        of_own = choose[later_I_B[:, own], votes - 1]
        won_I[:, votes : votes + silent + 1] = of_own[:, None] * choose[silent, : silent + 1]
        for rival, size in enumerate(sizes_B):
            if rival != own:
                won_I = _not_beaten(won_I, size, later_I_B[:, rival], votes, choose)
        ways += won_I.sum(axis=0)
    return ways


def _not_beaten(won_I: Floats, size: int, later_I: Ints, votes: int, choose: Floats) -> Floats:
    """`won_I` times the rival's factor: fewer than `votes` of it, or as many that come later."""
    product = won_I.copy()
    for k in range(1, min(votes - 1, size) + 1):
        product[:, k:] += won_I[:, :-k] * choose[size, k]
    if votes <= size:
        product[:, votes:] += won_I[:, :-votes] * choose[later_I, votes][:, None]
    return product


@cache
def _choose(total: int) -> Floats:
    """C(n, k) for n, k = 0..total, [total + 1, total + 1]; 0 where k > n."""
    table = np.zeros((total + 1, total + 1))
    table[:, 0] = 1.0
    for n in range(1, total + 1):
        table[n, 1:] = table[n - 1, 1:] + table[n - 1, :-1]
    return table
