"""The pages about judges and refinement: examples run, every judge and system is named."""

import doctest

import pytest

from source_tree import ROOT
from surefoot.recipes.refinement import RECIPES

JUDGES = ("checked", "pairwise", "meta_ranking", "error_list", "tool_judge", "grounding")


@pytest.mark.parametrize("name", ["judges.md", "refinement.md"])
def test_examples_print_what_the_page_says(name):
    found = doctest.testfile(str(ROOT / "docs" / name), module_relative=False, encoding="utf-8")
    assert found.attempted > 5
    assert found.failed == 0


def test_the_pages_name_every_judge_and_system():
    judges = (ROOT / "docs/judges.md").read_text(encoding="utf-8")
    assert [name for name in JUDGES if f"`{name}(" not in judges] == []
    systems = (ROOT / "docs/refinement.md").read_text(encoding="utf-8")
    assert [r.name for r in RECIPES if f"`{r.name}`" not in systems] == []
    for recipe in RECIPES:
        row = next(line for line in systems.splitlines() if line.startswith(f"| `{recipe.name}`"))
        assert all(f"`{build.__name__}`" in row for build in recipe.builds)
