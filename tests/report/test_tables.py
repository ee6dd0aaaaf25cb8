"""Tables, sentences and numbers as text."""

import pytest

from surefoot.core.errors import InputError
from surefoot.report.data import Summary
from surefoot.report.headline import headline
from surefoot.report.looks import amount, duration, looks_of, percent, role_of, signed
from surefoot.report.tables import markdown, methods_table

SMALL = {
    "title": "t",
    "command": "c",
    "seconds": 1,
    "seed": 0,
    "policy": "p",
    "problems": 50,
    "methods": {
        "majority": {
            "accuracy": 0.5,
            "low": 0.4,
            "high": 0.6,
            "policy_tokens": 800,
            "verifier_tokens": 0,
        },
        "best-of-n": {
            "accuracy": 0.62,
            "low": 0.52,
            "high": 0.71,
            "policy_tokens": 1600,
            "verifier_tokens": 2345.6,
        },
    },
    "paired_vs_majority": {"best-of-n": {"diff": 0.12, "low": 0.05, "high": 0.19}},
}


def test_a_small_table_by_hand():
    assert methods_table(SMALL).splitlines() == [
        "method     accuracy, %  interval      vs majority  interval       "
        "policy tokens  verifier tokens",
        "─────────  ───────────  ────────────  ───────────  ─────────────  "
        "─────────────  ───────────────",
        "best-of-n         62.0  [52.0, 71.0]        +12.0  [+5.0, +19.0]  "
        "        1,600            2,346",
        "majority          50.0  [40.0, 60.0]            –                 "
        "          800                0",
    ]


def test_a_small_markdown_table_by_hand():
    row = markdown(SMALL).splitlines()[2]
    assert row == r"| best-of-n | 62.0 | \[52.0, 71.0\] | +12.0 | \[+5.0, +19.0\] | 1,600 | 2,346 |"


def test_every_number_of_the_input_is_in_the_table(summary):
    for text in (methods_table(summary), markdown(summary)):
        for name, row in summary["methods"].items():
            assert name in text
            for key in ("accuracy", "low", "high"):
                assert percent(row[key]) in text
            assert amount(row["policy_tokens"]) in text
            assert amount(row["verifier_tokens"]) in text
        for gap in summary["paired_vs_majority"].values():
            assert all(signed(gap[key]) in text for key in ("diff", "low", "high"))


def test_names_cannot_steer_a_terminal_nor_break_a_row():
    hostile = "a\x1b[31m|b\n\u202ec"
    record = {**SMALL, "methods": {hostile: SMALL["methods"]["majority"]}}
    table = methods_table(record)
    assert len(table.splitlines()) == 3
    assert not set("\x1b\u202e") & set(table)
    assert r"\|b" in markdown(record)


def test_wide_names_stay_aligned():
    record = {**SMALL, "methods": {"多数决": SMALL["methods"]["majority"]}}
    head, rule, row = methods_table(record).splitlines()
    assert row.startswith("多数决  ")
    assert rule.startswith("──────  ")
    assert head.startswith("method  ")


def test_no_methods_is_an_empty_table():
    assert len(methods_table({**SMALL, "methods": {}}).splitlines()) == 2


def test_a_missing_field_is_named():
    broken = {key: value for key, value in SMALL.items() if key != "policy"}
    for show in (methods_table, markdown):
        with pytest.raises(InputError, match="'policy' is missing"):
            show(broken)


@pytest.mark.parametrize(
    ("low", "diff", "expected"),
    [
        (
            0.05,
            0.12,
            "Best-of-n is right on 62.0\u00a0% of 50 problems: +12.0 points against majority vote "
            "[+5.0, +19.0], for 2 times its policy tokens.",
        ),
        (
            -0.02,
            0.12,
            "No method is clearly better than majority vote: the one tried, best-of-n, differs by "
            "+12.0 points [−2.0, +19.0].",
        ),
    ],
)
def test_the_headline_says_no_more_than_the_interval(low, diff, expected):
    pair = {"best-of-n": {"diff": diff, "low": low, "high": 0.19}}
    assert headline(Summary.from_json({**SMALL, "paired_vs_majority": pair})) == expected


def test_bounds_are_no_candidates_and_an_own_headline_wins(summary):
    assert headline(Summary.from_json(summary)).startswith("Best-of-n, shipped verifier")
    assert headline(Summary.from_json({**summary, "headline": "So."})) == "So."
    assert headline(Summary.from_json({**SMALL, "methods": {}})) == "Nothing was compared."


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (percent(0.7125), "71.2"),
        (percent(None), "–"),
        (signed(-0.012), "−1.2"),
        (signed(-0.0001), "0.0"),
        (amount(12345), "12,345"),
        (amount(61.44), "61.4"),
        (amount(0), "0"),
        (duration(42.5), "42.5 s"),
        (duration(59.97), "1 min 0 s"),
        (duration(200), "3 min 20 s"),
        (duration(7500), "2 h 5 min"),
    ],
)
def test_numbers_read_well(shown, expected):
    assert shown == expected


def test_roles_and_looks():
    assert role_of("perfect scorer") == role_of("coverage (pass@n)") == "upper"
    assert role_of("random scorer") == "random"
    assert role_of("majority") == "majority"
    looks = looks_of(["best-of-n, a", "vote, a", "best-of-n, b", "vote, b"])
    assert len({(look.css, look.mark) for look in looks.values()}) == 4
    assert looks["vote, a"].css == looks["best-of-n, a"].css != looks["vote, b"].css
