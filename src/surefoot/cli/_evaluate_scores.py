"""`surefoot evaluate FILE`: how good the scores in a file are."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from surefoot.cli._common import is_trails, read_traces
from surefoot.core.errors import InputError
from surefoot.core.kinds import aggregate
from surefoot.core.records import labelled_of, scored_of
from surefoot.core.seeds import rng_for
from surefoot.core.types import Kind, StepScores, Trace, Verdict
from surefoot.search.fit import RANKS

Row = tuple[Trace, StepScores]
PROBABILITIES = (Kind.CORRECTNESS, Kind.VALUE)


def measure_scores(
    scores: Path,
    labels: Path | None,
    *,
    threshold: float | None,
    bins: int,
    aggregation: str | None,
    seed: int,
) -> dict[str, Any]:
    """What can be known of one verifier from a file of traces that it scored."""
    rows: list[Row] = read_traces(scores, None, scored_of)
    kinds = {s.kind for _, s in rows}
    if len(kinds) > 1:
        names = sorted(kind.value for kind in kinds)
        raise InputError(f"{scores} holds scores of several kinds {names}; give one verifier's")
    truths = _by_oracle if labels is None else partial(_looked_up, _truths_of(labels), labels)
    totals = [aggregate(s, aggregation) for _, s in rows]
    return {
        "traces": len(rows),
        "problems": len({trace.problem.id for trace, _ in rows}),
        "kind": rows[0][1].kind.value,
        **_first_errors(rows, truths, threshold),
        **_calibration(rows, totals, bins),
        **_selection(rows, totals, seed),
    }


# --- first errors ----------------------------------------------------------


def _by_oracle(trace: Trace) -> int | None:
    """The first wrong step, -1 if there is none, None if the problem is not of trails."""
    from surefoot.evaluate import NO_ERROR
    from surefoot.tasks.trails import first_error

    if not is_trails(trace):
        return None
    found = first_error(trace.problem, trace)
    return NO_ERROR if found is None else found


def _key(trace: Trace) -> tuple[str, ...]:
    return (trace.problem.id, *(step.text for step in trace.steps))


def _truths_of(labels: Path) -> dict[tuple[str, ...], int]:
    """First error by trace; a trace with a step of unknown truth before it has none."""
    from surefoot.evaluate import first_error_in, judgements

    items = read_traces(labels, None, labelled_of)
    firsts = [(_key(item.trace), first_error_in(judgements(item))) for item in items]
    return {key: first for key, first in firsts if first is not None}


def _looked_up(truths: dict[tuple[str, ...], int], labels: Path, trace: Trace) -> int | None:
    if not truths:
        raise InputError(f"{labels} has no trace whose first error is known; label some traces")
    return truths.get(_key(trace))


def _first_errors(
    rows: Sequence[Row], truth: Callable[[Trace], int | None], threshold: float | None
) -> dict[str, Any]:
    known = [(t, s, first) for t, s in rows if (first := truth(t)) is not None]
    halves = _halves([t.problem.id for t, _, _ in known])
    thresholds = [threshold] * 2 if threshold is not None else _cross_fitted(known, halves)
    limits = [limit for half in halves if (limit := thresholds[half]) is not None]
    return {
        "first_error_traces": len(known),
        **_found(known, limits),
        "thresholds": None if None in thresholds else thresholds,
    }


def _found(
    known: Sequence[tuple[Trace, StepScores, int]], limits: Sequence[float]
) -> dict[str, float | None]:
    """How often first errors are found; None without traces, or where some have no threshold."""
    from surefoot.evaluate import first_error_score, predict_first_error

    names = ("first_error_f1", "first_error_found", "correct_passed", "step_macro_f1")
    if not known or len(limits) < len(known):
        return dict.fromkeys(names)
    predicted = [
        predict_first_error(s.values, limit) for (_, s, _), limit in zip(known, limits, strict=True)
    ]
    score = first_error_score(predicted, [first for _, _, first in known])
    figures = (score.f1, score.on_erroneous, score.on_correct, _steps(known, limits))
    return dict(zip(names, figures, strict=True))


def _steps(known: Sequence[tuple[Trace, StepScores, int]], limits: Sequence[float]) -> float | None:
    """Macro F1 of single steps up to the first error; what comes after it has no truth."""
    from surefoot.evaluate import NO_ERROR, macro_f1

    said: list[bool | None] = []
    true: list[bool | None] = []
    for (_, scores, first), limit in zip(known, limits, strict=True):
        judged = scores.values if first == NO_ERROR else scores.values[: first + 1]
        said += [value >= limit for value in judged]
        true += [t != first for t in range(len(judged))]
    return macro_f1(said, true)


def _cross_fitted(
    known: Sequence[tuple[Trace, StepScores, int]], halves: Sequence[int]
) -> list[float | None]:
    """The threshold to use on each half, chosen on the other."""
    in_half: dict[int, list[tuple[Trace, StepScores, int]]] = {0: [], 1: []}
    for row, half in zip(known, halves, strict=True):
        in_half[half].append(row)
    return [_chosen(in_half[1]), _chosen(in_half[0])]


def _halves(ids: Sequence[str]) -> list[int]:
    """0 or 1 for each row; rows of one problem stay together."""
    numbers = {name: i % 2 for i, name in enumerate(dict.fromkeys(ids))}
    return [numbers[name] for name in ids]


def _chosen(known: Sequence[tuple[Trace, StepScores, int]]) -> float | None:
    """The best threshold on these traces; None unless both right and wrong ones are there."""
    from surefoot.evaluate import NO_ERROR, choose_threshold

    firsts = [first for _, _, first in known]
    if all(f == NO_ERROR for f in firsts) or NO_ERROR not in firsts:
        return None
    return choose_threshold([s.values for _, s, _ in known], firsts)


# --- calibration and selection ---------------------------------------------


def _calibration(rows: Sequence[Row], totals: Sequence[float], bins: int) -> dict[str, Any]:
    from surefoot.evaluate import (
        brier,
        expected_calibration_error,
        pooled_auc,
        within_problem_auc,
    )

    known = [
        (total, trace.verdict is Verdict.CORRECT, trace.problem.id)
        for total, (trace, _) in zip(totals, rows, strict=True)
        if trace.verdict in (Verdict.CORRECT, Verdict.WRONG)
    ]
    values, right, problems = (
        [x for x, _, _ in known],
        [y for _, y, _ in known],
        [z for _, _, z in known],
    )
    kind = rows[0][1].kind
    are_probabilities, compare = kind in PROBABILITIES, kind in RANKS
    return {
        "auc_within_problems": within_problem_auc(values, right, problems) if compare else None,
        "auc_pooled": pooled_auc(values, right) if compare else None,
        "brier": brier(values, right) if are_probabilities else None,
        f"ece_{bins}_bins": expected_calibration_error(values, right, bins=bins)
        if are_probabilities
        else None,
    }


def _selection(rows: Sequence[Row], totals: Sequence[float], seed: int) -> dict[str, Any]:
    """Each way to choose among n traces of a problem, n those of the problem with fewest."""
    groups: dict[str, list[int]] = {}
    for i, (trace, _) in enumerate(rows):
        if trace.verdict is not None:
            groups.setdefault(trace.problem.id, []).append(i)
    if not groups:
        return {"n": None, "best_of_n": None}
    n = min(map(len, groups.values()))
    figures = [_chosen_of(rows, totals, group, n, seed) for group in groups.values()]
    by_name = {name: [row[name] for row in figures] for name in figures[0]}
    compared = {
        f"{name}_vs_majority": _interval(by_name[name], seed, by_name["majority"])
        for name in ("best_of_n", "weighted_vote")
        if name in by_name
    }
    chosen = {k: _interval(v, seed) for k, v in by_name.items()}
    return {"n": n, "best_of_n": None, **chosen, **compared}


def _chosen_of(
    rows: Sequence[Row], totals: Sequence[float], group: Sequence[int], n: int, seed: int
) -> dict[str, float]:
    from surefoot.evaluate import best_of_n, coverage, pass_hat_k, vote_accuracy
    from surefoot.evaluate.votes import ballots

    right = [rows[i][0].verdict is Verdict.CORRECT for i in group]
    answers = [rows[i][0].answer for i in group]
    values = [totals[i] for i in group]

    def vote(weights: Sequence[float] | None) -> float:
        rng = rng_for(seed, "vote", rows[group[0]][0].problem.id)  # the same draws for both
        return vote_accuracy(answers, right, n, rng=rng, weights_N=weights)

    kind = rows[group[0]][1].kind
    figures = {
        "pass@1": sum(right) / len(right),
        "majority": vote(None),
        # A preference compares next steps of one prefix, not solutions.
        **({"best_of_n": best_of_n(values, right, n)} if kind in RANKS else {}),
        "coverage": coverage(right, n),
        "pass^n": pass_hat_k(len(right), sum(right), n),
    }
    weights = ballots(values, kind)
    return figures if weights is None else {**figures, "weighted_vote": vote(weights)}


def _interval(
    values: Sequence[float], seed: int, less: Sequence[float] | None = None
) -> dict[str, float | None]:
    """Of a mean over problems, or of the difference to another, paired."""
    from surefoot.evaluate import mean_interval, paired_interval

    rng = rng_for(seed, "interval")
    interval = (
        mean_interval(values, rng=rng) if less is None else paired_interval(values, less, rng=rng)
    )
    assert interval is not None
    return {"mean": interval.estimate, "low": interval.low, "high": interval.high}
