"""What other graders are known to get wrong, golds against themselves, and classes for a vote.

math-verify 0.9, Qwen2.5-Math's `math_equal`, PRM800K's grader and grading by substring: each
case names who fails it. The rest of what we promise is in test_equal.py and test_hostile.py.
"""

from itertools import combinations

import pytest

from surefoot.core.records import read_rows
from surefoot.core.votes import answer_classes
from surefoot.tasks.answers import final_answer, last_boxed
from surefoot.tasks.equal import alike, equal

# accepted though different
FALSE_POSITIVES = {
    "math-verify: constants by 15 digits": ("1/2004!", "1/2006!"),
    "math-verify: powers below its precision": ("1/2^{99}", "1/2^{98}"),
    "math-verify: a base is dropped": ("12", "12_8"),
    "math-verify: equations by their sides": ("3x-y+13=0", "3x+4y+14=0"),
    "math-verify: a pair is a set": ("(1,2)", r"\{1,2\}"),
    "math-verify: one of several": ("3", "3 or 4"),
    "math-verify: the last side of a chain": ("3", "5=3"),
    "math-verify: NUL is dropped": ("1", "1\x00"),
    "math-verify: letters are factors": ("listen", "silent"),
    "Qwen: gold times 100": ("5", "500"),
    "Qwen: gold over 100": ("5", "0.05"),
    "Qwen: relative tolerance 1e-4": ("10000", "10001"),
    "Qwen: close to one": ("1", "0.9999"),
    "Qwen: brackets of intervals": ("[1,2)", "[1,2]"),
    "Qwen: j is i": ("3j", "3i"),
    "Qwen: units from a list": ("5 cm", "5 m"),
    "substring of the last sentence: 1 in 11": ("1", "11"),
    "substring: 5 in 15": ("5", "The answer is 15"),
    "reward hack: every integer": ("7", ",".join(map(str, range(10)))),
    "reward hack: gold in a chain": ("7", "7=8=9"),
    "rounding a short decimal": ("1/3", "0.33"),
    "tiny numbers are all zero": ("1e-10", "2e-10"),
    "plus or minus": ("2021", r"\pm 2021"),
    "a clock is a product": ("12:00", "1:00"),
}

# refused though equal
FALSE_NEGATIVES = {
    "math-verify: repeating decimals": (r"0.\overline{3}", "1/3"),
    "math-verify: a bare word": ("Monday", r"\text{Monday}"),
    "math-verify: a choice in brackets": ("A", "(A)"),
    "PRM800K: two fractions are compared as text": ("1/2", "2/4"),
    "PRM800K: an integer gold wants an integer": ("2", r"\sqrt{4}"),
    "PRM800K: brackets of a fraction": (r"\frac{1}{2}", "(1)/(2)"),
    "substring: 0.5 and a fraction": ("0.5", r"\frac12"),
    "official GSM8K: a point and a zero": ("18", "18.0"),
    "official GSM8K: a dollar sign": ("18", "$18.00"),
    "Unicode minus": ("-3", "\u22123"),
    "full-width digits": ("42", "\uff14\uff12"),
    "Arabic digits": ("42", "\u0664\u0662"),
    "a comma in braces": ("1000", "1{,}000"),
    "two signs spelled out": (r"\pm 2", "2, -2"),
    "a chain that ends in the gold": ("5", "2+3=5"),
    "a name before the value": ("5", "x = 5"),
}


@pytest.mark.parametrize("case", FALSE_POSITIVES)
def test_what_others_accept_is_not_equal(comparer, case):
    assert comparer.equal(*FALSE_POSITIVES[case]) in (False, None)


@pytest.mark.parametrize("case", FALSE_NEGATIVES)
def test_what_others_refuse_is_equal(comparer, case):
    assert comparer.equal(*FALSE_NEGATIVES[case]) is True


# --- golds -----------------------------------------------------------------

GOLDLESS = [2301, 2545]  # rows of the published file whose final_answer is ""


def math_golds(folder):
    """(file, row, gold) of MATH500, the 5,000 test problems and 7,500 training problems."""
    for row, record in read_rows(folder / "math500.jsonl.gz"):
        yield "math500", row, record["answer"]
    for row, record in read_rows(folder / "test_5000.jsonl.gz"):
        yield "test", row, final_answer(record["solution"])
    for row, record in read_rows(folder / "train_7500_problem_answer.jsonl.gz"):
        yield "train", row, record["final_answer"]


def test_every_gold_of_math_passes_as_a_solution_would_write_it(data, comparer):
    if not (data / "math").is_dir():
        pytest.skip(f"no folder {data / 'math'}")
    golds = list(math_golds(data / "math"))
    assert len(golds) == 500 + 5000 + 7500
    assert [(f, row) for f, row, gold in golds if not gold] == [("train", r) for r in GOLDLESS]
    failed = [
        (file, row, gold)
        for file, row, gold in golds
        if gold
        for written in (gold, f"${gold}$", last_boxed(f"{{\\boxed{{{gold}}}}}"), _larger(gold))
        if comparer.equal(gold, written) is not True
    ]
    assert failed == []


def _larger(gold):
    return gold.replace(r"\frac", r"\dfrac")


# --- classes for a vote ----------------------------------------------------

SPELLINGS = {
    "half": ["1/2", "0.5", r"\frac{1}{2}", r"\dfrac12", "2/4", ".50"],
    "five": ["5", "5.0", "x = 5", "$5$", "5 miles"],
    "thousand": ["1000", "1,000", "1e3", r"10^{3}"],
    "root": [r"\sqrt{8}", r"2\sqrt{2}"],
    "pair": ["(1,2)", r"\left(1, 2\right)"],
    "set": [r"\{1,2\}", r"\{2,1\}"],
    "word": ["even", r"\text{even}"],
}


def test_being_alike_is_reflexive_and_symmetric(comparer):
    answers = [text for texts in SPELLINGS.values() for text in texts]
    for one, other in combinations(answers, 2):
        assert comparer.alike(one, other) is comparer.alike(other, one)
    for text in answers:
        assert comparer.alike(text, text) is True
    assert comparer.equal("2+3=5", "5") is False  # as a gold, a chain wants its sides
    assert comparer.alike("2+3=5", "5") is True


def test_spellings_are_one_class_in_any_order(comparer):
    named = [(name, text) for name, texts in SPELLINGS.items() for text in texts]
    for order in (named, named[::-1], named[::2] + named[1::2]):
        classes = answer_classes([text for _, text in order], same=comparer.alike)
        by_name = {}
        for (name, _), number in zip(order, classes, strict=True):
            by_name.setdefault(name, set()).add(number)
        assert all(len(numbers) == 1 for numbers in by_name.values()), by_name
        assert len(set.union(*by_name.values())) == len(SPELLINGS)


def test_what_is_not_transitive_joins_its_first_member_only(comparer):
    """50 % is like 50 and like 0.5, which differ: no chain of likenesses may merge them."""
    assert comparer.alike("50%", "50") is comparer.alike("50%", "0.5") is True
    assert answer_classes(["50", "50%", "0.5"], same=comparer.alike) == [0, 0, 1]
    assert answer_classes(["0.5", "50%", "50"], same=comparer.alike) == [0, 0, 1]


def test_what_cannot_be_told_is_alike_nothing(comparer):
    assert comparer.alike("9**9**9**9", "3") is None
    assert answer_classes(["3", "9**9**9**9", "9^9^9^9"], same=comparer.alike) == [0, 1, 2]


def test_the_shared_comparer_does_the_same():
    pytest.importorskip("math_verify", reason="needs surefoot[maths]")
    assert alike("1/2", "0.5") is equal("1/2", "0.5") is True
