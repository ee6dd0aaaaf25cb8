"""One problem as the page shows it: hand-made trees, and one property of all of them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from viewer_files import (
    PROBLEM,
    RIGHT,
    RIGHT_TRACE,
    WRONG,
    WRONG_TRACE,
    found,
    large_tree,
    trace,
    unfinished,
)

from surefoot.core.errors import InputError
from surefoot.core.records import labelled_record, scored_record, trace_record
from surefoot.core.tree import Tree
from surefoot.core.types import (
    Kind,
    LabelledTrace,
    Problem,
    StepLabel,
    StepScores,
    Verdict,
)
from surefoot.serve.viewer_tree import tree_record


def test_candidates_make_a_tree_with_the_checker_s_truth():
    row = found(RIGHT_TRACE, candidates=(WRONG_TRACE, RIGHT_TRACE), scores=(0.25, 0.75))
    view = tree_record(PROBLEM, [row])
    assert view["steps"] == ["", *WRONG, *RIGHT]
    assert view["parents"] == [-1, 0, 1, 0, 3]
    assert view["truth"] == [None, False, False, True, True]
    assert view["chosen"] == [4]
    assert view["ends"] == {
        "2": {"verdict": "wrong", "answer": "18", "total": 0.25},
        "4": {"verdict": "correct", "answer": "19", "total": 0.75},
    }
    assert set(view["reasons"]) == {"1", "2"}
    assert "computes a wrong result" in view["reasons"]["1"]
    assert view["by"] == {"truth": "an exact checker"}
    assert view.keys().isdisjoint({"scores", "labels", "values", "visits"})  # nothing is known


def test_a_search_s_own_tree_keeps_its_order_values_and_scores():
    tree = Tree()
    path = tree.add_path(WRONG_TRACE.steps, finished=True, verdict=Verdict.WRONG)
    tree.add_path(RIGHT_TRACE.steps, finished=True, verdict=Verdict.CORRECT)
    tree.back_up(path[-1], 0.5)
    tree.scores = [None, 0.1, 0.2, 0.8, 0.9]
    row = found(RIGHT_TRACE, candidates=(RIGHT_TRACE, WRONG_TRACE), scores=(0.9, 0.1), tree=tree)
    view = tree_record(PROBLEM, [row])
    assert view["steps"] == ["", *WRONG, *RIGHT]  # the tree's order, not the candidates'
    assert view["visits"] == [1, 1, 1, None, None]
    assert view["values"] == [0.5, 0.5, 0.5, None, None]
    assert view["scores"] == [None, 0.1, 0.2, 0.8, 0.9]
    assert view["scale"] == "unit"
    assert [view["ends"][n]["total"] for n in ("2", "4")] == [0.1, 0.9]


@pytest.mark.parametrize(("field", "value"), [("scores", math.inf), ("value_sums", math.nan)])
def test_a_tree_with_a_number_that_cannot_be_is_refused(field, value):
    tree = Tree()
    tree.add_path(RIGHT_TRACE.steps, finished=True, verdict=Verdict.CORRECT)
    tree.scores = [None, 0.1, 0.2]
    getattr(tree, field)[2] = value
    row = found(RIGHT_TRACE, candidates=(RIGHT_TRACE,), scores=(0.9,), tree=tree)
    with pytest.raises(InputError, match=rf"{field}\[2\]"):
        tree_record(PROBLEM, [row])


def test_an_unfinished_search_shows_the_tree_that_it_has():
    tree = Tree()
    tree.add_path(RIGHT_TRACE.steps[:1], finished=False)
    row = {**unfinished(), "tree": tree.to_json()}
    view = tree_record(PROBLEM, [row])
    assert (view["steps"], view["chosen"], view["ends"]) == (["", RIGHT[0]], [], {})
    assert tree_record(PROBLEM, [unfinished()])["steps"] == [""]


def test_labels_and_scores_of_other_runs_lie_on_the_steps_they_share():
    labelled = LabelledTrace(
        trace((RIGHT[0], "Something else"), Verdict.WRONG),
        (StepLabel(Kind.VALUE, 6, 8, "monte_carlo-8"), StepLabel(Kind.VALUE, 0, 8, "x")),
    )
    scores = StepScores(Kind.LOGIT, (2.0, -1.0), "prm")
    others = [labelled_record(labelled), scored_record(RIGHT_TRACE, scores)]
    view = tree_record(PROBLEM, [trace_record(RIGHT_TRACE)], others)
    assert view["steps"] == ["", *RIGHT]  # other runs' steps are not added
    assert view["labels"] == [None, 0.75, None]
    assert view["hard"] == [None, True, None]
    assert view["counts"] == {"1": (6, 8)}
    assert view["scores"] == [None, 2.0, -1.0]
    assert view["scale"] == "odds"
    assert view["by"] == {
        "labels": "monte_carlo-8", "scores": "prm", "truth": "an exact checker",
    }  # fmt: skip


def test_a_value_above_0_says_right_and_one_of_0_says_wrong():
    """By Math-Shepherd's rule, so that 1 of 8 does not disagree with a right step."""
    labels = (StepLabel(Kind.VALUE, 1, 8, "mc"), StepLabel(Kind.VALUE, 0, 8, "mc"))
    view = tree_record(PROBLEM, [labelled_record(LabelledTrace(RIGHT_TRACE, labels))])
    assert view["labels"] == [None, 0.125, 0.0]
    assert view["hard"] == [None, True, False]
    unknown = (StepLabel(Kind.VALUE, 0, 0, "mc"),) * 2
    view = tree_record(PROBLEM, [labelled_record(LabelledTrace(RIGHT_TRACE, unknown))])
    assert view.keys().isdisjoint({"labels", "hard"})


def test_scores_of_two_verifiers_are_not_mixed():
    def scored(by, value):
        return scored_record(RIGHT_TRACE, StepScores(Kind.LOGIT, (value, value), by))

    view = tree_record(PROBLEM, [scored("first", 1.0)], [scored("second", 2.0)])
    assert (view["scores"], view["by"]["scores"]) == ([None, 1.0, 1.0], "first")
    tree = Tree()
    tree.add_path(RIGHT_TRACE.steps, finished=True)
    tree.scores = [None, 0.25, None]  # the search did not score its last step
    view = tree_record(PROBLEM, [found(RIGHT_TRACE, tree=tree)], [scored("second", 2.0)])
    assert view["scores"] == [None, 0.25, None]
    assert view["scale"] == "unit"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"candidates": [3]}, "field 'candidates': expected dict, got int 3"),
        ({"candidate_scores": ["high"]}, "field 'total': expected int or float, got str 'high'"),
    ],
)
def test_a_row_that_is_not_as_searches_write_it_is_refused(wrong, words):
    with pytest.raises(InputError, match=words):
        tree_record(PROBLEM, [{**found(RIGHT_TRACE), **wrong}])


def test_an_oracle_s_labels_are_the_truth_where_there_is_no_checker():
    problem = Problem("q", "What is two and two?", "4")
    steps = trace(("two and two", "is five"), Verdict.WRONG, "5", problem)
    labels = tuple(StepLabel(Kind.CORRECTNESS, right, 1, "oracle") for right in (1, 0))
    view = tree_record(problem, [labelled_record(LabelledTrace(steps, labels))])
    assert view["truth"] == [None, True, False]
    assert view["by"] == {"truth": "oracle"}
    assert "labels" not in view


@pytest.mark.parametrize(
    ("kind", "value", "scale"),
    [
        (Kind.CORRECTNESS, 0.5, "unit"),
        (Kind.VALUE, 0.5, "unit"),
        (Kind.PROGRESS, -0.5, "signed"),
        (Kind.LOGRATIO, 0.5, "odds"),
    ],
)
def test_the_scale_follows_the_kind(kind, value, scale):
    row = scored_record(RIGHT_TRACE, StepScores(kind, (value, value), "prm"))
    assert tree_record(PROBLEM, [row])["scale"] == scale


def test_scores_of_no_known_kind_beyond_0_and_1_are_odds():
    tree = Tree()
    tree.add_path(RIGHT_TRACE.steps, finished=True)
    tree.scores = [None, 3.0, -2.0]
    assert tree_record(PROBLEM, [found(RIGHT_TRACE, tree=tree)])["scale"] == "odds"


def test_a_tree_that_is_none_is_refused():
    with pytest.raises(InputError, match="a tree's record needs the lists"):
        tree_record(PROBLEM, [{**found(RIGHT_TRACE), "tree": {"steps": []}}])


def test_a_tree_of_10_000_nodes_comes_through_whole():
    tree = large_tree(10_000)
    view = tree_record(PROBLEM, [found(trace(("Step 0",)), tree=tree)])
    assert len(view["steps"]) == 10_001  # and the chosen trace's step, which is not in it
    assert view["parents"][:10_000] == tree.parents


solutions = st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=4), min_size=1)


@given(solutions)
def test_every_solution_is_a_path_of_the_tree(texts):
    rows = [trace_record(trace(steps)) for steps in texts]
    view = tree_record(PROBLEM, rows)
    paths = set()
    for end in map(int, view["ends"]):
        path = []
        while end:
            path.append(view["steps"][end])
            end = view["parents"][end]
        paths.add(tuple(path[::-1]))
    assert paths == set(map(tuple, texts))
    assert len(view["steps"]) == 1 + len(
        {tuple(t[:i]) for t in texts for i in range(1, 1 + len(t))}
    )
