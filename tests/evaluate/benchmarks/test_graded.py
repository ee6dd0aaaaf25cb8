"""MR-Score, prefix accuracy, what a critique mends, and choices: by hand."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.core.errors import InputError
from surefoot.core.types import Kind, Problem, Step, StepScores, Trace
from surefoot.evaluate import NO_ERROR, best_of_n
from surefoot.evaluate.benchmarks import Case, figures_of, resampled_table
from surefoot.evaluate.benchmarks.choice import Candidates, decide
from surefoot.evaluate.benchmarks.first_error import FirstError
from surefoot.evaluate.benchmarks.mr_gsm8k import MR_GSM8K, columns
from surefoot.evaluate.benchmarks.proc_bench import PROC_BENCH, Procedure, agree, prefix_match
from surefoot.evaluate.benchmarks.real_critic import REAL_CRITIC, Draft
from surefoot.evaluate.benchmarks.reward_bench import REWARD_BENCH, prefer_shorter
from surefoot.evaluate.benchmarks.tool_comp import TOOL_COMP


def told(benchmark, cases, predictions, row="all"):
    table = resampled_table(benchmark, cases, predictions, resamples=20)
    return {name: i and i.estimate for name, i in figures_of(table)[row].items()}


def case(number, truth, steps=3, group="original"):
    trace = Trace(Problem(str(number), f"p{number}"), tuple(Step(str(i)) for i in range(steps)))
    return Case(str(number), group, f"p{number}", (trace,), truth)


def write(path, *rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


# --- MR-GSM8K --------------------------------------------------------------


def grade(*firsts):
    return [case(i, FirstError(first)) for i, first in enumerate(firsts)]


def test_mr_score_by_hand():
    """TP 2, FP 1, TN 3, FN 1: MCC = 5 / 12; 2 of 4 steps placed, 1 of 4 reasons right."""
    cases = grade(-1, -1, -1, 0, 1, 2, 0)
    right = (False, None, None)
    predictions = [right, right, (True, 0, None), (True, 0, True), (True, 1, False)]
    predictions += [(True, 0, None), right]
    figures = told(MR_GSM8K, cases, predictions)
    assert figures["mcc"] == pytest.approx(5 / 12)
    assert figures["step_accuracy"] == pytest.approx(2 / 4)
    assert figures["reason_accuracy"] == pytest.approx(1 / 4)
    assert figures["mr_score"] == pytest.approx(0.2 * 5 / 12 + 0.3 * 2 / 4 + 0.5 * 1 / 4)
    assert figures["accuracy"] == pytest.approx(5 / 7)


@pytest.mark.parametrize(
    ("mcc", "step", "reason", "score"),
    [(63.3, 48.8, 46.3, 50.5), (67.2, 51.7, 48.1, 53.0), (16.2, 30.6, 20.3, 22.6)],
)
def test_published_scores_are_the_weighted_sum(mcc, step, reason, score):
    """Their README's table; MCC is had by a symmetric table of 1,000,000 solutions of each sort."""
    half = 1_000_000
    agreed = half * (1 + mcc / 100) / 2  # MCC = 2 p - 1 if both sorts are judged right with p
    sums = np.array([
        [agreed, half - agreed, agreed, half - agreed, step / 100 * half, reason / 100 * half, 0, 0]
    ])  # fmt: skip
    found = columns(sums)
    assert 100 * found["mcc"][0] == pytest.approx(mcc)
    assert 100 * found["mr_score"][0] == pytest.approx(score, abs=0.06)


def test_worse_than_chance_counts_as_chance_and_a_constant_has_no_correlation():
    cases = grade(-1, 0)
    assert told(MR_GSM8K, cases, [(True, 0, None), (False, None, None)])["mcc"] == -1
    assert told(MR_GSM8K, cases, [(True, 0, None), (False, None, None)])["mr_score"] == 0
    assert told(MR_GSM8K, cases, [(False, None, None)] * 2)["mcc"] == 0


def test_an_unjudged_reason_leaves_the_score_unknown():
    cases = grade(-1, 1)
    figures = told(MR_GSM8K, cases, [(False, None, None), (True, 1, None)])
    assert figures["step_accuracy"] == figures["mcc"] == 1
    assert figures["reason_accuracy"] is figures["mr_score"] is None
    silent = told(MR_GSM8K, cases, [None, None])
    assert silent["mcc"] == -1
    assert silent["answered"] == 0


ROW = {
    "uuid": "u", "question": "q", "model_output_steps": ["a", "b"], "question_type": "original",
    "model_output_solution_correctness": "wrong", "model_output_solution_first_error_step": 2,
}  # fmt: skip


def test_published_steps_count_from_one(tmp_path):
    [found] = MR_GSM8K.load(write(tmp_path / "x.jsonl", ROW))
    assert found.truth.first == 1
    right = {"model_output_solution_correctness": "correct"}
    right["model_output_solution_first_error_step"] = "N/A"
    [found] = MR_GSM8K.load(write(tmp_path / "x.jsonl", {**ROW, **right}))
    assert found.truth.first == NO_ERROR
    for step in (0, 3, "N/A"):
        row = {**ROW, "model_output_solution_first_error_step": step}
        with pytest.raises(InputError, match="expected one of steps 1 to 2"):
            MR_GSM8K.load(write(tmp_path / "x.jsonl", row))


def test_grades_in_a_file():
    [here] = grade(1)
    assert MR_GSM8K.read(here, {"prediction": [True, 1, None]}) == (True, 1, None)
    with pytest.raises(InputError, match=r"expected \[wrong, step, reason\]"):
        MR_GSM8K.read(here, {"prediction": [True, 1]})
    with pytest.raises(InputError, match="'wrong': expected bool, got int"):
        MR_GSM8K.read(here, {"prediction": [1, 1, None]})


# --- ProcBench -------------------------------------------------------------


@pytest.mark.parametrize(
    ("gold", "found", "same"),
    [
        (5, "5", True), (5, 5.0, True), (5, 5.9, False), (5, True, False), (1, True, False),
        (5, [5], False), (5, None, False), (5, "five", False), (5, float("inf"), False),
        ("21", 21, True), ("a b", "ab", False), ("abc", ["abc"], False), ("abc", None, False),
        ([1, "a"], ["1", "a"], True), ([1], [1, 1], False), ([1], 1, False), ([], [], True),
        ([[1], [2]], [[1], ["2"]], True),
    ],
)  # fmt: skip
def test_agreement_follows_the_golds_type(gold, found, same):
    assert agree(gold, found) is same


def test_prefix_accuracy_by_hand():
    gold = Procedure((1, 2, 3), 4)
    truths = [Case(str(i), "sort", str(i), (), gold) for i in range(5)]
    predictions = [
        Procedure((1, 2, 3), 4),  # 4 of 4
        Procedure((1, 9, 3), 4),  # 1 of 4, final right
        Procedure((1, 2, 3, 3), 4),  # 3 of 5, final right
        Procedure((), 1),  # 1 of 4
        None,
    ]
    figures = told(PROC_BENCH, truths, predictions)
    assert figures["prefix_accuracy"] == pytest.approx((1 + 1 / 4 + 3 / 5 + 1 / 4) / 5)
    assert figures["sequential_match"] == pytest.approx(1 / 5)
    assert figures["final_match"] == pytest.approx(3 / 5)
    assert figures["answered"] == pytest.approx(4 / 5)


@given(st.lists(st.integers(0, 2), max_size=6), st.lists(st.integers(0, 2), max_size=6))
def test_prefix_match_is_the_longest_common_prefix(gold, found):
    length = prefix_match(gold, found)
    assert gold[:length] == found[:length]
    assert gold[: length + 1] != found[: length + 1] or length == min(len(gold), len(found))


def test_lengths_are_rows_of_their_own():
    truths = [Case(str(n), "sort", str(n), (), Procedure((0,) * n, 1)) for n in (1, 5, 6, 15, 16)]
    predictions = [PROC_BENCH.perfect(c) if len(c.truth.states) < 8 else None for c in truths]
    rows = {
        length: told(PROC_BENCH, truths, predictions, length)["prefix_accuracy"]
        for length in ("short", "medium", "long")
    }
    assert rows == {"short": 1, "medium": 1 / 2, "long": 0}


def test_labels_may_be_text(tmp_path):
    label = {"intermediate": [[1, 2]], "final": [1]}
    for given_as in (label, json.dumps(label)):
        row = {"problem_name": "p", "task_name": "sort", "label": given_as}
        [found] = PROC_BENCH.load(write(tmp_path / "x.jsonl", row))
        assert found.truth == Procedure(([1, 2],), [1])
    with pytest.raises(InputError, match=r"x.jsonl row 1: field 'label' is text but no JSON"):
        PROC_BENCH.load(write(tmp_path / "x.jsonl", {**row, "label": "{"}))
    bad = {**row, "label": {"intermediate": [1.5], "final": 1}}
    with pytest.raises(InputError, match=r"expected numbers, texts and lists, got 1.5"):
        PROC_BENCH.load(write(tmp_path / "x.jsonl", bad))


# --- RealCritic ------------------------------------------------------------


def test_what_a_critique_mends_by_hand():
    drafts = [Case(str(i), "gsm8k", str(i), (), Draft("5", i < 3)) for i in range(5)]
    figures = told(REAL_CRITIC, drafts, [True, True, False, True, None])
    assert figures == pytest.approx({
        "accuracy": 3 / 5, "before": 3 / 5, "kept": 2 / 3, "spoilt": 1 / 3, "repaired": 1 / 2,
        "missed": 1 / 2, "answered": 4 / 5,
    })  # fmt: skip


def test_refined_answers_are_compared_not_matched(tmp_path):
    rows = {"question": "q", "gt": "0.5", "previous_score": [False]}
    write(tmp_path / "data" / "math" / "test.jsonl", rows)
    [draft] = REAL_CRITIC.load(tmp_path / "data")
    assert draft.id == "math-1"
    assert REAL_CRITIC.read(draft, {"answer": "1/2"}) is True
    assert REAL_CRITIC.read(draft, {"answer": "0.51"}) is False
    assert REAL_CRITIC.read(draft, {"answer": "__import__('os')"}) is False
    assert REAL_CRITIC.read(draft, {"answer": None}) is None
    assert REAL_CRITIC.read(draft, {"prediction": True}) is True


@pytest.mark.parametrize(
    ("gold", "answer", "right"),
    [("1", "11", False), ("1", "", False), ("0.5", r"\frac12", True), ("10000", "10001", False)],
)
def test_an_answer_is_no_substring_of_another(gold, answer, right):
    """peers-training section 8, bug 18: "1" accepted "... is 11." and an empty reply."""
    draft = Case("0", "gsm8k", "q", (), Draft(gold, right=False))
    assert REAL_CRITIC.read(draft, {"answer": answer}) is right


# --- choices ---------------------------------------------------------------


def scores(*totals):
    return [StepScores(Kind.VALUE, (t,), "x") for t in totals]


@given(st.lists(st.tuples(st.sampled_from([0.1, 0.5, 0.9]), st.booleans()), min_size=1, max_size=8))
def test_rank_at_1_is_the_best_of_all(pairs):
    totals, right = zip(*pairs, strict=True)
    here = case(0, Candidates(right))
    figures = told(TOOL_COMP, [here], [decide(here, scores(*totals), 0.5)])
    assert figures["rank_at_1"] == pytest.approx(best_of_n(totals, right, len(right)))
    assert figures["random"] == pytest.approx(sum(right) / len(right))
    assert figures["coverage"] == any(right)


def test_pairs_ties_and_the_shortcut(tmp_path):
    rows = [
        {"id": 1, "prompt": "q", "chosen": "short", "rejected": "rather longer", "subset": s}
        for s in ("math-prm", "hep-cpp")
    ]
    rows.append({**rows[0], "id": 2, "chosen": "One.\n\nTwo, and on.", "rejected": "One."})
    pairs = REWARD_BENCH.load(write(tmp_path / "filtered.jsonl", *rows))
    assert [p.id for p in pairs] == ["math-prm-1", "math-prm-2"]
    assert told(REWARD_BENCH, pairs, [(0,), (0, 1)])["rank_at_1"] == pytest.approx(3 / 4)
    assert told(REWARD_BENCH, pairs, [(0,), (0, 1)])["tied"] == pytest.approx(1 / 2)
    assert told(REWARD_BENCH, pairs, list(map(prefer_shorter, pairs)))["rank_at_1"] == 0.5
    with pytest.raises(InputError, match="no row has 'subset' 'math-prm'"):
        REWARD_BENCH.load(write(tmp_path / "filtered.jsonl", rows[1]))
    with pytest.raises(InputError, match="expected places below 2"):
        REWARD_BENCH.read(pairs[0], {"prediction": 2})
