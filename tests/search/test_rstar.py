"""rStar: actions, votes as rewards, and the second model's check."""

import numpy as np
import pytest

from surefoot.core.budget import Budget
from surefoot.core.errors import InputError
from surefoot.core.types import Completion, Problem, Step, Verdict
from surefoot.search import Found, Unfinished, rstar
from surefoot.search.rstar import FINISH, THOUGHT, Action, final_scores, told

P = Problem("p", "What is it?", gold="1")


def step(text):
    return Step(text, (1,))


def policy(answers):
    """Thinks in steps "a", "b"; ends with one of the answers, drawn evenly."""

    def sample(problem, prefixes_P, *, count, rng, until="end"):
        def one(prefix):
            if until == "step" and len(prefix) < 4:
                kind = "asked" if "question" in problem.text else "thought"
                return Completion((step(f"{kind} {len(prefix)}"),), finished=False)
            answer = answers[int(rng.integers(len(answers)))]
            return Completion((step("so"), step(f"The answer is {answer}")))

        return [[one(prefix) for _ in range(count)] for prefix in prefixes_P]

    return sample


def run(answers, seed=0, second=None, **settings):
    return rstar(
        P, sample=policy(answers), second=policy(second) if second else None,
        check=lambda _, t: Verdict.CORRECT if t.answer == "1" else Verdict.WRONG,
        rng=np.random.default_rng(seed), **settings,
    )  # fmt: skip


def test_the_frequent_answer_is_found_and_the_tree_is_whole():
    found = run("1112")
    assert isinstance(found, Found)
    assert found.chosen.verdict is Verdict.CORRECT
    assert found == run("1112")
    assert sum(found.tree.finished) == len(found.candidates)
    assert found.tree.visits[0] >= found.tree.visits[1]


def test_the_second_model_overrules_the_first():
    """The first one says 2 most of the time, the second always 1."""
    alone = [run("1222", seed).chosen.answer for seed in range(10)]
    checked = [run("1222", seed, second="1", votes=3).chosen.answer for seed in range(10)]
    assert alone.count("2") > 5
    assert checked.count("1") > alone.count("1")


@pytest.mark.parametrize(
    ("classes", "rewards", "survive", "finals"),
    [
        # Three survive: (.5 / 3 + 1/2, (.3 + .3) / 3 + 2/3).
        ([0, 0, 1, 1, 1], [0.5, 0.5, 0.3, 0.3, 0.3], [1, 0, 1, 1, 0], [2 / 3] * 2 + [13 / 15] * 3),
        ([0, 1, None], [0.9, 0.4, 0.0], [0, 1, 0], [0.0, 0.4 + 1, 0.0]),
        ([0, 0, 1, 1, 1], [0.5, 0.5, 0.3, 0.3, 0.3], [0] * 5, [0.2] * 2 + [0.18] * 3),
        ([], [], [], []),
    ],
)
def test_final_scores_by_hand(classes, rewards, survive, finals):
    assert final_scores(classes, rewards, survive) == pytest.approx(finals)


def agreeing(counts):
    """A second model that comes to a candidate's answer from so many of its four cuts."""

    def second(problem, prefixes_P, *, count, rng):
        del problem, count, rng
        assert [len(prefix) for prefix in prefixes_P] == [1, 1, 1, 1]
        answer = prefixes_P[0][0].text[-1]
        said = [answer] * counts[answer] + ["9"] * (4 - counts[answer])
        return [[Completion((step(f"The answer is {a}"),))] for a in said]

    return second


def test_an_end_survives_with_half_of_the_completions():
    """1 has more votes than 2; the second model comes to 2 from two of four cuts, to 1 from one."""

    def sample(problem, prefixes_P, *, count, rng, until="end"):
        del prefixes_P, rng, until
        answer, votes = ("2", 1) if "other" in problem.text else ("1", count)
        said = [answer] * votes + ["3"] * (count - votes)
        return [[Completion((step(f"so {a}"), step(f"The answer is {a}"))) for a in said]]

    def found(counts):
        actions = (
            Action("other", told("other"), until="end"),
            Action("one", told(""), until="end"),
        )
        return rstar(
            P, sample=sample, second=agreeing(counts), check=lambda *_: Verdict.WRONG,
            rng=np.random.default_rng(0), actions=actions, votes=2, rollouts=4,
        )  # fmt: skip

    half = found({"1": 1, "2": 2})
    assert half.chosen.answer == "2"
    assert [t.answer for t in half.candidates] == ["1", "2"], "the most voted is checked first"
    assert {t.answer: s for t, s in zip(half.candidates, half.scores, strict=True)} == {
        "1": 0.0,
        "2": 0.5 + 1,
    }
    assert found({"1": 1, "2": 1}).chosen.answer == "1", "none survives: the most voted"
    both = found({"1": 4, "2": 2})
    assert both.chosen.answer == "1"
    assert dict(zip((t.answer for t in both.candidates), both.scores, strict=True)) == {
        "1": 0.5 + 1, "2": 0.25 + 1,
    }  # fmt: skip
    assert both.usage.calls == 4 + 8, "four votes, and four completions of each of two ends"


def test_votes_that_were_cut_off_count_as_votes():
    """Two of eight completions end, both with 1: its share is a quarter."""

    def sample(problem, prefixes_P, *, count, rng, until="end"):
        del problem, rng, prefixes_P
        if until == "step":
            return [[Completion(())] * count]
        said = Completion((step("The answer is 1"),))
        cut = Completion((step("It is "),), finished=False)
        return [[said if k in (3, 5) else cut for k in range(count)]]

    found = rstar(
        P, sample=sample, second=policy("1"), check=lambda *_: Verdict.CORRECT, votes=8,
        rng=np.random.default_rng(0), actions=(FINISH,), rollouts=1,
    )  # fmt: skip
    assert found.tree.value_sums == [0.25, 0.25]
    assert found.scores == (0.25 + 1,)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_node_at_the_depth_is_only_finished(depth):
    tree = run("1", depth=depth, rollouts=60, actions=(THOUGHT, FINISH)).tree
    thoughts = [
        sum(s.text.startswith("thought") for s in tree.prefix(node)) for node in range(len(tree))
    ]
    assert max(thoughts) == depth


def test_where_none_survives_the_most_voted_is_taken():
    found = run("1", second="3")
    assert found.chosen.answer == "1"


def test_actions_follow_what_they_may_follow():
    found = run("1", rollouts=30)
    texts = {s.text for s in found.tree.steps}
    assert any(text.startswith("asked") for text in texts), "the subquestion's words are heard"
    plain = run("1", actions=(THOUGHT, FINISH))
    assert not any(s.text.startswith("asked") for s in plain.tree.steps)


def test_a_budget_ends_it_and_bad_settings_are_refused():
    found = run("1112", budget=Budget(calls=12))
    assert found.usage.calls <= 12 + 8
    nothing = run("1112", budget=Budget(calls=0))
    assert isinstance(nothing, Unfinished)
    assert nothing.why == "calls"
    with pytest.raises(InputError, match=r"an action that goes to the end; .*\['thought'\]"):
        run("1", actions=(THOUGHT,))
