"""The tree that a search over steps grows, and the one meter that pays for it.

    grow        one more step (or the rest) of many prefixes: one call of the policy
    values      the verifier's number for many prefixes: one call, no prefix scored twice
    affords     may another round be drawn, with something left to finish a solution?
    result      the rest is finished, best first, and the best finished solution chosen

A completion that ends without another step ends its prefix. Prefixes that are
equal are one node, whose own score is kept in the tree (`Tree.scores`).

Dimension key: P prefixes, K completions of each, N nodes.
"""

import math
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

import numpy as np

from surefoot.core.budget import Budget, Meter
from surefoot.core.errors import InputError
from surefoot.core.kinds import aggregate
from surefoot.core.protocols import Checker, Sampler, Scorer, Steps, Until
from surefoot.core.tree import Tree
from surefoot.core.types import Completion, Kind, Problem, StepScores, Trace, Usage
from surefoot.search.fit import RANKS, need_kind
from surefoot.search.result import (
    Found,
    Unfinished,
    note_scores,
    score_traces,
    spend_completions,
)
from surefoot.steps.sample import finished_trace

_END = Completion((), finished=True)


@dataclass(slots=True, kw_only=True)
class SearchTree:
    """One problem's search. Node 0 is the empty prefix.

    ended: finished solutions by node, in the order they were made.
    takes: kinds of the verifier's scores that the search can use (`search.fit`).
    seen: the verifier's latest scores, which say of what kind its numbers are.
    """

    problem: Problem
    sample: Sampler
    check: Checker
    score: Scorer
    rng: np.random.Generator
    aggregation: str | None = None
    budget: Budget | None = None
    takes: frozenset[Kind] = RANKS
    meter: Meter = field(default_factory=Meter)
    tree: Tree = field(default_factory=Tree)
    ended: dict[int, Trace] = field(default_factory=dict)
    seen: StepScores | None = None
    _values: dict[int, float] = field(default_factory=dict)
    _scores: dict[tuple[int, int], StepScores] = field(default_factory=dict)
    _steps: dict[int, Steps] = field(default_factory=dict)
    _dearest: Usage = field(default_factory=Usage)  # most that one completion and its score took

    def __post_init__(self) -> None:
        if self.budget is not None:
            self.meter = Meter(self.budget)
        declared = getattr(self.score, "kind", None)  # a function's kind only its scores tell
        if declared is not None:
            need_kind(declared, "the verifier", self.takes, "this search")

    # --- growing -----------------------------------------------------------

    def grow(
        self, nodes_P: Sequence[int], count: int = 1, *, until: Until = "step"
    ) -> list[list[int]]:
        """[P][<= K] where `count` completions of each prefix came to; a silent one is left out.

        A node may be named twice. Those that ended their solution are in `ended`.
        Raises InputError if the policy gave another number of completions.
        """
        prefixes_P = [self.steps(node) for node in nodes_P]
        started = time.monotonic()
        grown_P_K = self._completions(prefixes_P, count, until)
        if until == "step":
            longest = max(c.tokens for c in chain.from_iterable(grown_P_K))
            self._note(Usage(policy_tokens=longest, seconds=time.monotonic() - started))
        self._forget_all_but(nodes_P)
        return [
            [node for c in row if (node := self._add(parent, prefix, c)) is not None]
            for parent, prefix, row in zip(nodes_P, prefixes_P, grown_P_K, strict=True)
        ]

    def steps(self, node: int) -> Steps:
        """The prefix that a node stands for."""
        known = self._steps.get(node)
        return self.tree.prefix(node) if known is None else known

    def open(self, nodes_N: Iterable[int]) -> list[int]:
        """Those that have not ended, each once, in order."""
        return [node for node in dict.fromkeys(nodes_N) if node not in self.ended]

    def _completions(
        self, prefixes_P: Sequence[Steps], count: int, until: Until
    ) -> list[list[Completion]]:
        """[P][K] from the policy, paid for, and as many as were asked for."""
        grown_P_K = self.sample(self.problem, prefixes_P, count=count, rng=self.rng, until=until)
        spend_completions(self.meter, grown_P_K)
        given = sorted({len(row) for row in grown_P_K})
        if len(grown_P_K) != len(prefixes_P) or given != [count]:
            raise InputError(
                f"problem {self.problem.id!r}: {count} completions of {len(prefixes_P)} prefixes "
                f"were asked for, the policy gave {given} of {len(grown_P_K)}"
            )
        return grown_P_K

    def _add(self, node: int, prefix: Steps, completion: Completion) -> int | None:
        for step in completion.steps:
            node = self.tree.add(node, step)
        steps = self._steps.setdefault(node, prefix + completion.steps)
        if completion.finished and steps and node not in self.ended:
            self.ended[node] = finished_trace(self.problem, steps, _END, self.check)
            self.tree.finished[node] = True
            self.tree.verdicts[node] = self.ended[node].verdict
        return node if completion.steps or node in self.ended else None

    def _forget_all_but(self, nodes_P: Sequence[int]) -> None:
        """Long prefixes and their scores are kept for one round, so that any depth fits."""
        kept = set(nodes_P)
        self._steps = {n: steps for n, steps in self._steps.items() if n in kept}
        self._scores = {
            key: s for key, s in self._scores.items() if key[1] in kept or key[1] in self.ended
        }

    # --- judging -----------------------------------------------------------

    def values(self, nodes_N: Sequence[int]) -> list[float]:
        """[N] the verifier's aggregated scores; -inf where the budget ended before."""
        missing = [node for node in dict.fromkeys(nodes_N) if node not in self._values]
        for node, scores in zip(missing, self.scores(missing), strict=False):
            self._values[node] = aggregate(scores, self.aggregation)
        return [self._values.get(node, -math.inf) for node in nodes_N]

    def best_value(self) -> float:
        """The highest value of a finished solution; -inf without one."""
        return max(self.values(list(self.ended)), default=-math.inf)

    def scores(self, nodes_N: Sequence[int], score: Scorer | None = None) -> list[StepScores]:
        """[N] step scores of prefixes by `score` (default: the search's verifier), the new ones
        in one call; [] if there are new ones and the budget has nothing left for a verifier."""
        by = self.score if score is None else score
        new = [n for n in dict.fromkeys(nodes_N) if (id(by), n) not in self._scores]
        if new and not self._judge(new, by):
            return []
        return [self._scores[id(by), node] for node in nodes_N]

    def _judge(self, nodes_N: Sequence[int], by: Scorer) -> bool:
        """Scores prefixes in one call; False if the budget had nothing left for it."""
        started = time.monotonic()
        found = score_traces(by, [self.trace(node) for node in nodes_N], self.meter)
        if not found:
            return False
        for node, scores in zip(nodes_N, found, strict=True):
            self._scores[id(by), node] = scores
            if by is self.score:
                need_kind(scores.kind, scores.by, self.takes, "this search")
                note_scores(self.tree, node, scores)
                self.seen = scores
        most = max(scores.tokens for scores in found)
        self._note(Usage(verifier_tokens=most, seconds=time.monotonic() - started))
        return True

    def need_kind(self, kinds: Collection[Kind], why: str) -> None:
        """Raises KindError, with `why`, if the verifier's scores are of another kind."""
        if self.seen is not None:
            need_kind(self.seen.kind, self.seen.by, kinds, why)

    def trace(self, node: int) -> Trace:
        """The solution that ends here, or the unfinished one that leads here."""
        ended = self.ended.get(node)
        return ended or Trace(self.problem, self.steps(node), finished=False)

    # --- the budget and the end --------------------------------------------

    def affords(self, completions: int) -> bool:
        """Would a round of so many steps, each as dear as the dearest so far and scored, leave
        something to finish a solution with? Before the first round, steps cost nothing yet."""
        dear = self._dearest
        ahead = Usage(
            policy_tokens=completions * dear.policy_tokens + 1,
            verifier_tokens=completions * dear.verifier_tokens + 1,
            calls=2 * completions + 2,
            seconds=2 * dear.seconds,
        )
        return self.meter.exhausted() is None and self.meter.allows(ahead)

    def finish(self, nodes_N: Sequence[int]) -> None:
        """Completes prefixes by one plain continuation each: at once without a budget, else one
        by one while it lasts. What a verifier may spend does not matter any more."""
        limited = self.meter.budget != Budget()
        begun = self.meter.spent.calls > 0
        rest = replace(self.meter.budget, verifier_tokens=None) if begun else self.meter.budget
        groups = [[node] for node in nodes_N] if limited else [list(nodes_N)]
        for group in filter(None, groups):
            if Meter(rest, self.meter.spent, self.meter.started).exhausted():
                return
            self.grow(group, until="end")
            if limited:
                self.values(self.open_ends())

    def open_ends(self) -> list[int]:
        """Finished solutions that have no value yet."""
        return [node for node in self.ended if node not in self._values]

    def result(
        self, left: Sequence[int], rank: "Rank | None" = None, elect: "Elect | None" = None
    ) -> Found | Unfinished:
        """The best finished solution, once the prefixes that are `left` are finished, best first.

        rank: numbers by which the finished are compared; the verifier's by default.
        elect: index of the winner, given the finished and their numbers; the highest by default.
        """
        self.finish(self.open(left))
        if not self.ended:
            partial = tuple(self.trace(node) for node in left if node)
            why = self.meter.exhausted() or "the policy finished no solution"
            return Unfinished(self.problem, why, partial, self.meter.total(), self.tree)
        nodes, scores = self._ranked(rank)
        winner = (elect or highest)(self, nodes[: len(scores)], scores) if scores else 0
        traces = tuple(self.ended[node] for node in nodes)
        usage = self.meter.total()
        return Found(self.problem, traces[winner], traces, scores, usage, self.tree)

    def _ranked(self, rank: "Rank | None") -> tuple[list[int], tuple[float, ...]]:
        """The finished solutions, those that have a number first, and those numbers."""
        ended = list(self.ended)
        numbers = dict(zip(ended, (rank or SearchTree.values)(self, ended), strict=True))
        nodes = sorted(ended, key=lambda node: numbers[node] == -math.inf)
        return nodes, tuple(numbers[n] for n in nodes if numbers[n] != -math.inf)

    def _note(self, cost: Usage) -> None:
        dear = self._dearest
        self._dearest = Usage(
            policy_tokens=max(dear.policy_tokens, cost.policy_tokens),
            verifier_tokens=max(dear.verifier_tokens, cost.verifier_tokens),
            seconds=max(dear.seconds, cost.seconds),
        )


def positive(**sizes: int) -> None:
    """Raises InputError, naming them all, unless each is 1 or more."""
    if min(sizes.values()) < 1:
        told = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise InputError(f"{' and '.join(sizes)} must be 1 or more, got {told}")


Rank = Callable[[SearchTree, Sequence[int]], list[float]]
Elect = Callable[[SearchTree, Sequence[int], Sequence[float]], int]


def highest(search: SearchTree, nodes_N: Sequence[int], scores_N: Sequence[float]) -> int:  # noqa: ARG001
    """The index of the highest score, the first of equals."""
    return int(np.argmax(scores_N))


def best(
    search: SearchTree, nodes_N: Sequence[int], room: int, rank: Rank = SearchTree.values
) -> list[int]:
    """The `room` best prefixes, best first; nothing is ranked if all fit or none may stay.

    What the budget left without a number keeps its place behind the others.
    """
    if room <= 0 or len(nodes_N) <= room:
        return list(nodes_N[: max(room, 0)])
    numbers = rank(search, nodes_N)
    order = sorted(range(len(nodes_N)), key=lambda i: -numbers[i])
    return [nodes_N[i] for i in order[:room]]
