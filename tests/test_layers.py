"""Imports point left, heavy packages stay where models live, and there is no hidden state.

Where a rule has exceptions they are listed here, each with its reason.
"""

import ast
import re
import sys
from fnmatch import fnmatch
from graphlib import CycleError, TopologicalSorter

import pytest

from source_tree import ROOT, Module, imports, modules, own_module, report

ORDER = [
    "core", "formats", "tasks", "sandbox", "engine", "steps", "policy", "trees", "annotate",
    "verifiers", "search", "improve", "evaluate", "recipes", "report", "serve", "cli",
]  # fmt: skip
AROUND = {"engine": {"core", "tasks", "engine"}}  # narrower than its place in the row allows
ONLY_FROM = {"engine": {"engine", "recipes", "report", "serve", "cli"}}
SCRIPTS = {
    "policy/pebble/measure.py": "run by hand to measure the shipped model; nothing imports it",
    "policy/pebble/train.py": "run by hand to train the shipped model; nothing imports it",
}

HEAVY = {
    "torch", "transformers", "accelerate", "peft", "trl", "safetensors", "gguf",
    "ray", "vllm", "fastapi", "uvicorn", "openai", "datasets", "math_verify",
    "reasoning_gym", "matplotlib", "plotly", "pandas", "scipy",
}  # fmt: skip
HEAVY_AT_TOP = (
    "policy/local*.py", "policy/pebble/train.py", "verifiers/*.py", "verifiers/formats/*.py",
)  # fmt: skip
CLI_ONLY = {"typer", "rich", "click"}
POSIX_ONLY = {"resource", "fcntl", "pwd", "grp"}  # in the library, but not on every machine

PRINTS = ("cli/*.py", "report/*.py")
BROAD_EXCEPT = {
    "core/errors.py": "the one boundary helper",
    "engine/crew.py": "a worker thread hands whatever was raised to the thread that waits",
    "tasks/gym_worker.py": "another package's scorer may raise anything on a hostile answer",
    "policy/local.py": "whatever a loader raises on a broken checkpoint becomes a ModelError",
    "policy/local_files.py": "a model that cannot be counted fails alike when it is loaded",
    "steps/chat.py": "a checkpoint's chat template may raise anything",
    "verifiers/checkpoint.py": "whatever a loader raises on a broken file becomes a ModelError",
}
REGISTRATIONS = {"atexit.register", "AttentionInterface.register"}  # other people's hooks

each_module = pytest.mark.parametrize("module", modules(), ids=lambda module: module.path)


def allowed(module: Module, patterns: tuple[str, ...]) -> bool:
    return module.path in SCRIPTS or any(fnmatch(module.path, pattern) for pattern in patterns)


def wrong_direction(module: Module, stage: str) -> bool:
    if module.stage in AROUND:
        return stage not in AROUND[module.stage]
    if stage in ONLY_FROM and module.stage not in ONLY_FROM[stage]:
        return True
    return ORDER.index(stage) > ORDER.index(module.stage)


def test_every_package_has_its_place():
    packages = {module.stage for module in modules()} - {""}
    assert packages <= set(ORDER)


@each_module
def test_imports_point_left(module):
    if module.stage == "" or module.path in SCRIPTS:
        return
    offenders = []
    for found in imports(module):
        target = own_module(found.target)
        if target == "surefoot":
            offenders.append(f"line {found.line}: {found.target} (the facade is for users)")
        elif target and wrong_direction(module, target.split(".")[1]):
            offenders.append(f"line {found.line}: {found.target}")
    assert not offenders, report(offenders)


def test_scripts_are_imported_by_nobody():
    names = {f"surefoot.{path.removesuffix('.py').replace('/', '.')}" for path in SCRIPTS}
    users = [
        f"{module.path} line {found.line}: {found.target}"
        for module in modules()
        if module.path not in SCRIPTS
        for found in imports(module)
        if own_module(found.target) in names
    ]
    assert not users, report(users)


def test_no_import_cycles():
    graph = {
        module.name: {own_module(found.target) for found in imports(module)} - {None}
        for module in modules()
    }
    for name, targets in graph.items():
        if name in targets:
            pytest.fail(f"{name} imports itself")
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail("a cycle of imports: " + " <- ".join(error.args[1]))


@each_module
def test_heavy_packages_are_imported_where_they_are_used(module):
    offenders = []
    for found in imports(module):
        package = found.target.split(".")[0]
        heavy = package in HEAVY and not allowed(module, HEAVY_AT_TOP)
        heavy |= package in CLI_ONLY and module.stage != "cli"
        if heavy and not found.local:
            offenders.append(f"line {found.line}: import {package} inside the function, or `need`")
    assert not offenders, report(offenders)


@each_module
def test_light_packages_are_imported_at_the_top(module):
    everywhere = {*sys.stdlib_module_names, "numpy"} - POSIX_ONLY
    offenders = [
        f"line {found.line}: {found.target}"
        for found in imports(module)
        if found.local and found.target.split(".")[0] in everywhere
    ]
    assert not offenders, report(offenders)


@each_module
def test_no_global_statement(module):
    lines = [node.lineno for node in ast.walk(module.tree) if isinstance(node, ast.Global)]
    assert not lines, report([f"line {line}" for line in lines])


@each_module
def test_no_registries(module):
    found = []
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found += [(node.lineno, ast.unparse(d)) for d in node.decorator_list]
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            found.append((node.lineno, ast.unparse(node.value.func)))
    offenders = [
        f"line {line}: {name}"
        for line, name in found
        if "regist" in name.split("(")[0].lower() and name.split("(")[0] not in REGISTRATIONS
    ]
    assert not offenders, report(offenders)


@each_module
def test_only_the_command_line_and_reports_print(module):
    if allowed(module, PRINTS):
        return
    lines = [
        node.lineno
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]
    assert not lines, report([f"line {line}" for line in lines])


def is_broad(handler: ast.ExceptHandler) -> bool:
    """Catches everything, and does not pass it on as it came."""
    caught = "Exception" if handler.type is None else ast.unparse(handler.type)
    broad = re.search(r"(?<!\w)(Base)?Exception\b", caught) is not None
    last = handler.body[-1]
    return broad and not (isinstance(last, ast.Raise) and last.exc is None)


@each_module
def test_broad_except_only_where_listed(module):
    lines = [
        node.lineno
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ExceptHandler) and is_broad(node)
    ]
    if module.path in BROAD_EXCEPT:
        return
    assert not lines, report([f"line {line}" for line in lines])


def test_exceptions_are_still_needed():
    paths = {module.path for module in modules()}
    gone = ({*SCRIPTS, *BROAD_EXCEPT} - paths) | {
        module.path
        for module in modules()
        if module.path in BROAD_EXCEPT
        and module.path != "core/errors.py"
        and not any(
            isinstance(node, ast.ExceptHandler) and is_broad(node) for node in ast.walk(module.tree)
        )
    }
    assert not gone, report(sorted(gone))


def test_no_unfinished_business():
    words = re.compile(r"\b(TO" + "DO|FIX" + r"ME|XX" + r"X)\b")
    offenders = [
        f"{path.relative_to(ROOT)}:{number}"
        for folder in ("src", "tests", "benchmarks", "scripts", "examples")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if words.search(line)
    ]
    assert not offenders, report(offenders)
