"""The pages about evaluation name every public function."""

from pathlib import Path

import surefoot.evaluate

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [DOCS / "evaluate.md", DOCS / "selection.md", DOCS / "audit.md"]


def test_the_pages_name_every_function():
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    functions = [name for name in surefoot.evaluate.__all__ if name.islower()]
    missing = [
        n for n in functions if f"`{n}" not in text and f"`{n.removesuffix('_curve')}`" not in text
    ]
    assert missing == []


def test_exports_are_sorted_and_exist():
    names = surefoot.evaluate.__all__
    constants, classes, functions = (
        sorted(filter(kind, names)) for kind in (str.isupper, is_class, str.islower)
    )
    assert names == [*constants, *classes, *functions]
    assert all(hasattr(surefoot.evaluate, name) for name in names)


def is_class(name):
    return name[0].isupper() and not name.isupper()
