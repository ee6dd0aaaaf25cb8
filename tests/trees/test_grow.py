"""Growth within a budget, and traces whose labels are those of their nodes."""

import pytest

from surefoot.core.budget import Budget, Meter
from surefoot.core.errors import OverBudget
from surefoot.core.tree import Tree
from surefoot.core.types import Completion, Kind, Problem, Step, StepLabel, Trace, Usage, Verdict
from surefoot.policy import ScriptedPolicy
from surefoot.steps import Rollouts
from surefoot.tasks.toy import ToyWorld
from surefoot.trees import counted, draw, expand, labelled_traces, rollout_tree

WORLD = ToyWorld(length=3, slip=0.3, recover=0.1)
PROBLEM = WORLD.problems(1)[0]
SCRIPTED = Problem("p", "?", gold="5")
POLICY = ScriptedPolicy({"p": [["a", "The answer is 5"], ["a", "The answer is 6"], ["b"]]})


def is_five(problem, trace):
    return Verdict.CORRECT if trace.answer == "5" else Verdict.WRONG


def tree_of(budget=None):
    rollouts = Rollouts(PROBLEM, sample=WORLD.sample, check=WORLD.check)
    return rollout_tree(PROBLEM, rollouts, budget)


def test_a_rolled_out_node_has_its_rollouts_below_it_and_their_counts():
    grown = tree_of()
    label = grown.roll_out(0, 10)
    tree, ends = grown.tree, grown.leaves[0]
    assert len(ends) == 10
    assert sum(tree.verdicts[end] is Verdict.CORRECT for end in ends) == label.successes
    assert (tree.visits[0], tree.value_sums[0]) == (label.tries, label.successes)
    assert tree.visits[1:] == [0] * (len(tree) - 1), "no backing up"
    assert grown.meter.spent == Usage(policy_tokens=30, calls=10)


def test_rolling_out_again_costs_nothing_and_changes_nothing():
    grown = tree_of()
    first = grown.roll_out(0, 10)
    tree = Tree.from_json(grown.tree.to_json())
    assert grown.roll_out(0, 10) == first
    assert (grown.tree, grown.meter.spent.calls) == (tree, 10)


def test_only_new_tokens_are_charged():
    grown = tree_of()
    node = grown.tree.add(0, Step("good", (1,)))
    grown.roll_out(node, 5)
    assert grown.meter.spent.policy_tokens == 5 * 2


@pytest.mark.parametrize("begun", [0, 2, 5])
def test_tokens_of_no_step_are_charged_whoever_drew_them(begun):
    """An end of text that comes alone after one step, and after none."""

    def sample(problem, prefixes_P, *, count, rng, until="end"):
        step = Completion((Step("a", size=3),), silent=1)
        return [[Completion((), silent=1) if prefix else step] * count for prefix in prefixes_P]

    rollouts = Rollouts(SCRIPTED, sample=sample, check=is_five)
    prefixes = [(), (Step("b", size=7),)]
    if begun:
        rollouts(prefixes, begun)
    meter = Meter()
    draw(rollouts, prefixes, 5, meter)
    assert meter.spent == Usage(policy_tokens=5 * 4 + 5 * 1, calls=10) == rollouts.usage


@pytest.mark.parametrize(
    ("budget", "rolled"),
    [(Budget(calls=9), 0), (Budget(calls=10), 1), (Budget(calls=19), 1), (Budget(calls=20), 2),
     (Budget(policy_tokens=1), 1), (Budget(policy_tokens=31), 2), (Budget(policy_tokens=0), 0)],
)  # fmt: skip
def test_calls_are_never_over_the_budget_and_tokens_by_one_batch_at_most(budget, rolled):
    grown = tree_of(budget)
    nodes = [0, grown.tree.add(0, Step("good", (1,))), grown.tree.add(0, Step("bad", (0,)))]
    with pytest.raises(OverBudget):
        [grown.roll_out(node, 10) for node in nodes]
    assert len(grown.values) == rolled


def test_expanding_merges_equal_steps_and_checks_the_ends():
    tree, meter = Tree(), Meter()

    def grow(node):
        return expand(
            tree,
            node,
            problem=SCRIPTED,
            sample=POLICY,
            check=is_five,
            count=20,
            seed=0,
            meter=meter,
        )

    a, b = sorted(grow(0), key=lambda node: tree.steps[node].text)
    assert [tree.steps[a].text, tree.steps[b].text] == ["a", "b"]
    assert (tree.finished[b], tree.verdicts[b]) == (True, Verdict.WRONG)
    assert (tree.finished[a], tree.verdicts[a]) == (False, None)
    ends = {tree.steps[node].text: tree.verdicts[node] for node in grow(a)}
    assert ends == {"The answer is 5": Verdict.CORRECT, "The answer is 6": Verdict.WRONG}
    assert meter.spent.calls == 40


def test_a_solution_that_ends_without_another_step_finishes_its_node():
    done = ToyWorld(length=1)
    tree, [problem] = Tree(), done.problems(1)
    node = tree.add(0, Step("good"))
    made = expand(
        tree, node, problem=problem, sample=done.sample, check=done.check,
        count=3, seed=0, meter=Meter(),
    )  # fmt: skip
    assert made == []
    assert (tree.finished[node], tree.verdicts[node]) == (True, Verdict.CORRECT)


def test_packed_by_hand():
    tree = Tree()
    good, five = Step("good"), Step("The answer is 5")
    [_, node, _] = tree.add_path((good, five), finished=True, verdict=Verdict.CORRECT)
    tree.add_path((good,), finished=False)
    tree.add_path((Step("b"), Step("?")), finished=True, verdict=Verdict.UNREADABLE)
    tree.observe(node, 3, 4)
    first, second = labelled_traces(SCRIPTED, tree, counted(tree, "me"))
    assert first.trace == Trace(SCRIPTED, (good, five), "5", Verdict.CORRECT)
    assert first.labels == (
        StepLabel(Kind.VALUE, 3, 4, "me"),
        StepLabel(Kind.VALUE, 1, 1, "verdict"),
    )
    assert second.trace.verdict is Verdict.UNREADABLE
    assert [label.value for label in second.labels] == [None, None]


def test_a_tree_without_a_finished_solution_packs_to_nothing():
    assert labelled_traces(SCRIPTED, Tree(), counted(Tree(), "me")) == []
