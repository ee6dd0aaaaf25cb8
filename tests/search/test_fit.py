"""Every search with scores of every kind: it runs, or says at once what would work."""

import math
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.cli._searches import ASKING_MORE, KINDS, METHODS, takes
from surefoot.core.errors import KindError
from surefoot.core.types import Completion, Kind, StepScores
from surefoot.search import Found, beam, birm_beam, pav_beam, rebase, stepwise_best_of_n
from surefoot.search.fit import CHANCES, GUIDES, SIBLINGS, TAKES, VOTES, fitting, need_kind

ALL = METHODS | ASKING_MORE
SCORED = [name for name, search in ALL.items() if "score" in takes(search)]
SMALL = {"mcts": {"simulations": 6, "width": 2}, "ab_mcts": {"attempts": 4}}


def odds(p):
    return math.log(max(p, 1e-3) / max(1 - p, 1e-3))


READ = {  # true values as scores of each kind, outside [0, 1] wherever the kind allows it
    Kind.VALUE: lambda q, _: q,
    Kind.CORRECTNESS: lambda q, _: q,
    Kind.PROGRESS: lambda q, before: q - before,
    Kind.LOGIT: lambda q, _: odds(q),
    Kind.LOGRATIO: lambda q, before: odds(q) - odds(before),
    Kind.PREFERENCE: lambda q, _: 3 * odds(q),
}


def scorer_of(world, kind, calls):
    def score(traces_N):
        calls.append(len(traces_N))
        rows = [
            [0.5, *(world.value(t.steps[: s + 1]) for s in range(len(t.steps)))] for t in traces_N
        ]
        return [StepScores(kind, tuple(map(READ[kind], q[1:], q)), "scales", len(q)) for q in rows]

    return score


def mute(problem, prefixes_P, *, count, **_):
    return [[Completion(())] * count for _ in prefixes_P]


def test_every_search_that_asks_a_verifier_says_what_it_takes():
    assert set(SCORED) == set(KINDS)
    assert all(KINDS.values())


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("name", SCORED)
def test_a_search_runs_or_says_at_once_what_would_work(name, kind, speaking, rng):
    world, calls = speaking(length=4, slip=0.4, recover=0.2), []
    judge = {"judge": mute} if "judge" in takes(ALL[name]) else {}
    run = partial(
        ALL[name], sample=world.sample, check=world.check, score=scorer_of(world, kind, calls)
    )
    results = []
    for problem in world.problems(3):
        try:
            results.append(run(problem, rng=rng, **judge, **SMALL.get(name, {})))
        except KindError as error:
            assert kind not in KINDS[name]
            told = str(error)
            assert f"'scales' gives {kind.value} scores" in told
            assert all(other.value in told for other in KINDS[name])
            assert f"Searches for {kind.value} scores: {fitting(kind)[0]}" in told
            assert len(calls) == 1, "the first scores tell"
            return
    assert kind in KINDS[name]
    assert all(isinstance(result, Found) for result in results)


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_a_search(kind):
    names = fitting(kind)
    assert names
    assert all(kind in TAKES[name] for name in names)
    assert [len(TAKES[name]) for name in names] == sorted(len(TAKES[name]) for name in names)


def test_what_is_named_first_fits_best():
    assert fitting(Kind.PROGRESS)[0] == "pav_beam"
    assert fitting(Kind.PREFERENCE) == ["stepwise_best_of_n"]
    assert set(fitting(Kind.LOGRATIO)) >= {"weighted_vote", "rebase", "best_of_n", "beam"}
    assert not VOTES & {Kind.PROGRESS, Kind.LOGIT, Kind.PREFERENCE}
    assert {Kind.VALUE} == GUIDES & CHANCES
    with pytest.raises(KindError, match=r"Searches for value scores: .*, .* and others$"):
        need_kind(Kind.VALUE, "v", [Kind.PROGRESS], "this")
    with pytest.raises(KindError, match=r"Searches for preference scores: stepwise_best_of_n$"):
        need_kind(Kind.PREFERENCE, "v", [Kind.PROGRESS, Kind.VALUE], "this")
    need_kind(Kind.VALUE, "v", SIBLINGS, "this")


@given(st.lists(st.floats(-9, 9), min_size=1, max_size=6), st.integers(0, 99))
def test_preferences_know_no_constant_of_a_prefix(speaking, shifts, seed):
    """z + c(prefix) prefers the same next step, so the search may not see c."""
    world = speaking(length=4, slip=0.4, recover=0.2)
    [problem] = world.problems(1)

    score = scorer_of(world, Kind.PREFERENCE, [])

    def shifted(traces_N):
        return [
            StepScores(
                s.kind,
                tuple(v + shifts[t % len(shifts)] for t, v in enumerate(s.values)),
                "shifted",
                s.tokens,
            )
            for s in score(traces_N)
        ]

    def found(by):
        return stepwise_best_of_n(
            problem, sample=world.sample, check=world.check, score=by, n=4,
            rng=np.random.default_rng(seed),
        )  # fmt: skip

    assert found(shifted).chosen == found(score).chosen


def test_a_beam_of_one_compares_siblings_alone(speaking, rng):
    world = speaking(length=4, slip=0.4, recover=0.2)
    [problem] = world.problems(1)
    verbs = {"sample": world.sample, "check": world.check, "rng": rng}
    score = scorer_of(world, Kind.PREFERENCE, [])
    assert isinstance(beam(problem, score=score, beams=1, **verbs), Found)
    with pytest.raises(KindError, match="stepwise_best_of_n"):
        beam(problem, score=score, beams=2, **verbs)


def test_a_verifier_that_says_its_kind_is_refused_before_anything_is_drawn(exact, world, rng):
    def sample(*_, **__):
        raise AssertionError("nothing may be drawn")

    [problem] = world.problems(1)
    for search in (beam, pav_beam, rebase, birm_beam):
        with pytest.raises(KindError, match="'the verifier' gives preference scores"):
            search(
                problem, sample=sample, check=world.check, rng=rng,
                score=exact(world, Kind.PREFERENCE),
            )  # fmt: skip
