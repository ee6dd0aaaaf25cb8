"""One property over all formats: what is read is written back as it was."""

import json

import pytest
from format_rows import ROWS, traces, with_extras
from hypothesis import given
from hypothesis import strategies as st

from surefoot.core.errors import InputError
from surefoot.core.records import labelled_of, labelled_record
from surefoot.core.types import LabelledTrace
from surefoot.formats import FORMATS, Choices, LeftOut, converted, detected, foreign_rows
from surefoot.formats.convert import Account
from surefoot.formats.nouns import texts_of_steps

each_format = pytest.mark.parametrize("name", FORMATS)
MADE = [name for name, form in FORMATS.items() if form.make]
WITHOUT_LABELS = ("traces", "prompt_completion", "messages")
UNTIL_FIRST_ERROR = ("process_bench", "big_bench_mistake")

REAL = {
    "openr_samples/math_aps.jsonl.gz": "math_aps",
    "openr_samples/math_aps_tree.jsonl.gz": "math_aps_tree",
    "openr_samples/math_shepherd.jsonl.gz": "math_shepherd",
    "openr_samples/prm800k.jsonl.gz": "prm800k",
    "prm800k/raw_format_examples.jsonl.gz": "prm800k",
    "processbench/math.jsonl.gz": "process_bench",
    "processbench/omnimath.jsonl.gz": "process_bench",
    "prmbench/redundency.jsonl.gz": "prm_bench",
    "prmbench/multi_solutions.jsonl.gz": "prm_bench",
    "big_bench_mistake/dyck_languages.jsonl.gz": "big_bench_mistake",
    "big_bench_mistake/multistep_arithmetic.jsonl.gz": "big_bench_mistake",
    "big_bench_mistake/word_sorting.jsonl.gz": "big_bench_mistake",
}


def exactly(record):
    """Tells 1 from 1.0 and from true."""
    return json.dumps(record, sort_keys=True)


def test_every_format_is_drawn():
    assert set(ROWS) == set(FORMATS)


@each_format
@given(data=st.data())
def test_rows_come_back_as_they_were(name, data):
    form, record = FORMATS[name], data.draw(with_extras(ROWS[name]))
    row = form.read(record)
    assert exactly(form.write(row)) == exactly(record)
    assert form.read(form.write(row)) == row


@each_format
@given(data=st.data())
def test_formats_are_told_apart(name, data):
    assert detected(data.draw(ROWS[name])) == name


@each_format
@given(data=st.data())
def test_traces_have_a_label_a_step(name, data):
    form, record = FORMATS[name], data.draw(ROWS[name])
    try:
        found = list(form.labelled(form.read(record), Choices()))
    except InputError:  # the reason is tested by table, below
        return
    assert found
    for item in found:
        assert len(item.labels) == len(item.trace.steps) > 0
        assert all(0 <= label.successes <= label.tries for label in item.labels)
        assert labelled_of(json.loads(exactly(labelled_record(item)))) == item


@pytest.mark.parametrize("path", REAL)
def test_real_rows_come_back_as_they_were(data, path):
    form, count = FORMATS[REAL[path]], 0
    for _, record in foreign_rows(data / path):
        assert detected(record) == REAL[path]
        assert exactly(form.write(form.read(record))) == exactly(record)
        count += 1
    assert count > 2


def known(item: LabelledTrace):
    """The values as far as they go."""
    values = [label.value for label in item.labels]
    while values and values[-1] is None:
        values.pop()
    return values


@pytest.mark.parametrize("name", MADE)
@given(item=traces())
def test_what_is_made_of_a_trace_reads_back_as_that_trace(name, item):
    form, notes = FORMATS[name], []
    try:
        record = form.write(form.make(item, Choices(), notes.append))
    except LeftOut:
        return
    assert detected(record) == name
    again = form.read(json.loads(json.dumps(record)))
    if name in ("prompt_completion", "messages") and any("told apart" in n for n in notes):
        return  # as it said
    [back] = form.labelled(again, Choices())
    assert back.trace.problem.text == item.trace.problem.text
    if name not in WITHOUT_LABELS:
        values = known(item)
        if name in UNTIL_FIRST_ERROR and 0 in values:
            values = values[: values.index(0) + 1]
        assert known(back) == values
    texts = texts_of_steps(item)[: len(back.trace.steps)]
    if not any("gained" in note for note in notes):
        assert texts_of_steps(back) == texts
    if not any("cut" in note for note in notes):
        assert len(back.trace.steps) == len(item.trace.steps)


@given(item=traces(soft=True))
def test_our_own_labels_hold_everything(item):
    form = FORMATS["labels"]
    [back] = form.labelled(form.read(labelled_record(item)), Choices())
    assert back == item


@given(item=traces(soft=True), threshold=st.sampled_from([0.1, 0.25, 0.3, 1.0]))
def test_soft_openrlhf_labels_stay_as_they_are(item, threshold):
    form = FORMATS["openrlhf"]
    try:
        row = form.make(item, Choices(soft=True), lambda _: None)
        hard = form.make(item, Choices(threshold=threshold), lambda _: None)
    except LeftOut:
        return
    values = known(item)
    assert list(row.labels) == values
    assert list(hard.labels) == ["+" if value >= threshold else "-" for value in values]


def convert(rows, source, target, **choices):
    account = Account("rows")
    numbered = enumerate(rows, start=1)
    made = converted(numbered, FORMATS[source], FORMATS[target], Choices(**choices), account)
    return list(made), account


def test_real_math_shepherd_through_our_labels_and_back(data):
    rows = [row for _, row in foreign_rows(data / "openr_samples" / "math_shepherd.jsonl.gz")]
    ours, account = convert(rows, "math_shepherd", "labels")
    assert account.lost == account.noted == account.dropped == {}
    assert [len(row["labels"]) for row in ours] == [5, 3, 2, 5, 5, 2, 3]
    back, account = convert(ours, "labels", "math_shepherd")
    assert back == rows
    assert account.lost == {"label kinds and makers": 7}
    flow, _ = convert(ours, "labels", "rlhflow")
    again, _ = convert(flow, "rlhflow", "math_shepherd")
    assert [{**row, "task": "GSM8K"} for row in again] == rows


@pytest.mark.parametrize("name", ["gsm8k", "math", "olympiadbench", "omnimath"])
def test_real_process_bench_through_our_labels_and_back(data, name):
    rows = [row for _, row in foreign_rows(data / "processbench" / f"{name}.jsonl.gz")]
    ours, _ = convert(rows, "process_bench", "labels")
    back, account = convert(ours, "labels", "process_bench")
    assert back == rows
    assert account.dropped == {}
