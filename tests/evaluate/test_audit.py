"""Figures of an audit, by hand, and what holds for all of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.core.errors import KindError
from surefoot.core.types import (
    Kind,
    LabelledTrace,
    Problem,
    Step,
    StepLabel,
    Trace,
    Usage,
    Verdict,
)
from surefoot.evaluate import (
    NO_ERROR,
    agreement,
    audit_labels,
    error_rates,
    first_error_in,
    judgements,
)

ANY = st.sampled_from([True, False, None])
SIDES = {True: (1, 1), False: (0, 1), None: (0, 0)}


def labelled(said, name="p", tokens=0, verdict=None):
    trace = Trace(Problem(name, "?", "1"), (Step("x"),) * len(said), None, verdict)
    labels = tuple(StepLabel(Kind.CORRECTNESS, *SIDES[s], "judge") for s in said)
    return LabelledTrace(trace, labels, Usage(policy_tokens=tokens, verifier_tokens=tokens))


def test_kappa_by_hand():
    """20 both right, 5 and 10 apart, 15 both wrong: p_o 0.7, p_e 0.5, kappa 0.4 (textbook)."""
    a = [True] * 20 + [True] * 5 + [False] * 10 + [False] * 15
    b = [True] * 20 + [False] * 5 + [True] * 10 + [False] * 15
    found = agreement([*a, None, True], [*b, True, None])
    assert (found.both, found.raw) == (50, 0.7)
    assert found.kappa == pytest.approx(0.4)


@given(st.lists(st.tuples(ANY, ANY), max_size=30))
def test_agreement_is_symmetric_and_kappa_at_most_one(pairs):
    a, b = [x for x, _ in pairs], [y for _, y in pairs]
    assert agreement(a, b) == agreement(b, a)
    found = agreement(a, b)
    assert found.kappa is None or found.kappa <= 1 + 1e-12
    itself = agreement(a, a)
    assert itself.raw in (1.0, None)
    assert itself.kappa in (None, pytest.approx(1.0))


@given(st.lists(st.lists(st.booleans(), min_size=1, max_size=6), min_size=1, max_size=8))
def test_corrupting_m_of_M_steps_gives_the_rate_m_over_M(right_N_S):
    """The outcomes may stay as they are."""
    traces = [labelled(s, verdict=Verdict.CORRECT).trace for s in right_N_S]
    flat = [r for s in right_N_S for r in s]
    rates = error_rates(traces, right_N_S)
    assert rates.step == flat.count(False) / len(flat)
    assert (rates.outcome, rates.outcomes) == (0.0, len(traces))


def test_unknown_is_no_error():
    traces = [labelled([None] * 2, verdict=Verdict.UNREADABLE).trace]
    rates = error_rates(traces, [[None, None]])
    assert (rates.step, rates.outcome, rates.steps, rates.outcomes) == (None, None, 0, 0)


def test_an_audit_by_hand():
    items = [
        labelled([True, True, False, None], "a", tokens=10),  # true: r r w w
        labelled([True, False], "b", tokens=20),  # true: r r
        labelled([False, True, True], "c"),  # true: w w ?
        labelled([True], "d", tokens=5),  # nothing known
    ]
    truth = [[True, True, False, False], [True, True], [False, False, None], [None]]
    found = audit_labels(items, truth, rng=np.random.default_rng(0))
    assert found.accuracy.estimate == pytest.approx(5 / 7)
    assert found.noise == pytest.approx(2 / 7)
    assert found.missed == pytest.approx(1 / 3)  # c's second step
    assert found.false_alarms == pytest.approx(1 / 4)  # b's second step
    assert found.to_first_error == pytest.approx(5 / 6)  # c's second step comes after its error
    assert found.answered == 7 / 8
    assert (found.first_errors.on_erroneous, found.first_errors.on_correct) == (1.0, 0.0)
    assert (found.tokens, found.tokens_per_true_label) == (70, 14)


@given(st.lists(st.lists(ANY, min_size=1, max_size=5), max_size=6))
def test_the_truth_audits_itself_as_true(said_N_S):
    items = [labelled(s, f"p{i}") for i, s in enumerate(said_N_S)]
    found = audit_labels(items, said_N_S, rng=np.random.default_rng(0))
    known = any(s is not None for said in said_N_S for s in said)
    assert found.noise == (0 if known else None)
    assert found.answered == (1 if known else None)
    assert found.first_errors.abstained == 0
    assert found.missed in (0, None)
    assert found.false_alarms in (0, None)


@pytest.mark.parametrize(
    ("right", "first"),
    [
        ([True, False, None], 1),
        ([True, None, False], None),
        ([True, True], NO_ERROR),
        ([False], 0),
        ([], NO_ERROR),
    ],
)
def test_first_errors_by_hand(right, first):
    assert first_error_in(right) == first


def test_progress_is_not_judged():
    item = labelled([True])
    moved = LabelledTrace(item.trace, (StepLabel(Kind.PROGRESS, 0.2, 1, "pav"),))
    with pytest.raises(KindError, match="labels of kind progress do not say"):
        judgements(moved)
