"""Votes by hand; what each search does that the others do not."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.core.budget import Budget
from surefoot.core.errors import InputError, KindError
from surefoot.core.types import Completion, Kind, Problem, Step, StepScores, Trace, Verdict
from surefoot.policy import ScriptedPolicy
from surefoot.search import Found, beam, best_of_n, majority, vote, vote_weights, weighted_vote
from surefoot.tasks.toy import ToyWorld

PROBLEM = Problem("p", "?", gold="1")


def traces(*answers):
    return [Trace(PROBLEM, (Step(str(a)),), answer=a) for a in answers]


@pytest.mark.parametrize(
    ("answers", "weights", "winner"),
    [
        (["1", "2", "2"], [1, 1, 1], 1),
        (["1", "2", "2"], [0.9, 0.3, 0.4], 0),
        (["2", "1", "2"], [0.4, 0.6, 0.5], 2),  # the heaviest member of the heaviest class
        (["1", "2"], [1, 1], 0),  # of equal classes the first seen
        ([None, None, "3"], [9, 9, 0.1], 2),  # what could not be read does not vote
        ([None, None], [1, 1], None),
        ([], [], None),
        (["1", "2", "3"], [0.1 + 0.2, 0.3, 0.3], 0),
    ],
)
def test_votes_by_hand(answers, weights, winner):
    assert vote(traces(*answers), weights) == winner


def test_equivalent_answers_vote_together():
    def same(a, b):
        return float(a) == float(b)

    assert vote(traces("7", "2", "2.0"), [1, 1, 1]) == 0
    assert vote(traces("7", "2", "2.0"), [1, 1, 1], same=same) == 1


def scores(kind, *rows):
    return [StepScores(kind, tuple(row), "s") for row in rows]


def test_weights_by_hand():
    assert vote_weights(scores(Kind.VALUE, [0.9, 0.2], [0.3])) == [0.2, 0.3]
    assert vote_weights(scores(Kind.CORRECTNESS, [0.5, 0.2], [0.3])) == [0.1, 0.3]
    assert vote_weights(scores(Kind.CORRECTNESS, [0.5, 0.2]), "min") == [0.2]
    found = vote_weights(scores(Kind.LOGRATIO, [-1000, -1.0], [-1000]))
    assert found == pytest.approx([math.exp(-1), 1])
    for kind in (Kind.PROGRESS, Kind.LOGIT, Kind.PREFERENCE):
        with pytest.raises(KindError, match=kind.value):
            vote_weights(scores(kind, [0.1]))


def test_products_too_small_for_a_float_rank_and_vote_as_what_they_are():
    """Of .9^9000, .9^8000, .9^8000 the last two win; two of .9^9000 weigh less than one .9^8000."""
    long, less = [0.9] * 9000, [0.9] * 8000
    weights = vote_weights(scores(Kind.CORRECTNESS, long, less, less))
    assert weights == pytest.approx([math.exp(1000 * math.log(0.9)), 1, 1])
    assert (
        vote(traces("1", "1", "2"), vote_weights(scores(Kind.CORRECTNESS, long, long, less))) == 2
    )
    mixed = vote_weights(scores(Kind.CORRECTNESS, long, [0.5]))
    assert mixed[0] < 1e-300
    assert mixed[1] == 0.5, "where one is in range weights stay as they are"
    assert vote_weights(scores(Kind.CORRECTNESS, [0.5] * 2000, [0.0])) == [1, 0]
    assert vote_weights(scores(Kind.VALUE, [0.5, 1e-310])) == [1e-310]


def test_best_of_n_prefers_the_likelier_of_two_very_long_solutions():
    rows = [Completion((Step("so"),) * steps) for steps in (1300, 1200)]
    found = best_of_n(
        PROBLEM, sample=lambda *_, **__: [rows], check=lambda *_: Verdict.CORRECT,
        score=lambda ts: [StepScores(Kind.CORRECTNESS, (0.5,) * len(t.steps), "") for t in ts],
        rng=np.random.default_rng(0), n=2,
    )  # fmt: skip
    assert [len(trace.steps) for trace in found.candidates] == [1300, 1200]
    assert len(found.chosen.steps) == 1200, "both products are 0 as plain floats"


@given(st.integers(0, 200), st.integers(1, 9))
def test_a_constant_verifier_votes_like_no_verifier(constant, seed, n):
    script = ScriptedPolicy({"p": [[f"The answer is {a}"] for a in "112233445"]})

    def run(search, **settings):
        return search(
            PROBLEM,
            sample=script,
            check=lambda *_: Verdict.WRONG,
            rng=np.random.default_rng(seed),
            n=n,
            **settings,
        )

    assert run(weighted_vote, score=constant).chosen == run(majority).chosen


def test_best_of_n_has_the_accuracy_of_coverage(exact):
    """With exact values, P(right) = 1 - (1 - pass@1)^n."""
    world, n = ToyWorld(length=3, slip=0.6, recover=0.2), 3
    rng, problems = np.random.default_rng(0), ToyWorld().problems(1500)
    right = [
        best_of_n(
            p, sample=world.sample, check=world.check, score=exact(world), rng=rng, n=n
        ).chosen.verdict
        is Verdict.CORRECT
        for p in problems
    ]
    expected = 1 - (1 - world.pass_at_1()) ** n
    assert abs(np.mean(right) - expected) < 4 * math.sqrt(expected * (1 - expected) / 1500)


def test_a_beam_beats_samples_of_the_same_number(exact):
    """In a world that rarely recovers, exact values keep the beam on the good path."""
    world = ToyWorld(length=6, slip=0.4, recover=0.0)
    problems = world.problems(200)

    def accuracy(search):
        rng = np.random.default_rng(1)
        common = {"sample": world.sample, "check": world.check, "score": exact(world), "rng": rng}
        found = [search(p, **common) for p in problems]
        return np.mean([f.chosen.verdict is Verdict.CORRECT for f in found])

    samples = accuracy(lambda p, **c: best_of_n(p, n=4, **c))
    beams = accuracy(lambda p, **c: beam(p, beams=2, width=2, **c))
    assert samples == pytest.approx(1 - (1 - 0.6**6) ** 4, abs=0.1)
    assert beams > samples + 0.15


def test_a_beam_of_width_one_needs_no_verifier_on_its_way(exact, world, rng):
    """Each beam has one continuation and all fit: only finished solutions are scored."""
    [problem] = world.problems(1)
    score = exact(world)
    found = beam(
        problem, sample=world.sample, check=world.check, score=score, rng=rng, beams=3, width=1
    )
    assert isinstance(found, Found)
    assert score.calls == 1
    assert 1 <= len(found.candidates) <= 3
    assert found.usage.verifier_tokens == world.length * len(found.candidates)


def test_one_beam_is_greedy_search_by_the_verifier(exact):
    world = ToyWorld(length=5, slip=0.5, recover=0.0)
    [problem] = world.problems(1)
    found = beam(
        problem,
        sample=world.sample,
        check=world.check,
        score=exact(world),
        rng=np.random.default_rng(3),
        beams=1,
        width=8,
    )
    assert [step.text for step in found.chosen.steps] == ["good"] * 5


def test_beams_left_after_the_last_round_are_completed(exact, rng):
    world = ToyWorld(length=6)
    [problem] = world.problems(1)
    found = beam(
        problem,
        sample=world.sample,
        check=world.check,
        score=exact(world),
        rng=rng,
        beams=2,
        width=2,
        rounds=2,
    )
    assert isinstance(found, Found)
    assert all(len(trace.steps) == 6 for trace in found.candidates)


@pytest.mark.parametrize("setting", ["beams", "width", "rounds"])
def test_a_beam_of_nothing_is_refused(setting, exact, world, rng):
    with pytest.raises(InputError, match="1 or more"):
        beam(
            world.problems(1)[0],
            sample=world.sample,
            check=world.check,
            score=exact(world),
            rng=rng,
            **{setting: 0},
        )


def test_a_budget_is_shared_by_policy_and_verifier(exact, world, rng):
    """Ten calls are five solutions and their five scores, not ten solutions unread."""
    found = best_of_n(
        world.problems(1)[0],
        sample=world.sample,
        check=world.check,
        score=exact(world),
        rng=rng,
        n=16,
        budget=Budget(calls=10),
    )
    assert found.usage.calls == 10
    assert len(found.candidates) == len(found.scores) == 5


def test_a_policy_limit_does_not_silence_the_verifier(exact, world, rng):
    found = best_of_n(
        world.problems(1)[0],
        sample=world.sample,
        check=world.check,
        score=exact(world),
        rng=rng,
        n=16,
        budget=Budget(policy_tokens=9),
    )
    assert found.usage.policy_tokens == 12  # three solutions of four tokens
    assert len(found.scores) == 3


def test_where_the_budget_ended_before_a_score_the_scored_ones_compete(exact, world, rng):
    found = best_of_n(
        world.problems(1)[0],
        sample=world.sample,
        check=world.check,
        score=exact(world),
        rng=rng,
        n=16,
        budget=Budget(calls=3),
    )
    assert len(found.candidates) == 2
    assert len(found.scores) == 1
    assert found.chosen is found.candidates[0]
