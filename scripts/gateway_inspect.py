"""An inspect-ai task whose model is a search behind `surefoot serve`.

    SUREFOOT_TOKENS=secret surefoot serve --port 8000 &
    SUREFOOT_BASE_URL=http://127.0.0.1:8000/v1 SUREFOOT_API_KEY=secret \
        inspect eval scripts/gateway_inspect.py --model openai-api/surefoot/pebble+vote8

The data set is trails, Surefoot's own problems, written by `surefoot sample trails:easy ... --out`
to the file that SUREFOOT_TRACES names: any environment with inspect-ai will do.
"""

import json
import os
from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.scorer import match
from inspect_ai.solver import generate


@task
def trails() -> Task:
    """Word problems whose answer is the last number of the solution."""
    lines = Path(os.environ["SUREFOOT_TRACES"]).read_text().splitlines()
    problems = {row["id"]: row for row in (json.loads(line)["problem"] for line in lines)}
    samples = [
        Sample(id=row["id"], input=row["problem"], target=row["answer"])
        for row in problems.values()
    ]
    return Task(
        dataset=MemoryDataset(samples),
        solver=generate(),
        scorer=match(location="end", numeric=True),
    )
