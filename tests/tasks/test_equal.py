import threading
import time
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.core.errors import InputError, MissingExtra
from surefoot.core.types import Problem, Step, Trace, Verdict
from surefoot.core.votes import answer_classes
from surefoot.tasks.equal import Comparer, Comparison, math_checker
from surefoot.tasks.leaves import same_plainly
from surefoot.tasks.spelling import tidy
from surefoot.tasks.values import value_of
from surefoot.tasks.workers import TookTooLong, WorkerDied, Workers
from surefoot.tasks.written import parts, same_as_written

# gold, answer: settled as written
SAME = [
    ("18", "18.0"), ("18", "$18.00"), ("18", "18."), ("1,000", "1000"), ("-3", "−3"), ("3", "３"),
    ("42", "٤٢"), ("1/2", "0.5"), (r"\frac12", "0.5"), (r"\dfrac{1}{2}", "1/2"), ("2/4", "1/2"),
    (r"-\frac{1}{2}", "-0.5"), ("2 1/2", "2.5"), (r"2\frac{1}{2}", "5/2"), ("50%", "50"),
    (r"50\%", "0.5"), ("1e3", "1000"), (r"1.5\times 10^{3}", "1500"), (r"0.\overline{3}", "1/3"),
    ("1/3", "0.333333"), ("5", "5 miles"), ("5 miles", "5"), (r"5\text{ cm}", "5 cm"),
    ("2000000", "2 million"), ("x=5", "5"), ("5", "x = 5"), ("x=5", "x=5.0"), ("3, 4", "4 or 3"),
    ("1, 2", r"\{2,1\}"), ("(1,2)", "1, 2"), ("(1,2)", "(1.0, 2)"), (r"\left(1,2\right)", "(1,2)"),
    (r"\pm 2", "2, -2"), ("[1,2)", "[1, 2)"), ("12_8", "12_{8}"), ("1:00", "01:00"),
    ("Monday", r"\text{Monday}"), ("A", "(A)"), ("(A)", "A."), (r"90^\circ", "90"),
    (r"\text{even}", "Even"), (r"$\boxed{7}$", "7"), (r"\$5", "5"), ("10", "10 percent"),
]  # fmt: skip

DIFFERENT = [
    ("18", "19"), ("10000", "10001"), ("1e-10", "2e-10"), ("0", "0.0000001"), ("3", "3 or 4"),
    ("2", "1,2,3"), ("5", "1,2,3,4,5,6,7,8,9"), ("(1,2)", r"\{1,2\}"),
    ("(1,2)", "[1,2]"), ("[1,2)", "[1,2]"), ("(1,2)", "(2,1)"), ("(1,2)", "2, 1"), ("12_8", "12"),
    ("12", "12_8"), ("2021", r"\pm 2021"), (r"\pm 2021", "2021"), ("12:00", "1:00"), ("3", "5=3"),
    ("3", "3=4"), ("3", "3=4=3"), ("x=5", "y=5"), ("5 cm", "5 m"), ("Monday", "Tuesday"),
    ("listen", "silent"), ("3", "garbage xyz"), ("1/3", "0.33"), ("1/3", "0.3333"), ("50%", "0.05"),
    ("100", "1"), ("1", "1,000"), (r"0.\overline{3}", "0.3"), ("3", "33"), ("A", "(B)"),
]  # fmt: skip


@pytest.mark.parametrize(("gold", "answer"), SAME)
def test_same_as_written(gold, answer):
    assert same_as_written(tidy(gold), tidy(answer), same_plainly) is True


@pytest.mark.parametrize(("gold", "answer"), DIFFERENT)
def test_different_as_written(gold, answer):
    assert same_as_written(tidy(gold), tidy(answer), same_plainly) is False


# gold, answer, equal: these take algebra; starred ones math-verify alone gets wrong
ALGEBRA = [
    ("2", r"\sqrt{4}", True), ("x^2+2x+1", "(x+1)^2", True), ("1+x", "x+1", True),
    (r"\frac{\pi}{3}", r"\pi/3", True), (r"\frac{1}{\sqrt2}", r"\frac{\sqrt2}{2}", True),
    (r"\sqrt{2}+\sqrt{3}", r"\sqrt{5+2\sqrt{6}}", True), ("y=2x+1", "2x-y+1=0", True),
    ("x>3", "3<x", True), ("10!", "3628800", True), ("2^{10}", "1024", True), ("5", "2+3=5", True),
    (r"3\sqrt{2}, 5", r"5, \sqrt{18}", True), (r"(\sqrt{4}, 1)", "(2, 1)", True),
    (r"(-\infty,3)\cup(4,\infty)", r"(4,\infty)\cup(-\infty,3)", True), ("1+2i", "2i+1", True),
    ("x+1", "x+2", False), ("2x", "2y", False), ("x>3", "x<3", False), ("3", "A", False),
    ("3", r"\{3,4\}", False), ("5", "5 is wrong", False), ("5", "not 5", False),
    (r"\begin{pmatrix}1\\2\end{pmatrix}", r"\begin{pmatrix}1\\3\end{pmatrix}", False),
    ("1/2004!", "1/2006!", False),  # *
    ("1/2^{99}", "1/2^{98}", False),  # *
    ("3x-y+13=0", "3x+4y+14=0", False),  # *
    ("x/10^{20}", "x/10^{21}", False),
    (r"\sqrt{2}", "1.4", False),
]  # fmt: skip


@pytest.mark.parametrize(("gold", "answer", "equal"), ALGEBRA)
def test_algebra(comparer, gold, answer, equal):
    assert comparer.equal(gold, answer) is equal


@given(st.integers(-(10**9), 10**9), st.integers(1, 10**4))
def test_every_spelling_of_a_fraction_has_its_value(top, bottom):
    value = Fraction(top, bottom)
    sign = "-" if top < 0 else ""
    for text in (f"{top}/{bottom}", rf"{sign}\frac{{{abs(top)}}}{{{bottom}}}", f"({top}/{bottom})"):
        assert value_of(text).number == value
    assert value_of(f"{top:,}").number == top
    assert value_of(f"{top} apples").number == top


@given(st.fractions(max_denominator=10**5), st.fractions(max_denominator=10**5))
def test_fractions_are_equal_iff_their_values_are(left, right):
    assert same_plainly(str(left), str(right)) is (left == right)


@given(st.lists(st.integers(0, 99), min_size=1, max_size=6), st.randoms())
def test_lists_are_multisets(numbers, random):
    shuffled = random.sample(numbers, len(numbers))
    gold, answer = (", ".join(map(str, n)) for n in (numbers, shuffled))
    assert len(parts(gold)) == len(numbers)
    assert same_as_written(gold, answer, same_plainly) is True
    assert same_as_written(gold, f"{answer}, 5", same_plainly) is False


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_texts_can_be_compared_as_written(gold, answer):
    same_as_written(tidy(gold), tidy(answer), same_plainly)
    assert same_as_written(tidy(gold), tidy(gold), same_plainly) is True


# --- the checker and classes -----------------------------------------------


def test_checker_verdicts(comparer):
    check = math_checker(same=comparer.equal)
    problem = Problem("p1", "?", gold="18")

    def verdict(text, answer=None):
        return check(problem, Trace(problem, (Step(text),), answer=answer))

    assert verdict("so 18") is Verdict.CORRECT
    assert verdict("so 19") is Verdict.WRONG
    assert verdict("so what") is Verdict.UNREADABLE
    assert verdict("so 19", answer="18") is Verdict.CORRECT  # a stated answer counts
    assert verdict("", answer="9**9**9**9") is Verdict.UNREADABLE
    assert verdict("", answer=" ") is Verdict.UNREADABLE


@pytest.mark.parametrize("gold", [None, "", "  "])
def test_a_missing_gold_names_the_problem(gold):
    problem = Problem("p7", "?", gold=gold)
    with pytest.raises(InputError, match="'p7' has no gold answer"):
        math_checker()(problem, Trace(problem, (Step("3"),)))


def test_a_timeout_is_unreadable_not_wrong():
    problem = Problem("p", "?", gold="3")
    check = math_checker(same=lambda gold, answer: None)
    assert check(problem, Trace(problem, (Step("4"),))) is Verdict.UNREADABLE


def test_answer_classes(comparer):
    answers = ["1/2", None, "0.5", "2", "", "two", r"\frac{4}{2}", "2"]
    readable = [answer or None for answer in answers]
    assert answer_classes(readable, same=comparer.equal) == [0, None, 0, 1, None, 1, 1, 1]
    assert answer_classes([], same=comparer.equal) == []


def test_comparisons_from_many_threads(comparer):
    results = {}

    def work(n):
        results[n] = comparer.compare(str(n), rf"\sqrt{{{n * n}}}")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(results.values()) == {Comparison.EQUAL}


def test_what_is_settled_as_written_starts_no_process():
    with Comparer() as fresh:
        assert fresh.equal("1/2", "0.5") is True
        assert not fresh._workers._all


# --- workers, with a tiny child of their own --------------------------------

CHILD = """
import os, time
from surefoot.tasks.workers import serve
def warm_up():
    def answer(request):
        if "sleep" in request:
            time.sleep(request["sleep"])
        if "die" in request:
            os._exit(3)
        if "eat" in request:
            return {"size": len(bytearray(request["eat"]))}
        if "write" in request:
            try:
                open(request["write"], "w")
            except PermissionError as error:
                return {"refused": str(error)}
        if "run" in request:
            try:
                os.system(request["run"])
            except PermissionError as error:
                return {"refused": str(error)}
        print("noise")
        return {"pid": os.getpid(), "key": os.environ.get("SECRET_KEY")}
    return answer
serve(warm_up)
"""


@pytest.fixture
def workers(tmp_path, monkeypatch):
    (tmp_path / "surefoot_test_child.py").write_text(CHILD)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("SECRET_KEY", "secret")
    with Workers("surefoot_test_child", seconds=0.5, count=2, recycle=3) as workers:
        yield workers


def test_a_worker_lives_on_and_is_recycled(workers):
    pids = [workers.ask({})["pid"] for _ in range(4)]
    assert pids[0] == pids[1] == pids[2] != pids[3]


def test_a_worker_that_hangs_is_killed_and_replaced(workers):
    workers.ask({})
    start = time.perf_counter()
    with pytest.raises(TookTooLong):
        workers.ask({"sleep": 60})
    assert time.perf_counter() - start < 1
    assert "pid" in workers.ask({})


def test_a_worker_that_dies_says_so(workers):
    with pytest.raises(WorkerDied, match="ended"):
        workers.ask({"die": 1})
    with pytest.raises(WorkerDied):
        workers.ask({"eat": 8 << 30})  # more than it is allowed
    assert "pid" in workers.ask({})


def test_a_worker_gets_no_secrets_and_cannot_reach_out(workers, tmp_path):
    assert workers.ask({})["key"] is None
    assert "may not write" in workers.ask({"write": str(tmp_path / "canary")})["refused"]
    assert "os.system" in workers.ask({"run": f"touch {tmp_path}/canary"})["refused"]
    assert not (tmp_path / "canary").exists()


def test_closed_workers_refuse(workers):
    workers.close()
    workers.close()
    with pytest.raises(WorkerDied, match="closed"):
        workers.ask({})


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    (tmp_path / "surefoot_test_lacking.py").write_text(
        "from surefoot.core.errors import need\nfrom surefoot.tasks.workers import serve\n"
        "serve(lambda: need('no_such_package', 'maths'))\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with (
        Workers("surefoot_test_lacking", count=1) as lacking,
        pytest.raises(MissingExtra, match=r"surefoot\[maths\]"),
    ):
        lacking.ask({})
