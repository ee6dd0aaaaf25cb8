"""Beams and their kin: known answers, identities between them, and what peers get wrong."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.core.budget import Budget
from surefoot.core.errors import InputError, KindError
from surefoot.core.types import Completion, Kind, Problem, Step, StepScores, Verdict
from surefoot.policy import ScriptedPolicy
from surefoot.search import (
    Found,
    Unfinished,
    beam,
    best_first,
    best_of_n,
    birm_beam,
    dvts,
    lookahead,
    ovm_beam,
    pav_beam,
    rebase,
    sbs,
    stepwise_best_of_n,
)
from surefoot.search.fit import GUIDES
from surefoot.search.pav_beam import advantage, effective_values
from surefoot.search.rebase import deal
from surefoot.search.search_tree import SearchTree
from surefoot.tasks.toy import ToyWorld

seeds = st.integers(0, 2**32)


def by_text(table, kind=Kind.VALUE, default=0.5):
    """A scorer that gives each step what a table says of its text; it counts what it reads."""

    def score(traces_N):
        score.read += [tuple(step.text for step in trace.steps) for trace in traces_N]
        return [
            StepScores(kind, tuple(table.get(s.text, default) for s in t.steps), "table", 1)
            for t in traces_N
        ]

    score.read = []
    return score


def run(search, world, score, *, seed=0, problem=None, **settings):
    return search(
        problem or world.problems(1)[0], sample=world.sample, check=world.check, score=score,
        rng=np.random.default_rng(seed), **settings,
    )  # fmt: skip


class Script(ScriptedPolicy):
    """A scripted policy with a world's names."""

    sample = ScriptedPolicy.__call__

    def check(self, *_):
        return Verdict.CORRECT

    def problems(self, _):
        return [Problem(name, "?", gold="1") for name in self.solutions]


# --- identities ------------------------------------------------------------


@given(seeds, st.integers(1, 5), st.sampled_from([0.0, 0.3]))
def test_one_tree_of_dvts_is_a_beam_of_one(exact, seed, width, unreadable):
    world = ToyWorld(length=4, slip=0.5, recover=0.2, unreadable=unreadable)
    score = exact(world)
    one = run(dvts, world, score, seed=seed, beams=1, width=width)
    assert one == run(beam, world, score, seed=seed, beams=1, width=width)
    assert one == run(stepwise_best_of_n, world, score, seed=seed, n=width)


@given(seeds, st.integers(1, 6))
def test_without_a_choice_every_beam_is_independent_samples(exact, seed, n):
    """K = 1: as many draws as tokens of n solutions, and best-of-n's accuracy by the formula."""
    world = ToyWorld(length=3, slip=0.5, recover=0.1)
    score = exact(world)
    trees = run(dvts, world, score, seed=seed, beams=n, width=1)
    beams = run(beam, world, score, seed=seed, beams=n, width=1)
    assert trees.usage.policy_tokens == 3 * n
    assert beams.usage.policy_tokens <= 3 * n, "equal prefixes are one beam"
    assert score.calls == 2, "only the finished are scored, all at once"


def test_dvts_of_width_one_has_the_accuracy_of_best_of_n(exact):
    world, n = ToyWorld(length=3, slip=0.5, recover=0.1), 3
    found = [
        run(dvts, world, exact(world), seed=seed, beams=n, width=1).chosen.verdict
        for seed in range(800)
    ]
    expected = 1 - (1 - world.pass_at_1()) ** n
    share = np.mean([verdict is Verdict.CORRECT for verdict in found])
    assert abs(share - expected) < 4 * math.sqrt(expected * (1 - expected) / 800)


@given(seeds)
def test_looking_no_step_ahead_is_a_beam(exact, seed):
    world = ToyWorld(length=4, slip=0.5, recover=0.2)
    score = exact(world)
    assert run(lookahead, world, score, seed=seed, ahead=0) == run(beam, world, score, seed=seed)


@given(seeds)
def test_where_nothing_ends_early_both_value_beams_are_one(exact, seed):
    """Solutions of the toy world end together, so it does not matter how the finished compete."""
    world = ToyWorld(length=4, slip=0.5, recover=0.2)
    sizes = {"beams": 3, "width": 2, "seed": seed}
    assert run(ovm_beam, world, exact(world), **sizes) == run(sbs, world, exact(world), **sizes)


@given(seeds)
def test_pav_without_progress_is_the_beam_by_value(exact, seed):
    world = ToyWorld(length=4, slip=0.5, recover=0.2)
    sizes = {"beams": 2, "width": 3, "seed": seed}
    plain = run(beam, world, exact(world), **sizes)
    assert run(pav_beam, world, exact(world), alpha=0.0, **sizes) == plain
    # The policy as its own prover: Q + alpha (Q - Q_before) orders siblings as Q does.
    for alpha in (float("nan"), float("inf")):
        with pytest.raises(InputError, match="alpha must be a finite number"):
            run(pav_beam, world, exact(world), alpha=alpha, **sizes)
    one = run(pav_beam, world, exact(world), best_of=1, beams=1, width=3, seed=seed)
    assert one == run(beam, world, exact(world), beams=1, width=3, seed=seed)


# --- REBASE ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("scores", "width", "balance", "counts"),
    [
        ([0.9, 0.8, 0.3, 0.1], 16, 0.2, [10, 6, 0, 0]),
        ([0.1, 0.8, 0.3, 0.9], 16, 0.2, [0, 6, 0, 10]),
        ([0.9, 0.9, 0.9], 16, 0.2, [6, 5, 5]),
        ([0.5] * 5, 15, 0.2, [3] * 5),
        ([0.9, 0.8, 0.3, 0.1], 16, 1e12, [4, 4, 4, 4]),
        ([0.9, 0.8, 0.3, 0.1], 16, 1e-6, [16, 0, 0, 0]),
        ([-math.inf, 0.2], 4, 0.2, [0, 4]),
        ([-math.inf] * 2, 4, 0.2, [2, 2]),
        ([-800.0, -900.0], 4, 0.2, [4, 0]),  # log-ratios: thu-wyz's softmax divides by 0 here
    ],
)
def test_deals_by_hand(scores, width, balance, counts):
    assert deal(scores, width, balance) == counts


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=20),
    st.integers(0, 64),
    st.floats(1e-3, 1e3),
)
def test_all_is_dealt_and_never_less_to_the_better(scores, width, balance):
    counts = deal(scores, width, balance)
    assert sum(counts) == width
    assert min(counts) >= 0
    order = sorted(range(len(scores)), key=lambda i: -scores[i])
    dealt = [counts[i] for i in order]
    assert dealt == sorted(dealt, reverse=True)


def test_rebase_narrows_by_what_ends_and_votes(constant):
    """Three of four draws say 2, the verifier weighs them alike."""
    script = Script({"p": [["a", "The answer is 2"], ["a", "The answer is 2."], ["b", "So 1"]]})
    found = run(rebase, script, constant, n=8, seed=1)
    assert found.chosen.answer == "2"
    assert found.usage.policy_tokens < 8 * 20
    for wrong in ({"n": 0}, {"rounds": 0}, {"balance": 0.0}, {"balance": math.nan}):
        with pytest.raises(InputError, match=r"1 or more|above 0"):
            run(rebase, script, constant, **wrong)


def lanes(search, world, score, **settings):
    """How many completions were asked for in each round, and how many of them ended a solution."""
    asked, ended = [], []

    def sample(problem, prefixes_P, *, count, rng, until="end"):
        rows = world.sample(problem, prefixes_P, count=count, rng=rng, until=until)
        asked.append(len(prefixes_P) * count)
        ended.append(sum(c.finished for row in rows for c in row))
        return rows

    search(
        world.problems(1)[0], sample=sample, check=world.check, score=score, **settings,
        rng=np.random.default_rng(0),
    )  # fmt: skip
    return asked, ended


def test_the_width_of_rebase_shrinks_by_each_solution(exact):
    """thu-wyz's remaining width: a round deals what the solutions so far have left of n."""
    world = ToyWorld(length=5, slip=0.3, recover=0.2, stop=0.3)
    asked, ended = lanes(rebase, world, exact(world), n=16)
    assert len(asked) > 2
    assert sum(ended[:-1]) > 0, "else this shows nothing"
    assert asked == [16 - sum(ended[:t]) for t in range(len(asked))]
    assert sum(ended) == 16


def test_a_finished_beam_narrows_sbs():
    """Two beams; one ends in the first round, so one of x and y goes on, not both."""
    script = Script({"p": [["So 1"], ["a", "x", "So 2"], ["a", "y", "So 3"], ["b", "So 4"]]})
    table = {"So 1": 0.9, "a": 0.8, "b": 0.1, "x": 0.7, "y": 0.6, "So 2": 0.5}
    asked, _ = lanes(sbs, script, by_text(table), beams=2, width=16)
    assert asked == [32, 16, 16]
    found = run(sbs, script, by_text(table), beams=2, width=16)
    assert {trace.answer for trace in found.candidates} == {"1", "2"}
    wider = run(sbs, script, by_text(table), beams=3, width=16)
    assert {trace.answer for trace in wider.candidates} == {"1", "2", "3", "4"}


@pytest.mark.parametrize(
    ("search", "end", "asked"),
    [(ovm_beam, 0.9, [32, 16, 16]), (ovm_beam, 0.5, [32, 16, 32]), (sbs, 0.5, [32, 16, 16])],
)
def test_a_finished_beam_of_ovm_holds_its_place_until_something_better_comes(search, end, asked):
    """Two beams, one of them ends at once. x and y push it out if both are better; in SBS its
    place is gone for good."""
    script = Script({"p": [["So 1"], ["a", "x", "So 2"], ["a", "y", "So 3"], ["b", "So 4"]]})
    table = {"So 1": end, "a": 0.8, "b": 0.1, "x": 0.7, "y": 0.6, "So 2": 0.3, "So 3": 0.2}
    assert lanes(search, script, by_text(table), beams=2, width=16)[0] == asked


# --- lookahead -------------------------------------------------------------


def test_what_is_seen_ahead_decides():
    """search-and-learn's beam pays for its look-ahead and scores the prefix alone; ours sees the
    cliff behind the better-looking step."""
    script = Script({"p": [["shiny", "cliff", "The answer is 1"], ["dull", "road", "So 2"]]})
    score = by_text({"shiny": 0.9, "dull": 0.3, "cliff": 0.1, "road": 0.8})
    blind = run(lookahead, script, score, ahead=0, beams=1, width=8)
    assert blind.chosen.steps[0].text == "shiny"
    score = by_text({"shiny": 0.9, "dull": 0.3, "cliff": 0.1, "road": 0.8})
    seeing = run(lookahead, script, score, ahead=1, beams=1, width=8)
    assert seeing.chosen.steps[0].text == "dull"
    assert ("shiny", "cliff") in score.read
    assert ("shiny",) not in score.read, "the look-ahead is scored, not the prefix"
    assert seeing.usage.calls > blind.usage.calls


def test_a_solution_seen_ahead_is_a_candidate():
    script = Script({"p": [["a", "The answer is 1"]]})
    found = run(lookahead, script, by_text({}), ahead=3, beams=1, width=2, rounds=1)
    assert [t.answer for t in found.candidates] == ["1"]
    with pytest.raises(InputError, match="ahead"):
        run(lookahead, script, by_text({}), ahead=-1)


# --- value beams, best-first -----------------------------------------------


def test_finished_and_unfinished_compete_by_value():
    """A beam of one: AlphaMath's, OVM's and a tree of DVTS take the better prefix though a
    solution has ended; the plain beam, whose scores may not be comparable, ends with it."""
    script = Script({"p": [["The answer is 1"], ["think", "The answer is 2"]]})
    table = {"The answer is 1": 0.2, "think": 0.6, "The answer is 2": 0.9}
    for search in (ovm_beam, sbs, dvts):
        found = run(search, script, by_text(table), beams=1, width=8)
        assert found.chosen.answer == "2"
        assert {t.answer for t in found.candidates} == {"1", "2"}, "pushed out, not lost"
    assert run(beam, script, by_text(table), beams=1, width=8).chosen.answer == "1"


def test_a_tree_of_dvts_ends_with_its_best_step():
    """search-and-learn prunes a tree where the candidate of highest score has ended, and only
    there; two trees do not wait for each other."""
    script = Script({"p": [["The answer is 1"], ["think", "The answer is 2"]]})
    table = {"The answer is 1": 0.7, "think": 0.6, "The answer is 2": 0.9}
    found = run(dvts, script, by_text(table), beams=1, width=8)
    assert [t.answer for t in found.candidates] == ["1"]
    assert found.usage.calls == 8 + 2, "one round of eight draws, two different steps scored"
    seeds = [run(dvts, script, by_text(table), beams=2, width=1, seed=s) for s in range(20)]
    assert {tuple(sorted(t.answer for t in f.candidates)) for f in seeds} == {
        ("1",), ("2",), ("1", "2"),
    }  # fmt: skip


@pytest.mark.parametrize("search", [ovm_beam, sbs, pav_beam])
def test_a_value_beam_asks_for_values(search, world, exact):
    with pytest.raises(KindError, match=r"gives correctness.*of kind value"):
        run(search, world, exact(world, Kind.CORRECTNESS))


def test_best_first_goes_back(exact):
    """The better first step leads nowhere good: treequest's best-first and ours return to the
    other, a beam of one cannot."""
    script = Script({"p": [["shiny", "cliff", "The answer is 1"], ["dull", "road", "So 2"]]})
    table = {"shiny": 0.9, "dull": 0.3, "cliff": 0.1, "road": 0.8, "The answer is 1": 0.0}
    assert run(best_first, script, by_text(table), n=1, width=8).chosen.answer == "2"
    assert run(beam, script, by_text(table), beams=1, width=8).chosen.answer == "1"


@pytest.mark.parametrize(("n", "rounds"), [(1, 1), (2, 3)])
def test_best_first_ends_with_its_nth_solution(n, rounds):
    """The first round ends one solution, the third the other."""
    script = Script({"p": [["So 1"], ["a", "x", "So 2"], ["a", "x", "y", "So 3"]]})
    assert len(lanes(best_first, script, by_text({}), n=n, width=32)[0]) == rounds


def test_best_first_never_chooses_a_finished_node_again(constant):
    """treequest has no notion of an end, and expands finished nodes for ever."""
    script = Script({"p": [["The answer is 1"]]})
    found = run(best_first, script, constant, n=5, width=2, rounds=50)
    assert found.usage.calls == 2 + 1, "two draws of one solution, one score, and it is over"


# --- PAV and BiRM ----------------------------------------------------------


def scores(kind, *values):
    return StepScores(kind, values, "mu")


@pytest.mark.parametrize(
    ("mu", "best_of", "expected"),
    [
        (scores(Kind.VALUE, 0.2, 0.5), 1, 0.3),
        (scores(Kind.VALUE, 0.2, 0.5), 2, 0.75 - 0.36),
        (scores(Kind.VALUE, 0.5, 0.5), 4, 0.0),  # a filler step
        (scores(Kind.VALUE, 0.2, 0.5), 200, 0.0),  # a strong prover sees no difference
        (scores(Kind.VALUE, 0.5), 1, 0.5),
        (scores(Kind.PROGRESS, 0.2, -0.1), 4, -0.1),
    ],
)
def test_advantages_by_hand(mu, best_of, expected):
    assert advantage(mu, best_of) == pytest.approx(expected, abs=1e-12)


def test_progress_turns_the_order_of_a_beam():
    """Two prefixes: Q .6 after .6 stands still, Q .55 after .3 moves on; alpha decides."""
    q = {"still": 0.6, "wait": 0.6, "moves": 0.3, "on": 0.55, "So 1": 0.6, "So 2": 0.55}
    script = Script({"p": [["still", "wait", "So 1"], ["moves", "on", "So 2"]]})
    mu = by_text({"on": 0.25, "moves": 0.3}, Kind.PROGRESS, default=0.0)

    def first(**settings):
        table = by_text(q)
        sizes = {"beams": 2, "width": 8, "rounds": 1}
        found = run(pav_beam, script, table, prover=mu, **sizes, **settings)
        assert isinstance(found, Found)
        return found

    assert first(alpha=0.0).chosen.answer == "1"
    assert first(alpha=2.0).chosen.answer == "1", "the finished are compared by Q alone"
    wrong = by_text(q, Kind.LOGIT)
    with pytest.raises(KindError, match="a prover needs scores of kind value or progress"):
        run(pav_beam, script, by_text(q), prover=wrong, beams=1, width=8)
    with pytest.raises(InputError, match="best_of"):
        run(pav_beam, script, by_text(q), best_of=0)


def test_birm_weighs_past_and_future():
    """f = v + beta mean r, to the digit; beta decides between a bright future and a sound past."""
    script = Script({"p": [["sound", "So 1"], ["lucky", "So 2"]]})
    past = by_text({"sound": 0.9, "lucky": 0.2, "So 1": 0.9, "So 2": 0.4}, Kind.CORRECTNESS)
    future = by_text({"sound": 0.5, "lucky": 0.7, "So 1": 0.5, "So 2": 0.8})

    def found(beta):
        return run(birm_beam, script, future, past=past, beta=beta, beams=2, width=8)

    by_answer = {t.answer: s for t, s in zip(found(2.0).candidates, found(2.0).scores, strict=True)}
    assert by_answer == pytest.approx({"1": 0.5 + 2 * 0.9, "2": 0.8 + 2 * 0.3})
    assert found(0.0).chosen.answer == "2"
    assert found(100.0).chosen.answer == "1"
    with pytest.raises(KindError, match="of kind correctness"):
        run(birm_beam, script, future, past=future)
    with pytest.raises(KindError, match="needs scores of kind value"):
        run(birm_beam, script, past, past=past)
    for beta in (-1.0, float("nan"), float("inf")):
        with pytest.raises(InputError, match="beta must be 0 or more and finite"):
            found(beta)
    alone = run(birm_beam, script, future, beams=2, width=8)  # what has both heads gives f itself
    assert alone.scores == tuple(future([t])[0].values[-1] for t in alone.candidates)


def test_progress_alone_is_its_own_prover():
    """Q^pi_t = sum A_i: the PAV's sums rank as the values it came from, and A is its last score."""
    q = {"still": 0.6, "wait": 0.62, "moves": 0.3, "on": 0.55, "So 1": 0.62, "So 2": 0.56}
    before = {"wait": "still", "So 1": "wait", "on": "moves", "So 2": "on"}
    a = {text: value - q.get(before.get(text), 0.4) for text, value in q.items()}  # Q_0 = .4
    script = Script({"p": [["still", "wait", "So 1"], ["moves", "on", "So 2"]]})
    sizes = {"beams": 2, "width": 8, "rounds": 1}
    for alpha in (0.0, 0.5, 3.0):
        by_value = run(pav_beam, script, by_text(q), best_of=1, alpha=alpha, **sizes)
        by_progress = run(pav_beam, script, by_text(a, Kind.PROGRESS), alpha=alpha, **sizes)
        assert by_progress.chosen.answer == by_value.chosen.answer == "1"
        assert [s + 0.4 for s in by_progress.scores] == pytest.approx(list(by_value.scores))
    search = SearchTree(
        problem=script.problems(1)[0], sample=script, check=lambda *_: None, rng=None,
        score=by_text(a, Kind.PROGRESS), takes=GUIDES,
    )  # fmt: skip
    path = search.tree.add_path(tuple(map(Step, ("moves", "on"))), finished=False)
    ranks = effective_values(search, path[-1:], prover=None, alpha=2.0, best_of=4)
    assert ranks == pytest.approx([(0.55 - 0.4) + 2 * (0.55 - 0.3)])


# --- cost ------------------------------------------------------------------


def test_no_prefix_is_scored_twice():
    """openr and thinkbooster score 164 steps of a beam that has 44 new ones."""
    world = ToyWorld(length=6, slip=0.4, recover=0.2)
    score = by_text({"good": 0.9, "bad": 0.2})
    for search in (beam, dvts, rebase, best_first, ovm_beam, sbs):
        score.read.clear()
        found = run(search, world, score)
        assert len(score.read) == len(set(score.read)), search.__name__
        assert len(score.read) <= len(found.tree) - 1


def test_a_round_is_one_call_of_the_policy_and_one_of_the_verifier(exact):
    world = ToyWorld(length=6, slip=0.4, recover=0.2)
    for search, sizes in [(beam, {}), (dvts, {}), (rebase, {"n": 16}), (ovm_beam, {}), (sbs, {})]:
        calls = []

        def sample(*given, calls=calls, **settings):
            calls.append(given)
            return world.sample(*given, **settings)

        score = exact(world)
        search(
            world.problems(1)[0], sample=sample, check=world.check, score=score,
            rng=np.random.default_rng(0), **sizes,
        )  # fmt: skip
        assert len(calls) == 6
        assert score.calls <= 7


@given(st.integers(3, 60), st.sampled_from([beam, dvts, rebase, best_first, ovm_beam, lookahead]))
def test_a_budget_that_allows_an_answer_brings_one(exact, tokens, search):
    """Where a further round would leave nothing to finish with, the best prefix is finished:
    openr raises IndexError, search-and-learn returns unfinished text."""
    world = ToyWorld(length=8, slip=0.3, recover=0.2)
    sizes = {"n": 4} if search is rebase else {"beams": 2, "width": 2}
    result = run(search, world, exact(world), budget=Budget(policy_tokens=tokens), **sizes)
    if tokens > 4:  # the first round, whose cost nobody knows before
        assert isinstance(result, Found)
    assert result.usage.policy_tokens < tokens + 8
    if isinstance(result, Unfinished):
        assert result.why == "policy_tokens"
        assert result.partial
        assert result.tree is not None


@pytest.mark.parametrize("search", [beam, dvts, best_first, ovm_beam, sbs])
def test_a_budget_of_calls_leaves_one_to_finish_with(exact, search):
    """A round of 4 draws and as many scores is begun only if 2 calls are left after it."""
    world = ToyWorld(length=8, slip=0.3, recover=0.2)
    for calls in range(10, 90, 7):
        budget = Budget(calls=calls)
        found = run(search, world, exact(world), budget=budget, beams=1, width=4)
        assert isinstance(found, Found), calls
        assert found.usage.calls <= calls


def test_the_scored_come_first_where_the_verifier_s_budget_ended():
    """Of two solutions only the second was scored: it is chosen, and the one score is its."""
    script = Script({"p": [["So 1"], ["So 2"]]})
    search = SearchTree(
        problem=script.problems(1)[0], sample=script.sample, check=script.check,
        score=by_text({"So 1": 0.9, "So 2": 0.2}), rng=np.random.default_rng(0),
        budget=Budget(verifier_tokens=1),
    )  # fmt: skip
    first, second = dict.fromkeys(search.grow([0], 16)[0])
    assert search.values([second]) != [-math.inf]
    found = search.result([])
    assert found.candidates == (search.trace(second), search.trace(first))
    assert found.scores == (search.values([second])[0],)
    assert found.chosen == found.candidates[0]


def test_a_silent_verifier_budget_still_brings_an_answer(exact):
    world = ToyWorld(length=8, slip=0.3, recover=0.2)
    found = run(beam, world, exact(world), budget=Budget(verifier_tokens=3))
    assert isinstance(found, Found)


def test_a_beam_too_short_for_any_solution_finishes_them(constant):
    """openr's beam with fewer rounds than steps: IndexError, 20 of 20."""
    world = ToyWorld(length=9)
    for search in (beam, dvts, rebase, best_first, lookahead, ovm_beam, sbs, pav_beam):
        found = run(search, world, constant, rounds=2)
        assert isinstance(found, Found)
        assert len(found.chosen.steps) == 9


def test_ends_that_the_policy_takes_back_are_ends():
    """A solution that one completion ends and another continues is a candidate."""

    def sample(problem, prefixes_P, *, count, rng, until="end"):
        rows = []
        for prefix in prefixes_P:
            row = [Completion((Step(f"{len(prefix)}"),), finished=k == 0) for k in range(count)]
            rows.append(row if len(prefix) < 3 else [Completion(())] * count)
        return rows

    found = best_of_n(
        Problem("p", "?"), sample=sample, check=lambda *_: None, score=by_text({}),
        rng=np.random.default_rng(0), n=1,
    )  # fmt: skip
    for search in (beam, dvts, best_first):
        again = search(
            Problem("p", "?"), sample=sample, check=lambda *_: None, score=by_text({}),
            rng=np.random.default_rng(0), beams=1, width=2,
        )  # fmt: skip
        assert again.chosen == found.chosen
