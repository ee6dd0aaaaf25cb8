"""Lines of a right program mutated, and judged by running its tests (PRLCoder, arXiv:2502.01715).

    label of a variant of line t = 1[the whole program with it passes every test]

A program is a trace whose steps are its lines. A variant that passes is a refactoring and as
right as the original (so is the original itself); one that fails carries the test that it failed.
Tests that are too weak let real errors pass: the labels are as good as the tests.

Nothing is run here: `tests` are functions that do it, in a sandbox where the text is a model's.

Dimension key: S lines up to the mutated one, T tests.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from surefoot.core.errors import InputError
from surefoot.core.types import Kind, LabelledTrace, Step, StepLabel, Trace

Passes = Callable[[str], bool]
Propose = Callable[[str], Iterable[str]]

_SWAPS = (
    (" < ", " <= "), (" <= ", " < "), (" > ", " >= "), (" >= ", " > "), (" == ", " != "),
    (" != ", " == "), (" + ", " - "), (" - ", " + "), (" * ", " + "), (" // ", " / "),
    (" and ", " or "), (" or ", " and "), ("True", "False"), ("False", "True"), ("not ", ""),
    ("min(", "max("), ("max(", "min("), (" in ", " not in "),
)  # fmt: skip
_INTEGER = re.compile(r"(?<![\w.])\d{1,9}(?![\w.])")


def mutants(line: str) -> list[str]:
    """Variants of a line of Python: one operator, word or whole number changed in each.

    They may be equivalent to it, or no Python at all; that is for the tests to say. A model
    that mutates or rewrites lines may stand in its place.
    """
    found = [
        line[: match.start()] + new + line[match.end() :]
        for old, new in _SWAPS
        for match in re.finditer(re.escape(old), line)
    ]
    for match in _INTEGER.finditer(line):
        for number in (int(match[0]) + 1, int(match[0]) - 1):
            found.append(line[: match.start()] + str(number) + line[match.end() :])
    return [variant for variant in dict.fromkeys(found) if variant != line]


def mutations(
    trace: Trace, *, tests: Mapping[str, Passes], propose: Propose = mutants
) -> Iterator[LabelledTrace]:
    """Every variant of every line, each as [S] labels of the program up to that line.

    tests: name -> does a program's text pass? Called once for each variant until one fails.
    propose: variants of a line; the line itself may be among them.
    The lines before the variant are right. A right line counts the tests that were passed, a
    wrong one the test that was not. notes: that "failed_test", the variant's "line" from 0, and
    what it "was". Raises InputError without tests, or if the program itself fails one.
    """
    lines = [step.text for step in trace.steps]
    if not tests:
        raise InputError(f"the program for problem {trace.problem.id!r} has no tests to mutate by")
    failed = _first_failed("\n".join(lines), tests)
    if failed is not None:
        raise InputError(
            f"the program for problem {trace.problem.id!r} fails its own test {failed!r}; "
            "mutations need one that passes them all"
        )
    for t, line in enumerate(lines):
        for variant in propose(line):
            program = "\n".join([*lines[:t], variant, *lines[t + 1 :]])
            yield _labelled(trace, t, variant, _first_failed(program, tests), len(tests))


def _labelled(trace: Trace, t: int, variant: str, failed: str | None, tests: int) -> LabelledTrace:
    steps = (*trace.steps[:t], Step(variant))
    before = StepLabel(Kind.CORRECTNESS, tests, tests, "tests")
    last = before if failed is None else replace(before, successes=0, tries=1)
    notes = {"line": str(t), "was": trace.steps[t].text}
    if failed is not None:
        notes["failed_test"] = failed
    cut = replace(trace, steps=steps, answer=None, verdict=None, finished=False)
    return LabelledTrace(cut, (*(before for _ in range(t)), last), notes=notes)


def _first_failed(program: str, tests: Mapping[str, Passes]) -> str | None:
    """The name of the first test that the program fails, or None."""
    return next((name for name, passes in tests.items() if not passes(program)), None)
