"""What holds for all searches: repeatable, within budget, and always an answer or a reason."""

from dataclasses import astuple, fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.core.budget import Budget
from surefoot.core.errors import InputError, KindError
from surefoot.core.types import Completion, Kind, StepScores, Verdict
from surefoot.policy import ScriptedPolicy
from surefoot.search import (
    Found,
    Unfinished,
    beam,
    best_of_n,
    majority,
    mcts,
    tot_bfs,
    tot_dfs,
    weighted_vote,
)


def with_n(search, scored=True):
    def run(problem, *, sample, check, score, rng, size=6, **settings):
        settings |= {"score": score} if scored else {}
        return search(problem, sample=sample, check=check, rng=rng, n=size, **settings)

    return run


def beam_of(problem, *, size=6, **settings):
    return beam(problem, beams=max(1, size // 2), width=2, **settings)


def mcts_of(problem, *, size=6, **settings):
    return mcts(problem, simulations=2 * size, width=2, batch=2, **settings)


def bfs_of(problem, *, size=6, **settings):
    return tot_bfs(problem, thoughts=2, keep=size, **settings)


def dfs_of(problem, *, size=6, **settings):
    return tot_dfs(problem, thoughts=2, steps=4 * size, **settings)


SCORED = {
    "mcts": mcts_of,
    "tot_bfs": bfs_of,
    "tot_dfs": dfs_of,
    "best_of_n": with_n(best_of_n),
    "weighted_vote": with_n(weighted_vote),
    "beam": beam_of,
}
SEARCHES = SCORED | {"majority": with_n(majority, scored=False)}

every_search = pytest.mark.parametrize("search", SEARCHES.values(), ids=SEARCHES)
every_scored = pytest.mark.parametrize("search", SCORED.values(), ids=SCORED)
limits = st.one_of(st.none(), st.integers(0, 40))
budgets = st.builds(Budget, policy_tokens=limits, verifier_tokens=limits, calls=limits)


class Till:
    """Records what each call of a policy and a scorer costs."""

    def __init__(self, world, score):
        self.world, self.score, self.bills = world, score, []

    def sample(self, problem, prefixes_P, **settings):
        rows = self.world.sample(problem, prefixes_P, **settings)
        flat = [c for row in rows for c in row]
        self.bills.append((sum(c.tokens for c in flat), 0, len(flat)))
        return rows

    def judge(self, traces_N):
        scores = self.score(traces_N)
        self.bills.append((0, sum(s.tokens for s in scores), len(scores)))
        return scores


@every_search
@given(st.integers(0, 99), budgets, st.integers(1, 8), st.sampled_from([0.0, 0.4]))
def test_found_or_unfinished_within_the_budget_and_repeatable(
    search, speaking, exact, seed, budget, size, unreadable
):
    world = speaking(length=4, slip=0.3, recover=0.2, unreadable=unreadable)
    [problem] = world.problems(1)
    till = Till(world, exact(world))

    def run():
        return search(
            problem,
            sample=till.sample,
            check=world.check,
            score=till.judge,
            rng=np.random.default_rng(seed),
            budget=budget,
            size=size,
        )

    result = run()
    bills, till.bills = till.bills, []
    assert run() == result

    # What is reported is what was asked for, and the last call alone may exceed a limit.
    spent = (result.usage.policy_tokens, result.usage.verifier_tokens, result.usage.calls)
    assert spent == tuple(np.sum(bills, axis=0, dtype=int).tolist() if bills else (0, 0, 0))
    most = (budget.policy_tokens, budget.verifier_tokens, budget.calls)
    for limit, column in zip(most, zip(*bills, strict=True), strict=False):
        if limit is not None:
            paid = [cost for cost in column if cost]
            assert sum(paid[:-1]) < limit or not paid

    if isinstance(result, Found):
        assert result.chosen in result.candidates
        assert result.chosen.finished
        assert all(trace.finished and trace.verdict for trace in result.candidates)
        assert len(result.scores) <= len(result.candidates)
    else:
        assert isinstance(result, Unfinished)
        assert result.why


@every_search
def test_without_a_budget_there_is_always_an_answer(search, speaking, exact, rng):
    world = speaking(length=4, slip=0.3, recover=0.2)
    for problem in world.problems(20):
        found = search(problem, sample=world.sample, check=world.check, score=exact(world), rng=rng)
        assert isinstance(found, Found)
        assert found.usage.calls > 0
        assert found.usage.seconds > 0


@every_search
@pytest.mark.parametrize("limit", [field.name for field in fields(Budget)])
def test_a_budget_of_nothing_is_unfinished_by_that_name(search, world, exact, rng, limit):
    [problem] = world.problems(1)
    result = search(
        problem,
        sample=world.sample,
        check=world.check,
        score=exact(world),
        rng=rng,
        budget=Budget(**{limit: 0}),
    )
    assert isinstance(result, Unfinished)
    assert result.why == limit
    assert not any(astuple(result.usage)[:3])


@every_scored
def test_a_perfect_verifier_chooses_a_right_candidate_if_there_is_one(search, speaking, exact, rng):
    """With exact values best-of-n is coverage: it fails only where every candidate is wrong."""
    world = speaking(length=3, slip=0.6, recover=0.2)
    outcomes = set()
    for problem in world.problems(100):
        found = search(
            problem, sample=world.sample, check=world.check, score=exact(world), rng=rng, size=3
        )
        covered = any(trace.verdict is Verdict.CORRECT for trace in found.candidates)
        assert (found.chosen.verdict is Verdict.CORRECT) == covered
        outcomes.add(covered)
    assert outcomes == {True, False}


@every_scored
@pytest.mark.parametrize("flaw", ["short", "long", "nan", "none", "one too few"])
def test_a_scorer_that_breaks_its_promise_is_an_error(search, world, exact, rng, flaw):
    [problem] = world.problems(1)
    right = exact(world)

    def score(traces_N):
        found = [s.values for s in right(traces_N)]
        found[-1] = {
            "short": found[-1][:-1],
            "long": (*found[-1], 0.5),
            "nan": (*found[-1][:-1], float("nan")),
            "none": (),
        }.get(flaw, found[-1])
        found = found[:-1] if flaw == "one too few" else found
        return [StepScores(Kind.VALUE, values, "broken") for values in found]

    with pytest.raises(InputError, match=r"score"):
        search(problem, sample=world.sample, check=world.check, score=score, rng=rng)


@every_scored
@pytest.mark.parametrize(
    ("kind", "how"), [(Kind.VALUE, "min"), (Kind.CORRECTNESS, "last"), (Kind.VALUE, "best")]
)
def test_an_aggregation_that_does_not_fit_the_scores_is_refused(
    search, world, exact, rng, kind, how
):
    [problem] = world.problems(1)
    with pytest.raises(KindError, match=f"{kind.value} scores of 'exact'.*not by '{how}'"):
        search(
            problem,
            sample=world.sample,
            check=world.check,
            score=exact(world, kind),
            rng=rng,
            aggregation=how,
        )


@every_search
@pytest.mark.parametrize("policy", ["silent", "cut off"])
def test_a_policy_that_never_ends_a_solution_is_unfinished(search, world, constant, rng, policy):
    [problem] = world.problems(1)

    def sample(problem, prefixes_P, *, count, rng, until="end"):
        if policy == "silent":
            return [[Completion((), finished=False)] * count for _ in prefixes_P]
        rows = world.sample(problem, [()] * len(prefixes_P), count=count, rng=rng, until="step")
        return [[Completion(c.steps, finished=False) for c in row] for row in rows]

    result = search(problem, sample=sample, check=world.check, score=constant, rng=rng)
    assert isinstance(result, Unfinished)
    assert "finished" in result.why
    assert not any(trace.finished for trace in result.partial)


@every_search
def test_a_policy_that_ends_after_its_last_separator_is_heard(
    search, scripted_problem, constant, rng
):
    """Language models often write the answer's line first and their end token as a next "step"."""
    script = ScriptedPolicy({"p": [["6 * 7 = 42", "The answer is 42"]]})

    def sample(problem, prefixes_P, *, until="end", **settings):
        rows = script(problem, prefixes_P, until=until, **settings)
        late = until == "step"
        return [[Completion(c.steps, c.finished and not (late and c.steps)) for c in row]
                for row in rows]  # fmt: skip

    found = search(
        scripted_problem, sample=sample, check=lambda *_: Verdict.CORRECT, score=constant, rng=rng
    )
    assert isinstance(found, Found)
    assert found.chosen.answer == "42"
    assert [step.text for step in found.chosen.steps] == ["6 * 7 = 42", "The answer is 42"]


@every_search
def test_a_problem_without_gold_is_searched_and_not_checked(search, world, constant, rng):
    from dataclasses import replace

    problem = replace(world.problems(1)[0], gold=None)
    script = ScriptedPolicy({problem.id: [["The answer is 1"], ["The answer is 2"]]})
    found = search(problem, sample=script, check=lambda *_: 1 / 0, score=constant, rng=rng)
    assert isinstance(found, Found)
    assert found.chosen.verdict is None
