"""Off-line selection: a search's own rule brings its own answer back, and no model is asked."""

import json
from dataclasses import replace

import numpy as np
import pytest
from test_every_search import SEARCHES

from surefoot.cli.search import found_record
from surefoot.core.errors import InputError, KindError
from surefoot.core.types import Kind, Problem, Step, StepScores, Trace, Usage, Verdict
from surefoot.search import Found, Unfinished, reselect
from surefoot.search.reselect import (
    by_majority,
    by_probability,
    by_score,
    by_weighted_vote,
    found_of,
    step_scores,
)
from surefoot.search.result import tree_of

OWN = dict.fromkeys(SEARCHES, by_score()) | {
    "weighted_vote": by_weighted_vote(),
    "rebase": by_weighted_vote(),
    "majority": by_majority(),
    "adaptive_vote": by_majority(),
    "temperature_vote": by_majority(),
    "thinking_budget": by_majority(),
    "rpc": by_probability(),
}
ELSEWHERE = {  # what decided is not in the tree
    "usc", "generative_selection", "self_refine", "rstar", "birm_beam", "ab_mcts",
}  # fmt: skip
REPEATED = {name: rule for name, rule in OWN.items() if name not in ELSEWHERE}


def searched(name, speaking, exact, problems=20, **settings):
    world = speaking(length=4, slip=0.4, recover=0.1)
    rng = np.random.default_rng(3)
    verbs = {"sample": world.sample, "check": world.check, "score": exact(world)}
    return [SEARCHES[name](p, **verbs, rng=rng, **settings) for p in world.problems(problems)]


@pytest.mark.parametrize("name", REPEATED)
def test_the_same_rule_gives_the_same_answer(name, speaking, exact):
    results = searched(name, speaking, exact)
    for found in results:
        again = reselect(found, REPEATED[name])
        assert again.chosen == found.chosen
        assert again.candidates == found.candidates
        assert again.usage == found.usage
    assert any(len(found.candidates) > 1 for found in results) or name == "thinking_budget"


@pytest.mark.parametrize("name", [name for name in SEARCHES if name != "ab_mcts"])
def test_what_was_written_is_what_was_found(name, speaking, exact):
    for found in searched(name, speaking, exact, problems=3):
        row = json.loads(json.dumps(found_record(name, found, trees=True)))
        assert found_of(row) == found


def test_whole_attempts_are_read_back_by_their_texts(speaking, exact):
    for found in searched("ab_mcts", speaking, exact, problems=3):
        again = found_of(json.loads(json.dumps(found_record("ab_mcts", found, trees=True))))
        assert [t.text for t in again.candidates] == [t.text for t in found.candidates]
        votes = [reselect(f, by_majority()) for f in (found, again)]
        assert votes[0].chosen.text == votes[1].chosen.text
        with pytest.raises(InputError, match="kept no step scores"):
            reselect(again, by_score())


def test_an_unfinished_search_is_read_back(speaking, exact):
    [found] = searched("beam", speaking, exact, problems=1)
    lost = Unfinished(found.problem, "calls", (), found.usage, found.tree)
    assert found_of(json.loads(json.dumps(found_record("beam", lost, trees=True)))) == lost


def test_other_rules_by_hand():
    """Scores .9 .5 | .6 .6 | .6 .6: by min the second, by mean the first, by votes answer 2."""
    problem = Problem("p", "?", gold="2")
    texts = (("a", "one"), ("b", "two"), ("c", "two again"))
    traces = [
        Trace(problem, tuple(map(Step, pair)), answer, verdict)
        for pair, (answer, verdict) in zip(
            texts, [("1", Verdict.WRONG), *[("2", Verdict.CORRECT)] * 2], strict=True
        )
    ]
    scores = [StepScores(Kind.CORRECTNESS, v, "x") for v in ((0.9, 0.5), (0.6, 0.6), (0.6, 0.6))]
    tree = tree_of(traces, scores)
    found = Found(problem, traces[0], tuple(traces), (0.45, 0.36, 0.36), Usage(calls=6), tree)
    assert [s.values for s in step_scores(found)] == [s.values for s in scores]
    choices = {
        "product": by_score(), "mean": by_score("mean"), "min": by_score("min"),
        "vote": by_weighted_vote(), "majority": by_majority(),
    }  # fmt: skip
    picks = {name: traces.index(reselect(found, rule).chosen) for name, rule in choices.items()}
    assert picks == {"product": 0, "mean": 0, "min": 1, "vote": 1, "majority": 1}
    assert reselect(found, by_score("min")).scores == (0.5, 0.6, 0.6)
    with pytest.raises(KindError, match="not by 'last'"):
        reselect(found, by_score("last"))
    with pytest.raises(KindError, match="not by 'sum'"):
        reselect(found, by_weighted_vote("sum"))


def test_scores_that_are_not_there_are_refused(speaking, exact):
    [found] = searched("majority", speaking, exact, problems=1)
    for rule in (by_score(), by_weighted_vote()):
        with pytest.raises(InputError, match="kept no step scores"):
            reselect(found, rule)
    with pytest.raises(InputError, match="'tree' is missing"):
        found_of(found_record("majority", found))


def test_a_vote_without_answers_is_unfinished(speaking, exact):
    [found] = searched("best_of_n", speaking, exact, problems=1)
    mute = replace(found, candidates=tuple(replace(t, answer=None) for t in found.candidates))
    assert reselect(mute, by_majority()).why == "no finished solution has an answer"
    assert isinstance(reselect(mute, by_weighted_vote()), Found)
