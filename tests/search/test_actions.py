"""Histories of actions: branches do not see each other, nothing is done twice without need."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.core.errors import InputError
from surefoot.search.actions import Replay


class Purse:
    """Each action adds a number; what it shows is the sum so far."""

    def __init__(self):
        self.sum = 0

    def act(self, action):
        self.sum += int(action)
        return str(self.sum)


@given(st.lists(st.lists(st.sampled_from("123"), max_size=5), max_size=20))
def test_every_history_shows_what_it_would_show_alone(histories):
    replay = Replay(Purse)
    for history in histories:
        expected = str(sum(map(int, history))) if history else ""
        assert replay.observe(history) == expected


def test_a_straight_walk_does_each_action_once_and_a_jump_starts_again():
    replay = Replay(Purse)
    assert [replay.observe("123"[:t]) for t in range(4)] == ["", "1", "3", "6"]
    assert replay.done == 3
    assert replay.observe("12") == "3"
    assert replay.done == 3, "it was seen before"
    assert replay.observe("13") == "4"
    assert replay.done == 5
    assert replay.observe("131") == "5"
    assert replay.done == 6


def test_an_environment_that_does_not_repeat_itself_is_refused():
    clock = itertools.count()

    class Clock:
        def act(self, action):
            return f"{action} at {next(clock)}"

    replay = Replay(Clock)
    replay.observe(["look", "up"])
    with pytest.raises(InputError, match=r"action 0 \('look'\) showed 'look at 2' where"):
        replay.observe(["look", "down"])
