"""Files and functions stay short and flat, everything is annotated and documented.

The figures are printed (`pytest -s tests/test_style.py`). What may break a limit
is listed in EXCEPTIONS, as path or path::function, with the reason.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from source_tree import ROOT, Function, definitions, functions, modules, report

EXCEPTIONS: dict[str, str] = {
    "tasks/trails.py::_flaw": "one line for each way a step can be wrong, in the order they count",
    "tasks/gym_worker.py::is_expression": "the loop of a tokenizer",
    "tasks/equal_worker.py::_same_by_numbers": "one case for each sort of mathematical object",
    "tasks/leaves.py::same_plainly": "one case for each way of writing a value",
    "tasks/values.py::_number": "one case for each way of writing a number",
    "tasks/values.py::_compound": "one condition for each way of being no sum of units",
    "tasks/moments.py::date_of": "one case for each way of writing a date",
    "tasks/moments.py::time_of": "one case for each way of writing a time",
    "tasks/regions.py::_bounds": "one condition for each way of being no inequality",
    "tasks/written.py::_same_ratio": "two ratios, or a ratio and a fraction",
    "tasks/values.py::value_of": "one case for each way of writing a value",
    "tasks/regions.py::region_of": "one case for each way of writing a set of numbers",
    "tasks/written.py::same_as_written": "one case for each sort of answer",
    "tasks/written.py::_same_equations": "one case for each number of sides",
    "tasks/answers.py::_essence": "the places of an answer in a sentence, in the order they count",
    "policy/local_decode.py::Decoder.stream": "continuous batching's loop: admit, step, retire",
}

BRANCHES = (
    ast.If, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.IfExp, ast.Assert,
    ast.comprehension, ast.match_case,
)  # fmt: skip
BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.Match)


@dataclass(frozen=True)
class Gate:
    """Limits on the median, the 95th percentile and the largest of a figure; None is no limit."""

    what: str
    median: float | None
    p95: float | None
    most: float | None


FILES = Gate("lines of a file", 150, 300, 400)
FUNCTIONS = Gate("lines of a function, without its docstring", 12, 45, 80)
COMPLEXITY = Gate("cyclomatic complexity", None, 8, None)
NESTING = Gate("nesting", None, 3, None)


def held(gate: Gate, figures: dict[str, int]) -> list[str]:
    """Prints the figures of a gate; returns what breaks it, worst first."""
    counted = {name: n for name, n in figures.items() if name not in EXCEPTIONS}
    median, p95 = np.percentile(list(counted.values()), (50, 95), method="higher")
    largest = max(counted, key=lambda name: counted[name])
    print(f"{gate.what}: median {median}, p95 {p95}, most {counted[largest]} ({largest})")
    worst = sorted(counted.items(), key=lambda item: -item[1])
    broken = [f"{name}: {n} > {gate.most}" for name, n in worst if n > (gate.most or n)]
    for value, limit, what in ((median, gate.median, "median"), (p95, gate.p95, "p95")):
        if limit is not None and value > limit:
            over = [f"{name}: {n}" for name, n in worst if n > limit]
            broken += [f"{what} of {gate.what} is {value}, over {limit}; the largest:", *over[:10]]
    return broken


def own(node: ast.AST) -> Iterator[ast.AST]:
    """What is below a node, without the functions and classes defined inside it."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, Function | ast.ClassDef):
            yield child
            yield from own(child)


def docstring_lines(node: Function) -> int:
    if ast.get_docstring(node) is None:
        return 0
    return (node.body[0].end_lineno or 0) - node.body[0].lineno + 1


def length(node: Function) -> int:
    """Lines from `def` to the end, without the docstring."""
    return (node.end_lineno or 0) - node.lineno + 1 - docstring_lines(node)


def complexity(node: Function) -> int:
    """1 and one for every branch, loop, handler, comprehension, and each `and` or `or`."""
    extra = sum(len(n.values) - 1 for n in own(node) if isinstance(n, ast.BoolOp))
    conditions = sum(len(n.ifs) for n in own(node) if isinstance(n, ast.comprehension))
    return 1 + extra + conditions + sum(isinstance(n, BRANCHES) for n in own(node))


def nesting(node: ast.AST, *, chained: bool = False) -> int:
    """How many blocks stand in one another; an `elif` is no deeper than its `if`."""
    below = []
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function | ast.ClassDef):
            continue
        orelse = node.orelse if isinstance(node, ast.If) else []
        is_elif = isinstance(child, ast.If) and orelse == [child]
        below.append(nesting(child, chained=is_elif))
    return max(below, default=0) + (isinstance(node, BLOCKS) and not chained)


def of_functions(measure: Callable[[Function], int]) -> dict[str, int]:
    return {
        f"{module.path}::{name}": measure(node)
        for module in modules()
        for name, node, _ in functions(module)
    }


def test_files_are_short():
    figures = {
        module.path: len(module.text.splitlines())
        for module in modules()
        if not module.path.endswith("__init__.py")
    }
    broken = held(FILES, figures)
    assert not broken, report(broken)


@pytest.mark.parametrize(
    ("gate", "measure"),
    [(FUNCTIONS, length), (COMPLEXITY, complexity), (NESTING, nesting)],
    ids=["length", "complexity", "nesting"],
)
def test_functions_are_short_and_flat(gate, measure):
    broken = held(gate, of_functions(measure))
    assert not broken, report(broken)


def unannotated(node: Function) -> list[str]:
    a = node.args
    arguments = [*a.posonlyargs, *a.args, *a.kwonlyargs, *filter(None, (a.vararg, a.kwarg))]
    bare = [x.arg for x in arguments if x.annotation is None and x.arg not in ("self", "cls")]
    return bare + (["its result"] if node.returns is None else [])


def test_everything_is_annotated():
    broken = [
        f"{module.path}:{node.lineno} {name}: {', '.join(unannotated(node))}"
        for module in modules()
        for name, node, _ in functions(module)
        if unannotated(node)
    ]
    assert not broken, report(broken)


def needs_docstring(name: str, node: Function | ast.ClassDef) -> bool:
    last = name.rpartition(".")[2]
    overload = any(ast.unparse(d).endswith("overload") for d in node.decorator_list)
    return not overload and not (last.startswith("__") and last.endswith("__"))


def test_everything_public_is_documented():
    broken = [m.path for m in modules() if m.text.strip() and not ast.get_docstring(m.tree)]
    broken += [
        f"{module.path}:{node.lineno} {name}"
        for module in modules()
        for name, node, public in definitions(module)
        if public and needs_docstring(name, node) and not ast.get_docstring(node)
    ]
    assert not broken, report(broken)


def test_exceptions_are_still_there():
    known = {module.path for module in modules()} | set(of_functions(length))
    gone = set(EXCEPTIONS) - known
    assert not gone, report(sorted(gone))


def test_the_measures_measure():
    source = '''
def f(x):
    """One line."""
    if x:
        for y in x:
            with y:
                pass
    elif x and not y or z:
        return [a for a in x if a]
    def inner():
        while True:
            pass
'''
    node = ast.parse(source).body[0]
    assert isinstance(node, ast.FunctionDef)
    assert length(node) == 10
    assert complexity(node) == 1 + 2 + 1 + 2 + 2  # if, elif; for; and, or; comprehension with if
    assert nesting(node) == 3
    assert unannotated(node) == ["x", "its result"]


def test_no_two_tests_share_a_file_name():
    """pytest imports a test by its bare file name, so one of two would not be collected."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    twice = sorted({name for name in names if names.count(name) > 1})
    assert not twice, twice
