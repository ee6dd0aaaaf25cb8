"""Who labels steps: rollouts and trees, judges, edits and rules, exact checkers, and our own."""

from surefoot.annotate.active import convincing, mined
from surefoot.annotate.agreement import consensus
from surefoot.annotate.alphamath import alphamath, value_targets
from surefoot.annotate.bayes import Stop, abstaining, bayes
from surefoot.annotate.belief import Belief, learned, prior_from_steps
from surefoot.annotate.bounds import capacity, fewest_rollouts
from surefoot.annotate.calculator import calculator
from surefoot.annotate.channel import (
    Channel,
    States,
    flat_channel,
    stuck_states,
    three_states,
    two_states,
)
from surefoot.annotate.debate import debate
from surefoot.annotate.edits import by_checker, by_recomputation, edited, inject
from surefoot.annotate.ensemble import View, ensemble
from surefoot.annotate.hazard import Hazard, learn, surprise_features
from surefoot.annotate.judge import critic
from surefoot.annotate.judges import error_list, tool_judge
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
    "Belief",
    "Channel",
    "Hazard",
    "States",
    "Stop",
    "TokenChoice",
    "View",
    "WeightedStep",
    "abstaining",
    "alphamath",
    "balanced",
    "bayes",
    "best_of_value",
    "by_checker",
    "by_recomputation",
    "by_rule",
    "calculator",
    "capacity",
    "consensus",
    "convincing",
    "critic",
    "debate",
    "deductive",
    "edited",
    "effective_rewards",
    "ensemble",
    "error_list",
    "fewest_rollouts",
    "flat_channel",
    "inject",
    "learn",
    "learned",
    "mined",
    "monte_carlo",
    "mutants",
    "mutations",
    "omega",
    "omega_rank",
    "omega_trace",
    "oracle",
    "outcome",
    "outcomes",
    "prior_from_steps",
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
    "stuck_states",
    "surprise_features",
    "three_states",
    "token_quality",
    "tool_judge",
    "triplets",
    "two_states",
    "uses_last_number",
    "value_targets",
    "weighted_steps",
]
