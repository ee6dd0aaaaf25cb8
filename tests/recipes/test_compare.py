"""Searches beside plain sampling: hand-made results, and identities in the toy world."""

import math
from functools import partial

import numpy as np
import pytest

from surefoot.core.errors import InputError
from surefoot.core.types import Kind, Problem, Step, StepScores, Trace, Usage, Verdict
from surefoot.recipes.compare import (
    Plain,
    compare_searches,
    curves,
    diversity,
    effective_answers,
    effective_sample,
    right_of,
    unique_prefixes,
)
from surefoot.report.html import page
from surefoot.search import Found, Unfinished, best_of_n, mcts
from surefoot.steps import sample_traces
from surefoot.tasks.toy import ToyWorld

P = Problem("p", "?", gold="1")


def trace(*texts, right=True, answer="1", tokens=1):
    steps = tuple(Step(text, (0,) * tokens) for text in texts)
    return Trace(P, steps, answer, Verdict.CORRECT if right else Verdict.WRONG)


def found(*traces, chosen=0, scores=(), policy=10, verifier=0):
    return Found(P, traces[chosen], traces, scores, Usage(policy, verifier))


def scored(value, steps=1, tokens=3, kind=Kind.VALUE):
    return StepScores(kind, (value,) * steps, "s", tokens)


def test_diversity_by_hand():
    assert unique_prefixes([trace("a", "b"), trace("a", "c")]) == 3 / 4
    assert unique_prefixes([trace("a", "b"), trace("b", "a")]) == 1
    assert unique_prefixes([trace("a")] * 4) == 1 / 4
    assert unique_prefixes([]) == 1
    assert effective_sample([0.5, 0.5, 0.5]) == pytest.approx(3)
    assert effective_sample([1.0, 0.0]) == 1
    assert effective_sample([3.0, 1.0]) == pytest.approx(1.6)
    assert effective_sample([]) is None
    assert effective_sample([-1.0, 1.0]) is None
    assert effective_answers([trace("a", answer=a) for a in ("1", "1", "2", "2")]) == 2
    assert effective_answers([trace("a", answer=a) for a in ("1", "1", "1", "2", None)]) == 1.6
    assert effective_answers([trace("a", answer=None)]) is None


def test_the_selection_gap_is_what_was_there_and_not_chosen():
    lost = found(trace("a", right=False), trace("b"), chosen=0, scores=(0.9, 0.1))
    kept = found(trace("a"), trace("b", right=False), chosen=0, scores=(0.9, 0.1))
    figures = diversity([lost, kept, Unfinished(P, "calls")])
    assert figures["selection_gap"] == 0.5
    assert figures["candidates"] == 2
    assert diversity([Unfinished(P, "calls")])["selection_gap"] is None


def test_equal_cost_by_hand():
    """Plain solutions of 5 tokens, read for 5 more; a search of 10 tokens that reads 10: it is
    worth two plain solutions, or four that nobody reads."""
    row = [trace("b", tokens=5, right=False, answer="2"), trace("a", tokens=5)] * 2
    scores = [scored(0.1, tokens=5), scored(0.9, tokens=5)] * 2
    plain = Plain([row] * 40, [scores] * 40)
    results = {"good": [found(trace("a"), policy=10, verifier=10)] * 40}
    summary = compare_searches(results, plain, seconds={"good": 1.0})
    policy, both = (summary["equal_cost"]["good"][b] for b in ("policy tokens", "all tokens"))
    assert policy["n"] == 2
    assert both["n"] == 2  # of best-of-n, whose solutions are read
    # best-of-2 of two right ones and two wrong ones: 1 - C(2,2)/C(4,2)
    assert policy["plain"]["best-of-n"]["accuracy"] == pytest.approx(1 - 1 / 6)
    assert policy["plain"]["best-of-n"]["diff"] == pytest.approx(1 / 6)
    assert policy["plain"]["perfect scorer"]["accuracy"] == pytest.approx(1 - 1 / 6)
    assert policy["plain"]["random scorer"]["accuracy"] == 0.5
    assert policy["verdict"] == "better than plain sampling"
    assert summary["verdicts"][0].startswith("good: 100.0 % right; at equal policy tokens better")
    assert summary["headline"].endswith("counting what the verifier reads: good.")
    assert not policy["short"]


def test_a_search_that_is_no_better_is_told_so_and_a_small_pool_too():
    row = [trace("b", right=False, answer="2"), trace("a")]
    scores = [scored(0.1), scored(0.9)]
    plain = Plain([row] * 4, [scores] * 4)
    results = {"dear": [found(trace("a"), policy=99)] * 3 + [Unfinished(P, "calls")]}
    summary = compare_searches(results, plain, seconds={})
    at = summary["equal_cost"]["dear"]["policy tokens"]
    assert (at["n"], at["short"], at["best_plain"]) == (74, True, "best-of-n")
    assert at["verdict"] == "plain sampling is at least as good"
    assert "(best-of-n, n = 74 (pool too small): -25.0 points" in summary["verdicts"][0]
    assert summary["headline"].startswith("No search is clearly better")
    assert summary["unfinished"] == {"dear": 1}
    assert right_of(results["dear"]) == [1, 1, 1, 0]


def test_scores_that_cannot_vote_leave_the_vote_out():
    plain = Plain([[trace("a")]], [[scored(-1.0, kind=Kind.LOGIT)]])
    summary = compare_searches({"s": [found(trace("a"))]}, plain, seconds={})
    assert "weighted vote" not in summary["methods"]
    assert "weighted vote" not in summary["equal_cost"]["s"]["policy tokens"]["plain"]


def test_other_problems_are_refused():
    plain = Plain([[trace("a")]], [[scored(0.5)]])
    with pytest.raises(InputError, match="results of 2 problems, the pool has 1"):
        compare_searches({"s": [found(trace("a"))] * 2}, plain, seconds={})


@pytest.fixture(scope="module")
def toy():
    """A world, its pool of plain solutions with their exact values, and its verbs."""
    world = ToyWorld(length=6, slip=0.4, recover=0.05)
    problems = world.problems(120)

    def score(traces_N):
        return [
            StepScores(
                Kind.VALUE,
                tuple(world.value(t.steps[: s + 1]) for s in range(len(t.steps))),
                "exact",
                len(t.steps),
            )
            for t in traces_N
        ]

    verbs = {"sample": world.sample, "check": world.check}
    pool = [
        sample_traces(p, count=12, rng=np.random.default_rng(1000 + i), **verbs)
        for i, p in enumerate(problems)
    ]
    return problems, {**verbs, "score": score}, Plain(pool, [score(row) for row in pool])


def solved(search, problems, verbs):
    return [search(p, rng=np.random.default_rng(i), **verbs) for i, p in enumerate(problems)]


def test_exact_values_choose_as_well_as_the_perfect_scorer(toy):
    _, _, plain = toy
    for n in (1, 5, 12):
        best, perfect = plain.accuracy("best-of-n", n), plain.accuracy("perfect scorer", n)
        assert best == pytest.approx(perfect)


def test_a_search_that_is_plain_sampling_is_not_called_better(toy):
    problems, verbs, plain = toy
    results = {"best_of_n": solved(partial(best_of_n, n=6), problems, verbs)}
    at = compare_searches(results, plain, seconds={})["equal_cost"]["best_of_n"]["policy tokens"]
    assert at["n"] == 6
    assert at["verdict"] != "better than plain sampling"
    assert abs(at["plain"]["best-of-n"]["diff"]) < 0.12


def test_a_search_with_exact_values_is_called_better_and_the_report_shows_it(toy):
    problems, verbs, plain = toy
    results = {"mcts": solved(partial(mcts, simulations=24, width=3), problems, verbs)}
    summary = compare_searches(results, plain, seconds={"mcts": 0.1})
    assert summary["equal_cost"]["mcts"]["policy tokens"]["verdict"] == "better than plain sampling"
    facts = {
        "title": "t",
        "command": "c",
        "seed": 0,
        "policy": "toy",
        "problems": 120,
        "seconds": 1,
    }
    html = page(summary | facts, {"curves": curves(results, plain)})
    assert "Clearly better than plain sampling at equal policy tokens: mcts" in html
    [point] = curves(results, plain)["mcts"]
    assert math.isclose(point["accuracy"], summary["methods"]["mcts"]["accuracy"])
