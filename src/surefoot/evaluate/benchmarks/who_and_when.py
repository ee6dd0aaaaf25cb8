"""Who&When (Zhang et al., arXiv:2505.00212): which agent and which step made a run fail?

    agent accuracy = share of failed runs whose responsible agent is named
    step accuracy = share whose decisive step is named exactly

Every run failed, so a scorer's decisive step is the one it scores lowest (the first of equals),
whatever the threshold, and its agent the one who wrote it. Three published runs name an agent
who did not write the step they name: there agent and step cannot both be had.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
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
    unique,
    with_total,
)
from surefoot.evaluate.checks import Floats, finite_numbers
from surefoot.evaluate.intervals import quotient
from surefoot.formats.fields import items_of, nullable
from surefoot.formats.files import read_foreign

Blame = tuple[str | None, int | None]  # (agent, step), either None if not named


@dataclass(frozen=True, slots=True)
class Failure:
    """agent: who is responsible. step: the decisive step. agents_S: [S] who wrote each step."""

    agent: str
    step: int
    agents_S: tuple[str, ...]


def load(path: Path) -> list[Case[Failure]]:
    """The cases of a folder with a file for each part, or of one file; ids are part-row.

    Or as the authors publish them: a folder for each part, in it a numbered file for each run;
    ids are part-number.
    """
    parts = _parts(path)
    if not parts:
        return cases_of(files_of(path), _case)
    cases = []
    for part, files in parts.items():
        for file in files:
            build = partial(_case, name=f"{part}-{file.stem}", part=part)
            cases += read_foreign(file, build)
    return unique(cases)


def _parts(path: Path) -> dict[str, list[Path]]:
    """{part: its numbered files} of a folder that is a part, or has a folder for each."""
    if not path.is_dir():
        return {}
    folders = [path.resolve(), *sorted(inner for inner in path.iterdir() if inner.is_dir())]
    numbered = {
        folder.name: [file for file in folder.glob("*.json") if file.stem.isdigit()]
        for folder in folders
    }
    return {
        part: sorted(files, key=lambda file: int(file.stem))
        for part, files in numbered.items()
        if files
    }


def _case(record: Record, name: str, part: str) -> Case[Failure]:
    history = items_of(record, "history", (dict,))
    agents = tuple(_agent(entry) for entry in history)
    step = field_of(record, "mistake_step", (str, int))
    if not str(step).isdigit() or int(step) >= len(history):
        raise InputError(
            f"field 'mistake_step': expected the index of one of {len(history)} steps, got {step!r}"
        )
    question = field_of(record, "question", str)
    said = zip(agents, (field_of(entry, "content", str) for entry in history), strict=True)
    trace = Trace(
        Problem(name, question),
        tuple(Step(f"{agent}: {content}") for agent, content in said),
        verdict=Verdict.WRONG,
    )
    truth = Failure(field_of(record, "mistake_agent", str), int(step), agents)
    return Case(name, part, question, (trace,), truth)


def _agent(entry: Record) -> str:
    """Who wrote a step: "name", or "role" where runs are told without names."""
    return str(entry.get("name") or field_of(entry, "role", str))


def decide(case: Case[Failure], scores: Sequence[StepScores], _threshold: float) -> Blame:
    """The lowest-scored step, the first of equals, and who wrote it."""
    step = int(np.argmin(finite_numbers(scores[0].values, f"scores of {case.id!r}")))
    return case.truth.agents_S[step], step


def read(_case: Case[Failure], row: Record) -> Blame | None:
    """{"prediction": [agent or null, step or null]}; null is no prediction."""
    if row.get("prediction", ()) is None:
        return None
    pair = items_of(row, "prediction", (str, int, type(None)))
    if len(pair) != 2:
        raise InputError(f"field 'prediction': expected [agent, step], got {pair!r}")
    named = {"agent": pair[0], "step": pair[1]}
    return nullable(named, "agent", (str,)), nullable(named, "step", (int,))


def perfect(case: Case[Failure]) -> Blame:
    """The true agent and step."""
    return case.truth.agent, case.truth.step


def count(cases: Sequence[Case[Failure]], predictions_M: Sequence[Blame | None]) -> Floats:
    """[M, 6] agent right, step right, both, step at most one away, answered, 1."""
    rows = [_counts(c.truth, found) for c, found in zip(cases, predictions_M, strict=True)]
    return np.array(rows, dtype=np.float64).reshape(len(cases), 6)


def _counts(truth: Failure, found: Blame | None) -> list[bool]:
    agent, step = found or (None, None)
    who, when = agent == truth.agent, step == truth.step
    near = step is not None and abs(step - truth.step) <= 1
    return [who, when, who and when, near, found is not None, True]


def columns(sums_R_K: Floats) -> dict[str, Floats]:
    """step, agent, both: shares named exactly; within_one: steps at most one away; answered."""
    agent, step, both, near, answered, cases = sums_R_K.T
    return {
        "step": quotient(step, cases),
        "agent": quotient(agent, cases),
        "both": quotient(both, cases),
        "within_one": quotient(near, cases),
        "answered": quotient(answered, cases),
    }


def table(sums: Mapping[str, Floats]) -> Table:
    """A row a part, and all."""
    return with_total(sums, columns)


WHO_AND_WHEN = Benchmark(
    name="who_and_when",
    title="Who&When",
    paper="2505.00212",
    load=load,
    read=read,
    count=count,
    table=table,
    main="step",
    total="all",
    perfect=perfect,
    rule=Rule(decide),
)
