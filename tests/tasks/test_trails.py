"""Trails: the model solution passes, and every single corruption is caught where it is."""

import re

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from surefoot.core.seeds import rng_for
from surefoot.core.types import Problem, Step, Trace, Verdict
from surefoot.tasks.trails import (
    LEVELS,
    Flaw,
    answer_of,
    check,
    check_steps,
    describe,
    first_error,
    problems,
    read,
    solve,
    split_of,
    stream,
)
from surefoot.tasks.trails_world import LARGEST, NAMES

LINE = re.compile(r"(\w+) = (\w+) ([-+*]) (\w+) = (\d+) ([-+*]) (\d+) = (\d+)")


@st.composite
def worlds(draw):
    level = draw(st.sampled_from(sorted(LEVELS)))
    split = draw(st.sampled_from(["train", "validation", "test"]))
    return next(stream(split, LEVELS[level], rng_for(draw(st.integers(0, 10**6)), "t")))


def problem_of(world):
    return Problem("p", describe(world), gold=str(world.values()[world.asked]))


def flaws_of(world, lines):
    problem = problem_of(world)
    return check_steps(problem, Trace(problem, tuple(map(Step, lines))))


@given(worlds())
def test_the_model_solution_passes(world):
    problem, lines = problem_of(world), solve(world)
    trace = Trace(problem, tuple(map(Step, lines)))
    assert check_steps(problem, trace) == [None] * len(lines)
    assert first_error(problem, trace) is None
    assert check(problem, trace) is Verdict.CORRECT


@given(worlds())
def test_reading_undoes_describing(world):
    assert read(describe(world)) == world
    assert all(1 <= value <= LARGEST for value in world.values().values())


@given(worlds(), st.randoms())
def test_any_order_that_respects_needs_passes(world, random):
    *lines, answer = solve(world)
    facts = world.by_name()
    known = {fact.name for fact in world.facts if fact.op == "="}
    left, ordered = {line.split()[0]: line for line in lines}, []
    while left:
        ready = sorted(name for name in left if set(facts[name].needs()) <= known)
        name = random.choice(ready)
        ordered.append(left.pop(name))
        known.add(name)
    assert flaws_of(world, [*ordered, answer]) == [None] * (len(lines) + 1)


@given(worlds(), st.data())
def test_no_step_can_be_left_out(world, data):
    lines = solve(world)
    place = data.draw(st.integers(0, len(lines) - 2))
    flaws = flaws_of(world, lines[:place] + lines[place + 1 :])
    assert any(flaw in (Flaw.ORDER, Flaw.ANSWER) for flaw in flaws)
    assert flaws[:place] == [None] * place


def other_number(value):
    return str(int(value) + 1)


def other_op(op):
    return {"+": "-", "-": "*", "*": "+"}[op]


def corruptions(world, line):
    """(what, corrupted line, its flaw) for every way to spoil one thing in a line."""
    name, left, op, right, first, number_op, second, result = LINE.fullmatch(line).groups()

    def build(name=name, left=left, op=op, right=right, first=first, nop=number_op, second=second,
              result=result):  # fmt: skip
        return f"{name} = {left} {op} {right} = {first} {nop} {second} = {result}"

    stranger = next(n for n in NAMES if n not in world.by_name())
    other = next(n for n in world.by_name() if n not in (left, right, name))
    yield "operand", build(left=other), Flaw.RELATION
    yield "operand", build(right="1000" if right.isdigit() else other), Flaw.RELATION
    yield "operator", build(op=other_op(op)), Flaw.RELATION
    yield "number", build(first=other_number(first)), Flaw.NUMBER
    yield "number", build(second=other_number(second)), Flaw.NUMBER
    yield "number operator", build(nop=other_op(op)), Flaw.NUMBER
    yield "result", build(result=other_number(result)), Flaw.RESULT
    yield "unknown name", build(name=stranger), Flaw.UNKNOWN
    yield "form", line.replace(" = ", " is ", 1), Flaw.FORM
    yield "skipped work", f"{name} = {result}", Flaw.ORDER


@given(worlds(), st.data())
@settings(max_examples=150)
def test_each_single_corruption_is_caught_at_its_step(world, data):
    lines = solve(world)
    place = data.draw(st.integers(0, len(lines) - 2))
    for what, spoilt, flaw in corruptions(world, lines[place]):
        flaws = flaws_of(world, [*lines[:place], spoilt, *lines[place + 1 :]])
        assert flaws[:place] == [None] * place, what
        assert flaws[place] == flaw, (what, spoilt)


@given(worlds(), st.data())
def test_a_wrong_step_stays_wrong_for_what_builds_on_it(world, data):
    lines = solve(world)
    place = data.draw(st.integers(0, len(lines) - 2))
    name = lines[place].split()[0]
    spoilt = lines[place] + "1"
    flaws = flaws_of(world, [*lines[:place], spoilt, *lines[place + 1 :]])
    for line, flaw in zip(lines[place + 1 : -1], flaws[place + 1 : -1], strict=True):
        if name in line.split(" = ")[1].split():
            assert flaw == Flaw.ORDER
    assert flaws[-1] == Flaw.ANSWER  # no step can be left out


@given(worlds(), st.data())
def test_a_step_too_early_is_caught(world, data):
    lines = solve(world)
    place = data.draw(st.integers(1, len(lines) - 2))
    needs = set(lines[place].split(" = ")[1].split())
    early = next((i for i, line in enumerate(lines[:place]) if line.split()[0] in needs), None)
    assume(early is not None)
    moved = [*lines[:early], lines[place], *lines[early:place], *lines[place + 1 :]]
    assert flaws_of(world, moved)[early] == Flaw.ORDER


@given(worlds())
def test_swapped_operands_of_sums_pass_and_of_differences_do_not(world):
    for place, line in enumerate(solve(world)[:-1]):
        name, left, op, right, first, _, second, result = LINE.fullmatch(line).groups()
        swapped = f"{name} = {right} {op} {left} = {second} {op} {first} = {result}"
        flaw = flaws_of(world, [*solve(world)[:place], swapped])[place]
        assert flaw == (Flaw.RELATION if op == "-" else None)


@given(worlds())
def test_facts_may_be_restated_truly(world):
    given_fact = next(fact for fact in world.facts if fact.op == "=")
    number = given_fact.operands[0]
    assert flaws_of(world, [f"{given_fact.name} = {number}"]) == [None]
    assert flaws_of(world, [f"{given_fact.name} = {number + 1}"]) == [Flaw.NUMBER]


@given(worlds())
def test_a_wrong_or_early_answer_is_caught(world):
    lines = solve(world)
    right = world.values()[world.asked]
    assert flaws_of(world, [*lines[:-1], f"The answer is {right + 1}"])[-1] == Flaw.ANSWER
    assert flaws_of(world, [lines[-1]]) == [Flaw.ANSWER]
    problem = problem_of(world)
    wrong = Trace(problem, (Step(f"The answer is {right + 1}"),))
    assert check(problem, wrong) is Verdict.WRONG


def test_splits_are_disjoint_and_ids_unique():
    texts, ids = {}, []
    for split in ("train", "validation", "test"):
        for level in LEVELS:
            for seed in (0, 1):
                for problem in problems(split, 40, level=level, seed=seed):
                    assert split_of(problem.text) == split
                    assert texts.setdefault(problem.text, split) == split
                    ids.append(problem.id)
    assert len(ids) == len(set(ids)) == 3 * 3 * 2 * 40


def test_problems_are_a_growing_list():
    assert problems("test", 5) == problems("test", 9)[:5]
    with pytest.raises(ValueError, match="level must be one of"):
        problems("test", 1, level="heavy")


HOSTILE = [
    "", " ", "\x00", "=", "= = =", "Sam", "Sam = ", "x" * 100_000, "Sam = " * 10_000, "9" * 100_000,
    "Sam = " + "9" * 5000, "The answer is " + "9" * 5000, "The answer is ٤٢", "The answer is -3",
    "The answer is 3 or 4", "Sam = Mia + 5 = ٤ + 5 = 9", "Sam = 1e3", "__import__('os')", "\ud800",
    "Sam = Sam + 0 = 1 + 0 = 1", "Sam = Mia + 99999999999999999999 = 1 + 1 = 2", "The answer is",
    "Sam = Mia + 5 = 14 + 5 = 19\nSam = Mia + 5 = 14 + 5 = 19", "Sam  =  19", "sam = 19",
]  # fmt: skip


@pytest.mark.parametrize("line", HOSTILE, ids=lambda text: ascii(text[:25]))
def test_hostile_lines_are_wrong_and_never_crash(line):
    world = next(stream("train", LEVELS["middle"], np.random.default_rng(0)))
    [flaw] = flaws_of(world, [line])
    assert flaw is not None
    problem = problem_of(world)
    assert check(problem, Trace(problem, (Step(line),))) is not Verdict.CORRECT


@given(st.text(max_size=80))
def test_any_line_can_be_checked(line):
    world = next(stream("train", LEVELS["easy"], np.random.default_rng(0)))
    flaws_of(world, [line])
    answer_of(line)


@pytest.mark.parametrize(
    "text", ["", "Sam has 3 coins.", "Sam likes Mia. How many coins does Sam have?", "\x00"]
)
def test_other_texts_are_refused(text):
    with pytest.raises(ValueError, match=r"expected|not a sentence"):
        read(text)
