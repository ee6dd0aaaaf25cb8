"""What searches do when their verifier, judge, backend or worker fails, beside their peers.

    SUREFOOT_PEERS=/path/to/python python benchmarks/faults.py [OUTSIDE.json ...]

SUREFOOT_PEERS is an interpreter with its-hub and treequest (pip); without it their columns are
left out. OUTSIDE: what `faults_repos.py` printed of libraries that are not on PyPI. The world and
the faults are in faults_world.py. Calls are counted as in throughput.py, without their delays.

Prints the table of docs/search-faults.md and writes benchmarks/results/faults.json.
"""

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import throughput
from claims import RESULTS
from faults_world import FAULTS, HIT, JUDGED, QUESTIONS, Fault, outcome
from surefoot.core.seeds import rng_for
from surefoot.core.types import Completion, Problem, Step, Verdict
from surefoot.engine import Crew
from surefoot.search import Found, beam, generative_selection


def searched(fault: str) -> Callable[[list], list]:
    """A run of 20 beam searches, or of generative selection where the judge is at fault."""

    def run(done: list) -> list:
        crew = Crew(QUESTIONS)
        world = throughput.World(crew)

        def sample(problem, prefixes_P, *, count, **settings):
            if fault == "worker fails" and problem.id == f"q{HIT}":
                raise Fault("out of memory")
            asked = 1 if fault == "n ignored" else count
            return world.sample(problem, prefixes_P, count=asked, **settings)

        def score(traces_N):
            return [_spoilt(fault, trace, s) for trace, s in
                    zip(traces_N, world.score(traces_N), strict=True)]  # fmt: skip

        def judge(problem, prefixes_P, *, count, **_):  # noqa: ARG001
            return [[Completion((Step(JUDGED),))] * count for _ in prefixes_P]

        def solve(problem):
            verbs = {"sample": sample, "check": throughput.check, "rng": rng_for(0, problem.id)}
            if fault == "unparsable judge":
                return generative_selection(problem, judge=judge, n=8, **verbs)
            return beam(problem, score=score, beams=2, width=4, **verbs)

        asked = [Problem(f"q{i}", "?", gold="x") for i in range(QUESTIONS)]
        results = crew.map(solve, asked, done=done.append)
        return [
            r.chosen.verdict is Verdict.CORRECT if isinstance(r, Found) else None for r in results
        ]

    return run


def _spoilt(fault: str, trace, scores):
    if trace.problem.id != f"q{HIT}" or fault not in ("short scores", "NaN score"):
        return scores
    last = () if fault == "short scores" else (math.nan,)
    return replace(scores, values=scores.values[:-1] + last)


def costs() -> dict[str, float]:
    """Calls a question, steps scored for each new one, and the share of unfinished answers."""
    counted = {n: throughput.beams(n) for n in (1, 20, 100)}
    last = counted[100]
    return {
        **{f"calls a question, {n} at once": c["policy_calls"] / n for n, c in counted.items()},
        "steps scored for each new one": last["steps_scored"] / last["new_steps"],
        "unfinished": last["unfinished"] / 100,
    }


def peers() -> dict[str, dict]:
    """What `faults_peers.py` prints."""
    python = os.environ.get("SUREFOOT_PEERS")
    if not python:
        print("SUREFOOT_PEERS is not set: no columns of the peers")
        return {}
    script = Path(__file__).with_name("faults_peers.py")
    done = subprocess.run([python, script], check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main(outside: list[str]) -> None:
    """Runs everything, prints the table and writes it."""
    throughput.CALL = throughput.ITEM = 0.0
    table = {"surefoot": {**{f: outcome(searched(f)) for f in FAULTS}, **costs()}, **peers()}
    for path in outside:
        table |= json.loads(Path(path).read_text())
    rows = list(table["surefoot"])
    print(f"| | {' | '.join(table)} |\n|---|{'---|' * len(table)}")
    for row in rows:
        cells = (column.get(row, "") for column in table.values())
        shown = (f"{cell:.4g}" if isinstance(cell, float) else cell for cell in cells)
        print(f"| {row} | {' | '.join(shown)} |")
    known = {"command": "python benchmarks/faults.py", "date": str(date.today()), "table": table}
    (RESULTS / "faults.json").write_text(json.dumps(known, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
