"""A watched search: what it cost, the best so far, and texts that end a solution."""

import pytest
from gateway_world import RIGHT, WRONG, Anything, length

from surefoot.core.errors import Stopped
from surefoot.core.seeds import rng_for
from surefoot.core.types import Completion, Problem, Step, Usage
from surefoot.policy import ScriptedPolicy
from surefoot.search import beam
from surefoot.serve import nothing_to_check
from surefoot.serve.gateway_watch import Watch, stopping

PROBLEM = Problem("p", "How much is 2 + 2?")


def policy(*solutions):
    return ScriptedPolicy(Anything(solutions))


def steps(*texts):
    return tuple(map(Step, texts))


def drawn(sample, prefix=(), until="end", count=1):
    [row] = sample(PROBLEM, [prefix], count=count, rng=rng_for(0), until=until)
    return row


def test_usage_is_all_that_was_asked_for():
    watch = Watch()
    sample = watch.sampler(policy(RIGHT))
    drawn(sample, count=3)
    drawn(sample, steps(RIGHT[0]), until="step")
    scores = watch.scorer(length)([])
    letters = len("".join(RIGHT))
    assert scores == []
    assert watch.usage == Usage(policy_tokens=3 * letters + len(RIGHT[1]), calls=4)
    assert watch.finished == 4


def test_a_search_pays_the_same_watched_or_not():
    shared = {"check": nothing_to_check, "rng": rng_for(1), "beams": 2, "width": 2}
    watch = Watch()
    found = beam(
        PROBLEM, sample=watch.sampler(policy(RIGHT, WRONG)), score=watch.scorer(length), **shared
    )
    assert watch.usage == found.usage
    assert watch.best().steps == found.chosen.steps


def test_the_best_so_far_is_the_one_with_the_highest_score_else_the_majoritys():
    watch = Watch()
    assert watch.best() is None
    first = watch.sampler(policy(WRONG))
    drawn(first)
    assert watch.best().answer == "5"
    drawn(watch.sampler(policy(RIGHT)), count=2)
    assert watch.best().answer == "4"  # 2 to 1
    drawn(first, count=5)
    assert watch.best().answer == "5"  # 2 to 6
    watch.scorer(length)([watch.best()])
    assert watch.best().answer == "5"  # the only one with a score
    drawn(watch.sampler(policy(RIGHT)))
    [right] = [end for end in watch._ends if end.answer == "4"][:1]
    watch.scorer(length)([right])
    assert watch.best().answer == "4"  # 0.9 to 0.1


def test_stopped_work_makes_no_further_call():
    watch = Watch()
    sample, score = watch.sampler(policy(RIGHT)), watch.scorer(length)
    drawn(sample)
    watch.stop.set()
    for call in (lambda: drawn(sample), lambda: score([])):
        with pytest.raises(Stopped):
            call()
    assert watch.usage.calls == 1


@pytest.mark.parametrize(
    ("stops", "prefix", "until", "kept"),
    [
        (["absent"], (), "end", ["a b", "c d", "e"]),
        (["c"], (), "end", ["a b"]),
        ([" d"], (), "end", ["a b", "c"]),
        (["d", "b"], (), "end", ["a "]),  # the first in the text, not in the list
        (["a b"], (), "end", []),
        (["b\nc"], (), "end", ["a "]),  # begins in one step, ends in the next
        (["\n"], (), "end", ["a b"]),
        (["e\n"], (), "end", ["a b", "c d", "e"]),  # nothing follows the last step
        (["\n"], (), "step", ["a b"]),  # the text would go on
        (["b\nc"], ("a b",), "step", []),  # its beginning is there already
        (["d"], ("a b",), "step", ["c "]),
    ],
)
def test_a_solution_ends_before_the_first_stop(stops, prefix, until, kept):
    whole = ["a b", "c d", "e"]
    free = policy(whole)
    [plain] = drawn(free, steps(*prefix), until)
    [end] = drawn(stopping(free, stops), steps(*prefix), until)
    assert [step.text for step in end.steps] == kept
    assert end.tokens == plain.tokens, "what was written is paid for"
    assert end.finished == (until == "end" or stops != ["absent"])


def test_without_stops_the_policy_is_itself():
    free = policy(RIGHT)
    assert stopping(free, []) is free


def test_cut_solutions_are_whole_for_the_search():
    found = beam(
        PROBLEM,
        sample=stopping(policy(["2 + 2 = 4", "so # noise", "more"]), ["#"]),
        score=length,
        check=nothing_to_check,
        rng=rng_for(0),
        beams=1,
        width=1,
    )
    assert [step.text for step in found.chosen.steps] == ["2 + 2 = 4", "so "]
    assert Completion(found.chosen.steps).finished
