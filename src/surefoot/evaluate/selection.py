"""Which candidate to answer with, and how often that is right.

Best-of-n answers with the highest score (Cobbe et al., arXiv:2110.14168). Over all
size-n subsets of N scored candidates, sorted upwards by score, the group of equal
scores at places i..j-1 holds the highest with chance

    P(group) = (C(j, n) - C(i, n)) / C(N, n),

so the expected accuracy is sum_groups P(group) * mean(right in group), with no
sampling noise (formula [ours], checked against enumeration).

A vote answers with the class of equivalent answers a that has the largest

    sum_{i: answer_i ~ a} w_i      w_i = 1: majority (arXiv:2203.11171)
                                   w_i = score: weighted vote (arXiv:2206.02336).

None answers (nothing could be read) never vote and never merge; where nobody
votes there is no answer, which is not right. `majority` and `weighted_vote` choose from
candidates in an order: a tie goes to the class seen first, and a class answers with its first
candidate. Accuracies are means over all orders (`evaluate.votes`), so that how a file lists
its candidates does not matter.

Dimension key: N candidates of one problem, R draws.
"""

import math
from collections.abc import Hashable, Iterable, Sequence
from typing import Literal, TypeVar

import numpy as np

from surefoot.core.errors import InputError
from surefoot.core.votes import Same, answer_classes, heaviest_class
from surefoot.evaluate.checks import (
    Bools,
    Floats,
    Ints,
    finite_numbers,
    outcomes,
    same_length,
    whole_between,
)
from surefoot.evaluate.pass_at_k import pass_at_k, pass_at_k_curve, share_within
from surefoot.evaluate.votes import MOST, expected_right, majority_of, vote_weights

A = TypeVar("A", bound=Hashable)
Ties = Literal["average", "first"]


# --- best of n, coverage ---------------------------------------------------


def best_of_n(
    scores_N: Sequence[float], right_N: Sequence[bool], n: int, *, ties: Ties = "average"
) -> float:
    """Expected accuracy of the best-scored of n candidates, over all size-n subsets. In [0, 1].

    scores_N: [N] any finite numbers; only their order counts.
    right_N: [N] is each candidate right?
    n: in 1..N. n = 1 gives the mean of `right_N`.
    ties: "average" takes equal scores in random order, so that the order of the
      pool does not matter; "first" takes the earliest, as an argmax does.

    O(N log N). N = 0 is refused: there is nothing to choose from.
    """
    right, starts = _score_groups(scores_N, right_N, ties)
    whole_between(n, "n", 1, len(right))
    return _expected_right(right, starts, n)


def best_of_n_curve(
    scores_N: Sequence[float], right_N: Sequence[bool], *, ties: Ties = "average"
) -> Floats:
    """`best_of_n` for n = 1..N, [N]. O(N^2)."""
    right, starts = _score_groups(scores_N, right_N, ties)
    return np.array([_expected_right(right, starts, n) for n in range(1, len(right) + 1)])


def _score_groups(
    scores_N: Sequence[float], right_N: Sequence[bool], ties: Ties
) -> tuple[Bools, Ints]:
    """`right` sorted upwards by score, and where each group of equal scores starts."""
    scores, right = finite_numbers(scores_N, "scores"), outcomes(right_N, "right")
    same_length(scores=len(scores), right=len(right))
    if not len(scores):
        raise InputError("best-of-n needs at least one candidate, got none; drop the problem")
    if ties not in ("average", "first"):
        raise InputError(f"ties must be 'average' or 'first', got {ties!r}")
    order = np.lexsort((-np.arange(len(scores)), scores))  # the earliest of equals comes last
    rises = np.diff(scores[order]) > 0 if ties == "average" else np.ones(len(scores) - 1, bool)
    return right[order], np.flatnonzero(np.concatenate(([True], rises)))


def _expected_right(right: Bools, starts: Ints, n: int) -> float:
    borders = np.append(starts, len(right))
    chance = np.diff(share_within(len(right), n)[borders])
    mean_right = np.add.reduceat(right.astype(np.float64), starts) / np.diff(borders)
    return float(chance @ mean_right)


def coverage(right_N: Sequence[bool], n: int) -> float:
    """pass@n: is any of n candidates right, over all size-n subsets? In [0, 1]. n in 1..N."""
    right = outcomes(right_N, "right")
    return pass_at_k(len(right), int(right.sum()), n)


def coverage_curve(right_N: Sequence[bool]) -> Floats:
    """`coverage` for n = 1..N, [N]; what a perfect selector would reach."""
    right = outcomes(right_N, "right")
    return pass_at_k_curve(len(right), int(right.sum()))


# --- votes -----------------------------------------------------------------


def majority(answers_N: Sequence[A | None], *, same: Same[A] | None = None) -> int | None:
    """Index of the first candidate of the class with most answers; None if nobody votes."""
    classes = answer_classes(answers_N, same=same)
    return _elect(classes, [1.0] * len(classes), range(len(classes)))


def weighted_vote(
    answers_N: Sequence[A | None], weights_N: Sequence[float], *, same: Same[A] | None = None
) -> int | None:
    """Index of the first candidate of the class with most weight; None if nobody votes.

    weights_N: [N] finite and not negative (a negative weight would make a second
      vote for an answer count against it). Equal weights give `majority`.
    """
    classes = answer_classes(answers_N, same=same)
    weights = vote_weights(weights_N, len(classes)).tolist()
    return _elect(classes, weights, range(len(classes)))


def vote_accuracy(
    answers_N: Sequence[A | None],
    right_N: Sequence[bool],
    n: int,
    *,
    rng: np.random.Generator,
    weights_N: Sequence[float] | None = None,
    same: Same[A] | None = None,
    draws: int = 200,
) -> float:
    """Expected accuracy of a vote among n of the N candidates and over their orders. In [0, 1].

    A majority is exact over all subsets (to N = 512) and leaves `rng` alone, and so is a vote
    of all, n = N. Other votes have no closed form: they are means over `draws` random subsets
    (standard error at most 0.5 / sqrt(draws)). Equal generators draw equal subsets.

    weights_N: [N] as in `weighted_vote`; None is a majority vote.
    n: in 1..N, hence N = 0 is refused.
    """
    right, classes = outcomes(right_N, "right"), answer_classes(answers_N, same=same)
    same_length(answers=len(classes), right=len(right))
    whole_between(n, "n", 1, len(right))
    if draws < 1:
        raise InputError(f"draws must be at least 1, got {draws}")
    if weights_N is None and len(right) <= MOST:
        return majority_of(classes, right.tolist(), n)
    weights = [1.0] * len(right)
    if weights_N is not None:
        weights = vote_weights(weights_N, len(right)).tolist()
    votes = [
        expected_right(classes, weights, right.tolist(), picks)
        for picks in _subsets(len(right), n, draws, rng)
    ]
    return math.fsum(votes) / len(votes)


def vote_curve(
    answers_N: Sequence[A | None],
    right_N: Sequence[bool],
    *,
    rng: np.random.Generator,
    weights_N: Sequence[float] | None = None,
    same: Same[A] | None = None,
    draws: int = 200,
) -> Floats:
    """`vote_accuracy` for n = 1..N, [N]. O(draws * N^2); [] for no candidates."""
    classes = answer_classes(answers_N, same=same)
    return np.array(
        [
            vote_accuracy(classes, right_N, n, rng=rng, weights_N=weights_N, draws=draws)
            for n in range(1, len(classes) + 1)
        ],
        dtype=np.float64,
    )


def _subsets(total: int, n: int, draws: int, rng: np.random.Generator) -> Iterable[Sequence[int]]:
    if n == total:
        return [range(total)]
    picks_R_n = rng.random((draws, total)).argsort(axis=1)[:, :n]
    picks_R_n.sort(axis=1)
    listed: list[list[int]] = picks_R_n.tolist()
    return listed


def _elect(
    classes_N: Sequence[int | None], weights_N: Sequence[float], picks: Iterable[int]
) -> int | None:
    """The first pick of the heaviest class."""
    return next(iter(heaviest_class(classes_N, weights_N, picks)), None)
