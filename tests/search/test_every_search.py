"""What holds for all searches: repeatable, within budget, and always an answer or a reason."""

from dataclasses import astuple, fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.core.budget import Budget
from surefoot.core.errors import InputError, KindError
from surefoot.core.types import Completion, Kind, Step, StepScores, Trace, Verdict
from surefoot.policy import ScriptedPolicy
from surefoot.search import (
    Found,
    Unfinished,
    ab_mcts,
    adaptive_vote,
    beam,
    best_first,
    best_of_n,
    birm_beam,
    dvts,
    generative_selection,
    lookahead,
    majority,
    mcts,
    ovm_beam,
    particle_filter,
    particle_gibbs,
    pav_beam,
    rebase,
    repeated,
    rpc,
    rstar,
    sbs,
    self_refine,
    stepwise_best_of_n,
    temperature_vote,
    thinking_budget,
    tot_bfs,
    tot_dfs,
    usc,
    weighted_vote,
)
from surefoot.tasks.toy import ToyWorld


def with_n(search, scored=True):
    def run(problem, *, sample, check, score, rng, size=6, **settings):
        settings |= {"score": score} if scored else {}
        return search(problem, sample=sample, check=check, rng=rng, n=size, **settings)

    return run


def as_beam(search, **own):
    def run(problem, *, size=6, **settings):
        return search(problem, beams=max(1, size // 2), width=2, **own, **settings)

    return run


def with_size(search, size_of, **own):
    """`search` with its own settings for a size of the suite."""

    def run(problem, *, size=6, **settings):
        return search(problem, **size_of(size), **own, **settings)

    return run


def birm_of(problem, *, score, **settings):
    def past(traces_N):
        return [replace(scores, kind=Kind.CORRECTNESS) for scores in score(traces_N)]

    return as_beam(birm_beam)(problem, score=score, past=past, **settings)


def temperatures_of(problem, *, sample, **settings):
    return with_n(without_sample, scored=False)(problem, sample=sample, **settings)


def without_sample(problem, *, sample, **settings):
    return temperature_vote(problem, samples=[sample, sample], **settings)


def thinking_of(problem, *, score, size=6, **settings):
    del score, size
    return thinking_budget(problem, **settings)


def mute(problem, prefixes_P, *, count, **_):
    """A judge without an opinion."""
    return [[Completion(())] * count for _ in prefixes_P]


def judged(search):
    def run(problem, *, score, size=6, judge=mute, **settings):
        del score
        return search(problem, judge=judge, n=size, **settings)

    return run


def refine_of(problem, *, score, size=6, judge=mute, **settings):
    del score
    return self_refine(problem, judge=judge, passes=min(size, 3), **settings)


def mcts_of(problem, *, size=6, **settings):
    return mcts(problem, simulations=2 * size, width=2, batch=2, **settings)


def rstar_of(problem, *, score, size=6, **settings):
    del score
    return rstar(problem, rollouts=size, votes=2, **settings)


def bfs_of(problem, *, size=6, **settings):
    return tot_bfs(problem, thoughts=2, keep=size, **settings)


def dfs_of(problem, *, size=6, **settings):
    return tot_dfs(problem, thoughts=2, steps=4 * size, **settings)


SCORED = {
    "mcts": mcts_of,
    "ab_mcts": with_size(ab_mcts, lambda size: {"attempts": size}, batch=2),
    "tot_bfs": bfs_of,
    "tot_dfs": dfs_of,
    "best_of_n": with_n(best_of_n),
    "weighted_vote": with_n(weighted_vote),
    "beam": as_beam(beam),
    "dvts": as_beam(dvts),
    "lookahead": as_beam(lookahead),
    "rebase": with_n(rebase),
    "stepwise": with_n(stepwise_best_of_n),
    "best_first": with_size(best_first, lambda size: {"n": max(1, size // 2)}, beams=2, width=2),
    "particle_filter": with_n(particle_filter),
    "particle_gibbs": with_n(particle_gibbs),
    "repeated": with_size(repeated, lambda size: {"n": max(1, size // 2)}, runs=2),
}
OF_VALUES = {
    "ovm_beam": as_beam(ovm_beam),
    "sbs": as_beam(sbs),
    "pav_beam": as_beam(pav_beam),
    "birm_beam": birm_of,
}
JUDGED = {
    "usc": judged(usc),
    "generative_selection": judged(generative_selection),
    "self_refine": refine_of,
}
UNSCORED = {
    "majority": with_n(majority, scored=False),
    "adaptive_vote": with_n(adaptive_vote, scored=False),
    "rpc": with_n(rpc, scored=False),
    "rstar": rstar_of,
    "temperature_vote": temperatures_of,
    "thinking_budget": thinking_of,
}
AGGREGATED = dict(SCORED)  # those that take a user's aggregation
SCORED |= OF_VALUES
SEARCHES = SCORED | UNSCORED | JUDGED

every_search = pytest.mark.parametrize("search", SEARCHES.values(), ids=SEARCHES)
every_aggregated = pytest.mark.parametrize("search", AGGREGATED.values(), ids=AGGREGATED)
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

    def ask(self, problem, prefixes_P, *, count, **_):
        said = Completion((Step("hm", (1, 1)),))
        self.bills.append((0, 2 * count * len(prefixes_P), count * len(prefixes_P)))
        return [[said] * count for _ in prefixes_P]

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
    judge = {"judge": till.ask} if search in JUDGED.values() else {}

    def run():
        return search(
            problem,
            sample=till.sample,
            check=world.check,
            score=till.judge,
            rng=np.random.default_rng(seed),
            budget=budget,
            size=size,
            **judge,
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


@every_aggregated
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
def test_every_token_and_call_is_paid_for_also_an_end_that_comes_alone(
    search, speaking, exact, rng
):
    """A language model's end of text is a token of its own, often without any step."""
    world = speaking(length=4, slip=0.3, recover=0.2)
    written, asked, judged = [], [], exact(world)

    def ended(prefix):
        return prefix and prefix[-1].text.startswith("The answer")

    def sample(problem, prefixes_P, *, count, rng, until="end"):
        rows = [
            [Completion((), silent=1)] * count
            if ended(prefix)
            else [
                Completion(c.steps, silent=1)
                if until == "end"
                else Completion(c.steps, finished=False)  # its end comes next, alone
                for c in world.sample(problem, [prefix], count=count, rng=rng, until=until)[0]
            ]
            for prefix in prefixes_P
        ]
        flat = [c for row in rows for c in row]
        written.append(sum(len(s.ids) for c in flat for s in c.steps) + sum(c.silent for c in flat))
        asked.append(len(flat))
        return rows

    def score(traces_N):
        scores_N = judged(traces_N)
        asked.append(len(scores_N))
        return scores_N

    [problem] = world.problems(1)
    found = search(problem, sample=sample, check=world.check, score=score, rng=rng)
    assert isinstance(found, Found)
    assert found.usage.policy_tokens == sum(written)
    if search not in JUDGED.values():  # `mute` is asked too
        assert found.usage.calls == sum(asked)


@every_search
def test_a_problem_without_gold_is_searched_and_not_checked(search, world, constant, rng):
    problem = replace(world.problems(1)[0], gold=None)
    script = ScriptedPolicy({problem.id: [["The answer is 1"], ["The answer is 2"]]})
    found = search(problem, sample=script, check=lambda *_: 1 / 0, score=constant, rng=rng)
    assert isinstance(found, Found)
    assert found.chosen.verdict is None


@every_search
def test_a_killed_search_that_goes_on_is_the_search_that_was_not_killed(search, speaking, exact):
    """Its policy's answers are kept, as the journal keeps them; the rest follows from the seed."""
    world = speaking(length=4, slip=0.3, recover=0.2)
    [problem] = world.problems(1)
    known = {}

    class Killed(Exception):
        pass

    def run(most):
        left = [most]

        def answer(prefix, until, seed):
            key = (tuple(step.text for step in prefix), until, seed)
            if key not in known:
                if not left[0]:
                    raise Killed
                left[0] -= 1
                rng = np.random.default_rng(seed)
                [[known[key]]] = world.sample(problem, [prefix], count=1, rng=rng, until=until)
            return known[key]

        def sample(problem, prefixes_P, *, count, rng, until="end"):
            seeds = rng.integers(2**63, size=(len(prefixes_P), count)).tolist()
            return [
                [answer(prefix, until, seed) for seed in row]
                for prefix, row in zip(prefixes_P, seeds, strict=True)
            ]

        rng = np.random.default_rng(7)
        return search(problem, sample=sample, check=world.check, score=exact(world), rng=rng)

    whole = run(10**9)
    assert whole.tree is not None
    answers, known = known, {}
    with pytest.raises(Killed):
        run(max(1, len(answers) // 2) if len(answers) > 1 else 0)
    assert run(10**9) == whole
    assert known == answers


DEEP = {name: run for name, run in SEARCHES.items() if not name.startswith(("mcts", "tot_"))}


@pytest.mark.slow
@pytest.mark.parametrize("search", DEEP.values(), ids=DEEP)
def test_any_depth(search, world, rng):
    """10,000 steps, with what is needed for one solution: no recursion."""
    [problem] = world.problems(1)
    depth = 10_000

    def sample(problem, prefixes_P, *, count, rng, until="end"):
        def rest(prefix):
            steps = tuple(
                Step(str(place), (1,), (-0.1,))
                for place in range(len(prefix), depth if until == "end" else len(prefix) + 1)
            )
            return Completion(steps, len(prefix) + len(steps) >= depth)

        return [[rest(prefix)] * count for prefix in prefixes_P]

    def score(traces_N):
        return [StepScores(Kind.VALUE, (0.5,) * len(t.steps), "constant") for t in traces_N]

    limits = {} if search in (UNSCORED | JUDGED).values() else {"rounds": depth + 1}
    if search in (AGGREGATED["best_of_n"], AGGREGATED["weighted_vote"]):
        limits = {}
    if search is UNSCORED["thinking_budget"]:
        limits = {"most": depth + 1}
    found = search(
        problem, sample=sample, check=lambda *_: Verdict.CORRECT, score=score, rng=rng, size=1,
        **limits,
    )  # fmt: skip
    assert isinstance(found, Found)
    assert len(found.chosen.steps) == depth
    assert len(found.tree) == depth + 1


GUIDED = {
    name: SCORED[name]
    for name in ("beam", "dvts", "lookahead", "rebase", "stepwise", "best_first", "particle_filter",
                 "particle_gibbs", "ovm_beam", "sbs", "pav_beam", "birm_beam")
}  # fmt: skip
every_guided = pytest.mark.parametrize("search", GUIDED.values(), ids=GUIDED)
PROBLEMS = 300


def outcome(search, world, score, *, size=4):
    """Accuracy and policy tokens of a problem."""
    rng = np.random.default_rng(5)
    found = [
        search(p, sample=world.sample, check=world.check, score=score, rng=rng, size=size)
        for p in world.problems(PROBLEMS)
    ]
    right = [f.chosen.verdict is Verdict.CORRECT for f in found]
    return np.mean(right), np.mean([f.usage.policy_tokens for f in found])


@every_guided
def test_a_verifier_without_opinion_is_a_plain_sample(search, constant):
    world = ToyWorld(length=4, slip=0.4, recover=0.1)
    accuracy, _ = outcome(search, world, constant)
    p = world.pass_at_1()
    assert abs(accuracy - p) < 4 * np.sqrt(p * (1 - p) / PROBLEMS)


@every_guided
@pytest.mark.parametrize("recover", [0.0, 0.1])
def test_exact_values_are_worth_their_tokens(search, exact, recover):
    """At least the accuracy of best-of-n with exact values at the same policy tokens."""
    world = ToyWorld(length=6, slip=0.4, recover=recover)
    accuracy, tokens = outcome(search, world, exact(world))
    best_of = 1 - (1 - world.pass_at_1()) ** (tokens / world.length)
    assert accuracy > best_of - 2 * np.sqrt(best_of * (1 - best_of) / PROBLEMS)


@every_guided
def test_the_tree_holds_what_choosing_again_takes(search, speaking, exact, rng):
    """Each candidate is a path of the tree, and the scores of its steps are there."""
    world = speaking(length=4, slip=0.3, recover=0.2)
    [problem] = world.problems(1)
    score = exact(world)
    found = search(problem, sample=world.sample, check=world.check, score=score, rng=rng)
    ends = [node for node in range(len(found.tree)) if found.tree.finished[node]]
    by_text = {tuple(s.text for s in found.tree.prefix(node)): node for node in ends}
    for trace in found.candidates:
        path = found.tree.path(by_text[tuple(s.text for s in trace.steps)])[1:]
        [scores] = score([Trace(problem, trace.steps)])
        assert [found.tree.scores[node] for node in path] == list(scores.values)


def test_a_backend_that_ignores_how_many_were_asked_for_is_an_error(world, constant, rng):
    """optillm's best-of-n becomes best-of-1 without a word."""
    [problem] = world.problems(1)

    def sample(problem, prefixes_P, *, count, **settings):
        return world.sample(problem, prefixes_P, count=1, **settings)

    with pytest.raises(InputError, match=r"16 completions of 1 prefixes.*gave \[1\]"):
        beam(problem, sample=sample, check=world.check, score=constant, rng=rng)
