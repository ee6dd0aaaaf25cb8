"""How a tree grows within a budget: by whole rollouts, or by one step.

Both are decided by the seed, the problem and the prefix alone. What a method uses is
charged to it whether it was drawn now or known before, so that a budget ends a method
at the same place whoever else shares its rollouts.

Dimension key: K completions of one prefix.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from surefoot.core.budget import Budget, Meter
from surefoot.core.errors import InputError, OverBudget
from surefoot.core.protocols import Checker, Estimator, Sampler, Steps
from surefoot.core.seeds import rng_for
from surefoot.core.tree import Tree
from surefoot.core.types import Completion, Problem, StepLabel, Trace, Usage
from surefoot.steps.rollout import Rollouts, value_of
from surefoot.steps.sample import finished_trace


@dataclass(frozen=True, slots=True)
class Grown:
    """A tree that a method grew for one problem.

    tree: what its visits and value sums mean is said by the method.
    picks: the nodes that were selected, in order.
    why: what ended the growth: a limit's name, or "nothing left to try".
    usage: what had to be drawn for it.
    """

    problem: Problem
    tree: Tree
    picks: tuple[int, ...]
    why: str
    usage: Usage


@dataclass(slots=True)
class RolloutTree:
    """A tree that grows by the rollouts of its nodes; each node is rolled out once.

    leaves: node -> [K] the node where each of its rollouts ends.
    values: node -> success rate of its rollouts, with the counts. The tree's own visits
      and value sums hold the same counts: readable rollouts from the node, and correct ones.
    """

    rollouts: Rollouts
    meter: Meter
    tree: Tree = field(default_factory=Tree)
    leaves: dict[int, list[int]] = field(default_factory=dict)
    values: dict[int, StepLabel] = field(default_factory=dict)

    def roll_out(self, node: int, count: int) -> StepLabel:
        """The value of `node` from `count` rollouts; nothing is drawn or charged again.

        Raises OverBudget before a call that the budget does not allow.
        """
        if node in self.values:
            return self.values[node]
        [traces_K] = draw(self.rollouts, [self.tree.prefix(node)], count, self.meter)
        self.leaves[node] = [
            self.tree.add_path(t.steps, finished=t.finished, verdict=t.verdict)[-1]
            for t in traces_K
        ]
        label = self.values[node] = value_of([trace.verdict for trace in traces_K])
        self.tree.observe(node, label.successes, label.tries)
        return label


def rollout_tree(problem: Problem, rollouts: Rollouts, budget: Budget | None) -> RolloutTree:
    """An empty one. Raises InputError if the rollouts are those of another problem."""
    if rollouts.problem != problem:
        raise InputError(
            f"problem {problem.id!r} was given the rollouts of problem {rollouts.problem.id!r}; "
            "make one Rollouts for each problem"
        )
    return RolloutTree(rollouts, Meter(budget or Budget()))


def draw(
    rollouts: Rollouts, prefixes_P: Sequence[Steps], count: int, meter: Meter
) -> list[list[Trace]]:
    """[P][count] rollouts, charged as if each were new. Raises OverBudget before a call that
    the budget does not allow."""
    pay(meter, len(prefixes_P) * count)
    drawn_P_K = rollouts(prefixes_P, count)
    made = sum(rollouts.tokens(prefix, count) for prefix in prefixes_P)
    meter.spend(Usage(policy_tokens=made, calls=len(prefixes_P) * count))
    return drawn_P_K


def expand(
    tree: Tree,
    node: int,
    *,
    problem: Problem,
    sample: Sampler,
    check: Checker,
    count: int,
    seed: int,
    meter: Meter,
    asked: Problem | None = None,
) -> list[int]:
    """Adds `count` next steps to `node`; returns its new children, equal steps being one.

    A completion that ends the solution without another step finishes `node` itself.
    asked: the problem as the policy shall read it, e.g. with advice; else `problem`.
    Raises OverBudget before a call that the budget does not allow.
    """
    prefix = tree.prefix(node)
    ends_K = next_steps(
        asked or problem, prefix, sample=sample, count=count, seed=seed, meter=meter
    )
    children = []
    for end in ends_K:
        below = node
        for step in end.steps:
            below = tree.add(below, step)
        if end.finished:
            finish(tree, below, problem, check)
        if end.steps:
            children.append(tree.add(node, end.steps[0]))
    return list(dict.fromkeys(children))


def next_steps(
    problem: Problem, prefix: Steps, *, sample: Sampler, count: int, seed: int, meter: Meter
) -> list[Completion]:
    """[K] one-step continuations of a prefix. Raises OverBudget as `expand` does."""
    pay(meter, count)
    texts = (step.text for step in prefix)
    rng = rng_for(seed, "next step", problem.id, problem.text, count, *texts)
    [ends_K] = sample(problem, [prefix], count=count, rng=rng, until="step")
    meter.spend(Usage(policy_tokens=sum(end.tokens for end in ends_K), calls=count))
    return ends_K


def finish(tree: Tree, node: int, problem: Problem, check: Checker) -> None:
    """A solution ends with `node`; it is checked. The root, which has no step, is left alone."""
    if node:
        trace = finished_trace(problem, tree.prefix(node), Completion(()), check)
        tree.finished[node], tree.verdicts[node] = True, trace.verdict


def estimate(
    problem: Problem, prefixes_P: Sequence[Steps], *, value: Estimator, seed: int, meter: Meter
) -> list[float | None]:
    """[P] values of prefixes, in [0, 1]; None without evidence. One call for each is charged.

    Raises OverBudget before a call that the budget does not allow.
    """
    pay(meter, len(prefixes_P))
    rng = rng_for(seed, "value", problem.id, *(s.text for prefix in prefixes_P for s in prefix))
    labels = value(problem, prefixes_P, rng=rng)
    meter.spend(Usage(calls=len(prefixes_P)))
    return [label.value for label in labels]


def pay(meter: Meter, count: int) -> None:
    """Raises OverBudget if `count` more calls would break a limit, or one is reached."""
    meter.check()
    if not meter.allows(Usage(calls=count)):
        raise OverBudget(f"budget of {meter.budget.calls} calls does not allow {count} more")
