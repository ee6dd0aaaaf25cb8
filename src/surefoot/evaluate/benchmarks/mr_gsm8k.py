"""MR-GSM8K (Zeng et al., arXiv:2312.17080): grade a solution, place its first error, explain it.

    MR-Score = 0.2 max(0, MCC) + 0.3 acc_step + 0.5 acc_reason

MCC is Matthews' correlation of the verdict with the truth (0 where either is constant); both
accuracies are over the truly wrong solutions: those called wrong with the right first step, and
of these those whose reason is right too. The reason is judged by somebody else (a model); while
one is left unjudged, acc_reason and MR-Score are unknown, as they always are for a scorer. A
solution without a verdict counts as judged wrongly. Published steps count from 1, ours from 0.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from surefoot.core.errors import InputError
from surefoot.core.records import Record, field_of
from surefoot.core.types import Problem, Step, StepScores, Trace, Verdict
from surefoot.evaluate.benchmarks.benchmark import (
    Benchmark,
    Case,
    Rule,
    Table,
    cases_of,
    files_of,
    with_total,
)
from surefoot.evaluate.benchmarks.first_error import FirstError
from surefoot.evaluate.checks import Floats
from surefoot.evaluate.intervals import quotient
from surefoot.evaluate.step_metrics import NO_ERROR, choose_threshold, predict_first_error
from surefoot.formats.fields import items_of, nullable, steps_of

TYPES = ("original", "POT", "reversed")


MCC, STEP, REASON = 0.2, 0.3, 0.5  # weights of the parts of MR-Score
Grade = tuple[bool, int | None, bool | None]
"""(called wrong, first wrong step from 0, is the reason right); None is unread or unjudged."""


def load(path: Path) -> list[Case[FirstError]]:
    """The cases of the published file, by type of question. Ids are its uuids."""
    return cases_of(files_of(path), _case)


def _case(record: Record, _row: str, _file: str) -> Case[FirstError]:
    steps = steps_of(record, "model_output_steps")
    text, name = (field_of(record, key, str) for key in ("question", "uuid"))
    right = _is_right(field_of(record, "model_output_solution_correctness", str))
    first = NO_ERROR if right else _step(record, len(steps))
    kind = field_of(record, "question_type", str)
    if kind not in TYPES:
        raise InputError(f"field 'question_type': expected one of {TYPES}, got {kind!r}")
    trace = Trace(
        Problem(name, text),
        tuple(map(Step, steps)),
        verdict=Verdict.CORRECT if right else Verdict.WRONG,
    )
    return Case(name, kind, text, (trace,), FirstError(first))


def _is_right(word: str) -> bool:
    if word.strip().lower() not in ("correct", "wrong"):
        raise InputError(
            f"field 'model_output_solution_correctness': expected correct or wrong, got {word!r}"
        )
    return word.strip().lower() == "correct"


def _step(record: Record, steps: int) -> int:
    name = "model_output_solution_first_error_step"
    number = field_of(record, name, (int, str))
    if not str(number).isdigit() or not 1 <= int(number) <= steps:
        raise InputError(f"field {name!r}: expected one of steps 1 to {steps}, got {number!r}")
    return int(number) - 1


# --- predictions -----------------------------------------------------------


def decide(_case: Case[FirstError], scores: Sequence[StepScores], threshold: float) -> Grade:
    """Wrong from the first step with score < threshold, for a reason nobody knows."""
    first = predict_first_error(scores[0].values, threshold)
    return first != NO_ERROR, None if first == NO_ERROR else first, None


def choose(cases: Sequence[Case[FirstError]], scores_M: Sequence[Sequence[StepScores]]) -> float:
    """The threshold that finds first errors best, as on ProcessBench."""
    return choose_threshold([s[0].values for s in scores_M], [c.truth.first for c in cases])


def read(_case: Case[FirstError], row: Record) -> Grade | None:
    """{"prediction": [called wrong, first wrong step from 0 or null, reason right or null]}."""
    if row.get("prediction", ()) is None:
        return None
    parts = items_of(row, "prediction", (bool, int, type(None)))
    if len(parts) != 3:
        raise InputError(f"field 'prediction': expected [wrong, step, reason], got {parts!r}")
    named = dict(zip(("wrong", "step", "reason"), parts, strict=True))
    return (
        field_of(named, "wrong", bool),
        nullable(named, "step", (int,)),
        nullable(named, "reason", (bool,)),
    )


def perfect(case: Case[FirstError]) -> Grade:
    """The true grade, for the right reason."""
    wrong = case.truth.first != NO_ERROR
    return wrong, case.truth.first if wrong else None, True if wrong else None


# --- figures ---------------------------------------------------------------


def count(cases: Sequence[Case[FirstError]], predictions_M: Sequence[Grade | None]) -> Floats:
    """[M, 8] TP, FP, TN, FN ("right" is positive), step right, reason right, unjudged, answered."""
    rows = [_counts(c.truth.first, found) for c, found in zip(cases, predictions_M, strict=True)]
    return np.array(rows, dtype=np.float64).reshape(len(cases), 8)


def _counts(first: int, found: Grade | None) -> list[bool]:
    right = first == NO_ERROR
    said_wrong, step, reason = (right, None, None) if found is None else found
    placed = not right and said_wrong and step == first
    return [
        right and not said_wrong,
        not right and not said_wrong,
        not right and said_wrong,
        right and said_wrong,
        placed,
        placed and reason is True,
        placed and reason is None,
        found is not None,
    ]


def columns(sums_R_K: Floats) -> dict[str, Floats]:
    """mr_score, mcc, step_accuracy, reason_accuracy, accuracy (of verdicts), answered."""
    tp, fp, tn, fn, step, reason, unjudged, answered = sums_R_K.T
    mcc = correlation(tp, fp, tn, fn)
    acc_step = quotient(step, tn + fp)
    acc_reason = np.where(unjudged > 0, np.nan, quotient(reason, tn + fp))
    return {
        "mr_score": MCC * np.maximum(0, mcc) + STEP * acc_step + REASON * acc_reason,
        "mcc": mcc,
        "step_accuracy": acc_step,
        "reason_accuracy": acc_reason,
        "accuracy": quotient(tp + tn, tp + fp + tn + fn),
        "answered": quotient(answered, tp + fp + tn + fn),
    }


def correlation(tp: Floats, fp: Floats, tn: Floats, fn: Floats) -> Floats:
    """Matthews' correlation, in [-1, 1]; 0 where verdict or truth is constant.

    mcc = (tp tn - fp fn) / sqrt((tp + fp) (tp + fn) (tn + fp) (tn + fn))
    """
    scale = np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    mcc: Floats = np.divide(tp * tn - fp * fn, scale, out=np.zeros_like(scale), where=scale > 0)
    return mcc


def table(sums: Mapping[str, Floats]) -> Table:
    """A row a type of question, and all."""
    return with_total(sums, columns)


MR_GSM8K = Benchmark(
    name="mr_gsm8k",
    title="MR-GSM8K",
    paper="2312.17080",
    load=load,
    read=read,
    count=count,
    table=table,
    main="mr_score",
    total="all",
    perfect=perfect,
    rule=Rule(decide, choose),
)
