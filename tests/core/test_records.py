"""JSONL: what goes out comes back, what is broken is named, what was written stays."""

import errno
import gzip
import json
import math
import os
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.core.errors import InputError, StorageError
from surefoot.core.records import (
    RANGES,
    field_of,
    labelled_of,
    labelled_record,
    problem_of,
    problem_record,
    read_all,
    read_object,
    read_rows,
    scored_of,
    scored_record,
    trace_of,
    trace_record,
    write_all,
)
from surefoot.core.types import (
    Kind,
    LabelledTrace,
    Problem,
    Step,
    StepLabel,
    StepScores,
    Trace,
    Usage,
    Verdict,
)

# --- any noun ----------------------------------------------------------------

COUNTS = st.integers(0, 2**40)
COSTS = st.floats(0, allow_infinity=False)
LOGPROBS = st.floats(max_value=0, allow_nan=False)
PROBLEMS = st.builds(
    Problem,
    id=st.text(),
    text=st.text(min_size=1).filter(str.strip),
    gold=st.none() | st.text(),
    level=st.text(),
)
STEPS = st.builds(
    Step,
    text=st.text(),
    ids=st.lists(COUNTS, max_size=4).map(tuple),
    logprobs=st.lists(LOGPROBS, max_size=4).map(tuple),
)
TRACES = st.builds(
    Trace,
    problem=PROBLEMS,
    steps=st.lists(STEPS, min_size=1, max_size=4).map(tuple),
    answer=st.none() | st.text(),
    verdict=st.none() | st.sampled_from(Verdict),
    finished=st.booleans(),
)
USAGES = st.builds(Usage, COUNTS, COUNTS, COUNTS, COSTS, COSTS)


def values_of(kind):
    """Any number that a label or score of a kind can say."""
    least, most = RANGES.get(kind, (None, None))
    return st.floats(least, most, allow_nan=False, allow_infinity=False)


@st.composite
def step_labels(draw):
    kind, tries, by = draw(st.tuples(st.sampled_from(Kind), COUNTS, st.text()))
    successes = draw(values_of(kind)) * tries if kind in RANGES else draw(values_of(kind))
    belief = draw(st.none() | values_of(kind))
    return StepLabel(kind, successes if tries else 0, tries, by, belief)


@st.composite
def labelled_traces(draw):
    trace = draw(TRACES)
    size = len(trace.steps)
    labels = draw(st.lists(step_labels(), min_size=size, max_size=size))
    notes = draw(st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2))
    return LabelledTrace(trace, tuple(labels), draw(USAGES), notes)


@st.composite
def scored_traces(draw):
    trace = draw(TRACES)
    size = len(trace.steps)
    kind, by, tokens = draw(st.tuples(st.sampled_from(Kind), st.text(), COUNTS))
    values = draw(st.lists(values_of(kind), min_size=size, max_size=size))
    return trace, StepScores(kind, tuple(values), by, tokens)


def through_json(record):
    return json.loads(json.dumps(record, ensure_ascii=False))


@given(PROBLEMS)
def test_problems_come_back(problem):
    assert problem_of(through_json(problem_record(problem))) == problem


@given(TRACES)
def test_traces_come_back(trace):
    assert trace_of(through_json(trace_record(trace))) == trace


@given(labelled_traces())
def test_labelled_traces_come_back(labelled):
    assert labelled_of(through_json(labelled_record(labelled))) == labelled


@given(scored_traces())
def test_scored_traces_come_back(scored):
    assert scored_of(through_json(scored_record(*scored))) == scored


@given(st.lists(TRACES, max_size=5), st.sampled_from(["x.jsonl", "deep/er/x.jsonl"]))
def test_files_come_back(tmp_path_factory, traces, name):
    path = tmp_path_factory.mktemp("records") / name
    assert write_all(path, map(trace_record, traces)) == len(traces)
    assert read_all(path, trace_of) == traces
    assert os.listdir(path.parent) == ["x.jsonl"], "nothing is left beside it"


# --- reading files -----------------------------------------------------------


def test_rows_are_numbered_as_an_editor_numbers_them(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text('{"a": 1}\n\n  \n{"a": "\u2028 is no line end"}', encoding="utf-8")
    assert [(row, record["a"]) for row, record in read_rows(path)] == [
        (1, 1),
        (4, "\u2028 is no line end"),
    ]


def test_compressed_files(tmp_path):
    path = tmp_path / "x.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"a": 1}\n'))
    assert list(read_rows(path)) == [(1, {"a": 1})]


def test_an_empty_file_has_no_rows(tmp_path):
    (tmp_path / "x.jsonl").touch()
    assert read_all(tmp_path / "x.jsonl", trace_of) == []


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.jsonl", b'{"a": 1}\n{"a": \n', "row 2: expected a JSON object, got .*mend or delete"),
        ("x.jsonl", b"[1, 2]\n", "row 1: expected a JSON object, got int"),
        ("x.jsonl", b'{"a": 1}\n\xff\xfe\n', "cannot be read after row"),
        ("x.jsonl.gz", b"\x1f\x8b no", "cannot be read after row 0"),
        ("x.jsonl.gz", gzip.compress(b'{"a": 1}\n' * 999)[:-9], "cannot be read after row"),
    ],
    ids=["half a row", "a list", "not UTF-8", "not gzip", "half a gzip"],
)
def test_broken_files_are_named(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        list(read_rows(path))
    assert str(path) in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"expected a JSONL file.*nowhere\.jsonl"):
        list(read_rows(tmp_path / "nowhere.jsonl"))


# --- broken fields -----------------------------------------------------------

TRACE = Trace(
    Problem("p1", "What is 1 + 1?", "2", "easy"),
    (Step("1 + 1 = 2", (5, 6), (-0.5, -0.25)), Step("2", (6,), (-0.125,))),
    answer="2",
    verdict=Verdict.CORRECT,
)
LABEL = StepLabel(Kind.VALUE, 3, 8, "rollouts")
LABELLED = labelled_record(LabelledTrace(TRACE, (LABEL, LABEL), Usage(calls=2)))
SCORED = scored_record(TRACE, StepScores(Kind.VALUE, (0.5, 0.75), "reader", 12))
PROGRESS = {"kind": "progress", "successes": 1, "tries": 8, "by": "rollouts"}
LOGIT = {"kind": "logit", "successes": 0, "tries": 0, "by": "reader"}
GONE = object()


def changed(record, path, value):
    """A copy with the field at `path` set, or removed for GONE."""
    copy = through_json(record)
    at = copy
    for key in path[:-1]:
        at = at[key]
    if value is GONE:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return copy


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["problem"], GONE, "'problem' is missing; expected dict, found"),
        (["problem"], "text", "'problem': expected dict, got str 'text'"),
        (["problem", "id"], GONE, "'id' is missing; expected str or int"),
        (["problem", "id"], True, "'id': expected str or int, got bool True"),
        (["problem", "problem"], GONE, "'problem' is missing; expected str"),
        (["problem", "problem"], "  ", "'problem' is empty; expected the question's text"),
        (["problem", "answer"], [2], "'answer': expected str or int or float, got list"),
        (["problem", "answer"], True, "'answer': expected .*got bool"),
        (["problem", "level"], {}, "'level': expected str or int, got dict"),
        (["steps"], GONE, "'steps' is missing; expected list"),
        (["steps"], "all in one", "'steps': expected list, got str"),
        (["steps"], [], "'steps' of problem 'p1' is empty; expected one or more"),
        (["steps", 1], None, r"'steps\[1\]': expected str, got NoneType"),
        (["ids"], [[1]], "'ids' has 1 entries for 2 steps"),
        (["ids"], 5, "'ids': expected list, got int"),
        (["ids", 1], 5, r"'ids\[1\]': expected list, got int"),
        (["ids", 1], [6, "x"], r"'ids\[1\]\[1\]': expected int, got str 'x'"),
        (["logprobs"], [[], [], []], "'logprobs' has 3 entries for 2 steps"),
        (["logprobs", 0], [None], r"'logprobs\[0\]\[0\]': expected int or float, got NoneType"),
        (["answer"], 2, "'answer': expected str, got int 2"),
        (["verdict"], "right", "'verdict': expected one of .*'correct'.*got 'right'"),
        (["verdict"], "", "'verdict': expected one of"),
        (["finished"], "false", "'finished': expected bool, got str 'false'"),
        (["labels"], GONE, "'labels' is missing"),
        (["labels"], [], "'labels' has 0 entries for 2 steps"),
        (["labels", 1], 0.5, r"'labels\[1\]': expected dict, got float"),
        (["labels", 1, "kind"], "soft", r"in labels\[1\]: field 'kind': expected one of"),
        (["labels", 0, "successes"], None, r"in labels\[0\]: field 'successes': expected int or"),
        (["labels", 0, "tries"], 1.5, r"in labels\[0\]: field 'tries': expected int, got float"),
        (["labels", 0, "tries"], -1, r"in labels\[0\]: field 'tries': expected 0 or more, got -1"),
        (["labels", 0, "tries"], 10**19, "'tries': expected an integer of at most 64 bits, got"),
        (["labels", 1, "tries"], 0, "'successes': expected a number in .0, 0., got 3"),
        (["labels", 1, "tries"], 2, "'successes': expected a number in .0, 2., got 3"),
        (["labels", 1, "successes"], -1, "'successes': expected a number in .0, 8., got -1"),
        (["labels", 1, "successes"], math.nan, "'successes': expected a number in .*got nan"),
        (["labels", 1, "successes"], math.inf, "'successes': expected a number in .*got inf"),
        (["labels", 1, "successes"], 10**400, "expected an integer of at most 64 bits, got one of"),
        (["labels", 1, "belief"], 70, "'belief': expected a number in .0, 1., got 70"),
        (["labels", 1, "belief"], -1e-6, "'belief': expected a number in .0, 1., got -1e-06"),
        (["labels", 1, "belief"], math.nan, "'belief': expected a number in .0, 1., got nan"),
        (["labels", 0], PROGRESS | {"successes": -9}, "'successes': expected a number in .-8, 8."),
        (["labels", 0], PROGRESS | {"belief": 1.5}, "'belief': expected a number in .-1, 1."),
        (["labels", 0], LOGIT | {"belief": math.inf}, "'belief': expected a finite number"),
        (["ids"], [[5, -6], [6]], r"'ids\[0\]': expected 0 or more, got -6"),
        (["logprobs", 0], [-0.5, math.nan], r"'logprobs\[0\]': expected log-probabilities, .*nan"),
        (["logprobs", 0], [-0.5, 0.25], r"'logprobs\[0\]': expected log-probabilities, .*0.25"),
        (["sizes"], [3, -1], "'sizes': expected 0 or more, got -1"),
        (["steps", 1], "a\ud83d", r"'steps\[1\]' holds half of a surrogate pair .*at letter 1"),
        (["problem", "problem"], "\udc00?", "'problem' holds half of a surrogate pair"),
        (["problem", "answer"], math.nan, "'answer': expected a finite number, got nan"),
        (["answer"], "2\udfff", "'answer' holds half of a surrogate pair"),
        (["usage", "calls"], -1, "in usage: field 'calls': expected 0 or more, got -1"),
        (["usage", "seconds"], math.inf, "in usage: field 'seconds': expected 0 or more, got inf"),
        (["notes"], {"why": 3}, "in notes: field 'why': expected str, got int 3"),
        (["labels", 0, "by"], GONE, r"in labels\[0\]: field 'by' is missing"),
        (["usage"], [], "'usage': expected dict, got list"),
        (["usage", "calls"], "2", "in usage: field 'calls': expected int or float"),
        (["notes"], "none", "'notes': expected dict, got str"),
    ],
)
def test_each_broken_field_is_named(tmp_path, path, value, message):
    file = tmp_path / "labels.jsonl"
    write_all(file, [LABELLED, changed(LABELLED, path, value)])
    with pytest.raises(InputError, match=message) as caught:
        read_all(file, labelled_of)
    assert str(caught.value).startswith(f"{file} row 2: ")


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["scores"], GONE, "'scores' is missing; expected dict"),
        (["scores", "values"], [0.5], "'scores' has 1 values for 2 steps"),
        (["scores", "values", 1], "high", r"in scores: field 'values\[1\]': expected int or float"),
        (["scores", "kind"], GONE, "in scores: field 'kind': expected one of .*got None"),
        (["scores", "by"], 3, "in scores: field 'by': expected str, got int"),
        (["scores", "tokens"], "12", "in scores: field 'tokens': expected int"),
        (["scores", "tokens"], -1, "in scores: field 'tokens': expected 0 or more, got -1"),
        (["scores", "values", 1], math.nan, r"'values\[1\]': expected a number in .0, 1., got nan"),
        (["scores", "values", 1], 1.5, r"'values\[1\]': expected a number in .0, 1., got 1.5"),
        (["scores", "values", 1], 10**400, r"'values\[1\]': expected an integer of at most 64"),
    ],
)
def test_each_broken_score_is_named(tmp_path, path, value, message):
    file = tmp_path / "scores.jsonl"
    write_all(file, [changed(SCORED, path, value)])
    with pytest.raises(InputError, match=message) as caught:
        read_all(file, scored_of)
    assert str(caught.value).startswith(f"{file} row 1: ")


def test_what_may_be_absent_or_null():
    bare = {"problem": {"id": 7, "problem": "?"}, "steps": ["a"], "from elsewhere": 1}
    expected = Trace(Problem("7", "?"), (Step("a"),))
    assert trace_of(bare) == expected
    nulls = dict.fromkeys(("ids", "logprobs", "answer", "verdict", "finished"))
    assert trace_of({**bare, **nulls}) == expected
    assert problem_of({"id": 1, "problem": "?", "answer": 2.5}).gold == "2.5"


@pytest.mark.parametrize("kind", [k for k in Kind if k not in RANGES])
def test_scores_without_a_range_are_finite(kind):
    scores = StepScores(kind, (-9.5, 1e300), "reader")
    assert scored_of(scored_record(TRACE, scores)) == (TRACE, scores)
    with pytest.raises(InputError, match=r"'values\[1\]': expected a finite number, got -inf"):
        scored_of(scored_record(TRACE, StepScores(kind, (0.0, -math.inf), "reader")))


def test_sums_of_floats_may_round_beyond_their_bounds():
    label = {"kind": "value", "successes": 0.1 + 0.2 + 0.7, "tries": 1, "by": "x"}
    label |= {"belief": 1 + 2**-52}
    assert labelled_of(changed(LABELLED, ["labels", 0], label)).labels[0].belief == 1 + 2**-52


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"id": "a", "n": {"m": [1, %s]}}' % ("9" * 5000), "'n' holds an integer of 5000 digits"),
        ('{"id": -%s}' % ("9" * 99999), "'id' holds an integer of 99999 digits"),
        ('{"a": "]]", "b": %s, "c": 2}' % ("[" * 300 + "]" * 300), "'b' is nested more than 256"),
        ('{"a": 1, "b": %s' % ('{"b":' * 10**5), "'b' is nested more than 256"),
        ('{"a": %s}' % ("[" * 10**5 + "]" * 10**5), "'a' is nested more than 256"),
    ],
    ids=["digits inside", "digits", "deep", "deeper than Python reads", "balanced"],
)
def test_json_that_no_one_can_have_meant_is_named(tmp_path, text, message):
    path = tmp_path / "x.jsonl"
    path.write_text('{"a": 1}\n' + text, encoding="utf-8")
    with pytest.raises(InputError, match=f"row 2: field {message}"):
        list(read_rows(path))
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=f"x.jsonl: field {message}"):
        read_object(path)


def test_rows_of_an_array_are_no_deeper(tmp_path):
    (tmp_path / "x.json").write_text('[{"a": 1}, {"a": %s}]' % ("[" * 300 + "]" * 300))
    with pytest.raises(InputError, match=r"x\.json row 2: nested more than 256"):
        list(read_rows(tmp_path / "x.json"))


def test_brackets_in_texts_and_side_by_side_are_not_deep(tmp_path):
    row = {"a": "[" * 999, "b": [[[]]] * 999, "c": {"[": {}}}
    write_all(tmp_path / "x.jsonl", [row])
    assert list(read_rows(tmp_path / "x.jsonl")) == [(1, row)]


def test_a_limit_pulls_no_row_beyond_it(tmp_path):
    pulled = []
    write_all(tmp_path / "x.jsonl", ({"row": row} for row in range(100)))
    assert read_all(tmp_path / "x.jsonl", pulled.append, limit=3) == [None] * 3
    assert pulled == [{"row": row} for row in range(3)]
    (tmp_path / "y.jsonl").write_text('{"a": 1}\nnot read\n')
    assert read_all(tmp_path / "y.jsonl", dict, limit=1) == [{"a": 1}]


def test_field_of_shortens_what_came():
    with pytest.raises(InputError) as caught:
        field_of({"a": "x" * 1000}, "a", int)
    assert len(str(caught.value)) < 150


# --- writing files -----------------------------------------------------------


def test_text_that_has_no_utf8_form_is_kept(tmp_path):
    path = tmp_path / "x.jsonl"
    write_all(path, [{"a": "half an emoji \ud83d, ü"}])
    assert list(read_rows(path)) == [(1, {"a": "half an emoji \ud83d, ü"})]


def test_infinite_log_probabilities_come_back(tmp_path):
    trace = Trace(TRACE.problem, (Step("a", (1,), (-math.inf,)),))
    write_all(tmp_path / "x.jsonl", [trace_record(trace)])
    assert read_all(tmp_path / "x.jsonl", trace_of) == [trace]


def broken_after(rows, error):
    yield from ({"row": row} for row in range(rows))
    raise error


@pytest.mark.parametrize(
    "error", [InputError("row 3 is bad"), StorageError("the journal is full"), KeyError("x")]
)
def test_an_error_of_the_maker_leaves_the_old_file_and_passes(tmp_path, error):
    path = tmp_path / "x.jsonl"
    write_all(path, [{"old": True}])
    with pytest.raises(type(error)) as caught:
        write_all(path, broken_after(3, error))
    assert caught.value is error
    assert list(read_rows(path)) == [(1, {"old": True})]


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"could not write .*choose a place"):
        write_all(tmp_path / "file" / "x.jsonl", [{"a": 1}])


@pytest.fixture
def tiny_disk(tmp_path):
    """A real file system of 64 kB."""
    mount, folder = shutil.which("mount"), tmp_path / "disk"
    folder.mkdir()
    command = [mount or "mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if mount is None or subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


ROW = {"text": "x" * 1000}


def test_a_full_disk_is_one_clear_error_and_the_old_file_stands(tiny_disk):
    path = tiny_disk / "x.jsonl"
    write_all(path, [{"old": True}])
    with pytest.raises(StorageError, match="free some room and run the same command") as caught:
        write_all(path, (ROW for _ in range(1000)))
    assert str(path) in str(caught.value)
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.errno == errno.ENOSPC
    assert list(read_rows(path)) == [(1, {"old": True})]
    assert os.listdir(tiny_disk) == ["x.jsonl"], "the half-written file would keep it full"
    assert write_all(path, [ROW]) == 1, "and there is room again"


def test_integers_end_where_64_bits_end():
    assert field_of({"a": 2**63 - 1}, "a", int) == 2**63 - 1
    assert field_of({"a": -(2**63)}, "a", int) == -(2**63)
    for value in (2**63, -(2**63) - 1):
        with pytest.raises(InputError, match="field 'a': expected an integer of at most 64 bits"):
            field_of({"a": value}, "a", int)
