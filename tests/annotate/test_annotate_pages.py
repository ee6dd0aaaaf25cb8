"""The pages about judges and rules name every public function of theirs."""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = {
    "annotate-judges.md": ("critic", "ensemble", "reference", "deductive", "debate"),
    "annotate-rules.md": ("calculator", "by_rule", "consensus", "inject", "mutations", "readable"),
}


@pytest.mark.parametrize("name", PAGES)
def test_the_page_names_every_function(name):
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert [f for f in PAGES[name] if f"`{f}(" not in text] == []


def test_the_page_quotes_the_measured_figures():
    """Coverage and agreement of each run, as `benchmarks/agreement.py` wrote them."""
    text = (ROOT / "docs" / "annotate-rules.md").read_text(encoding="utf-8")
    rows = json.loads((ROOT / "benchmarks" / "results" / "agreement.json").read_text())["rows"]
    for row in rows:
        figures = [f"{100 * row[name][0]:.1f}" for name in ("coverage", "agreement")]
        assert "| {} % | {} % ".format(*figures) in text, (row["data"], row["annotator"], figures)
