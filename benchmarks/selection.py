"""What a closed form is worth against resampling, on 500 problems of 32 scored candidates.

    SUREFOOT_DATA=... python benchmarks/selection.py

curves_vs_trials            seconds of 400 shuffled trials a problem, written as evaluation scripts
                            write them (shuffle, take n, argmax), against the closed form; n = 1..32
                            (ten trials are timed, for 400)
curves_vs_trials_in_arrays  the same trials as one array program: nested subsets, running argmax
precision_vs_trials         root mean square error of the 400 trials over n, against that of the
                            closed form, both measured from exact fractions (64 problems)
study_seconds               the whole of `surefoot select --curves` without reading the files: four
                            verifiers and aggregations, all n, votes, 2,000 resamples, plans, risks

Pairs of runs in turn; the value is the median, low and high the range.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from math import comb
from pathlib import Path

import numpy as np

from claims import Claim, publish
from surefoot.evaluate import (
    Scored,
    best_of_n_curves,
    join_scores,
    load_pool,
    load_step_scores,
    study_curves,
    study_pool,
    study_summary,
)
from surefoot.evaluate.checks import Bools, Floats

TRIALS, PAIRS, CHECKED = 400, 3, 64
PRMS = ("skywork_prm", "qwen_prm", "rlhflow_prm", "math_shepherd")


def by_trials(scores_P_N: Floats, right_P_N: Bools, trials: int = TRIALS) -> Floats:
    """Accuracy at n = 1..N as scripts measure it: one argmax a problem, n and trial. [N]."""
    rng = np.random.default_rng(0)
    problems, total = scores_P_N.shape
    hits = np.zeros(total)
    for _ in range(trials):
        for scores, right in zip(scores_P_N, right_P_N, strict=True):
            order = rng.permutation(total)
            for n in range(1, total + 1):
                chosen = order[:n]
                hits[n - 1] += right[chosen[np.argmax(scores[chosen])]]
    return hits / (trials * problems)


def by_trials_in_arrays(scores_P_N: Floats, right_P_N: Bools) -> Floats:
    """The same for all n of a shuffle at once: the best so far is a running maximum. [N]."""
    rng = np.random.default_rng(0)
    ranks = scores_P_N.argsort(axis=1, kind="stable").argsort(axis=1)
    right_by_rank = np.take_along_axis(right_P_N, scores_P_N.argsort(axis=1, kind="stable"), 1)
    rows = np.arange(len(ranks))[:, None]
    hits = np.zeros(ranks.shape[1])
    for _ in range(TRIALS):
        best = np.maximum.accumulate(rng.permuted(ranks, axis=1), axis=1)
        hits += right_by_rank[rows, best].sum(axis=0)
    return hits / (TRIALS * len(ranks))


def in_fractions(scores_N: Floats, right_N: Bools) -> list[Fraction]:
    """The exact curve of one problem, equal scores to the mean of their group."""
    order = scores_N.argsort()
    ordered, right = scores_N[order], right_N[order]
    starts = [0, *(np.flatnonzero(np.diff(ordered)) + 1).tolist(), len(order)]
    groups = list(pairwise(starts))
    return [
        sum(
            (
                Fraction(comb(j, n) - comb(i, n), comb(len(order), n))
                * Fraction(int(right[i:j].sum()), j - i)
                for i, j in groups
            ),
            Fraction(0),
        )
        for n in range(1, len(order) + 1)
    ]


def errors(scores_P_N: Floats, right_P_N: Bools) -> tuple[float, float]:
    """Root mean square errors over n: of the trials, of the closed form."""
    few, right = scores_P_N[:CHECKED], right_P_N[:CHECKED]
    curves = [in_fractions(s, r) for s, r in zip(few, right, strict=True)]
    exact = [sum(column, Fraction(0)) / len(curves) for column in zip(*curves, strict=True)]

    def rms(found: Floats) -> float:
        apart = [Fraction(float(f)) - e for f, e in zip(found, exact, strict=True)]
        return float(sum((a * a for a in apart), Fraction(0)) / len(apart)) ** 0.5

    closed = best_of_n_curves(few, right).mean(axis=0)
    return rms(by_trials_in_arrays(few, right)), rms(closed)


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one run."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    """Measures and publishes all four claims."""
    folder = Path(os.environ.get("SUREFOOT_DATA", "")) / "strictprmbench"
    if not folder.is_dir():
        sys.exit("set SUREFOOT_DATA to the folder that holds strictprmbench")
    pools = load_pool(folder / "gsm8k_500x32_samples.jsonl.gz")
    verifiers = [
        Scored(n, join_scores(pools, load_step_scores(folder / f"scores_{n}_gsm8k.jsonl.gz")))
        for n in PRMS
    ]
    scores = np.array([[s[-1] for s in rows] for rows in verifiers[0].scores_P_N_S])
    right = np.array([pool.right_N for pool in pools])
    best_of_n_curves(scores, right)  # its table of binomial shares is made once a process

    def closed() -> float:
        return seconds(lambda: best_of_n_curves(scores, right))

    few = TRIALS // 40  # a loop's time is even: ten trials stand for 400
    loops = [40 * seconds(lambda: by_trials(scores, right, few)) / closed() for _ in range(PAIRS)]
    arrays = [seconds(lambda: by_trials_in_arrays(scores, right)) / closed() for _ in range(PAIRS)]
    of_trials, of_closed = errors(scores, right)
    precision = of_trials / max(of_closed, 2.0**-53)

    def whole_study() -> None:
        study = study_pool(pools, verifiers)
        study_summary(study)
        study_curves(study)

    studies = [seconds(whole_study) for _ in range(PAIRS)]
    rows = (
        ("curves_vs_trials", loops, 1000.0, "at least"),
        ("curves_vs_trials_in_arrays", arrays, 10.0, "at least"),
        ("precision_vs_trials", [precision], 1.0, "at least"),
        ("study_seconds", studies, 20.0, "at most"),
    )
    claims = [
        Claim(name, statistics.median(values), min(values), max(values), goal, direction)
        for name, values, goal, direction in rows
    ]
    print(f"rms error: {of_trials:.2e} of {TRIALS} trials, {of_closed:.2e} of the closed form")
    publish("selection", "python benchmarks/selection.py", claims)


if __name__ == "__main__":
    main()
