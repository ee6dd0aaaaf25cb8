"""Trails: generated word problems whose every step can be checked exactly.

A problem names people and what they have; each person's quantity is given or
follows from others'. A solution derives one quantity a step and ends with the
answer:

    Sam has 5 more coins than Mia. Mia has 14 coins. How many coins does Sam have?

    Sam = Mia + 5 = 14 + 5 = 19
    The answer is 19

`check_steps` accepts every valid order of steps, restated facts, and swapped
operands of + and *. A step is correct iff it states the problem's own relation,
over quantities that are given or were derived before it, with the true numbers
and the true result; so a wrong number carried forward stays wrong.

A generated solution has no step that could be left out, and problems of
different splits never coincide: the split is a hash of the text.
"""

import hashlib
import re
from collections.abc import Iterator
from typing import Literal

import numpy as np

from surefoot.core.seeds import rng_for
from surefoot.core.types import Problem, Trace, Verdict
from surefoot.tasks.trails_world import ITEMS, Fact, Level, World, describe, draw, read

__all__ = [
    "ITEMS",
    "LEVELS",
    "Fact",
    "Flaw",
    "Level",
    "Split",
    "World",
    "answer_of",
    "check",
    "check_steps",
    "describe",
    "first_error",
    "problems",
    "read",
    "solve",
    "split_of",
    "stream",
]

Split = Literal["train", "validation", "test"]
LEVELS = {
    "easy": Level(steps=(3, 4), distractors=(0, 1)),
    "middle": Level(steps=(5, 6), distractors=(1, 2)),
    "hard": Level(steps=(7, 10), distractors=(2, 3)),
}


# --- making problems -------------------------------------------------------


def problems(split: Split, count: int, *, level: str = "middle", seed: int = 0) -> list[Problem]:
    """The first `count` problems of `stream`; their ids name split, level, seed and index."""
    if level not in LEVELS:
        raise ValueError(f"level must be one of {sorted(LEVELS)}, got {level!r}")
    made: list[Problem] = []
    for world in stream(split, LEVELS[level], rng_for(seed, "trails", split, level)):
        if len(made) == count:
            break
        gold = str(world.values()[world.asked])
        name = f"trails-{split}-{level}-{seed}-{len(made)}"
        made.append(Problem(id=name, text=describe(world), gold=gold, level=level))
    return made


def stream(split: Split, level: Level, rng: np.random.Generator) -> Iterator[World]:
    """Endless different worlds of one split and level."""
    seen: set[str] = set()
    while True:
        world = draw(level, rng)
        text = describe(world)
        if split_of(text) == split and text not in seen:
            seen.add(text)
            yield world


def split_of(text: str) -> Split:
    """Which split a problem belongs to: 10 % test, 10 % validation, by hash."""
    bucket = hashlib.blake2b(text.encode(), digest_size=1).digest()[0] % 10
    return "test" if bucket == 0 else "validation" if bucket == 1 else "train"


# --- solutions -------------------------------------------------------------


def solve(world: World) -> list[str]:
    """The model solution: the first fact in the text that is needed and ready comes next."""
    values, needed = world.values(), world.needed()
    done = {fact.name for fact in world.facts if fact.op == "="}
    lines: list[str] = []
    while world.asked not in done:
        fact = next(
            f
            for f in world.facts
            if f.name in needed and f.name not in done and done.issuperset(f.needs())
        )
        numbers = [values[o] if isinstance(o, str) else o for o in fact.operands]
        in_names, in_numbers = (f" {fact.op} ".join(map(str, o)) for o in (fact.operands, numbers))
        lines.append(f"{fact.name} = {in_names} = {in_numbers} = {values[fact.name]}")
        done.add(fact.name)
    return [*lines, f"The answer is {values[world.asked]}"]


class Flaw:
    """Why a step is wrong, as constant strings; a correct step has none (None)."""

    FORM = "not a step of the form 'Sam = Mia + 5 = 14 + 5 = 19'"
    UNKNOWN = "about somebody who is not in the problem"
    RELATION = "not what the problem says"
    ORDER = "uses a quantity that was not derived yet"
    NUMBER = "puts a wrong number in place of a name"
    RESULT = "computes a wrong result"
    ANSWER = "the answer is not the asked quantity"


_STEP = re.compile(r"(\w+) = (?:(\w+) ([-+*]) (\w+) = (\d+) ([-+*]) (\d+) = )?(\d+)\.?", re.ASCII)
_ANSWER = re.compile(r"The answer is (\d{1,9})\.?", re.ASCII)


def check_steps(problem: Problem, trace: Trace) -> list[str | None]:
    """What is wrong with each step, [S]; None where nothing is.

    A quantity counts as derived only after a correct step about it, so whatever
    builds on a wrong step is wrong too.
    """
    world = read(problem.text)
    facts, values = world.by_name(), world.values()
    known = {fact.name for fact in world.facts if fact.op == "="}
    flaws: list[str | None] = []
    for step in trace.steps:
        line = step.text.strip()
        answer = _ANSWER.fullmatch(line)
        if answer is not None:
            right = world.asked in known and int(answer[1]) == values[world.asked]
            flaws.append(None if right else Flaw.ANSWER)
            continue
        match = _STEP.fullmatch(line[:200])
        flaw = Flaw.FORM if match is None else _flaw(match, facts, values, known)
        flaws.append(flaw)
        if match is not None and flaw is None:
            known.add(match[1])
    return flaws


def first_error(problem: Problem, trace: Trace) -> int | None:
    """Index in [0, S) of the first wrong step, or None if every step is correct."""
    flaws = check_steps(problem, trace)
    return next((i for i, flaw in enumerate(flaws) if flaw is not None), None)


def _flaw(
    match: re.Match[str], facts: dict[str, Fact], values: dict[str, int], known: set[str]
) -> str | None:
    name, left, op, right, *numbers, result = match.groups()
    fact = facts.get(name)
    if fact is None:
        return Flaw.UNKNOWN
    if op is None or fact.op == "=":  # "Mia = 14" restates a given fact, or skips the work
        if op is not None:
            return Flaw.RELATION
        if name not in known:
            return Flaw.ORDER
        return None if int(result) == values[name] else Flaw.NUMBER
    stated = [int(o) if o.isdigit() else o for o in (left, right)]
    expected = list(fact.operands)
    same_order = stated == expected
    swapped = op in "+*" and stated == expected[::-1]
    if op != fact.op or not (same_order or swapped):
        return Flaw.RELATION
    if any(other not in known for other in fact.needs()):
        return Flaw.ORDER
    first, number_op, second = numbers
    true = [values[o] if isinstance(o, str) else o for o in stated]
    if number_op != op or [int(first), int(second)] != true:
        return Flaw.NUMBER
    return None if int(result) == values[name] else Flaw.RESULT


def answer_of(text: str) -> str | None:
    """The number of the last line that is just "The answer is N", or None. No hedging is read."""
    found = [match for line in text.splitlines() if (match := _ANSWER.fullmatch(line.strip()))]
    return str(int(found[-1][1])) if found else None


def check(problem: Problem, trace: Trace) -> Verdict:
    """The `Checker` of trails: is the final answer right? (Its steps may not be.)"""
    answer = answer_of(trace.text) if trace.steps else trace.answer
    if answer is None:
        return Verdict.UNREADABLE
    return Verdict.CORRECT if answer == problem.gold else Verdict.WRONG
