"""PRMBench (Song et al., arXiv:2501.03124): is each step of a solution right?

With good steps as positives (TP: a good step accepted, FP: a bad one accepted, TN: a bad one
rejected, FN: a good one rejected), all steps of a class pooled,

    F1 = 2 TP / (2 TP + FP + FN)      F1- = 2 TN / (2 TN + FN + FP)
    PRMScore = F1 / 2 + F1- / 2;      F1 alone for multi_solutions, which has no errors

A category's PRMScore is the mean of its classes', the overall one is that of all steps pooled.
A scorer accepts steps with score > threshold (0.5 for probabilities).

The authors' script differs where a figure has no value: undefined ratios are -1 and enter
averages, here they are None; F1 with no step accepted rightly is 0 here; predictions
shorter than the steps are cut to fit there (which raises scores), here refused; solutions whose
right twin had no step accepted are left out of its similarity, here they count.

Dimension key: M cases, S steps of a case.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from surefoot.core.errors import InputError
from surefoot.core.records import Record
from surefoot.core.types import Problem, Step, StepScores, Trace
from surefoot.evaluate.benchmarks.benchmark import Benchmark, Case, Rule, Table, files_of, unique
from surefoot.evaluate.checks import Floats
from surefoot.evaluate.intervals import quotient
from surefoot.formats.fields import items_of
from surefoot.formats.prm_bench import PRMBenchRow, read_prm_bench

CATEGORIES = {
    "simplicity": ("redundency", "circular"),
    "soundness": ("counterfactual", "step_contradiction", "domain_inconsistency", "confidence"),
    "sensitivity": ("missing_condition", "deception", "multi_solutions"),
}
CLASSES = tuple(name for classes in CATEGORIES.values() for name in classes)
REDUNDANT = CATEGORIES["simplicity"]  # here a model's own view of redundancy goes first
NO_ERRORS = "multi_solutions"
WITH_TWINS, TWINS = "redundency", "correct"  # each of the former's problems gives one twin


@dataclass(frozen=True, slots=True)
class Steps:
    """right: [S] is the step free of error? twin: id of the right solution of the problem."""

    right: tuple[bool, ...]
    twin: str


Accepted = tuple[bool, ...]


# --- cases -----------------------------------------------------------------


def load(path: Path) -> list[Case[Steps]]:
    """The cases of a folder with a file for each class, or of one file; twins come last.

    An `idx` that a class repeats is taken once, as the authors do: 6,216 published rows make
    6,211 cases and 758 twins.
    """
    rows = [row for file in files_of(path, CLASSES).values() for row in read_prm_bench(file)]
    cases: dict[str, Case[Steps]] = {}
    for row in rows:
        cases.setdefault(f"{row.classification}_{row.idx}", _case(row))
    for row in rows:
        if row.classification == WITH_TWINS:
            cases.setdefault(_twin_id(row), _twin(row))
    return unique(list(cases.values()))


def _case(row: PRMBenchRow) -> Case[Steps]:
    if row.classification not in CLASSES:
        raise InputError(
            f"row {row.idx!r}: expected a class of {', '.join(CLASSES)}, got {row.classification!r}"
        )
    name = f"{row.classification}_{row.idx}"
    trace = Trace(Problem(name, row.modified_question), tuple(map(Step, row.modified_process)))
    return Case(
        name, row.classification, row.original_question, (trace,), Steps(row.right, _twin_id(row))
    )


def _twin(row: PRMBenchRow) -> Case[Steps]:
    name = _twin_id(row)
    trace = Trace(Problem(name, row.original_question), tuple(map(Step, row.original_process)))
    right = (True,) * len(row.original_process)
    return Case(name, TWINS, row.original_question, (trace,), Steps(right, name))


def _twin_id(row: PRMBenchRow) -> str:
    return f"{TWINS}_{row.idx}"


# --- predictions -----------------------------------------------------------


def decide(_case: Case[Steps], scores: Sequence[StepScores], threshold: float) -> Accepted:
    """[S] is the step accepted: score > threshold."""
    return tuple(value > threshold for value in scores[0].values)


def choose(cases: Sequence[Case[Steps]], scores_M: Sequence[Sequence[StepScores]]) -> float:
    """The threshold of highest pooled PRMScore on these cases; the lowest of equally good ones.

    Every distinct split of the steps is tried. O(n log n) in their number. Raises InputError
    unless there are good and bad steps.
    """
    values = np.array([value for scores in scores_M for value in scores[0].values])
    right = np.array([good for case in cases for good in case.truth.right], dtype=np.bool_)
    if right.all() or not right.any():
        raise InputError("expected good and bad steps to choose a threshold on; name another class")
    levels = np.unique(values)
    tried = np.concatenate((np.nextafter(levels[:1], -np.inf), levels))
    fn, tn = (
        np.searchsorted(np.sort(values[kind]), tried, side="right").astype(np.float64)
        for kind in (right, ~right)
    )
    tp, fp = fn[-1] - fn, tn[-1] - tn  # the last threshold rejects every step
    return float(tried[np.argmax(_prm_score(_f1(tp, fp, fn), _f1(tn, fn, fp)))])


def read(case: Case[Steps], row: Record) -> Accepted | None:
    """{"prediction": [bool]}, or {"validity": [score], "redundancy": [score]} of a critic.

    A critic's scores are in [-1, 1] and above 0 is a yes; "redundancy" may be absent, and says
    of redundency and circular cases which steps are bad. null is no prediction. Raises
    InputError unless there is one entry a step.
    """
    if "validity" not in row and row.get("prediction", ()) is None:
        return None
    if "validity" not in row:
        return tuple(map(bool, _one_a_step(case, row, "prediction", (bool,))))
    if case.group in REDUNDANT and row.get("redundancy") is not None:
        return tuple(v <= 0 for v in _one_a_step(case, row, "redundancy", (int, float)))
    return tuple(v > 0 for v in _one_a_step(case, row, "validity", (int, float)))


def _one_a_step(
    case: Case[Steps], row: Record, name: str, kinds: tuple[type, ...]
) -> Sequence[Any]:
    values = items_of(row, name, kinds)
    steps = len(case.truth.right)
    if len(values) != steps:
        raise InputError(
            f"field {name!r} has {len(values)} entries for the {steps} steps of {case.id!r}; "
            "expected one a step (fewer would leave out the hard ends)"
        )
    return values


def perfect(case: Case[Steps]) -> Accepted:
    """Good steps accepted, bad ones rejected."""
    return case.truth.right


# --- figures ---------------------------------------------------------------

TP, FP, TN, FN, FIRST, FIRST_FOUND, ALIKE, UNLIKENESS, ANSWERED, CASES = range(10)


def count(cases: Sequence[Case[Steps]], predictions_M: Sequence[Accepted | None]) -> Floats:
    """[M, 10] what each case adds to the counts named above; nothing without a prediction."""
    accepted = dict(zip((case.id for case in cases), predictions_M, strict=True))
    rows = [_counts(case.truth, accepted[case.id], accepted.get(case.truth.twin)) for case in cases]
    return np.array(rows, dtype=np.float64).reshape(len(cases), CASES + 1)


def _counts(truth: Steps, accepted: Accepted | None, twin: Accepted | None) -> list[float]:
    if accepted is None:
        return [0.0] * CASES + [1.0]
    pairs = list(zip(truth.right, accepted, strict=True))
    first = truth.right.index(False) if False in truth.right else None
    unlike = None if twin is None else abs(np.mean(accepted) - np.mean(twin))
    return [
        pairs.count((True, True)),
        pairs.count((False, True)),
        pairs.count((False, False)),
        pairs.count((True, False)),
        first is not None,
        first is not None and not accepted[first],
        unlike is not None,
        0.0 if unlike is None else float(unlike),
        1.0,
        1.0,
    ]


def table(sums: Mapping[str, Floats]) -> Table:
    """A row a class, a category (the mean of its classes) and all classes pooled, twins apart."""
    classes = {name: sums_R_K for name, sums_R_K in sums.items() if name != TWINS}
    if not classes:
        raise InputError("expected cases with errors, got only their right twins")
    rows = {name: columns(sums_R_K, errors=name != NO_ERRORS) for name, sums_R_K in classes.items()}
    categories = {
        name: {"prm_score": np.mean([rows[m]["prm_score"] for m in members], axis=0)}
        for name, members in CATEGORIES.items()
        if set(members) <= set(rows)
    }
    overall = columns(np.sum(list(classes.values()), axis=0))
    return {**rows, **categories, "overall": overall}


def columns(sums_R_K: Floats, *, errors: bool = True) -> dict[str, Floats]:
    """The figures of one class.

    prm_score, f1, negative_f1; good_accepted, bad_rejected: shares of such steps; accuracy: of
    all steps; first_error_rejected: share of cases; unlike_twin: mean difference to the share
    of steps accepted of the right twin; answered: cases with a prediction.

    errors: whether the class has any; without, prm_score is f1.
    """
    k = sums_R_K.T
    f1, negative_f1 = _f1(k[TP], k[FP], k[FN]), _f1(k[TN], k[FN], k[FP])
    return {
        "prm_score": _prm_score(f1, negative_f1) if errors else f1,
        "f1": f1,
        "negative_f1": negative_f1,
        "good_accepted": quotient(k[TP], k[TP] + k[FN]),
        "bad_rejected": quotient(k[TN], k[TN] + k[FP]),
        "accuracy": quotient(k[TP] + k[TN], k[TP] + k[FP] + k[TN] + k[FN]),
        "first_error_rejected": quotient(k[FIRST_FOUND], k[FIRST]),
        "unlike_twin": quotient(k[UNLIKENESS], k[ALIKE]),
        "answered": quotient(k[ANSWERED], k[CASES]),
    }


def _f1(hits: Floats, false_alarms: Floats, misses: Floats) -> Floats:
    return quotient(2 * hits, 2 * hits + false_alarms + misses)


def _prm_score(f1: Floats, negative_f1: Floats) -> Floats:
    return f1 / 2 + negative_f1 / 2


PRM_BENCH = Benchmark(
    name="prm_bench",
    title="PRMBench",
    paper="2501.03124",
    load=load,
    read=read,
    count=count,
    table=table,
    main="prm_score",
    total="overall",
    perfect=perfect,
    rule=Rule(decide, choose),
)
