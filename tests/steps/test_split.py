"""What a step is, in text: documented examples, round trips, nothing lost."""

import doctest
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.steps import by_blank_line, by_line, by_marker, by_sentence, by_separator, split

SPLITS = [by_line, by_blank_line, by_marker, by_sentence, lambda text: by_separator(text, "##")]
texts = st.text("ab1. \n#:SEÜ。！…”") | st.text()


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
        (by_sentence, "和是３．５．答案是４．", ["和是３．５．", "答案是４．"]),
        (by_sentence, "Πόσο\u037e Πέντε.", ["Πόσο\u037e", "Πέντε."]),
        (
            by_sentence,
            "Er hat 3. Über 5 ist es nicht. Öl!",
            ["Er hat 3.", "Über 5 ist es nicht.", "Öl!"],
        ),
        (by_sentence, "Siehe Nr. Ü und Abb. Ä. Ärger.", ["Siehe Nr. Ü und Abb. Ä.", "Ärger."]),
        (
            by_sentence,
            "Всего 2.5 руб. Это т. е. Два? Да.",
            ["Всего 2.5 руб.", "Это т. е. Два?", "Да."],
        ),
        (
            by_sentence,
            "¿Cuánto es? ¡Cinco! Ángel paga 3,5.",
            ["¿Cuánto es?", "¡Cinco!", "Ángel paga 3,5."],
        ),
        (
            by_sentence,
            "三加二是3.5。他说“好！”所以呢？！是。",
            ["三加二是3.5。", "他说“好！”", "所以呢？！", "是。"],
        ),
        (by_sentence, "「はい。」と言った。 次です。", ["「はい。」", "と言った。", "次です。"]),
        (by_sentence, "كم العدد؟ النتيجة 2.5. ثم نجمع", ["كم العدد؟", "النتيجة 2.5.", "ثم نجمع"]),
        (by_sentence, "कुल 3.5 है। फिर जोड़ें।उत्तर", ["कुल 3.5 है।", "फिर जोड़ें।", "उत्तर"]),
        (by_sentence, "Wait… Then 3… and 4.", ["Wait…", "Then 3… and 4."]),
        (by_sentence, "ǅ ends. ǅ begins. 5 does not.", ["ǅ ends.", "ǅ begins. 5 does not."]),
    ],
)
def test_splits_by_hand(cut, text, steps):
    assert cut(text) == steps


ENGLISH_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"'(\\$])")
ENGLISH_SHORT = re.compile(r"\b(?:e\.g|i\.e|vs|Mr|Mrs|Ms|Dr|St|No|Fig|Eq)\.$")


WORDS = ["Mr. ", "e.g. ", "3.5 ", "So ", "x. ", "Fig. 2. ", "(A) ", "done! ", "$5$. "]


@given(st.text("aB1 .!?\"'($\\\n") | st.lists(st.sampled_from(WORDS)).map("".join))
def test_english_is_split_as_ever(text):
    """ASCII capitals, quotes, brackets, LaTeX and dollars begin a sentence, and nothing else."""
    expected = []
    for piece in ENGLISH_END.split(text.strip()):
        if expected and ENGLISH_SHORT.search(expected[-1]):
            expected[-1] += " " + piece
        elif piece:
            expected.append(piece)
    assert by_sentence(text) == expected
