"""Each step is scored once, whatever the search."""

import numpy as np
import pytest

from surefoot.core.errors import InputError
from surefoot.core.types import Kind, Problem, Step, Trace
from surefoot.search import Remembered, beam, mcts

P = Problem("p", "?")


def trace(*texts):
    return Trace(P, tuple(map(Step, texts)))


def test_only_what_is_new_is_asked_for():
    asked = []

    def score_rest(pairs):
        asked.append([(t.text, start) for t, start in pairs])
        return [[float(s.text) for s in t.steps[start:]] for t, start in pairs]

    score = Remembered(score_rest, Kind.VALUE, "s")
    [first] = score([trace("1")])
    second, third = score([trace("1", "2"), trace("1", "3", "4")])
    again = score([trace("1", "2"), trace("1")])
    assert (first.values, second.values, third.values) == ((1,), (1, 2), (1, 3, 4))
    assert [s.values for s in again] == [(1, 2), (1,)]
    assert asked == [[("1", 0)], [("1\n2", 1), ("1\n3\n4", 1)]]
    assert score.asked == 4
    assert [s.tokens for s in (first, second, third, *again)] == [1, 1, 2, 0, 0]


def test_a_short_list_is_an_error():
    score = Remembered(lambda pairs: [[0.5] for _ in pairs], Kind.VALUE, "s")
    with pytest.raises(InputError, match="gave 1 scores for the 2 new steps"):
        score([trace("1", "2")])


@pytest.mark.parametrize("search", [mcts, beam])
def test_a_search_scores_each_new_step_once_and_finds_the_same(search, world, exact):
    def score_rest(pairs):
        return [
            [world.value(t.steps[: s + 1]) for s in range(start, len(t.steps))]
            for t, start in pairs
        ]

    score = Remembered(score_rest, Kind.VALUE, "exact")
    [problem] = world.problems(1)
    verbs = {"sample": world.sample, "check": world.check}
    found = search(problem, score=score, rng=np.random.default_rng(0), **verbs)
    plain = search(problem, score=exact(world), rng=np.random.default_rng(0), **verbs)
    assert found.chosen == plain.chosen
    assert score.asked <= len(found.tree) - 1
    assert found.usage.verifier_tokens == score.asked
