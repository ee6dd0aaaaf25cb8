"""Relative correctness: which of several next steps is better? (arXiv:2501.01478, [ours])

    z_c = (v_c - mean_C v) / max_C |v - mean_C v|        over the siblings C of one prefix

in [-1, 1], with sum_C z = 0 in every set. They weigh a likelihood:

    L = - sum_c max(z_c, -z_min) log pi(c | prefix) / |c|  +  lambda KL(pi || pi_0)

The paper scores steps of a search tree relative to one another and trains so; its exact
score was not published where we could read it, so the formula is ours. Siblings of equal
value say nothing and have no z: a set without a difference leaves only the KL.

Dimension key: C siblings.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from surefoot.core.budget import Budget
from surefoot.core.errors import OverBudget
from surefoot.core.protocols import Steps
from surefoot.core.tree import Tree
from surefoot.core.types import Kind, Problem, Step, StepLabel
from surefoot.steps.rollout import Rollouts
from surefoot.trees.grow import Grown, RolloutTree, rollout_tree
from surefoot.trees.pack import NodeLabel, counted
from surefoot.trees.select import descend, uct

Select = Callable[[float, int, int], float]


@dataclass(frozen=True, slots=True)
class WeightedStep:
    """A step with its weight, in [-1, 1], on the mean log-probability of its tokens."""

    prefix: Steps
    step: Step
    weight: float


def relative(
    problem: Problem,
    *,
    rollouts: Rollouts,
    completions: int = 8,
    expansions: int = 20,
    select: Select = uct,
    budget: Budget | None = None,
) -> Grown:
    """Grows a tree whose nodes have rollouts of their own; `picks` are the nodes expanded.

    Each expansion descends by UCT to a node that can go either way (0 < v < 1), and rolls
    out its children: the different first steps of its own rollouts. Visits and value sums
    are as in `omega`: readable rollouts of the node, and correct ones.
    Cost: at most (1 + expansions * completions) * completions rollouts.
    """
    grown = rollout_tree(problem, rollouts, budget)
    before, why = rollouts.usage, f"{expansions} expansions"
    picks: list[int] = []
    try:
        grown.roll_out(0, completions)
        for _ in range(expansions):
            node = _undecided(grown, picks, select)
            if node is None:
                why = "nothing left to try"
                break
            picks.append(node)
            for child in grown.tree.children()[node]:
                if not grown.tree.finished[child]:
                    grown.roll_out(child, completions)
    except OverBudget as error:
        why = str(error)
    return Grown(problem, grown.tree, tuple(picks), why, rollouts.usage - before)


def relative_scores(values_C: Sequence[float | None]) -> list[float | None]:
    """[C] z of each; None for an unknown value, and for all if no two known ones differ."""
    known = [v for v in values_C if v is not None]
    if not known or min(known) == max(known):
        return [None] * len(values_C)
    mean = math.fsum(known) / len(known)
    widest = max(abs(v - mean) for v in known)
    return [None if v is None else (v - mean) / widest for v in values_C]


def relative_labels(tree: Tree) -> NodeLabel:
    """Labels of kind progress, for `labelled_traces`: `belief` is z, beside the counts."""
    scores, counts = _scores(tree), counted(tree, "relative")

    def label(node: int) -> StepLabel:
        z, own = scores.get(node), counts(node)
        if z is None:
            return StepLabel(Kind.PROGRESS, 0, 0, "relative")
        return StepLabel(Kind.PROGRESS, own.successes, own.tries, "relative", z)

    return label


def weighted_steps(tree: Tree, *, lowest: float = 1.0) -> list[WeightedStep]:
    """Every step with a z, as a target of training; weights below -`lowest` (z_min) become it."""
    return [
        WeightedStep(tree.prefix(tree.parents[node]), tree.steps[node], max(z, -lowest))
        for node, z in _scores(tree).items()
    ]


def _scores(tree: Tree) -> dict[int, float]:
    """z by node, in order of the nodes' making within each set of siblings."""
    counts = counted(tree, "relative")
    scores: dict[int, float] = {}
    for siblings in tree.children():
        z_C = relative_scores([counts(node).value for node in siblings])
        scores |= {node: z for node, z in zip(siblings, z_C, strict=True) if z is not None}
    return scores


def _undecided(grown: RolloutTree, picks: Sequence[int], select: Select) -> int | None:
    """The node to expand next, or None."""
    tree, expanded = grown.tree, set(picks)
    below = tree.children()
    children = [below[node] if node in expanded else [] for node in range(len(tree))]
    times = [0] * len(tree)
    for node in (x for pick in picks for x in tree.path(pick)):
        times[node] += 1
    open_N = [node not in expanded and 0 < (tree.value(node) or 0) < 1 for node in range(len(tree))]
    for node in reversed(range(1, len(tree))):
        open_N[tree.parents[node]] |= open_N[node] and tree.parents[node] in expanded

    def score(child: int) -> float:
        return select(tree.value(child) or 0.0, times[tree.parents[child]], times[child])

    return descend(children, score, open_N) if open_N[0] else None
