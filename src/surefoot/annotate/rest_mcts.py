"""ReST-MCTS*: quality values of steps, and the search that finds them (arXiv:2406.03816).

    r_k = 0 if some solution through s_1..s_k ends correctly, else 1
    m_k = fewest further steps to a right end; after a wrong turn, that of where it was taken
    w_k = (1 - v_{k-1}) / (m_k + 1) (1 - 2 r_k)
    v_k = max(v_{k-1} + w_k, 0),  v_0 = 0

so the shortest way of K right steps has v_k = k / K. One round of the search:

    select    from the root the child of highest V + w sqrt(2 ln N_p / N_c), down to a leaf
    expand    it by `branch` next steps, each with V from a value model
    simulate  `forward` single steps from the best child; V <- (1 - a) V + a max V on the way
    back up   N <- N + 1, V <- sum_c N_c V_c / sum_c N_c, from the leaf to the root

The self-critic is a function: it may end a solution, or give advice for the next step.
Where the value model knows nothing, a step has the V of the one before it ([ours]). A leaf that
cannot be expanded is selected once and then closed, with all above it that leads nowhere else:
the authors' code comes back to it, and most rounds of a long search add nothing ([ours]).

Dimension key: N nodes.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from surefoot.core.budget import Budget, Meter
from surefoot.core.errors import OverBudget
from surefoot.core.protocols import Checker, Estimator, Sampler, Steps
from surefoot.core.tree import Tree
from surefoot.core.types import Kind, Problem, StepLabel, Verdict
from surefoot.trees.grow import Grown, estimate, expand, finish, next_steps
from surefoot.trees.pack import NodeLabel
from surefoot.trees.select import descend, ucb

Critic = Callable[[Problem, Steps], Problem | None]
Select = Callable[[float, int, int], float]

READABLE = (Verdict.CORRECT, Verdict.WRONG)


def no_advice(problem: Problem, prefix: Steps) -> Problem | None:  # noqa: ARG001  (says nothing)
    """The critic that leaves the problem as it is."""
    return problem


def rest_mcts(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    value: Estimator,
    critic: Critic = no_advice,
    seed: int = 0,
    rounds: int = 50,
    branch: int = 3,
    forward: int = 3,
    mix: float = 0.5,
    gate: float = math.inf,
    select: Select = ucb,
    budget: Budget | None = None,
) -> Grown:
    """Grows a tree by at most `rounds` rounds; `picks` are the leaves selected, each once.

    A node's value in the tree is V and its visits are N. Label its steps with
    `quality_labels`: verdicts decide them, V only decided where to look.
    critic: the problem as whoever writes the next step should read it, or None if the
      solution is complete; it pays for itself.
    mix: a. gate: the search ends at a leaf with V >= gate; the paper's search for one
      answer has 0.9, but labels come from solutions that ended, right ones and wrong ones.
    Cost of a round: at most branch + forward steps, and as many values.
    """
    search = _Search(problem, sample, check, value, critic, seed, Meter(budget or Budget()))
    picks: list[int] = []
    why = f"{rounds} rounds"
    try:
        for _ in range(rounds):
            if not search.open[0]:
                why = "nothing left to try"
                break
            leaf = search.leaf(select)
            picks.append(leaf)
            if search.values[leaf] >= gate:
                why = f"a value of {gate} or more"
                break
            if not search.tree.finished[leaf] and search.expand(leaf, branch):
                search.simulate(leaf, forward, mix)
            else:
                search.close(leaf)
            search.back_up(leaf)
    except OverBudget as error:
        why = str(error)
    tree = search.tree
    tree.value_sums = [n * v for n, v in zip(tree.visits, search.values, strict=True)]
    return Grown(problem, tree, tuple(picks), why, search.meter.spent)


def quality_values(tree: Tree) -> list[float | None]:
    """[N] v of each node, in [0, 1]; None where no readable end was found below. O(N).

    The root's is v_0 = 0.
    """
    distance, ended = _distances(tree), _ended(tree)
    v: list[float | None] = [0.0] + [None] * (len(tree) - 1)
    m = [distance[0] or 0] * len(tree)
    for node in range(1, len(tree)):
        d, last = distance[node], v[tree.parents[node]]
        m[node] = m[tree.parents[node]] if d is None else d
        if ended[node] and last is not None:
            v[node] = next_quality(last, m[node], float(d is None))
    return v


def _distances(tree: Tree) -> list[int | None]:
    """[N] steps from each node to the nearest correct end below it; None where there is none."""
    nearest = [0 if verdict is Verdict.CORRECT else math.inf for verdict in tree.verdicts]
    for node in reversed(range(1, len(tree))):
        parent = tree.parents[node]
        nearest[parent] = min(nearest[parent], nearest[node] + 1)
    return [None if steps == math.inf else int(steps) for steps in nearest]


def _ended(tree: Tree) -> list[bool]:
    """[N] is there a readable end at or below each node?"""
    ended = [verdict in READABLE for verdict in tree.verdicts]
    for node in reversed(range(1, len(tree))):
        ended[tree.parents[node]] |= ended[node]
    return ended


def next_quality(v: float, m: int, r: float) -> float:
    """v_k from v_{k-1}, the distance m_k and the wrongness r_k in [0, 1]."""
    return max(v + (1 - v) / (m + 1) * (1 - 2 * r), 0.0)


def quality_labels(tree: Tree) -> NodeLabel:
    """Labels of kind value, for `labelled_traces`: `belief` is v, None without evidence.

    Read `value`, not `hard`: early steps of a right solution have small v.
    """
    v = quality_values(tree)
    return lambda node: StepLabel(Kind.VALUE, 0, 0, "rest_mcts", v[node])


@dataclass(slots=True)
class _Search:
    problem: Problem
    sample: Sampler
    check: Checker
    value: Estimator
    critic: Critic
    seed: int
    meter: Meter
    tree: Tree = field(default_factory=Tree)
    values: list[float] = field(default_factory=lambda: [0.0])  # [N] V
    children: list[list[int]] = field(default_factory=lambda: [[]])  # [N]
    open: list[bool] = field(default_factory=lambda: [True])  # [N]

    def leaf(self, select: Select) -> int:
        tree = self.tree

        def score(child: int) -> float:
            parent = tree.visits[tree.parents[child]]
            return select(self.values[child], parent, tree.visits[child])

        return descend(self.children, score, self.open)

    def close(self, leaf: int) -> None:
        """The leaf leads nowhere, nor does what has no other open child."""
        for node in reversed(self.tree.path(leaf)):
            self.open[node] = any(self.open[child] for child in self.children[node])

    def expand(self, leaf: int, branch: int) -> list[int]:
        """The leaf's new children, with their values; [] if the solution ends there."""
        asked = self.critic(self.problem, self.tree.prefix(leaf))
        if asked is None:
            finish(self.tree, leaf, self.problem, self.check)
            return []
        new = expand(
            self.tree, leaf, problem=self.problem, sample=self.sample, check=self.check,
            count=branch, seed=self.seed, meter=self.meter, asked=asked,
        )  # fmt: skip
        missing = len(self.tree) - len(self.values)
        self.values += [self.values[leaf]] * missing
        self.children += [[] for _ in range(missing)]
        self.open += [True] * missing
        prefixes = [self.tree.prefix(child) for child in new]
        for child, v in zip(new, self._estimate(prefixes), strict=True):
            self.values[child] = self.values[leaf] if v is None else v
        self.children[leaf] = new
        return new

    def simulate(self, leaf: int, forward: int, mix: float) -> None:
        """One step after another from the best child; none of them joins the tree."""
        best = max(self.children[leaf], key=self.values.__getitem__)
        self.tree.visits[best] += 1
        prefix, seen, going = self.tree.prefix(best), [], not self.tree.finished[best]
        for _ in range(forward):
            asked = self.critic(self.problem, prefix) if going else None
            if asked is None:
                break
            [end] = next_steps(
                asked, prefix, sample=self.sample, count=1, seed=self.seed, meter=self.meter
            )
            prefix, going = prefix + end.steps, not end.finished and bool(end.steps)
            seen += [v for v in self._estimate([prefix]) if v is not None]
        if seen:
            self.values[best] = (1 - mix) * self.values[best] + mix * max(seen)

    def back_up(self, leaf: int) -> None:
        for node in reversed(self.tree.path(leaf)):
            self.tree.visits[node] += 1
            visits = [self.tree.visits[child] for child in self.children[node]]
            if sum(visits):
                values = (self.values[child] for child in self.children[node])
                total = sum(n * v for n, v in zip(visits, values, strict=True))
                self.values[node] = total / sum(visits)

    def _estimate(self, prefixes: list[Steps]) -> list[float | None]:
        if not prefixes:
            return []
        return estimate(self.problem, prefixes, value=self.value, seed=self.seed, meter=self.meter)
