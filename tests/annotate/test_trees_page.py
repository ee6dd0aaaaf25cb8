"""The page about rollouts and trees names what there is."""

from pathlib import Path

import surefoot.annotate
import surefoot.trees

PAGE = Path(__file__).parents[2] / "docs" / "annotate-trees.md"
MODULES = (
    "alphamath", "omega", "progress", "relative", "rest_mcts", "sorm", "token_quality",
)  # fmt: skip


def test_the_page_names_all_there_is():
    ours = [
        name
        for name in surefoot.annotate.__all__
        if getattr(surefoot.annotate, name).__module__.rpartition(".")[2] in MODULES
    ]
    assert len(ours) > 15
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in (*ours, *surefoot.trees.__all__) if f"`{name}`" not in text
            and f".{name}`" not in text] == []  # fmt: skip
