"""ReARTeR: the backward pass by hand and at its ends; which explanations are desirable."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.core.errors import InputError
from surefoot.core.types import Kind, Problem, Step, StepScores, Trace
from surefoot.recipes.refinement.rearter import ahead, explained, looked_ahead, with_explanation
from surefoot.search.refinement import Draft, Remark

scores = st.lists(st.floats(0.01, 0.99), min_size=1, max_size=8)


def logit(p):
    return math.log(p / (1 - p))


def test_looking_ahead_by_hand():
    """Log-odds 0, ln 4, -ln 4 with alpha 1/2: backward, ln 4 becomes 0, and 0 stays 0."""
    assert looked_ahead([0.5, 0.8, 0.2]) == pytest.approx([0.5, 0.5, 0.2])


@given(scores)
def test_no_weight_changes_nothing_and_full_weight_copies_the_successor(values):
    assert looked_ahead(values, 0.0) == values
    assert looked_ahead(values, 1.0) == pytest.approx([values[-1]] * len(values))


@given(scores, st.floats(0, 1))
def test_each_score_moves_towards_its_successor(values, alpha):
    found = looked_ahead(values, alpha)
    assert found[-1] == pytest.approx(values[-1])
    for old, new, after in zip(values, found, found[1:], strict=False):
        assert logit(new) == pytest.approx(logit(old) + alpha * (logit(after) - logit(old)))


def test_certainty_has_log_odds_after_all():
    found = looked_ahead([1.0, 0.0])
    assert 0 < found[1] < 1e-5
    assert found[0] == pytest.approx(0.5)


def test_alpha_is_a_share():
    with pytest.raises(InputError, match="alpha must be in"):
        looked_ahead([0.5], 1.5)


DRAFT = Draft(
    Trace(Problem("p", "How many?"), (Step("a"), Step("b"))),
    StepScores(Kind.VALUE, (0.6, 0.2), "s"),
    0.2,
)


def test_looking_ahead_finds_the_error_earlier():
    """0.6 is fine by itself; what follows makes it log-odds (ln 1.5 - ln 4) / 2 < 0."""
    assert ahead(0.0, 0.5, None)(None, DRAFT) == Remark(1)
    assert ahead(0.5, 0.5, lambda draft, place: f"{place} is bad")(None, DRAFT) == Remark(
        0, "0 is bad"
    )
    assert ahead(0.5, 0.1, None)(None, DRAFT) is None
    assert ahead(0.5, 0.5, None)(None, Draft(DRAFT.trace)) is None


def test_who_refines_reads_the_explanation():
    text = with_explanation(DRAFT, Remark(1, "because")).text
    assert text == "How many?\n\nNot like this: b\nbecause"


def test_an_explanation_is_desirable_if_it_helps():
    remarks = [Remark(1, "good"), Remark(1, "vain"), Remark(1, "lost")]
    records = explained(DRAFT, remarks, [0.3, 0.2, None])
    assert [(r.explanation, r.desirable) for r in records] == [("good", True), ("vain", False)]
