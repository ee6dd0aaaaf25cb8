"""The pages about judges and refinement name every judge and every system."""

from source_tree import ROOT
from surefoot.recipes.refinement import RECIPES

JUDGES = ("checked", "pairwise", "meta_ranking", "error_list", "tool_judge", "grounding")


def test_the_pages_name_every_judge_and_system():
    judges = (ROOT / "docs/judges.md").read_text(encoding="utf-8")
    assert [name for name in JUDGES if f"`{name}(" not in judges] == []
    systems = (ROOT / "docs/refinement.md").read_text(encoding="utf-8")
    assert [r.name for r in RECIPES if f"`{r.name}`" not in systems] == []
    for recipe in RECIPES:
        row = next(line for line in systems.splitlines() if line.startswith(f"| `{recipe.name}`"))
        assert all(f"`{build.__name__}`" in row for build in recipe.builds)
