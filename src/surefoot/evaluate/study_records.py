"""What a study found, as JSON: a summary, and the curves behind it.

    summary   {"problems", "candidates", "seed", "resamples", "draws", "majority_is",
               "pass@1", "majority", "coverage": INTERVAL, "coverage_law": {"a", "b"} | null,
               "verifiers": {name: {"kind", "min_at_last": {...}, "aggregations": {how: ROW}}},
               "pairs": [{"aggregation", "a", "b", "diff": INTERVAL}]}
    ROW       {"legal": true | false | null, "best_of_n", "best_of_n_vs_majority",
               "weighted_vote", "weighted_vote_vs_majority", "selection_gap": INTERVAL | null,
               "fall": INTERVAL + {"peak", "sure"},
               "calibration": {"brier", "ece": INTERVAL, "bins": [...]} | null,
               "plans": [{"wrong", "attempts", "utility": INTERVAL}] | null,
               "risks": [{"alpha", "threshold", "answered", "why_not"}]}
    curves    {"n": [1..N], "coverage", "majority", "random": BAND,
               "verifiers": {name: {how: {"best_of_n": BAND, "weighted_vote": BAND | null}}}}
    INTERVAL  {"estimate", "low", "high", "method", "note"}; BAND lists of the first three over n

Rates are fractions, intervals hold 95 % over problems, differences are paired. "method" and
"note" are those of `evaluate.intervals`: a note is why not to trust the ends, "" for no reason.
Unknown is null: "legal" where nobody said what the scores mean, "calibration" and
"plans" where totals are no probabilities, "weighted_vote" where they may be negative.
"""

from dataclasses import asdict
from itertools import combinations
from typing import Any

import numpy as np

from surefoot.core.errors import InputError
from surefoot.core.kinds import LEGAL
from surefoot.core.seeds import rng_for
from surefoot.evaluate.calibration import reliability_bins, resampled_calibration
from surefoot.evaluate.checks import Bools, Floats
from surefoot.evaluate.conformal import accept_threshold
from surefoot.evaluate.curves import fall_after_peak, resampled_means
from surefoot.evaluate.intervals import (
    interval_of,
    mean_interval,
    paired_interval,
    quotient,
)
from surefoot.evaluate.min_position import last_part
from surefoot.evaluate.planner import fewest_best, pool_utilities
from surefoot.evaluate.pools import AGGREGATIONS
from surefoot.evaluate.power_law import coverage_law
from surefoot.evaluate.study import Scored, Study
from surefoot.evaluate.votes import MOST

Record = dict[str, Any]

COSTS = (0.0, -1.0, -2.0, -4.0, -8.0)  # V_f of the plans, as in arXiv:2411.17501
ACCEPT_AT = 0.5  # the score from which a plan's verifier accepts
UNUSED = np.random.default_rng(0)  # one share a problem: its interval draws nothing
ALPHAS = (0.02, 0.05, 0.1)  # shares "accepted and wrong" to promise


def study_summary(study: Study) -> Record:
    """The figures with all N candidates, and what they warn of."""
    problems, total = study.right_P_N.shape
    return {
        "problems": problems,
        "candidates": total,
        "seed": study.seed,
        "resamples": study.resamples,
        "draws": study.draws,
        "majority_is": "exact" if total <= MOST else "drawn",
        "pass@1": _last(study.random),
        "majority": _last(study.majority),
        "coverage": _last(study.coverage),
        "coverage_law": _law(study),
        "verifiers": {v.name: _verifier(study, v) for v in study.verifiers},
        "pairs": _pairs(study),
    }


def study_curves(study: Study) -> Record:
    """Every curve with its band."""
    by_name: Record = {}
    for (name, how), best in study.best.items():
        vote = study.weighted.get((name, how))
        by_name.setdefault(name, {})[how] = {
            "best_of_n": _band(best),
            "weighted_vote": None if vote is None else _band(vote),
        }
    return {
        "n": list(range(1, study.right_P_N.shape[1] + 1)),
        "coverage": _band(study.coverage),
        "majority": _band(study.majority),
        "random": _band(study.random),
        "verifiers": by_name,
    }


def _pairs(study: Study) -> list[Record]:
    """Best-of-n of each verifier against each that comes after it."""
    names = [v.name for v in study.verifiers]
    return [
        {
            "aggregation": how,
            "a": a,
            "b": b,
            "diff": _gap(study.best[a, how], study.best[b, how]),
        }
        for how in AGGREGATIONS
        for a, b in combinations(names, 2)
        if (a, how) in study.best and (b, how) in study.best
    ]


# --- one verifier, one aggregation -----------------------------------------


def _verifier(study: Study, verifier: Scored) -> Record:
    return {
        "kind": verifier.kind.value if verifier.kind else None,
        "min_at_last": _weakest_steps(verifier, study),
        "aggregations": {
            how: _row(study, verifier, how)
            for how in AGGREGATIONS
            if (verifier.name, how) in study.best
        },
    }


def _row(study: Study, verifier: Scored, how: str) -> Record:
    way = verifier.name, how
    best, vote = study.best[way], study.weighted.get(way)
    rng = rng_for(study.seed, "study")
    fall = fall_after_peak(resampled_means(best, rng=rng, resamples=study.resamples))
    return {
        "legal": None if verifier.kind is None else how in LEGAL[verifier.kind],
        "best_of_n": _last(best),
        "best_of_n_vs_majority": _gap(best, study.majority),
        "weighted_vote": None if vote is None else _last(vote),
        "weighted_vote_vs_majority": None if vote is None else _gap(vote, study.majority),
        "selection_gap": _last((study.coverage - best).clip(0, 1)),  # no problem's is below 0
        "fall": {"peak": fall.peak, "sure": fall.sure, **asdict(fall.fall)},
        "calibration": _calibration(study, study.totals[way]),
        "plans": _plans(study, study.totals[way]),
        "risks": _risks(study.totals[way], study.right_P_N),
    }


def _calibration(study: Study, totals_P_N: Floats) -> Record | None:
    if not _are_probabilities(totals_P_N):
        return None
    rng = rng_for(study.seed, "study")
    outcomes = study.right_P_N.astype(np.float64)
    brier, ece = resampled_calibration(totals_P_N, outcomes, rng=rng, resamples=study.resamples)
    bins = reliability_bins(totals_P_N.ravel().tolist(), outcomes.ravel().tolist())
    return {"brier": _interval(brier), "ece": _interval(ece), "bins": [asdict(b) for b in bins]}


def _plans(study: Study, totals_P_N: Floats) -> list[Record] | None:
    """K* of up to N attempts for each cost of an accepted wrong answer."""
    if not _are_probabilities(totals_P_N):
        return None
    plans = []
    for wrong in COSTS:
        utilities = pool_utilities(study.right_P_N, totals_P_N >= ACCEPT_AT, wrong=wrong)
        attempts = fewest_best(utilities.mean(axis=0))
        rng = rng_for(study.seed, "study")
        chosen = resampled_means(utilities[:, [attempts]], rng=rng, resamples=study.resamples)
        plans.append({"wrong": wrong, "attempts": attempts, "utility": _interval(chosen[:, 0])})
    return plans


def _risks(totals_P_N: Floats, right_P_N: Bools) -> list[Record]:
    """Thresholds on the score of the best of N, each problem one calibration point."""
    chosen = totals_P_N.argmax(axis=1)[:, None]
    scores = np.take_along_axis(totals_P_N, chosen, axis=1)[:, 0]
    right = np.take_along_axis(right_P_N, chosen, axis=1)[:, 0]
    risks: list[Record] = []
    for alpha in ALPHAS:
        risk: Record = {"alpha": alpha, "threshold": None, "answered": None, "why_not": None}
        try:
            found = accept_threshold(scores.tolist(), right.tolist(), alpha)
            risk["answered"] = float((scores >= found.value).mean())
            risk["threshold"] = max(found.value, float(scores.min()))  # -inf is no JSON
        except InputError as error:
            risk["why_not"] = str(error)
        risks.append(risk)
    return risks


def _are_probabilities(totals_P_N: Floats) -> bool:
    return bool(totals_P_N.min() >= 0 and totals_P_N.max() <= 1)


# --- one verifier, one pool ------------------------------------------------


def _weakest_steps(verifier: Scored, study: Study) -> Record:
    """`min_at_last_share` with intervals."""
    total = study.right_P_N.shape[1]
    rows = [rows_N_S[:total] for rows_N_S in verifier.scores_P_N_S]
    parts = np.array([[last_part(scores_S) for scores_S in rows_N_S] for rows_N_S in rows])
    chance = np.array([[1 / len(scores_S) for scores_S in rows_N_S] for rows_N_S in rows])
    wrong = ~study.right_P_N
    columns = np.stack([parts, chance, parts * wrong, wrong], axis=2).sum(axis=1)
    rng = rng_for(study.seed, "study")
    sums = resampled_means(columns, rng=rng, resamples=study.resamples)
    return {
        "share": _interval(sums[:, 0] / total),
        "by_chance": _interval(sums[:, 1] / total),
        "among_wrong": _interval(quotient(sums[:, 2], sums[:, 3])),
    }


def _law(study: Study) -> Record | None:
    """The power law of coverage; None where none fits."""
    try:
        law = coverage_law(study.right_P_N, rng=rng_for(study.seed, "study", "law"))
    except InputError:  # one candidate, no success at all, or nothing but success
        return None
    return {"a": asdict(law.a), "b": asdict(law.b)}


def _last(curves_P_N: Floats) -> Record:
    """The mean over problems with all N candidates."""
    return _share(curves_P_N[:, -1])


def _gap(a_P_N: Floats, b_P_N: Floats) -> Record:
    """The same of the difference of two, paired by problem."""
    a, b = _exactly_shares(a_P_N[:, -1]), _exactly_shares(b_P_N[:, -1])
    found = paired_interval(a, b, rng=UNUSED)
    assert found is not None
    return asdict(found)


def _share(values_P: Floats) -> Record:
    found = mean_interval(_exactly_shares(values_P), rng=UNUSED)
    assert found is not None
    return asdict(found)


def _exactly_shares(values_P: Floats) -> list[float]:
    """Without the last digit of rounding that leaves [0, 1]."""
    listed: list[float] = values_P.clip(0, 1).tolist()
    return listed


def _interval(values_1R: Floats) -> Record | None:
    found = interval_of(values_1R)
    return None if found is None else asdict(found)


def _band(curves_P_N: Floats) -> Record:
    found = [_share(values_P) for values_P in curves_P_N.T]
    return {name: [row[name] for row in found] for name in ("estimate", "low", "high")}
