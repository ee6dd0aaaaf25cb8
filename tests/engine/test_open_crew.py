"""An open crew merges the calls of whoever is there, stops who is told to, and leaves no thread."""

import threading
import time

import pytest

from surefoot.core.errors import InputError, Stopped
from surefoot.engine import OpenCrew


@pytest.fixture
def crew():
    crew = OpenCrew(32)
    yield crew
    crew.close()


def going():
    return threading.Event()


def gated():
    """A `complete` whose every call waits to be let through; `batches` lists what it was asked."""
    batches, gate = [], threading.Semaphore(0)

    def complete(requests):
        batches.append(list(requests))
        assert gate.acquire(timeout=20)
        return [2 * r for r in requests]

    return complete, batches, gate


def until(condition, seconds=20):
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "waited in vain"
        time.sleep(0.001)


def test_who_comes_while_the_model_works_is_served_together(crew):
    complete, batches, gate = gated()
    ask = crew.merged(complete)
    first = crew.submit(lambda: ask([0]), going())
    until(lambda: batches)
    others = [crew.submit(lambda i=i: ask([i, 10 * i]), going()) for i in range(1, 20)]
    until(lambda: len(crew._tickets) == 19)
    gate.release(2)
    assert first.result(20) == [0]
    assert [f.result(20) for f in others] == [[2 * i, 20 * i] for i in range(1, 20)]
    assert [len(b) for b in batches] == [1, 38]


def test_calls_made_at_about_the_same_time_are_one():
    crew, sizes = OpenCrew(16, linger=5), []

    def complete(requests):
        sizes.append(len(requests))
        return list(requests)

    ask, ready = crew.merged(complete), threading.Barrier(16)

    def work():
        ready.wait(20)
        return [ask([round_]) for round_ in range(5)]

    found = [crew.submit(work, going()) for _ in range(16)]
    assert [f.result(20) for f in found] == [[[r] for r in range(5)]] * 16
    assert sizes == [16] * 5  # all wait, so nobody lingers
    crew.close()


def test_one_who_does_not_ask_holds_up_nobody_for_long():
    crew, leave = OpenCrew(2, linger=0.01), threading.Event()
    idle = crew.submit(lambda: leave.wait(20), going())
    ask = crew.merged(lambda requests: list(requests))
    assert crew.submit(lambda: ask([1]), going()).result(10) == [1]
    leave.set()
    assert idle.result(20)
    crew.close()


def test_stopped_work_ends_at_its_next_call_and_its_request_is_not_computed(crew):
    complete, batches, gate = gated()
    ask, stop = crew.merged(complete), going()
    ahead = crew.submit(lambda: ask([1]), going())
    until(lambda: batches)
    unwanted = crew.submit(lambda: ask([2]), stop)
    until(lambda: len(crew._tickets) == 1)
    stop.set()
    wanted = crew.submit(lambda: ask([3]), going())
    until(lambda: len(crew._tickets) == 2)
    gate.release(2)
    with pytest.raises(Stopped):
        unwanted.result(20)
    assert (ahead.result(20), wanted.result(20)) == ([2], [6])
    assert batches == [[1], [3]]


def test_work_that_was_stopped_before_its_turn_never_begins():
    crew, leave, begun, stop = OpenCrew(1), threading.Event(), [], going()
    busy = crew.submit(lambda: leave.wait(20), going())
    waiting = crew.submit(lambda: begun.append(1), stop)
    stop.set()
    leave.set()
    assert busy.result(20)
    with pytest.raises(Stopped):
        waiting.result(20)
    assert begun == []
    crew.close()


def test_a_bad_request_fails_alone(crew):
    asked, gate = threading.Event(), threading.Event()

    def complete(requests):
        asked.set()
        gate.wait(20)
        if 13 in requests:
            raise InputError("13 brings bad luck")
        return list(requests)

    ask = crew.merged(complete)
    ahead = crew.submit(lambda: ask([0]), going())
    assert asked.wait(20)  # or the others would join its call
    found = [crew.submit(lambda i=i: ask([i]), going()) for i in (12, 13, 14)]
    until(lambda: len(crew._tickets) == 3)
    gate.set()
    assert ahead.result(20) == [0]
    assert [found[0].result(20), found[2].result(20)] == [[12], [14]]
    with pytest.raises(InputError, match="bad luck"):
        found[1].result(20)


def test_a_broken_model_fails_those_who_asked_and_the_crew_goes_on(crew):
    def complete(requests):
        if requests[0] < 0:
            raise RuntimeError("out of memory")
        return list(requests)

    ask = crew.merged(complete)
    with pytest.raises(RuntimeError, match="memory"):
        crew.submit(lambda: ask([-1]), going()).result(20)
    assert crew.submit(lambda: ask([1]), going()).result(20) == [1]


def test_close_waits_for_the_begun_cancels_the_rest_and_leaves_no_thread():
    before = set(threading.enumerate())
    crew, leave, begun = OpenCrew(1), threading.Event(), threading.Event()

    def work():
        begun.set()
        return leave.wait(20) and ask([1])

    ask = crew.merged(lambda requests: list(requests))
    running, waiting = crew.submit(work, going()), crew.submit(lambda: 2, going())
    assert begun.wait(20)
    threading.Timer(0.05, leave.set).start()
    crew.close()
    assert running.result(0) == [1]
    assert waiting.cancelled()
    until(lambda: set(threading.enumerate()) <= before)


def test_outside_of_the_crew_the_model_is_called_at_once(crew):
    here = []
    ask = crew.merged(lambda requests: here.append(threading.current_thread()) or [0])
    assert ask([1]) == [0]
    assert here == [threading.current_thread()]
