"""A child process: one search through a journal, killed with SIGKILL after so many fresh calls.

python killed_mcts.py JOURNAL LIVES OUT
"""

import json
import os
import signal
import sys
from pathlib import Path

import numpy as np

from surefoot.core.seeds import each_own
from surefoot.core.types import Completion, Kind, Step, StepScores
from surefoot.engine import Journal
from surefoot.search import mcts
from surefoot.tasks.toy import ToyWorld

WORLD = ToyWorld(length=6, slip=0.4, recover=0.1)
[PROBLEM] = WORLD.problems(1)


def main(path: str, lives: int, out: str) -> None:
    journal, made = Journal(path), 0

    def stream(requests):
        nonlocal made
        for index, (texts, seed, until) in enumerate(requests):
            if made == lives:
                journal._db.commit()
                os.kill(os.getpid(), signal.SIGKILL)
            made += 1
            prefix = tuple(Step(text) for text in texts)
            [[reply]] = WORLD.sample(
                PROBLEM, [prefix], count=1, rng=np.random.default_rng(seed), until=until
            )
            yield index, reply

    def encode(reply):
        return [[[s.text, list(s.ids), list(s.logprobs)] for s in reply.steps], reply.finished]

    def decode(record):
        steps, finished = record
        return Completion(tuple(Step(t, tuple(i), tuple(p)) for t, i, p in steps), finished)

    ask = journal.recorded(
        stream, kind="policy", model="toy", key=lambda r: repr(r).encode(), encode=encode,
        decode=decode,
    )  # fmt: skip

    def sample(problem, prefixes_P, *, count, rng, until="end"):
        owns = each_own(rng, len(prefixes_P))
        return [
            ask([(tuple(s.text for s in p), int(own.integers(2**63)), until) for _ in range(count)])
            for p, own in zip(prefixes_P, owns, strict=True)
        ]

    def score(traces_N):
        return [
            StepScores(
                Kind.VALUE,
                tuple(WORLD.value(t.steps[: s + 1]) for s in range(len(t.steps))),
                "exact",
            )
            for t in traces_N
        ]

    found = mcts(
        PROBLEM, sample=sample, check=WORLD.check, score=score, rng=np.random.default_rng(0),
        simulations=30, width=3, batch=2,
    )  # fmt: skip
    record = {"tree": found.tree.to_json(), "made": made, "twice": journal.made_twice()}
    journal.close()
    Path(out).write_text(json.dumps(record))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
