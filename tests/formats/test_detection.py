"""A format is named only where it explains the row; else the user is asked, and told why."""

import json

import pytest

from surefoot.core.errors import InputError
from surefoot.formats import FORMATS, Choices, detected, format_of, guessed
from surefoot.formats.unread import judges

TALK = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
TURNS = [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]
TRL = {"prompt": "q", "completions": ["a"], "labels": [True]}
PROBLEM = {"id": "1", "problem": "q"}
# Rows as they are published, and what stands in the way of the format that they resemble.
STRANGE = {
    "AgentProcessBench": (
        {"data_source": "hotpotqa", "query_index": 1, "sample_index": 0, "messages": TALK,
         "step_labels": {"1": -1}},
        "messages, but it does not read step_labels, which looks like labels",
    ),
    "LLaMA-Factory DPO": (
        {"conversations": TURNS[:1], "chosen": TURNS[1], "rejected": TURNS[1]},
        "rlhflow, but its reader refuses the row (field 'conversations' has 1 turns",
    ),
    "GenPRM-MATH": (
        {"conversations": [{"role": "system", "content": "judge"}, *TALK, TALK[0]]},
        "rlhflow, but its reader refuses the row (field 'conversations[0]'",
    ),
    "scored conversations": ({"messages": TALK, "reward": 0.5}, "does not read reward"),
    "traces of others": (
        {"problem": PROBLEM, "steps": ["a"], "stepRatings": [1]}, "does not read stepRatings",
    ),
    "two label columns": (
        {**TRL, "human_labels": [False]}, "trl_stepwise, but it does not read human_labels",
    ),
    "labels inside an object": (
        {"messages": TALK, "meta": {"by": "us", "human": {"step_labels": [1]}}},
        "messages, but it does not read meta.human.step_labels, which looks like labels",
    ),
    "preferences with a prefix": (
        {"prompt": "q", "prefix": "a", "chosen": "b", "rejected": "c"},
        "step_dpo, but its reader refuses the row (field 'initial_reason_steps' is missing",
    ),
}  # fmt: skip


def written(tmp_path, *rows):
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize("name", STRANGE)
def test_a_row_that_is_not_explained_is_refused_with_what_was_seen(tmp_path, name):
    record, told = STRANGE[name]
    assert detected(record) is None
    path = written(tmp_path, record, record)
    with pytest.raises(InputError) as caught:
        format_of(path)
    assert told in str(caught.value)
    assert f"`surefoot convert {path} labels.jsonl --from " in str(caught.value)


def test_two_formats_that_explain_a_row_differently_are_both_named(tmp_path):
    both = {"messages": TALK, "prompt": "q", "completion": "a"}
    assert guessed(both).fit == ("prompt_completion", "messages")
    with pytest.raises(InputError, match="any of the formats prompt_completion, messages"):
        format_of(written(tmp_path, both))


@pytest.mark.parametrize(
    ("record", "name"),
    [
        ({**TRL, "score": 0.5, "source": "us"}, "trl_stepwise"),  # a score is not one per step
        ({"problem": PROBLEM, "steps": ["a"], "scores": {"values": [1]}}, "traces"),  # our own
        ({"problem": PROBLEM, "steps": ["a"], "extra": {"labels": [1]}}, "traces"),  # our own
        ({"messages": TALK, "meta": {"score": 0.5}}, "messages"),  # not one per step
        ({"messages": TALK, "label": True}, "messages"),  # LLaMA-Factory's KTO rows
        ({"prompt": "q", "chosen": "a", "rejected": "b", "margin": 1}, "preference"),
    ],
)
def test_what_is_explained_is_named(record, name):
    assert detected(record) == name


def test_later_rows_decide_where_the_first_are_broken(tmp_path):
    broken = {**TRL, "labels": []}
    assert format_of(written(tmp_path, broken, {"a": 1}, TRL)) == "trl_stepwise"


def test_kto_labels_become_verdicts():
    form = FORMATS["messages"]
    for label, verdict in ((True, "correct"), (False, "wrong")):
        row = {"messages": TALK, "label": label}
        [item] = form.labelled(form.read(row), Choices())
        assert item.trace.verdict.value == verdict
        assert form.write(form.read(row)) == row


@pytest.mark.parametrize(
    ("field", "is_one"),
    [
        ("step_labels", True), ("label", True), ("isCorrect", True), ("HumanRatings", True),
        ("meta.verdict", True), ("steps[].score", True), ("value", False), ("label_id", True),
        ("timestamp", False), ("labeler", False), ("terror", False), ("", False),
    ],
)  # fmt: skip
def test_names_that_look_like_labels(field, is_one):
    assert judges(field) == is_one
