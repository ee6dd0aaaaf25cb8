"""How good is it: selection from a pool, first errors, calibration, and how sure we are."""

from surefoot.core.votes import answer_classes
from surefoot.evaluate.calibration import Bin, brier, expected_calibration_error, reliability_bins
from surefoot.evaluate.conformal import (
    RiskPoint,
    Threshold,
    accept_threshold,
    allowed_errors,
    flag_threshold,
    problems_needed,
    risk_curve,
)
from surefoot.evaluate.curves import (
    Fall,
    best_of_n_curves,
    coverage_curves,
    fall_after_peak,
    resampled_means,
)
from surefoot.evaluate.intervals import Interval, mean_interval, paired_interval
from surefoot.evaluate.min_position import MinAtLast, min_at_last_share
from surefoot.evaluate.pass_at_k import pass_at_k, pass_at_k_curve
from surefoot.evaluate.planner import (
    Plan,
    ProblemType,
    best_attempts,
    estimate_type,
    estimate_types,
    fewest_best,
    pool_utilities,
    utility_curve,
)
from surefoot.evaluate.pools import (
    Pool,
    ScoreRow,
    join_scores,
    load_pool,
    load_step_scores,
    select_pool,
)
from surefoot.evaluate.power_law import CoverageLaw, coverage_law, fit_power_law
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
from surefoot.evaluate.study import Scored, Study, study_pool
from surefoot.evaluate.study_records import study_curves, study_summary
from surefoot.evaluate.votes import drawn_vote_curves, majority_curve

__all__ = [
    "NO_ERROR",
    "Bin",
    "CoverageLaw",
    "Fall",
    "FirstErrorScore",
    "Interval",
    "LabelAccuracy",
    "MinAtLast",
    "Plan",
    "Pool",
    "ProblemType",
    "RiskPoint",
    "ScoreRow",
    "Scored",
    "Study",
    "Threshold",
    "accept_threshold",
    "allowed_errors",
    "answer_classes",
    "best_attempts",
    "best_of_n",
    "best_of_n_curve",
    "best_of_n_curves",
    "brier",
    "choose_threshold",
    "coverage",
    "coverage_curve",
    "coverage_curves",
    "coverage_law",
    "drawn_vote_curves",
    "estimate_type",
    "estimate_types",
    "expected_calibration_error",
    "fall_after_peak",
    "fewest_best",
    "first_error_score",
    "fit_power_law",
    "flag_threshold",
    "join_scores",
    "label_accuracy",
    "load_pool",
    "load_step_scores",
    "majority",
    "majority_curve",
    "mean_interval",
    "min_at_last_share",
    "paired_interval",
    "pass_at_k",
    "pass_at_k_curve",
    "pool_utilities",
    "predict_first_error",
    "problems_needed",
    "reliability_bins",
    "resampled_means",
    "risk_curve",
    "select_pool",
    "study_curves",
    "study_pool",
    "study_summary",
    "utility_curve",
    "vote_accuracy",
    "vote_curve",
    "weighted_vote",
    "within_problem_auc",
]
