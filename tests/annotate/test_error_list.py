"""Error lists: penalties by hand, labels from votes, strict JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from judges import saying, trace_of

from surefoot.annotate.judges import error_list, read_errors, score_of
from surefoot.core.errors import InputError

TRACE = trace_of("2 + 3 = 6", "6 * 2 = 12", "The answer is 12")
ENTRY = {"step": 0, "aspect": "sum", "explanation": "2 + 3 = 5", "penalty": 4}


def reply(*pairs):
    return json.dumps([ENTRY | {"step": s, "penalty": p} for s, p in pairs])


def counts(labelled):
    return [(label.successes, label.tries) for label in labelled.labels]


def test_penalties_add_up_and_label_their_steps():
    labelled = error_list(TRACE, judge=saying(reply((0, 4), (2, 1.5))))
    assert counts(labelled) == [(0, 1), (1, 1), (0, 1)]
    assert labelled.notes == {"replies": "1", "unreadable": "0", "score": "-5.5"}


def test_no_error_is_all_right_and_no_list_is_no_evidence():
    labelled = error_list(TRACE, judge=saying("[]", "All fine!", reply((0, 3))), votes=3)
    assert counts(labelled) == [(1, 2), (2, 2), (2, 2)]
    assert labelled.notes == {"replies": "3", "unreadable": "1", "score": "-1.5"}
    nothing = error_list(TRACE, judge=saying("?"))
    assert counts(nothing) == [(0, 0)] * 3
    assert "score" not in nothing.notes


def test_small_errors_may_be_left_out_of_the_labels():
    labelled = error_list(TRACE, judge=saying(reply((0, 1), (1, 2))), least=2)
    assert counts(labelled) == [(1, 1), (0, 1), (1, 1)]
    assert labelled.notes["score"] == "-3"


@pytest.mark.parametrize(
    "change",
    [{"step": 3}, {"step": -1}, {"step": True}, {"step": 0.0}, {"penalty": 0.4}, {"penalty": 5.1},
     {"penalty": True}, {"penalty": "2"}, {"aspect": None}, {"explanation": 1},
     {"penalty": float("nan")}],
)  # fmt: skip
def test_one_odd_field_spoils_the_list(change):
    assert read_errors(json.dumps([ENTRY, ENTRY | change]), 3) is None
    assert len(read_errors(json.dumps([ENTRY, ENTRY]), 3)) == 2


@pytest.mark.parametrize("text", ["", "{}", "null", "[1]", f"Errors: [{json.dumps(ENTRY)}]"])
def test_anything_but_a_list_is_unreadable(text):
    assert read_errors(text, 3) is None


@given(st.lists(st.tuples(st.integers(0, 2), st.floats(0.5, 5)), max_size=6))
def test_an_error_more_never_raises_the_score(pairs):
    errors = read_errors(reply(*pairs), 3)
    assert score_of(errors) == pytest.approx(-sum(p for _, p in pairs))
    assert all(score_of(errors[: k + 1]) < score_of(errors[:k]) for k in range(len(errors)))
    assert score_of(()) == 0


@given(st.text())
def test_a_label_a_step_whatever_is_said(text):
    assert len(error_list(TRACE, judge=saying(text)).labels) == 3


def test_nothing_to_judge_is_refused():
    with pytest.raises(InputError, match="'p' has no steps"):
        error_list(trace_of(), judge=saying(""))
