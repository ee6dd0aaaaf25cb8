"""PrOntoQA: flaws by hand, and the 500 published deductions without one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.core.errors import InputError
from surefoot.core.types import Problem, Step, Trace, Verdict
from surefoot.tasks import prontoqa
from surefoot.tasks.load import check_golds
from surefoot.tasks.prontoqa import Claim, Flaw

TOLD = (
    "Every cat is a feline. Felines are carnivores. Carnivores are not herbivorous. "
    "Each butterfly is an insect. Prime numbers are prime. Sam is a cat. "
)
PROBLEM = Problem("p", TOLD + "True or false: Sam is herbivorous.", "False")


def trace_of(*texts, problem=PROBLEM):
    return Trace(problem, tuple(map(Step, texts)))


RIGHT = (
    "Sam is a cat.", "Every cat is a feline.", "Sam is a feline.", "Felines are carnivores.",
    "Sam is a carnivore.", "Carnivores are not herbivorous.", "Sam is not herbivorous.",
    "The answer is False",
)  # fmt: skip


def test_a_right_deduction():
    assert prontoqa.check_steps(PROBLEM, trace_of(*RIGHT)) == [None] * 8
    assert prontoqa.check(PROBLEM, trace_of(*RIGHT)) is Verdict.CORRECT


def test_rules_may_stay_unsaid_but_deductions_not():
    facts = [text for text in RIGHT if text.startswith(("Sam", "The"))]
    assert prontoqa.check_steps(PROBLEM, trace_of(*facts)) == [None] * 5
    assert prontoqa.check_steps(PROBLEM, trace_of("Sam is a carnivore.")) == [Flaw.SKIPS]


@pytest.mark.parametrize(
    ("line", "flaw"),
    [
        ("Sam is a cat", None),
        ("Cats are felines.", None),  # the same rule, of many
        ("Each carnivore is not herbivorous.", None),
        ("Butterflies are insects.", None),
        ("Each prime number is prime.", None),
        ("Every feline is a cat.", Flaw.RULE),  # the converse
        ("Carnivores are herbivorous.", Flaw.RULE),
        ("Prime numbers are prime numbers.", Flaw.RULE),
        ("Sam is a feline.", None),
        ("Sam is not a feline.", Flaw.CONTRADICTS),
        ("Sam is a butterfly.", Flaw.NOWHERE),
        ("Tom is a cat.", Flaw.NOWHERE),
        ("Sam is not herbivorous.", Flaw.SKIPS),
        ("Sam is herbivorous.", Flaw.CONTRADICTS),
        ("The answer is False", Flaw.ANSWER),  # true, but not derived
        ("Therefore!", Flaw.FORM),
        ("", Flaw.FORM),
    ],
)
def test_flaws_by_hand(line, flaw):
    assert prontoqa.check_steps(PROBLEM, trace_of(line)) == [flaw]


def test_nothing_is_built_on_a_wrong_step():
    steps = ("Sam is an insect.", "Insects are felines.", "Sam is a carnivore.")
    flaws = prontoqa.check_steps(PROBLEM, trace_of(*steps))
    assert flaws == [Flaw.NOWHERE, Flaw.RULE, Flaw.SKIPS]


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ("False", Verdict.CORRECT),
        ("the answer is false.", Verdict.CORRECT),
        ("True", Verdict.WRONG),
        ("False or True", Verdict.UNREADABLE),
        ("", Verdict.UNREADABLE),
    ],
)
def test_verdicts(answer, verdict):
    ungraded = Problem("p", PROBLEM.text)
    for problem in (PROBLEM, ungraded):
        assert prontoqa.check(problem, trace_of("Sam is a cat.", answer)) is verdict
        assert prontoqa.check(problem, Trace(problem, (), answer=answer)) is verdict


def test_a_world_is_read():
    world = prontoqa.read(PROBLEM)
    assert world.query == Claim("sam", "herbivorous")
    assert world.facts == {Claim("sam", "cat")}
    assert Claim("carnivore", "herbivorous", False) in world.rules
    assert len(world.rules) == 5
    assert world.closure() - world.facts == {
        Claim("sam", "feline"), Claim("sam", "carnivore"), Claim("sam", "herbivorous", False)
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Sam is a cat.", "expected it to end with"),
        ("Hello! True or false: Sam is a cat.", "Hello"),
    ],
)
def test_other_problems_are_refused(text, message):
    with pytest.raises(InputError, match=message):
        prontoqa.read(Problem("q", text))


@given(st.lists(st.text(), max_size=5))
def test_as_many_verdicts_as_steps_whatever_they_say(texts):
    trace = trace_of(*texts)
    assert len(prontoqa.check_steps(PROBLEM, trace)) == len(texts)


def test_the_published_deductions_have_no_flaw(data):
    traces = prontoqa.prontoqa_references(data / "prontoqa" / "345hop_test_500.jsonl.gz")
    assert len(traces) == 500
    flaws = [flaw for t in traces for flaw in prontoqa.check_steps(t.problem, t)]
    assert flaws == [None] * 4806
    assert check_golds([t.problem for t in traces], prontoqa.check) == []
    blind = [Problem(t.problem.id, t.problem.text) for t in traces]
    verdicts = {
        prontoqa.check(p, Trace(p, (), answer=t.answer)) for p, t in zip(blind, traces, strict=True)
    }
    assert verdicts == {Verdict.CORRECT}
