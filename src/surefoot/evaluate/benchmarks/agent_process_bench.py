"""AgentProcessBench (arXiv:2603.14465): is each turn of a tool-using agent good, neutral or bad?

    step accuracy = share of assistant turns whose label, +1, 0 or -1, is given exactly
    first-error accuracy = share of runs whose first -1, or lack of one, is named exactly
    exact match = share of runs with every label right;   all runs pooled

A scorer calls a step -1 below the threshold and +1 otherwise; it never says 0. A run without a
prediction counts as wrong. (The authors' script reads a missing one as "no error", which is
right for every run without one.)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from surefoot.core.errors import InputError
from surefoot.core.records import Record, field_of
from surefoot.core.types import Problem, Step, StepScores, Trace
from surefoot.evaluate.benchmarks.benchmark import (
    Benchmark,
    Case,
    Rule,
    Table,
    cases_of,
    files_of,
    with_total,
)
from surefoot.evaluate.checks import Floats
from surefoot.evaluate.intervals import quotient
from surefoot.evaluate.step_metrics import NO_ERROR, choose_threshold
from surefoot.formats.fields import items_of

GOOD, NEUTRAL, BAD = 1, 0, -1
Labels = tuple[int | None, ...]  # None where a turn got no label


@dataclass(frozen=True, slots=True)
class Turns:
    """labels_S: [S] of the assistant's turns. places_S: [S] their indices among the messages."""

    labels_S: tuple[int, ...]
    places_S: tuple[int, ...]


def load(path: Path) -> list[Case[Turns]]:
    """The cases of a folder with a file for each source, or of one file.

    Ids are data_source:query_index:sample_index, the authors' record_id. A step is an
    assistant's turn with the tools' and user's messages since the last one before it; what
    stands before the first turn is the problem.
    """
    return cases_of(files_of(path), _case)


def _case(record: Record, _row: str, source: str) -> Case[Turns]:
    name = ":".join(
        str(field_of(record, key, (str, int)))
        for key in ("data_source", "query_index", "sample_index")
    )
    messages = items_of(record, "messages", (dict,))
    places = tuple(i for i, m in enumerate(messages) if m.get("role") == "assistant")
    given = field_of(record, "step_labels", dict)
    if not places or set(given) != set(map(str, places)):
        raise InputError(
            f"field 'step_labels': expected a label for each assistant message {list(places)}, "
            f"got {sorted(given)}"
        )
    labels = tuple(_label(given, str(place)) for place in places)
    told = [_told(message) for message in messages]
    starts = (places[0], *(place + 1 for place in places[:-1]))
    steps = ("\n".join(told[a : b + 1]) for a, b in zip(starts, places, strict=True))
    problem = Problem(name, "\n".join(told[: places[0]]))
    trace = Trace(problem, tuple(map(Step, steps)))
    cluster = f"{record['data_source']}:{record['query_index']}"
    return Case(name, source, cluster, (trace,), Turns(labels, places))


def _label(labels: Record, place: str) -> int:
    label = field_of(labels, place, int)
    if label not in (GOOD, NEUTRAL, BAD):
        raise InputError(f"the label of message {place} is {label}; expected 1, 0 or -1")
    return label


def _told(message: Record) -> str:
    """A message as text: who, what, and the tools it calls."""
    calls = [call.get("function", {}) for call in message.get("tool_calls") or []]
    called = [f"{call.get('name')}({call.get('arguments')})" for call in calls]
    said = [str(message["content"])] if message.get("content") else []
    return f"{message.get('role')}: " + "\n".join(said + called)


# --- predictions -----------------------------------------------------------


def decide(_case: Case[Turns], scores: Sequence[StepScores], threshold: float) -> Labels:
    """[S] -1 for score < threshold, else +1."""
    return tuple(BAD if value < threshold else GOOD for value in scores[0].values)


def choose(cases: Sequence[Case[Turns]], scores_M: Sequence[Sequence[StepScores]]) -> float:
    """The threshold that finds first errors best: the highest F1 of `choose_threshold`."""
    firsts = [first_bad(case.truth.labels_S) for case in cases]
    return choose_threshold([scores[0].values for scores in scores_M], firsts)


def first_bad(labels_S: Sequence[int | None]) -> int:
    """The first step labelled -1, or NO_ERROR."""
    return labels_S.index(BAD) if BAD in labels_S else NO_ERROR


def read(case: Case[Turns], row: Record) -> Labels | None:
    """{"prediction": [labels]} or the authors' {"step_labels": {message index: label}}."""
    if "step_labels" in row:
        given = field_of(row, "step_labels", dict)
        found = [given.get(str(place)) for place in case.truth.places_S]
    elif row.get("prediction", ()) is None:
        return None
    else:
        found = items_of(row, "prediction", (int, type(None)))
    steps = len(case.truth.labels_S)
    if len(found) != steps:
        raise InputError(f"expected {steps} labels, one a turn of the assistant, got {len(found)}")
    return tuple(found)


def perfect(case: Case[Turns]) -> Labels:
    """The true labels."""
    return case.truth.labels_S


# --- figures ---------------------------------------------------------------


def count(cases: Sequence[Case[Turns]], predictions_M: Sequence[Labels | None]) -> Floats:
    """[M, 6] steps right, steps, runs exact, first errors right, answered, 1."""
    rows = [_counts(c.truth.labels_S, found) for c, found in zip(cases, predictions_M, strict=True)]
    return np.array(rows, dtype=np.float64).reshape(len(cases), 6)


def _counts(labels_S: tuple[int, ...], found: Labels | None) -> list[float]:
    steps = len(labels_S)
    if found is None:
        return [0, steps, 0, 0, 0, 1]
    right = sum(a == b for a, b in zip(labels_S, found, strict=True))
    return [right, steps, right == steps, first_bad(labels_S) == first_bad(found), 1, 1]


def columns(sums_R_K: Floats) -> dict[str, Floats]:
    """step_accuracy, first_error, exact_match, and answered: runs with a prediction."""
    right, steps, exact, first, answered, cases = sums_R_K.T
    return {
        "step_accuracy": quotient(right, steps),
        "first_error": quotient(first, cases),
        "exact_match": quotient(exact, cases),
        "answered": quotient(answered, cases),
    }


def table(sums: Mapping[str, Floats]) -> Table:
    """A row a source, and all."""
    return with_total(sums, columns)


AGENT_PROCESS_BENCH = Benchmark(
    name="agent_process_bench",
    title="AgentProcessBench",
    paper="2603.14465",
    load=load,
    read=read,
    count=count,
    table=table,
    main="step_accuracy",
    total="all",
    perfect=perfect,
    rule=Rule(decide, choose),
)
