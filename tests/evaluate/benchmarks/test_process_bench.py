"""The published data: its counts, its invariants, and what known predictors score on it."""

import json
from collections import Counter

import pytest

from surefoot.core.errors import InputError
from surefoot.core.types import Verdict
from surefoot.evaluate import NO_ERROR
from surefoot.evaluate.benchmarks import PROCESS_BENCH, figures_of, resampled_table

COUNTS = {  # subset: erroneous, right, right answer in spite of a wrong step
    "gsm8k": (207, 193, 7),
    "math": (594, 406, 94),
    "olympiadbench": (661, 339, 161),
    "omnimath": (759, 241, 259),
}


@pytest.fixture(scope="module")
def cases(data):
    return PROCESS_BENCH.load(data / "processbench")


def measured(cases, predictions):
    return figures_of(resampled_table(PROCESS_BENCH, cases, predictions, resamples=200))


def test_subsets_have_their_published_counts(cases):
    assert list(dict.fromkeys(c.group for c in cases)) == list(COUNTS)
    wrong = Counter(c.group for c in cases if c.truth.first != NO_ERROR)
    right = Counter(c.group for c in cases if c.truth.first == NO_ERROR)
    misled = Counter(c.group for c in cases if c.truth.first != NO_ERROR and c.truth.answer_right)
    assert {s: (wrong[s], right[s], misled[s]) for s in COUNTS} == COUNTS


def test_invariants_hold(cases):
    for case in cases:
        [trace] = case.traces
        assert NO_ERROR <= case.truth.first < len(trace.steps)
        assert case.truth.answer_right or case.truth.first != NO_ERROR
        assert (trace.verdict is Verdict.CORRECT) == case.truth.answer_right
        assert all(step.text.strip() for step in trace.steps)
    problems = Counter((c.group, c.cluster) for c in cases)
    repeated = Counter(group for (group, _), n in problems.items() for _ in range(n - 1))
    assert (repeated["gsm8k"], repeated["math"]) == (25, 45)


def test_the_perfect_predictor_and_constants(cases):
    perfect = measured(cases, [PROCESS_BENCH.perfect(c) for c in cases])
    assert perfect["average"]["f1"].estimate == 1
    assert all(row["f1"].low == 1 for row in perfect.values())
    for constant in (NO_ERROR, 0, 1):
        assert measured(cases, [constant] * len(cases))["average"]["f1"].estimate == 0


def test_one_file_is_a_benchmark_too(data):
    cases = PROCESS_BENCH.load(data / "processbench" / "gsm8k.jsonl.gz")
    assert len(cases) == 400
    assert {c.group for c in cases} == {"gsm8k"}


ROW = {
    "id": "math-0",
    "generator": "g",
    "problem": "p",
    "steps": ["a", "b"],
    "final_answer_correct": False,
    "label": 1,
}


def write(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_bad_rows_and_names_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"math.jsonl row 2: field 'label'"):
        PROCESS_BENCH.load(write(tmp_path / "math.jsonl", ROW, {**ROW, "id": "1", "label": 2}))
    with pytest.raises(InputError, match="two cases have the id 'math-0'"):
        PROCESS_BENCH.load(write(tmp_path / "math.jsonl", ROW, ROW))
    with pytest.raises(InputError, match="named gsm8k, math, olympiadbench, omnimath; found aime"):
        PROCESS_BENCH.load(write(tmp_path / "aime.jsonl", ROW))
    with pytest.raises(InputError, match="found none"):
        PROCESS_BENCH.load(tmp_path / "nowhere")
