"""Who labels steps: rollouts, outcomes, exact checkers."""

from surefoot.annotate.calculator import calculator
from surefoot.annotate.judge import critic
from surefoot.annotate.monte_carlo import monte_carlo
from surefoot.annotate.omega import omega, omega_rank, omega_trace
from surefoot.annotate.oracle import oracle
from surefoot.annotate.outcome import outcome, outcomes
from surefoot.annotate.progress import best_of_value, effective_rewards, progress
from surefoot.annotate.sorm import balanced, sorm, uses_last_number

__all__ = [
    "balanced",
    "best_of_value",
    "calculator",
    "critic",
    "effective_rewards",
    "monte_carlo",
    "omega",
    "omega_rank",
    "omega_trace",
    "oracle",
    "outcome",
    "outcomes",
    "progress",
    "sorm",
    "uses_last_number",
]
