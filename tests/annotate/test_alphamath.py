"""AlphaMath: what is backed up adds up, ends are sure, all that is left is searched."""

import math

import pytest
from interruptions import exact_values

from surefoot.annotate import alphamath, value_targets
from surefoot.core.budget import Budget
from surefoot.core.tree import Tree
from surefoot.core.types import Kind, Problem, Step, StepLabel, Verdict
from surefoot.policy import ScriptedPolicy
from surefoot.tasks.toy import ToyWorld
from surefoot.trees import labelled_traces


def search(world, value=None, **settings):
    [problem] = world.problems(1)
    value = value or exact_values(world)
    return alphamath(problem, sample=world.sample, check=world.check, value=value, **settings)


def test_two_simulations_by_hand():
    """Root V = 0.75 (v = 0.5); children a and b, equal priors, so a, the first of them: V = 0.25
    (v = -0.5), and below it x, right (+1), and y, wrong (-1)."""
    policy = ScriptedPolicy({"p": [["a", "x"], ["a", "y"], ["b", "z", "z"]]})
    known = {"": 0.75, "a": 0.25, "b": 0.25}

    def value(problem, prefixes_P, *, rng):
        words = ("".join(step.text for step in prefix) for prefix in prefixes_P)
        return [StepLabel(Kind.VALUE, 0, 0, "table", known[word]) for word in words]

    def check(problem, trace):
        return Verdict.CORRECT if trace.steps[-1].text == "x" else Verdict.WRONG

    grown = alphamath(
        Problem("p", "?", gold="1"), sample=policy, check=check, value=value,
        simulations=2, width=30, select=lambda q, prior, parent, child: -child,
    )  # fmt: skip
    tree = grown.tree
    found = {
        "".join(s.text for s in tree.prefix(n)): (tree.visits[n], tree.value_sums[n])
        for n in range(len(tree))
    }
    assert found == {
        "": (4, 0.5 + 1 - 1 - 0.5), "a": (3, 1 - 1 - 0.5), "b": (0, 0.0),
        "ax": (1, 1.0), "ay": (1, -1.0),
    }  # fmt: skip
    label = value_targets(tree)
    a = next(n for n in range(len(tree)) if tree.steps[n].text == "a")
    assert label(a) == StepLabel(Kind.VALUE, 1.25, 3, "alphamath")
    assert grown.usage.calls == 2 * (30 + 1)


def test_every_node_holds_the_sum_of_what_was_backed_up_through_it():
    world = ToyWorld(length=5, slip=0.3, recover=0.1)
    grown = search(world)
    tree = grown.tree
    children = tree.children()
    own = [
        tree.value_sums[n] - sum(tree.value_sums[c] for c in children[n]) for n in range(len(tree))
    ]
    times = [tree.visits[n] - sum(tree.visits[c] for c in children[n]) for n in range(len(tree))]
    assert sum(times) == tree.visits[0]
    for node in range(len(tree)):
        if tree.finished[node]:
            assert (times[node], own[node]) in [(1, 1.0), (1, -1.0)]
        elif node in grown.picks:
            assert times[node] == 1
            assert own[node] == pytest.approx(2 * world.value(tree.prefix(node)) - 1)
        else:
            assert (times[node], own[node]) == (0, 0.0)


def test_ends_have_the_value_of_their_answer():
    world = ToyWorld(length=4, slip=0.3, recover=0.1, unreadable=0.3)
    grown = search(world)
    packed = labelled_traces(grown.problem, grown.tree, value_targets(grown.tree))
    ends = [x for x in packed if x.labels[-1].tries and len(x.trace.steps) == 4]
    assert ends
    for item in ends:
        right = item.trace.verdict is Verdict.CORRECT
        assert item.labels[-1].value == float(right)


def test_what_all_has_ended_is_not_entered_again():
    world = ToyWorld(length=2, slip=0.5, recover=0.5)
    grown = search(world, width=20)
    assert grown.why == "nothing left to try"
    assert len(grown.picks) == 1 + 2, "the root, then good and bad"
    assert len(set(grown.picks)) == 3


def test_solutions_that_never_end_count_as_wrong():
    grown = search(ToyWorld(length=50, slip=0.5, recover=0.5), depth=2, simulations=60)
    tree = grown.tree
    assert grown.why == "nothing left to try"
    deep = [n for n in range(len(tree)) if len(tree.path(n)) - 1 == 3]
    assert deep
    assert all(tree.value(node) == -1 for node in deep)
    assert max(len(tree.path(n)) - 1 for n in range(len(tree))) == 3


def test_a_policy_that_writes_nothing_is_an_end_without_an_answer():
    problem = Problem("p", "?", gold="1")

    def value(problem, prefixes_P, *, rng):
        return [StepLabel(Kind.VALUE, 1, 2, "half")]

    grown = alphamath(
        problem, sample=ScriptedPolicy({"p": []}), check=lambda *_: 1 / 0, value=value
    )
    assert (grown.tree.visits, grown.tree.value_sums) == ([1], [-1.0])


def test_a_value_head_that_knows_nothing_backs_up_nothing():
    def nothing(problem, prefixes_P, *, rng):
        return [StepLabel(Kind.VALUE, 0, 0, "nobody")]

    grown = search(ToyWorld(length=4), nothing)
    tree = grown.tree
    ends = sum(tree.finished)
    assert tree.visits[0] == ends > 0


def test_steps_that_were_never_visited_have_no_target():
    tree = Tree()
    node = tree.add(0, Step("a"))
    assert value_targets(tree)(node).value is None


def test_the_budget_ends_it():
    grown = search(ToyWorld(length=9), budget=Budget(calls=31))
    assert grown.usage.calls <= 31
    assert math.floor(31 / 6) == len(grown.picks) - 1
