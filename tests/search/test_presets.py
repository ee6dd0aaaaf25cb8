"""Peers' formulas, worked out here once more, on random tables."""

import math
from collections import defaultdict

import numpy as np
import pytest

from surefoot.core.errors import InputError
from surefoot.search.presets import PRESETS, its_hub_weights, treequest_uct

FOLD = {
    "min": lambda row: sorted(row)[0],
    "last": lambda row: row[len(row) - 1],
    "prod": lambda row: float(np.prod(row)),
    "mean": lambda row: float(np.mean(row)),
    "cumulative": lambda row: float(np.sum(row)),
}


def table(rng):
    n = int(rng.integers(1, 9))
    scores = [list(rng.random(int(rng.integers(1, 6)))) for _ in range(n)]
    return [str(rng.integers(3)) for _ in range(n)], scores


def by_dictionary(answers, weights):
    sums = defaultdict(float)
    for answer, weight in zip(answers, weights, strict=True):
        sums[answer] += weight
    return max(sums, key=sums.get)


@pytest.mark.parametrize("name", PRESETS)
def test_the_choice_is_the_peer_s(name, rng):
    library, _, rule = name.partition(":")
    for _ in range(200):
        answers, scores = table(rng)
        chosen = PRESETS[name](answers, scores)
        how = next((fold for fold in FOLD if fold in rule.split("_")), None)
        if "maj" in rule:
            counts = [answers.count(a) for a in answers]
            assert answers[chosen] == answers[counts.index(max(counts))]
        elif rule == "orm_vote":
            last = np.array([row[-1] for row in scores])
            spread = np.ptp(last)
            weights = (last - last.min()) / spread if spread else np.ones(len(last))
            assert answers[chosen] == by_dictionary(answers, weights)
        elif rule == "mean_window":
            assert chosen == int(np.argmax([np.mean(row[-3:]) for row in scores]))
        elif rule == "orm_max":
            assert chosen == int(np.argmax([row[-1] for row in scores]))
        elif rule.endswith("vote") or "weighted" in rule:
            assert answers[chosen] == by_dictionary(answers, [FOLD[how](row) for row in scores])
        else:
            assert chosen == int(np.argmax([FOLD[how](row) for row in scores])), library


def test_its_hub_s_weights_are_odds():
    assert its_hub_weights([0.9, 0.5]) == pytest.approx([0.9, 0.1])
    assert its_hub_weights([1.0, 0.5])[0] == pytest.approx(1.0), "logit(1) is infinite there"
    assert its_hub_weights([0.3] * 4) == pytest.approx([0.25] * 4)


def test_treequest_s_uct(rng):
    scores, visits = rng.random(4), rng.integers(1, 9, 4)
    parent = int(visits.sum())
    prior = np.exp(scores) / np.exp(scores).sum()
    expected = scores + math.sqrt(2) * prior * np.sqrt(math.log(parent) / visits)
    assert treequest_uct(scores.tolist(), visits.tolist(), parent) == pytest.approx(expected)


def test_a_trace_without_scores_does_not_vote_against_its_answer():
    """openr gives an empty list of scores the weight -1: one such trace outvotes a right one."""
    with pytest.raises(InputError, match="without steps has no score"):
        PRESETS["openr:prm_min_vote"](["1", "1"], [[0.6], []])


def test_no_answer_is_no_class():
    assert PRESETS["openr:prm_last_vote"]([None, None, "1"], [[0.9], [0.9], [0.1]]) == 2
    assert PRESETS["sal:maj"]([None], [[0.9]]) is None
    assert PRESETS["openr:prm_min_max"]([], []) is None
