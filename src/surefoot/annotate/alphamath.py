"""AlphaMath: step values from a search that knows only the answer (arXiv:2405.03553).

    PUCT(c) = Q(c) + w P(c) sqrt(N(p)) / (1 + N(c))     Q = W / N, 0 before any visit
    v(leaf) = 2 V - 1 from the value head, V its chance of a right end
    v(end) = +1 if the answer is right, -1 if it is wrong, cannot be read or never comes

Each of `simulations` descends to a leaf, adds `width` next steps, and backs up the leaf's
own v and the v of every solution that ended: N <- N + 1, W <- W + v up to the root. Ends
are not entered again, nor is a step below which all has ended.

A step's target is its Q. As a label of kind value it is (1 + Q) / 2, the chance that Q
stands for: W + N half successes in N tries.

Dimension key: N nodes.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from surefoot.core.budget import Budget, Meter
from surefoot.core.errors import OverBudget
from surefoot.core.protocols import Checker, Estimator, Sampler
from surefoot.core.tree import Tree
from surefoot.core.types import Kind, Problem, StepLabel, Verdict
from surefoot.trees.grow import Grown, estimate, expand
from surefoot.trees.pack import NodeLabel
from surefoot.trees.select import descend, puct, token_prior

Select = Callable[[float, float, int, int], float]


def alphamath(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    value: Estimator,
    seed: int = 0,
    simulations: int = 40,
    width: int = 5,
    depth: int = 8,
    select: Select = puct,
    budget: Budget | None = None,
) -> Grown:
    """Grows a tree whose visits are N and whose value sums are W; `picks` are the leaves.

    Steps that were never visited have no target. A leaf of which the value head knows
    nothing is expanded and backs up nothing. A step deeper than `depth` that does not end
    its solution counts as an end without an answer.
    Cost of a simulation: at most `width` steps and one value.
    """
    search = _Search(problem, sample, check, value, seed, Meter(budget or Budget()))
    picks: list[int] = []
    why = f"{simulations} simulations"
    try:
        for _ in range(simulations):
            if not search.open[0]:
                why = "nothing left to try"
                break
            picks.append(search.leaf(select))
            search.grow(picks[-1], width, depth)
    except OverBudget as error:
        why = str(error)
    return Grown(problem, search.tree, tuple(picks), why, search.meter.spent)


def value_targets(tree: Tree) -> NodeLabel:
    """Labels of kind value, for `labelled_traces`; without evidence where nothing came by."""

    def label(node: int) -> StepLabel:
        visits = tree.visits[node]
        return StepLabel(Kind.VALUE, (visits + tree.value_sums[node]) / 2, visits, "alphamath")

    return label


@dataclass(slots=True)
class _Search:
    """children, open: [N] of the tree's nodes."""

    problem: Problem
    sample: Sampler
    check: Checker
    value: Estimator
    seed: int
    meter: Meter
    tree: Tree = field(default_factory=Tree)
    children: list[list[int]] = field(default_factory=lambda: [[]])
    open: list[bool] = field(default_factory=lambda: [True])

    def leaf(self, select: Select) -> int:
        tree = self.tree

        def score(child: int) -> float:
            parent = tree.visits[tree.parents[child]]
            prior = token_prior(tree.steps[child])
            return select(tree.value(child) or 0.0, prior, parent, tree.visits[child])

        return descend(self.children, score, self.open)

    def grow(self, leaf: int, width: int, depth: int) -> None:
        """Evaluates and expands the leaf, and backs up what that brings."""
        tree = self.tree
        [v] = estimate(
            self.problem, [tree.prefix(leaf)], value=self.value, seed=self.seed, meter=self.meter
        )
        new = expand(
            tree, leaf, problem=self.problem, sample=self.sample, check=self.check,
            count=width, seed=self.seed, meter=self.meter,
        )  # fmt: skip
        added = len(tree) - len(self.children)
        self.children += [[] for _ in range(added)]
        self.open += [True] * added
        self.children[leaf] = new
        deep = len(tree.path(leaf)) > depth
        for node in new or [leaf]:
            if tree.finished[node] or deep or not new:
                self._end(node)
        if v is not None and new:
            tree.back_up(leaf, 2 * v - 1)

    def _end(self, node: int) -> None:
        right = self.tree.verdicts[node] is Verdict.CORRECT
        self.tree.back_up(node, 1.0 if right else -1.0)
        self.open[node] = False
        for above in reversed(self.tree.path(node)[:-1]):
            self.open[above] = any(self.open[child] for child in self.children[above])
