"""Relative correctness: scores by hand and by property, and the tree they come from."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.annotate import relative, relative_labels, relative_scores, weighted_steps
from surefoot.core.budget import Budget
from surefoot.core.tree import Tree
from surefoot.core.types import Kind, Step, StepLabel, Verdict
from surefoot.steps import Rollouts
from surefoot.tasks.toy import ToyWorld
from surefoot.trees import labelled_traces


@pytest.mark.parametrize(
    ("values", "scores"),
    [
        ([0.5, 0.25], [1.0, -1.0]),
        ([1.0, 0.0, 0.5], [1.0, -1.0, 0.0]),
        ([0.75, 0.0, 0.0], [1.0, -0.5, -0.5]),
        ([0.75, None, 0.0], [1.0, None, -1.0]),
        ([0.5, 0.5], [None, None]),
        ([0.5, None], [None, None]),
        ([None], [None]),
        ([], []),
    ],
)
def test_scores_by_hand(values, scores):
    assert relative_scores(values) == scores


@given(st.lists(st.one_of(st.none(), st.integers(0, 8).map(lambda c: c / 8)), max_size=9))
def test_scores_sum_to_nothing_and_reach_one(values):
    scores = relative_scores(values)
    known = [z for z in scores if z is not None]
    assert math.fsum(known) == pytest.approx(0, abs=1e-12)
    if known:
        assert max(map(abs, known)) == 1
        pairs = [(v, z) for v, z in zip(values, scores, strict=True) if v is not None]
        assert [v for v, _ in sorted(pairs)] == [v for v, _ in sorted(pairs, key=lambda p: p[1])]


def hand_tree():
    """Siblings a (3 of 4), b (0 of 4), and c, which ends wrong."""
    tree = Tree()
    tree.observe(tree.add(0, Step("a")), 3, 4)
    tree.observe(tree.add(0, Step("b")), 0, 4)
    tree.add_path((Step("c"),), finished=True, verdict=Verdict.WRONG)
    tree.add_path((Step("a"), Step("x")), finished=True, verdict=Verdict.CORRECT)
    return tree


def test_targets_by_hand():
    found = weighted_steps(hand_tree(), lowest=0.25)
    assert [(x.prefix, x.step.text, x.weight) for x in found] == [
        ((), "a", 1.0), ((), "b", -0.25), ((), "c", -0.25),
    ]  # fmt: skip
    assert [x.weight for x in weighted_steps(hand_tree())] == [1.0, -0.5, -0.5]


def test_labels_by_hand():
    [problem] = ToyWorld().problems(1)
    tree = hand_tree()
    c, ax = labelled_traces(problem, tree, relative_labels(tree))
    assert c.labels == (StepLabel(Kind.PROGRESS, 0, 1, "relative", -0.5),)
    assert ax.labels == (
        StepLabel(Kind.PROGRESS, 3, 4, "relative", 1.0),
        StepLabel(Kind.PROGRESS, 0, 0, "relative"),
    )


def grow(world, seed=0, **settings):
    [problem] = world.problems(1)
    own = Rollouts(problem, sample=world.sample, check=world.check, seed=seed)
    return relative(problem, rollouts=own, **settings)


def test_good_steps_are_better_than_bad_ones():
    """In every set with both, as their exact values are."""
    tree = grow(ToyWorld(length=5, slip=0.4, recover=0.1), completions=200, expansions=6).tree
    label, sets = relative_labels(tree), 0
    for siblings in tree.children():
        z = {tree.steps[node].text: label(node).value for node in siblings}
        if None not in z.values() and len(z) == 2:
            assert z == pytest.approx({"good": 1.0, "bad": -1.0})
            sets += 1
    assert sets >= 6


def test_values_are_the_exact_ones():
    world = ToyWorld(length=4, slip=0.4, recover=0.2)
    tree = grow(world, completions=1000, expansions=4).tree
    rolled = [node for node in range(len(tree)) if tree.visits[node]]
    assert len(rolled) == 1 + 2 * 4
    for node in rolled:
        value = world.value(tree.prefix(node))
        deviation = math.sqrt(value * (1 - value) / tree.visits[node])
        assert abs(tree.value(node) - value) <= 4 * deviation


def test_each_node_is_expanded_once_and_only_if_it_can_go_either_way():
    grown = grow(ToyWorld(length=5, slip=0.4, recover=0.2), expansions=100)
    assert len(set(grown.picks)) == len(grown.picks) > 5
    assert all(0 < grown.tree.value(node) < 1 for node in grown.picks)
    assert grown.why == "nothing left to try"


def test_the_budget_ends_it():
    grown = grow(ToyWorld(length=9, slip=0.3, recover=0.2), budget=Budget(calls=50))
    assert grown.usage.calls == 48
    assert "50 calls" in grown.why
