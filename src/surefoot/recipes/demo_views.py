"""The demo's pool of test traces, and how each verifier sees it.

Dimension key: P problems, N traces of each.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from surefoot.core.kinds import aggregate
from surefoot.core.protocols import Scorer
from surefoot.core.types import Kind, StepScores, Trace
from surefoot.evaluate.comparison import Judged
from surefoot.search import vote_weights

Over = Callable[[str, Callable[[Any], Any], Sequence[Any]], list[Any]]


@dataclass(frozen=True, slots=True)
class View:
    """A verifier's scores of the pool, [P][N], and what they come to."""

    scores_P_N: list[list[StepScores]]
    judged: Judged


@dataclass(frozen=True, slots=True)
class Pool:
    """The test traces and every verifier's view of them."""

    traces_P_N: list[list[Trace]]
    views: dict[str, View]

    @property
    def judged(self) -> dict[str, Judged]:
        """What `compare` wants of each view."""
        return {name: view.judged for name, view in self.views.items()}

    def policy_tokens(self) -> float:
        """Mean tokens of one trace."""
        sizes = [trace.tokens for traces_N in self.traces_P_N for trace in traces_N]
        return sum(sizes) / len(sizes)


def judged_by(over: Over, score: Scorer, traces_P_N: list[list[Trace]]) -> View:
    """Scores the whole pool."""
    first = traces_P_N[0][0]
    [name] = {s.by for s in score([first])}
    return view_of(over(f"score: {name}", score, traces_P_N))


def likelihood_of_policy(traces_P_N: list[list[Trace]]) -> View:
    """The policy's own log-probabilities: they came with its samples and cost nothing."""
    return view_of(
        [
            [
                StepScores(
                    Kind.LOGRATIO,
                    tuple(math.fsum(step.logprobs) for step in trace.steps),
                    "policy's likelihood",
                )
                for trace in traces_N
            ]
            for traces_N in traces_P_N
        ]
    )


def view_of(scores_P_N: list[list[StepScores]]) -> View:
    """Totals and vote weights by the scores' own kind."""
    read = [scores.tokens for scores_N in scores_P_N for scores in scores_N]
    judged = Judged(
        totals_P_N=[[aggregate(scores) for scores in scores_N] for scores_N in scores_P_N],
        weights_P_N=[vote_weights(scores_N) for scores_N in scores_P_N],
        tokens=sum(read) / len(read),
    )
    return View(scores_P_N, judged)
