"""Published benchmarks of verifiers and critics: their cases, protocols and exact metrics."""

from surefoot.evaluate.benchmarks.benchmark import (
    Benchmark,
    Case,
    Rule,
    decide_all,
    differences_of,
    figures_of,
    resampled_table,
    score_cases,
    share_out,
    threshold_of,
)
from surefoot.evaluate.benchmarks.entries import (
    Entry,
    always_right,
    oracle,
    predicted,
    random_scorer,
    scored,
    scores_or_refusals,
)
from surefoot.evaluate.benchmarks.prm_bench import PRM_BENCH
from surefoot.evaluate.benchmarks.process_bench import PROCESS_BENCH
from surefoot.evaluate.benchmarks.summary import compare

__all__ = [
    "PRM_BENCH",
    "PROCESS_BENCH",
    "Benchmark",
    "Case",
    "Entry",
    "Rule",
    "always_right",
    "compare",
    "decide_all",
    "differences_of",
    "figures_of",
    "oracle",
    "predicted",
    "random_scorer",
    "resampled_table",
    "score_cases",
    "scored",
    "scores_or_refusals",
    "share_out",
    "threshold_of",
]
