"""PrOntoQA (Saparov and He, arXiv:2210.01240): deductions that a rule can check exactly.

    Every cat is a feline. Felines are not herbivorous. Sam is a cat.
    True or false: Sam is herbivorous.

    Sam is a cat. / Every cat is a feline. / Sam is a feline. / Felines are not herbivorous. /
    Sam is not herbivorous. / The answer is False

A step is right iff it restates a sentence of the problem, or follows from one rule of the problem
and what was given or rightly derived before it. Skipping a deduction is wrong (`Flaw.SKIPS`)
even where its conclusion is true.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from surefoot.core.errors import InputError
from surefoot.core.records import Record, field_of, read_rows
from surefoot.core.types import Problem, Step, Trace, Verdict
from surefoot.formats.fields import texts_of

_QUERY = "True or false: "
_RULE = re.compile(r"(?:Every|Each) (?P<one>[^.]+?) is (?P<not>not )?(?:an? )?(?P<then>[^.]+)\.?")
_PLURAL = re.compile(r"(?P<one>[^.]+?) are (?P<not>not )?(?P<then>[^.]+)\.?")
_FACT = re.compile(r"(?P<one>[^.]+?) is (?P<not>not )?(?:an? )?(?P<then>[^.]+)\.?")
_ANSWER = re.compile(r"(?:(?:So )?the answer is )?(true|false)\.?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Claim:
    """`about` is (or, unless `holds`, is not) a `what`. about: a name, or in a rule a kind."""

    about: str
    what: str
    holds: bool = True


@dataclass(frozen=True, slots=True)
class World:
    """What a problem says, and what it asks."""

    rules: frozenset[Claim]
    facts: frozenset[Claim]
    query: Claim

    def follows(self, known: set[Claim]) -> set[Claim]:
        """What one rule adds to what is known."""
        return {
            Claim(fact.about, rule.what, rule.holds)
            for fact in known
            for rule in self.rules
            if fact.holds and fact.what == rule.about
        }

    def closure(self) -> set[Claim]:
        """All that is true: the facts and whatever follows from them, however far."""
        known = set(self.facts)
        while not (new := self.follows(known)) <= known:
            known |= new
        return known


# --- problems ------------------------------------------------------------------


def prontoqa_file(path: str | Path) -> list[Problem]:
    """The problems of a file of {"id", "question", "query", "chain_of_thought", "answer"}."""
    return [trace.problem for trace in prontoqa_references(path)]


def prontoqa_references(path: str | Path) -> list[Trace]:
    """The file's own deductions as traces, closed by "The answer is ...".

    Raises InputError with file, row and field.
    """
    return [_with_row(path, row, record) for row, record in read_rows(path)]


def _with_row(path: str | Path, row: int, record: Record) -> Trace:
    try:
        return _reference(record)
    except InputError as error:
        raise InputError(f"{path} row {row}: {error}") from error


def _reference(record: Record) -> Trace:
    text = f"{field_of(record, 'question', str)} {field_of(record, 'query', str)}"
    gold: str = field_of(record, "answer", str)
    problem = Problem(f"prontoqa-{field_of(record, 'id', str)}", text, gold)
    read(problem)  # refuses what the checkers could not work with
    steps = (*texts_of(record, "chain_of_thought"), f"The answer is {gold}")
    return Trace(problem, tuple(map(Step, steps)), gold, Verdict.CORRECT)


def read(problem: Problem) -> World:
    """The world that a problem describes. Raises InputError that quotes what cannot be read."""
    told, mark, asked = problem.text.partition(_QUERY)
    query = _claim(_FACT, asked.strip())
    if not mark or query is None:
        raise InputError(
            f"problem {problem.id!r} is not of PrOntoQA: expected it to end with "
            f"'{_QUERY}Sam is ...', got ...{problem.text[-60:]!r}"
        )
    rules, facts = set[Claim](), set[Claim]()
    for sentence in re.split(r"(?<=\.)\s+", told.strip()):
        rule, fact = _rule(sentence), _claim(_FACT, sentence)
        if rule is None and fact is None:
            raise InputError(f"problem {problem.id!r}: cannot read the sentence {sentence!r}")
        if rule is not None:
            rules.add(rule)
        elif fact is not None:
            facts.add(fact)
    return World(frozenset(rules), frozenset(facts), query)


def _rule(sentence: str) -> Claim | None:
    return _claim(_RULE, sentence) or _claim(_PLURAL, sentence)


def _claim(pattern: re.Pattern[str], sentence: str) -> Claim | None:
    match = pattern.fullmatch(sentence)
    if match is None:
        return None
    return Claim(_singular(match["one"]), _singular(match["then"]), match["not"] is None)


def _singular(term: str) -> str:
    """A kind by one name, whether one or many are spoken of; other words come out unchanged."""
    term = term.strip().lower()
    for many, one in (("ies", "y"), ("uses", "us"), ("sses", "ss"), ("xes", "x"), ("ches", "ch")):
        if term.endswith(many) and len(term) > len(many) + 1:
            return term.removesuffix(many) + one
    plural = term.endswith("s") and not term.endswith(("ss", "us", "is"))
    return term[:-1] if plural else term


# --- checking --------------------------------------------------------------------


class Flaw:
    """Why a step is wrong, as constant strings; a correct step has none (None)."""

    FORM = (
        "not a sentence of the form 'Every cat is a feline', 'Sam is a cat', 'The answer is True'"
    )
    RULE = "a rule that the problem does not state"
    CONTRADICTS = "the opposite of what follows from the problem"
    SKIPS = "follows from the problem, but not in one step from what was derived"
    NOWHERE = "does not follow from the problem"
    ANSWER = "the answer is not what was derived"


def check_steps(problem: Problem, trace: Trace) -> list[str | None]:
    """What is wrong with each step, [S]; None where nothing is."""
    return list(_flaws(read(problem), trace))


def _flaws(world: World, trace: Trace) -> Iterator[str | None]:
    known, true = set(world.facts), world.closure()
    for step in trace.steps:
        line = step.text.strip()[:300]
        answer, rule, fact = _ANSWER.fullmatch(line), _rule(line), _claim(_FACT, line)
        if answer is not None:
            yield None if _answers(world.query, answer[1], known) else Flaw.ANSWER
        elif rule is not None:
            yield None if rule in world.rules else Flaw.RULE
        elif fact is None:
            yield Flaw.FORM
        elif fact in known or fact in world.follows(known):
            known.add(fact)
            yield None
        else:
            yield _unfounded(fact, true)


def _unfounded(fact: Claim, true: set[Claim]) -> str:
    """What is wrong with a claim that does not follow in one step."""
    if fact in true:
        return Flaw.SKIPS
    opposite = Claim(fact.about, fact.what, not fact.holds)
    return Flaw.CONTRADICTS if opposite in true else Flaw.NOWHERE


def _answers(query: Claim, answer: str, known: set[Claim]) -> bool:
    """Was the query derived if the answer is true, or its opposite if it is false?"""
    holds = query.holds == (answer.lower() == "true")
    return Claim(query.about, query.what, holds) in known


def check(problem: Problem, trace: Trace) -> Verdict:
    """The `Checker`: is the stated answer, True or False, the gold one? (Its steps may be wrong.)

    UNREADABLE if no line states one. Without a gold answer the problem itself decides.
    """
    lines = trace.text.splitlines() if trace.steps else [trace.answer or ""]
    answers = [match[1] for line in lines if (match := _ANSWER.fullmatch(line.strip()))]
    if not answers:
        return Verdict.UNREADABLE
    if problem.gold is not None:
        right = answers[-1].lower() == problem.gold.lower()
    else:
        world = read(problem)
        right = _answers(world.query, answers[-1], world.closure())
    return Verdict.CORRECT if right else Verdict.WRONG
