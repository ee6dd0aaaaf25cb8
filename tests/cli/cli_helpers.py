"""Traces made by hand, and JSONL in and out."""

import json
from pathlib import Path

from surefoot.core.types import Step, Trace
from surefoot.tasks import trails


def made_traces(problems=6, each=4):
    """Model solutions of easy problems; some have a wrong step and a wrong answer."""
    traces = []  # 0 to 3 right ones a problem
    for i, problem in enumerate(trails.problems("test", problems, level="easy")):
        lines = trails.solve(trails.read(problem.text))
        for k in range(each):
            spoilt = lines if k > i % each else [*lines[:-2], f"{lines[-2]}1", f"{lines[-1]}1"]
            trace = Trace(problem, tuple(map(Step, spoilt)), trails.answer_of("\n".join(spoilt)))
            verdict = trails.check(problem, trace)
            traces.append(Trace(problem, trace.steps, trace.answer, verdict))
    return traces


def rows_of(path):
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def write_rows(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path
