"""What a package offers is listed, sorted, there, and all of it."""

import ast
import importlib

import pytest

from source_tree import Module, modules, report

PACKAGES = [m for m in modules() if m.path.endswith("__init__.py")]
each_package = pytest.mark.parametrize("package", PACKAGES, ids=lambda module: module.name)


def listed(module: Module) -> list[str] | None:
    """`__all__` as it is written; None without one."""
    for node in module.tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if any(isinstance(t, ast.Name) and t.id == "__all__" for t in targets):
            assert isinstance(node, ast.Assign)
            return list(ast.literal_eval(node.value))
    return None


def bound(module: Module) -> set[str]:
    """Public names that the module's top level imports or defines."""
    names = set()
    for node in module.tree.body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("surefoot"):
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return {name for name in names if not name.startswith("_")}


def in_order(name: str) -> tuple[int, str]:
    """CONSTANTS, then Classes, then functions; each by its letters."""
    return (0 if name.isupper() else 1 if name[:1].isupper() else 2, name)


@each_package
def test_exports_are_listed_and_sorted(package):
    names = listed(package)
    if names is None:
        assert not bound(package), f"__all__ is missing; it should list {sorted(bound(package))}"
        return
    assert names == sorted(set(names), key=in_order)


@each_package
def test_exports_are_complete(package):
    names = listed(package)
    if names is None or "__getattr__" in {getattr(n, "name", "") for n in package.tree.body}:
        return  # nothing is offered, or names are found when they are asked for
    missing = bound(package) - set(names)
    assert not missing, report(sorted(missing))


@each_package
def test_exports_are_there(package):
    names = listed(package) or []
    if package.name == "surefoot.verifiers" or package.name == "surefoot":
        pytest.importorskip("torch", reason="needs surefoot[models]")
    module = importlib.import_module(package.name)
    absent = [name for name in names if not hasattr(module, name)]
    assert not absent, report(absent)
    assert set(names) <= set(dir(module)), "dir() hides some of __all__"
