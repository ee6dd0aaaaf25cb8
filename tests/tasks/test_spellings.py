"""Properties: another spelling keeps the verdict, another value changes it."""

import random
import re
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surefoot.core.records import read_rows
from surefoot.tasks.answers import final_answer
from surefoot.tasks.leaves import same_plainly
from surefoot.tasks.moments import date_of, time_of
from surefoot.tasks.regions import region_of
from surefoot.tasks.spelling import tidy
from surefoot.tasks.values import value_of
from surefoot.tasks.words import cardinal, ordinal
from surefoot.tasks.written import same_as_written

WORDS = {0: "zero", 13: "thirteen", 21: "twenty-one", 100: "one hundred", 305: "three hundred five"}
WORDS |= {1_001: "one thousand and one", 2_000_000: "two million", 99: "ninety nine"}
SUFFIX = {1: "st", 2: "nd", 3: "rd"}


def same(gold, answer):
    return same_as_written(tidy(gold), tidy(answer), same_plainly)


def grouped(number, mark):
    return f"{number:,}".replace(",", mark)


def spellings_of_integer(n):
    """Ways in which n >= 0 is written; all of them mean n."""
    yield from (str(n), f"+{n}", f"{n}.0", f"{n}.", f"${n}$", f"\\boxed{{{n}}}", f"\\text{{{n}}}")
    yield from (f"{n:,}", grouped(n, r",\!"), grouped(n, "{,}"), grouped(n, r"\,"), grouped(n, "'"))
    yield from (grouped(n, " "), f"the answer is {n}.", f"x = {n}", f"({n})", f"**{n}**", f'"{n}"')
    yield from (f"\\frac{{{2 * n}}}{{2}}", f"{3 * n}/3", f"{n:,}.00", f"{n} apples", f"{n}\\%")
    if n >= 10**6:
        yield grouped(n, ".")


@given(st.integers(0, 10**10), st.integers(1, 1000))
@settings(max_examples=40, deadline=None)
def test_spellings_of_a_number(n, apart):
    for text in spellings_of_integer(n):
        assert same(str(n), text) is True, text
        assert same(text, str(n)) is True, text
        assert same(str(n + apart), text) is False, text
        assert n == 0 or same(f"-{n}", text) is False, text


@given(st.integers(0, 10**6), st.integers(0, 99), st.integers(1, 50))
@settings(max_examples=40, deadline=None)
def test_decimal_marks_of_other_countries(whole, cents, apart):
    gold = f"{whole}.{cents:02}"
    for text in (
        f"{grouped(whole, '.')},{cents:02}",
        f"{grouped(whole, ' ')},{cents:02}",
        f"{grouped(whole, chr(39))}.{cents:02}",
        f"€{whole},{cents:02}",
        f"{whole:,}.{cents:02} dollars",
    ):
        assert same(gold, text) is True, text
        assert same(f"{whole + apart}.{cents:02}", text) is False, text


@given(st.integers(0, 50), st.integers(1, 9), st.integers(2, 12), st.integers(1, 5))
@settings(max_examples=40, deadline=None)
def test_mixed_numbers(whole, top, more, apart):
    bottom = top + more
    value = Fraction(whole) + Fraction(top, bottom)
    for text in (
        rf"{whole}\frac{{{top}}}{{{bottom}}}",
        f"{whole} {top}/{bottom}",
        rf"{value.numerator} / {value.denominator}",
        rf"\dfrac{{{value.numerator}}}{{{value.denominator}}}",
        rf"{{{value.numerator} \over {value.denominator}}}",
    ):
        assert same(str(value), text) is True, text
        assert same(str(value + apart), text) is False, text
    run_together = Fraction(int(f"{whole}{top}"), bottom)
    assert same(f"{whole} {top}/{bottom}", f"{whole}{top}/{bottom}") is (value == run_together)


@given(st.integers(1, 10**6), st.sampled_from([
    ("m", "cm", 100), ("km", "meters", 1000), ("hours", "minutes", 60), ("feet", "inches", 12),
    ("kg", "grams", 1000), ("days", "h", 24), ("$", "cents", 100), ("m^2", "cm^2", 10_000),
]), st.sampled_from(["seconds squared", "£", "apples", "°C", "litres"]))  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_units_are_converted(n, pair, other):
    large, small, factor = pair
    gold = f"${n}" if large == "$" else f"{n} {large}"
    assert same(gold, f"{n * factor} {small}") is True
    assert same(gold, f"{n * factor + 1} {small}") is False
    assert same(gold, f"£{n}" if other == "£" else f"{n} {other}") is False
    assert same(gold, str(n)) is True


@given(st.integers(0, 23), st.integers(0, 59), st.integers(1, 1439))
@settings(max_examples=60, deadline=None)
def test_times(hour, minute, apart):
    half, hour_12 = "ap"[hour >= 12], hour % 12 or 12
    for text in (f"{hour}:{minute:02}", f"{hour_12}:{minute:02} {half}m"):
        assert time_of(text) == 3600 * hour + 60 * minute
        assert same(rf"\text{{{hour_12}:{minute:02} {half.upper()}.M.}}", text) is True
        later = (60 * hour + minute + apart) % 1440
        assert same(f"{later // 60}:{later % 60:02}", text) is False
    assert same(f"{hour_12} {half}m", str(hour_12)) is False


@given(st.dates())
@settings(max_examples=60, deadline=None)
def test_dates(day):
    if day.year < 1000:
        return
    suffix = "th" if 10 < day.day < 20 else SUFFIX.get(day.day % 10, "th")
    gold = f"{day:%B} {day.day}, {day.year}"
    for text in (
        day.isoformat(), f"{day.day} {day:%b} {day.year}", f"{day:%b}. {day.day}, {day.year}",
        f"the {day.day}{suffix} of {day:%B}, {day.year}", f"{day:%A}, {gold}", f"{day:%d.%m.%Y}",
    ):  # fmt: skip
        assert date_of(tidy(text).lower()) == (day.year, day.month, day.day), text
        assert same(gold, text) is True, text
        assert same(f"{day:%B} {day.day % 28 + 1}, {day.year}", text) is (
            day.day % 28 + 1 == day.day
        )
    assert same(f"{day:%B} {day.day}", gold) is True  # the year was not asked for
    assert same(gold, f"{day:%B} {day.day}") is False


@given(st.integers(-50, 50), st.integers(1, 50), st.booleans(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_intervals_and_inequalities(low, width, low_in, high_in):
    high = low + width
    gold = f"{'(['[low_in]}{low}, {high}{')]'[high_in]}"
    signs = [("<", "<="), ("<", r"\le")]
    chain = f"{low} {signs[0][low_in]} x {signs[1][high_in]} {high}"
    french = f"{']['[low_in]}{low};{high}{'[]'[high_in]}"
    for text in (chain, french, f"x \\in {gold}", gold.replace(",", ";")):
        assert same(gold, text) is True, text
        moved = f"{'(['[low_in]}{low}, {high + 1}{')]'[high_in]}"
        closed = f"{'(['[not low_in]}{low}, {high}{')]'[high_in]}"
        assert same(moved, text) is False, text
        assert same(closed, text) is False, text
    assert region_of(tidy(chain)).surely


@given(st.lists(st.lists(st.integers(-9, 9), min_size=2, max_size=3), min_size=2, max_size=3))
@settings(max_examples=60, deadline=None)
def test_matrices(rows):
    width = min(map(len, rows))
    rows = [row[:width] for row in rows]
    gold = matrix(rows, " & ", r" \\ ")
    for text in (matrix(rows, "&", r"\\", "bmatrix"), matrix(rows, " &", "\\\\[2pt]\n"), str(rows)):
        assert same(gold, text) is True, text
    swapped = [[rows[0][1], rows[0][0], *rows[0][2:]], *rows[1:]]
    turned = [list(column) for column in zip(*rows, strict=True)]
    assert same(gold, matrix(swapped, " & ", r" \\ ")) is (swapped == rows)
    assert same(gold, matrix(turned, " & ", r" \\ ")) is (turned == rows)


def matrix(rows, between, after, kind="pmatrix"):
    body = after.join(between.join(map(str, row)) for row in rows)
    return rf"\begin{{{kind}}} {body} \end{{{kind}}}"


@pytest.mark.parametrize("number", WORDS)
def test_number_words(number):
    assert cardinal(WORDS[number]) == number
    assert value_of(WORDS[number]).number == number


def test_what_is_no_number_word():
    assert [cardinal(t) for t in ("", "one two", "and", "hundred", "ten and", "zero one")] == [
        None
    ] * 6
    assert ordinal("twenty-first") == ordinal("21st") == 21
    assert ordinal("first second") is ordinal("th") is None


# --- real golds ---------------------------------------------------------------

_MATRIX_GOLD = re.compile(r"\\begin\{[pb]matrix\}")


@pytest.fixture(scope="module")
def matrices(data):
    if not (data / "math").is_dir():
        pytest.skip(f"no folder {data / 'math'}")
    golds = {
        final_answer(r["solution"]) for _, r in read_rows(data / "math" / "test_5000.jsonl.gz")
    }
    train = read_rows(data / "math" / "train_7500_problem_answer.jsonl.gz")
    golds |= {record["final_answer"] for _, record in train}
    return sorted(gold for gold in golds if gold and _MATRIX_GOLD.search(gold))


def test_every_matrix_of_math_with_other_spaces(matrices, comparer):
    assert len(matrices) >= 72
    for gold in matrices:
        tight = re.sub(r"\s*(\\\\|&)\s*", r"\1", gold)
        for text in (
            tight,
            re.sub(r"(\\\\|&)", r"  \1  ", tight),
            gold.replace("pmatrix", "bmatrix"),
        ):
            assert comparer.equal(gold, text) is True, text


def test_no_matrix_of_math_with_neighbours_swapped(matrices, comparer):
    rng, tried = random.Random(0), 0
    while tried < 200:
        gold = rng.choice(matrices)
        swapped = _swapped(gold, rng)
        if swapped is None:
            continue
        tried += 1
        assert comparer.equal(gold, swapped) is not True, (gold, swapped)


def _swapped(gold, rng):
    """The matrix with two neighbouring, different cells exchanged, or None."""
    begin, body, end = re.fullmatch(r"(.*?matrix\})(.*)(\\end.*)", gold, re.DOTALL).groups()
    pieces = re.split(r"(\\\\|&)", body)
    pairs = [i for i in range(0, len(pieces) - 2, 2) if pieces[i].strip() != pieces[i + 2].strip()]
    if not pairs or "begin" in body:
        return None
    i = rng.choice(pairs)
    pieces[i], pieces[i + 2] = pieces[i + 2], pieces[i]
    return begin + "".join(pieces) + end
