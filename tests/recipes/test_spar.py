"""SPaR: odd votes, the shape of the tree, and pairs that begin where two answers differ."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.core.errors import InputError
from surefoot.core.types import Completion, Kind, Problem, Step, StepScores, Trace, Usage
from surefoot.recipes.refinement import spar
from surefoot.recipes.refinement.spar import common, majority, pairs
from surefoot.search import Found

PROBLEM = Problem("p", "?", "1")


@given(st.lists(st.booleans(), min_size=1, max_size=9).filter(lambda votes: len(votes) % 2))
def test_a_majority_of_odd_votes(votes):
    assert majority(votes) is (votes.count(True) > votes.count(False))
    assert majority([not vote for vote in votes]) is not majority(votes)


def test_abstentions_may_leave_a_tie():
    assert majority([True, False, None]) is None
    assert majority([None]) is None
    assert majority([True, None, None]) is True
    with pytest.raises(InputError, match="an odd number of votes, got 2"):
        majority([True, True])


@pytest.mark.parametrize(
    ("branch", "keep", "depth", "drafts"),
    [(3, 2, 1, 4), (3, 2, 2, 10), (3, 2, 3, 16), (1, 1, 4, 5)],
)
def test_the_tree_is_as_wide_and_deep_as_asked(branch, keep, depth, drafts):
    """1, then branch, then keep * branch a level, while nothing passes the gate."""
    found = searched([0.1] * 99, branch=branch, keep=keep, depth=depth)
    assert len(found.candidates) == drafts


def test_it_ends_when_the_gate_is_passed():
    assert len(searched([0.1, 0.2, 0.9, 0.1]).candidates) == 4
    found = searched([0.6])
    assert len(found.candidates) == 1
    assert searched([0.1, 0.2, 0.9, 0.1]).chosen.text == "answer 2"


def searched(worths, **settings):
    """Solutions are numbered; the i-th is worth worths[i]."""
    made = iter(range(10**6))

    def sample(problem, prefixes_P, *, count, rng, until="end"):
        return [[Completion((Step(f"answer {next(made)}", (1,)),)) for _ in range(count)]]

    def score(traces_N):
        numbers = [int(trace.text.split()[1]) for trace in traces_N]
        return [StepScores(Kind.VALUE, (worths[i],), "s") for i in numbers]

    return spar.solve(
        PROBLEM, sample=sample, check=lambda *_: None, score=score,
        rng=np.random.default_rng(0), **settings,
    )  # fmt: skip


def test_a_pair_begins_where_the_two_differ():
    old, new = (Trace(PROBLEM, tuple(map(Step, text))) for text in ("abcd", "abxyz"))
    found = Found(PROBLEM, new, (old, new), (0.1, 0.9), Usage())
    [pair] = pairs(found, old)
    assert common(old, new) == 2
    texts = ["".join(s.text for s in part) for part in (pair.prefix, pair.chosen, pair.rejected)]
    assert texts == ["ab", "xyz", "cd"]


def test_what_did_not_pass_or_did_not_change_is_no_pair():
    old, new = (Trace(PROBLEM, tuple(map(Step, text))) for text in ("abcd", "abxyz"))
    assert pairs(Found(PROBLEM, new, (old, new), (0.1, 0.5), Usage()), old) == []
    assert pairs(Found(PROBLEM, old, (old, new), (0.9, 0.5), Usage()), old) == []


def test_sizes_are_positive():
    with pytest.raises(InputError, match="keep and depth must be 1 or more, got 0 and 3"):
        searched([0.1], keep=0)
