"""OmegaPRM: the binary search is exact where nothing recovers, the tree grows as published."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.annotate import omega_trace
from surefoot.core.errors import InputError
from surefoot.core.types import Completion, Kind, Problem, Step, StepLabel, Trace, Usage, Verdict
from surefoot.steps import Rollouts
from surefoot.tasks.toy import ToyWorld

PROBLEM = Problem("p", "Take good steps.", gold="good")


def wrong_trace(length, error, verdict=Verdict.WRONG, finished=True):
    """Step `error` (from 0) is the first wrong one; none is if it is `length`."""
    texts = [f"{'bad' if i >= error else 'good'} {i}" for i in range(length)]
    return Trace(PROBLEM, tuple(map(Step, texts)), None, verdict, finished)


def no_recovery(problem, prefixes_P, *, count, rng, until="end"):
    """A policy that always ends right unless something is wrong already."""
    sound = [all(step.text.startswith("good") for step in prefix) for prefix in prefixes_P]
    return [[Completion((Step("right" if ok else "wrong", (1,)),))] * count for ok in sound]


def mumble(problem, prefixes_P, *, count, rng, until="end"):
    return [[Completion((Step("mumble", (1,)),))] * count for _ in prefixes_P]


def check(problem, trace):
    last = trace.steps[-1].text
    return {"right": Verdict.CORRECT, "wrong": Verdict.WRONG}.get(last, Verdict.UNREADABLE)


def rollouts(sample=no_recovery):
    return Rollouts(PROBLEM, sample=sample, check=check)


# --- one trace ---------------------------------------------------------------


@given(st.integers(1, 70), st.data())
def test_without_recovery_the_first_error_is_found_in_log2_probes(length, data):
    error = data.draw(st.integers(0, length - 1))
    labelled = omega_trace(wrong_trace(length, error), rollouts=rollouts(), completions=3)
    assert [label.hard for label in labelled.labels] == [t < error for t in range(length)]
    assert labelled.usage.calls <= 3 * math.ceil(math.log2(length))
    probed = [label for label in labelled.labels[:-1] if label.tries]
    assert labelled.usage.calls == 3 * len(probed)
    assert all(label.successes / label.tries == label.value for label in probed)


def test_by_hand():
    """Eight steps, step 5 wrong: probes after 4 (right), 6 (wrong), 5 (right)."""
    labelled = omega_trace(wrong_trace(8, 5), rollouts=rollouts(), completions=2)

    def label(successes, tries, belief):
        return StepLabel(Kind.CORRECTNESS, successes, tries, "omega_trace-2", belief)

    unasked = [label(0, 0, 1.0)] * 3
    probed = [label(2, 2, 1.0), label(2, 2, 1.0), label(0, 2, 0.0)]
    assert labelled.labels == (*unasked, *probed, label(0, 0, 0.0), label(0, 1, 0.0))
    assert labelled.usage == Usage(policy_tokens=6, calls=6)
    assert labelled.notes == {}


def test_a_trace_that_ends_correctly_is_right_throughout_and_free():
    labelled = omega_trace(wrong_trace(4, 4, Verdict.CORRECT), rollouts=rollouts(mumble))
    assert [label.value for label in labelled.labels] == [1.0] * 4
    assert labelled.usage == Usage()


@pytest.mark.parametrize("end", [(None, True), (Verdict.UNREADABLE, True), (Verdict.WRONG, False)])
@pytest.mark.parametrize("error", [2, 5])
def test_an_end_that_is_not_known_costs_a_probe_more(end, error):
    labelled = omega_trace(wrong_trace(5, error, *end), rollouts=rollouts(), completions=1)
    assert [label.hard for label in labelled.labels] == [t < error for t in range(5)]
    assert labelled.labels[-1].tries == 1
    assert labelled.usage.calls == (1 if error == 5 else 1 + 2)


def test_unreadable_is_not_wrong():
    """The probe after 4 of 8 steps says nothing: only the end is known to be wrong."""
    labelled = omega_trace(wrong_trace(8, 2), rollouts=rollouts(mumble))
    assert [label.value for label in labelled.labels] == [None] * 7 + [0.0]
    assert labelled.notes == {"unreadable": "no rollout after 4 steps could be read"}


def test_what_was_found_before_an_unreadable_probe_is_kept():
    def sample(problem, prefixes_P, *, count, rng, until="end"):
        policy = mumble if len(prefixes_P[0]) == 2 else no_recovery
        return policy(problem, prefixes_P, count=count, rng=rng)

    labelled = omega_trace(wrong_trace(8, 2), rollouts=rollouts(sample))
    assert [label.value for label in labelled.labels] == [None] * 3 + [0.0] * 5
    assert labelled.notes == {"unreadable": "no rollout after 2 steps could be read"}


@pytest.mark.parametrize("length", [1, 4])
def test_an_end_that_no_rollout_can_read_leaves_no_evidence(length):
    labelled = omega_trace(wrong_trace(length, 0, None), rollouts=rollouts(mumble))
    assert [label.value for label in labelled.labels] == [None] * length


def test_recovery_misleads_as_predicted():
    """Length 2, first step wrong: found iff not one of k rollouts recovers, (1 - b)^k."""
    world, runs, k = ToyWorld(length=2, slip=0.0, recover=0.2), 1500, 4
    [problem] = world.problems(1)
    trace = Trace(problem, (Step("bad"), Step("bad")), None, Verdict.WRONG)

    def found(seed):
        own = Rollouts(problem, sample=world.sample, check=world.check, seed=seed)
        return not omega_trace(trace, rollouts=own, completions=k).labels[0].hard

    share, expected = sum(map(found, range(runs))) / runs, 0.8**k
    assert abs(share - expected) < 4 * math.sqrt(expected * (1 - expected) / runs)


def test_a_trace_without_steps_is_refused():
    with pytest.raises(InputError, match="'p' has no steps"):
        omega_trace(Trace(PROBLEM, ()), rollouts=rollouts())
