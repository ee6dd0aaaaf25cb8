"""What a conversion drops, changes and loses is counted; what it cannot decide it refuses."""

import json

import pytest

from surefoot.core.errors import InputError
from surefoot.core.records import labelled_of
from surefoot.formats import FORMATS, Choices, LeftOut, NeedsThreshold, converted, format_of
from surefoot.formats.convert import BROKEN, KEPT, Account
from surefoot.formats.own import labels_record, traces_of
from surefoot.formats.survey import account_record, repeats, survey_record, surveyed

GOOD = {"prompt": "q", "completions": ["a", "b"], "labels": [True, False]}
CUT = {"prompt": "q", "completions": ["a", "b"], "labels": [True, None]}
GAP = {"prompt": "q", "completions": ["a", "b"], "labels": [None, True]}
NONE = {"prompt": "q", "completions": ["a"], "labels": [None]}
BAD = {"prompt": "q", "completions": ["a"], "labels": [2]}
BLANK = {"prompt": " ", "completions": ["a"], "labels": [True]}
ROWS = [GOOD, CUT, GAP, BAD, NONE, BLANK, GOOD]


def convert(rows, source, target, **choices):
    account = Account("rows.jsonl")
    numbered = enumerate(rows, start=1)
    made = converted(numbered, FORMATS[source], FORMATS[target], Choices(**choices), account)
    return list(made), account


def test_the_account_by_hand():
    made, account = convert(ROWS, "trl_stepwise", "rlhflow")
    assert len(made) == account.written == 3
    assert (account.rows, account.traces) == (7, 5)
    gap = "a step without a label stands before one with a label"
    assert account.dropped == {gap: 1, "no step has a label": 1, BROKEN: 2}
    assert account.where == {gap: [3], "no step has a label": [5], BROKEN: [4, 6]}
    assert [row for row, _ in account.broken] == [4, 6]
    assert account.noted == {
        "traces cut after their last label": 1,
        'traces whose steps gained a "Step i: "': 3,
    }
    assert account.lost == {"label kinds and makers": 3}
    told = account_record(account)
    assert told["dropped"][BROKEN] == {"count": 2, "rows": [4, 6]}
    assert told["broken"]["row 6"] == "the problem is empty; expected the question's text"


def test_within_a_format_rows_pass_as_they_are():
    made, account = convert(ROWS, "trl_stepwise", "trl_stepwise")
    assert made == [GOOD, CUT, GAP, NONE, BLANK, GOOD]
    assert account.dropped == {BROKEN: 1}


def test_row_numbers_are_bounded():
    _, account = convert([BAD] * 99 + [GOOD], "trl_stepwise", "labels")
    assert account.dropped == {BROKEN: 99}
    assert len(account.where[BROKEN]) == len(account.broken) == KEPT


def test_a_soft_label_stops_a_hard_format_and_names_the_row():
    soft = {**GOOD, "labels": [1.0, 0.7]}
    with pytest.raises(
        NeedsThreshold, match=r"rows\.jsonl row 2: .* a label is 0\.7; .*--threshold"
    ):
        convert([GOOD, soft], "trl_stepwise", "math_shepherd")
    made, account = convert([GOOD, soft], "trl_stepwise", "math_shepherd", threshold=0.7)
    assert made[1]["label"].endswith("Step 2: b +")
    assert account.noted["soft labels made hard by the threshold"] == 1


def test_rows_that_cannot_be_made_are_refused():
    with pytest.raises(InputError, match="are only kept"):
        convert([GOOD], "trl_stepwise", "prm_bench")


@pytest.mark.parametrize("target", ["process_bench", "big_bench_mistake"])
def test_first_error_formats_say_what_they_miss(target):
    _, account = convert([GOOD], "trl_stepwise", target)
    [reason] = account.dropped
    assert "the format needs" in reason


def test_labels_after_the_first_wrong_step_are_lost_aloud():
    row = {"input": "q", "steps": ["a", "b", "c"], "target": "1", "answer": "2", "mistake_index": 1}
    ours, _ = convert([row], "big_bench_mistake", "labels")
    ours[0]["labels"][2] = {**ours[0]["labels"][0], "successes": 0}
    made, account = convert(ours, "labels", "big_bench_mistake")
    assert made == [row]
    assert account.noted == {"traces that lost their labels after the first wrong step": 1}


def test_values_and_correctness_are_not_the_same_and_the_user_says_which():
    for kind in ("correctness", "value"):
        ours, _ = convert([GOOD], "trl_stepwise", "labels", kind=type(Choices().kind)(kind))
        assert {label["kind"] for label in ours[0]["labels"]} == {kind}


def test_labels_that_are_no_shares_have_no_place():
    ours, _ = convert([GOOD], "trl_stepwise", "labels")
    for label in ours[0]["labels"]:
        label["kind"] = "progress"
    ours[0]["verdict"] = "wrong"
    for target in ("trl_stepwise", "openrlhf", "process_bench"):
        _, account = convert(ours, "labels", target, threshold=0.5)
        assert account.dropped == {"labels of kind progress are no shares in [0, 1]": 1}


def test_verdicts_of_whole_solutions():
    row = {"prompt": "q", "completion": "a\nb\n\nc", "label": False}
    [ours], _ = convert([row], "prompt_completion", "labels")
    assert (ours["steps"], ours["verdict"]) == (["a", "b", "c"], "wrong")
    assert all(label["tries"] == 0 for label in ours["labels"])
    ours["verdict"] = "unreadable"
    [back], account = convert([ours], "labels", "prompt_completion")
    assert back == {"prompt": "q", "completion": "a\nb\nc"}
    assert account.noted == {"unreadable answers left without a verdict": 1}
    chat = [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}]
    answer = [{"role": "assistant", "content": "a\nb"}]
    [ours], _ = convert([{"prompt": chat, "completion": answer}], "prompt_completion", "labels")
    assert ours["steps"] == ["a", "b"]
    form = FORMATS["messages"]
    with pytest.raises(LeftOut, match="several turns"):
        list(form.labelled(form.read({"messages": chat + answer + chat + answer}), Choices()))


def test_a_file_in_no_known_format_tells_what_was_found_and_expected(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"question": "q", "answer": "1"}\n')
    with pytest.raises(InputError) as caught:
        format_of(path)
    assert "question (str), answer (str)" in str(caught.value)
    assert "trl_stepwise: prompt completions labels" in str(caught.value)
    path.write_text("\n")
    with pytest.raises(InputError, match="has no rows"):
        format_of(path)
    path.write_text('{"prompt": 3}\n{"prompt": "q", "completions": [], "labels": []}\n')
    with pytest.raises(InputError, match=r"Nearest: trl_stepwise, but .*'completions' is empty"):
        format_of(path)
    path.write_text(path.read_text() + json.dumps(GOOD))
    assert format_of(path) == "trl_stepwise"  # broken rows hide no file


def test_a_survey_by_hand():
    rows = [GOOD, CUT, {**GOOD, "labels": [True, True]}, GOOD, {**GOOD, "prompt": "q "}]
    rows += [{**GOOD, "completions": ["a", " "], "labels": [0.5, 1]}, BAD]
    form, target = FORMATS["trl_stepwise"], FORMATS["rlhflow"]
    told = survey_record(
        surveyed(enumerate(rows, start=1), form, target, Choices(), Account("rows"))
    )
    assert (told["rows"], told["traces"], told["problems"]) == (7, 6, 1)
    assert told["steps"] == {"total": 12, "fewest": 2, "median": 2, "most": 2}
    assert told["labels"] == {"right": 7, "wrong": 3, "unknown": 1, "soft": 1}
    assert told["kinds"] == {"correctness by trl": 12}
    assert told["duplicates"] == {"count": 1, "rows": [4]}
    assert told["relabelled"] == {"count": 2, "rows": [2, 3]}
    assert told["empty_steps"] == {"count": 1, "rows": [6]}
    assert told["dropped"]["soft labels, and no --threshold to make them hard"]["rows"] == [6]
    assert told["written"] == 5


def test_a_survey_counts_a_shared_prefix_once():
    nodes = [("a", 1.0, [("b", 1.0, []), ("c", 0.0, [])])]

    def tree(text, value, children):
        return {"text": text, "mc_value": value, "children": [tree(*child) for child in children]}

    row = {"question": "q", "final_answer": "1", "reasoning_steps": tree("q", 0.5, nodes)}
    form = FORMATS["math_aps_tree"]
    told = survey_record(surveyed([(1, row)], form, FORMATS["labels"], Choices(), Account("rows")))
    assert told["traces"] == 2
    assert told["labels"] == {"right": 2, "wrong": 1}


def test_an_empty_survey():
    form = FORMATS["labels"]
    told = survey_record(surveyed([], form, form, Choices(), Account("rows")))
    assert told["steps"] == {"total": 0, "fewest": None, "median": None, "most": None}


def test_repeats_are_counted_against_the_first_of_their_texts():
    rows = [GOOD, CUT, {**GOOD, "prompt": "r"}, GOOD, CUT, {**CUT, "prompt": "r"}] * 20
    form = FORMATS["trl_stepwise"]
    found = surveyed(enumerate(rows, start=1), form, form, Choices(), Account("rows"))
    same, otherwise = repeats(found)
    assert (same.count, otherwise.count) == (40 - 1 + 20 - 1, 40 + 20)
    assert (same.rows[:4], otherwise.rows[:4]) == ([4, 7, 9, 10], [2, 5, 6, 8])
    assert len(same.rows) == len(otherwise.rows) == KEPT
    assert len(found.problems()) == 2


def test_a_survey_of_a_format_in_itself_says_that_rows_stay():
    form = FORMATS["trl_stepwise"]
    told = survey_record(surveyed(enumerate(ROWS, start=1), form, form, Choices(), Account("rows")))
    assert (told["rows"], told["written"], told["lost"], told["kept"]) == (7, 6, {}, {})


def test_fields_of_ones_own_are_kept_in_ours_and_named_elsewhere():
    row = {**GOOD, "prediction": 1, "answer": "not ours", "empty": None}
    [ours], account = convert([row], "trl_stepwise", "labels")
    assert ours["extra"] == {"prediction": 1, "answer": "not ours", "empty": None}
    assert ours["answer"] is None  # of which ours knows nothing
    assert account.kept == {"extra.prediction": 1, "extra.answer": 1}
    assert account.lost == {}
    [trace], account = convert([ours], "labels", "traces")
    assert trace["extra"] == ours["extra"]
    assert account.kept == {"extra": 1}
    _, account = convert([row], "trl_stepwise", "rlhflow")
    names = {"field prediction": 1, "field answer": 1, "label kinds and makers": 1}
    assert account.lost == names
    _, account = convert([ours], "labels", "rlhflow")
    assert account.lost == {"field extra": 1, "label kinds and makers": 1}


def test_an_empty_list_of_labels_is_not_written_over_those_of_the_steps():
    record = {
        "problem": {"id": "a", "problem": "?", "answer": "7"}, "steps": ["7"], "answer": "7",
        "verdict": "correct", "finished": True, "labels": [],
    }  # fmt: skip
    written = labels_record(traces_of(record))
    assert len(labelled_of(written).labels) == 1
