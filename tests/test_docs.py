"""Links lead somewhere, the index knows every page, examples run, words are in order."""

import doctest
import re

import pytest

from source_tree import ROOT, report

DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md"))]
LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")
NOWHERE_ELSE = ("index.md", "glossary.md")  # the other pages' examples are tested with their stage


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    links = LINK.findall(page.read_text(encoding="utf-8"))
    broken = [link for link in links if not (page.parent / link).exists()]
    assert not broken, report(broken)


def test_every_page_is_in_the_index():
    linked = set(LINK.findall((DOCS / "index.md").read_text(encoding="utf-8")))
    lost = {page.name for page in DOCS.glob("*.md")} - linked - {"index.md"}
    assert not lost, report(sorted(lost))


@pytest.mark.parametrize("name", NOWHERE_ELSE)
def test_examples_run(name):
    found = doctest.testfile(str(DOCS / name), module_relative=False, encoding="utf-8")
    assert found.failed == 0


def test_the_glossary_is_in_order_and_says_each_word_once():
    text = (DOCS / "glossary.md").read_text(encoding="utf-8")
    words = [row.split("|")[1].strip().lower() for row in text.splitlines() if row[:2] == "| "][1:]
    assert words == sorted(set(words))


def test_the_readme_maps_every_package():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    packages = [path.parent.name for path in (ROOT / "src" / "surefoot").glob("*/__init__.py")]
    with_code = [p for p in packages if len(list((ROOT / "src/surefoot" / p).glob("*.py"))) > 1]
    missing = [p for p in with_code if f"\n  {p}/" not in readme]
    assert not missing, report(missing)


@pytest.mark.slow
def test_the_readme_example_runs(capsys):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [code] = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    exec(compile(code, "README.md", "exec"), {})  # our own text
    assert capsys.readouterr().out.count("majority says") == 3
