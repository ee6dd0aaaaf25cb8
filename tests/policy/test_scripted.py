"""The scripted policy: the double that other tests stand on."""

import numpy as np
import pytest

from surefoot.core.errors import InputError
from surefoot.core.types import Problem, Step
from surefoot.policy import ScriptedPolicy

PROBLEM = Problem("p", "?")
POLICY = ScriptedPolicy({"p": [["a", "b", "c"], ["a", "x"], ["y"]]})


def texts(prefix="", count=200, until="end", seed=0):
    rng = np.random.default_rng(seed)
    steps = tuple(map(Step, prefix))
    [ends] = POLICY(PROBLEM, [steps], count=count, rng=rng, until=until)
    return [("".join(step.text for step in end.steps), end.finished) for end in ends]


def test_continuations_by_hand():
    assert set(texts()) == {("abc", True), ("ax", True), ("y", True)}
    assert set(texts("a")) == {("bc", True), ("x", True)}
    assert set(texts("a", until="step")) == {("b", False), ("x", True)}
    assert set(texts("y")) == {("", True)}  # a finished prefix
    assert set(texts("q")) == {("", False)}  # a prefix that nobody wrote


def test_solutions_are_drawn_evenly_and_repeatably():
    drawn = texts(count=3000)
    assert drawn == texts(count=3000)
    for text in ("abc", "ax", "y"):
        assert abs(drawn.count((text, True)) - 1000) < 4 * np.sqrt(3000 * 2 / 9)


def test_a_character_is_a_token():
    [[end]] = ScriptedPolicy({"p": [["four", "two"]]})(
        PROBLEM, [()], count=1, rng=np.random.default_rng(0)
    )
    assert end.tokens == 7
    assert all(len(step.logprobs) == len(step.ids) for step in end.steps)


def test_a_problem_without_a_script_is_named():
    with pytest.raises(InputError, match=r"'q' is not in the script; it has \['p'\]"):
        POLICY(Problem("q", "?"), [()], count=1, rng=np.random.default_rng(0))
