"""Surefoot's annotator on the toy world: it finds planted errors, stops, and says why."""

import math
from dataclasses import replace

import numpy as np
import pytest

from surefoot.annotate.bayes import Stop, abstaining, bayes, tokens_to_the_end
from surefoot.annotate.belief import Belief
from surefoot.annotate.channel import flat_channel, stuck_states, two_states
from surefoot.core.errors import InputError
from surefoot.core.types import Kind, LabelledTrace, Problem, Step, StepLabel, Trace, Usage, Verdict
from surefoot.steps import Rollouts
from surefoot.tasks.toy import ToyWorld

SURE_WORLD = ToyWorld(length=8, slip=0.05, recover=0.01)
WORDS = {"g": Step("good", (1,)), "b": Step("bad", (0,))}


def trace_of(word, verdict=Verdict.WRONG, world=SURE_WORLD):
    return Trace(world.problems(1)[0], tuple(WORDS[letter] for letter in word), verdict=verdict)


def rollouts(world=SURE_WORLD, seed=0):
    return Rollouts(world.problems(1)[0], sample=world.sample, check=world.check, seed=seed)


def alike(steps=8):
    """A belief that knows what is true of the toy world: prefixes of one sort are alike."""
    return Belief(steps, flat_channel(strength=math.inf), model=stuck_states)


@pytest.mark.parametrize("tau", range(8))
def test_the_planted_error_is_found_with_few_rollouts(tau):
    word = "g" * tau + "b" * (8 - tau)
    found = [
        bayes(trace_of(word), rollouts=rollouts(seed=seed), belief=alike()) for seed in range(6)
    ]
    right = [[label.hard for label in x.labels] == [t < tau for t in range(8)] for x in found]
    assert sum(right) >= 5
    assert np.mean([x.usage.calls for x in found]) < 35  # Math-Shepherd with k = 8 makes 56


def test_beliefs_never_rise_and_count_the_rollouts_of_their_prefix():
    asked = rollouts()
    labelled = bayes(trace_of("ggggbbbb"), rollouts=asked)
    beliefs = [label.belief for label in labelled.labels]
    assert beliefs == sorted(beliefs, reverse=True)
    assert all(label.kind is Kind.CORRECTNESS for label in labelled.labels)
    tries = [len(asked.seen(labelled.trace.steps[:t])) for t in range(1, 8)]
    assert [label.tries for label in labelled.labels] == [*tries, 1]  # the last: its verdict
    assert labelled.notes["first_error"] == "4"
    assert labelled.usage == asked.usage


def test_it_is_sure_where_nothing_else_is_possible_and_asks_no_more():
    """The last step but one prefix ends well, the answer is wrong: the last step did it."""
    labelled = bayes(trace_of("gggggggb"), rollouts=rollouts(), belief=alike())
    assert labelled.notes["stopped"] == "sure"
    assert labelled.notes["first_error"] == "7"
    assert labelled.usage.calls <= 4


def test_a_right_prefix_may_be_hopeless_so_failures_alone_make_nobody_sure():
    """Among `two_states` a failing prefix has an error; with `stuck_states` it may only be hard."""
    asked = {}
    for model in (two_states, stuck_states):
        belief = Belief(8, flat_channel(strength=math.inf), model=model)
        asked[model] = bayes(trace_of("ggggbbbb"), rollouts=rollouts(), belief=belief)
    assert asked[two_states].notes["stopped"] == "sure"
    assert asked[stuck_states].notes["stopped"] == "cannot tell"
    assert {x.notes["first_error"] for x in asked.values()} == {"4"}


@pytest.mark.parametrize("most", [0, 1, 5])
def test_a_budget_is_kept(most):
    labelled = bayes(trace_of("ggbggbgg"), rollouts=rollouts(), stop=Stop(0.999, rollouts=most))
    assert labelled.usage.calls == most
    assert labelled.notes["stopped"] == "spent"
    stop = Stop(0.999, tokens=10, bits=1e-9)
    labelled = bayes(trace_of("ggbggbgg"), rollouts=rollouts(), stop=stop)
    assert 10 <= labelled.usage.policy_tokens < 10 + 8


def test_known_rollouts_are_free_evidence():
    shared = rollouts()
    first = bayes(trace_of("ggggbbbb"), rollouts=shared)
    again = bayes(trace_of("ggggbbbb"), rollouts=shared)
    assert first.usage.calls > 0
    assert again.usage == Usage()
    assert again.notes["first_error"] == "4"


def test_where_rollouts_cannot_tell_it_says_so_and_asks_a_judge():
    """A policy that recovers as easily as it errs: its rollouts look alike after any step."""
    world = ToyWorld(length=4, slip=0.5, recover=0.5)
    trace = trace_of("gbgg", Verdict.CORRECT, world)
    channel = flat_channel((0.55,), (0.5,), (False,), strength=math.inf)
    stop = Stop(0.9, rollouts=500, bits=0.01)
    alone = bayes(trace, rollouts=rollouts(world), belief=Belief(4, channel), stop=stop)
    assert alone.notes["stopped"] == "cannot tell"
    assert all(label.value is None for label in abstaining(alone).labels[1:])

    def judge(trace):
        labels = [StepLabel(Kind.CORRECTNESS, int(s.text == "good"), 1, "j") for s in trace.steps]
        return LabelledTrace(trace, tuple(labels), Usage(verifier_tokens=7, calls=1))

    helped = bayes(
        trace, rollouts=rollouts(world), belief=Belief(4, channel), stop=stop, judge=judge
    )
    assert helped.notes["stopped"] == "sure"
    assert [label.hard for label in helped.labels] == [True, False, False, False]
    assert helped.usage.verifier_tokens == 7


def test_same_seed_same_labels_and_more_at_once_ask_for_more():
    trace = trace_of("gggbbbbb")
    one, again, other = (bayes(trace, rollouts=rollouts(seed=s)) for s in (1, 1, 2))
    assert one == again
    assert one.labels != other.labels
    many = bayes(trace, rollouts=rollouts(seed=1), at_once=4)
    assert many.notes["first_error"] == one.notes["first_error"]


def test_an_unfinished_trace_may_be_asked_about_at_its_end():
    trace = replace(trace_of("gggg", None), finished=False)
    labelled = bayes(trace, rollouts=rollouts())
    assert labelled.notes["first_error"] == "4"
    assert labelled.labels[-1].tries > 1


def test_tokens_to_the_end():
    trace = trace_of("ggb")
    assert tokens_to_the_end(trace).tolist() == [3, 2, 1, 1]
    texts = Trace(trace.problem, (Step("x"), Step("y")))
    assert tokens_to_the_end(texts).tolist() == [2, 1, 1]
    sized = Trace(trace.problem, (Step("x", (1, 2)), Step("y", (1, 2, 3))))
    assert tokens_to_the_end(sized).tolist() == [5, 3, 1]


def test_what_makes_no_sense_is_refused():
    with pytest.raises(InputError, match="belief about 3 steps for 2"):
        bayes(trace_of("gb"), rollouts=rollouts(), belief=Belief(3))
    with pytest.raises(InputError, match="confidence must lie between"):
        Stop(confidence=1.0)
    with pytest.raises(InputError, match="a step or more"):
        bayes(trace_of(""), rollouts=rollouts())


def test_a_belief_that_is_just_sure_enough_stays():
    labels = tuple(StepLabel(Kind.CORRECTNESS, 0, 0, "bayes", b) for b in (0.75, 0.7, 0.3, 0.25))
    item = LabelledTrace(Trace(Problem("p", "?"), (Step("s"),) * 4), labels)
    kept = abstaining(item, confidence=0.75).labels
    assert [label.belief for label in kept] == [0.75, None, None, 0.25]
