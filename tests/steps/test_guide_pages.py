"""The pages about the stages before evaluation name what there is."""

import importlib
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ["policy", "engine", "steps", "annotate", "verifiers", "search"]
NAMED_APART = {"Card", "LocalScorer", "Encoded", "chat_prompt"}  # details of what the page names


@pytest.mark.parametrize("page", PAGES)
def test_the_page_names_what_the_package_exports(page):
    if page == "verifiers":
        pytest.importorskip("torch", reason="needs surefoot[models]")
    pages = sorted(DOCS.glob(f"{page}*.md"))  # annotate has a page for each sort of labels
    text = "".join(path.read_text(encoding="utf-8") for path in pages)
    names = importlib.import_module(f"surefoot.{page}").__all__
    missing = [n for n in names if n not in text and n not in NAMED_APART]
    assert missing == []
