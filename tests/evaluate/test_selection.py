"""Selection against enumeration of every subset, and the laws it must obey."""

from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surefoot.core.errors import InputError
from surefoot.evaluate import (
    answer_classes,
    best_of_n,
    best_of_n_curve,
    coverage,
    coverage_curve,
    majority,
    pass_at_k,
    vote_accuracy,
    vote_curve,
    weighted_vote,
)

# few distinct scores, so that ties are common
CANDIDATES = st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=7)
VOTERS = st.lists(st.sampled_from([None, "a", "b", "c"]), min_size=1, max_size=9)


def rng():
    return np.random.default_rng(0)


def mean(values):
    return sum(values) / len(values)


def enumerated(scores, right, n, ties):
    def accuracy(subset):
        top = max(scores[i] for i in subset)
        tied = [right[i] for i in subset if scores[i] == top]
        return tied[0] if ties == "first" else mean(tied)

    return mean([accuracy(subset) for subset in combinations(range(len(scores)), n)])


# --- best of n


def test_best_of_two_of_three_by_hand():
    # subsets {0,1} -> 1, {0,2} -> 2, {1,2} -> 2: the right one wins two of three
    assert best_of_n([0.1, 0.2, 0.3], [True, False, True], 2) == pytest.approx(2 / 3)


@settings(max_examples=80, deadline=None)
@given(candidates=CANDIDATES, ties=st.sampled_from(["average", "first"]), data=st.data())
def test_best_of_n_equals_enumeration(candidates, ties, data):
    scores, right = zip(*candidates, strict=True)
    n = data.draw(st.integers(1, len(scores)))
    expected = enumerated(scores, right, n, ties)
    assert best_of_n(scores, right, n, ties=ties) == pytest.approx(expected, abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(right=st.lists(st.booleans(), min_size=1, max_size=40), data=st.data())
def test_constant_scores_choose_at_random_and_oracle_scores_cover(right, data):
    n = data.draw(st.integers(1, len(right)))
    assert best_of_n([0.3] * len(right), right, n) == pytest.approx(mean(right), abs=1e-12)
    assert best_of_n(right, right, n) == pass_at_k(len(right), sum(right), n)  # to the last bit


@settings(max_examples=40, deadline=None)
@given(candidates=CANDIDATES)
def test_only_the_order_of_scores_counts(candidates):
    scores, right = zip(*candidates, strict=True)
    risen = [np.exp(score) - 7 for score in scores]
    assert best_of_n_curve(scores, right).tolist() == best_of_n_curve(risen, right).tolist()


@settings(max_examples=40, deadline=None)
@given(candidates=CANDIDATES, seed=st.integers(0, 9))
def test_averaged_ties_make_the_order_of_the_pool_irrelevant(candidates, seed):
    moved = [candidates[i] for i in np.random.default_rng(seed).permutation(len(candidates))]
    before, after = (best_of_n_curve(*zip(*c, strict=True)) for c in (candidates, moved))
    assert before == pytest.approx(after, abs=1e-12)


def test_first_takes_the_argmax_of_the_whole_pool():
    scores, right = [0.5, 0.9, 0.9], [False, True, False]
    assert best_of_n(scores, right, 3, ties="first") == 1.0
    assert best_of_n(scores, right, 3) == 0.5


def test_curve_is_best_of_every_n_and_large_pools_stay_in_range():
    scores, right = [3, 1, 2, 2], [True, False, True, False]
    expected = [best_of_n(scores, right, n) for n in (1, 2, 3, 4)]
    assert best_of_n_curve(scores, right).tolist() == expected
    many = rng().random(2000)
    for n in (1, 1000, 2000):
        assert best_of_n(many, many > 0.5, n) == pytest.approx(
            pass_at_k(2000, int((many > 0.5).sum()), n), abs=1e-12
        )


@pytest.mark.parametrize(
    ("scores", "right", "n", "message"),
    [
        ([], [], 1, "at least one candidate"),
        ([0.1], [True], 2, r"n must be in 1\.\.1, got 2"),
        ([0.1, float("nan")], [True, False], 1, r"scores\[1\] is nan"),
        ([0.1, None], [True, False], 1, r"scores\[1\]"),
        ([0.1], [True, False], 1, "scores has 1, right has 2"),
        ([0.1, 0.2], [True, None], 1, r"right\[1\] is None"),
    ],
)
def test_bad_candidates_are_refused(scores, right, n, message):
    with pytest.raises(InputError, match=message):
        best_of_n(scores, right, n)


def test_unknown_tie_rule_is_refused():
    with pytest.raises(InputError, match="'average' or 'first', got 'last'"):
        best_of_n([0.1], [True], 1, ties="last")


def test_coverage_is_pass_at_n():
    right = [True, False, False, False]
    assert coverage(right, 2) == pytest.approx(0.5)
    assert coverage_curve(right) == pytest.approx([0.25, 0.5, 0.75, 1])


# --- votes


@pytest.mark.parametrize(
    ("answers", "chosen"),
    [
        (["a", "b", "b"], 1),
        (["b", "a", "a", "b"], 0),  # tied: the class seen first
        ([None, None, "a"], 2),  # two unreadable answers are not a majority
        ([None, None], None),
        ([], None),
    ],
)
def test_majority(answers, chosen):
    assert majority(answers) == chosen


def test_weights_overrule_numbers():
    assert weighted_vote(["a", "a", "b"], [0.2, 0.2, 0.5]) == 2
    assert weighted_vote(["a", "a", "b"], [0.2, 0.3, 0.5]) == 0  # tied: the class seen first
    assert weighted_vote([None, "b"], [9.0, 0.0]) == 1


def test_ten_tenths_tie_with_one_whatever_the_rounding():
    assert weighted_vote(["b"] * 10 + ["a"], [0.1] * 10 + [1.0]) == 0


@settings(max_examples=60, deadline=None)
@given(answers=VOTERS, weight=st.floats(1e-6, 1e6))
def test_constant_weights_are_a_majority(answers, weight):
    assert weighted_vote(answers, [weight] * len(answers)) == majority(answers)


def test_classes_by_a_function_join_the_first_match():
    near = lambda a, b: abs(a - b) <= 1  # noqa: E731
    assert answer_classes([1, None, 2, 3, None, 9], same=near) == [0, None, 0, 1, None, 2]
    assert answer_classes(["18", "18.0"], same=lambda a, b: float(a) == float(b)) == [0, 0]
    assert answer_classes(["18", "18.0"]) == [0, 1]


@settings(max_examples=40, deadline=None)
@given(answers=VOTERS)
def test_class_ids_vote_like_the_answers_they_stand_for(answers):
    assert majority(answer_classes(answers)) == majority(answers)
    equal = lambda a, b: a == b  # noqa: E731
    assert answer_classes(answers, same=equal) == answer_classes(answers)


def test_vote_accuracy_is_the_mean_over_all_subsets_and_orders():
    answers, right = ["a", "b", "a", None, "c", "b", "b"], [1, 0, 1, 0, 0, 0, 0]
    weights = [0.9, 0.2, 0.8, 1.0, 0.5, 0.1, 0.6]

    def accuracy(subset, w):
        chosen = weighted_vote([answers[i] for i in subset], [w[i] for i in subset])
        return 0 if chosen is None else right[subset[chosen]]

    exact = mean([accuracy(s, [1] * 7) for s in permutations(range(7), 3)])
    assert vote_accuracy(answers, right, 3, rng=rng()) == pytest.approx(exact, abs=1e-12)
    exact = mean([accuracy(s, weights) for s in permutations(range(7), 3)])
    found = vote_accuracy(answers, right, 3, rng=rng(), weights_N=weights, draws=4000)
    assert found == pytest.approx(exact, abs=0.03)


def test_vote_curve_starts_near_chance_and_ends_at_the_vote():
    answers, right = ["a", "b", "a", "c"], [True, False, True, False]
    curve = vote_curve(answers, right, rng=rng(), weights_N=[1, 5, 1, 1], draws=500)
    assert curve[0] == pytest.approx(0.5, abs=0.1)
    assert curve[-1] == 0.0
    assert vote_curve(answers, right, rng=rng())[-1] == 1.0
    assert vote_curve([], [], rng=rng()).shape == (0,)


def test_nobody_voting_is_not_right():
    assert vote_accuracy([None, None], [True, True], 2, rng=rng()) == 0.0


def test_the_whole_pool_is_one_exact_vote_and_leaves_the_generator_alone():
    generator = rng()
    vote_accuracy(["a", "b"], [True, False], 2, rng=generator)
    assert generator.random() == rng().random()


def test_equal_generators_equal_figures():
    arguments = (["a", "b", "b", "c", "c"], [1, 0, 0, 1, 1], 3)
    assert vote_accuracy(*arguments, rng=rng()) == vote_accuracy(*arguments, rng=rng())


def test_majority_wins_in_every_order_unless_tied():
    for order in set(permutations("aab")):
        assert order[majority(order)] == "a"


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([0.1, -0.1], r"weights\[1\] is -0.1; expected 0 or more"),
        ([0.1, float("inf")], r"weights\[1\] is inf"),
        ([0.1], "answers has 2, weights has 1"),
    ],
)
def test_bad_weights_are_refused(weights, message):
    with pytest.raises(InputError, match=message):
        weighted_vote(["a", "b"], weights)


def test_bad_draws_are_refused():
    with pytest.raises(InputError, match="draws must be at least 1, got 0"):
        vote_accuracy(["a", "b"], [True, False], 1, rng=rng(), draws=0)
