"""Tree searches: rules by hand, batches, ends, and a kill in mid-tree."""

import json
import math
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.core.budget import Budget
from surefoot.core.errors import InputError, KindError
from surefoot.core.types import Completion, Kind, Problem, Step, StepScores, Verdict
from surefoot.policy import ScriptedPolicy
from surefoot.search import Found, Unfinished, best_of_n, mcts, tot_bfs, tot_dfs
from surefoot.search.mcts import (
    Child,
    alphamath_rule,
    rest_mcts_rule,
    sibling_priors,
    token_priors,
    ts_llm_rule,
    uct_rule,
)
from surefoot.search.tree_of_thoughts import by_lot, greedily, worded_value
from surefoot.tasks.toy import ToyWorld

RULES = {
    "uct": {"rule": uct_rule},
    "alphamath": {"rule": alphamath_rule},
    "ts_llm": {"rule": ts_llm_rule, "priors": sibling_priors, "expand_at": 2},
    "rest_mcts": {"rule": rest_mcts_rule},
}
TREES = {name: partial(mcts, **settings) for name, settings in RULES.items()}
TREES |= {"in batches": partial(mcts, batch=4), "tot_bfs": tot_bfs, "tot_dfs": tot_dfs}
every_tree = pytest.mark.parametrize("search", TREES.values(), ids=TREES)


@pytest.mark.parametrize(
    ("rule", "child", "score"),
    [
        (alphamath_rule, Child(q=0.75, v=0.1, p=0.4, n=2, parent=9), 1.0),  # Q = .5 of [-1, 1]
        (alphamath_rule, Child(q=0.0, v=0.1, p=0.4, n=0, parent=9), 1.25 * 0.4 * 3),
        (rest_mcts_rule, Child(q=0.6, v=0.1, p=0.4, n=4, parent=10), 1.3511),
        (rest_mcts_rule, Child(q=0.0, v=0.1, p=0.4, n=0, parent=10), 1.1),
        (partial(uct_rule, weight=2), Child(q=0.75, v=0.1, p=0.4, n=4, parent=10), 2.2674),
        (uct_rule, Child(q=0.0, v=0.1, p=0.4, n=0, parent=10), math.inf),
        (ts_llm_rule, Child(q=0.5, v=0.1, p=0.4, n=2, parent=9), 0.5 + 1.25051 * 0.4),
        (ts_llm_rule, Child(q=0.0, v=0.1, p=0.4, n=0, parent=9), 0.1 + 1.25051 * 0.4 * 3),
    ],
)
def test_rules_by_hand(rule, child, score):
    assert rule(child) == pytest.approx(score, abs=5e-5)


def test_priors_by_hand():
    steps = [
        Step("a", (1, 1), (math.log(0.5), math.log(0.125))),
        Step("b", (1,), (math.log(0.75),)),
    ]
    assert token_priors(steps) == pytest.approx([0.25, 0.75])
    assert sibling_priors([steps[0], steps[0]]) == pytest.approx([0.5, 0.5])
    assert sibling_priors([Step("a", (1,), (-math.inf,))] * 2) == [0.5, 0.5]


def run(search, world, score, *, seed=0, problem=None, **settings):
    [only] = world.problems(1)
    return search(
        problem or only, sample=world.sample, check=world.check, score=score,
        rng=np.random.default_rng(seed), **settings,
    )  # fmt: skip


@every_tree
def test_the_tree_is_whole_and_the_same_for_the_same_seed(search, world, exact):
    found = run(search, world, exact(world), seed=3)
    assert found == run(search, world, exact(world), seed=3)
    tree = found.tree
    ends = {tree.prefix(node) for node in range(len(tree)) if tree.finished[node]}
    assert {trace.steps for trace in found.candidates} == ends
    assert all(
        tree.scores[node] == world.value(tree.prefix(node)) for node in range(1, len(tree))
    ), "every step keeps its own score"


@given(st.integers(0, 50), st.integers(1, 9), st.integers(1, 4), st.sampled_from(list(RULES)))
def test_visits_and_values_add_up(seed, batch, width, name):
    """A node has been visited as often as its children and itself; nothing virtual is left."""
    world = ToyWorld(length=4, slip=0.3, recover=0.2)

    def score(traces_N):
        return [
            StepScores(
                Kind.VALUE, tuple(world.value(t.steps[: s + 1]) for s in range(len(t.steps))), ""
            )
            for t in traces_N
        ]  # fmt: skip

    found = run(
        mcts, world, score, seed=seed, simulations=12, batch=batch, width=width, **RULES[name]
    )
    tree = found.tree
    for node, below in enumerate(tree.children()):
        assert tree.visits[node] >= sum(tree.visits[child] for child in below)
        assert 0 <= tree.value_sums[node] <= tree.visits[node] + 1e-9
    assert tree.visits[0] <= 12 + sum(tree.finished)


def test_a_search_by_hand(constant):
    """Two solutions of one step, worth .9 and .2: after two visits of the root all is known."""
    script = ScriptedPolicy({"p": [["good"], ["bad"]]})

    def score(traces_N):
        worth = {"good": 0.9, "bad": 0.2}
        return [StepScores(Kind.VALUE, tuple(worth[s.text] for s in t.steps), "") for t in traces_N]

    found = mcts(
        Problem("p", "?", gold="1"), sample=script, check=lambda *_: Verdict.CORRECT, score=score,
        rng=np.random.default_rng(0), width=16,
    )  # fmt: skip
    tree = found.tree
    assert sorted(s.text for s in tree.steps) == ["", "bad", "good"]
    assert tree.visits == [3, 1, 1]  # both ends, and the root's own visit at their mean
    assert tree.value_sums[0] == pytest.approx(0.9 + 0.2 + 0.55)
    assert found.chosen.steps[0].text == "good"
    assert found.usage.calls == 16 + 2, "nothing is left to try after one round"


def scored_by(worth):
    """A scorer of values by a step's text."""

    def score(traces_N):
        return [StepScores(Kind.VALUE, tuple(worth[s.text] for s in t.steps), "") for t in traces_N]

    return score


def on_script(solutions, worth, *, seed=0, **settings):
    return mcts(
        Problem("p", "?"), sample=ScriptedPolicy({"p": solutions}), check=lambda *_: None,
        score=scored_by(worth), rng=np.random.default_rng(seed), **settings,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("expand_at", "nodes"), [(1, [1, 2, 3, 4]), (2, [1, 1, 2, 2]), (3, [1, 1, 1, 2])]
)
def test_a_leaf_is_expanded_on_the_visit_that_was_asked_for(expand_at, nodes):
    """One chain, after 1, 2, 3, 4 visits; the root is expanded at once. TS-LLM: the second."""
    worth = dict.fromkeys("abcdefgh", 0.5)
    expanded = []
    for simulations in (1, 2, 3, 4):
        calls = []

        def sample(problem, prefixes_P, *, until="end", calls=calls, **settings):
            calls += [until]
            script = ScriptedPolicy({"p": [[*"abcdefgh"]]})
            return script(problem, prefixes_P, until=until, **settings)

        mcts(
            Problem("p", "?"), sample=sample, check=lambda *_: None, score=scored_by(worth),
            rng=np.random.default_rng(0), simulations=simulations, width=1, expand_at=expand_at,
        )  # fmt: skip
        expanded.append(calls.count("step"))
    assert expanded == nodes


def test_an_unfinished_step_at_the_depth_is_worth_nothing():
    """Depth 2 of a chain of four, worth .8 each: b is closed with 0. The root has that, the .8 of
    its own visit and that of a; AlphaMath's code gives its lowest reward to too many steps."""
    worth = dict.fromkeys("abcd", 0.8)
    tree = on_script([[*"abcd"]], worth, simulations=9, width=1, depth=2).tree
    assert [s.text for s in tree.steps[:3]] == ["", "a", "b"]
    assert tree.visits[:3] == [3, 2, 1]
    assert tree.value_sums[:3] == pytest.approx([1.6, 0.8, 0.0])
    tree = on_script([[*"ab"]], worth, simulations=9, width=1, depth=2).tree
    assert tree.value_sums == pytest.approx([2.4, 1.6, 0.8]), "one that ends there has its V"


@pytest.mark.parametrize("seed", range(6))
def test_without_a_solution_the_best_prefix_is_completed(seed):
    """Whichever of the three was grown first."""
    script = [["low", "The answer is 1"], ["high", "The answer is 2"], ["mid", "The answer is 3"]]
    worth = {"low": 0.2, "high": 0.9, "mid": 0.5} | {s[1]: 0.5 for s in script}
    found = on_script(script, worth, simulations=1, width=24, seed=seed)
    assert [trace.answer for trace in found.candidates] == ["2"]


def test_a_batch_asks_once_for_many_leaves_and_as_much_in_all(world, exact):
    sizes = []

    def sample(problem, prefixes_P, **settings):
        sizes.append(len(prefixes_P))
        return world.sample(problem, prefixes_P, **settings)

    [problem] = world.problems(1)
    verbs = {"check": world.check, "score": exact(world), "rule": uct_rule}
    mcts(
        problem,
        sample=sample,
        rng=np.random.default_rng(0),
        simulations=16,
        batch=4,
        width=3,
        **verbs,
    )
    assert max(sizes) > 1
    assert len(sizes) < 16


def test_a_rule_that_trusts_values_alone_is_greedy(exact):
    """With uniform priors and no exploration the search follows the best value down."""
    world = ToyWorld(length=6, slip=0.5, recover=0.0)
    greedy = partial(ts_llm_rule, init=0.0)
    found = run(mcts, world, exact(world), rule=greedy, simulations=6, width=8)
    assert found.chosen.verdict is Verdict.CORRECT
    assert found.usage.policy_tokens <= 6 * 8


def test_enough_ends_the_search(world, exact):
    whole = run(mcts, world, exact(world), simulations=40)
    early = run(mcts, world, exact(world), simulations=40, enough=1.0)
    assert early.chosen.verdict is Verdict.CORRECT
    assert early.usage.policy_tokens < whole.usage.policy_tokens


def test_an_unfinished_step_of_full_value_is_no_answer(world):
    """ReST-MCTS*'s gate returned an unfinished solution in every run with a verifier of
    correctness; TS-LLM finished none at depth 6 with a sharp weight."""

    def sure(traces_N):
        return [StepScores(Kind.CORRECTNESS, (1.0,) * len(t.steps), "sure") for t in traces_N]

    long = ToyWorld(length=8, slip=0.3, recover=0.2)
    for search in TREES.values():
        found = run(partial(search), long, sure, budget=Budget(policy_tokens=30))
        assert isinstance(found, Found)
        assert found.chosen.finished


@every_tree
def test_values_that_are_no_probabilities_are_refused(search, world):
    def score(traces_N):
        return [StepScores(Kind.LOGRATIO, (-1.0,) * len(t.steps), "likelihood") for t in traces_N]

    with pytest.raises(
        KindError,
        match="gives logratio scores; a tree search needs scores of kind correctness or value",
    ):
        run(search, world, score)


@pytest.mark.slow
@pytest.mark.parametrize(
    "search",
    [
        partial(mcts, width=1, depth=10_000, simulations=1_000),  # the rest is completed
        partial(tot_dfs, thoughts=1, depth=10_001, steps=10_001, doubt=0.0),
        partial(tot_bfs, depth=10_001),
    ],
    ids=["mcts", "tot_dfs", "tot_bfs"],
)
def test_ten_thousand_steps(search):
    script = ScriptedPolicy({"p": [[str(i) for i in range(10_000)]]})
    found = search(
        Problem("p", "?"), sample=script, check=lambda *_: None,
        score=lambda ts: [StepScores(Kind.VALUE, (0.5,) * len(t.steps), "") for t in ts],
        rng=np.random.default_rng(0),
    )  # fmt: skip
    assert len(found.chosen.steps) == 10_000


@pytest.mark.parametrize("name", ["simulations", "width", "batch", "depth", "expand_at"])
def test_sizes_below_one_are_refused(world, constant, name):
    with pytest.raises(InputError, match=f"{name} 0"):
        run(mcts, world, constant, **{name: 0})


def beside_best_of_n(search, exact):
    """Accuracy of a search in the toy world, and that of best-of-n with as many tokens."""
    world = ToyWorld(length=6, slip=0.4, recover=0.05)

    def figures(search):
        results = [
            run(search, world, exact(world), seed=i, problem=problem)
            for i, problem in enumerate(world.problems(200))
        ]
        right = np.mean([r.chosen.verdict is Verdict.CORRECT for r in results])
        return right, np.mean([r.usage.policy_tokens for r in results])

    right, tokens = figures(search)
    return right, figures(partial(best_of_n, n=round(tokens / world.length)))[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    "search",
    [
        partial(mcts, simulations=12, width=3, rule=ts_llm_rule, priors=sibling_priors),
        partial(mcts, simulations=24, width=3, rule=uct_rule),
        partial(mcts, simulations=24, width=3),
        partial(tot_bfs, thoughts=3, keep=2),
        partial(tot_dfs, thoughts=3),
    ],
)
def test_with_exact_values_a_tree_is_worth_its_tokens(exact, search):
    """In the toy world, against best-of-n with as many tokens."""
    right, plain = beside_best_of_n(search, exact)
    assert right >= plain


@pytest.mark.slow
def test_a_bonus_for_every_unseen_child_is_dear_in_a_deep_tree(exact):
    """ReST-MCTS* tries each child of a step, however bad, before it believes any value: of few
    simulations too many go to steps that the verifier already knows to be wrong."""
    right, plain = beside_best_of_n(
        partial(mcts, simulations=12, width=3, rule=rest_mcts_rule), exact
    )
    assert right < plain


# --- tree of thoughts -------------------------------------------------------


def test_choices_by_hand(rng):
    assert greedily([0.1, 0.9, 0.9, 0.5], 2, rng) == [1, 2]
    assert greedily([], 2, rng) == []
    assert sorted(by_lot([1.0, 0.0, 1.0], 2, rng)) == [0, 2]
    assert sorted(by_lot([0.2, 0.3], 5, rng)) == [0, 1]


def test_worded_values():
    assert worded_value(["sure", "Likely ", "impossible"]) == pytest.approx(21.001 / 60)
    assert worded_value(["sure", "no idea"]) == 1.0
    assert worded_value(["no idea"]) is None


def test_an_oracle_and_breadth_one_solve_what_can_be_solved(exact):
    world = ToyWorld(length=5, slip=0.5, recover=0.0)
    for seed in range(20):
        found = run(partial(tot_bfs, thoughts=12, keep=1), world, exact(world), seed=seed)
        assert found.chosen.verdict is Verdict.CORRECT


def test_depth_first_goes_back_where_it_is_in_doubt():
    """a is liked but leads nowhere: below it all is doubted, and the search returns to b."""
    script = ScriptedPolicy({"p": [["a", "x", "1"], ["b", "y", "2"]]})
    worth = {"a": 0.9, "x": 0.01, "b": 0.5, "y": 0.5, "1": 0.0, "2": 0.8}

    def score(traces_N):
        return [StepScores(Kind.VALUE, tuple(worth[s.text] for s in t.steps), "") for t in traces_N]

    found = tot_dfs(
        Problem("p", "?", gold="2"), sample=script, check=lambda *_: Verdict.CORRECT, score=score,
        rng=np.random.default_rng(0), thoughts=8,
    )  # fmt: skip
    texts = [step.text for step in found.tree.steps]
    assert "x" in texts
    assert "1" not in texts
    assert [step.text for step in found.chosen.steps] == ["b", "y", "2"]


@pytest.mark.parametrize(("doubt", "depth", "steps"), [(0.5, 9, 3), (0.51, 9, 1), (0.5, 2, 2)])
def test_depth_first_enters_what_is_worth_its_doubt_above_its_depth(doubt, depth, steps):
    """A chain of a, b and an answer, worth .5 each: how many states are expanded."""
    calls, script = [], ScriptedPolicy({"p": [["a", "b", "The answer is 1"]]})

    def sample(problem, prefixes_P, *, until="end", **settings):
        calls.append(until)
        return script(problem, prefixes_P, until=until, **settings)

    found = tot_dfs(
        Problem("p", "?"), sample=sample, check=lambda *_: None,
        score=scored_by(dict.fromkeys(["a", "b", "The answer is 1"], 0.5)),
        rng=np.random.default_rng(0), doubt=doubt, depth=depth,
    )  # fmt: skip
    assert found.chosen.answer == "1"
    assert calls.count("step") == steps


# --- a kill in mid-tree ------------------------------------------------------

CHILD = Path(__file__).with_name("killed_mcts.py")


@pytest.mark.slow
def test_a_killed_search_goes_on_to_the_same_tree(tmp_path):
    def child(journal, lives, out):
        arguments = [sys.executable, str(CHILD), str(journal), str(lives), str(out)]
        return subprocess.run(arguments, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"})

    whole, again = tmp_path / "whole.json", tmp_path / "again.json"
    assert child(tmp_path / "a.sqlite", 10**6, whole).returncode == 0
    for lives in (7, 10, 15):
        assert child(tmp_path / "b.sqlite", lives, again).returncode == -signal.SIGKILL
        assert not again.exists()
    assert child(tmp_path / "b.sqlite", 10**6, again).returncode == 0
    first, second = json.loads(whole.read_text()), json.loads(again.read_text())
    assert second["tree"] == first["tree"]
    assert second["made"] < first["made"]
    assert second["twice"] == 0


def test_a_silent_policy_is_unfinished_and_keeps_its_tree(world, constant):
    def sample(problem, prefixes_P, *, count, **_):
        return [[Completion((), finished=False)] * count for _ in prefixes_P]

    [problem] = world.problems(1)
    result = mcts(
        problem, sample=sample, check=world.check, score=constant, rng=np.random.default_rng(0)
    )
    assert isinstance(result, Unfinished)
    assert len(result.tree) == 1
