"""A study against the figures of single calls, a planted verifier, and the real pool's figures."""

import json
import time

import numpy as np
import pytest

from surefoot.core.errors import InputError
from surefoot.core.types import Kind
from surefoot.evaluate import (
    Pool,
    Scored,
    best_of_n_curve,
    coverage_curve,
    join_scores,
    load_pool,
    load_step_scores,
    majority_curve,
    min_at_last_share,
    select_pool,
    study_curves,
    study_pool,
    study_summary,
)
from surefoot.evaluate.pools import AGGREGATIONS

PRMS = ("skywork_prm", "qwen_prm", "rlhflow_prm", "math_shepherd")


def made_pools(problems=40, total=6, seed=0):
    """Answers of which "0" is right, two steps each."""
    rng = np.random.default_rng(seed)
    pools = []
    for p in range(problems):
        answers = tuple(map(str, rng.integers(0, 3, total)))
        pools.append(Pool(f"p{p}", answers, tuple(a == "0" for a in answers), (2,) * total))
    return pools


def made_scores(pools, clarity, seed=0):
    """[P][N][2]: right ones score higher by `clarity`."""
    rng = np.random.default_rng(seed)
    return [
        [tuple(np.clip(rng.random(2) * (1 - clarity) + clarity * r, 0, 1)) for r in pool.right_N]
        for pool in pools
    ]


@pytest.fixture(scope="module")
def small():
    pools = made_pools()
    verifiers = [
        Scored("seer", made_scores(pools, 1.0), Kind.VALUE),
        Scored("noise", made_scores(pools, 0.0)),
    ]
    return pools, verifiers, study_pool(pools, verifiers, resamples=300)


def test_curves_are_means_of_single_calls(small):
    pools, verifiers, study = small
    curves = study_curves(study)
    scores = [[s[-1] for s in rows] for rows in verifiers[1].scores_P_N_S]
    expected = {
        "coverage": [coverage_curve(p.right_N) for p in pools],
        "majority": [majority_curve(p.answers_N, p.right_N) for p in pools],
        "random": [[np.mean(p.right_N)] * 6 for p in pools],
    }
    for name, rows in expected.items():
        assert curves[name]["estimate"] == pytest.approx(np.mean(rows, axis=0), abs=1e-12)
    best = [best_of_n_curve(s, p.right_N, ties="first") for s, p in zip(scores, pools, strict=True)]
    found = curves["verifiers"]["noise"]["last"]["best_of_n"]
    assert found["estimate"] == pytest.approx(np.mean(best, axis=0), abs=1e-12)
    assert all(
        low <= middle <= high
        for low, middle, high in zip(found["low"], found["estimate"], found["high"], strict=True)
    )


def test_a_seer_reaches_coverage_and_noise_stays_at_chance(small):
    summary = study_summary(small[2])
    seer = summary["verifiers"]["seer"]["aggregations"]["last"]
    assert seer["best_of_n"] == summary["coverage"]
    assert seer["selection_gap"]["estimate"] == 0
    assert seer["best_of_n_vs_majority"]["low"] > 0
    assert seer["calibration"]["brier"]["estimate"] == 0
    assert seer["plans"][-1]["utility"]["estimate"] == summary["coverage"]["estimate"]
    noise = summary["verifiers"]["noise"]["aggregations"]["last"]["best_of_n"]
    assert noise["low"] < summary["pass@1"]["estimate"] < noise["high"]
    pair = summary["pairs"][0]
    assert (pair["a"], pair["b"], pair["diff"]["low"] > 0) == ("seer", "noise", True)


def test_what_is_legal_is_flagged_and_what_nobody_said_unknown(small):
    verifiers = study_summary(small[2])["verifiers"]
    legal = {how: row["legal"] for how, row in verifiers["seer"]["aggregations"].items()}
    assert legal == {how: how == "last" for how in AGGREGATIONS}
    assert {row["legal"] for row in verifiers["noise"]["aggregations"].values()} == {None}


def test_weakest_steps_are_those_of_the_plain_function(small):
    pools, verifiers, study = small
    found = study_summary(study)["verifiers"]["noise"]["min_at_last"]
    flat = [s for rows in verifiers[1].scores_P_N_S for s in rows]
    plain = min_at_last_share(flat, [r for p in pools for r in p.right_N])
    assert found["share"]["estimate"] == pytest.approx(plain.share)
    assert found["by_chance"]["estimate"] == pytest.approx(plain.by_chance)
    assert found["among_wrong"]["estimate"] == pytest.approx(plain.among_wrong)


def test_risks_promise_only_what_the_pool_can(small):
    risks = study_summary(small[2])["verifiers"]["noise"]["aggregations"]["last"]["risks"]
    assert [risk["alpha"] for risk in risks] == [0.02, 0.05, 0.1]
    assert risks[0]["threshold"] is None
    assert "40 calibration problems are too few" in risks[0]["why_not"]
    assert 0 <= risks[2]["answered"] <= 1


def test_logits_vote_through_a_sigmoid_and_have_no_calibration_or_plans(small):
    pools = small[0]
    logits = [[(-1.5, 2.0 * r - 3) for r in pool.right_N] for pool in pools]
    study = study_pool(pools, [Scored("logits", logits, Kind.LOGIT)], resamples=20)
    row = study_summary(study)["verifiers"]["logits"]["aggregations"]["min"]
    assert row["legal"] is True
    assert row["best_of_n"]["estimate"] > 0.8
    assert row["calibration"] is row["plans"] is None
    assert row["weighted_vote"]["estimate"] > row["weighted_vote_vs_majority"]["estimate"] > 0
    assert "geometric_mean" not in study_summary(study)["verifiers"]["logits"]["aggregations"]
    unsaid = study_pool(pools, [Scored("logits", logits)], resamples=20)
    assert study_curves(unsaid)["verifiers"]["logits"]["min"]["weighted_vote"] is None


def test_equal_seeds_equal_records_and_all_of_it_is_json(small):
    pools, verifiers, study = small
    again = study_pool(pools, verifiers, resamples=300)
    for record in (study_summary, study_curves):
        text = json.dumps(record(study), allow_nan=False)
        assert text == json.dumps(record(again), allow_nan=False)
    other = study_summary(study_pool(pools, verifiers, resamples=300, seed=1))
    assert other["majority"] == study_summary(study)["majority"]  # exact, and so is its interval
    assert other["coverage_law"] != study_summary(study)["coverage_law"]


def test_problems_are_cut_to_the_fewest_candidates():
    pools = [*made_pools(3), *made_pools(1, total=4, seed=9)]
    study = study_pool(pools, [Scored("v", made_scores(pools, 0.5))], resamples=10)
    assert study_summary(study)["candidates"] == 4


def test_one_problem_has_wide_intervals_or_none():
    pools = made_pools(1)
    summary = study_summary(study_pool(pools, [Scored("v", made_scores(pools, 0.5))], resamples=10))
    assert summary["majority"]["high"] - summary["majority"]["low"] > 0.7
    assert summary["verifiers"]["v"]["aggregations"]["last"]["fall"]["low"] is None


def test_no_problem_and_equal_names_are_refused(small):
    pools, verifiers, _ = small
    with pytest.raises(InputError, match="at least one problem"):
        study_pool([], verifiers)
    with pytest.raises(InputError, match="different names"):
        study_pool(pools, [verifiers[0], verifiers[0]])


@pytest.mark.slow
def test_the_real_pool_with_all_four_verifiers(data):
    folder = data / "strictprmbench"
    if not folder.is_dir():
        pytest.skip(f"no folder {folder}")
    started = time.perf_counter()
    path = folder / "gsm8k_500x32_samples.jsonl.gz"
    pools = load_pool(path)
    files = {name: folder / f"scores_{name}_gsm8k.jsonl.gz" for name in PRMS}
    verifiers = [
        Scored(name, join_scores(pools, load_step_scores(file))) for name, file in files.items()
    ]
    summary = study_summary(study_pool(pools, verifiers))
    assert time.perf_counter() - started < 20
    for name, file in files.items():
        for how, row in summary["verifiers"][name]["aggregations"].items():
            plain = select_pool(path, file, how, 32)
            for key in ("best_of_n", "weighted_vote"):
                assert row[key]["estimate"] == pytest.approx(plain[key], abs=1e-12), (name, how)
    for key in ("pass@1", "majority", "coverage"):
        assert summary[key]["estimate"] == pytest.approx(plain[key], abs=1e-12)
    last = summary["verifiers"]["skywork_prm"]["aggregations"]["last"]
    assert last["best_of_n"]["estimate"] == pytest.approx(0.918)
    assert last["best_of_n_vs_majority"]["low"] > 0
    # as in arXiv:2501.07301: Math-Shepherd's minima crowd at the last step, Qwen's do not
    shares = {n: v["min_at_last"]["share"]["estimate"] for n, v in summary["verifiers"].items()}
    assert shares["math_shepherd"] > 0.35 > shares["qwen_prm"]
