"""BIG-Bench Mistake (Tyen et al., arXiv:2311.08516): find the first mistake outside mathematics.

    accuracy = share of traces whose first mistake, or lack of one, is named exactly

Labels count from 0; the paper's prompts number the thoughts from 1. A right answer may follow a
mistake and a wrong one no mistake, so the answer does not tell. Most traces have a mistake: see
`f1`, which a constant cannot raise, beside the accuracy.
"""

from collections.abc import Mapping
from pathlib import Path

from surefoot.core.errors import InputError
from surefoot.core.records import Record, field_of
from surefoot.core.types import Problem, Step, Trace, Verdict
from surefoot.evaluate.benchmarks import first_error
from surefoot.evaluate.benchmarks.benchmark import (
    Benchmark,
    Case,
    Table,
    cases_of,
    files_of,
    with_total,
)
from surefoot.evaluate.benchmarks.first_error import CASES, FOUND, PASSED, FirstError
from surefoot.evaluate.checks import Floats
from surefoot.evaluate.intervals import quotient
from surefoot.evaluate.step_metrics import NO_ERROR
from surefoot.formats.fields import nullable, steps_of

TASKS = (
    "dyck_languages",
    "logical_deduction",
    "multistep_arithmetic",
    "tracking_shuffled_objects",
    "word_sorting",
)


def load(path: Path) -> list[Case[FirstError]]:
    """The cases of a folder with a file for each task, or of one file. Ids are task-row."""
    return cases_of(files_of(path, TASKS), _case)


def _case(record: Record, name: str, task: str) -> Case[FirstError]:
    steps = steps_of(record, "steps")
    text, target = (field_of(record, key, str) for key in ("input", "target"))
    answer: str | None = nullable(record, "answer", (str,))  # null: the model gave none
    mistake: int | None = nullable(record, "mistake_index", (int,))
    if mistake is not None and not 0 <= mistake < len(steps):
        raise InputError(
            f"field 'mistake_index': expected null or one of the {len(steps)} steps, got {mistake}"
        )
    right = answer == target
    trace = Trace(
        Problem(name, text, gold=target),
        tuple(map(Step, steps)),
        answer=answer,
        verdict=Verdict.CORRECT if right else Verdict.WRONG,
    )
    truth = FirstError(NO_ERROR if mistake is None else mistake, right)
    return Case(name, task, text, (trace,), truth)


def columns(sums_R_K: Floats) -> dict[str, Floats]:
    """accuracy, and the figures of `first_error.columns`."""
    k = sums_R_K.T
    accuracy = quotient(k[FOUND] + k[PASSED], k[CASES])
    return {"accuracy": accuracy, **first_error.columns(sums_R_K)}


def table(sums: Mapping[str, Floats]) -> Table:
    """A row a task, and all."""
    return with_total(sums, columns)


BIG_BENCH_MISTAKE = Benchmark(
    name="big_bench_mistake",
    title="BIG-Bench Mistake",
    paper="2311.08516",
    load=load,
    read=first_error.read,
    count=first_error.count,
    table=table,
    main="accuracy",
    total="all",
    perfect=first_error.perfect,
    rule=first_error.RULE,
)
