"""A crew gives what a loop gives, in fewer calls, and never waits for ever."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surefoot.engine import Crew


class Doubler:
    """A `complete` that doubles; `batches` lists what it was asked at once."""

    def __init__(self):
        self.batches = []

    def __call__(self, requests):
        self.batches.append(list(requests))
        return [2 * r for r in requests]


def within(seconds, work):
    """work(), or a failure instead of a test that hangs."""
    pool = ThreadPoolExecutor(1)
    try:
        return pool.submit(work).result(timeout=seconds)
    finally:
        pool.shutdown(wait=False)


def rounds_of(ask, rounds):
    """Work that asks `rounds(item)` times, each time a little more."""

    def work(item):
        found = []
        for round_ in range(rounds(item)):
            found.append(ask([(item, round_)] * (1 + item % 2)))
        return item, found

    return work


def echo(requests):
    return list(requests)


def test_64_problems_of_five_rounds_make_five_calls():
    crew, calls = Crew(64), []

    def complete(requests):
        calls.append(len(requests))
        return list(requests)

    ask = crew.merged(complete)
    results = within(20, lambda: crew.map(rounds_of(ask, lambda _: 5), range(64)))
    assert calls == [32 * 1 + 32 * 2] * 5
    assert results == [rounds_of(echo, lambda _: 5)(item) for item in range(64)]


@settings(max_examples=40)
@given(
    st.lists(st.integers(0, 6), max_size=30),
    st.integers(1, 9),
    st.lists(st.integers(0, 29), max_size=3),
)
def test_a_crew_is_a_loop_with_merged_calls(rounds, size, failing):
    """For any number of rounds, threads and failures: same results, no deadlock, few calls."""
    crew, doubler = Crew(size), Doubler()
    ask = crew.merged(doubler)

    def work(item):
        total = 0
        for _ in range(rounds[item]):
            [total] = ask([total + 1])
        if item in failing:
            raise LookupError(item)
        return total

    items = range(len(rounds))
    broken = sorted(set(failing) & set(items))
    if broken:
        with pytest.raises(LookupError) as caught:
            within(20, lambda: crew.map(work, items))
        assert caught.value.args == (broken[0],)
    else:
        expected = [2 * (2**r - 1) for r in rounds]
        assert within(20, lambda: crew.map(work, items)) == expected
    assert sum(map(len, doubler.batches)) == sum(rounds)  # the failing ones were served as well
    if size >= len(rounds):
        assert len(doubler.batches) == max(rounds, default=0)
    assert all(len(batch) <= size for batch in doubler.batches)


def test_batches_are_the_same_every_time():
    def batches():
        crew, doubler = Crew(4), Doubler()
        ask = crew.merged(doubler)

        def work(item):
            for round_ in range(1 + item % 3):
                ask([100 * item + round_])

        within(20, lambda: crew.map(work, range(17)))
        return [sorted(batch) for batch in doubler.batches]

    assert batches() == batches() == batches()


def test_two_models_are_called_apart_and_both_merged():
    crew, first, second = Crew(8), Doubler(), Doubler()
    ask_first, ask_second = crew.merged(first), crew.merged(second)

    def work(item):
        [x] = (ask_first if item % 2 else ask_second)([item])
        [y] = (ask_second if item % 2 else ask_first)([x])
        return y

    assert within(20, lambda: crew.map(work, range(8))) == [4 * i for i in range(8)]
    assert [sorted(b) for b in first.batches] == [[1, 3, 5, 7], [0, 4, 8, 12]]
    assert [sorted(b) for b in second.batches] == [[0, 2, 4, 6], [2, 6, 10, 14]]


def test_a_failing_call_reaches_every_caller_who_may_go_on():
    crew, calls = Crew(3), []

    def complete(requests):
        calls.append(list(requests))
        if len(calls) == 1:
            raise ConnectionError("gone")
        return list(requests)

    ask = crew.merged(complete)

    def work(item):
        try:
            return ask([item])
        except ConnectionError:
            return ask([10 + item])

    assert within(20, lambda: crew.map(work, range(3))) == [[10], [11], [12]]
    assert len(calls) == 2


@pytest.mark.parametrize("answer", [[], [1], [1, 2, 3], None])
def test_a_model_that_answers_too_few_or_too_many_is_an_error_and_no_deadlock(answer):
    crew = Crew(2)
    ask = crew.merged(lambda _: answer)
    with pytest.raises((ValueError, TypeError)):
        within(20, lambda: crew.map(lambda item: ask([item]), range(2)))


def test_an_interrupt_during_a_call_stops_the_crew():
    crew, started, calls = Crew(2), [], []

    def complete(requests):
        calls.append(list(requests))
        raise KeyboardInterrupt

    ask = crew.merged(complete)

    def work(item):
        started.append(item)
        try:
            ask([item])
        except KeyboardInterrupt:
            ask([item])  # one who insists is refused as well, and not left waiting

    with pytest.raises(KeyboardInterrupt):
        within(20, lambda: crew.map(work, range(50)))
    assert len(calls) == 1
    assert sorted(started) == [0, 1]
    assert within(20, lambda: crew.map(lambda item: item, range(3))) == [0, 1, 2]


def test_the_thread_that_called_map_does_the_model_work():
    """Each further thread that computes would bring its own pool of OpenMP threads."""
    crew, threads = Crew(4), set()

    def complete(requests):
        threads.add(threading.get_ident())
        return list(requests)

    crew.map(crew.merged(complete), [[i] for i in range(12)])
    assert threads == {threading.get_ident()}


def test_done_is_told_each_result_and_its_failure_is_reported():
    told, lock = [], threading.Lock()

    def done(result):
        with lock:
            told.append(result)

    assert Crew(3).map(lambda i: i * i, range(10), done=done) == [i * i for i in range(10)]
    assert sorted(told) == [i * i for i in range(10)]
    with pytest.raises(ZeroDivisionError):
        Crew(3).map(lambda i: i, range(4), done=lambda r: 1 / r)


def test_outside_of_map_a_call_goes_straight_through():
    doubler = Doubler()
    ask = Crew(4).merged(doubler)
    assert ask([1, 2]) == [2, 4]
    assert doubler.batches == [[1, 2]]


def test_nothing_to_do_and_use_after_use():
    crew, doubler = Crew(4), Doubler()
    ask = crew.merged(doubler)
    assert crew.map(ask, []) == []
    for _ in range(3):  # a crew that failed is as good as new
        with pytest.raises(KeyError):
            within(20, lambda: crew.map(lambda i: {}[ask([i])[0]], range(6)))
        assert within(20, lambda: crew.map(lambda i: ask([i]), range(6)))[5] == [10]


def test_an_empty_request_gets_an_empty_answer():
    crew = Crew(2)
    ask = crew.merged(Doubler())
    assert within(20, lambda: crew.map(lambda i: ask([i] * i), range(3))) == [[], [2], [4, 4]]
