"""First errors, labels and ranking against hand counts and exhaustive search."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from surefoot.core.errors import InputError
from surefoot.evaluate import (
    NO_ERROR,
    choose_threshold,
    first_error_score,
    label_accuracy,
    macro_f1,
    pooled_auc,
    predict_first_error,
    within_problem_auc,
)

TRACES = st.lists(
    st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0]), min_size=1, max_size=4).flatmap(
        lambda scores: st.tuples(st.just(scores), st.integers(NO_ERROR, len(scores) - 1))
    ),
    min_size=2,
    max_size=8,
)


@pytest.mark.parametrize(
    ("scores", "threshold", "expected"),
    [
        ([0.9, 0.4, 0.1], 0.5, 1),
        ([0.9, 0.5], 0.5, NO_ERROR),  # strictly below
        ([0.4], 0.5, 0),
        ([-3.0, 2.0], 0.0, 0),
    ],
)
def test_first_step_below_the_threshold(scores, threshold, expected):
    assert predict_first_error(scores, threshold) == expected


def test_f1_by_hand():
    # erroneous: 1 of 2 found; correct: 3 of 4 without alarm
    found = first_error_score([2, 0, -1, -1, -1, 3], [2, 1, -1, -1, -1, -1])
    assert (found.on_erroneous, found.on_correct) == (0.5, 0.75)
    assert (found.erroneous, found.correct, found.abstained) == (2, 4, 0)
    assert found.f1 == pytest.approx(0.6)


@pytest.mark.parametrize("constant", [NO_ERROR, 0, 1])
def test_a_constant_predictor_scores_zero(constant):
    assert first_error_score([constant] * 3, [2, NO_ERROR, 3]).f1 == 0.0


def test_abstention_is_never_a_hit_and_is_counted():
    found = first_error_score([None, None], [0, NO_ERROR])
    assert (found.f1, found.abstained) == (0.0, 2)


def test_f1_without_one_sort_of_trace_is_unknown():
    assert first_error_score([0], [0]).f1 is None
    assert first_error_score([], []).on_correct is None


def f1_at(scores, oracle, threshold):
    return first_error_score([predict_first_error(s, threshold) for s in scores], oracle).f1


@settings(max_examples=80, deadline=None)
@given(traces=TRACES)
def test_no_threshold_beats_the_chosen_one(traces):
    scores, oracle = zip(*traces, strict=True)
    assume(any(t == NO_ERROR for t in oracle) and any(t != NO_ERROR for t in oracle))
    best = f1_at(scores, oracle, choose_threshold(scores, oracle))
    everywhere = [f1_at(scores, oracle, t) for t in np.linspace(-0.1, 1.1, 241)]
    assert best == pytest.approx(max(everywhere), abs=1e-12)


def test_the_middle_of_the_best_stretch_is_chosen():
    assert choose_threshold([[0.9, 0.2], [0.8, 0.6]], [1, NO_ERROR]) == pytest.approx(0.4)


def test_neighbouring_floats_can_be_told_apart():
    low = 0.5
    high = np.nextafter(low, 1)
    threshold = choose_threshold([[1.0, low], [1.0, high]], [1, NO_ERROR])
    assert f1_at([[1.0, low], [1.0, high]], [1, NO_ERROR], threshold) == 1.0


@pytest.mark.parametrize(
    ("scores", "oracle", "message"),
    [
        ([[0.1]], [0], "expected erroneous and correct traces, got 1 and 0"),
        ([], [], "got 0 and 0"),
        ([[0.1], []], [0, -1], "trace 1 has 0 scored steps"),
        ([[0.1], [0.2]], [1, -1], "trace 0 has 1 scored steps and its first error at 1"),
        ([[0.1], [float("nan")]], [0, -1], r"scores\[1\]\[0\] is nan"),
        ([[0.1]], [0, -1], "scores has 1, oracle has 2"),
    ],
)
def test_threshold_needs_both_sorts_and_sound_scores(scores, oracle, message):
    with pytest.raises(InputError, match=message):
        choose_threshold(scores, oracle)


def test_a_trace_without_steps_and_an_impossible_oracle_are_refused():
    with pytest.raises(InputError, match="without steps"):
        predict_first_error([], 0.5)
    with pytest.raises(InputError, match=r"oracle\[1\] is -2"):
        first_error_score([0, 0], [0, -2])


# --- labels


def test_abstentions_are_neither_right_nor_wrong():
    found = label_accuracy([True, False, None, True, None], [True, True, False, None, None])
    assert (found.right, found.wrong, found.abstained, found.unknown) == (1, 1, 1, 2)
    assert found.accuracy == 0.5
    assert found.answered == pytest.approx(2 / 3)


def test_nothing_answered_is_unknown():
    assert label_accuracy([None], [True]).accuracy is None
    assert label_accuracy([None], [True]).answered == 0.0
    assert label_accuracy([], []).answered is None
    with pytest.raises(InputError, match="labels has 1, oracle has 0"):
        label_accuracy([True], [])


# --- ranking


def test_auc_by_hand_with_half_for_ties():
    scores, right = [0.9, 0.5, 0.5, 0.1], [True, True, False, False]
    assert within_problem_auc(scores, right, ["p"] * 4) == pytest.approx(3.5 / 4)


def test_problems_are_compared_with_themselves_only():
    # the harder problem q has lower scores throughout; p is ranked well, q badly
    scores, right = [0.9, 0.8, 0.2, 0.1, 0.7], [True, False, False, True, True]
    assert within_problem_auc(scores, right, ["p", "p", "q", "q", "r"]) == pytest.approx(0.5)


def test_no_mixed_problem_is_unknown():
    assert within_problem_auc([0.1, 0.2], [True, False], ["p", "q"]) is None
    assert within_problem_auc([], [], []) is None


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=10))
def test_auc_equals_counting_pairs(scored):
    scores, right = zip(*scored, strict=True)
    ours = [s for s, r in scored if r]
    theirs = [s for s, r in scored if not r]
    pairs = [(a > b) + 0.5 * (a == b) for a in ours for b in theirs]
    found = within_problem_auc(scores, right, ["p"] * len(scored))
    assert found == (pytest.approx(sum(pairs) / len(pairs)) if pairs else None)


def test_bad_ranking_input_is_refused():
    with pytest.raises(InputError, match="problems has 1"):
        within_problem_auc([0.1, 0.2], [True, False], ["p"])


# --- over all problems -----------------------------------------------------


def test_the_pooled_auc_rewards_knowing_the_problem():
    scores, right, problems = [0.9, 0.8, 0.3, 0.2], [True, True, False, False], ["p", "p", "q", "q"]
    assert pooled_auc(scores, right) == 1.0
    assert within_problem_auc(scores, right, problems) is None
    assert pooled_auc([0.1, 0.1, 0.5], [True, False, False]) == pytest.approx(0.25)
    assert pooled_auc([0.1, 0.2], [True, True]) is pooled_auc([], []) is None
    with pytest.raises(InputError, match="scores has 2, right has 1"):
        pooled_auc([0.1, 0.2], [True])


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=12))
def test_the_pooled_auc_is_that_of_one_problem(scored):
    scores, right = zip(*scored, strict=True)
    assert pooled_auc(scores, right) == within_problem_auc(scores, right, ["p"] * len(right))


def test_macro_f1_by_hand():
    # right: TP 2, FP 1, FN 1 -> 4/6; wrong: TP 1, FP 1, FN 1 -> 2/4
    said = [True, True, False, True, False]
    true = [True, True, True, False, False]
    assert macro_f1(said, true) == pytest.approx((4 / 6 + 2 / 4) / 2)
    # an abstention on a wrong step is its miss and no alarm: wrong 2/3, right as before
    assert macro_f1([True, True, False, None, False], true) == pytest.approx((4 / 5 + 2 / 4) / 2)
    assert macro_f1([*said, True], [*true, None]) == macro_f1(said, true)
    assert macro_f1([True], [True]) is macro_f1([], []) is None
    assert macro_f1([True, True], [True, False]) == pytest.approx(2 / 3 / 2)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30))
def test_macro_f1_is_that_of_a_known_library(pairs):
    metrics = pytest.importorskip("sklearn.metrics")
    said, true = zip(*pairs, strict=True)
    found = macro_f1(said, true)
    if len(set(true)) == 2:
        expected = metrics.f1_score(true, said, average="macro", zero_division=0)
        assert found == pytest.approx(expected)
    else:
        assert found is None
