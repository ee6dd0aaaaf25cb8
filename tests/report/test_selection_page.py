"""The page of a study: everything it should show, nothing it should not run."""

import re

import numpy as np
import pytest

from surefoot.core.types import Kind
from surefoot.evaluate import Pool, Scored, study_curves, study_pool, study_summary
from surefoot.report import selection_headline, selection_page, selection_table, write_selection

EVIL = "<script>alert('x')</script>"


def made(names, problems=30, kind=Kind.VALUE):
    rng = np.random.default_rng(0)
    pools = [
        Pool(f"p{p}", ("1", "2", "1", "3"), tuple(rng.random(4) < 0.5), (2,) * 4)
        for p in range(problems)
    ]
    scored = [
        Scored(name, [[tuple(rng.random(2)) for _ in range(4)] for _ in pools], kind)
        for name in names
    ]
    study = study_pool(pools, scored, resamples=50)
    return study_summary(study), study_curves(study)


@pytest.fixture(scope="module")
def records():
    return made(["apple", "pear"])


def test_every_part_is_there(records):
    page = selection_page(*records)
    for anchor in ("ways", "best", "votes", "coverage", "pairs", "calibration", "weakest", "plans"):
        assert f'<section id="{anchor}">' in page
        assert f'href="#{anchor}"' in page
    assert page.count('class="plot reliability') == 2 * 5
    assert page.count("Accuracy against samples per problem") == 2 * 2
    assert "min ✗" in page  # values do not aggregate by min
    assert "last ✗" not in page


def test_the_page_is_one_file_and_escapes_names():
    page = selection_page(*made([EVIL]))
    assert EVIL not in page
    assert not re.search(r'(?:src|href)="(?!#)', page)
    assert set(re.findall(r"https?://[^\"' ]+", page)) <= {"http://www.w3.org/2000/svg"}


def test_too_small_a_pool_says_what_it_cannot_promise():
    page = selection_page(*made(["v"], problems=5))
    assert "5 calibration problems are too few to promise a risk of 0.02" in page


def test_no_verifier_leaves_the_baselines():
    summary, curves = made([])
    page = selection_page(summary, curves)
    assert "a perfect scorer (coverage)" in page
    assert '<section id="risks">' not in page
    assert selection_headline(summary).startswith("Majority vote is right on")


def test_the_headline_claims_no_more_than_the_interval(records):
    summary = records[0]
    assert selection_headline(summary).startswith("None of 10 ways clearly beats majority vote")
    row = summary["verifiers"]["pear"]["aggregations"]["mean"]
    gap = {"estimate": 0.9, "low": 0.8, "high": 1.0}
    aggregations = summary["verifiers"]["pear"]["aggregations"] | {
        "mean": row | {"best_of_n_vs_majority": gap}
    }
    better = {**summary, "verifiers": {"pear": {"aggregations": aggregations}}}
    assert "by pear (mean)" in selection_headline(better)
    assert "+90.0 points [+80.0, +100.0]" in selection_headline(better)


def test_the_table_has_a_line_for_every_way(records):
    lines = selection_table(records[0]).splitlines()
    assert len(lines) == 2 + 10
    assert lines[2].split()[:2] == ["apple", "last"]


def test_the_page_is_written_whole(records, tmp_path):
    write_selection(tmp_path / "deep" / "report.html", *records)
    text = (tmp_path / "deep" / "report.html").read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert text.rstrip().endswith("</html>")
