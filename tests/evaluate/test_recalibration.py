"""What calibration gains: equal to the plain figures, found where planted, and never leaked."""

import math

import numpy as np
import pytest

from surefoot.core.errors import InputError
from surefoot.evaluate import brier, calibration_change, expected_calibration_error


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def planted(count, per_problem=4):
    """Overconfident scores: x = s(3 z) where s(z) is the truth."""
    rng = np.random.default_rng(1)
    z = rng.normal(size=count)
    outcomes = rng.random(count) < 1 / (1 + np.exp(-z))
    scores = 1 / (1 + np.exp(-3 * z))
    return scores.tolist(), outcomes.tolist(), [i // per_problem for i in range(count)]


def soften(scores, outcomes):
    """The true map; it needs no fitting."""
    return lambda new: [1 / (1 + ((1 - x) / x) ** (1 / 3)) for x in new]


def keep(scores, outcomes):
    return lambda new: list(new)


def test_figures_before_are_the_plain_ones(rng):
    scores, outcomes, problems = planted(400)
    change = calibration_change(keep, scores, outcomes, problems, rng=rng)
    assert change.brier_before.estimate == pytest.approx(brier(scores, outcomes))
    ece = expected_calibration_error(scores, outcomes)
    assert change.ece_before.estimate == pytest.approx(ece)
    assert change.brier_after == change.brier_before
    assert (change.ece_change.estimate, change.ece_change.low, change.ece_change.high) == (0, 0, 0)


def test_a_planted_gain_is_found(rng):
    change = calibration_change(soften, *planted(2000), rng=rng)
    assert change.brier_change.high < 0
    assert change.ece_change.high < 0
    assert change.ece_after.estimate < 0.05 < change.ece_before.estimate


def test_no_step_is_mapped_by_a_map_that_saw_its_problem(rng):
    """The fit remembers scores, which are unique, and would betray a leak."""
    scores, outcomes, problems = planted(100)
    problem_of = dict(zip(scores, problems, strict=True))
    checked = []

    def remember(seen, _):
        known = {problem_of[x] for x in seen}

        def mapped(new):
            assert not known & {problem_of[x] for x in new}
            checked.extend(new)
            return new

        return mapped

    calibration_change(remember, scores, outcomes, problems, rng=rng, folds=4)
    assert sorted(checked) == sorted(scores)


def test_logits_are_compared_as_probabilities(rng):
    scores, outcomes, problems = planted(200)
    logits = [math.log(x / (1 - x)) for x in scores]

    def logistic(values):
        return [1 / (1 + math.exp(-v)) for v in values]

    change = calibration_change(
        lambda x, y: logistic, logits, outcomes, problems, rng=rng, before=logistic
    )
    assert change.brier_before.estimate == pytest.approx(brier(scores, outcomes))
    assert change.brier_change.estimate == 0


def test_too_few_problems(rng):
    with pytest.raises(InputError, match="3 problems cannot be fitted and measured in 5 folds"):
        calibration_change(keep, [0.5] * 6, [True] * 6, [0, 0, 1, 1, 2, 2], rng=rng)
    with pytest.raises(InputError, match="expected one entry each"):
        calibration_change(keep, [0.5] * 6, [True] * 5, [0] * 6, rng=rng)
