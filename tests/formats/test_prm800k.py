"""PRM800K's trees by hand: the path, the alternatives beside it, neutral ratings, kept-out rows."""

import json

import pytest

from surefoot.core.errors import InputError
from surefoot.formats import Choices, LeftOut, foreign_rows
from surefoot.formats.prm800k import path_of, prm800k_labelled, prm800k_of, sequences_of


def rated(*ratings, letter="a"):
    return [{"text": f"{letter}{i}", "rating": r} for i, r in enumerate(ratings, start=1)]


def step(completions, chosen=None, human=None):
    return {
        "completions": completions,
        "human_completion": human,
        "chosen_completion": chosen,
    }


def row(*steps, finish="solution", **fields):
    return {
        "is_quality_control_question": False,
        "is_initial_screening_question": False,
        "question": {"problem": "q", "ground_truth_answer": "1"},
        "label": {"steps": list(steps), "finish_reason": finish},
        **fields,
    }


# a1 right, chosen | b1 wrong, b2 neutral, the labeler's B | c1 neutral, c2 right, chosen
TREE = row(
    step(rated(1, letter="a"), chosen=0),
    step(rated(-1, 0, letter="b"), human={"text": "B", "rating": None, "source": "human"}),
    step(rated(0, 1, letter="c"), chosen=1),
)
# a1 | b1 right, b2 wrong: nothing chosen, the solution has an error
ERROR = row(
    step(rated(1, letter="a"), chosen=0), step(rated(1, -1, letter="b")), finish="found_error"
)


def words(sequences):
    return [" ".join(each.text for each in sequence) for sequence in sequences]


def values(record, **choices):
    found = prm800k_labelled(prm800k_of(record), Choices(**choices))
    return [[label.value for label in item.labels] for item in found]


def test_the_path_goes_through_what_was_chosen_or_written():
    assert words([path_of(prm800k_of(TREE))]) == ["a1 B c2"]


def test_the_path_of_a_found_error_ends_in_the_wrong_completion():
    assert words([path_of(prm800k_of(ERROR))]) == ["a1 b2"]


def test_every_alternative_ends_a_sequence_of_its_own():
    assert words(sequences_of(prm800k_of(TREE))) == ["a1 B c2", "a1 b1", "a1 b2", "a1 B c1"]
    assert words(sequences_of(prm800k_of(ERROR))) == ["a1 b2", "a1 b1"]


@pytest.mark.parametrize(("neutral", "value"), [("positive", 1), ("negative", 0), ("ignore", None)])
def test_neutral_counts_as_its_user_says(neutral, value):
    path, wrong, alternative, last = values(TREE, neutral=neutral)
    assert path == [1, 1, 1]
    assert wrong == [1, 0]
    assert alternative == [1, value]
    assert last == [1, 1, value]


def test_the_path_alone():
    assert values(TREE, alternatives=False) == [[1, 1, 1]]


def test_ratings_and_makers_stay_to_be_seen():
    path, *_, last = prm800k_labelled(prm800k_of(TREE), Choices())
    assert [label.by for label in path.labels] == ["prm800k", "prm800k:written", "prm800k"]
    assert json.loads(last.notes["ratings"]) == [1, None, 0]
    assert [label.by for label in last.labels][-1] == "prm800k:neutral"
    assert (path.notes["new_from"], last.notes["new_from"]) == ("0", "2")
    assert path.trace.problem.gold == "1"


def test_an_unrated_step_on_the_path_has_no_label():
    assert values(row(step(rated(None), chosen=0), step(rated(1, letter="b"), chosen=0))) == [
        [None, 1]
    ]


def test_a_bare_text_of_a_human_is_a_step_too():
    assert words([path_of(prm800k_of(row(step(rated(-1), human="mine"))))]) == ["mine"]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({**TREE, "is_quality_control_question": True}, "quality-control"),
        ({**TREE, "is_initial_screening_question": True}, "screening"),
        (row(*TREE["label"]["steps"], finish="bad_problem"), "a bad problem"),
        (row(step(None), finish="give_up"), "no step is rated"),
    ],
)
def test_what_is_not_for_training_is_left_out_with_the_reason(record, reason):
    with pytest.raises(LeftOut, match=reason):
        list(prm800k_labelled(prm800k_of(record), Choices()))


@pytest.mark.parametrize(
    ("record", "told"),
    [
        (
            row(step(rated(2))),
            r"in label.steps\[0\]: in completions\[0\]: field 'rating': .* got 2",
        ),
        (row(step(rated(1), chosen=1)), r"'chosen_completion': 1 is not one of 1 completions"),
        (row(step(rated(1)), step(rated(1))), r"steps\[0\]: nothing is chosen or written"),
        (row(step(rated(1), chosen=0), finish="tired"), "'finish_reason': expected one of"),
        ({**TREE, "question": {"problem": "q"}}, "'ground_truth_answer' is missing"),
        (row({"completions": None}), "'human_completion' is missing"),
    ],
)
def test_a_broken_row_names_step_and_field(record, told):
    with pytest.raises(InputError, match=told):
        prm800k_of(record)


def test_real_rows_have_the_paths_their_labelers_took(data):
    rows = [prm800k_of(r) for _, r in foreign_rows(data / "openr_samples" / "prm800k.jsonl.gz")]
    ratings = [[each.rating for each in path_of(row)] for row in rows]
    assert ratings[0] == [1, None, 1, 1, 1, 1]  # step 2 was written by hand
    assert ratings[1] == [1, 0, 1, 1, 1, 1, -1]  # found_error: ends in the wrong completion
    assert ratings[4] == [1] * 7 + [None]  # given up after a written step
    # row 3's last step has 7 completions, two of them twice
    assert [len(sequences_of(row)) for row in rows] == [10, 4, 5, 7, 7, 1]
