"""ToolComp (Nath et al., arXiv:2501.01290): which of several tool-using runs is right?

    rank@1 = accuracy of the run that scores highest among K of each prompt, ties at random

Its rows were not published with field names; ours are {"id", "question", "source"?,
"trajectories": [{"steps": [text], "correct": bool}, ...]}, so any pool of judged runs will do.
"""

from pathlib import Path

from surefoot.core.errors import InputError
from surefoot.core.records import Record, field_of
from surefoot.core.types import Problem, Step, Trace, Verdict
from surefoot.evaluate.benchmarks import choice
from surefoot.evaluate.benchmarks.benchmark import Benchmark, Case, cases_of, files_of
from surefoot.evaluate.benchmarks.choice import Candidates
from surefoot.formats.fields import items_of, steps_of


def load(path: Path) -> list[Case[Candidates]]:
    """The cases of a file, or of all files of a folder; groups are "source" or the file's name."""
    return cases_of(files_of(path), _case)


def _case(record: Record, _row: str, file: str) -> Case[Candidates]:
    name, question = (field_of(record, key, str) for key in ("id", "question"))
    runs = items_of(record, "trajectories", (dict,))
    if not runs:
        raise InputError("field 'trajectories' is empty; expected one run or more")
    right = tuple(field_of(run, "correct", bool) for run in runs)
    traces = tuple(
        Trace(
            Problem(name, question),
            tuple(map(Step, steps_of(run, "steps"))),
            verdict=Verdict.CORRECT if good else Verdict.WRONG,
        )
        for run, good in zip(runs, right, strict=True)
    )
    return Case(name, str(record.get("source") or file), question, traces, Candidates(right))


TOOL_COMP = Benchmark(
    name="tool_comp",
    title="ToolComp",
    paper="2501.01290",
    load=load,
    read=choice.read,
    count=choice.count,
    table=choice.table,
    main="rank_at_1",
    total="all",
    perfect=choice.perfect,
    rule=choice.RULE,
)
