"""Progress: hand-made tables, telescoping, and the exact advantages of the toy world."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from interruptions import counted_rollouts

from surefoot.annotate import best_of_value, effective_rewards, monte_carlo, progress
from surefoot.core.errors import InputError, KindError
from surefoot.core.types import Kind, Problem, Step, StepLabel, Trace, Usage, Verdict
from surefoot.steps import Rollouts
from surefoot.tasks.toy import ToyWorld

PROBLEM = Problem("p", "?", gold="1")


def trace_of(length, verdict=None):
    return Trace(PROBLEM, tuple(Step(f"s{i}") for i in range(length)), None, verdict)


def values(labelled):
    return [label.value for label in labelled.labels]


def test_by_hand():
    """Q = 2/4, 3/4, 1/4, then a wrong end."""
    rollouts = counted_rollouts(PROBLEM, [(2, 4), (3, 4), (1, 4)])
    labelled = progress(trace_of(3, Verdict.WRONG), rollouts=rollouts, completions=4)
    assert values(labelled) == [0.25, -0.5, -0.25]
    assert [(x.successes, x.tries) for x in labelled.labels] == [(3, 4), (1, 4), (0, 1)]
    assert labelled.notes == {"root": "2 of 4"}
    assert labelled.usage == Usage(policy_tokens=12, calls=12)
    assert {(x.kind, x.by) for x in labelled.labels} == {(Kind.PROGRESS, "progress-4-best-of-1")}


def test_the_best_of_two_by_hand():
    """Pairs of 4 without a success: C(2,2)/C(4,2) = 1/6, then 0/6, then C(3,2)/6 = 1/2."""
    rollouts = counted_rollouts(PROBLEM, [(2, 4), (3, 4), (1, 4)])
    labelled = progress(trace_of(3, Verdict.WRONG), rollouts=rollouts, completions=4, best_of=2)
    assert values(labelled) == pytest.approx([1 / 6, -1 / 2, -1 / 2])


@given(st.lists(st.integers(0, 6), min_size=2, max_size=8), st.integers(1, 6), st.booleans())
def test_progress_telescopes_to_the_end_minus_the_root(counts, best_of, won):
    """T6, for every prover; a step that leaves Q as it is scores 0."""
    rollouts = counted_rollouts(PROBLEM, [(c, 6) for c in counts])
    verdict = Verdict.CORRECT if won else Verdict.WRONG
    labelled = progress(
        trace_of(len(counts), verdict), rollouts=rollouts, completions=6, best_of=best_of
    )
    root = 1 - math.comb(6 - counts[0], best_of) / math.comb(6, best_of)
    assert math.fsum(values(labelled)) == pytest.approx(won - root)
    for t, (last, now) in enumerate(pairwise(counts)):
        if last == now:
            assert values(labelled)[t] == 0


def test_one_try_is_the_prover_itself():
    """K = 1: A^BoK = A^pi."""
    world = ToyWorld(length=4, slip=0.2, recover=0.1)
    [problem] = world.problems(1)
    trace = Trace(problem, (Step("good"), Step("bad"), Step("good")))
    rollouts = Rollouts(problem, sample=world.sample, check=world.check)
    plain = [x.value for x in monte_carlo(trace, rollouts=rollouts, completions=30).labels]
    found = values(progress(trace, rollouts=rollouts, completions=30))
    assert found[1:] == pytest.approx([plain[1] - plain[0], plain[2] - plain[1]])


@pytest.mark.parametrize("best_of", [1, 4])
def test_the_exact_advantages_are_recovered(best_of):
    world, runs = ToyWorld(length=4, slip=0.2, recover=0.1), 2500
    [problem] = world.problems(1)
    steps = (Step("good"), Step("bad"), Step("bad"))
    rollouts = Rollouts(problem, sample=world.sample, check=world.check)
    labelled = progress(Trace(problem, steps), rollouts=rollouts, completions=runs, best_of=best_of)
    q = [world.value(steps[:t]) for t in range(4)]
    exact = [best_of_value(value, best_of) for value in q]
    for t, found in enumerate(values(labelled)):
        # delta method: the derivative of 1 - (1 - q)^K is K (1 - q)^(K - 1)
        slopes = [best_of * (1 - q[i]) ** (best_of - 1) for i in (t, t + 1)]
        variances = [q[i] * (1 - q[i]) / runs for i in (t, t + 1)]
        deviation = math.sqrt(sum(s * s * v for s, v in zip(slopes, variances, strict=True)))
        assert abs(found - (exact[t + 1] - exact[t])) <= 4 * deviation


@given(st.integers(1, 8), st.integers(1, 8), st.floats(0, 1))
def test_values_from_counts_have_no_bias(n, k, q):
    """Over all counts; c / n put into 1 - (1 - Q)^K would be low, by 1/8 at n = K = 2, q = 1/2."""
    if k > n:
        return

    def found(c):
        rollouts = counted_rollouts(PROBLEM, [(c, n)])
        trace = trace_of(1, Verdict.WRONG)
        return -values(progress(trace, rollouts=rollouts, completions=n, best_of=k))[0]

    chances = (math.comb(n, c) * q**c * (1 - q) ** (n - c) for c in range(n + 1))
    mean = math.fsum(chance * found(c) for c, chance in enumerate(chances))
    assert mean == pytest.approx(best_of_value(q, k))


def test_a_strong_prover_sees_no_progress():
    assert best_of_value(0.3, 1000) - best_of_value(0.1, 1000) == pytest.approx(0)
    assert best_of_value(0.0, 1000) == 0


def test_steps_beside_an_unread_prefix_have_no_evidence():
    rollouts = counted_rollouts(PROBLEM, [(1, 2), (0, 0), (1, 2), (2, 2)])
    labelled = progress(trace_of(4, Verdict.CORRECT), rollouts=rollouts, completions=2)
    assert values(labelled) == [None, None, 0.5, 0.0]


def test_rewards_by_hand():
    def label(kind, value):
        return StepLabel(kind, 0, 0, "me", value)

    q = [label(Kind.VALUE, 0.5), label(Kind.VALUE, None), label(Kind.VALUE, 0.25)]
    a = [label(Kind.PROGRESS, x) for x in (0.25, 0.1, -0.5)]
    assert effective_rewards(q, a, alpha=2.0) == [1.0, None, -0.75]
    with pytest.raises(KindError, match="expected labels of kind value, got progress"):
        effective_rewards(a, q)


@pytest.mark.parametrize("best_of", [0, 5])
def test_more_tries_than_rollouts_are_refused(best_of):
    with pytest.raises(InputError, match=rf"best_of must be in 1..4 .*, got {best_of}"):
        progress(trace_of(1), rollouts=None, completions=4, best_of=best_of)
