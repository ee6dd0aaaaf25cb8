"""The source as the contract tests see it: one parsed `Module` a file."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "surefoot"
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """name: dotted. path: below src/surefoot, with slashes."""

    name: str
    path: str
    text: str
    tree: ast.Module

    @property
    def stage(self) -> str:
        """The package it belongs to; "" for the facade and for `python -m surefoot`."""
        return self.path.split("/")[0] if "/" in self.path else ""


@dataclass(frozen=True)
class Import:
    """One imported name. target: module or module.name. local: inside a function."""

    target: str
    line: int
    local: bool


@cache
def modules() -> tuple[Module, ...]:
    return tuple(_module(path) for path in sorted(SOURCE.rglob("*.py")))


def _module(path: Path) -> Module:
    relative = path.relative_to(SOURCE).as_posix()
    parts = relative.removesuffix(".py").removesuffix("__init__").strip("/").split("/")
    name = ".".join(["surefoot", *(part for part in parts if part)])
    text = path.read_text(encoding="utf-8")
    return Module(name, relative, text, ast.parse(text, str(path)))


def imports(module: Module) -> list[Import]:
    """Every import of a module, those inside functions and type-checking blocks too."""
    return list(_imports(module, module.tree, local=False))


def _imports(module: Module, node: ast.AST, *, local: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(name.name, child.lineno, local) for name in child.names)
        elif isinstance(child, ast.ImportFrom):
            source = _absolute(module, child)
            yield from (Import(f"{source}.{n.name}", child.lineno, local) for n in child.names)
        else:
            inside = local or isinstance(child, Function | ast.Lambda)
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                inside = True  # costs nothing at run time
            yield from _imports(module, child, local=inside)


def _absolute(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = module.name.split(".")
    drop = node.level - module.path.endswith("__init__.py")
    return ".".join([*package[: len(package) - drop], *([node.module] if node.module else [])])


def own_module(target: str) -> str | None:
    """The surefoot module that an import target names, or stands in; None for other packages."""
    names = {module.name for module in modules()}
    while target and target not in names:
        target = target.rpartition(".")[0]
    return target or None


def functions(module: Module) -> Iterator[tuple[str, Function, bool]]:
    """(dotted name, node, public) of every function, methods and nested ones too."""
    for name, node, public in definitions(module):
        if isinstance(node, Function):
            yield name, node, public


def definitions(module: Module) -> Iterator[tuple[str, Function | ast.ClassDef, bool]]:
    """(dotted name, node, public) of every function and class.

    Public: neither it nor what it stands in begins with "_", and no function is around it.
    """
    yield from _definitions(module.tree, prefix="", public=True)


def _definitions(
    node: ast.AST, *, prefix: str, public: bool
) -> Iterator[tuple[str, Function | ast.ClassDef, bool]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function | ast.ClassDef):
            name, seen = prefix + child.name, public and not child.name.startswith("_")
            yield name, child, seen
            inner = seen and isinstance(child, ast.ClassDef)
            yield from _definitions(child, prefix=f"{name}.", public=inner)
        else:
            yield from _definitions(child, prefix=prefix, public=public)


def report(offenders: list[str]) -> str:
    """The message of a failed gate: one offender a line."""
    return "\n  ".join([f"{len(offenders)} found:", *offenders])
