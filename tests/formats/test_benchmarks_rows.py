"""ProcessBench and PRMBench: real rows come back as they were; broken ones name the field."""

import gzip
import json

import pytest

from surefoot.core.errors import InputError
from surefoot.formats.prm_bench import prm_bench_of, prm_bench_record, read_prm_bench
from surefoot.formats.process_bench import (
    process_bench_of,
    process_bench_record,
    read_process_bench,
)

SOLUTION = {
    "id": "gsm8k-0",
    "generator": "m",
    "problem": "What is 2 + 2?",
    "steps": ["2 + 2 = 5", "The answer is 5"],
    "final_answer_correct": False,
    "label": 0,
}
SPOILT = {
    "original_question": "q",
    "modified_question": "q'",
    "original_process": ["1. a", "2. b"],
    "modified_process": ["1. a", "2. c", "3. d"],
    "modified_steps": [2, 3],
    "error_steps": [2, 9],
    "reason": "why",
    "idx": "x_0",
    "question": "q'",
    "classification": "circular",
}


def rows_of(path):
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


@pytest.mark.parametrize(
    ("name", "rows", "clean"),
    [
        ("gsm8k", 400, 193),
        ("math", 1000, 406),
        ("olympiadbench", 1000, 339),
        ("omnimath", 1000, 241),
    ],
)
def test_process_bench_as_published(data, name, rows, clean):
    path = data / "processbench" / f"{name}.jsonl.gz"
    read = read_process_bench(path)
    assert len(read) == rows
    assert sum(row.label == -1 for row in read) == clean  # the published counts
    assert [process_bench_record(row) for row in read] == rows_of(path)


@pytest.mark.parametrize(
    ("name", "rows"),
    [("circular", 758), ("confidence", 757), ("deception", 750), ("multi_solutions", 165)],
)
def test_prm_bench_as_published(data, name, rows):
    path = data / "prmbench" / f"{name}.jsonl.gz"
    read = read_prm_bench(path)
    assert len(read) == rows
    assert [prm_bench_record(row) for row in read] == rows_of(path)
    assert all(all(row.right) for row in read) == (name == "multi_solutions")


def test_steps_beyond_the_last_mark_nothing():
    assert prm_bench_of(SPOILT).right == (True, False, True)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"label": 2}, "'label': expected -1 or the index of one of the 2 steps, got 2"),
        ({"label": -2}, "got -2"),
        ({"label": True}, "'label': expected int, got bool"),
        ({"label": -1}, "'label' is -1"),
        ({"steps": []}, "'steps' is empty"),
        ({"steps": ["a", 3]}, "'steps[1]': expected str, got int"),
        ({"final_answer_correct": "yes"}, "'final_answer_correct': expected bool"),
    ],
)
def test_a_broken_solution_names_the_field(change, told):
    with pytest.raises(InputError) as caught:
        process_bench_of({**SOLUTION, **change})
    assert told in str(caught.value)


@pytest.mark.parametrize("name", sorted(SPOILT))
def test_a_missing_field_is_named(name):
    with pytest.raises(InputError, match=f"'{name}' is missing"):
        prm_bench_of({key: value for key, value in SPOILT.items() if key != name})


def test_steps_are_numbered_from_one():
    with pytest.raises(InputError, match="'error_steps': steps are numbered from 1, got 0"):
        prm_bench_of({**SPOILT, "error_steps": [0]})


def test_a_file_names_its_broken_row(tmp_path):
    path = tmp_path / "rows.json"
    path.write_text(json.dumps([SOLUTION, {**SOLUTION, "label": 7}]))
    with pytest.raises(InputError, match=r"rows\.json row 2: field 'label'"):
        read_process_bench(path)


def test_fields_of_ones_own_stay():
    row = {**SOLUTION, "split": "easy", "score": 0.25}
    assert process_bench_record(process_bench_of(row)) == row
