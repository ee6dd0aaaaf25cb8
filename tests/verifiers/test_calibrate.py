"""Calibration maps: closed forms, planted truths, brute force; what is refused; disk and back."""

import itertools
import math
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch", reason="needs surefoot[models]")

from surefoot.core.errors import InputError, KindError, ModelError
from surefoot.core.types import (
    Kind,
    LabelledTrace,
    Problem,
    Step,
    StepLabel,
    StepScores,
    Trace,
)
from surefoot.verifiers import load_scorer
from surefoot.verifiers.calibrate import (
    EDGE,
    Isotonic,
    Logistic,
    calibrated,
    isotonic,
    map_of,
    pairs_of,
    platt,
    pool_adjacent_violators,
    record_of,
    temperature,
)
from surefoot.verifiers.calibration_card import store_calibration
from surefoot.verifiers.checkpoint import SHIPPED, read_card
from surefoot.verifiers.score import LocalScorer

PROBABILITY = Kind.CORRECTNESS
FITS = [temperature, platt, isotonic]
unit = st.floats(0, 1, allow_nan=False)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def planted(scale, shift, count=20_000):
    """Scores x = s(z), outcomes drawn with P = s(scale z + shift)."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=count) * 2
    return sigmoid(z).tolist(), (rng.random(count) < sigmoid(scale * z + shift)).tolist()


# --- fits ------------------------------------------------------------------


def test_temperature_in_closed_form():
    """Scores s(1) and s(-1), right in 3 of 4 cases each: the scale is log(3), T = 1 / log(3)."""
    high, low = sigmoid(1.0), sigmoid(-1.0)
    scores = [high] * 40 + [low] * 40
    outcomes = [True] * 30 + [False] * 10 + [True] * 10 + [False] * 30
    fitted = temperature(scores, outcomes, kind=PROBABILITY)
    assert fitted.scale == pytest.approx(math.log(3), abs=1e-9)
    assert fitted([high, low]) == pytest.approx([0.75, 0.25])


def test_platt_in_closed_form():
    """Two scores and two rates are met exactly: 3/4 at z = 1, 1/2 at z = -1."""
    scores = [sigmoid(1.0)] * 40 + [sigmoid(-1.0)] * 40
    outcomes = [1.0] * 30 + [0.0] * 10 + [1.0] * 20 + [0.0] * 20
    fitted = platt(scores, outcomes, kind=PROBABILITY)
    assert fitted.scale == pytest.approx(math.log(3) / 2)
    assert fitted.shift == pytest.approx(math.log(3) / 2)


def test_planted_maps_are_recovered():
    """To four standard errors of the estimate, by the Fisher information."""
    assert temperature(*planted(0.4, 0), kind=PROBABILITY).scale == pytest.approx(0.4, abs=0.04)
    fitted = platt(*planted(0.5, -1), kind=PROBABILITY)
    assert (fitted.scale, fitted.shift) == pytest.approx((0.5, -1), abs=0.08)
    grid = [0.05, 0.3, 0.5, 0.7, 0.95]
    truth = [sigmoid(0.5 * math.log(x / (1 - x)) - 1) for x in grid]
    learnt = isotonic(*planted(0.5, -1), kind=PROBABILITY)(grid)
    assert learnt == pytest.approx(truth, abs=0.05)


def test_no_other_temperature_is_better():
    scores, outcomes = planted(0.4, 0.3, count=500)
    best = temperature(scores, outcomes, kind=PROBABILITY).scale

    def loss(scale):
        q = np.array(Logistic(PROBABILITY, scale)(scores))
        y = np.array(outcomes)
        return -np.mean(y * np.log(q) + (1 - y) * np.log(1 - q))

    assert all(loss(best) <= loss(other) for other in np.linspace(0.05, 3, 60))


def test_a_logit_is_calibrated_as_its_probability():
    scores, outcomes = planted(0.5, -1, count=400)
    logits = [math.log(x / (1 - x)) for x in scores]
    by_probability = platt(scores, outcomes, kind=PROBABILITY)
    by_logit = platt(logits, outcomes, kind=Kind.LOGIT)
    assert by_logit(logits) == pytest.approx(by_probability(scores), abs=1e-9)


def test_shares_count_like_the_outcomes_they_sum_up():
    scores = [0.2] * 40 + [0.8] * 40
    outcomes = [1.0] * 10 + [0.0] * 30 + [1.0] * 30 + [0.0] * 10
    whole = platt(scores, outcomes, kind=Kind.VALUE)
    shares = platt(scores, [0.25] * 40 + [0.75] * 40, kind=Kind.VALUE)
    assert shares.scale == pytest.approx(whole.scale)


def test_isotonic_by_hand():
    """Rates 0.2, 0.8, 0.4, 1.0 at four scores: the middle two pool to 0.6; 1 stays off 1."""
    scores = [s for s in (0.1, 0.3, 0.5, 0.9) for _ in range(10)]
    outcomes = [float(i < wins) for wins in (2, 8, 4, 10) for i in range(10)]
    fitted = isotonic(scores, outcomes, kind=PROBABILITY)
    assert fitted.scores_K == (0.1, 0.3, 0.5, 0.9)
    assert fitted.values_K == pytest.approx((0.2, 0.6, 0.6, 41 / 42))
    assert fitted([0.0, 0.2, 0.4, 0.7, 1.0]) == pytest.approx(
        [0.2, 0.4, 0.6, (0.6 + 41 / 42) / 2, 41 / 42]
    )


@given(st.lists(st.tuples(unit, st.integers(1, 4)), min_size=1, max_size=7))
def test_pooling_is_the_best_non_decreasing_fit(pairs):
    """Against every way of cutting the row into blocks of equal values."""
    values, weights = (np.array(column, dtype=float) for column in zip(*pairs, strict=True))
    fitted = pool_adjacent_violators(values, weights)
    assert (np.diff(fitted) >= 0).all()
    assert fitted @ weights == pytest.approx(values @ weights)
    least = math.inf
    for cuts in itertools.product((False, True), repeat=len(values) - 1):
        block = np.concatenate(([0], np.cumsum(cuts))).astype(int)
        means = np.bincount(block, values * weights) / np.bincount(block, weights)
        if (np.diff(means) >= 0).all():
            least = min(least, float(weights @ (values - means[block]) ** 2))
    assert float(weights @ (values - fitted) ** 2) <= least + 1e-9


@given(st.lists(st.tuples(unit, st.booleans()), min_size=30, max_size=60), st.sampled_from(FITS))
def test_every_map_is_monotone_and_stays_inside(pairs, fit):
    scores, outcomes = zip(*pairs, strict=True)
    try:
        fitted = fit(scores, outcomes, kind=PROBABILITY)
    except InputError:
        return  # too few of one outcome, or no order in them
    grid = np.linspace(0, 1, 101)
    mapped = fitted(grid)
    assert all(a <= b for a, b in itertools.pairwise(mapped))
    assert all(0 <= q <= 1 for q in mapped)
    if isinstance(fitted, Logistic) and 0.01 < fitted.scale < 2 and abs(fitted.shift) < 5:
        assert len(set(mapped)) == 101  # ranks stay, without ties


# --- refused ---------------------------------------------------------------

GOOD = ([0.2] * 20 + [0.8] * 20, [True] * 5 + [False] * 15 + [True] * 15 + [False] * 5)


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize(
    ("scores", "outcomes", "words"),
    [
        (GOOD[0][:19], GOOD[1][:19], "19 pairs"),
        (GOOD[0], [True] * 36 + [False] * 4, "36 right and 4 wrong outcomes are too few"),
        (GOOD[0], [False] * 40, "0 right and 40 wrong"),
        ([0.5] * 40, GOOD[1], r"all 40 scores are 0\.5"),
        ([2.0, *GOOD[0][1:]], GOOD[1], r"lie in \[0, 1\]"),
        ([math.nan, *GOOD[0][1:]], GOOD[1], "finite scores"),
        (GOOD[0], [2, *GOOD[1][1:]], r"outcomes in \[0, 1\]"),
        (GOOD[0][1:], GOOD[1], "39 scores and 40 outcomes"),
    ],
)
def test_what_is_refused(fit, scores, outcomes, words):
    with pytest.raises(InputError, match=words):
        fit(scores, outcomes, kind=PROBABILITY)


@pytest.mark.parametrize("fit", FITS)
def test_progress_is_no_probability(fit):
    with pytest.raises(KindError, match="progress scores are no probabilities"):
        fit(*GOOD, kind=Kind.PROGRESS)


@pytest.mark.parametrize("fit", [temperature, platt])
def test_scores_that_rank_the_wrong_way_round(fit):
    with pytest.raises(InputError, match="wrong way round"):
        fit([1 - x for x in GOOD[0]], GOOD[1], kind=PROBABILITY)


@pytest.mark.parametrize("fit", [temperature, platt])
def test_scores_that_separate_completely(fit):
    scores, outcomes = [0.4] * 20 + [0.6] * 20, [False] * 20 + [True] * 20
    with pytest.raises(InputError, match="separate right from wrong completely"):
        fit(scores, outcomes, kind=PROBABILITY)
    assert isotonic(scores, outcomes, kind=PROBABILITY)([0.4, 0.6]) == [1 / 42, 41 / 42]


# --- pairs -----------------------------------------------------------------


def label(kind, value):
    return StepLabel(kind, value or 0, 0 if value is None else 1, "test")


def pair(name, kind, values, labels, label_kind=PROBABILITY):
    steps = tuple(Step(f"s{i}") for i in range(len(labels)))
    trace = Trace(Problem(name, "?"), steps)
    item = LabelledTrace(trace, tuple(label(label_kind, y) for y in labels))
    return StepScores(kind, values, "v"), item


def test_pairs_leave_out_steps_without_evidence():
    rows = [pair("a", PROBABILITY, (0.1, 0.2), (1, None)), pair("b", PROBABILITY, (0.3,), (0,))]
    pairs = pairs_of(*zip(*rows, strict=True))
    assert (pairs.scores_M, pairs.outcomes_M, pairs.problems_M) == ((0.1, 0.3), (1, 0), ("a", "b"))


def test_pairs_must_mean_the_same():
    scores, item = pair("a", Kind.VALUE, (0.1,), (1,))
    with pytest.raises(KindError, match="value scores are calibrated on labels of value"):
        pairs_of([scores], [item])
    logit, right = pair("a", Kind.LOGIT, (3.0,), (1,))
    assert pairs_of([logit], [right]).kind is Kind.LOGIT
    with pytest.raises(KindError, match="several kinds"):
        pairs_of([scores, logit], [item, right])
    with pytest.raises(InputError, match="1 scores and 2 labels"):
        pairs_of([logit], [pair("a", Kind.LOGIT, (), (1, 1))[1]])


# --- scorers and checkpoints -----------------------------------------------


def constant(kind, values, aggregation=None):
    """A scorer that gives every trace these values."""

    def stream(traces):
        for index, _ in enumerate(traces):
            yield index, StepScores(kind, values, "constant", 7)

    return LocalScorer(stream, lambda t: [s for _, s in stream(t)], "constant", aggregation)


TRACE = Trace(Problem("p", "1 + 1?"), (Step("1 + 1 = 2."), Step("The answer is 2.")))


def test_a_calibrated_scorer_maps_every_score():
    scorer = constant(PROBABILITY, (0.5, 0.9), "min")
    mapped = calibrated(scorer, Logistic(PROBABILITY, 0.5))
    [scores] = mapped([TRACE])
    assert scores.values == pytest.approx((0.5, sigmoid(0.5 * math.log(9))))
    assert (scores.tokens, scores.kind, mapped.aggregation) == (7, PROBABILITY, "min")
    assert list(mapped.stream([TRACE])) == [(0, scores)]
    assert mapped.fingerprint != scorer.fingerprint
    assert calibrated(scorer, None) is scorer


def test_logits_become_probabilities_and_lose_their_sum():
    mapped = calibrated(constant(Kind.LOGRATIO, (0.0, 3.0), "sum"), Logistic(Kind.LOGRATIO, 1.0))
    [scores] = mapped([TRACE])
    assert scores.kind is PROBABILITY
    assert mapped.aggregation is None


def test_a_map_for_another_kind_is_refused():
    with pytest.raises(KindError, match="gives value scores and its calibration is for corr"):
        calibrated(constant(Kind.VALUE, (0.5,)), Logistic(PROBABILITY, 1.0))([TRACE])


@pytest.mark.parametrize(
    "fitted",
    [Logistic(Kind.LOGIT, 0.5, -1.0), Isotonic(Kind.VALUE, (0.1, 0.9), (0.2, 0.6))],
)
def test_maps_survive_their_records(fitted):
    assert map_of(record_of(fitted)) == fitted
    assert map_of({}) is None


@pytest.mark.parametrize(
    "record", [{"map": "Beta", "kind": "value"}, {"map": "Logistic", "kind": "value"}, {"map": 1}]
)
def test_a_map_that_cannot_be_read(record):
    with pytest.raises(ModelError, match="calibration"):
        map_of(record)


def test_a_calibration_is_stored_with_the_checkpoint_and_applied_on_load(tmp_path):
    folder = tmp_path / "verifier"
    shutil.copytree(SHIPPED["pebble-verifier"], folder)
    plain = load_scorer(str(folder), device="cpu")
    [before] = plain([TRACE])
    fitted = Logistic(before.kind, 0.3, 0.1)
    store_calibration(folder, fitted, {"ece_after": 0.0125})
    mapped = load_scorer(str(folder), device="cpu")
    [after] = mapped([TRACE])
    assert after.values == pytest.approx(fitted(before.values))
    assert mapped.fingerprint != plain.fingerprint
    assert read_card(folder).metrics["ece_after"] == 0.0125
    readme = (folder / "README.md").read_text()
    assert "## Calibration" in readme
    assert "- ece_after: 0.0125" in readme

    store_calibration(folder, None)
    [again] = load_scorer(str(folder), device="cpu")([TRACE])
    assert again == before
    assert "## Calibration" not in (folder / "README.md").read_text()


def test_a_checkpoint_refuses_the_map_of_another_kind(tmp_path):
    shutil.copytree(SHIPPED["pebble-verifier"], tmp_path / "v")
    with pytest.raises(ModelError, match="the calibration is for logit ones"):
        store_calibration(tmp_path / "v", Logistic(Kind.LOGIT, 1.0))
    with pytest.raises(ModelError, match="there is no readable verifier"):
        store_calibration(tmp_path, Logistic(Kind.LOGIT, 1.0))


def test_sure_scores_are_only_as_sure_as_float32_says():
    fitted = Logistic(PROBABILITY, 1.0)
    assert fitted([0.0, 1.0]) == pytest.approx([EDGE, 1 - EDGE])
