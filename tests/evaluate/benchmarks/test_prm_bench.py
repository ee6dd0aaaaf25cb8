"""PRMScore on tables worked by hand, the published data's counts, and refusals."""

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.core.errors import InputError
from surefoot.core.types import Kind, Problem, Step, StepScores, Trace
from surefoot.evaluate.benchmarks import (
    PRM_BENCH,
    Case,
    decide_all,
    figures_of,
    resampled_table,
    score_cases,
    threshold_of,
)
from surefoot.evaluate.benchmarks.prm_bench import CATEGORIES, CLASSES, Steps, choose, read


def case(number, right, *, group="circular", twin=None):
    trace = Trace(
        Problem(str(number), f"p{number}"), tuple(Step(str(i)) for i in range(len(right)))
    )
    name = f"{group}_{number}"
    return Case(name, group, f"p{number}", (trace,), Steps(tuple(map(bool, right)), twin or "none"))


def figures(cases, predictions):
    table = resampled_table(PRM_BENCH, cases, predictions, resamples=20)
    return {
        row: {name: i and i.estimate for name, i in columns.items()}
        for row, columns in figures_of(table).items()
    }


def test_prm_score_by_hand():
    """TP 4, FP 1, TN 2, FN 1: F1 = 8/10, F1- = 4/6, PRMScore = 11/15."""
    cases = [case(0, [1, 1, 0, 0]), case(1, [1, 1, 1, 0])]
    told = figures(cases, [(True, False, False, True), (True, True, True, False)])["circular"]
    assert told["f1"] == pytest.approx(8 / 10)
    assert told["negative_f1"] == pytest.approx(4 / 6)
    assert told["prm_score"] == pytest.approx(11 / 15)
    assert told["good_accepted"] == pytest.approx(4 / 5)
    assert told["bad_rejected"] == pytest.approx(2 / 3)
    assert told["accuracy"] == pytest.approx(6 / 8)
    assert told["first_error_rejected"] == 1  # steps 2 and 3


def test_the_total_pools_steps_and_a_category_averages_classes():
    """redundency: TP 1, TN 1 of 2 steps: 1. circular: FP 2, FN 1, TP 1: F1 2/5, F1- 0: 1/5.

    Mean 3/5; pooled TP 2, FP 2, TN 1, FN 1: F1 4/7, F1- 2/5: 17/35.
    """
    cases = [case(0, [1, 0], group="redundency"), case(1, [1, 1, 0, 0])]
    told = figures(cases, [(True, False), (True, False, True, True)])
    assert told["redundency"]["prm_score"] == 1
    assert told["circular"]["prm_score"] == pytest.approx(1 / 5)
    assert told["simplicity"]["prm_score"] == pytest.approx(3 / 5)
    assert told["overall"]["prm_score"] == pytest.approx(17 / 35)
    assert "soundness" not in told  # only two of the nine classes are here


def test_multi_solutions_has_only_f1():
    told = figures([case(0, [1, 1, 1], group="multi_solutions")], [(True, True, False)])
    assert told["multi_solutions"]["prm_score"] == pytest.approx(4 / 5)
    assert told["multi_solutions"]["bad_rejected"] is None  # there is none
    assert told["multi_solutions"]["negative_f1"] == 0  # a good step was rejected
    kept = figures([case(0, [1, 1, 1], group="multi_solutions")], [(True,) * 3])
    assert kept["multi_solutions"]["negative_f1"] is None  # official: -1


def test_accepting_or_rejecting_everything_has_one_f1_of_zero():
    cases = [case(0, [1, 1, 0])]
    assert figures(cases, [(True,) * 3])["overall"]["negative_f1"] == 0
    told = figures(cases, [(False,) * 3])["overall"]
    assert told["f1"] == 0
    assert told["prm_score"] == pytest.approx(0.5 * 2 * 1 / (2 * 1 + 2))


def test_likeness_to_the_right_twin():
    cases = [
        case(0, [1, 0, 0, 0], twin="correct_0"),  # accepts 1/4
        case(1, [1, 0], twin="correct_1"),  # accepts 1/2, its twin nothing
        case(2, [1, 0], twin="correct_2"),  # its twin is not there
        case(0, [1, 1, 1], group="correct"),
        case(1, [1], group="correct"),
    ]
    predictions = [(True, False, False, False), (True, False), (True, True), (True,) * 3, (False,)]
    told = figures(cases, predictions)
    assert told["circular"]["unlike_twin"] == pytest.approx((3 / 4 + 1 / 2) / 2)
    assert "correct" not in told
    assert told["overall"]["good_accepted"] == 1  # the twins' steps are not in it


def test_cases_without_a_prediction_are_told_apart():
    cases = [case(0, [1, 0]), case(1, [1, 0])]
    told = figures(cases, [(True, False), None])["overall"]
    assert told["prm_score"] == 1
    assert told["answered"] == 0.5
    nothing = figures(cases, [None, None])["overall"]
    assert nothing["prm_score"] is nothing["accuracy"] is None


# --- predictions -----------------------------------------------------------


def test_a_step_is_accepted_above_the_threshold_not_at_it():
    here = [case(0, [1, 0])]
    scores = [(StepScores(Kind.CORRECTNESS, (0.51, 0.5), "x"),)]
    threshold = threshold_of(PRM_BENCH.rule, here, scores)
    assert decide_all(PRM_BENCH.rule, here, scores, threshold) == [(True, False)]


def test_too_few_scores_are_refused_the_official_loop_ran_over_predictions():
    """Cutting to the shorter raises scores: the hard ends of long solutions drop out."""
    here = case(0, [1, 1, 0])
    with pytest.raises(InputError, match="has 3 steps and got 2 scores"):
        score_cases([here], lambda ts: [StepScores(Kind.CORRECTNESS, (0.9, 0.9), "x")])
    with pytest.raises(InputError, match="'prediction' has 2 entries for the 3 steps"):
        read(here, {"prediction": [True, True]})
    with pytest.raises(InputError, match="'validity' has 4 entries for the 3 steps"):
        read(here, {"validity": [1, 1, 1, -1]})


def test_a_critics_redundancy_goes_first_in_its_classes():
    row = {"validity": [1, 0.2, -0.1], "redundancy": [-1, 0.4, -0.5]}
    assert read(case(0, [1, 1, 1], group="circular"), row) == (True, False, True)
    assert read(case(0, [1, 1, 1], group="confidence"), row) == (True, True, False)
    assert read(case(0, [1, 1, 1]), {"validity": [1, 0, -1]}) == (True, False, False)
    assert read(case(0, [1, 1, 1]), {"prediction": None}) is None
    with pytest.raises(InputError, match="'prediction' is missing"):
        read(case(0, [1]), {})


def brute_force(cases, scores, levels):
    def value(threshold):
        found = [tuple(v > threshold for v in s[0].values) for s in scores]
        return figures(cases, found)["overall"]["prm_score"]

    return max(map(value, levels))


@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from([-2.0, -0.5, 0.0, 0.25, 3.0])), min_size=2)
)
def test_no_threshold_beats_the_chosen_one(steps):
    right, values = zip(*steps, strict=True)
    here, scores = [case(0, right)], [(StepScores(Kind.LOGIT, values, "x"),)]
    if all(right) or not any(right):
        with pytest.raises(InputError, match="good and bad steps"):
            choose(here, scores)
        return
    chosen = choose(here, scores)
    best = brute_force(here, scores, [chosen])
    assert best == pytest.approx(brute_force(here, scores, [-3.0, -2.0, -0.5, 0.0, 0.25, 3.0]))


# --- the published data ----------------------------------------------------

ROWS = {
    "circular": 758, "redundency": 758, "step_contradiction": 758, "counterfactual": 757,
    "confidence": 757, "domain_inconsistency": 757, "missing_condition": 756, "deception": 750,
    "multi_solutions": 160, "correct": 758,
}  # fmt: skip


@pytest.fixture(scope="module")
def cases(data):
    return PRM_BENCH.load(data / "prmbench")


def test_every_class_has_its_published_count(cases):
    assert Counter(c.group for c in cases) == ROWS
    assert sorted(CLASSES) == sorted(set(ROWS) - {"correct"})
    assert all(c.truth.twin in {x.id for x in cases} for c in cases[:50])


def test_errors_beyond_the_steps_mark_nothing(cases):
    for case in cases:
        assert len(case.truth.right) == len(case.traces[0].steps)
    faultless = Counter(c.group for c in cases if all(c.truth.right))
    assert faultless == {
        "multi_solutions": 160,
        "correct": 758,
        "missing_condition": 9,
        "confidence": 5,
        "counterfactual": 1,
        "deception": 1,
    }


def test_the_perfect_predictor_and_constants(cases):
    perfect = figures(cases, [PRM_BENCH.perfect(c) for c in cases])
    rows = [*CLASSES, *CATEGORIES, "overall"]
    assert [perfect[row]["prm_score"] for row in rows] == [1] * 13
    accepted = figures(cases, [(True,) * len(c.truth.right) for c in cases])["overall"]
    assert accepted["negative_f1"] == 0
    assert accepted["prm_score"] == pytest.approx(accepted["f1"] / 2)


def test_chance_is_where_it_should_be(cases):
    """Fair coins on g good and b bad steps: F1 = 2 (g/2) / (3 g/2 + b/2), F1- alike."""
    rng = np.random.default_rng(0)
    found = figures(cases, [tuple(rng.random(len(c.truth.right)) < 0.5) for c in cases])["overall"]
    steps = [good for c in cases if c.group != "correct" for good in c.truth.right]
    g, b = sum(steps), len(steps) - sum(steps)
    expected = (2 * g / (3 * g + b) + 2 * b / (3 * b + g)) / 2
    assert found["prm_score"] == pytest.approx(expected, abs=0.01)


def test_other_classes_are_refused(data, tmp_path):
    path = tmp_path / "circular.jsonl"
    row = {
        "original_question": "q", "modified_question": "q", "original_process": ["a"],
        "modified_process": ["a"], "modified_steps": [], "error_steps": [], "reason": "",
        "idx": "0", "question": "q", "classification": "novel",
    }  # fmt: skip
    path.write_text(json.dumps(row))
    with pytest.raises(InputError, match=r"row '0': expected a class of .* got 'novel'"):
        PRM_BENCH.load(path)
