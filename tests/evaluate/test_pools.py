"""Pools: a small one by hand, bad files row by row, and the published figures of a real one."""

import gzip
import json
import os
from pathlib import Path

import pytest

from surefoot.core.errors import InputError
from surefoot.core.types import Kind
from surefoot.evaluate import (
    best_of_n,
    join_scores,
    load_pool,
    load_step_scores,
    majority_curve,
    select_pool,
)
from surefoot.evaluate.pools import AGGREGATIONS
from surefoot.evaluate.votes import ballots


def candidate(answer, right, steps=2):
    return {"extracted_answer": answer, "is_correct": right, "steps": [{"text": "s"}] * steps}


def score_row(problem, index, scores, **changes):
    row = {"problem_id": problem, "candidate_index": index, "step_scores": scores}
    return {**row, "n_steps": len(scores), **changes}


POOL = [
    {
        "problem_id": "p",
        "n": 3,
        "candidates": [candidate("8", False), candidate("8", False), candidate("7", True)],
    },
    {
        "problem_id": "q",
        "n": 3,
        "candidates": [candidate(None, False), candidate("1", True), candidate("2", False)],
    },
]
SCORES = [
    score_row("p", 0, [0.9, 0.1]),
    score_row("p", 1, [0.2, 0.3]),
    score_row("p", 2, [0.6, 0.8]),
    score_row("q", 0, [0.9, 0.9]),
    score_row("q", 1, [0.5, 0.5]),
    score_row("q", 2, [0.5, 0.5]),
]


def write(path, rows):
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wt", encoding="utf-8") as out:
        out.writelines(json.dumps(row) + "\n" for row in rows)
    return path


def files(folder, pool=POOL, scores=SCORES, suffix=".jsonl"):
    return write(folder / f"pool{suffix}", pool), write(folder / f"scores{suffix}", scores)


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz"])
def test_small_pool_by_hand(tmp_path, suffix):
    # p: 8 has two votes and weight 0.4, 7 has one and 0.8.
    # q: the unreadable candidate scores best and is wrong; 1 and 2 tie, each first half the time.
    assert select_pool(*files(tmp_path, suffix=suffix), "last", 3) == {
        "pass@1": pytest.approx(1 / 3),
        "majority": 0.25,
        "best_of_n": 0.5,
        "weighted_vote": 0.75,
        "coverage": 1.0,
        "pass^n": 0.0,
    }


def test_one_candidate_is_pass_at_1_up_to_the_unreadable(tmp_path):
    found = select_pool(*files(tmp_path), "min", 1)
    for name in ("pass@1", "best_of_n", "coverage"):
        assert found[name] == pytest.approx(1 / 3)
    assert found["majority"] == pytest.approx(1 / 3)
    assert found["weighted_vote"] == pytest.approx(1 / 3, abs=0.1)  # of 200 draws


def test_same_figures_every_time_and_in_any_order_of_problems(tmp_path):
    turned = tmp_path / "turned"
    turned.mkdir()
    first = select_pool(*files(tmp_path), "mean", 2)
    assert first == select_pool(*files(turned, POOL[::-1], SCORES[::-1]), "mean", 2)


def test_every_aggregation_chooses_by_its_own_totals(tmp_path):
    """The totals of three candidates, by hand."""
    rows = [score_row("p", i, s) for i, s in enumerate([[0.1, 0.9], [0.5, 0.5], [0.3, 0.35]])]
    pool, scores = files(tmp_path, POOL[:1], rows)
    by_hand = {"last": (0.9, 0.5, 0.35), "min": (0.1, 0.5, 0.3), "product": (0.09, 0.25, 0.105),
               "mean": (0.5, 0.5, 0.325), "geometric_mean": (0.3, 0.5, 0.324)}  # fmt: skip
    right = [c["is_correct"] for c in POOL[0]["candidates"]]
    for how in AGGREGATIONS:
        expected = best_of_n(by_hand[how], right, 2, ties="first")
        assert select_pool(pool, scores, how, 2)["best_of_n"] == pytest.approx(expected), how
    with pytest.raises(InputError, match="aggregation must be one of"):
        select_pool(pool, scores, "sum", 2)


def test_answers_may_be_merged_by_a_function(tmp_path):
    paths = files(tmp_path)
    assert select_pool(*paths, "last", 3, same=lambda a, b: True)["majority"] == pytest.approx(
        5 / 12
    )
    assert select_pool(*paths, "product", 3, same=lambda a, b: a == b) == select_pool(
        *paths, "product", 3
    )


@pytest.mark.slow
@pytest.mark.parametrize("first", [True, False])
def test_whoever_comes_first_in_a_file_has_no_edge(strict_prm_bench, first):
    """Two votes are worth one. By the file's order right ones first had .885, wrong ones .799."""
    found_2, found_4 = [], []
    for pool in load_pool(strict_prm_bench / "gsm8k_500x32_samples.jsonl.gz"):
        rows = list(zip(pool.answers_N, pool.right_N, strict=True))
        answers, right = zip(*sorted(rows, key=lambda row: row[1] != first), strict=True)
        curve = majority_curve(answers, right)
        found_2.append(curve[1])
        found_4.append(curve[3])
    assert sum(found_2) / 500 == pytest.approx(0.8419, abs=1e-4)
    assert sum(found_4) / 500 == pytest.approx(0.8550, abs=1e-4)


def test_without_n_a_pool_counts_as_many_as_its_smallest_problem_has(tmp_path):
    more = {**POOL[0], "n": 4, "candidates": [*POOL[0]["candidates"], candidate("7", True)]}
    paths = files(tmp_path, [more, POOL[1]], [*SCORES, score_row("p", 3, [0.1, 0.2])])
    assert select_pool(*paths, "last") == select_pool(*paths, "last", 3)
    with pytest.raises(InputError, match="the candidates of problem 'q', got 4"):
        select_pool(*paths, "last", 4)


def test_rows_for_other_candidates_are_ignored(tmp_path):
    pool, scores = files(tmp_path, POOL[:1])
    assert select_pool(pool, scores, "last", 3)["weighted_vote"] == 1.0


# --- bad files


def test_nan_is_refused_with_row_and_field(tmp_path):
    rows = [*SCORES[:1], score_row("p", 1, [0.1, float("nan")])]
    with pytest.raises(InputError, match=r"scores.jsonl row 2: field 'step_scores\[1\]': .* nan"):
        load_step_scores(write(tmp_path / "scores.jsonl", rows))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (score_row("p", 0, [0.1], n_steps=2), r"row 1: field 'step_scores': expected 2 .* got 1"),
        (score_row("p", 0, ["0.1"]), r"'step_scores\[0\]': expected int or float, got str '0.1'"),
        (score_row("p", "0", [0.1]), "field 'candidate_index': expected int, got str"),
        ({"problem_id": "p"}, "field 'candidate_index' is missing"),
    ],
)
def test_bad_score_rows_are_refused(tmp_path, row, message):
    with pytest.raises(InputError, match=message):
        load_step_scores(write(tmp_path / "scores.jsonl", [row]))


def test_a_candidate_scored_twice_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"row 7: .* candidate 0 of problem 'p' came before"):
        load_step_scores(write(tmp_path / "scores.jsonl", [*SCORES, SCORES[0]]))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (POOL[0], "row 2: field 'problem_id': 'p' came before"),
        ({"problem_id": "r", "candidates": []}, "row 2: field 'candidates' is empty"),
        ({"problem_id": "r", "n": 2, "candidates": [candidate("1", True)]}, "'n' is 2 for 1"),
        ({"problem_id": "r", "candidates": [candidate("1", None)]}, "candidate 0: .*'is_correct'"),
        ({"problem_id": "r", "candidates": [candidate("1", True, 0)]}, "'steps' is empty"),
        ({"problem_id": "r", "candidates": [7]}, r"'candidates'\[0\]: expected an object, got 7"),
        ({"candidates": [candidate("1", True)]}, "field 'problem_id' is missing"),
    ],
)
def test_bad_pool_rows_are_refused(tmp_path, row, message):
    with pytest.raises(InputError, match=message):
        load_pool(write(tmp_path / "pool.jsonl", [POOL[0], row]))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (None, "problem 'p', candidate 1: expected a score row, found none"),
        (score_row("p", 1, [0.1]), "one score for each of 2 steps, got 1"),
        (score_row("p", 1, [0.1, 0.2], is_correct=True), "the pool says False, the score row True"),
    ],
)
def test_files_that_do_not_fit_are_refused(tmp_path, changed, message):
    rows = [row for row in (SCORES[0], changed, *SCORES[2:]) if row]
    pool, scores = files(tmp_path, scores=rows)
    with pytest.raises(InputError, match=message):
        join_scores(load_pool(pool), load_step_scores(scores))


@pytest.mark.parametrize(
    ("aggregation", "n", "message"),
    [
        ("sum", 3, "aggregation must be one of .*, got 'sum'"),
        ("last", 4, r"n must be in 1\.\.3, the candidates of problem 'p', got 4"),
        ("last", 0, "got 0"),
    ],
)
def test_bad_choices_are_refused(tmp_path, aggregation, n, message):
    with pytest.raises(InputError, match=message):
        select_pool(*files(tmp_path), aggregation, n)


def test_an_empty_pool_is_refused_and_negative_weights_are_no_vote(tmp_path):
    with pytest.raises(InputError, match="at least one problem, got an empty file"):
        select_pool(*files(tmp_path, pool=[]), "last", 1)
    logits = [score_row(r["problem_id"], r["candidate_index"], [-1.0, -2.0]) for r in SCORES]
    paths = files(tmp_path, scores=logits)
    assert select_pool(*paths, "last", 3)["weighted_vote"] is None
    assert select_pool(*paths, "last", 3, kind=Kind.PROGRESS)["weighted_vote"] is None
    voted = select_pool(*paths, "last", 3, kind=Kind.LOGIT)
    assert voted["weighted_vote"] == voted["majority"]  # all weigh the same


def test_logits_weigh_through_a_sigmoid_and_log_ratios_against_the_best():
    assert ballots([-1000.0, 0.0, 2.0], Kind.LOGIT) == pytest.approx([0, 0.5, 0.880797])
    assert ballots([-1.0, 1.0], Kind.LOGRATIO) == pytest.approx([0.1353353, 1.0])
    assert ballots([0.2, 0.3], Kind.VALUE) == ballots([0.2, 0.3], None) == [0.2, 0.3]
    assert ballots([-0.1, 0.3], None) is ballots([0.1], Kind.PROGRESS) is None


# --- 500 GSM8K problems x 32 samples, StrictPRMBench (CC-BY-4.0)

FIGURES = {
    "skywork_prm": (0.918, 0.870),
    "qwen_prm": (0.904, 0.888),
    "rlhflow_prm": (0.842, 0.852),
    "math_shepherd": (0.838, 0.852),
}


@pytest.fixture(scope="module")
def strict_prm_bench():
    folder = Path(os.environ.get("SUREFOOT_DATA", "data")) / "strictprmbench"
    if not folder.is_dir():
        reason = f"no folder {folder}; set SUREFOOT_DATA to the folder that holds strictprmbench"
        print(reason)
        pytest.skip(reason)
    return folder


@pytest.mark.parametrize("prm", FIGURES)
def test_published_figures_come_out(strict_prm_bench, prm):
    pool = strict_prm_bench / "gsm8k_500x32_samples.jsonl.gz"
    scores = strict_prm_bench / f"scores_{prm}_gsm8k.jsonl.gz"
    for aggregation, best in zip(("last", "min"), FIGURES[prm], strict=True):
        found = select_pool(pool, scores, aggregation, 32)
        assert found["best_of_n"] == pytest.approx(best, abs=1e-12)
        assert found["pass@1"] == 0.8419375
        assert found["majority"] == pytest.approx(0.857, abs=1e-12)  # .856 in the file's order
        assert found["coverage"] == pytest.approx(0.962, abs=1e-12)
        assert list(found) == [
            "pass@1", "majority", "best_of_n", "weighted_vote", "coverage", "pass^n"
        ]  # fmt: skip
