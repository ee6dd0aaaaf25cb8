"""OmegaPRM: binary search for the first error (Luo et al., arXiv:2406.06592).

    MC(s_1..s_t) = c / k          c of k rollouts from the prefix end correctly
    MC > 0: the prefix is sound, the first error comes later;   MC = 0: it has come

`omega` grows a tree. Its pool holds the wrong rollouts r of states s with 0 < MC(s) < 1;
each search takes the best of them out of the pool and bisects it from s on:

    Q(s, r) = alpha^(1 - MC(s)) beta^(len(r) / L)       U(s) = c sqrt(sum_i N(s_i)) / (1 + N(s))
    (s, r) = argmax Q + U over the pool, N(s) <- N(s) + 1

N counts selections, and Q + U are computed anew for each, because every selection changes
U everywhere. Wrong rollouts of the states that are probed join the pool.

`omega_trace` does that for one given trace of L steps: k ceil(log2 L) rollouts
instead of the k L of `monte_carlo`. The rule is exact where nothing recovers from
an error. Where a rollout does so with probability b, a probe behind the error
misleads with probability 1 - (1 - b)^k, and more rollouts make it worse.

Dimension key: S steps of the trace.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from surefoot.core.budget import Budget
from surefoot.core.errors import InputError, OverBudget
from surefoot.core.tree import Tree
from surefoot.core.types import Kind, LabelledTrace, Problem, StepLabel, Trace, Verdict
from surefoot.steps.rollout import Rollouts
from surefoot.trees.bisect import first_error_between
from surefoot.trees.grow import Grown, RolloutTree, rollout_tree

Rank = Callable[[float, int, int, int], float]


def omega_rank(
    mc: float,
    tokens: int,
    total: int,
    chosen: int,
    *,
    alpha: float = 0.5,
    beta: float = 0.9,
    length: int = 500,
    weight: float = 0.125,
) -> float:
    """Q + U of a wrong rollout of `tokens` tokens (L: `length`) from a state of value `mc`
    that was selected `chosen` times, of `total` selections in all."""
    q = math.pow(alpha, 1 - mc) * math.pow(beta, tokens / length)
    return q + weight * math.sqrt(total) / (1 + chosen)


def omega(
    problem: Problem,
    *,
    rollouts: Rollouts,
    completions: int = 8,
    searches: int = 100,
    pieces: int = 16,
    rank: Rank = omega_rank,
    budget: Budget | None = None,
) -> Grown:
    """Grows a tree by at most `searches` binary searches; `picks` are the states selected.

    A node's visits and value sum are the readable and the correct ones of its own
    `completions` rollouts; nodes that were not probed have none. Each prefix is probed once.
    A search also ends at a piece with fewer tokens than a mean solution / `pieces`.
    It is over when the pool is empty (at once if the root's rollouts are all right or all
    wrong) or the budget does not allow another probe.
    """
    work = _Pool(rollout_tree(problem, rollouts, budget), completions, rank)
    before, why = rollouts.usage, f"{searches} searches"
    try:
        work.probe(0)
        lengths = [_tokens(work.grown.tree, 0, leaf) for leaf in work.grown.leaves[0]]
        finest = sum(lengths) / len(lengths) / pieces
        for _ in range(searches):
            if not work.pool:
                why = "nothing left to try"
                break
            work.search(*work.pick(), finest)
    except OverBudget as error:
        why = str(error)
    return Grown(problem, work.grown.tree, tuple(work.picks), why, rollouts.usage - before)


@dataclass(slots=True)
class _Pool:
    """pool: the pairs (s, r) of states and ends of wrong rollouts, as an ordered set."""

    grown: RolloutTree
    completions: int
    rank: Rank
    pool: dict[tuple[int, int], None] = field(default_factory=dict)
    picks: list[int] = field(default_factory=list)

    def probe(self, node: int) -> bool | None:
        """Is MC > 0? A state that can go either way gives its wrong rollouts to the pool."""
        new = node not in self.grown.values
        label = self.grown.roll_out(node, self.completions)
        if new and 0 < label.successes < label.tries:
            verdicts = self.grown.tree.verdicts
            wrong = (x for x in self.grown.leaves[node] if verdicts[x] is Verdict.WRONG)
            self.pool |= {(node, leaf): None for leaf in wrong}
        return label.hard

    def pick(self) -> tuple[int, int]:
        """Takes the best pair out of the pool."""
        chosen, tree, total = Counter(self.picks), self.grown.tree, len(self.picks)

        def priority(pair: tuple[int, int]) -> float:
            state, leaf = pair
            mc = tree.value(state) or 0.0  # a state of the pool has one
            return self.rank(mc, _tokens(tree, state, leaf), total, chosen[state])

        best = max(self.pool, key=priority)
        del self.pool[best]
        self.picks.append(best[0])
        return best

    def search(self, state: int, leaf: int, finest: float) -> None:
        """Bisects the rollout from `state` to `leaf`."""
        path = self.grown.tree.path(leaf)
        path = path[path.index(state) :]

        def fine(low: int, high: int) -> bool:
            return _tokens(self.grown.tree, path[low], path[high]) < finest

        first_error_between(len(path) - 1, lambda t: self.probe(path[t]), fine=fine)


def _tokens(tree: Tree, state: int, leaf: int) -> int:
    """Policy tokens between a node and a descendant."""
    path = tree.path(leaf)
    return sum(tree.steps[node].tokens for node in path[path.index(state) + 1 :])


def omega_trace(trace: Trace, *, rollouts: Rollouts, completions: int = 8) -> LabelledTrace:
    """Labels every step, [S]: right before the first error, wrong from it on.

    Labels are of kind correctness: `belief` is the search's conclusion, 1 or 0, beside
    the counts of the prefixes that were probed. A trace that ends correctly is right
    throughout, at no cost; one whose end is not known costs a probe more. A probe
    without a readable rollout ends the search: the steps that are still in question
    have no evidence, and a note says so.
    Raises InputError for a trace without steps.
    """
    steps_S = trace.steps
    if not steps_S:
        raise InputError(f"a trace of problem {trace.problem.id!r} has no steps to label")
    before, length = rollouts.usage, len(steps_S)
    counts: dict[int, StepLabel] = {}

    def sound(t: int) -> bool | None:
        [counts[t]] = rollouts.values([steps_S[:t]], completions)
        return counts[t].hard

    if trace.finished and trace.verdict in (Verdict.CORRECT, Verdict.WRONG):
        won = trace.verdict is Verdict.CORRECT
        counts[length] = StepLabel(Kind.VALUE, int(won), 1, "verdict")
    else:
        sound(length)
    if counts[length].hard is None:  # the error may also come after all the steps
        low, high = 0, length + 1
    elif counts[length].hard:
        low = high = length
    else:
        low, high = first_error_between(length, sound)
    unread = [t for t, label in counts.items() if label.hard is None]
    notes = {"unreadable": f"no rollout after {unread[0]} steps could be read"} if unread else {}
    labels = _labels(length, low, high, counts, f"omega_trace-{completions}")
    return LabelledTrace(trace, labels, rollouts.usage - before, notes)


def _labels(
    length: int, low: int, high: int, counts: Mapping[int, StepLabel], by: str
) -> tuple[StepLabel, ...]:
    nothing = StepLabel(Kind.VALUE, 0, 0, by)

    def belief(t: int) -> float | None:
        if t <= low:
            return 1.0
        return 0.0 if t >= high else None

    seen = [(t, counts.get(t, nothing)) for t in range(1, length + 1)]
    return tuple(
        StepLabel(Kind.CORRECTNESS, label.successes, label.tries, by, belief(t))
        for t, label in seen
    )
