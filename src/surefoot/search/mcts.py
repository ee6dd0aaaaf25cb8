"""Monte-Carlo tree search over steps, its leaves in batches: UCT and PUCT.

    select    from the root the child of highest `rule`, down to a leaf
    expand    it by `width` next steps, each with the verifier's V(s_1..s_t)
    back up   N <- N + 1, W <- W + V from the leaf to the root;   Q = W / N

    UCT          Q + w sqrt(ln N_p / N)                  an unvisited child first
    AlphaMath    2Q - 1 + w P sqrt(N_p) / (1 + N)        arXiv:2405.03553; 0 for 2Q - 1 unvisited
    TS-LLM       Q + (ln((N_p + 19653) / 19652) + 1.25) P sqrt(N_p) / (1 + N)
                                                         arXiv:2309.17179; V for Q unvisited
    ReST-MCTS*   Q + w sqrt(2 ln N_p / N)                arXiv:2406.03816; V + 1 unvisited

P is what `priors` makes of the policy's log-probabilities. Solutions that end back up their V
when they are found and are not entered again. The root, which no verifier scores, is worth
the mean of its first children.

Virtual loss: while a batch of leaves is chosen, each counts as one more visit of value 0 to
all on its path and is not chosen twice; so the next leaf is looked for elsewhere. A batch of
one is the sequential search.

Deviations: AlphaMath steps are backed up on the verifier's scale; TS-LLM without noise at the
root, which is for training, and backing up the V of the leaf that it expands, where the
authors' code goes on to one of the new children and backs up the V of that; ReST-MCTS* without
its throw-away look-ahead (labels have it: `annotate.rest_mcts`). Its gate may end the search at
an unfinished step; `enough` asks for a finished one.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

import numpy as np

from surefoot.core.budget import Budget
from surefoot.core.errors import KindError
from surefoot.core.protocols import Checker, Sampler, Scorer
from surefoot.core.types import Problem, Step
from surefoot.search.fit import CHANCES
from surefoot.search.result import Found, Unfinished
from surefoot.search.search_tree import SearchTree, positive
from surefoot.trees.select import descend, puct, token_prior, ucb, uct


class Child(NamedTuple):
    """What a rule sees of a child. q: W / N, 0 unvisited. v: the verifier's. p: its prior.
    n, parent: visits of the child and of its parent."""

    q: float
    v: float
    p: float
    n: int
    parent: int


ATTEMPTS = 4  # prefixes that are tried to be completed where nothing was finished

Rule = Callable[[Child], float]
Priors = Callable[[Sequence[Step]], list[float]]


# --- rules and priors ------------------------------------------------------


def uct_rule(child: Child, *, weight: float = math.sqrt(2)) -> float:
    """UCT; unvisited children first, in order."""
    return uct(child.q, child.parent, child.n, weight=weight)


def alphamath_rule(child: Child, *, weight: float = 1.25) -> float:
    """AlphaMath's PUCT, values in [-1, 1]."""
    q = 2 * child.q - 1 if child.n else 0.0
    return puct(q, child.p, child.parent, child.n, weight=weight)


def ts_llm_rule(child: Child, *, base: float = 19652, init: float = 1.25) -> float:
    """AlphaZero's PUCT as TS-LLM and openr have it."""
    weight = math.log((child.parent + base + 1) / base) + init
    return puct(child.q if child.n else child.v, child.p, child.parent, child.n, weight=weight)


def rest_mcts_rule(child: Child, *, weight: float = 0.7) -> float:
    """ReST-MCTS*'s UCB."""
    return ucb(child.q if child.n else child.v, child.parent, child.n, weight=weight)


def token_priors(steps: Sequence[Step]) -> list[float]:
    """P of each step by itself: exp of its mean token log-probability (AlphaMath)."""
    return [token_prior(step) for step in steps]


def sibling_priors(steps: Sequence[Step]) -> list[float]:
    """The same, adding up to 1 over siblings (TS-LLM, openr)."""
    priors = token_priors(steps)
    total = math.fsum(priors)
    return [p / total for p in priors] if total else [1 / len(steps)] * len(steps)


# --- the search ------------------------------------------------------------


def mcts(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    score: Scorer,
    rng: np.random.Generator,
    simulations: int = 40,
    width: int = 5,
    batch: int = 1,
    depth: int = 64,
    rule: Rule = alphamath_rule,
    priors: Priors = token_priors,
    expand_at: int = 1,
    enough: float = math.inf,
    aggregation: str | None = None,
    budget: Budget | None = None,
) -> Found | Unfinished:
    """The finished solution of highest V in a tree grown by at most `simulations` visits.

    batch: leaves visited at once. depth: a step at this depth that does not end its solution
      is worth nothing. expand_at: a leaf is expanded on this visit of it (TS-LLM: 2); on
      those before, its V is backed up alone. enough: a finished solution of this V ends it.
    Cost: at most `simulations` * `width` steps and as many scores.
    Raises InputError unless simulations, width, batch, depth and expand_at are at least 1.
    """
    positive(simulations=simulations, width=width, batch=batch, depth=depth, expand_at=expand_at)
    search = SearchTree(
        problem=problem, sample=sample, check=check, score=score, rng=rng,
        aggregation=aggregation, budget=budget,
    )  # fmt: skip
    forest, left = _Forest(search, rule, priors, width, depth, expand_at), simulations
    while left > 0 and forest.open[0] and forest.best < enough:
        most = min(batch, left)
        if not search.affords(most * width):
            break
        leaves = forest.leaves(most)
        forest.visit(leaves)
        left -= len(leaves)
    return conclude(search, [n for n, below in enumerate(forest.children) if not below])


@dataclass(slots=True)
class _Forest:
    """What selection knows of each node.

    children: [N] in order of their making. open: [N] may it be entered? prior: [N] P.
    worth: [N] V; None where the verifier was not asked.
    """

    search: SearchTree
    rule: Rule
    priors: Priors
    width: int
    depth: int
    expand_at: int
    children: list[list[int]] = field(default_factory=lambda: [[]])
    open: list[bool] = field(default_factory=lambda: [True])
    prior: list[float] = field(default_factory=lambda: [1.0])
    worth: list[float | None] = field(default_factory=lambda: [None])
    best: float = -math.inf  # V of the best finished solution

    def leaves(self, count: int) -> list[int]:
        """Up to `count` different leaves, as if each visit before had brought nothing."""
        tree = self.search.tree
        chosen: list[int] = []
        while len(chosen) < count and self.open[0]:
            leaf = descend(self.children, self._look, self.open)
            chosen.append(leaf)
            for node in tree.path(leaf):
                tree.visits[node] += 1
            self._close(leaf)
        for node in (node for leaf in chosen for node in tree.path(leaf)):
            tree.visits[node] -= 1
            self.open[node] = True
        return chosen

    def visit(self, leaves: Sequence[int]) -> None:
        """Expands those leaves whose time has come, and backs up the worth of all."""
        visits = self.search.tree.visits
        due = [leaf for leaf in leaves if not leaf or visits[leaf] + 1 >= self.expand_at]
        if due:
            self._expand(due)
        for leaf in leaves:
            worth = self.worth[leaf]
            if worth is not None:
                self.search.tree.back_up(leaf, worth)

    def _expand(self, due: Sequence[int]) -> None:
        before = len(self.search.tree)
        ends = list(dict.fromkeys(chain.from_iterable(self.search.grow(due, self.width))))
        self._enter(before, due)
        for end, worth in zip(ends, probabilities(self.search, ends), strict=True):
            self._found(end, worth, before)
        if self.worth[0] is None:
            self.worth[0] = self._mean_worth(self.children[0])
        for leaf in due:
            if not self.children[leaf]:
                self._close(leaf)

    def _enter(self, before: int, due: Sequence[int]) -> None:
        """Makes rows for the nodes from `before` on; the children of `due` get their priors."""
        tree = self.search.tree
        for node in range(before, len(tree)):
            self.children[tree.parents[node]].append(node)
            self.children.append([])
            self.open.append(True)
            self.prior.append(1.0)
            self.worth.append(None)
        for below in (self.children[leaf] for leaf in due):
            priors = self.priors([tree.steps[child] for child in below])
            for child, prior in zip(below, priors, strict=True):
                self.prior[child] = prior

    def _mean_worth(self, nodes: Sequence[int]) -> float | None:
        known = [worth for node in nodes if (worth := self.worth[node]) is not None]
        return math.fsum(known) / len(known) if known else None

    def _found(self, end: int, worth: float | None, before: int) -> None:
        """Notes V of where a completion came to, and closes it if nothing goes on from there."""
        tree, finished = self.search.tree, end in self.search.ended
        node = end
        while node >= before and self.worth[node] is None:  # several steps are one move
            self.worth[node] = worth
            node = tree.parents[node]
        if finished and worth is not None:
            self.best = max(self.best, worth)
        if end < before:  # a leaf that ended without another step; it is backed up as a leaf
            return
        if finished or len(tree.path(end)) > self.depth:
            tree.back_up(end, (worth or 0.0) if finished else 0.0)
            self._close(end)

    def _look(self, child: int) -> float:
        tree = self.search.tree
        n = tree.visits[child]
        q = tree.value_sums[child] / n if n else 0.0
        parent = tree.visits[tree.parents[child]]
        return self.rule(Child(q, self.worth[child] or 0.0, self.prior[child], n, parent))

    def _close(self, node: int) -> None:
        """Not to be entered; nor is what has nothing else below it."""
        while node >= 0:
            self.open[node] = any(self.open[child] for child in self.children[node])
            if self.open[node]:
                return
            node = self.search.tree.parents[node]


def probabilities(search: SearchTree, nodes_N: Sequence[int]) -> list[float | None]:
    """[N] the verifier's V of prefixes, in [0, 1]; None where the budget ended before."""
    values = search.values(nodes_N)
    search.need_kind(CHANCES, "a tree search")
    return [None if value == -math.inf else as_probability(value) for value in values]


def as_probability(value: float) -> float:
    """The value itself. Raises KindError unless it lies in [0, 1]: a tree search weighs its
    values against a bonus for the unknown, which has that scale."""
    if 0 <= value <= 1:
        return value
    raise KindError(
        f"a tree search needs scores that come to probabilities in [0, 1], got {value:.6g}; "
        "calibrate them, or use a search that only ranks, such as beam"
    )


def conclude(search: SearchTree, nodes_N: Sequence[int]) -> Found | Unfinished:
    """The best finished solution; without one the best of the prefixes, completed.

    If that one is cut off the next best is tried, up to ATTEMPTS.
    """
    leaves = [node for node in nodes_N if node]
    worth = {} if search.ended else dict(zip(leaves, probabilities(search, leaves), strict=True))
    ranked = sorted(worth, key=lambda node: -(worth[node] or 0.0))[:ATTEMPTS] or [0]
    for node in ranked:
        if not search.ended:
            search.finish([node])
    return search.result(())
