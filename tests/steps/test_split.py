"""What a step is, in text: documented examples, round trips, nothing lost."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.steps import by_blank_line, by_line, by_marker, by_sentence, by_separator, split

SPLITS = [by_line, by_blank_line, by_marker, by_sentence, lambda text: by_separator(text, "##")]
texts = st.text("ab1. \n#:SE") | st.text()


def test_documented_examples():
    assert doctest.testmod(split).failed == 0


@pytest.mark.parametrize("cut", SPLITS)
@given(text=texts)
def test_only_white_space_and_separators_are_lost_and_no_step_is_empty(cut, text):
    steps = cut(text)
    assert all(step and step == step.strip() for step in steps)

    def bare(s):
        return "".join(s.replace("##", "").split())

    assert "".join(map(bare, steps)).replace("#", "") == bare(text).replace("#", "")


@given(st.lists(st.text("ab. 1"), max_size=6))
def test_joined_with_its_separator_it_splits_the_same(pieces):
    for cut, separator in [(by_line, "\n"), (by_blank_line, "\n\n")]:
        steps = cut(separator.join(pieces))
        assert steps == [p.strip() for p in pieces if p.strip()]
        assert cut(separator.join(steps)) == steps


@pytest.mark.parametrize(
    ("cut", "text", "steps"),
    [
        (by_line, "", []),
        (by_line, "\n \n", []),
        (by_line, "a\r\nb\n\nc", ["a", "b", "c"]),
        (by_blank_line, "a\nb\n \t\nc", ["a\nb", "c"]),
        (by_marker, "no marker\nat all", ["no marker\nat all"]),
        (by_marker, "1. one\n2) two\n 3: three", ["1. one", "2) two", "3: three"]),
        (by_marker, "x = 3. y", ["x = 3. y"]),
        (by_sentence, "It is 2.5. Then 3! Why? So", ["It is 2.5.", "Then 3!", "Why?", "So"]),
        (by_sentence, "See e.g. Fig. 3. Done.", ["See e.g. Fig. 3.", "Done."]),
        (by_sentence, "a. b", ["a. b"]),
    ],
)
def test_splits_by_hand(cut, text, steps):
    assert cut(text) == steps
