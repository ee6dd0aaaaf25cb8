"""Mistakes that other libraries make when they read step labels; each test names one."""

import pytest

from surefoot.core.errors import InputError
from surefoot.formats import FORMATS, Choices, LeftOut, NeedsThreshold, detected
from surefoot.formats.nouns import question_and_step


def items(name, record, **choices):
    form = FORMATS[name]
    return list(form.labelled(form.read(record), Choices(**choices)))


def steps(item):
    return [step.text for step in item.trace.steps]


SOFT = {"prompt": "q", "completions": ["a", "b", "c", "d"], "labels": [0.9375, 0.5, 0.25, 1.0]}


def test_trl_and_axolotl_round_soft_labels_down_with_int():
    [item] = items("trl_stepwise", SOFT)
    assert [label.value for label in item.labels] == SOFT["labels"]
    make = FORMATS["trl_stepwise"].make
    with pytest.raises(NeedsThreshold, match=r"a label is 0\.9375"):
        make(item, Choices(), print)
    told = []
    row = make(item, Choices(threshold=0.5), told.append)
    assert row.labels == (True, True, False, True)
    assert told == ["soft labels made hard by the threshold"] * 3


def test_trl_2127_turns_minus_100_into_true_in_a_column_of_bools():
    with pytest.raises(InputError, match=r"'labels\[1\]': expected true, false or a share"):
        items("trl_stepwise", {**SOFT, "labels": [1, -100, 0, 1]})


@pytest.mark.parametrize("bad", [float("nan"), 1.5, -1])
def test_a_label_that_is_no_share_is_refused(bad):
    with pytest.raises(InputError, match=r"labels\[3\]"):
        items("trl_stepwise", {**SOFT, "labels": [1, 0, 0, bad]})


def test_openr_cuts_labels_and_spare_cuts_logits_to_the_shorter():
    with pytest.raises(InputError, match="has 2 labels, and the placeholders in 'input' are"):
        items(
            "openrlhf", {"input": "q Step 1: a ки\nStep 2: b ки\nStep 3: c ки", "value": ["+", "-"]}
        )
    with pytest.raises(InputError, match="'labels' has 4 entries for 3 completions"):
        items("trl_stepwise", {**SOFT, "completions": ["a", "b", "c"]})


def test_axolotl_zips_a_tag_in_the_text_away():
    with pytest.raises(InputError, match="'label' does not follow 'input'"):
        items(
            "math_shepherd",
            {"input": "q: ки? Step 1: a ки", "label": "q: ки? Step 1: a +", "task": ""},
        )


def test_trl_lists_rows_with_labels_in_the_prompt_by_hand():
    dirty = {"input": "q + 1 Step 1: a ки", "label": "q + 1 Step 1: a", "task": ""}
    with pytest.raises(InputError, match="'label' does not follow 'input'"):
        items("math_shepherd", dirty)
    twice = {"input": "q Step 1: a Step 1: b ки", "label": "q Step 1: a Step 1: b +", "task": ""}
    with pytest.raises(LeftOut, match="more than once"):
        items("math_shepherd", twice)


def test_a_plus_in_the_mathematics_is_no_label():
    record = {
        "input": "What is 1 + 2? Step 1: 1 + 2 = 3 ки\nStep 2: 3 - 0 + - ки",
        "label": "What is 1 + 2? Step 1: 1 + 2 = 3 +\nStep 2: 3 - 0 + - -",
        "task": "GSM8K",
    }
    [item] = items("math_shepherd", record)
    assert steps(item) == ["Step 1: 1 + 2 = 3", "Step 2: 3 - 0 + -"]
    assert [label.value for label in item.labels] == [1, 0]


def test_openr_keeps_the_last_alternative_and_two_of_six_combinations():
    completions = [{"text": t, "rating": r} for t, r in (("b1", 1), ("b2", 0), ("b3", -1))]
    ways = [
        {"completions": [{"text": "a1", "rating": 1}, {"text": "a2", "rating": -1}],
         "human_completion": None, "chosen_completion": 0},
        {"completions": completions, "human_completion": None, "chosen_completion": 0},
    ]  # fmt: skip
    record = {
        "is_quality_control_question": False,
        "is_initial_screening_question": False,
        "question": {"problem": "q", "ground_truth_answer": None},
        "label": {"steps": ways, "finish_reason": "solution"},
    }
    found = [steps(item) for item in items("prm800k", record)]
    assert found == [["a1", "b1"], ["a2"], ["a1", "b2"], ["a1", "b3"]]  # never on from a2


def test_openr_makes_the_question_step_1_of_a_tree():
    leaf = {"text": "Zwei Äpfel", "mc_value": 0.5, "children": []}
    root = {"text": "q", "mc_value": 0.75, "children": [leaf]}
    [item] = items("math_aps_tree", {"question": "q", "final_answer": "2", "reasoning_steps": root})
    assert steps(item) == ["Zwei Äpfel"]  # and it is not dropped for its umlauts
    assert [label.value for label in item.labels] == [0.5]
    assert item.notes["root_value"] == "0.75"


def test_openr_repeats_the_question_in_flat_prefixes():
    prefixes = [("q", 0.5), ("q\n\na", 0.75), ("q\n\na\n\nb", 1.0), ("q\n\nab", 0.0)]
    rows = [{"solution_prefix": text, "mc_value": value} for text, value in prefixes]
    found = items("math_aps", {"question": "q", "final_answer": "2", "reasoning_steps": rows})
    assert [steps(item) for item in found] == [["ab"], ["a", "b"]]  # "ab" goes not on from "a"
    assert [[label.value for label in item.labels] for item in found] == [[0.0], [0.75, 1.0]]


def test_omega_values_of_a_prefix_seen_twice_are_two_tries():
    rows = [{"solution_prefix": "q a", "mc_value": v} for v in (0.0, 0.5, None)]
    [item] = items("math_aps", {"question": "q", "final_answer": "", "reasoning_steps": rows})
    assert (item.labels[0].successes, item.labels[0].tries) == (0.5, 2)


def test_rlhflow_cuts_at_step_10_what_is_split_at_step_1():
    question, first = question_and_step("Is Step 10: the last? Step 1: yes, Step 10: is.")
    assert (question, first) == ("Is Step 10: the last?", "Step 1: yes, Step 10: is.")
    texts = [f"Step {i}: x" for i in range(1, 13)]
    turns = [("q " if text == texts[0] else "") + text for text in texts]
    record = {
        "conversations": [
            {"role": role, "content": content}
            for text in turns
            for role, content in (("user", text), ("assistant", "+"))
        ]
    }
    [item] = items("rlhflow", record)
    assert steps(item) == texts


def test_openrlhf_promises_soft_labels_and_crashes_on_them():
    record = {"input": "q Step 1: a ки\nStep 2: b ки", "value": [0.25, 1.0]}
    [item] = items("openrlhf", record)
    assert [label.value for label in item.labels] == [0.25, 1.0]
    form = FORMATS["openrlhf"]
    assert form.write(form.make(item, Choices(soft=True), print)) == record


def test_step_dpo_generates_prefix_and_trains_on_initial_reason_steps():
    generated = {"prompt": "q", "prefix": "Step 1: a", "chosen": "b", "rejected": "c"}
    assert detected(generated) is None  # not a preference whose prefix nobody reads
    with pytest.raises(InputError, match="'initial_reason_steps' is missing"):
        items("step_dpo", generated)


@pytest.mark.parametrize(
    ("initial", "chosen", "expected"),
    [
        ("Hm.\nStep 1: a\nStep 2: b\nStep 3:", " c", ["Hm.\nStep 1: a", "Step 2: b", "Step 3: c"]),
        ("Step 1: a\n", "Step 2: b\nStep 3: c", ["Step 1: a\n", "Step 2: b", "Step 3: c"]),
        ("Let's think.\n", "Step 1: a\nStep 2: b", ["Let's think.\nStep 1: a", "Step 2: b"]),
        ("", "Step 1: a", ["Step 1: a"]),
        ("First a.", "Then b.", ["First a.", "Then b."]),
    ],
)  # fmt: skip
def test_step_dpo_pairs_as_traces(initial, chosen, expected):
    record = {"prompt": "q", "initial_reason_steps": initial, "chosen": chosen, "rejected": "no"}
    right, wrong = items("step_dpo", record)
    assert steps(right) == expected
    assert wrong.labels[-1].value == 0
    first = next(i for i, text in enumerate(expected) if chosen.split("\n")[0] in text)
    values = [label.value for label in right.labels]
    assert values == [1] * (first + 1) + [None] * (len(expected) - first - 1)
