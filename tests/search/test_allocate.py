"""Allocation by difficulty: by hand, never worse where it was fitted, and paid for."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.core.budget import Budget
from surefoot.core.errors import InputError
from surefoot.core.types import Kind, Problem, Step, StepScores, Trace, Usage
from surefoot.policy import ScriptedPolicy
from surefoot.search import Found, Unfinished, best_of_n, tot_bfs
from surefoot.search.allocate import Allocation, abstaining, allocated, fit_allocation, two_fold
from surefoot.tasks.toy import ToyWorld


def test_the_best_of_each_bin_by_hand():
    """Easy problems are right either way, hard ones only by search; tokens decide the easy ones."""
    difficulty = [0.1, 0.2, 0.8, 0.9]
    accuracy = {"search": [1, 1, 1, 0], "plain": [1, 1, 0, 0]}
    tokens = {"search": 100, "plain": 10}
    fitted = fit_allocation(difficulty, accuracy, tokens=tokens, price=1e-4, bins=2)
    assert fitted.chosen == ("plain", "search")
    assert fitted.edges == (0.5,)
    assert [fitted.strategy(d) for d in (0.0, 0.49, 0.5, 1.0)] == ["plain"] * 2 + ["search"] * 2
    assert fit_allocation(difficulty, accuracy, bins=1).chosen == ("search",)


@given(st.integers(1, 40), st.integers(1, 6), st.integers(0, 99))
def test_where_it_was_fitted_it_is_never_worse_than_one_strategy(problems, bins, seed):
    rng = np.random.default_rng(seed)
    difficulty = rng.random(problems).tolist()
    accuracy = {name: rng.random(problems).tolist() for name in "abc"}
    fitted = fit_allocation(difficulty, accuracy, bins=bins)
    mean = np.mean([accuracy[fitted.strategy(d)][p] for p, d in enumerate(difficulty)])
    assert mean >= max(np.mean(values) for values in accuracy.values()) - 1e-12


def test_two_folds_use_the_other_half():
    """Even problems say a, odd ones b; each half is judged by what the other learnt."""
    accuracy = {"a": [1, 0, 1, 0], "b": [0, 1, 0, 1]}
    assert two_fold([0.5] * 4, accuracy, bins=1) == [0, 0, 0, 0]
    assert two_fold([0.5] * 4, {"a": [1] * 4, "b": [0] * 4}, bins=1) == [1] * 4


def test_columns_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match=r"2 problems for each strategy, got \{'a': 1\}"):
        fit_allocation([0.1, 0.2], {"a": [1]})
    with pytest.raises(InputError, match="1 or more bins, got 0"):
        fit_allocation([0.1], {"a": [1]}, bins=0)


@pytest.mark.parametrize("budget", [None, Budget(policy_tokens=40)])
def test_the_probe_is_paid_for_and_its_answers_count(exact, budget):
    world = ToyWorld(length=6, slip=0.4, recover=0.05)
    strategies = {"plain": partial(best_of_n, n=2), "tree": partial(tot_bfs, thoughts=3, keep=2)}
    verbs = {"sample": world.sample, "check": world.check, "score": exact(world)}
    seen = set()
    for i, problem in enumerate(world.problems(30)):
        for name in strategies:
            found = allocated(
                problem, **verbs, rng=np.random.default_rng(i), strategies=strategies,
                allocation=Allocation((), (name,)), probe=2, budget=budget,
            )  # fmt: skip
            assert isinstance(found, Found)
            assert found.usage.policy_tokens >= 12 + (12 if name == "plain" else 6)
            assert budget is None or found.usage.policy_tokens <= 40 + 12
            seen.add((name, found.chosen.verdict))
    assert len(seen) == 4


@pytest.mark.parametrize(("score", "answer"), [(0.4, "1"), (0.5, "1"), (0.6, "2"), (None, "1")])
def test_the_better_of_probe_and_strategy_is_returned(score, answer, rng):
    """The probe's is worth .5; of equals it stays, and what was not scored is no better."""
    problem = Problem("p", "?")
    other = Trace(problem, (Step("So 2"),), "2")

    def strategy(problem, **_):
        scores = () if score is None else (score,)
        return Found(problem, other, (other,), scores, Usage(policy_tokens=7, calls=1))

    found = allocated(
        problem, sample=ScriptedPolicy({"p": [["So 1"]]}), check=lambda *_: None, rng=rng,
        score=lambda ts: [StepScores(Kind.VALUE, (0.5,), "half", 1) for _ in ts], probe=2,
        strategies={"s": strategy}, allocation=Allocation((), ("s",)),
    )  # fmt: skip
    assert found.chosen.answer == answer
    assert found.usage.policy_tokens == 2 * len("So 1") + 7, "both are paid for"


def test_an_answer_below_the_threshold_is_withheld(exact, world, rng):
    [problem] = world.problems(1)
    found = best_of_n(
        problem, sample=world.sample, check=world.check, score=exact(world), rng=rng, n=8
    )
    assert abstaining(found, 1.0) is found
    withheld = abstaining(found, 1.1)
    assert isinstance(withheld, Unfinished)
    assert withheld.why == "abstained: the best score, 1.0, is below 1.1"
    assert withheld.usage == found.usage
    assert abstaining(withheld, 0.0) is withheld
