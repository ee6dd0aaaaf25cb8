"""What holds for all: perfect is perfect, silence is not, rows come back as they were written."""

import importlib
import json
from dataclasses import asdict, is_dataclass

import pytest

from surefoot.cli._evaluate_benchmark import BENCHMARKS
from surefoot.core.types import Kind, StepScores
from surefoot.evaluate.benchmarks import (
    decide_all,
    figures_of,
    random_scorer,
    resampled_table,
    score_cases,
)
from surefoot.evaluate.benchmarks.choice import decide

PRM = {
    "original_question": "q", "modified_question": "q", "original_process": ["a", "b"],
    "modified_process": ["a", "b", "c"], "modified_steps": [2], "error_steps": [2], "reason": "",
    "question": "q", "classification": "redundency",
}  # fmt: skip
PROCESS = {"generator": "g", "problem": "p", "steps": ["a", "b", "c"]}
MISTAKE = {"input": "q", "steps": ["a", "b"], "target": "x", "answer": "x"}
GRADED = {
    "question": "q", "model_output_steps": ["a", "b"], "question_type": "POT",
}  # fmt: skip
RIGHT, WRONG = "model_output_solution_correctness", "model_output_solution_first_error_step"
RUN = {
    "question": "q", "mistake_agent": "A", "mistake_step": "1",
    "history": [{"name": "B", "content": "x"}, {"name": "A", "content": "y"}],
}  # fmt: skip
TURN = {"role": "assistant", "content": "x"}
ROWS = {
    "process_bench": ("gsm8k", [
        {**PROCESS, "id": "a", "final_answer_correct": True, "label": -1},
        {**PROCESS, "id": "b", "final_answer_correct": False, "label": 1},
    ]),
    "prm_bench": ("redundency", [{**PRM, "idx": "a"}, {**PRM, "idx": "b"}]),
    "big_bench_mistake": ("word_sorting", [
        {**MISTAKE, "mistake_index": None}, {**MISTAKE, "mistake_index": 0},
    ]),
    "mr_gsm8k": ("MR-GSM8K", [
        {**GRADED, "uuid": "a", RIGHT: "correct", WRONG: "N/A"},
        {**GRADED, "uuid": "b", RIGHT: "wrong", WRONG: 2},
    ]),
    "proc_bench": ("01_sort", [
        {"problem_name": f"{n}", "task_name": "sort",
         "label": {"intermediate": n * [3], "final": [1]}}
        for n in (2, 9)
    ]),
    "who_and_when": ("hand_crafted", [RUN, RUN]),
    "agent_process_bench": ("bfcl", [
        {"data_source": "s", "query_index": i, "sample_index": 0, "messages": [TURN, TURN],
         "step_labels": {"0": 1, "1": -1}}
        for i in range(2)
    ]),
    "critic_bench_google": ("test", [
        {"id": i, "source": "s", "query": "q", "response": "r", "correct": bool(i)} for i in (0, 1)
    ]),
    "critic_bench_tsinghua": ("test", [
        {"id": i, "question_source": "s", "question": "q", "response": "r", "response_label": i > 0}
        for i in (0, 1)
    ]),
    "real_critic": ("gsm8k", [
        {"question": "q", "gt": "5", "previous_score": [right]} for right in (True, False)
    ]),
    "realmistake": ("facts", [
        {"input": "q", "llm_response": "r", "label": label} for label in ("error", "no_error")
    ]),
    "reward_bench": ("filtered", [
        {"id": i, "prompt": "q", "chosen": "a", "rejected": "b\n\nc", "subset": "math-prm"}
        for i in (1, 2)
    ]),
    "tool_comp": ("chat", [
        {"id": name, "question": "q", "trajectories": [
            {"steps": ["a"], "correct": False}, {"steps": ["b"], "correct": True}]}
        for name in "ab"
    ]),
}  # fmt: skip

every = pytest.mark.parametrize("name", BENCHMARKS)


@pytest.fixture
def loaded(name, tmp_path):
    module, place = BENCHMARKS[name]
    benchmark = getattr(importlib.import_module(f"surefoot.evaluate.benchmarks.{module}"), place)
    stem, rows = ROWS[name]
    path = tmp_path / f"{stem}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert benchmark.name == name
    return benchmark, benchmark.load(path)


def main(benchmark, cases, predictions):
    table = resampled_table(benchmark, cases, predictions, resamples=10)
    figure = figures_of(table)[benchmark.total][benchmark.main]
    return None if figure is None else figure.estimate


@every
def test_the_perfect_predictor_reaches_one_and_silence_does_not(loaded):
    benchmark, cases = loaded
    assert main(benchmark, cases, list(map(benchmark.perfect, cases))) == pytest.approx(1)
    silent = main(benchmark, cases, [None] * len(cases))
    assert silent in (0, None)


@every
def test_a_prediction_written_as_json_is_read_back(loaded):
    benchmark, cases = loaded
    for case in cases:
        best = benchmark.perfect(case)
        row = {"prediction": asdict(best) if is_dataclass(best) else best}
        assert benchmark.read(case, json.loads(json.dumps(row))) == best
        assert benchmark.read(case, {"prediction": None}) is None


@every
def test_a_scorer_is_measured_where_the_benchmark_takes_one(loaded):
    benchmark, cases = loaded
    if benchmark.rule is None:
        assert benchmark.name in ("proc_bench", "real_critic")
        assert not any(case.traces for case in cases)
        return
    scores = score_cases(cases, random_scorer(0))
    predictions = decide_all(benchmark.rule, cases, scores, 0.5)
    assert len(benchmark.count(cases, predictions)) == len(cases)
    again = score_cases(cases, random_scorer(0))
    assert scores == again != score_cases(cases, random_scorer(1))


@every
def test_a_single_case_has_no_interval(loaded):
    benchmark, cases = loaded
    table = resampled_table(benchmark, cases[:1], [benchmark.perfect(cases[0])], resamples=10)
    for columns in figures_of(table).values():
        assert all(i is None or i.low is i.high is None for i in columns.values())


@every
def test_more_than_one_row_of_every_table_is_named(loaded):
    benchmark, cases = loaded
    table = resampled_table(benchmark, cases, [None] * len(cases), resamples=10)
    assert benchmark.total in table
    assert benchmark.main in table[benchmark.total]
    assert benchmark.paper.count(".") == 1


def test_constant_scores_are_no_choice_between_candidates():
    assert decide(None, [StepScores(Kind.VALUE, (0.5,), "flat")] * 3, 0.5) == (0, 1, 2)
