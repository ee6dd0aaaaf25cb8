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
from dataclasses import dataclass
from typing import Literal

import numpy as np

from surefoot.core.seeds import rng_for
from surefoot.core.types import Problem, Trace, Verdict

Split = Literal["train", "validation", "test"]
Op = Literal["=", "+", "-", "*"]

NAMES = [
    "Mia",
    "Sam",
    "Ben",
    "Zoe",
    "Tom",
    "Amy",
    "Leo",
    "Eva",
    "Max",
    "Ida",
    "Kim",
    "Lou",
    "Ned",
    "Pia",
    "Ray",
    "Sue",
    "Tim",
    "Una",
    "Vic",
    "Wes",
]
ITEMS = [
    "coins",
    "marbles",
    "stamps",
    "cards",
    "books",
    "shells",
    "pens",
    "apples",
    "beads",
    "keys",
]
_STEP_OPS: tuple[Op, ...] = ("+", "+", "-", "-", "*")
LARGEST = 199  # every quantity lies in [1, LARGEST]


@dataclass(frozen=True, slots=True)
class Level:
    """A difficulty: how many steps a solution needs, how many facts mislead.

    steps, distractors: (least, most), both included.
    """

    steps: tuple[int, int]
    distractors: tuple[int, int]


LEVELS = {
    "easy": Level(steps=(3, 4), distractors=(0, 1)),
    "middle": Level(steps=(5, 6), distractors=(1, 2)),
    "hard": Level(steps=(7, 10), distractors=(2, 3)),
}


@dataclass(frozen=True, slots=True)
class Fact:
    """`name` has the quantity `operands[0] op operands[1]`; op "=" just gives it.

    An operand is a name or a number.
    """

    name: str
    op: Op
    operands: tuple[str | int, ...]

    def needs(self) -> tuple[str, ...]:
        """The names it builds on."""
        return tuple(o for o in self.operands if isinstance(o, str))

    def value(self, known: dict[str, int]) -> int:
        """The quantity, from the quantities of `needs()`."""
        numbers = [known[o] if isinstance(o, str) else o for o in self.operands]
        return _apply(self.op, numbers)


@dataclass(frozen=True, slots=True)
class World:
    """A problem's facts in the order of its text, and who is asked about."""

    facts: tuple[Fact, ...]
    item: str
    asked: str

    def by_name(self) -> dict[str, Fact]:
        """The fact about each person."""
        return {fact.name: fact for fact in self.facts}

    def values(self) -> dict[str, int]:
        """Every person's true quantity."""
        known: dict[str, int] = {}
        pending = list(self.facts)
        while pending:
            ready = [f for f in pending if all(name in known for name in f.needs())]
            if not ready:
                raise ValueError(f"circular facts about {[f.name for f in pending]}")
            known |= {f.name: f.value(known) for f in ready}
            pending = [f for f in pending if f not in ready]
        return known

    def needed(self) -> set[str]:
        """Names on which the asked quantity depends, itself included."""
        facts, needed, frontier = self.by_name(), set[str](), [self.asked]
        while frontier:
            name = frontier.pop()
            if name not in needed:
                needed.add(name)
                frontier += facts[name].needs()
        return needed


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
        world = _draw(level, rng)
        text = describe(world)
        if split_of(text) == split and text not in seen:
            seen.add(text)
            yield world


def split_of(text: str) -> Split:
    """Which split a problem belongs to: 10 % test, 10 % validation, by hash."""
    bucket = hashlib.blake2b(text.encode(), digest_size=1).digest()[0] % 10
    return "test" if bucket == 0 else "validation" if bucket == 1 else "train"


def _draw(level: Level, rng: np.random.Generator) -> World:
    while True:
        world = _attempt(level, rng)
        if world is not None:
            return world


def _attempt(level: Level, rng: np.random.Generator) -> World | None:
    """One random world, or None if a quantity left [1, LARGEST].

    `loose` holds derived people whom no later fact uses yet. The last step must
    leave exactly one, the asked one: then no step can be left out.
    """
    steps = int(rng.integers(level.steps[0], level.steps[1] + 1))
    distractors = int(rng.integers(level.distractors[0], level.distractors[1] + 1))
    names = [NAMES[i] for i in rng.permutation(len(NAMES))]
    facts: list[Fact] = []
    known: dict[str, int] = {}
    loose: list[str] = []

    def add(op: Op, *operands: str | int) -> str | None:
        fact = Fact(names.pop(), op, operands)  # the longest problems use 17 of the 20
        value = fact.value(known)
        if not 1 <= value <= LARGEST:
            return None
        facts.append(fact)
        known[fact.name] = value
        return fact.name

    def give() -> str:
        name = add("=", int(rng.integers(3, 61)))
        assert name is not None
        return name

    def follow(name: str) -> str | None:
        """Someone whose quantity follows from `name`'s and a number."""
        op: Op = _STEP_OPS[rng.integers(5)]
        return add(op, name, int(rng.integers(2, 5) if op == "*" else rng.integers(2, 40)))

    def join(left: str, right: str) -> str | None:
        """Someone who has the sum or the difference of two people's quantities."""
        if rng.random() < 0.5 or known[left] == known[right]:
            return add("+", left, right)
        return add("-", *sorted((left, right), key=lambda name: -known[name]))

    for left_to_do in range(steps, 0, -1):
        must_join = len(loose) >= 2 and len(loose) >= left_to_do
        may_branch = len(loose) < 2 and left_to_do > len(loose) + 1
        if must_join or (len(loose) >= 2 and rng.random() < 0.5):
            right, left = loose.pop(), loose.pop()
            new = join(left, right)
        elif not loose or (may_branch and rng.random() < 0.3):
            new = follow(give())
        else:
            base = loose.pop(int(rng.integers(len(loose))))
            others = [name for name in known if name != base and name not in loose]
            new = (
                join(base, others[rng.integers(len(others))])
                if rng.random() < 0.3
                else follow(base)
            )
        if new is None:
            return None
        loose.append(new)
    asked = loose.pop()
    for _ in range(distractors):
        base = list(known)[rng.integers(len(known))]
        if base != asked and follow(base) is None:
            return None
    return World(_lightly_shuffled(facts, rng), ITEMS[rng.integers(len(ITEMS))], asked)


def _lightly_shuffled(facts: list[Fact], rng: np.random.Generator) -> tuple[Fact, ...]:
    """Each fact moves a few places: order helps a reader, but cannot be relied on."""
    places = np.arange(len(facts)) + rng.uniform(0, 3, size=len(facts))
    return tuple(facts[i] for i in np.argsort(places))


# --- English ---------------------------------------------------------------


def describe(world: World) -> str:
    """The problem's text; `read` is its inverse."""
    sentences = [_sentence(fact, world.item) for fact in world.facts]
    return " ".join([*sentences, f"How many {world.item} does {world.asked} have?"])


def _sentence(fact: Fact, item: str) -> str:
    match fact.op, fact.operands:
        case "=", (number,):
            return f"{fact.name} has {number} {item}."
        case "*", (other, number):
            return f"{fact.name} has {number} times as many {item} as {other}."
        case "+", (other, int(number)):
            return f"{fact.name} has {number} more {item} than {other}."
        case "-", (other, int(number)):
            return f"{fact.name} has {number} fewer {item} than {other}."
        case "+", (left, right):
            return f"{fact.name} has as many {item} as {left} and {right} together."
        case _, (left, right):
            return f"{fact.name} has as many {item} as {left} has beyond {right}."
    raise AssertionError(fact)


_SENTENCES: tuple[tuple[Op, re.Pattern[str]], ...] = (
    ("=", re.compile(r"(\w+) has (\d+) (\w+)\.")),
    ("*", re.compile(r"(\w+) has (\d+) times as many (\w+) as (\w+)\.")),
    ("+", re.compile(r"(\w+) has (\d+) more (\w+) than (\w+)\.")),
    ("-", re.compile(r"(\w+) has (\d+) fewer (\w+) than (\w+)\.")),
    ("+", re.compile(r"(\w+) has as many (\w+) as (\w+) and (\w+) together\.")),
    ("-", re.compile(r"(\w+) has as many (\w+) as (\w+) has beyond (\w+)\.")),
)
_QUESTION = re.compile(r"How many (\w+) does (\w+) have\?")


def read(text: str) -> World:
    """The world a problem's text describes.

    Raises ValueError that quotes the sentence which is not one of trails'.
    """
    *sentences, question = re.split(r"(?<=[.?]) ", text.strip())
    asked = _QUESTION.fullmatch(question)
    if asked is None:
        raise ValueError(f"expected 'How many ITEMS does NAME have?', got {question!r}")
    return World(tuple(_fact(s) for s in sentences), asked[1], asked[2])


def _fact(sentence: str) -> Fact:
    for op, pattern in _SENTENCES:
        match = pattern.fullmatch(sentence)
        if match is None:
            continue
        name, *rest = match.groups()
        if op == "=":
            return Fact(name, op, (int(rest[0]),))
        if rest[0].isdigit():  # number, item, other
            return Fact(name, op, (rest[2], int(rest[0])))
        return Fact(name, op, (rest[1], rest[2]))  # item, left, right
    raise ValueError(f"not a sentence of trails: {sentence!r}")


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
            if f.name in needed and f.name not in done and all(n in done for n in f.needs())
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
    answer = answer_of(trace.text)
    if answer is None:
        return Verdict.UNREADABLE
    return Verdict.CORRECT if answer == problem.gold else Verdict.WRONG


def _apply(op: str, numbers: list[int]) -> int:
    match op:
        case "=":
            return numbers[0]
        case "+":
            return numbers[0] + numbers[1]
        case "-":
            return numbers[0] - numbers[1]
        case "*":
            return numbers[0] * numbers[1]
    raise AssertionError(op)
