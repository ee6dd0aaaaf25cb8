"""Refinement at test time: properties of every system, on a world whose values are known."""

import ast
import re
from dataclasses import astuple, fields, replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_tree import ROOT
from surefoot.core.budget import Budget
from surefoot.core.types import Completion, Kind, Step, StepScores, Trace, Verdict
from surefoot.recipes.refinement import (
    RECIPES,
    auto_math_critique,
    glore,
    magicore,
    prefix_resample,
    rearter,
    spar,
)
from surefoot.search import Found, Unfinished, vote
from surefoot.search.critique import doubtful, first_doubt
from surefoot.search.refinement import Draft, Remark, better
from surefoot.tasks.toy import BAD, ToyWorld

ANSWER = "The answer is"


class Speaking(ToyWorld):
    """A toy world whose solutions state an answer in their last line, so that they can vote."""

    def sample(self, problem, prefixes_P, **settings):
        return [
            [self._spoken(end) for end in row]
            for row in ToyWorld.sample(self, problem, prefixes_P, **settings)
        ]

    def value(self, prefix):
        return ToyWorld.value(self, bare(prefix))

    def check(self, problem, trace):
        return ToyWorld.check(self, problem, Trace(problem, bare(trace.steps)))

    def _spoken(self, end):
        if not end.finished or not end.steps:
            return end
        last = Step(f"{ANSWER} {int(end.steps[-1].text == 'good')}", (3,), (0.0,))
        return Completion((*end.steps, last))


def bare(steps):
    return tuple(step for step in steps if not step.text.startswith(ANSWER))


def exact(world):
    """A verifier that knows the values; a token a step."""

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

    return score


SOLVES = {
    "prefix_resample": partial(prefix_resample.solve, passes=4, count=2),
    "glore": partial(glore.solve, passes=2),
    "magicore": partial(magicore.solve, n=3, rounds=2),
    "critic in the loop": partial(auto_math_critique.solve, n=3, passes=2),
    "rearter": rearter.solve,
    "spar": spar.solve,
}
KEEPS = ("prefix_resample", "glore", "spar")  # end with what is worth most of all they saw
every = pytest.mark.parametrize("name", SOLVES)
every_recipe = pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
budgets = st.builds(
    Budget,
    policy_tokens=st.none() | st.integers(0, 40),
    verifier_tokens=st.none() | st.integers(0, 40),
    calls=st.none() | st.integers(0, 12),
)


class Till:
    """A world whose bills are kept: (policy tokens, verifier tokens, calls)."""

    def __init__(self, world):
        self.world, self.bills = world, []

    def sample(self, problem, prefixes_P, **settings):
        rows = self.world.sample(problem, prefixes_P, **settings)
        ends = [end for row in rows for end in row]
        self.bills.append((sum(end.tokens for end in ends), 0, len(ends)))
        return rows

    def score(self, traces_N):
        found = exact(self.world)(traces_N)
        self.bills.append((0, sum(scores.tokens for scores in found), len(found)))
        return found


def run(name, world, *, score=None, seed=0, problem=0, **settings):
    return SOLVES[name](
        world.problems(problem + 1)[problem],
        sample=settings.pop("sample", world.sample),
        check=world.check,
        score=score or exact(world),
        rng=np.random.default_rng(seed),
        **settings,
    )


# --- the systems' texts ------------------------------------------------------------


@every_recipe
def test_a_system_has_a_file_a_text_and_its_checks(recipe):
    assert (ROOT / f"src/surefoot/recipes/refinement/{recipe.name}.py").is_file()
    assert re.fullmatch(r"\d{4}\.\d{5}|ours", recipe.paper)
    assert recipe.claims.endswith(".")
    assert recipe.deviations.endswith(".")
    assert "\n" not in recipe.about
    assert recipe.solve or recipe.builds
    assert recipe.checks
    for check in recipe.checks:
        file, _, name = check.partition("::")
        [path] = (ROOT / "tests").rglob(file)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_system_is_listed():
    files = {path.stem for path in (ROOT / "src/surefoot/recipes/refinement").glob("*.py")}
    assert files - {"__init__", "recipe"} == {recipe.name for recipe in RECIPES}


# --- what holds for all -----------------------------------------------------------


@every
@given(st.integers(0, 99), budgets, st.sampled_from([0.0, 0.3]))
def test_it_costs_what_was_asked_and_stays_within_its_budget(name, seed, budget, unreadable):
    world = Speaking(length=4, slip=0.4, recover=0.2, unreadable=unreadable)
    till = Till(world)
    asked = {"seed": seed, "budget": budget, "sample": till.sample, "score": till.score}
    result = run(name, world, **asked)
    bills, till.bills = till.bills, []
    assert run(name, world, **asked) == result
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
        assert len(result.scores) <= len(result.candidates)
    else:
        assert result.why


@every
@pytest.mark.parametrize("limit", [field.name for field in fields(Budget)])
def test_a_budget_of_nothing_is_unfinished_by_that_name(name, limit):
    result = run(name, Speaking(length=3), budget=Budget(**{limit: 0}))
    assert isinstance(result, Unfinished)
    assert result.why == limit
    assert not any(astuple(result.usage)[:3])


@every
def test_a_policy_that_never_ends_is_unfinished(name):
    world = Speaking(length=4)

    def sample(problem, prefixes_P, *, count, rng, until="end"):
        rows = world.sample(problem, [()] * len(prefixes_P), count=count, rng=rng, until="step")
        return [[Completion(end.steps, finished=False) for end in row] for row in rows]

    result = run(name, world, sample=sample)
    assert isinstance(result, Unfinished)
    assert not any(trace.finished for trace in result.partial)


@every
def test_what_nobody_doubts_is_left_alone(name):
    world = Speaking(length=4, slip=0.3)
    found = run(name, world, score=lambda traces: [sure(trace) for trace in traces])
    assert len(found.candidates) == {"magicore": 3, "critic in the loop": 3}.get(name, 1)


def sure(trace):
    return StepScores(Kind.VALUE, (0.99,) * len(trace.steps), "sure", 1)


def test_a_critic_without_remarks_leaves_a_majority_vote():
    world = Speaking(length=4, slip=0.3)
    for p in range(20):
        found = run("critic in the loop", world, score=lambda ts: [sure(t) for t in ts], problem=p)
        assert found.chosen == found.candidates[vote(found.candidates, [1.0] * 3)]


# --- with a perfect verifier -------------------------------------------------------


@every
def test_with_a_perfect_verifier_nothing_right_is_lost(name):
    """GLoRe's property: with an oracle for "when", accuracy never drops; and it does rise."""
    world = Speaking(length=4, slip=0.4, recover=0.1)
    before, after = [], []
    for p in range(60):
        found = run(name, world, problem=p, seed=p)
        size = {"magicore": 3, "critic in the loop": 3}.get(name, 1)
        weights = found.scores[:size] if name == "magicore" else [1.0] * size
        first = found.candidates[vote(found.candidates[:size], weights)]
        before.append(first.verdict is Verdict.CORRECT)
        after.append(found.chosen.verdict is Verdict.CORRECT)
        if name in KEEPS:
            assert found.scores[found.candidates.index(found.chosen)] == max(found.scores)
    assert all(b <= a for b, a in zip(before, after, strict=True))
    assert sum(after) > sum(before) or name == "magicore"  # exact values leave no hard vote


def test_only_what_follows_the_doubt_is_written_anew():
    world = Speaking(length=6, slip=0.4, recover=0.0)
    for p in range(30):
        found = run("prefix_resample", world, problem=p, seed=p, passes=1, where=1e-9)
        old, *others = found.candidates
        texts = [step.text for step in old.steps]
        assert bool(others) == (BAD in texts)
        for new in others:
            place = texts.index(BAD)
            assert new.steps[:place] == old.steps[:place]
        written = sum(len(new.steps) - texts.index(BAD) for new in others)
        assert found.usage.policy_tokens == len(texts) + written


def test_refiners_read_the_draft_and_the_local_one_goes_on_from_before_the_tag():
    world = Speaking(length=4, slip=1.0, recover=0.0)  # all wrong, from the first step
    asked = []

    def refiner(problem, prefixes_P, **settings):
        asked.append((problem.text, prefixes_P))
        return world.sample(problem, prefixes_P, **settings)

    run("glore", world, whole_refiner=refiner, local_refiner=refiner, passes=1)
    (whole, [none]), (local, [prefix]) = asked
    assert "A first try:\nbad\nbad" in whole
    assert "A first try:\n[BAD] bad\nbad" in local
    assert none == prefix == ()


def test_the_journal_sees_another_problem_of_the_same_name():
    """A refiner is asked about the same problem in other words: seeds go by its id."""
    [problem] = Speaking(length=2).problems(1)
    draft = Trace(problem, (Step("good"), Step("bad")))
    from surefoot.search.critique import tagged

    shown = tagged(draft, 1)
    assert shown.id == problem.id
    assert shown.gold == problem.gold
    assert shown.text.endswith("good\n[BAD] bad")
    assert replace(shown, text=problem.text) == problem


@pytest.mark.parametrize(
    ("old", "new", "margin", "accepted"),
    [(0.5, 0.5, 0.0, False), (0.5, 0.6, 0.0, True), (0.5, 0.6, 0.25, False),
     (0.5, 0.75, 0.25, False), (0.5, None, 0.0, False), (None, 0.1, 0.0, True),
     (None, None, 0.0, False)],
)  # fmt: skip
def test_only_what_is_worth_more_by_the_margin_is_accepted(old, new, margin, accepted):
    trace = Trace(ToyWorld().problems(1)[0], (Step("good"),))
    assert better(margin)(Draft(trace, worth=old), Draft(trace, worth=new)) is accepted


@pytest.mark.parametrize(("worth", "place"), [(0.39, 1), (0.4, None), (None, None)])
def test_what_is_worth_less_than_asked_is_doubted_from_its_first_low_step(worth, place):
    trace = Trace(ToyWorld().problems(1)[0], (Step("a"), Step("b"), Step("c")))
    draft = Draft(trace, StepScores(Kind.VALUE, (0.3, 0.2, 0.1), ""), worth)
    remark = doubtful(when=0.4, where=0.3)(None, draft)
    assert remark == (None if place is None else Remark(place))
    assert first_doubt([0.9, 0.5, 0.5], 0.1) == 1, "none is low: the first of the lowest"
