"""ProcessBench (Zheng et al., arXiv:2412.06559): name the first wrong step of 3,400 solutions.

    F1 = 2 acc_E acc_C / (acc_E + acc_C)   for each subset;   average = mean of the subsets' F1

See `first_error` for the two accuracies. A scorer's prediction is its first step with
score < threshold (0.5 for probabilities; other scores choose one on gsm8k and keep it).
A critic's is what it boxes, the commonest of several replies.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from surefoot.core.records import Record
from surefoot.core.types import Problem, Step, Trace, Verdict
from surefoot.evaluate.benchmarks import first_error
from surefoot.evaluate.benchmarks.benchmark import Benchmark, Case, Table, cases_of, files_of
from surefoot.evaluate.benchmarks.first_error import FirstError
from surefoot.evaluate.checks import Floats
from surefoot.formats.process_bench import process_bench_of

SUBSETS = ("gsm8k", "math", "olympiadbench", "omnimath")


def load(path: Path) -> list[Case[FirstError]]:
    """The cases of a folder with a file for each subset, or of one file.

    Raises InputError for another file name and for rows that break the benchmark's invariants.
    """
    return cases_of(files_of(path, SUBSETS), _case)


def _case(record: Record, _row: str, subset: str) -> Case[FirstError]:
    row = process_bench_of(record)
    trace = Trace(
        Problem(id=row.id, text=row.problem),
        tuple(map(Step, row.steps)),
        verdict=Verdict.CORRECT if row.final_answer_correct else Verdict.WRONG,
    )
    truth = FirstError(row.label, row.final_answer_correct)
    return Case(row.id, subset, row.problem, (trace,), truth)


def table(sums: Mapping[str, Floats]) -> Table:
    """A row a subset, and the mean of their F1."""
    rows = {subset: first_error.columns(sums_R_K) for subset, sums_R_K in sums.items()}
    f1 = np.mean([columns["f1"] for columns in rows.values()], axis=0)
    return {**rows, "average": {"f1": f1}}


PROCESS_BENCH = Benchmark(
    name="process_bench",
    title="ProcessBench",
    paper="2412.06559",
    load=load,
    read=first_error.read,
    read_official=first_error.read_official,
    count=first_error.count,
    table=table,
    main="f1",
    total="average",
    perfect=first_error.perfect,
    rule=first_error.RULE,
)
