"""Labels against a world whose values are known in closed form."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.annotate import monte_carlo, oracle, outcome, outcomes
from surefoot.core.errors import InputError
from surefoot.core.types import Kind, Step, StepLabel, Trace, Verdict
from surefoot.steps import Rollouts
from surefoot.tasks import trails
from surefoot.tasks.toy import ToyWorld


def steps(word):
    return tuple(Step({"g": "good", "b": "bad"}[letter]) for letter in word)


def trace_of(word, verdict=None, finished=True):
    return Trace(ToyWorld().problems(1)[0], steps(word), None, verdict, finished)


def rollouts(world, seed=0):
    [problem] = world.problems(1)
    return Rollouts(problem, sample=world.sample, check=world.check, seed=seed)


@pytest.mark.parametrize("unreadable", [0.0, 0.3])
def test_monte_carlo_recovers_the_exact_values(unreadable):
    world = ToyWorld(length=5, slip=0.2, recover=0.1, unreadable=unreadable)
    trace = trace_of("ggbbg")
    labelled = monte_carlo(trace, rollouts=rollouts(world), completions=3000)
    assert len(labelled.labels) == 5  # not checked yet: all five are rolled out
    for t, label in enumerate(labelled.labels, start=1):
        value = world.value(trace.steps[:t])
        deviation = np.sqrt(value * (1 - value) / label.tries)
        assert abs(label.value - value) <= 4 * deviation
        assert label.kind is Kind.VALUE


@pytest.mark.parametrize("completions", [1, 4, 16])
def test_hard_labels_of_errors_grow_with_the_number_of_rollouts(completions):
    """E[hard] = 1 - (1 - V)^K: with enough rollouts a recoverable error is "correct"."""
    world, runs = ToyWorld(length=3, slip=0.2, recover=0.15), 1500
    expected = 1 - (1 - world.value(steps("gb"))) ** completions
    drawn = (rollouts(world, seed).values([steps("gb")], completions) for seed in range(runs))
    share = np.mean([label.hard for [label] in drawn])
    assert abs(share - expected) < 4 * np.sqrt(expected * (1 - expected) / runs)


@pytest.mark.parametrize(
    ("verdict", "finished", "asked"),
    [
        (Verdict.CORRECT, True, 4),
        (Verdict.WRONG, True, 4),
        (Verdict.UNREADABLE, True, 5),
        (None, True, 5),
        (Verdict.WRONG, False, 5),  # cut off: the end is not known
    ],
)
def test_the_last_step_of_a_finished_trace_costs_nothing(verdict, finished, asked):
    world = ToyWorld()
    labelled = monte_carlo(
        trace_of("ggbbg", verdict, finished), rollouts=rollouts(world), completions=10
    )
    assert labelled.usage.calls == 10 * asked
    assert [label.tries for label in labelled.labels[:asked]] == [10] * asked
    if asked == 4:
        won = int(verdict is Verdict.CORRECT)
        assert labelled.labels[-1] == StepLabel(Kind.VALUE, won, 1, "verdict")


def test_one_step_with_a_verdict_asks_nobody():
    asking = Rollouts(ToyWorld().problems(1)[0], sample=lambda *_, **__: 1 / 0, check=None)
    labelled = monte_carlo(trace_of("g", Verdict.CORRECT), rollouts=asking)
    assert labelled.labels == (StepLabel(Kind.VALUE, 1, 1, "verdict"),)
    assert labelled.usage.calls == 0


def test_a_trace_without_steps_is_refused_by_problem():
    with pytest.raises(InputError, match="'toy-0' has no steps"):
        monte_carlo(trace_of(""), rollouts=rollouts(ToyWorld()))


def test_same_seed_same_labels():
    def labels(seed):
        return monte_carlo(trace_of("ggbgg"), rollouts=rollouts(ToyWorld(), seed)).labels

    assert labels(3) == labels(3) != labels(4)


def test_traces_that_share_steps_share_their_rollouts():
    shared = rollouts(ToyWorld())
    first = monte_carlo(trace_of("ggbbg"), rollouts=shared)
    again = monte_carlo(trace_of("ggggg"), rollouts=shared)
    assert again.labels[:2] == first.labels[:2]
    assert (first.usage.calls, again.usage.calls) == (5 * 8, 3 * 8)


@pytest.mark.parametrize(
    ("verdict", "successes", "tries", "value"),
    [
        (Verdict.CORRECT, 1, 1, 1.0),
        (Verdict.WRONG, 0, 1, 0.0),
        (Verdict.UNREADABLE, 0, 0, None),
        (None, 0, 0, None),
    ],
)
def test_outcome_labels_every_step_with_the_end(verdict, successes, tries, value):
    labelled = outcome(trace_of("gbg", verdict))
    assert labelled.labels == (StepLabel(Kind.VALUE, successes, tries, "outcome"),) * 3
    assert labelled.labels[0].value == value
    assert outcomes([trace_of("gbg", verdict)]) == [labelled]


def test_outcomes_average_to_the_value_of_the_prefix():
    """What makes an outcome verifier a value model (OVM)."""
    world, rng = ToyWorld(length=4, slip=0.3, recover=0.2), np.random.default_rng(0)
    [problem] = world.problems(1)
    [ends] = world.sample(problem, [()], count=4000, rng=rng)
    traces = [Trace(problem, e.steps) for e in ends]
    labelled = outcomes([Trace(problem, t.steps, None, world.check(problem, t)) for t in traces])
    for word in ("g", "b", "gb", "bg"):
        values = [
            item.labels[len(word) - 1].value
            for item in labelled
            if [s.text[0] for s in item.trace.steps[: len(word)]] == list(word)
        ]
        value = world.value(steps(word))
        assert abs(np.mean(values) - value) < 4 * np.sqrt(value * (1 - value) / len(values))


@given(st.text("gb", max_size=8))
def test_an_oracle_says_what_its_checker_says(word):
    def check_steps(problem, trace):
        return [None if step.text == "good" else "bad" for step in trace.steps]

    labels = oracle(trace_of(word), check_steps=check_steps).labels
    assert [label.value for label in labels] == [float(letter == "g") for letter in word]
    assert all(label.kind is Kind.CORRECTNESS and label.by == "oracle" for label in labels)


def test_the_oracle_of_trails_finds_the_broken_step():
    [problem] = trails.problems("test", 1, level="easy")
    right = trails.solve(trails.read(problem.text))
    assert all(x.value == 1 for x in oracle_of(problem, right))
    wrong = [right[0] + "1", *right[1:]]
    assert oracle_of(problem, wrong)[0].value == 0


def oracle_of(problem, texts):
    trace = Trace(problem, tuple(map(Step, texts)))
    return oracle(trace, check_steps=trails.check_steps).labels
