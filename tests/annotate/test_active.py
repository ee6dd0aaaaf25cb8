"""What to label next: hand-made pools."""

import pytest

from surefoot.annotate import convincing, mined
from surefoot.core.errors import InputError
from surefoot.core.types import Problem, Step, Trace, Verdict
from surefoot.steps import Rollouts
from surefoot.tasks.toy import ToyWorld

W, C, U = Verdict.WRONG, Verdict.CORRECT, Verdict.UNREADABLE


def pool(*rows):
    return [Trace(Problem(name, "?"), (Step("s"),), verdict=v) for name, v in rows]


POOL = pool(("a", W), ("b", C), ("c", W), ("d", U), ("e", W), ("f", C))
SCORES = [0.2, 0.9, 0.8, 0.1, 0.5, 0.3]


def names(traces):
    return "".join(trace.problem.id for trace in traces)


@pytest.mark.parametrize(
    ("count", "share", "expected"),
    [
        (5, 0.8, "ceabf"),  # four of five would be wrong ones, but there are three
        (2, 0.5, "cb"),
        (3, 0.0, "bfd"),
        (6, 1.0, "ceabfd"),
        (4, 0.25, "cbfd"),
        (0, 0.8, ""),
        (99, 0.8, "ceabfd"),
    ],
)
def test_convincing_wrong_answers_come_first(count, share, expected):
    assert names(convincing(POOL, SCORES, count, share=share)) == expected


def test_too_few_others_are_filled_up_with_wrong_ones():
    assert names(convincing(POOL[:1] + POOL[2:3], [0.2, 0.8], 2, share=0.5)) == "ca"
    assert convincing([], [], 3) == []


@pytest.mark.parametrize(
    ("scores", "share", "words"),
    [([1.0], 0.8, "of 6 traces, got 1"),
     ([1, 2, float("nan"), 4, 5, 6], 0.8, r"scores\[2\] is nan"),
     (SCORES, 1.5, "share must lie")],
)  # fmt: skip
def test_nonsense_is_refused(scores, share, words):
    with pytest.raises(InputError, match=words):
        convincing(POOL, scores, 2, share=share)


def test_wrong_rollouts_are_new_traces_once_each():
    world = ToyWorld(length=2, slip=0.5, recover=0.5)
    rollouts = Rollouts(world.problems(1)[0], sample=world.sample, check=world.check)
    rollouts([(), (Step("good"),)], 40)
    found = mined(rollouts)
    assert {tuple(s.text for s in t.steps) for t in found} == {("good", "bad"), ("bad", "bad")}
    assert len(found) == 2
    assert all(t.verdict is W for t in found)
