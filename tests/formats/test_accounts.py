"""Nothing is lost without a word: every field of a row is in its traces, or it is named.

Found out by experiment, whatever the formats declare: a field is in the traces if some change of
it changes them, and in a written row if some change of it changes that.
"""

import copy
import json
from functools import partial
from itertools import islice

import pytest
from format_rows import ROWS
from hypothesis import given, settings
from hypothesis import strategies as st

from surefoot.core.errors import InputError
from surefoot.core.records import labelled_record
from surefoot.formats import FORMATS, Choices, LeftOut, converted, foreign_rows
from surefoot.formats.convert import Account

SHEPHERD = {"input": "q Step 1: a ки\nStep 2: b ки", "label": "q Step 1: a +\nStep 2: b -"}
MESSAGES = [
    {"role": "system", "content": "be brief"},
    {"role": "user", "content": "q"},
    {"role": "assistant", "content": "a\nb", "weight": 1},
]
PROBLEM = {"id": "x1", "problem": "q", "answer": "1", "level": "easy", "source": "us"}
TRACE = {
    "problem": PROBLEM, "steps": ["a", "b"], "ids": [[1], [2, 3]],
    "logprobs": [[-0.5], [-0.1, -0.2]], "answer": "2", "verdict": "wrong", "finished": False,
}  # fmt: skip
LABEL = {"kind": "correctness", "successes": 1, "tries": 1, "by": "us", "seen": "twice"}
NODE = {"text": "a", "mc_value": 0.5, "children": []}
HAND = {
    "labels": {
        **TRACE,
        "labels": [LABEL, {**LABEL, "successes": 1, "tries": 4, "belief": 0.25}],
        "usage": {"calls": 3, "policy_tokens": 9, "carbon": 2},
        "notes": {"root_value": "0.5"},
        "scores": {"kind": "value", "values": [0.5, 0.5], "by": "v", "tokens": 3},
    },
    "traces": {**TRACE, "sizes": [1, 2], "ended": True, "method": "beam"},
    "math_shepherd": {**SHEPHERD, "task": "GSM8K"},
    "trl_stepwise": {"prompt": "q", "completions": ["a", "b"], "labels": [True, False]},
    "process_bench": {
        "id": "gsm8k-0", "generator": "m", "problem": "q", "steps": ["a", "b", "c"],
        "final_answer_correct": False, "label": 1, "prediction": 0, "match": False,
    },
    "big_bench_mistake": {
        "input": "q", "steps": ["a", "b"], "target": "1", "answer": "2", "mistake_index": 1,
    },
    "rlhflow": {"conversations": [
        {"role": "user", "content": "q Step 1: a"}, {"role": "assistant", "content": "+"},
        {"role": "user", "content": "Step 2: b"}, {"role": "assistant", "content": "-"},
    ]},
    "math_aps_tree": {
        "question_id": 7, "question": "q", "final_answer": "1",
        "reasoning_steps": {"text": "q", "mc_value": 0.75, "children": [
            {**NODE, "children": [NODE]}, {**NODE, "text": "b", "mc_value": 1.0},
        ]},
    },
    "openrlhf": {"input": SHEPHERD["input"], "value": ["+", "-"], "label": "what else it says"},
    "step_dpo": {
        "prompt": "q", "initial_reason_steps": "Step 1: a\nStep 2:", "chosen": " b",
        "rejected": " c", "answer": "1", "dataset": "us",
    },
    "preference": {"prompt": MESSAGES[:2], "chosen": MESSAGES[2:], "rejected": "b", "margin": 2},
    "prompt_completion": {"prompt": MESSAGES[:2], "completion": MESSAGES[2:], "label": True},
    "messages": {"messages": MESSAGES, "label": False, "id": 3},
}  # fmt: skip
REAL = {
    "openr_samples/math_aps.jsonl.gz": "math_aps",
    "openr_samples/math_aps_tree.jsonl.gz": "math_aps_tree",
    "openr_samples/math_shepherd.jsonl.gz": "math_shepherd",
    "openr_samples/prm800k.jsonl.gz": "prm800k",
    "prm800k/raw_format_examples.jsonl.gz": "prm800k",
    "processbench/gsm8k.jsonl.gz": "process_bench",
    "prmbench/multi_solutions.jsonl.gz": "prm_bench",
    "big_bench_mistake/word_sorting.jsonl.gz": "big_bench_mistake",
}
# Of a format that has enumerated texts, one of these is another valid one.
OTHER_TEXTS = ("+", "-", "correct", "wrong", "solution", "give_up", "bad_problem", "value")
OTHER_NUMBERS = (1, 0, -1, 0.5, 2)
MADE = [name for name, form in FORMATS.items() if form.make]


# --- changes of one field --------------------------------------------------------


def leaves(value, path=""):
    """Paths to all that is no object and no list, the entries of a list under one path."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from leaves(part, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for part in value:
            yield from leaves(part, f"{path}[]")
    elif value is not None:
        yield path


def changed(value, at, new, path=""):
    """The value with every leaf at the path `at` replaced by new(leaf)."""
    if isinstance(value, dict):
        parts = {k: (f"{path}.{k}" if path else k) for k in value}
        return {k: changed(v, at, new, parts[k]) for k, v in value.items()}
    if isinstance(value, list):
        return [changed(part, at, new, f"{path}[]") for part in value]
    return new(value) if path == at and value is not None else value


def changes(record, path):
    """The record with another value at the path, of the same type."""

    def text(new):
        return lambda old: new if isinstance(old, str) else old

    def number(new):
        return lambda old: new if type(old) in (int, float) else old

    news = [lambda old: not old if isinstance(old, bool) else old]
    news += [lambda old: f"{old}~" if isinstance(old, str) else old]
    news += [lambda old: f"Step {old}" if isinstance(old, str) else old]
    news += [lambda old: old + 1 if type(old) in (int, float) else old]
    news += [text(new) for new in OTHER_TEXTS] + [number(new) for new in OTHER_NUMBERS]
    made = (changed(record, path, new) for new in news)
    yield from (other for other in made if exactly(other) != exactly(record))


def exactly(record):
    """Tells 1 from 1.0 and from true."""
    return json.dumps(record, sort_keys=True)


def with_more(value):
    """An unheard-of field in every object, however deep."""
    if isinstance(value, dict):
        return {**{k: with_more(v) for k, v in value.items()}, "unheard_of": "x"}
    return [with_more(part) for part in value] if isinstance(value, list) else value


# --- what becomes of it ----------------------------------------------------------


def traces_of(name, record):
    """What its format makes of a record; the reason if it is left out, None if it is broken."""
    form = FORMATS[name]
    try:
        return [labelled_record(item) for item in form.labelled(form.read(record), Choices())]
    except LeftOut as reason:
        return str(reason)
    except InputError:
        return None


def differ(records, outcome, before):
    """Is an outcome another than `before`? None if no record has one."""
    sound = False
    for record in records:
        after = outcome(record)
        if after is not None and after != before:
            return True
        sound = sound or after is not None
    return False if sound else None


def names_of(name, record):
    form = FORMATS[name]
    row = form.read(record)
    return set(form.unread(record, row).names), set(form.passed_over(row, Choices()))


def named(path, names):
    return any(path == n or path.startswith((f"{n}.", f"{n}[]")) for n in names)


def check_traces(name, record):
    before = traces_of(name, record)
    if before is None or isinstance(before, str):
        return  # dropped, with the reason
    unread, passed_over = names_of(name, record)
    for path in dict.fromkeys(leaves(record)):
        used = differ(changes(record, path), partial(traces_of, name), before)
        if used:
            assert not named(path, unread), f"{name}: {path} is said to be unread, and is not"
        elif used is False:
            assert named(path, unread) or passed_over, f"{name}: {path} is lost without a word"


def rows_made(name, target, record):
    """What is written of a record, what was told of it, and its traces."""
    account = Account("rows")
    pair = FORMATS[name], FORMATS[target]
    made = list(converted([(1, record)], *pair, Choices(threshold=0.5), account))
    return exactly(made), account


ENOUGH = 5  # changes of a field, one of which should show in the row
CUTS = ("lost", "cut after", "made hard", "without a verdict")  # what a note says is gone
CARRIED = {
    "gold answers": lambda item: item["problem"]["answer"],
    "levels": lambda item: item["problem"]["level"],
    "problem ids": lambda item: item["problem"]["id"],
    "final answers": lambda item: item["answer"],
    "verdicts": lambda item: item["verdict"],
    "unfinished marks": lambda item: item["finished"],
    "token ids": lambda item: item["ids"],
    "log-probabilities": lambda item: item["logprobs"],
    "token counts": lambda item: (item.get("sizes"), item.get("ended")),
    "label kinds and makers": lambda item: [(x["kind"], x["by"]) for x in item["labels"]],
    "label counts": lambda item: [(x["successes"], x["tries"]) for x in item["labels"]],
    "costs": lambda item: item["usage"],
    "notes": lambda item: item["notes"],
}


def check_rows(name, target, record):
    before, account = rows_made(name, target, record)
    if not account.written or account.dropped:
        return
    items = traces_of(name, record)
    names = {told.removeprefix("field ") for told in account.lost}
    for path in dict.fromkeys(leaves(record)):
        if named(path, names):
            continue
        sound = (o for o in changes(record, path) if isinstance(traces_of(name, o), list))
        others = list(islice(sound, ENOUGH))
        if differ(others, lambda o: rows_made(name, target, o)[0], before) is not False:
            continue
        differing = {
            what
            for other in others
            for old, new in zip(items, traces_of(name, other), strict=False)
            for what, of in CARRIED.items()
            if of(old) != of(new)
        }
        noted = {note for note in account.noted if any(word in note for word in CUTS)}
        told = differing & account.lost.keys() or noted or "beside the path" in str(names)
        assert told, f"{name} -> {target}: {path} is lost without a word"


# --- tests -----------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=10)
@given(data=st.data())
def test_every_field_is_in_the_traces_or_named(name, data):
    record = data.draw(ROWS[name])
    check_traces(name, record)
    check_traces(name, {**record, "unheard_of": {"deep": [1, "x"]}})
    check_traces(name, with_more(record))


@pytest.mark.parametrize("name", HAND)
@pytest.mark.parametrize("more", [copy.deepcopy, with_more])
def test_every_field_is_in_the_written_row_or_named(name, more):
    record = more(HAND[name])
    check_traces(name, record)
    for target in MADE:
        check_rows(name, target, record)


@pytest.mark.parametrize("more", [{}, {"extra": {"k": 1}}, {"extra": 5}])
def test_fields_of_traces_that_are_named_like_those_of_labels_break_no_row(more):
    strange = {"labels": ["math"], "usage": "high", "notes": [1, 2], "method": "beam"}
    record = {**HAND["traces"], **strange, **more}
    account = Account("rows")
    [row] = converted([(1, record)], FORMATS["traces"], FORMATS["labels"], Choices(), account)
    read = FORMATS["labels"].read(row)
    assert [label.value for label in read.item.labels] == [None, None]
    inside = {name: strange[name] for name in ("labels", "usage", "notes")}
    assert row["extra"] == {**inside, **more}
    assert row["method"] == "beam"
    kept = {"method", *(f"extra.{name}" for name in (*inside, *more))}
    assert set(account.kept) == kept | ({"sizes", "ended"} & set(account.kept))


@pytest.mark.slow
@pytest.mark.parametrize("path", REAL)
def test_every_field_of_published_rows_is_written_or_named(data, path):
    name = REAL[path]
    rows = sorted((exactly(record) for _, record in foreign_rows(data / path)), key=len)
    for record in map(json.loads, rows[:2]):  # the shortest: every change makes them all again
        check_traces(name, record)
        check_traces(name, {**record, "prediction": 3, "match": False})
        for target in ("labels", "process_bench", "trl_stepwise"):
            check_rows(name, target, record)
