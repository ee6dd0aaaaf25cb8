import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.core.errors import InputError
from surefoot.core.types import Step, Trace, Verdict
from surefoot.tasks.toy import ToyWorld

unit = st.floats(0, 1)


def steps(word):
    """ "gb" -> a good step, then a bad one."""
    names = {"g": "good", "b": "bad", "m": "mumble", "s": "stop"}
    return tuple(Step(names[c]) for c in word)


def value_by_recursion(world, good, left):
    if left == 0:
        return float(good)
    chance = 1 - world.slip if good else world.recover
    return chance * value_by_recursion(world, True, left - 1) + (1 - chance) * value_by_recursion(
        world, False, left - 1
    )


@given(st.integers(1, 6), unit, unit, st.text("gb", max_size=6))
def test_closed_form_is_the_recursion(length, slip, recover, word):
    world, prefix = ToyWorld(length, slip, recover), steps(word[:length])
    good = not word[:length] or word[:length][-1] == "g"
    expected = value_by_recursion(world, good, length - len(prefix))
    assert world.value(prefix) == pytest.approx(expected, abs=1e-9)


def test_hand_computed_values():
    world = ToyWorld(length=2, slip=0.2, recover=0.1)
    assert world.value(()) == pytest.approx(0.8 * 0.8 + 0.2 * 0.1)
    assert world.value(steps("b")) == pytest.approx(0.1)
    assert world.value(steps("bg")) == 1
    assert world.value(steps("gb")) == 0
    assert ToyWorld(3, 0.0, 0.0).value(()) == 1
    assert ToyWorld(2, 0.2, 0.1, unreadable=0.5).pass_at_1() == pytest.approx(0.33)


@given(unit, unit, st.text("gb", max_size=4))
def test_values_are_a_martingale(slip, recover, word):
    """V(prefix) is the mean of V over the next step."""
    world, prefix = ToyWorld(5, slip, recover), steps(word)
    mean = sum(
        world.probability((step,), prefix) * world.value((*prefix, step)) for step in steps("gb")
    )
    assert world.value(prefix) == pytest.approx(mean, abs=1e-9)


@pytest.mark.parametrize("word", ["", "g", "b", "gb", "bgb"])
def test_monte_carlo_agrees_within_four_deviations(word):
    world, prefix, count = ToyWorld(5, 0.3, 0.2, unreadable=0.1), steps(word), 4000
    [problem] = world.problems(1)
    [ends_K] = world.sample(problem, [prefix], count=count, rng=np.random.default_rng(0))
    verdicts = [world.check(problem, Trace(problem, prefix + end.steps)) for end in ends_K]
    readable = [v is Verdict.CORRECT for v in verdicts if v is not Verdict.UNREADABLE]
    value = world.value(prefix)
    deviation = (value * (1 - value) / len(readable)) ** 0.5
    assert abs(np.mean(readable) - value) < 4 * deviation
    assert abs(len(readable) / count - 0.9) < 4 * (0.09 / count) ** 0.5


# --- solutions of different lengths ------------------------------------------


def test_values_with_stops_by_hand():
    """T = 2: after the first step one in four solutions stops."""
    world = ToyWorld(length=2, slip=0.2, recover=0.1, stop=0.25)
    assert world.value(steps("g")) == pytest.approx(0.25 + 0.75 * 0.8)
    assert world.value(steps("b")) == pytest.approx(0.75 * 0.1)
    assert world.value(()) == pytest.approx(0.8 * 0.85 + 0.2 * 0.075)
    assert [world.value(steps(w)) for w in ("gs", "bs", "gg", "gb", "gsm")] == [1, 0, 1, 0, 0]
    assert world.probability(steps("gs")) == pytest.approx(0.8 * 0.25)
    assert world.probability(steps("gb")) == pytest.approx(0.8 * 0.75 * 0.2)
    with pytest.raises(InputError, match="stop must lie in"):
        ToyWorld(stop=1.5)


@given(unit, unit, unit, st.text("gb", max_size=4))
def test_values_with_stops_are_a_martingale(slip, recover, stop, word):
    world, prefix = ToyWorld(5, slip, recover, stop=stop), steps(word)
    mean = sum(
        world.probability((step,), prefix) * world.value((*prefix, step)) for step in steps("gbs")
    )
    assert world.value(prefix) == pytest.approx(mean, abs=1e-9)


@pytest.mark.parametrize("until", ["step", "end"])
def test_the_policy_stops_as_often_as_its_probabilities_say(until):
    world, count = ToyWorld(3, 0.3, 0.2, stop=0.3, unreadable=0.1), 2000
    [problem] = world.problems(1)
    rng, traces = np.random.default_rng(0), [Trace(problem, ())] * count
    for _ in range(3):
        rows = world.sample(problem, [t.steps for t in traces], count=1, rng=rng, until=until)
        traces = [
            Trace(problem, t.steps + end.steps, finished=end.finished)
            for t, [end] in zip(traces, rows, strict=True)
        ]
    assert all(trace.finished for trace in traces)
    verdicts = [world.check(problem, trace) for trace in traces]
    mumbled = [trace.steps[-1].text == "mumble" for trace in traces]
    assert [v is Verdict.UNREADABLE for v in verdicts] == mumbled
    assert abs(np.mean(mumbled) - 0.1) < 4 * (0.09 / count) ** 0.5
    right = np.mean([v is Verdict.CORRECT for v in verdicts])
    assert abs(right - world.pass_at_1()) < 4 * (0.25 / count) ** 0.5
    texts = [tuple(s.text for s in t.steps if s.text != "mumble") for t in traces]
    for word in ("gs", "bgs", "bbb"):
        share = np.mean([text == tuple(s.text for s in steps(word)) for text in texts])
        chance = world.probability(steps(word))
        assert abs(share - chance) < 4 * (chance * (1 - chance) / count) ** 0.5
    assert world.check(problem, Trace(problem, steps("gg"))) is Verdict.UNREADABLE


def test_one_step_at_a_time_is_the_same_policy():
    world = ToyWorld(3, 0.3, 0.2)
    [problem] = world.problems(1)
    rng, right, count = np.random.default_rng(1), 0, 3000
    prefixes = [()] * count
    for left in (2, 1, 0):
        rows = world.sample(problem, prefixes, count=1, rng=rng, until="step")
        assert all(len(row) == 1 and len(row[0].steps) == 1 for row in rows)
        assert all(row[0].finished is (left == 0) for row in rows)
        prefixes = [p + row[0].steps for p, row in zip(prefixes, rows, strict=True)]
    right = np.mean([p[-1].text == "good" for p in prefixes])
    assert abs(right - world.pass_at_1()) < 4 * (0.25 / count) ** 0.5


def test_equal_generators_ask_for_equal_completions_and_seeds_belong_to_requests():
    world = ToyWorld()
    [problem] = world.problems(1)
    first = world.sample(problem, [(), steps("b")], count=3, rng=np.random.default_rng(5))
    again = world.sample(problem, [(), steps("b")], count=3, rng=np.random.default_rng(5))
    assert first == again
    alone = world.sample(problem, [()], count=3, rng=np.random.default_rng(5))
    assert alone[0] == first[0]
    assert len({end.steps for end in world.sample(
        problem, [()], count=50, rng=np.random.default_rng(5))[0]}) > 5  # fmt: skip


def test_logprobs_are_those_of_the_policy():
    world = ToyWorld(4, 0.3, 0.2)
    [problem] = world.problems(1)
    for end in world.sample(problem, [()], count=20, rng=np.random.default_rng(2))[0]:
        total = sum(logprob for step in end.steps for logprob in step.logprobs)
        assert np.exp(total) == pytest.approx(world.probability(end.steps))


def test_first_error_and_verdicts():
    world = ToyWorld(length=3)
    [problem] = world.problems(1)
    assert world.first_error(steps("gbg")) == 1
    assert world.first_error(steps("ggg")) is None
    words = ("gbg", "ggb", "gggm", "gg", "")
    verdicts = {word: world.check(problem, Trace(problem, steps(word))) for word in words}
    assert verdicts["gbg"] is Verdict.CORRECT  # recovered
    assert verdicts["ggb"] is Verdict.WRONG
    assert {verdicts[w] for w in ("gggm", "gg", "")} == {Verdict.UNREADABLE}


def test_a_finished_prefix_is_continued_by_nothing():
    world = ToyWorld(length=2)
    [[end]] = world.sample(
        world.problems(1)[0], [steps("gg")], count=1, rng=np.random.default_rng(0)
    )
    assert end.steps == ()
    assert end.finished


@pytest.mark.parametrize("settings", [{"length": 0}, {"slip": 1.5}, {"recover": -0.1}])
def test_impossible_worlds(settings):
    with pytest.raises(InputError, match=next(iter(settings))):
        ToyWorld(**settings)
