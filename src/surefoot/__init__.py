"""Surefoot: process supervision you can check.

Label every step of a model's reasoning, train verifiers on the labels, search
with them, and measure all of it. This facade is the nouns and what needs no
model; each stage is a package of its own: `tasks`, `policy`, `steps`,
`annotate`, `verifiers`, `search`, `evaluate`, `report`, with `engine` around
them and whole systems in `recipes`.
"""

from surefoot.annotate import monte_carlo, oracle, outcome
from surefoot.core.budget import Budget, Meter
from surefoot.core.errors import SurefootError
from surefoot.core.kinds import aggregate
from surefoot.core.seeds import rng_for
from surefoot.core.types import (
    Completion,
    Kind,
    LabelledTrace,
    Problem,
    Step,
    StepLabel,
    StepScores,
    Trace,
    Usage,
    Verdict,
)
from surefoot.engine import Crew, Journal
from surefoot.search import Found, Unfinished, beam, best_of_n, majority, weighted_vote
from surefoot.steps import Rollouts, sample_traces

__version__ = "0.1.0"

__all__ = [
    "Budget",
    "Completion",
    "Crew",
    "Found",
    "Journal",
    "Kind",
    "LabelledTrace",
    "Meter",
    "Problem",
    "Rollouts",
    "Step",
    "StepLabel",
    "StepScores",
    "SurefootError",
    "Trace",
    "Unfinished",
    "Usage",
    "Verdict",
    "aggregate",
    "beam",
    "best_of_n",
    "majority",
    "monte_carlo",
    "oracle",
    "outcome",
    "rng_for",
    "sample_traces",
    "weighted_vote",
]
