"""Links lead somewhere, the index knows every page, every example runs, words are in order."""

import re

import pytest
from blocks import PAGES, at, blocks_of, name_of, run, with_path
from stages import STAGES, nothing, solutions

from source_tree import ROOT, report

DOCS = ROOT / "docs"
LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page):
    links = LINK.findall(page.read_text(encoding="utf-8"))
    broken = [link for link in links if not (page.parent / link).exists()]
    assert not broken, report(broken)


def test_every_page_is_in_the_index():
    linked = set(LINK.findall((DOCS / "index.md").read_text(encoding="utf-8")))
    lost = {page.name for page in DOCS.glob("*.md")} - linked - {"index.md"}
    assert not lost, report(sorted(lost))


@pytest.mark.parametrize("page", [p for p in PAGES if blocks_of(p, "python")], ids=name_of)
def test_every_python_block_runs(page, tmp_path, monkeypatch, capsys):
    """In order, as one session, in an empty folder that holds what the page takes for granted."""
    pytest.importorskip("torch", reason="needs surefoot[models]")
    monkeypatch.chdir(tmp_path)
    with STAGES.get(page.name, nothing)() as stage:
        run(at(stage.address, blocks_of(page, "python")), {"__name__": "__main__", **stage.names})
    if page.name == "README.md":
        assert capsys.readouterr().out.count("majority says") == 3


def test_the_code_of_a_trained_model_card_runs(tmp_path, monkeypatch):
    """Pasted from the README of what the migration page trained; both ways give the same scores."""
    pytest.importorskip("torch", reason="needs surefoot[models]")
    monkeypatch.chdir(tmp_path)
    with STAGES["migrate-from-trl.md"]() as stage:
        run(blocks_of(DOCS / "migrate-from-trl.md", "python"), stage.names)
        trace = stage.names["trace"]
        problem, steps = trace.problem.text, [step.text for step in trace.steps]
        names = {"trace": trace, "problem": problem, "steps": steps}
        run(with_path("my-prm", blocks_of(tmp_path / "my-prm/README.md", "python")), names)
    ours = names["load_scorer"]("my-prm")([trace])[0].values
    assert names["scores"].tolist() == pytest.approx(ours, abs=1e-6)


def test_the_code_of_a_shipped_model_card_runs():
    pytest.importorskip("torch", reason="needs surefoot[models]")
    from surefoot.verifiers.checkpoint import SHIPPED

    folder = SHIPPED["pebble-verifier"]
    names = {"traces": [item.trace for item in solutions(1)]}
    run(with_path(str(folder), blocks_of(folder / "README.md", "python")), names)
    assert [len(s.values) for s in names["scores"]] == [len(t.steps) for t in names["traces"]]


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
