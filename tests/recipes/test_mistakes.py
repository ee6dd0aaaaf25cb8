"""Learning from mistakes: tags keep right and wrong apart; rethinking ends."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.core.types import Completion, Problem, Step, Trace, Verdict
from surefoot.improve import whole
from surefoot.recipes.refinement import mistakes
from surefoot.search import Found

PROBLEM = Problem("p", "6 times 7?", "42")


def trace(text, verdict):
    return Trace(PROBLEM, (Step(text),), None, verdict)


def learnt(lessons):
    """A policy that has learnt its lessons by heart: prompt -> what it writes, by share."""
    table = {}
    for lesson in lessons:
        table.setdefault(lesson.problem.text, Counter())[lesson.steps[0].text] += 1
    return {asked: {k: n / c.total() for k, n in c.items()} for asked, c in table.items()}


@given(st.integers(1, 9), st.integers(1, 9))
def test_tags_separate_what_plain_cloning_mixes(right, wrong):
    traces = [trace("42", Verdict.CORRECT)] * right + [trace("13", Verdict.WRONG)] * wrong
    tuned = learnt(mistakes.lessons(traces))
    asked = mistakes.with_word(PROBLEM, mistakes.RIGHT_TAG).text
    assert tuned[asked] == {"42": 1.0}
    plain = learnt([whole(t) for t in traces])
    assert plain[PROBLEM.text]["42"] == right / (right + wrong) < 1


def test_what_was_not_checked_is_no_lesson():
    assert mistakes.lessons([trace("?", None), trace("?", Verdict.UNREADABLE)]) == []


def test_a_tuned_policy_is_asked_for_right_solutions():
    asked = []

    def sample(problem, prefixes_P, *, count, rng, until="end"):
        asked.append(problem)
        return [[Completion((Step("42"),))]]

    mistakes.tuned(sample)(PROBLEM, [()], count=1, rng=np.random.default_rng(0))
    assert asked[0].text.endswith("7?\n[RIGHT]")
    assert asked[0].id == "p"


@pytest.mark.parametrize(
    ("answers", "passes", "calls", "chosen"),
    [
        ("1 2 2 9", 5, 3, "2"),  # said twice in a row
        ("1 1", 5, 2, "1"),
        ("1 2 1 2", 3, 4, "2"),  # never stays: the last
        ("7", 0, 1, "7"),
    ],
)
def test_rethinking_ends_when_the_answer_stays(answers, passes, calls, chosen):
    script = iter(answers.split())
    asked = []

    def sample(problem, prefixes_P, *, count, rng, until="end"):
        asked.append(problem.text)
        return [[Completion((Step(f"The answer is {next(script)}", (1,)),))]]

    found = mistakes.solve(
        PROBLEM, sample=sample, check=lambda *_: None, rng=np.random.default_rng(0),
        mistakes=["Tens are forgotten."], passes=passes,
    )  # fmt: skip
    assert isinstance(found, Found)
    assert found.usage.calls == calls == len(asked)
    assert found.chosen.answer == chosen
    assert all("Tens are forgotten." in text for text in asked[1:])
