"""ReaLMistake (Kamoi et al., arXiv:2404.03602): is there an error in a model's response?

    F1 of the class "error", with precision, recall and accuracy; 900 responses of two models to
    three tasks, most of them with an error, so read it beside `always_error_f1`.

Replies without a verdict count as wrong, or as the authors' script has them (`verdict`).

The data is locked with a password so that no model learns it: nothing of it may be shown.
"""

from pathlib import Path

from surefoot.core.errors import InputError
from surefoot.core.records import Record, field_of
from surefoot.core.types import Problem, Step, Trace, Verdict
from surefoot.evaluate.benchmarks import verdict
from surefoot.evaluate.benchmarks.benchmark import Benchmark, Case, cases_of, files_of
from surefoot.evaluate.benchmarks.verdict import Judged
from surefoot.steps.split import by_blank_line

LABELS = {"error": True, "no_error": False}


def load(path: Path) -> list[Case[Judged]]:
    """The cases of a folder of tasks with a file for each model, of one task, or of one file.

    Groups are task/model; ids are task/model-row.
    """
    folders = sorted(p for p in path.iterdir() if p.is_dir()) if path.is_dir() else []
    files = {
        f"{folder.name}/{model}": file
        for folder in folders
        for model, file in files_of(folder).items()
    }
    return cases_of(files or files_of(path), _case)


def _case(record: Record, name: str, group: str) -> Case[Judged]:
    key = "label" if "label" in record else "error_label"  # the archive's and the Hub's name
    label = field_of(record, key, str)
    if label not in LABELS:
        raise InputError(f"field {key!r}: expected one of {sorted(LABELS)}, got {label!r}")
    text, response = field_of(record, "input", str), field_of(record, "llm_response", str)
    trace = Trace(
        Problem(name, text),
        tuple(map(Step, by_blank_line(response))) or (Step(response),),
        verdict=Verdict.WRONG if LABELS[label] else Verdict.CORRECT,
    )
    return Case(name, group, text, (trace,), Judged(LABELS[label]))


REALMISTAKE = Benchmark(
    name="realmistake",
    title="ReaLMistake",
    paper="2404.03602",
    load=load,
    read=verdict.read,
    count=verdict.count,
    count_official=verdict.count_official,
    table=verdict.table,
    main="f1",
    total="all",
    perfect=verdict.perfect,
    rule=verdict.RULE,
)
