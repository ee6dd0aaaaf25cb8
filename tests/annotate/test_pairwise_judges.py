"""Comparisons in both orders, and Meta Ranking's votes over references."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from judges import answering, code_in, saying, trace_of

from surefoot.annotate.judges import meta_ranking, pairwise
from surefoot.annotate.judges.meta_ranking import vote_of
from surefoot.core.errors import InputError
from surefoot.core.types import Problem, Verdict

ONE, OTHER = trace_of("2 + 3 = 5", "So 10."), trace_of("2 + 3 = 6", "So 12.")


def preferring(right):
    """A judge that knows which text is right, wherever it stands."""

    def respond(problem, rng):
        first = problem.text.index(right) < problem.text.index("Second solution:")
        return f"Better [{code_in(problem.text)}]: {'FIRST' if first else 'SECOND'}"

    return answering(respond)


def test_the_better_one_wins_in_either_place():
    won = pairwise(ONE, OTHER, judge=preferring("> So 10."), votes=4)
    assert (won.wins, won.ties, won.losses, won.opinion.score) == (4, 0, 0, 1)
    lost = pairwise(OTHER, ONE, judge=preferring("> So 10."), votes=4)
    assert (lost.wins, lost.losses, lost.opinion.score) == (0, 4, 0)
    assert won.opinion.usage.calls == 4


@pytest.mark.parametrize("word", ["FIRST", "SECOND"])
def test_a_judge_who_goes_by_place_says_nothing(word):
    found = pairwise(ONE, OTHER, judge=saying(f"Better [{{code}}]: {word}"), votes=6)
    assert found.opinion.score == 0.5
    assert (found.wins, found.losses) == (3, 3)


@pytest.mark.parametrize(
    ("reply", "score", "unreadable"),
    [("Better [{code}]: SAME", 0.5, "0"), ("Better [{code}]: UNSURE", None, "0"),
     ("Better: FIRST", None, "2"), ("Better [{code}]: ME", None, "2")],
)  # fmt: skip
def test_ties_count_half_and_abstentions_not(reply, score, unreadable):
    found = pairwise(ONE, OTHER, judge=saying(reply))
    assert found.opinion.score == score
    assert found.opinion.notes == {"replies": "2", "unreadable": unreadable}


def test_votes_are_even():
    for votes in (0, 3):
        with pytest.raises(InputError, match=f"even number of votes.*got {votes} votes"):
            pairwise(ONE, OTHER, judge=saying(""), votes=votes)


# --- Meta Ranking -------------------------------------------------------------------


def reference(*texts, right):
    verdict = Verdict.CORRECT if right else Verdict.WRONG
    problem = Problem("r", "What is 1 + 1?", "2")
    return replace(trace_of(*texts), problem=problem, verdict=verdict)


RIGHT, WRONG = reference("So two.", right=True), reference("So three.", right=False)


@pytest.mark.parametrize(
    ("word", "right", "vote"),
    [("FIRST", True, 1), ("SAME", True, 1), ("SECOND", True, -0.5),
     ("FIRST", False, 0.5), ("SAME", False, -1), ("SECOND", False, -1)],
)  # fmt: skip
def test_votes_by_hand(word, right, vote):
    exchanged = {"FIRST": "SECOND", "SECOND": "FIRST"}

    def respond(problem, rng):
        back = problem.id.endswith("back")
        return f"Better [{code_in(problem.text)}]: {exchanged.get(word, word) if back else word}"

    found = pairwise(ONE, RIGHT if right else WRONG, judge=answering(respond))
    assert vote_of(found, right=right, weight=0.5) == vote


def test_who_is_as_good_as_right_and_better_than_wrong():
    """Votes 1 and w: (1 + (1 + 1/2) / 2) / 2 = 7/8."""
    found = meta_ranking(ONE, [RIGHT, WRONG], judge=knowing("> So 10.", "> So two."))
    assert found.opinion.score == pytest.approx(7 / 8)
    assert found.opinion.usage.calls == 4
    low = meta_ranking(OTHER, [RIGHT, WRONG], judge=knowing("> So 10.", "> So two."))
    assert low.opinion.score == pytest.approx((1 - 0.75) / 2)


def knowing(*right):
    """A judge that knows which texts are right; two of a kind are the same."""

    def respond(problem, rng):
        first, second = problem.text.split("Second solution:")
        good = [any(text in part for text in right) for part in (first, second)]
        word = "SAME" if good[0] == good[1] else "FIRST" if good[0] else "SECOND"
        return f"Better [{code_in(problem.text)}]: {word}"

    return answering(respond)


@given(st.lists(st.booleans(), min_size=1, max_size=4), st.booleans())
def test_a_perfect_judge_is_always_on_the_right_side(rights, target):
    references = [RIGHT if right else WRONG for right in rights]
    trace = ONE if target else OTHER
    found = meta_ranking(trace, references, judge=knowing("> So 10.", "> So two."))
    assert (found.opinion.score > 0.5) == target
    assert 0 <= found.opinion.score <= 1


def test_with_nothing_readable_there_is_no_score():
    found = meta_ranking(ONE, [RIGHT], judge=saying("?"))
    assert found.opinion.score is None
    assert found.opinion.notes == {"replies": "2", "unreadable": "2"}


def test_references_must_be_known():
    for references in ([], [replace(RIGHT, verdict=None)]):
        with pytest.raises(InputError, match="checked references"):
            meta_ranking(ONE, references, judge=saying(""))


def test_two_problems_are_shown_if_they_differ():
    texts = []

    def respond(problem, rng):
        texts.append(problem.text)
        return ""

    pairwise(ONE, OTHER, judge=answering(respond))
    pairwise(ONE, RIGHT, judge=answering(respond))
    assert texts[0].count("doubled?") == 1
    assert "> What is 1 + 1?" in texts[2]
