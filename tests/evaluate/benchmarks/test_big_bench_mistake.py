"""The published traces: counts, invariants, and the figures that a constant reaches."""

import json
from collections import Counter

import pytest

from surefoot.core.errors import InputError
from surefoot.core.types import Verdict
from surefoot.evaluate import NO_ERROR
from surefoot.evaluate.benchmarks import figures_of, resampled_table
from surefoot.evaluate.benchmarks.big_bench_mistake import BIG_BENCH_MISTAKE

COUNTS = {  # rows, clean, wrong answer without a mistake, right answer in spite of one
    "dyck_languages": (986, 336, 1, 147),
    "multistep_arithmetic": (300, 62, 18, 1),
    "word_sorting": (300, 34, 4, 15),
}


@pytest.fixture(scope="module")
def cases(data):
    return BIG_BENCH_MISTAKE.load(data / "big_bench_mistake")


def told(cases, predictions):
    table = resampled_table(BIG_BENCH_MISTAKE, cases, predictions, resamples=20)
    return {
        row: {name: i and i.estimate for name, i in columns.items()}
        for row, columns in figures_of(table).items()
    }


def test_counts_are_the_published_ones(cases):
    found = {}
    for task in COUNTS:
        of_task = [c for c in cases if c.group == task]
        clean = [c for c in of_task if c.truth.first == NO_ERROR]
        wrong = [c for c in of_task if c.traces[0].verdict is Verdict.WRONG]
        found[task] = (
            len(of_task),
            len(clean),
            sum(c in wrong for c in clean),
            sum(c not in clean for c in of_task if c not in wrong),
        )
    assert Counter(c.group for c in cases).keys() == COUNTS.keys()
    assert found == COUNTS


def test_a_constant_has_the_accuracy_of_the_clean_share_and_no_f1(cases):
    figures = told(cases, [NO_ERROR] * len(cases))
    for task, (rows, clean, _, _) in COUNTS.items():
        assert figures[task]["accuracy"] == pytest.approx(clean / rows)
        assert figures[task]["f1"] == 0
    assert figures["all"]["accuracy"] == pytest.approx(432 / 1586)
    assert told(cases, list(map(BIG_BENCH_MISTAKE.perfect, cases)))["all"]["accuracy"] == 1


def test_a_model_that_gave_no_answer_hides_no_file(tmp_path):
    row = {"input": "q", "steps": ["a", "b"], "target": "x", "answer": None, "mistake_index": 1}
    (tmp_path / "logical_deduction.jsonl").write_text(json.dumps(row))
    [case] = BIG_BENCH_MISTAKE.load(tmp_path)
    assert (case.truth.first, case.truth.answer_right) == (1, False)
    assert case.traces[0].answer is None


def test_a_mistake_beyond_the_steps_is_refused(tmp_path):
    path = tmp_path / "word_sorting.jsonl"
    path.write_text(
        '{"input": "q", "steps": ["a"], "target": "x", "answer": "x", "mistake_index": 1}'
    )
    with pytest.raises(InputError, match=r"word_sorting.jsonl row 1: field 'mistake_index'"):
        BIG_BENCH_MISTAKE.load(path)
