"""Votes at every n against the enumeration of every subset in every order."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.core.errors import InputError
from surefoot.evaluate import drawn_vote_curves, majority_curve, vote_accuracy, weighted_vote
from surefoot.evaluate.votes import majority_of

VOTERS = st.lists(
    st.tuples(st.sampled_from([None, "a", "b", "c"]), st.booleans()), min_size=1, max_size=5
)


def rng():
    return np.random.default_rng(0)


def enumerated(answers, right, weights, n):
    """Mean over all subsets in all orders of: is the vote's candidate right? First of ties wins."""
    found = []
    for subset in permutations(range(len(answers)), n):
        chosen = weighted_vote([answers[i] for i in subset], [weights[i] for i in subset])
        found.append(chosen is not None and right[subset[chosen]])
    return sum(found) / len(found)


def test_majority_of_three_by_hand():
    # n=1: 2/3. n=2: {a,a} right, both {a,b} tie and each comes first half the time: 2/3. n=3: a.
    for answers in ("aab", "aba", "baa"):
        right = [a == "a" for a in answers]
        assert majority_curve(list(answers), right).tolist() == pytest.approx([2 / 3, 2 / 3, 1])


def test_two_votes_are_worth_one():
    """They agree or tie, and in a tie the one drawn first decides."""
    answers, right = ["a", "b", "c", "b", "a", "b"], [True, False, True, False, True, False]
    curve = majority_curve(answers, right)
    assert curve[1] == pytest.approx(curve[0]) == pytest.approx(0.5)


@given(VOTERS, st.randoms())
def test_the_order_of_the_file_changes_nothing(voters, random):
    shuffled = random.sample(voters, len(voters))
    for n in range(1, len(voters) + 1):
        both = [
            vote_accuracy(*zip(*rows, strict=True), n, rng=rng(), weights_N=None)
            for rows in (voters, shuffled)
        ]
        assert both[0] == pytest.approx(both[1], abs=1e-12)
    whole = [
        vote_accuracy(*zip(*rows, strict=True), len(rows), rng=rng(), weights_N=[1] * len(rows))
        for rows in (voters, shuffled)
    ]
    assert whole[0] == pytest.approx(whole[1], abs=1e-12)


@given(VOTERS)
def test_one_entry_of_the_curve(voters):
    answers, right = zip(*voters, strict=True)
    found = [majority_of(answers, right, n) for n in range(1, len(right) + 1)]
    assert found == pytest.approx(majority_curve(answers, right).tolist(), abs=1e-12)


@given(VOTERS)
def test_majority_is_exact(voters):
    answers, right = zip(*voters, strict=True)
    expected = [enumerated(answers, right, [1] * len(right), n) for n in range(1, len(right) + 1)]
    assert majority_curve(answers, right) == pytest.approx(expected, abs=1e-12)


def test_majority_approaches_the_law_of_large_numbers():
    """P(correct) above any other: accuracy rises to 1 (and below: falls to 0)."""
    answers = ["r"] * 60 + ["w"] * 40 + ["v"] * 20
    order = rng().permutation(len(answers))
    right = [answers[i] == "r" for i in order]
    curve = majority_curve([answers[i] for i in order], right)
    assert curve[0] == pytest.approx(0.5)
    assert curve[0] < curve[10] < curve[30] < curve[60]
    assert curve[100:] == pytest.approx(1)  # 19 left out: 41 right ones or more against 40
    wrong = majority_curve([answers[i] for i in order], [answers[i] == "w" for i in order])
    assert wrong[90] < 0.01


def test_majority_of_many_is_precise_and_of_too_many_refused():
    answers, right = ["a", "b"] * 150, [True, False] * 150
    curve = majority_curve(answers, right)
    assert np.all((curve >= 0) & (curve <= 1 + 1e-9))
    assert curve == pytest.approx(0.5, abs=1e-9)  # by symmetry, ties included
    with pytest.raises(InputError, match="at most 512 candidates, got 513"):
        majority_curve(["a"] * 513, [True] * 513)


def test_nothing_to_vote_on():
    assert majority_curve([], []).shape == (0,)
    assert majority_curve([None, None], [True, True]).tolist() == [0, 0]
    assert drawn_vote_curves([None], [True], [[1.0]], rng=rng()).tolist() == [[0]]
    assert drawn_vote_curves(["a"], [True], [], rng=rng()).shape == (0, 1)


@given(VOTERS, st.lists(st.integers(0, 3), min_size=5, max_size=5))
def test_drawn_curves_end_at_the_exact_vote(voters, weights):
    answers, right = zip(*voters, strict=True)
    weights = [w / 10 for w in weights[: len(right)]]
    curve = drawn_vote_curves(answers, right, [weights], rng=rng(), draws=8)[0]
    whole = vote_accuracy(answers, right, len(right), rng=rng(), weights_N=weights)
    assert curve[-1] == pytest.approx(whole, abs=1e-12)
    assert whole == pytest.approx(enumerated(answers, right, weights, len(right)), abs=1e-12)


def test_drawn_curves_approach_enumeration():
    answers, right = ["a", "b", "a", None, "c", "b"], [1, 0, 1, 0, 0, 0]
    weights = [[1.0] * 6, [0.9, 0.2, 0.8, 1.0, 0.5, 0.1]]
    curves = drawn_vote_curves(answers, right, weights, rng=rng(), draws=20_000)
    for curve, w in zip(curves, weights, strict=True):
        expected = [enumerated(answers, right, w, n) for n in range(1, 7)]
        assert curve == pytest.approx(expected, abs=0.015)
    assert curves[0] == pytest.approx(majority_curve(answers, right), abs=0.015)


def test_ten_tenths_tie_with_one_whatever_the_rounding():
    curve = drawn_vote_curves(
        ["b"] * 10 + ["a"], [True] * 10 + [False], [[0.1] * 10 + [1.0]], rng=rng(), draws=4
    )
    assert curve[0, -1] == pytest.approx(10 / 11)  # any of the eleven comes first


@pytest.mark.parametrize(
    ("weights", "draws", "message"),
    [
        ([[0.1, -0.1]], 1, r"weights\[1\] is -0.1; expected 0 or more"),
        ([[0.1]], 1, "answers has 2, weights has 1"),
        ([[1, 1]], 0, "draws must be at least 1, got 0"),
    ],
)
def test_bad_weights_and_draws_are_refused(weights, draws, message):
    with pytest.raises(InputError, match=message):
        drawn_vote_curves(["a", "b"], [True, False], weights, rng=rng(), draws=draws)
