"""AB-MCTS-A: wider or deeper, decided by Thompson sampling (Inoue et al., arXiv:2503.04412).

A node is a whole solution, its child a refinement of it. Every node has an arm for a new
child and one for going on below, and one more for each child:

    descend    draw from the arms "new" and "on"; if "on" wins, draw from the children's and
               enter the best of them; else a new child is made here
    update     the new child's worth: arm "new" here; "on" and the child's arm all the way up

    gaussian   s2 ~ InvGamma(nu / 2, nu tau2 / 2),  mu ~ N(m, s2 / kappa), a draw is mu;
               prior m, kappa, nu, tau2 = 0, 1, 1, 0.1. After x: kappa + 1, nu + 1,
               m + (x - m) / (kappa + 1),  nu tau2 + (x - m)^2 kappa / (kappa + 1)
    beta       a draw of Beta(1/2 + sum x, 1/2 + sum (1 - x))

A batch descends several times before it updates, which Thompson sampling allows: its draws
differ. A refinement is asked for by `improve`, a function of problem and solution.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from surefoot.core.budget import Budget, Meter
from surefoot.core.errors import InputError
from surefoot.core.protocols import Checker, Sampler, Scorer
from surefoot.core.tree import Tree
from surefoot.core.types import Problem, Step, Trace
from surefoot.search.fit import CHANCES, need_kinds
from surefoot.search.mcts import as_probability
from surefoot.search.result import (
    Found,
    Unfinished,
    best_of,
    score_traces,
    spend_completions,
    totals,
)
from surefoot.steps.sample import finished_trace

Improve = Callable[[Problem, Trace], Problem]


class Arm(Protocol):
    """What is believed of one choice, from the worths in [0, 1] that it brought."""

    def draw(self, rng: np.random.Generator) -> float:
        """One sample of its mean worth."""

    def after(self, worth: float) -> "Arm":
        """The belief after one more."""


@dataclass(frozen=True, slots=True)
class Gaussian:
    """Normal-inverse-gamma: the worths' mean and spread are both unknown."""

    m: float = 0.0
    kappa: float = 1.0
    nu: float = 1.0
    tau2: float = 0.1

    def draw(self, rng: np.random.Generator) -> float:
        """One sample of mu."""
        spread = self.nu * self.tau2 / 2 / rng.gamma(self.nu / 2)
        return float(rng.normal(self.m, np.sqrt(spread / self.kappa)))

    def after(self, worth: float) -> "Gaussian":
        """The posterior."""
        off = worth - self.m
        tau2 = (self.nu * self.tau2 + off * off * self.kappa / (self.kappa + 1)) / (self.nu + 1)
        return Gaussian(self.m + off / (self.kappa + 1), self.kappa + 1, self.nu + 1, tau2)


@dataclass(frozen=True, slots=True)
class Beta:
    """A worth counts as that part of a success."""

    a: float = 0.5
    b: float = 0.5

    def draw(self, rng: np.random.Generator) -> float:
        """One sample of the chance of success."""
        return float(rng.beta(self.a, self.b))

    def after(self, worth: float) -> "Beta":
        """The posterior."""
        return Beta(self.a + worth, self.b + 1 - worth)


def asked_to_improve(problem: Problem, trace: Trace) -> Problem:
    """The problem with an attempt below it, to be solved anew."""
    text = f"{problem.text}\n\nAn attempt:\n{trace.text}\n\nFind its mistakes and solve it again."
    return replace(problem, text=text)


def ab_mcts(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    score: Scorer,
    rng: np.random.Generator,
    attempts: int = 16,
    batch: int = 1,
    arm: Arm = Gaussian(),
    improve: Improve = asked_to_improve,
    aggregation: str | None = None,
    budget: Budget | None = None,
) -> Found | Unfinished:
    """The best of `attempts` solutions, each drawn anew or as a refinement of another.

    arm: the prior of every arm. The tree's steps are whole solutions; a node's visits and
    value sum are those of the attempts below it and its own.
    Cost: `attempts` whole solutions and as many scores. A solution that was cut off is worth 0.
    Raises InputError unless attempts and batch are at least 1.
    """
    if min(attempts, batch) < 1:
        raise InputError(f"attempts and batch must be 1 or more, got {attempts, batch}")
    search = _Search(problem, sample, check, score, rng, improve, aggregation, arm)
    search.meter = Meter(budget or Budget())
    left = attempts
    while left > 0 and not search.meter.exhausted():
        nodes = [search.chosen() for _ in range(min(batch, left))]
        for node in dict.fromkeys(nodes):
            if not search.meter.exhausted():
                search.attempt(node, nodes.count(node))
        left -= len(nodes)
    return search.result()


@dataclass(slots=True)
class _Node:
    """A solution and the beliefs at it. of_child: the arm by which its parent enters it."""

    trace: Trace | None
    new: Arm
    on: Arm
    of_child: Arm
    children: list[int] = field(default_factory=list)
    worth: float | None = None


@dataclass(slots=True)
class _Search:
    problem: Problem
    sample: Sampler
    check: Checker
    score: Scorer
    rng: np.random.Generator
    improve: Improve
    aggregation: str | None
    arm: Arm
    meter: Meter = field(default_factory=Meter)
    tree: Tree = field(default_factory=Tree)
    nodes: list[_Node] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.nodes.append(_Node(None, self.arm, self.arm, self.arm))

    def chosen(self) -> int:
        """The node that gets the next child."""
        node = 0
        while (below := self.nodes[node].children) and (
            self.nodes[node].on.draw(self.rng) > self.nodes[node].new.draw(self.rng)
        ):
            node = max(below, key=lambda child: self.nodes[child].of_child.draw(self.rng))
        return node

    def attempt(self, parent: int, count: int) -> None:
        """Draws and judges `count` children of a node."""
        rows = self.sample(self._asked(parent), [()], count=count, rng=self.rng)
        spend_completions(self.meter, rows)
        traces = [finished_trace(self.problem, (), end, self.check) for end in rows[0] if end.steps]
        finished = [trace for trace in traces if trace.finished]
        scores_N = score_traces(self.score, finished, self.meter)
        need_kinds(scores_N, CHANCES, "a tree search")
        worths = totals(scores_N, self.aggregation)
        for i, trace in enumerate(finished):
            self._learn(parent, trace, as_probability(worths[i]) if i < len(worths) else None)
        for _ in range(count - len(finished)):
            self.nodes[parent].new = self.nodes[parent].new.after(0.0)

    def _asked(self, parent: int) -> Problem:
        before = self.nodes[parent].trace
        return self.problem if before is None else self.improve(self.problem, before)

    def _learn(self, parent: int, trace: Trace, worth: float | None) -> None:
        text = f"{trace.text}\n[attempt {len(self.nodes)}]"  # equal texts are still two attempts
        node = self.tree.add(parent, Step(text))
        self.tree.finished[node], self.tree.verdicts[node] = True, trace.verdict
        self.tree.scores[node] = worth
        self.nodes.append(_Node(trace, self.arm, self.arm, self.arm, worth=worth))
        self.nodes[parent].children.append(node)
        if worth is None:  # the budget ended before it was judged
            return
        self.tree.back_up(node, worth)
        self.nodes[parent].new = self.nodes[parent].new.after(worth)
        self.nodes[node].of_child = self.nodes[node].of_child.after(worth)
        while parent > 0:
            self.nodes[parent].of_child = self.nodes[parent].of_child.after(worth)
            parent = self.tree.parents[parent]
            self.nodes[parent].on = self.nodes[parent].on.after(worth)

    def result(self) -> Found | Unfinished:
        """The attempt of highest worth; those that were not judged only if none was."""
        known = sorted(self.nodes[1:], key=lambda node: node.worth is None)
        traces = [node.trace for node in known if node.trace is not None]
        worths = [node.worth for node in known if node.worth is not None]
        if not traces:
            why = self.meter.exhausted() or "the policy finished no solution"
            return Unfinished(self.problem, why, (), self.meter.total(), self.tree)
        return replace(best_of(self.problem, traces, worths, self.meter), tree=self.tree)
