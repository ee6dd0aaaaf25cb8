"""Calls, steps scored, wall time and own overhead, beside its_hub and treequest.

    SUREFOOT_PEERS=/path/to/python python benchmarks/throughput.py

SUREFOOT_PEERS is an interpreter with its-hub and treequest (pip); without it the peers' figures
are left out. World: 6 steps, each right with chance 0.75, no two alike; a call takes 20 ms and
1 ms an item; policy and verifier share a device that takes one call at a time, or `lanes` calls.
Both sides: beam search, 8 next steps a round.

calls_per_question_100   policy calls a question with 100 questions under way at once
steps_scored_per_new_step  of the same, through `search.Remembered`
wall_vs_its_hub          its seconds / ours for 100 questions on one lane. With C calls and I items
                         of its own the ratio is at most (20 C + I) / I, whoever merges them:
                         see `most_possible` in the output, and docs/search-faults.md
wall_vs_its_hub_infer    the same with 8 lanes, its_hub called as its pages show: `infer` for one
                         question after another (its concurrency is within a question)
overhead_us_per_node     processor time of MCTS a node, without the world's, at 10,000 nodes
"""

import json
import math
import os
import subprocess
import time
from pathlib import Path

import numpy as np

from claims import Claim, publish
from surefoot.core.seeds import each_own, rng_for
from surefoot.core.types import Completion, Kind, Problem, Step, StepScores, Trace, Verdict
from surefoot.engine import Crew
from surefoot.search import Found, Remembered, beam, mcts

CALL, ITEM, LENGTH, RIGHT = 0.020, 0.001, 6, 0.75
LANES = (8, 64)
NODES = 10_000


class World:
    """The mock policy and verifier behind a crew, and what they were asked.

    lanes: calls that the device takes at once; a merged call is cut into so many, as
    `policy.served` does for an endpoint.
    """

    def __init__(self, crew: Crew, lanes: int = 1) -> None:
        self.lanes = lanes
        self.policy_calls = self.new_steps = self.steps_scored = 0
        self._write = crew.merged(self._written)
        self._judge = crew.merged(self._judged)
        self.score = Remembered(lambda pairs: self._judge(pairs), Kind.VALUE, "mock")

    def sample(self, problem, prefixes_P, *, count, rng, until="end"):  # noqa: ARG002
        """The `Sampler`."""
        asked = [
            (len(prefix), until, int(own.integers(2**62)))
            for prefix, own in zip(prefixes_P, each_own(rng, len(prefixes_P)), strict=True)
            for _ in range(count)
        ]
        replies = self._write(asked)
        return [replies[i : i + count] for i in range(0, len(replies), count)]

    def _works(self, items: int) -> int:
        """Takes the time of a merged call; returns how many calls it was cut into."""
        calls = min(self.lanes, items)
        time.sleep(CALL + ITEM * math.ceil(items / calls))
        return calls

    def _written(self, asked):
        self.policy_calls += self._works(len(asked))
        return [self._completion(*request) for request in asked]

    def _completion(self, done, until, seed):
        rng = np.random.default_rng(seed)
        count = 1 if until == "step" else LENGTH - done
        self.new_steps += count
        words = ["good" if rng.random() < RIGHT else "bad" for _ in range(count)]
        steps = tuple(Step(f"{word} {rng.random()}", (1,)) for word in words)
        return Completion(steps, finished=done + count >= LENGTH)

    def _judged(self, pairs):
        self.steps_scored += sum(len(t.steps) - start for t, start in pairs)
        self._works(len(pairs))
        return [worths(trace)[start:] for trace, start in pairs]


def worths(trace: Trace) -> list[float]:
    """0.8 of each step until one is bad."""
    bad = [step.text.startswith("bad") for step in trace.steps]
    return [0.2 if any(bad[: s + 1]) else 0.8 for s in range(len(bad))]


def check(problem, trace):  # noqa: ARG001
    """Right if no step is bad."""
    return Verdict.WRONG if 0.2 in worths(trace) else Verdict.CORRECT


def beams(questions: int, lanes: int = 1) -> dict[str, float]:
    """Our side of `throughput_peers.beams`."""
    crew = Crew(questions)
    world = World(crew, lanes)

    def solve(problem):
        return beam(
            problem, sample=world.sample, check=check, score=world.score,
            rng=rng_for(0, problem.id), beams=2, width=4,
        )  # fmt: skip

    started = time.perf_counter()
    results = crew.map(solve, [Problem(f"q{i}", "?", gold="x") for i in range(questions)])
    return {
        "seconds": time.perf_counter() - started,
        "policy_calls": world.policy_calls,
        "new_steps": world.new_steps,
        "steps_scored": world.steps_scored,
        "unfinished": sum(not isinstance(r, Found) for r in results),
    }


def overhead_microseconds(nodes: int) -> float:
    """Processor time of MCTS outside policy and verifier, for each node of its tree."""
    spent, serial = 0.0, 0

    def sample(problem, prefixes_P, *, count, rng, until="end"):  # noqa: ARG001
        nonlocal spent, serial
        started = time.thread_time()
        rows = []
        for prefix in prefixes_P:
            over = len(prefix) + 1 >= 20
            rows.append([Completion((Step(f"{serial + k}", (1,)),), over) for k in range(count)])
            serial += count
        spent += time.thread_time() - started
        return rows

    def score(traces_N: list[Trace]):
        nonlocal spent
        started = time.thread_time()
        scores_N = [
            StepScores(Kind.VALUE, tuple(hash(s.text) % 97 / 97 for s in t.steps), "mock", 1)
            for t in traces_N
        ]
        spent += time.thread_time() - started
        return scores_N

    started = time.thread_time()
    found = mcts(
        Problem("p", "?", gold="x"), sample=sample, check=check, score=score,
        rng=np.random.default_rng(0), simulations=nodes // 5, width=5, batch=8,
    )  # fmt: skip
    return 1e6 * (time.thread_time() - started - spent) / len(found.tree)


def peers() -> dict:
    """What `throughput_peers.py` prints, {} without an interpreter for it."""
    python = os.environ.get("SUREFOOT_PEERS")
    if not python:
        print("SUREFOOT_PEERS is not set: no figures of the peers")
        return {}
    script = Path(__file__).with_name("throughput_peers.py")
    done = subprocess.run([python, script], check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Measures and publishes all claims."""
    ours = {n: beams(n) for n in (1, 20, 100)}
    walls = {1: ours[100]["seconds"]} | {n: beams(100, n)["seconds"] for n in LANES}
    overhead = sorted(overhead_microseconds(NODES) for _ in range(3))
    theirs = peers()
    calls = ours[100]["policy_calls"] / 100
    scored = ours[100]["steps_scored"] / ours[100]["new_steps"]
    claims = [
        Claim("calls_per_question_100", calls, calls, calls, 0.1, "at most"),
        Claim("steps_scored_per_new_step", scored, scored, scored, 1.0, "at most"),
        Claim("overhead_us_per_node", overhead[1], overhead[0], overhead[2], 50.0, "at most"),
    ]
    if theirs:
        there = theirs["beam_100"]
        their_walls = {1: there["seconds"]} | {n: theirs[f"wall_{n}"] for n in LANES}
        ratios = {lanes: their_walls[lanes] / walls[lanes] for lanes in walls}
        items = ITEM * (there["new_steps"] + there["steps_scored"])
        most = 1 + CALL * (there["policy_calls"] + there["verifier_calls"]) / items
        note = f"at most {most:.2f} is possible where an item takes 1 ms one after another"
        claims.append(Claim("wall_vs_its_hub", ratios[1], None, None, 10.0, "at least", note=note))
        looped = theirs["wall_infer"] / walls[8]
        claims.append(Claim("wall_vs_its_hub_infer", looped, None, None, 10.0, "at least"))
        theirs |= {"most_possible": most, "ratios_by_lanes": ratios}
    print(json.dumps({"ours": ours, "our_walls": walls, "theirs": theirs}, indent=1))
    publish("throughput", "python benchmarks/throughput.py", claims)


if __name__ == "__main__":
    main()
