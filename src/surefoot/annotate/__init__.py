"""Who labels steps: rollouts, outcomes, exact checkers."""

from surefoot.annotate.agreement import consensus
from surefoot.annotate.alphamath import alphamath, value_targets
from surefoot.annotate.calculator import calculator
from surefoot.annotate.debate import debate
from surefoot.annotate.edits import by_checker, by_recomputation, edited, inject
from surefoot.annotate.ensemble import View, ensemble
from surefoot.annotate.judge import critic
from surefoot.annotate.monte_carlo import monte_carlo
from surefoot.annotate.mutate import mutants, mutations
from surefoot.annotate.omega import omega, omega_rank, omega_trace
from surefoot.annotate.oracle import oracle
from surefoot.annotate.outcome import outcome, outcomes
from surefoot.annotate.premises import deductive
from surefoot.annotate.progress import best_of_value, effective_rewards, progress
from surefoot.annotate.reference import reference
from surefoot.annotate.relative import (
    WeightedStep,
    relative,
    relative_labels,
    relative_scores,
    weighted_steps,
)
from surefoot.annotate.rest_mcts import quality_labels, quality_values, rest_mcts
from surefoot.annotate.rules import by_rule, readable
from surefoot.annotate.sorm import balanced, sorm, uses_last_number
from surefoot.annotate.token_quality import TokenChoice, rejoined, token_quality, triplets

__all__ = [
    "TokenChoice",
    "View",
    "WeightedStep",
    "alphamath",
    "balanced",
    "best_of_value",
    "by_checker",
    "by_recomputation",
    "by_rule",
    "calculator",
    "consensus",
    "critic",
    "debate",
    "deductive",
    "edited",
    "effective_rewards",
    "ensemble",
    "inject",
    "monte_carlo",
    "mutants",
    "mutations",
    "omega",
    "omega_rank",
    "omega_trace",
    "oracle",
    "outcome",
    "outcomes",
    "progress",
    "quality_labels",
    "quality_values",
    "readable",
    "reference",
    "rejoined",
    "relative",
    "relative_labels",
    "relative_scores",
    "rest_mcts",
    "sorm",
    "token_quality",
    "triplets",
    "uses_last_number",
    "value_targets",
    "weighted_steps",
]
