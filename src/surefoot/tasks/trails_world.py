"""The worlds behind trails: facts about what people have, how they are drawn and told.

`draw` makes a random world, `describe` tells it in English, `read` is the inverse
of `describe`.
"""

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np

Op = Literal["=", "+", "-", "*"]

NAMES = tuple(
    "Mia Sam Ben Zoe Tom Amy Leo Eva Max Ida Kim Lou Ned Pia Ray Sue Tim Una Vic Wes".split()  # noqa: SIM905
)
ITEMS = tuple(
    "coins marbles stamps cards books shells pens apples beads keys".split()  # noqa: SIM905
)
_STEP_OPS: tuple[Op, ...] = ("+", "+", "-", "-", "*")
LARGEST = 199  # every quantity lies in [1, LARGEST]


@dataclass(frozen=True, slots=True)
class Level:
    """A difficulty: how many steps a solution needs, how many facts mislead.

    steps, distractors: (least, most), both included.
    """

    steps: tuple[int, int]
    distractors: tuple[int, int]


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
            ready = [f for f in pending if known.keys() >= set(f.needs())]
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


# --- making worlds ---------------------------------------------------------


def draw(level: Level, rng: np.random.Generator) -> World:
    """A random world of a level."""
    while True:
        world = _attempt(level, rng)
        if world is not None:
            return world


class _OutOfRange(Exception):
    """A quantity left [1, LARGEST]: the attempt is given up."""


class _Maker:
    """A world in the making: facts so far, and everybody's quantity."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.names = [NAMES[i] for i in rng.permutation(len(NAMES))]
        self.facts: list[Fact] = []
        self.known: dict[str, int] = {}

    def add(self, op: Op, *operands: str | int) -> str:
        """One more fact, about a new person; returns the name."""
        fact = Fact(self.names.pop(), op, operands)  # the longest problems use 17 of the 20
        value = fact.value(self.known)
        if not 1 <= value <= LARGEST:
            raise _OutOfRange
        self.facts.append(fact)
        self.known[fact.name] = value
        return fact.name

    def give(self) -> str:
        """Someone whose quantity is given."""
        return self.add("=", int(self.rng.integers(3, 61)))

    def follow(self, name: str) -> str:
        """Someone whose quantity follows from `name`'s and a number."""
        op: Op = _STEP_OPS[self.rng.integers(5)]
        return self.add(op, name, int(self.rng.integers(2, 5 if op == "*" else 40)))

    def join(self, left: str, right: str) -> str:
        """Someone who has the sum or the difference of two people's quantities."""
        if self.rng.random() < 0.5 or self.known[left] == self.known[right]:
            return self.add("+", left, right)
        return self.add("-", *sorted((left, right), key=lambda name: -self.known[name]))

    def derive(self, loose: list[str], left_to_do: int) -> str:
        """Someone whose quantity is a step of the solution. Takes what it uses out of `loose`."""
        must_join = len(loose) >= 2 and len(loose) >= left_to_do
        may_branch = len(loose) < 2 and left_to_do > len(loose) + 1
        if must_join or (len(loose) >= 2 and self.rng.random() < 0.5):
            right, left = loose.pop(), loose.pop()
            return self.join(left, right)
        if not loose or (may_branch and self.rng.random() < 0.3):
            return self.follow(self.give())
        base = loose.pop(int(self.rng.integers(len(loose))))
        if self.rng.random() < 0.3:
            others = [name for name in self.known if name != base and name not in loose]
            return self.join(base, others[self.rng.integers(len(others))])
        return self.follow(base)


def _attempt(level: Level, rng: np.random.Generator) -> World | None:
    """One random world, or None if a quantity left [1, LARGEST].

    `loose` holds derived people whom no later fact uses yet. The last step must
    leave exactly one, the asked one: then no step can be left out.
    """
    steps = int(rng.integers(level.steps[0], level.steps[1] + 1))
    distractors = int(rng.integers(level.distractors[0], level.distractors[1] + 1))
    maker, loose = _Maker(rng), list[str]()
    try:
        for left_to_do in range(steps, 0, -1):
            loose.append(maker.derive(loose, left_to_do))
        asked = loose.pop()
        for _ in range(distractors):
            base = list(maker.known)[rng.integers(len(maker.known))]
            if base != asked:
                maker.follow(base)
    except _OutOfRange:
        return None
    return World(_lightly_shuffled(maker.facts, rng), ITEMS[rng.integers(len(ITEMS))], asked)


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
