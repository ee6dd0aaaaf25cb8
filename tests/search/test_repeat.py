"""Searches repeated until the verifier is sure: by hand, and what they share with their parts."""

import numpy as np
import pytest

from surefoot.core.budget import Budget
from surefoot.core.errors import InputError
from surefoot.core.types import Problem, Step, Trace, Usage
from surefoot.search import Found, Unfinished, best_of_n, particle_filter, rebase, repeated
from surefoot.tasks.toy import ToyWorld

PROBLEM = Problem("p", "?", gold="1")


def scripted(*scores):
    """A search whose r-th run finds one solution with the r-th score (None: nothing)."""
    left = list(scores)

    def search(problem, **_):
        score, usage = left.pop(0), Usage(policy_tokens=10, calls=1)
        if score is None:
            return Unfinished(problem, "no luck", (), usage)
        trace = Trace(problem, (Step(f"{score}"),), "1")
        return Found(problem, trace, (trace,), (score,), usage)

    return search


def run(*scores, **settings):
    nothing = dict.fromkeys(("sample", "check", "score", "rng"))
    return repeated(PROBLEM, **nothing, search=scripted(*scores), **settings)


def test_it_stops_at_the_first_run_that_is_sure():
    found = run(0.2, None, 0.9, 1.0, enough=0.9)
    assert (found.chosen.steps[0].text, found.scores) == ("0.9", (0.2, 0.9))
    assert (found.usage.policy_tokens, found.usage.calls) == (30, 3)


def test_the_best_of_all_runs_is_kept_where_none_is_sure():
    found = run(0.2, 0.6, 0.5, runs=3, enough=0.9)
    assert (found.chosen.steps[0].text, len(found.candidates)) == ("0.6", 3)


def test_no_run_begins_when_the_budget_is_spent():
    assert run(0.2, 0.6, 0.5, budget=Budget(policy_tokens=15)).usage.policy_tokens == 20
    empty = run(None, None, budget=Budget(calls=2))
    assert (empty.why, empty.usage.calls) == ("calls", 2)


def test_without_an_answer_it_says_what_the_last_run_said():
    assert run(None, None, runs=2).why == "no luck"


@pytest.mark.parametrize("wrong", [{"runs": 0}, {"n": 0}])
def test_sizes_are_1_or_more(wrong):
    with pytest.raises(InputError, match="1"):
        run(0.5, **wrong)


@pytest.mark.parametrize("search", [particle_filter, rebase, best_of_n])
def test_one_run_is_the_search_itself(search, exact, world):
    [problem] = world.problems(1)
    verbs = {"sample": world.sample, "check": world.check, "score": exact(world)}
    alone = search(problem, **verbs, rng=np.random.default_rng(3), n=5)
    once = repeated(
        problem, **verbs, rng=np.random.default_rng(3), search=search, n=5, runs=1, enough=2.0
    )
    assert (once.chosen, once.candidates, once.scores) == (
        alone.chosen, alone.candidates, alone.scores,
    )  # fmt: skip
    assert once.usage == alone.usage
    assert once.tree.steps == alone.tree.steps
    assert once.tree.scores == alone.tree.scores


def test_easy_problems_pay_for_hard_ones(exact):
    """With exact values it is as right as all runs at once, for less."""
    world = ToyWorld(length=4, slip=0.3, recover=0.0)
    verbs = {"sample": world.sample, "check": world.check, "score": exact(world)}

    def over(algorithm, **settings):
        rows = [
            algorithm(p, **verbs, rng=np.random.default_rng(i), **settings)
            for i, p in enumerate(world.problems(200))
        ]
        right = np.mean([row.chosen.verdict.value == "correct" for row in rows])
        return right, np.mean([row.usage.policy_tokens for row in rows])

    all_right, all_tokens = over(best_of_n, n=16)
    right, tokens = over(repeated, search=best_of_n, n=2, runs=8, enough=1.0)
    assert right == pytest.approx(all_right, abs=0.05)
    assert tokens < all_tokens / 2
