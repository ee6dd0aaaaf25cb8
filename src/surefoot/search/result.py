"""What every search returns, and how it pays.

Dimension key: N traces.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from surefoot.core.budget import Meter
from surefoot.core.kinds import aggregate
from surefoot.core.protocols import Scorer
from surefoot.core.types import Completion, Problem, StepScores, Trace, Usage


@dataclass(frozen=True, slots=True)
class Found:
    """A search that ended with an answer.

    chosen: the best finished trace.
    candidates: [N] all finished traces, in the order they were made.
    scores: [N] one number a candidate, higher is better; empty if none were needed.
    usage: everything that was spent.
    """

    problem: Problem
    chosen: Trace
    candidates: tuple[Trace, ...]
    scores: tuple[float, ...]
    usage: Usage


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A search whose budget ended, or whose policy failed, before any answer was complete.

    partial: [N] what there is; why: the limit or failure.
    """

    problem: Problem
    why: str
    partial: tuple[Trace, ...] = ()
    usage: Usage = field(default_factory=Usage)


def spend_completions(meter: Meter, completions_P_K: Sequence[Sequence[Completion]]) -> None:
    """Charges what a policy wrote."""
    flat = [c for completions_K in completions_P_K for c in completions_K]
    meter.spend(Usage(policy_tokens=sum(c.tokens for c in flat), calls=len(flat)))


def score_traces(score: Scorer, traces_N: Sequence[Trace], meter: Meter) -> list[StepScores]:
    """Scores all at once and charges what the verifier read."""
    scores_N = score(traces_N)
    read = sum(scores.tokens for scores in scores_N)
    meter.spend(Usage(verifier_tokens=read, calls=len(scores_N)))
    return scores_N


def totals(scores_N: Sequence[StepScores], how: str | None) -> list[float]:
    """One number a trace; `how` None takes the scores' own way."""
    return [aggregate(scores, how) for scores in scores_N]
