"""Claims by hand, false ones with certainty, and nothing said about what cannot be read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from judges import trace_of

from surefoot.annotate.calculator import calculator, claims_of
from surefoot.core.records import read_rows
from surefoot.core.types import Kind, StepLabel


def read(text):
    return [(claim.text, claim.holds) for claim in claims_of(text)]


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("16 - 3 - 4 = <<16-3-4=9>>9 duck eggs", [("16-3-4=9", True)]),
        ("She sells 8 * 3 = <<80*3=240>>240", [("80*3=240", True), ("8*3=240", False)]),
        ("5 + 3 = 9 apples", [("5+3=9", False)]),
        ("total = 5 + 3 = 8", [("5+3=8", True)]),
        ("5 + 3 = 8 + 2 = 10", [("5+3=8+2", False), ("8+2=10", True)]),
        ("Cost = $3.5 * 4000 = $14,000.", [("$3.5*4000=$14,000", True)]),
        (r"so \(1/3 \times 18 = 6\) are left", [("1/3*18=6", True)]),
        (r"\[ 36 \div 8 = 4.5 \text{ hours} \]", [("36/8=4.5", True)]),
        ("(5 + 3 = 8)", [("5+3=8", True)]),
        ("6 / 4 = 1.5 (left: 1.5 5 10)", [("6/4=1.5", True)]),
        ("**5 + 3 = 8**", [("5+3=8", True)]),
        ("10/3 = 3.33", [("10/3=3.33", True)]),  # cut
        ("20/3 = 6.67", [("20/3=6.67", True)]),  # rounded
        ("20/3 = 6.69", [("20/3=6.69", False)]),
        ("10/4 = 2.4", [("10/4=2.4", True)]),  # a unit off, and not more
        ("10/4 = 2.3", [("10/4=2.3", False)]),
        ("10/3 = 3", [("10/3=3", False)]),
        ("50 / 200 = 25%", [("50/200=25%", True)]),
        ("50 / 2 = 25%", [("50/2=25%", True)]),
        ("-5 + 3 = -2", [("-5+3=-2", True)]),
        ("a. 2 + 2 = 4, b. 2 + 3 = 6", [("2+2=4", True), ("2+3=6", False)]),
    ],
)
def test_claims_by_hand(text, claims):
    assert read(text) == claims


@pytest.mark.parametrize(
    "text",
    [
        "", "no numbers", "x = 5", "5 = 5", "x - 5 + 3 = 2", "2x + 3 = 7", "12 * 3 = 36x",
        "- 5 + 3 = 8",  # a dash, or a sign?
        "f(2+1) = 9", "4! + 1 = 25", "sqrt(9) + 1 = 4", r"\sqrt{9} + 1 = 4", "a_1 + 3 = 9",
        "half of 10 + 2 = 7", "3 times 4 + 2 = 20", "2 + 3 = 5 million", "3 + 4 = 5 : 6",
        "6 + 4 = 1:2", r"1/3 = 0.\overline{3}", "f''(-4) = 48 - 16",
        "9 / 7 = 1 with remainder 2",
        r"175 \div 119 = 1 \quad \text{(quotient)}", "2 + 2 != 5", "2 + 2 <= 5", "2 + 3 = 5 x",
        "101_2 + 1_2 = 110_2", "1 + 1/2 + 1 1/2 = 4", "apples 5 + 3 pears = 9", "5 – 1 + 2 = 7 – 2",
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_no_claim(text):
    assert read(text) == []


def test_labels_keep_the_counts_and_one_false_claim_decides():
    trace = trace_of("2 + 3 = 5 and 5 * 2 = 10", "Next.", "1 + 1 = 2, 2 + 2 = 4, 4 + 4 = 9")
    labelled = calculator(trace)
    assert labelled.labels == (
        StepLabel(Kind.CORRECTNESS, 2, 2, "calculator", 1.0),
        StepLabel(Kind.CORRECTNESS, 0, 0, "calculator"),
        StepLabel(Kind.CORRECTNESS, 2, 3, "calculator", 0.0),
    )
    assert [label.hard for label in labelled.labels] == [True, None, False]
    assert labelled.notes == {"claims": "5"}
    assert labelled.usage.calls == 0


@given(st.lists(st.text(), max_size=6))
def test_as_many_labels_as_steps_whatever_they_say(texts):
    assert len(calculator(trace_of(*texts)).labels) == len(texts)


@given(st.integers(1, 999), st.sampled_from("+-*"), st.integers(1, 999), st.integers(-3, 3))
def test_a_claim_holds_iff_it_is_true(a, op, b, off):
    result = {"+": a + b, "-": a - b, "*": a * b}[op] + off
    assert read(f"So we get {a} {op} {b} = {result} in all.") == [
        (f"{a}{op}{b}={result}", off == 0)
    ]


@pytest.mark.parametrize(
    "text", ["1+" * 50_000 + "1 = 2", "=" * 100_000, "<<" * 50_000, "(" * 50_000]
)
def test_long_texts_take_no_time(text):
    assert read(text) == []


def test_worked_solutions_of_gsm8k_hold(data):
    """Of 6,140 lines 4,358 make claims; those found false are the data's own slips."""
    lines = [
        line
        for _, row in read_rows(data / "gsm8k" / "test.jsonl.gz")
        for line in row["answer"].splitlines()
    ]
    labels = calculator(trace_of(*lines)).labels
    assert sum(label.hard is not None for label in labels) == 4358
    false = [line for line, label in zip(lines, labels, strict=True) if label.hard is False]
    assert [line.split("=")[-1].strip(" .") for line in false] == [
        "$4.50",  # $3/2 = $1.50+$3.00=$4.50
        "273>>273 yards",  # 364 / 4 = <<3/4*364=273>>273
        "$300 left",  # $32 - $20 = $300
    ]
