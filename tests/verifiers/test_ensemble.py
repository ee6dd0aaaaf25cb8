"""Ensembles by hand, and what cannot be pooled."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch", reason="needs surefoot[models]")

from surefoot.core.errors import InputError, KindError
from surefoot.core.types import Kind, Problem, Step, StepScores, Trace
from surefoot.verifiers.ensemble import (
    AT_ONCE,
    disagreement,
    ensemble,
    mean_logit,
    mean_probability,
    pooled,
)
from surefoot.verifiers.score import LocalScorer

CORRECT = Kind.CORRECTNESS


def scores(values, kind=CORRECT, by="a", tokens=5):
    return StepScores(kind, tuple(values), by, tokens)


def trace(steps, name="p"):
    return Trace(Problem(name, "?"), tuple(Step(f"s{i}") for i in range(steps)))


def member(score_of_step, name, kind=CORRECT, aggregation=None):
    """A scorer of step texts; notes how many traces it was asked for at once."""
    asked = []

    def complete(traces):
        asked.append(len(traces))
        return [scores(map(score_of_step, range(len(t.steps))), kind, name) for t in traces]

    return LocalScorer(lambda t: iter(enumerate(complete(t))), complete, name, aggregation), asked


def test_pools_by_hand():
    assert mean_probability([0.9, 0.5]) == pytest.approx(0.7)
    assert mean_logit([0.9, 0.5]) == pytest.approx(0.75)  # odds 9 and 1: their mean is 3
    assert mean_logit([0.2, 0.8]) == pytest.approx(0.5)
    assert mean_logit([0.0, 1.0]) == pytest.approx(0.5)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_a_pool_lies_between_its_members_and_ignores_their_order(values):
    for pool in (mean_probability, mean_logit):
        assert min(values) - 1e-6 <= pool(values) <= max(values) + 1e-6
        assert pool(values) == pytest.approx(pool(values[::-1]))


def test_scores_are_pooled_step_by_step_and_cost_adds_up():
    both = pooled([scores((0.9, 0.2)), scores((0.5, 0.4), by="b")], name="two")
    assert both.values == pytest.approx((0.7, 0.3))
    assert (both.kind, both.by, both.tokens) == (CORRECT, "two", 10)


def test_disagreement_by_hand():
    assert disagreement([scores((0.9, 0.2)), scores((0.5, 0.2))]) == pytest.approx((0.2, 0.0))
    assert disagreement([scores((0.9,))]) == (0.0,)


def test_members_must_mean_the_same():
    with pytest.raises(KindError, match=r"one kind, got \{'a': 'correctness', 'b': 'value'\}"):
        pooled([scores((0.9,)), scores((0.9,), Kind.VALUE, "b")])
    with pytest.raises(KindError, match="one kind"):
        disagreement([scores((0.9,)), scores((0.9,), Kind.VALUE, "b")])
    with pytest.raises(KindError, match="mean_logit pools probabilities, not progress"):
        pooled([scores((0.9,), Kind.PROGRESS)] * 2, pool=mean_logit)
    with pytest.raises(InputError, match=r"different numbers of steps of one trace: \[1, 2\]"):
        pooled([scores((0.9,)), scores((0.9, 0.1))])
    with pytest.raises(InputError, match="one verifier or more"):
        ensemble([])


def test_logits_are_pooled_as_they_are():
    assert pooled([scores((3.0,), Kind.LOGIT), scores((-1.0,), Kind.LOGIT)]).values == (1.0,)


def test_an_ensemble_is_a_scorer():
    (a, asked), (b, _) = (
        member(lambda s: 0.5, "a", aggregation="min"),
        member(lambda s: s / 10, "b", aggregation="min"),
    )
    both = ensemble([a, b], name="both")
    traces = [trace(1 + i % 3) for i in range(AT_ONCE + 5)]
    found = both(traces)
    assert [len(s.values) for s in found] == [len(t.steps) for t in traces]
    assert found[2].values == pytest.approx((0.25, 0.3, 0.35))
    assert asked == [AT_ONCE, 5]
    assert [index for index, _ in both.stream(traces)] == list(range(len(traces)))
    assert both.aggregation == "min"
    assert ensemble([a, member(lambda s: 0.5, "c")[0]]).aggregation is None
    assert both([]) == []


def test_its_fingerprint_knows_members_and_pool():
    (a, _), (b, _) = member(lambda s: 0.5, "a"), member(lambda s: 0.5, "b")
    made = [ensemble([a, b]), ensemble([b, a]), ensemble([a]), ensemble([a, b], pool=mean_logit)]
    assert len({scorer.fingerprint for scorer in made}) == 4


def test_one_member_is_itself():
    scorer, _ = member(lambda s: 0.25 + s / 10, "a")
    [alone] = ensemble([scorer], pool=mean_logit)([trace(3)])
    assert alone.values == pytest.approx(scorer([trace(3)])[0].values)
    assert math.isfinite(alone.values[0])
