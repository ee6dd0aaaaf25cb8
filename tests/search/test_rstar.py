"""rStar: actions, votes as rewards, and the second model's check."""

import numpy as np
import pytest

from surefoot.core.budget import Budget
from surefoot.core.errors import InputError
from surefoot.core.types import Completion, Problem, Step, Verdict
from surefoot.search import Found, Unfinished, rstar
from surefoot.search.rstar import FINISH, THOUGHT

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
