"""The page and the table of a benchmark: every figure, no foreign markup, unknown as a dash."""

import re

import pytest

from surefoot.report.benchmark import benchmark_headline, benchmark_page, benchmark_table
from surefoot.report.looks import percent


def interval(estimate, low=None, high=None):
    return {"estimate": estimate, "low": low, "high": high}


def entry(average, *, low=None, high=None, threshold=0.5, chosen_on=None, refused=0):
    return {
        "kind": "correctness",
        "threshold": threshold,
        "chosen_on": chosen_on,
        "refused": refused,
        "tokens": 12345,
        "figures": {
            "gsm8k": {"f1": interval(0.123, 0.111, 0.134), "error_found": interval(0.4567)},
            "math": {"f1": None, "error_found": None},
            "average": {"f1": None if average is None else interval(average, low, high)},
        },
    }


@pytest.fixture
def summary():
    return {
        "benchmark": "process_bench", "title": "ProcessBench", "paper": "2412.06559",
        "cases": 3400, "problems": 2842, "groups": {"gsm8k": 400, "math": 1000},
        "main": "f1", "total": "average", "seed": 7, "resamples": 2000,
        "entries": {
            "org/prm": entry(0.735, low=0.712, high=0.751, chosen_on="gsm8k", refused=17),
            "other": entry(0.561, low=0.54, high=0.58),
            "oracle": entry(1.0, low=1.0, high=1.0),
        },
        "base": "org/prm",
        "differences": {
            "other": {"average": interval(-0.174, -0.19, -0.15), "gsm8k": None},
            "oracle": {"average": interval(0.265, 0.25, 0.29)},
        },
    }  # fmt: skip


def test_every_figure_is_on_the_page(summary):
    page = benchmark_page(summary)
    for shown in entries_figures(summary):
        assert shown in page, shown
    for shown in ("2412.06559", "3,400", "2,842", "chosen on gsm8k", "17", "12,345", "−17.4"):
        assert shown in page, shown


def entries_figures(summary):
    for found in summary["entries"].values():
        for columns in found["figures"].values():
            yield from (percent(figure["estimate"]) for figure in columns.values() if figure)


def test_the_headline_names_the_best_that_is_no_bound(summary):
    assert benchmark_headline(summary) == (
        "org/prm reaches f1 73.5\N{NO-BREAK SPACE}% [71.2, 75.1] on ProcessBench (average), "
        "the best of 2."
    )
    summary["entries"] = {"oracle": entry(1.0), "mute": entry(None)}
    assert benchmark_headline(summary) == "Nothing was measured on ProcessBench."


def test_the_table_has_a_column_an_entry_and_a_line_a_difference(summary):
    lines = benchmark_table(summary).splitlines()
    assert lines[0].split()[-3:] == ["org/prm", "other", "oracle"]
    assert [line.split()[0] for line in lines[2:5]] == ["gsm8k", "math", "average"]
    assert lines[2].count("12.3 [11.1, 13.4]") == 3
    assert lines[3].split()[1:] == ["–", "–", "–"]
    assert lines[5] == "other − org/prm: −17.4 [−19.0, −15.0] points, average"
    assert lines[6] == "oracle − org/prm: +26.5 [+25.0, +29.0] points, average"


def test_nothing_measured_is_shown_as_such(summary):
    summary["entries"] = {"mute": entry(None)}
    summary["base"], summary["differences"] = "mute", {}
    assert 'id="entries"' not in benchmark_page(summary)
    assert "mute" in benchmark_table(summary)


def test_names_are_text(summary):
    evil = "<img src=x onerror=alert(1)>\x1b[2J"
    summary["entries"][evil] = entry(0.5)
    summary["differences"][evil] = {"average": interval(0.1)}
    summary["entries"]["other"]["figures"]["<b>"] = {"f1": interval(0.5)}
    summary["entries"]["org/prm"]["figures"]["<b>"] = {"f1": interval(0.5)}
    summary["entries"]["oracle"]["figures"]["<b>"] = summary["entries"][evil]["figures"]["<b>"] = {}
    page = benchmark_page(summary)
    assert "<img" not in page
    assert not re.search(r"<b>(?!\+|−|0)", page)
    assert "\x1b" not in page + benchmark_table(summary)
