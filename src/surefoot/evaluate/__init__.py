"""How good is it: selection from a pool, first errors, calibration, and how sure we are."""

from surefoot.core.votes import answer_classes
from surefoot.evaluate.calibration import Bin, brier, expected_calibration_error, reliability_bins
from surefoot.evaluate.intervals import Interval, mean_interval, paired_interval
from surefoot.evaluate.pass_at_k import pass_at_k, pass_at_k_curve
from surefoot.evaluate.pools import (
    Pool,
    ScoreRow,
    join_scores,
    load_pool,
    load_step_scores,
    select_pool,
)
from surefoot.evaluate.selection import (
    best_of_n,
    best_of_n_curve,
    coverage,
    coverage_curve,
    majority,
    vote_accuracy,
    vote_curve,
    weighted_vote,
)
from surefoot.evaluate.step_metrics import (
    NO_ERROR,
    FirstErrorScore,
    LabelAccuracy,
    choose_threshold,
    first_error_score,
    label_accuracy,
    predict_first_error,
    within_problem_auc,
)

__all__ = [
    "NO_ERROR",
    "Bin",
    "FirstErrorScore",
    "Interval",
    "LabelAccuracy",
    "Pool",
    "ScoreRow",
    "answer_classes",
    "best_of_n",
    "best_of_n_curve",
    "brier",
    "choose_threshold",
    "coverage",
    "coverage_curve",
    "expected_calibration_error",
    "first_error_score",
    "join_scores",
    "label_accuracy",
    "load_pool",
    "load_step_scores",
    "majority",
    "mean_interval",
    "paired_interval",
    "pass_at_k",
    "pass_at_k_curve",
    "predict_first_error",
    "reliability_bins",
    "select_pool",
    "vote_accuracy",
    "vote_curve",
    "weighted_vote",
    "within_problem_auc",
]
