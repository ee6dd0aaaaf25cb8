"""Searches of steps and particles in the toy world, as their verifier gets worse.

The verifier's log-odds are the true ones, kept within +-6.9, and normal noise of width sigma
that belongs to the prefix. Prints the table of docs/search-beams.md (a minute on one core):

    python benchmarks/searches_toy.py
"""

import hashlib
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from surefoot import search as s
from surefoot.core.seeds import rng_for
from surefoot.core.types import Kind, StepScores, Trace, Verdict
from surefoot.tasks.toy import ToyWorld

WORLD = ToyWorld(length=8, slip=0.35, recover=0.1)
SIGMAS = (0.0, 1.0, 2.0, 4.0)
PROBLEMS = 500
SEARCHES: list[tuple[Callable[..., Any], dict[str, Any]]] = [
    (s.best_of_n, {"n": 8}),
    (s.stepwise_best_of_n, {"n": 8}),
    (s.beam, {"beams": 4, "width": 2}),
    (s.dvts, {"beams": 4, "width": 2}),
    (s.lookahead, {"beams": 3, "width": 2, "ahead": 1}),
    (s.ovm_beam, {"beams": 4, "width": 2}),
    (s.pav_beam, {"beams": 4, "width": 2}),
    (s.rebase, {"n": 8}),
    (s.best_first, {"n": 2, "width": 4}),
    (s.particle_filter, {"n": 8}),
    (s.particle_gibbs, {"n": 4, "passes": 2}),
]


def noisy(sigma: float) -> Callable[[Sequence[Trace]], list[StepScores]]:
    """A scorer of true values with noise in their log-odds."""

    def value(trace: Trace, step: int) -> float:
        prefix = trace.steps[: step + 1]
        true = min(max(WORLD.value(prefix), 1e-3), 1 - 1e-3)
        name = repr((trace.problem.id, [x.text for x in prefix])).encode()
        seed = int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "little")
        odds = math.log(true / (1 - true)) + sigma * np.random.default_rng(seed).normal()
        return 1 / (1 + math.exp(-odds))

    def score(traces: Sequence[Trace]) -> list[StepScores]:
        rows = [tuple(value(t, i) for i in range(len(t.steps))) for t in traces]
        return [StepScores(Kind.VALUE, row, "noisy", len(row)) for row in rows]

    return score


def measured(search: Callable[..., Any], settings: dict[str, Any], sigma: float) -> list[float]:
    """Accuracy, policy tokens and verifier tokens of a problem."""
    verbs = {"sample": WORLD.sample, "check": WORLD.check, "score": noisy(sigma)}
    found = [
        search(p, **verbs, rng=rng_for(0, search.__name__, p.id), **settings)
        for p in WORLD.problems(PROBLEMS)
    ]
    right = [f.chosen.verdict is Verdict.CORRECT for f in found]
    usage = [f.usage for f in found]
    return [
        float(np.mean(right)),
        float(np.mean([u.policy_tokens for u in usage])),
        float(np.mean([u.verifier_tokens for u in usage])),
    ]


def main() -> None:
    """Prints the table."""
    heads = " | ".join(f"sigma {sigma:g}" for sigma in SIGMAS)
    print(f"| search | policy tokens | verifier tokens | {heads} |")
    print("|---|" + "---|" * (2 + len(SIGMAS)))
    for search, settings in SEARCHES:
        rows = [measured(search, settings, sigma) for sigma in SIGMAS]
        tokens = [np.mean([row[i] for row in rows]) for i in (1, 2)]
        cells = " | ".join(f"{row[0]:.3f}" for row in rows)
        sizes = ", ".join(f"{name} {size}" for name, size in settings.items())
        print(f"| `{search.__name__}` {sizes} | {tokens[0]:.0f} | {tokens[1]:.0f} | {cells} |")


if __name__ == "__main__":
    main()
