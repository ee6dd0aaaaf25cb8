"""The consensus keeps a trace iff all name the same first error (T9), and agrees with itself."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from planted import labelled

from surefoot.annotate.first_error import first_wrong
from surefoot.annotate.fuse import consensus, trace_in
from surefoot.core.errors import InputError, KindError
from surefoot.core.types import Kind, StepLabel

taus = st.lists(st.integers(0, 4), min_size=1, max_size=4)


@given(taus)
def test_kept_iff_the_same_first_error_whatever_the_order(taus_J):
    row = [labelled(tau, 4, tokens=10) for tau in taus_J]
    kept = consensus(row)
    assert (kept is not None) == (len(set(taus_J)) == 1)
    assert all(consensus(list(again)) == kept for again in permutations(row))
    if kept is not None:
        assert first_wrong(kept.labels) == taus_J[0]
        assert kept.usage.verifier_tokens == 10 * len(row)
        assert consensus([kept] * len(row)).labels == kept.labels


def test_steps_after_the_first_error_are_not_labelled():
    kept = consensus([labelled(1, 4), labelled(1, 4, by="other")])
    assert [label.value for label in kept.labels] == [1.0, 0.0, None, None]
    assert [label.tries for label in kept.labels] == [2, 2, 0, 0]


def test_who_does_not_know_does_not_agree():
    unknown = StepLabel(Kind.CORRECTNESS, 0, 0, "judge")
    assert consensus([labelled(2, 3), None]) is None
    silent = labelled(3, 3)
    silent = type(silent)(silent.trace, (unknown,) * 3)
    assert consensus([silent, silent]) is None
    with pytest.raises(InputError, match="without any labelled trace"):
        trace_in([None])


@pytest.mark.parametrize(
    ("counts", "tau"),
    [
        ([(1, 1), (0, 1), (0, 0)], 1),  # what follows the first error does not matter
        ([(1, 1), (0, 0), (0, 1)], None),  # but what stands before it does
        ([(1, 1), (1, 1), (1, 1)], 3),
        ([(0, 1), (1, 1), (1, 1)], 0),
    ],
)
def test_first_wrong_by_hand(counts, tau):
    assert first_wrong([StepLabel(Kind.CORRECTNESS, *c, "x") for c in counts]) == tau


def test_a_step_that_loses_ground_is_not_called_wrong():
    with pytest.raises(KindError, match="step 0 has one of kind progress by 'pav'"):
        first_wrong([StepLabel(Kind.PROGRESS, -0.1, 1, "pav")])
