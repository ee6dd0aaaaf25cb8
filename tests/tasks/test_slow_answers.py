"""Slow answers cost once: time-outs are remembered, and a vote has its seconds."""

import signal
import subprocess
import sys
import threading
import time
from itertools import combinations

import pytest

from surefoot.core.votes import Allowance, allowance, allowed, answer_classes
from surefoot.tasks.equal import Comparer, Comparison
from surefoot.tasks.workers import TookTooLong, WorkerDied

EIGHT = [rf"\sin({k}x)\cos({k}x)" for k in range(2, 10)]  # as if they took long


class Stub:
    """Workers that count what they are asked; each request runs into its time limit."""

    def __init__(self, *, reply=None, error=None):
        self.asked, self._reply, self._error = [], reply, error

    def ready(self):
        """As if a child were warm."""

    def ask(self, request, *, seconds, wait):
        """Takes all its time."""
        self.asked.append((request["gold"], request["answer"]))
        if self._error is not None:
            raise self._error
        time.sleep(seconds)
        raise TookTooLong("too long", self._reply)

    def close(self):
        """Nothing to end."""


@pytest.fixture
def slow(monkeypatch):
    def make(stub, seconds=0.02):
        comparer = Comparer(seconds=seconds)
        monkeypatch.setattr(comparer, "_workers", stub)
        return comparer

    return make


def test_a_time_out_is_asked_once_and_both_ways(slow):
    stub = Stub()
    comparer = slow(stub)
    one, other = EIGHT[:2]
    for _ in range(3):
        assert comparer.compare(one, other) is Comparison.TOO_LONG
        assert comparer.compare(other, one) is Comparison.TOO_LONG
        assert comparer.alike(one, other) is comparer.alike(other, one) is None
    assert len(stub.asked) == 1


def test_a_failure_is_asked_once(slow):
    stub = Stub(error=WorkerDied("out of memory"))
    comparer = slow(stub)
    assert comparer.compare(*EIGHT[:2]) is comparer.compare(*EIGHT[:2]) is Comparison.FAILED
    assert len(stub.asked) == 1


def test_an_answer_that_takes_long_to_read_is_asked_once(slow):
    stub = Stub(reply={"reading": EIGHT[0], "busy": False})
    comparer = slow(stub)
    for other in EIGHT[1:]:
        assert comparer.compare(other, EIGHT[0]) is Comparison.TOO_LONG
    assert len(stub.asked) == 1
    assert comparer.compare(*EIGHT[1:3]) is Comparison.TOO_LONG  # the others are not to blame
    assert len(stub.asked) == 2


def test_a_busy_machine_is_not_held_against_an_answer(slow):
    stub = Stub(reply={"reading": EIGHT[0], "busy": True})
    comparer = slow(stub)
    for other in EIGHT[1:3]:
        comparer.compare(other, EIGHT[0])
    assert len(stub.asked) == 2


def test_a_vote_over_slow_answers_ends_within_its_seconds(slow):
    stub = Stub()
    comparer = slow(stub, seconds=5.0)
    start = time.perf_counter()
    with pytest.warns(UserWarning, match=r"28 pairs of answers could not be compared.*0\.5 s"):
        classes = answer_classes([*EIGHT, *EIGHT], same=comparer.alike, seconds=0.5)
    assert time.perf_counter() - start < 3.0  # without a budget: 28 pairs of 5 s
    assert classes == [*range(8), *range(8)]
    assert len(stub.asked) == len(set(stub.asked)) <= 28


def test_slow_answers_do_not_keep_quick_ones_apart(slow):
    comparer = slow(Stub(), seconds=5.0)
    answers = [*EIGHT, "1/2", "0.5", "50%", "1,000", "1e3"]
    with pytest.warns(UserWarning, match="could not be compared"):
        classes = answer_classes(answers, same=comparer.alike, seconds=0.2)
    assert classes == [*range(8), 8, 8, 8, 9, 9]


def test_a_time_cut_short_by_a_vote_is_tried_again(slow):
    stub = Stub()
    comparer = slow(stub, seconds=5.0)
    for times in (1, 2):
        with allowed(Allowance(0.4)):  # less than half of what the pair may take
            assert comparer.alike(*EIGHT[:2]) is None
        assert len(stub.asked) == times


def test_allowances_belong_to_their_thread():
    seen = []
    with allowed(Allowance(1.0)):
        thread = threading.Thread(target=lambda: seen.append(allowance()))
        thread.start()
        thread.join()
        assert allowance().left <= 1.0
    assert seen == [None]
    assert allowance() is None


def test_what_took_time_is_asked_in_a_second_round_only():
    asked = []

    def same(one, other):
        asked.append((one, other, allowance().seconds > 0))
        return None if allowance().seconds == 0 and one[0] == "s" else one[-1] == other[-1]

    assert answer_classes(["s1", "2", "31", "42"], same=same) == [0, 1, 0, 1]
    assert [a for a in asked if a[2]] == [("s1", "2", True), ("s1", "31", True)]


@pytest.mark.slow
def test_a_vote_over_eight_real_slow_answers(comparer):
    sums = ["+".join([r"\sin(x)\cos(x)"] * 20) + f"+{k}" for k in range(4)]
    fractions = []
    for k in range(4):
        text = str(k)
        for level in range(20):
            text = rf"\frac{{1}}{{{level + 2}+{text}}}"
        fractions.append(text)
    start = time.perf_counter()
    with pytest.warns(UserWarning, match="could not be compared in time"):
        classes = answer_classes([*sums, *fractions], same=comparer.alike, seconds=4.0)
    assert time.perf_counter() - start < 10.0
    assert classes == list(range(8))


INTERRUPTED = """
import sys
from surefoot.core.votes import answer_classes
from surefoot.tasks.equal import Comparer
deep = ["(" * (24 + k) + "x" + "+1)" * (24 + k) for k in range(6)]
with Comparer(seconds=60) as comparer:
    comparer.compare("1", r"\\sqrt{1}")
    print(*(worker._process.pid for worker in comparer._workers._all), flush=True)
    answer_classes(deep, same=comparer.alike, seconds=600)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_ctrl_c_ends_a_vote_and_its_workers():
    pytest.importorskip("math_verify", reason="needs surefoot[maths]")
    child = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    pids = child.stdout.readline().split()
    time.sleep(0.5)
    start = time.perf_counter()
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate(timeout=30)
    assert time.perf_counter() - start < 10
    assert "KeyboardInterrupt" in errors
    assert pids
    for pid in pids:
        alive = subprocess.run(["ps", "-o", "stat=", "-p", pid], capture_output=True, text=True)
        assert alive.stdout.strip() in ("", "Z")


def test_pairs_are_compared_in_one_order():
    with Comparer() as fresh:
        for one, other in combinations(
            ["1/2", "0.5", "3 pm", "15:00", "March 5", "5 March 2021"], 2
        ):
            assert fresh.alike(one, other) is fresh.alike(other, one)
        assert not fresh._workers._all
