import time

import pytest

pytest.importorskip("reasoning_gym", reason="needs surefoot[gym]")

from surefoot.core.errors import InputError
from surefoot.core.types import Problem, Step, Trace, Verdict
from surefoot.tasks.gym import gym_answer, gym_checker, gym_problems, gym_score
from surefoot.tasks.gym_worker import ALGEBRA, ARITHMETIC, EVALUATED, STRICTER, is_expression
from surefoot.tasks.load import check_golds

GARBAGE = ["garbage xyz", "()", "[]", "0", "1" * 500, "٤٢", "True", "a,b\nc", "\x00", "{" * 2000]
SOME = sorted({*EVALUATED, *ARITHMETIC, *ALGEBRA, *STRICTER, "prime_factorization", "chain_sum"})


def every_name():
    from reasoning_gym.factory import DATASETS

    return sorted(set(DATASETS) - {"composite"})


def is_healthy(name):
    problems = gym_problems(name, 2, seed=3)
    assert check_golds(problems, gym_checker()) == []
    for text in GARBAGE:
        score = gym_score(problems[0], text)
        assert score is None or score < 1 or text == problems[0].gold, text


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("coin_flip", ["0", "0.", "0.2"]),
        ("complex_arithmetic", ["nan", "nan+nani"]),
        ("puzzle24", ["1*2*3*4", "5*6*1 - 6"]),
        ("game_of_life_halting", ["yes, it halts", "garbage"]),
    ],
)
def test_what_the_scorers_forget_to_ask(name, wrong):
    for problem in gym_problems(name, 3, seed=3):
        for text in wrong:
            assert text == problem.gold or (gym_score(problem, text) or 0) < 1


@pytest.mark.parametrize("name", SOME)
def test_golds_pass_and_garbage_does_not(name):
    is_healthy(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", every_name())
def test_golds_pass_and_garbage_does_not_everywhere(name):
    is_healthy(name)


@pytest.mark.parametrize("name", [*EVALUATED, *ARITHMETIC, *ALGEBRA])
def test_answers_are_not_executed(name, tmp_path):
    canary = tmp_path / "canary"
    [problem] = gym_problems(name, 1)
    for code in (
        f"__import__('os').system('touch {canary}')",
        f"open('{canary}', 'w')",
        f"[open('{canary}', 'w')]",
        "().__class__.__base__.__subclasses__()",
        "9**9**9**9",
    ):
        start = time.perf_counter()
        assert (gym_score(problem, code) or 0) < 1
        assert time.perf_counter() - start < 2
    assert not canary.exists()


def test_problems_are_made_again_from_their_ids():
    problems = gym_problems("chain_sum", 60, seed=1)
    assert problems[59].id == "gym-chain_sum-1-59"
    assert gym_problems("chain_sum", 55, seed=1) == problems[:55]
    assert gym_problems("chain_sum", 1, seed=2)[0].text != problems[0].text
    assert len({p.text for p in problems}) == 60


def test_verdicts():
    [problem] = gym_problems("chain_sum", 1)
    check = gym_checker()

    def verdict(text):
        return check(problem, Trace(problem, (Step(text),)))

    assert verdict(f"<answer>{problem.gold}</answer>") is Verdict.CORRECT
    assert verdict(rf"\boxed{{{problem.gold}}}") is Verdict.CORRECT
    assert verdict("<answer>-1</answer>") is Verdict.WRONG
    assert verdict("no idea") is Verdict.UNREADABLE


def test_partial_credit_is_wrong_unless_asked_for():
    [problem] = gym_problems("time_intervals", 1)
    trace = Trace(problem, (), answer="0")
    score = gym_score(problem, "0")
    assert 0 < score < 1
    assert gym_checker()(problem, trace) is Verdict.WRONG
    assert gym_checker(at_least=score)(problem, trace) is Verdict.CORRECT


def test_garbage_that_a_scorer_raises_on_is_unreadable():
    [problem] = gym_problems("prime_factorization", 1)
    assert gym_checker()(problem, Trace(problem, (), answer="garbage xyz")) is Verdict.UNREADABLE


def test_data_sets_without_gold_are_still_scored():
    [problem] = gym_problems("graph_color", 1)
    assert problem.gold is None
    assert gym_score(problem, "garbage xyz") == 0


@pytest.mark.parametrize(
    ("text", "names", "expected"),
    [
        ("(3+4)*5/2 - 1", False, True),
        ("3**4", False, False),
        ("x**2 + 3*x", True, True),
        ("sin(2*x)/2 + C", True, True),
        ("x.real", True, False),
        ("x**999", True, False),
        ("9**9**9", True, False),
        ("exec(1)", True, False),
        ("9" * 50, True, False),
        ("", True, False),
    ],
)
def test_expressions(text, names, expected):
    assert is_expression(text, names=names) is expected


def test_answer_tag():
    assert gym_answer("<answer>1</answer> no <answer>2\n3</answer>") == "2\n3"
    assert gym_answer("The answer is 4.") == "4"


def test_mistakes_are_explained():
    with pytest.raises(InputError, match="did you mean countdown"):
        gym_problems("countdwn", 1)
    with pytest.raises(InputError, match="mixes other data sets"):
        gym_problems("composite", 1)
    with pytest.raises(InputError, match="not from reasoning-gym"):
        gym_score(Problem("x", "?"), "1")
    with pytest.raises(InputError, match="makes another puzzle"):
        gym_score(Problem("gym-chain_sum-0-0", "?"), "1")
    with pytest.raises(InputError, match="at_least"):
        gym_checker(at_least=0)
