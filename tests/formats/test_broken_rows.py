"""Broken rows of every format: the message names the field; sound ones without a place say why."""

import pytest

from surefoot.core.errors import InputError
from surefoot.formats import FORMATS, Choices, LeftOut
from surefoot.formats.convert import Account, converted

SHEPHERD = {"input": "q Step 1: a ки", "label": "q Step 1: a +", "task": "t"}
MISTAKE = {"input": "q", "steps": ["a"], "target": "1", "answer": "2", "mistake_index": 0}
TURNS = [{"role": "user", "content": "q Step 1: a"}, {"role": "assistant", "content": "+"}]
FLAT = {
    "question": "q",
    "final_answer": "1",
    "reasoning_steps": [{"solution_prefix": "q", "mc_value": 1}],
}
TREE = {
    "question": "q",
    "final_answer": "1",
    "reasoning_steps": {"text": "q", "mc_value": 1, "children": []},
}
PAIR = {"prompt": "q", "initial_reason_steps": "", "chosen": "a", "rejected": "b"}
OURS = {"problem": {"id": "1", "problem": "q"}, "steps": ["a"], "labels": []}


@pytest.mark.parametrize(
    ("name", "record", "told"),
    [
        ("labels", OURS, "'labels' has 0 entries for 1 steps"),
        ("traces", {**OURS, "steps": []}, "'steps' of problem '1' is empty"),
        ("math_shepherd", {**SHEPHERD, "input": "q Step 1: a"}, "'input' has no 'ки'"),
        ("math_shepherd", {**SHEPHERD, "label": "q Step 1: a ?"}, r"after step 1; it goes on with"),
        ("math_shepherd", {**SHEPHERD, "label": "q Step 1: a +\n"}, "'label' ends in"),
        ("math_shepherd", {**SHEPHERD, "task": None}, "'task': expected str"),
        (
            "trl_stepwise",
            {"prompt": "q", "completions": [], "labels": []},
            "'completions' is empty",
        ),
        (
            "trl_stepwise",
            {"prompt": [], "completions": ["a"], "labels": [True]},
            "'prompt': expected",
        ),
        ("big_bench_mistake", {**MISTAKE, "mistake_index": 1}, "one of the 1 steps, got 1"),
        ("big_bench_mistake", {**MISTAKE, "mistake_index": True}, "'mistake_index': expected int"),
        ("rlhflow", {"conversations": []}, "has 0 turns"),
        ("rlhflow", {"conversations": TURNS[:1]}, "has 1 turns"),
        ("rlhflow", {"conversations": TURNS[::-1]}, r"'conversations\[0\]': expected .*'user'"),
        (
            "rlhflow",
            {"conversations": [TURNS[0], {**TURNS[1], "content": "yes"}]},
            "'\\+' or '-', got 'yes'",
        ),
        (
            "math_aps",
            {**FLAT, "question": "r"},
            r"reasoning_steps\[0\]: .* start with the question",
        ),
        ("math_aps", {**FLAT, "reasoning_steps": []}, "'reasoning_steps' is empty"),
        (
            "math_aps",
            {**FLAT, "reasoning_steps": [{"solution_prefix": "q", "mc_value": 2}]},
            "got 2",
        ),
        ("math_aps_tree", {**TREE, "question": "r"}, "expected the question at the root"),
        (
            "math_aps_tree",
            {**TREE, "reasoning_steps": {"text": "q", "mc_value": 1}},
            "'children' is missing",
        ),
        (
            "math_aps_tree",
            {**TREE, "reasoning_steps": {**TREE["reasoning_steps"], "x": 1}},
            r"unknown fields \['x'\]",
        ),
        ("openrlhf", {"input": "a ки", "value": ["+", 1]}, "'value' mixes signs and numbers"),
        ("openrlhf", {"input": "a ки", "value": ["yes"]}, r"'value\[0\]': expected '\+', '-'"),
        ("openrlhf", {"input": "a", "value": []}, "has 0 labels"),
        ("step_dpo", {**PAIR, "chosen": 3}, "'chosen': expected str"),
        ("preference", {"prompt": "q", "chosen": [], "rejected": "b"}, "'chosen' is empty"),
        (
            "prompt_completion",
            {"prompt": "q", "completion": "a", "label": 1},
            "'label': expected bool",
        ),
        (
            "messages",
            {"messages": [{"role": "user"}]},
            r"'messages\[0\]': expected role and content",
        ),
    ],
)
def test_a_broken_row_names_its_field(name, record, told):
    with pytest.raises(InputError, match=told):
        FORMATS[name].read(record)


@pytest.mark.parametrize(
    ("name", "record", "why"),
    [
        ("math_shepherd", {**SHEPHERD, "input": "q ки", "label": "q +"}, 'without "Step 1: "'),
        (
            "math_shepherd",
            {**SHEPHERD, "input": "q Step 1: a ки b", "label": "q Step 1: a + b"},
            "after the last tag",
        ),
        ("math_aps", FLAT, "the question has no steps below it"),
        ("math_aps_tree", TREE, "the question has no steps below it"),
        ("step_dpo", {**PAIR, "rejected": " "}, "a side of the pair is empty"),
        ("prompt_completion", {"prompt": "q", "completion": "\n"}, "the completion is empty"),
        ("messages", {"messages": [{"role": "user", "content": "q"}] * 2}, "several turns"),
    ],
)
def test_a_sound_row_that_is_no_trace_says_why(name, record, why):
    form = FORMATS[name]
    with pytest.raises(LeftOut, match=why):
        list(form.labelled(form.read(record), Choices()))


def test_a_wrong_answer_without_a_wrong_step_is_no_process_bench_row():
    right = {"kind": "correctness", "successes": 1, "tries": 1, "by": "us"}
    row = {**OURS, "labels": [right], "verdict": "wrong"}
    account = Account("rows")
    ours, target = FORMATS["labels"], FORMATS["process_bench"]
    assert list(converted([(1, row)], ours, target, Choices(), account)) == []
    assert account.dropped == {"all steps are labelled right and the final answer is wrong": 1}


def test_a_row_of_many_traces_is_numbered_once():
    nodes = [{"text": f"s{i}", "mc_value": None, "children": []} for i in range(3)]
    row = {**TREE, "reasoning_steps": {**TREE["reasoning_steps"], "children": nodes}}
    account = Account("rows")
    source, target = FORMATS["math_aps_tree"], FORMATS["rlhflow"]
    assert list(converted([(7, row)], source, target, Choices(), account)) == []
    assert account.dropped == {"no step has a label": 3}
    assert account.where == {"no step has a label": [7]}
