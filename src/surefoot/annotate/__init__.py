"""Who labels steps: rollouts, outcomes, exact checkers."""

from surefoot.annotate.monte_carlo import monte_carlo
from surefoot.annotate.omega import omega_trace
from surefoot.annotate.oracle import oracle
from surefoot.annotate.outcome import outcome, outcomes

__all__ = ["monte_carlo", "omega_trace", "oracle", "outcome", "outcomes"]
