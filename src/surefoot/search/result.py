"""What every search returns, and how it pays.

Dimension key: N traces.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from surefoot.core.budget import Meter
from surefoot.core.errors import InputError
from surefoot.core.kinds import aggregate
from surefoot.core.protocols import Scorer
from surefoot.core.tree import Tree
from surefoot.core.types import Completion, Problem, StepScores, Trace, Usage


@dataclass(frozen=True, slots=True)
class Found:
    """A search that ended with an answer.

    chosen: the best finished trace.
    candidates: [N] all finished traces, in the order they were made.
    scores: one number a candidate, higher is better; fewer than N where the budget ended
      first (only scored candidates are chosen among, if there are any), empty if none
      were needed.
    usage: everything that was spent.
    tree: all steps that were tried, where the search grew a tree of them.
    """

    problem: Problem
    chosen: Trace
    candidates: tuple[Trace, ...]
    scores: tuple[float, ...]
    usage: Usage
    tree: Tree | None = None


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A search whose budget ended, or whose policy failed, before any answer was complete.

    partial: [N] what there is; why: the limit or failure; tree: as in `Found`.
    """

    problem: Problem
    why: str
    partial: tuple[Trace, ...] = ()
    usage: Usage = field(default_factory=Usage)
    tree: Tree | None = None


def spend_completions(meter: Meter, completions_P_K: Sequence[Sequence[Completion]]) -> None:
    """Charges what a policy wrote."""
    flat = [c for completions_K in completions_P_K for c in completions_K]
    meter.spend(Usage(policy_tokens=sum(c.tokens for c in flat), calls=len(flat)))


def score_traces(score: Scorer, traces_N: Sequence[Trace], meter: Meter) -> list[StepScores]:
    """Scores all at once and charges what the verifier read.

    Not one trace is scored if the budget has nothing left that a verifier spends: [].
    Raises InputError unless each trace got one score a step.
    """
    rest = Meter(replace(meter.budget, policy_tokens=None), meter.spent, meter.started)
    if not traces_N or rest.exhausted():
        return []
    scores_N = score(traces_N)
    read = sum(scores.tokens for scores in scores_N)
    meter.spend(Usage(verifier_tokens=read, calls=len(scores_N)))
    if len(scores_N) != len(traces_N):
        raise InputError(f"the scorer gave scores of {len(scores_N)} traces for {len(traces_N)}")
    for trace, scores in zip(traces_N, scores_N, strict=True):
        if len(scores.values) != len(trace.steps):
            raise InputError(
                f"problem {trace.problem.id!r}: {scores.by!r} gave {len(scores.values)} scores for "
                f"{len(trace.steps)} steps; a scorer owes one a step"
            )
    return scores_N


def totals(scores_N: Sequence[StepScores], how: str | None) -> list[float]:
    """One number a trace; `how` None takes the scores' own way."""
    return [aggregate(scores, how) for scores in scores_N]


def best_of(
    problem: Problem, finished_N: Sequence[Trace], scores: Sequence[float], meter: Meter
) -> Found:
    """The finished trace of highest score, the first of equals; the first if none has one."""
    best = int(np.argmax(scores)) if len(scores) else 0
    return Found(problem, finished_N[best], tuple(finished_N), tuple(scores), meter.total())


def unfinished(
    problem: Problem,
    traces_N: Sequence[Trace],
    meter: Meter,
    why: str = "the policy finished no solution",
) -> Unfinished:
    """No answer: `why` tells the limit that was reached, or else this."""
    why = meter.exhausted() or why
    return Unfinished(problem, why, tuple(traces_N), meter.total(), tree_of(traces_N, ()))


def tree_of(traces_N: Sequence[Trace], scores_N: Sequence[StepScores]) -> Tree:
    """Whole solutions as a tree, with the step scores of those that have some."""
    tree = Tree()
    paths = [tree.add_path(t.steps, finished=t.finished, verdict=t.verdict) for t in traces_N]
    for path, scores in zip(paths, scores_N, strict=False):  # the budget may have ended
        note_scores(tree, path[-1], scores)
    return tree


def note_scores(tree: Tree, node: int, scores: StepScores) -> None:
    """Writes the step scores of the prefix that ends at `node` where there are none yet."""
    tree.kind = scores.kind
    for value in reversed(scores.values):
        if tree.scores[node] is not None:
            return
        tree.scores[node] = value
        node = tree.parents[node]
