"""One property over all methods that grow a tree: seeds, budgets, kills."""

from functools import partial

import pytest
from interruptions import Journalled, Killed, exact_values

from surefoot.annotate import alphamath, omega, relative, rest_mcts
from surefoot.core.budget import Budget
from surefoot.core.tree import Tree
from surefoot.steps import Rollouts
from surefoot.tasks.toy import ToyWorld

WORLD = ToyWorld(length=8, slip=0.2, recover=0.15, unreadable=0.1)


def by_rollouts(method, sample, seed=0, **settings):
    [problem] = WORLD.problems(1)
    rollouts = Rollouts(problem, sample=sample, check=WORLD.check, seed=seed)
    return method(problem, rollouts=rollouts, **settings)


def by_steps(method, sample, seed=0, **settings):
    [problem] = WORLD.problems(1)
    value = exact_values(WORLD)
    return method(problem, sample=sample, check=WORLD.check, value=value, seed=seed, **settings)


METHODS = {
    "omega": partial(by_rollouts, partial(omega, searches=12)),
    "relative": partial(by_rollouts, partial(relative, expansions=5)),
    "rest_mcts": partial(by_steps, partial(rest_mcts, rounds=15)),
    "alphamath": partial(by_steps, partial(alphamath, simulations=15)),
}
each_method = pytest.mark.parametrize("grow", METHODS.values(), ids=METHODS.keys())


@each_method
def test_same_seed_same_tree(grow):
    assert grow(WORLD.sample, 3) == grow(WORLD.sample, 3)
    assert grow(WORLD.sample, 3).tree != grow(WORLD.sample, 4).tree


@each_method
def test_each_prefix_is_one_node(grow):
    tree = grow(WORLD.sample).tree
    prefixes = [tuple(step.text for step in tree.prefix(node)) for node in range(len(tree))]
    assert len(set(prefixes)) == len(prefixes) > 10
    assert Tree.from_json(tree.to_json()) == tree


@each_method
@pytest.mark.parametrize("calls", [0, 1, 7, 8, 9, 30, 31, 32, 60])
def test_a_budget_of_calls_is_never_exceeded(grow, calls):
    policy = Journalled(WORLD)
    grown = grow(policy, budget=Budget(calls=calls))
    assert grown.usage.calls <= calls
    assert policy.made <= calls
    assert f"{calls} calls" in grown.why


@each_method
@pytest.mark.parametrize("tokens", [0, 1, 20, 60])
def test_a_budget_of_tokens_is_exceeded_by_no_more_than_the_last_call(grow, tokens):
    grown = grow(WORLD.sample, budget=Budget(policy_tokens=tokens))
    assert grown.usage.policy_tokens <= tokens + 8 * 9
    assert f"{tokens} policy_tokens" in grown.why


@each_method
def test_a_smaller_budget_gives_the_beginning_of_the_same_search(grow):
    full = grow(WORLD.sample)
    part = grow(WORLD.sample, budget=Budget(calls=60))
    assert 0 < len(part.picks) < len(full.picks)
    assert full.picks[: len(part.picks)] == part.picks


@each_method
@pytest.mark.parametrize("lives", [1, 10, 25, 50])
def test_a_killed_run_goes_on_and_loses_nothing(grow, lives):
    """Kill it again and again after `lives` more requests: the result is that of one run, and
    no request was computed twice."""
    whole = Journalled(WORLD)
    expected, known = grow(whole), {}
    for _ in range(1 + whole.made // lives):
        before = len(known)
        try:
            found = grow(Journalled(WORLD, known, lives))
        except Killed:
            assert len(known) == before + lives
    assert found == expected
    assert known == whole.known


@pytest.mark.parametrize("method", [omega, relative])
def test_rollouts_that_are_known_already_change_no_result(method):
    """Nor does a budget reach further because somebody else paid."""
    [problem] = WORLD.problems(1)
    shared = Rollouts(problem, sample=WORLD.sample, check=WORLD.check)
    first, again = (method(problem, rollouts=shared, budget=Budget(calls=60)) for _ in range(2))
    assert (again.tree, again.picks) == (first.tree, first.picks)
    assert again.usage.calls == 0 < first.usage.calls
