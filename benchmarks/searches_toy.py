"""Guided searches in the toy world, as their verifier gets worse, beside best-of-n at equal tokens.

The verifier's log-odds are the true ones, kept within +-6.9, and normal noise of width sigma
that belongs to the prefix. With exact values best-of-n fails only where all of its n solutions
are wrong, so at t policy tokens, a step being one,

    best(t) = 1 - (1 - pass@1)^(t / length)

The last column is the accuracy at sigma 0 less that; where it is below -2 standard errors the
search is not worth its tokens and the row is marked. Prints the table of docs/search-beams.md (two
minutes on one core):

    python benchmarks/searches_toy.py
"""

import hashlib
import inspect
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from surefoot import search as s
from surefoot.core.seeds import rng_for
from surefoot.core.types import Kind, Problem, StepScores, Trace, Verdict
from surefoot.search.mcts import rest_mcts_rule, sibling_priors, ts_llm_rule, uct_rule
from surefoot.tasks.toy import ToyWorld

WORLD = ToyWorld(length=8, slip=0.35, recover=0.1)
SIGMAS = (0.0, 1.0, 2.0, 4.0)
PROBLEMS = 500
NEAR = 1e-3
tree = partial(s.mcts, simulations=32, width=2)
SEARCHES: dict[str, Callable[..., Any]] = {
    "`best_of_n` n 8": partial(s.best_of_n, n=8),
    "`stepwise_best_of_n` n 8": partial(s.stepwise_best_of_n, n=8),
    "`beam` beams 4, width 2": partial(s.beam, beams=4, width=2),
    "`dvts` beams 4, width 2": partial(s.dvts, beams=4, width=2),
    "`lookahead` beams 3, width 2, ahead 1": partial(s.lookahead, beams=3, width=2, ahead=1),
    "`ovm_beam` beams 4, width 2": partial(s.ovm_beam, beams=4, width=2),
    "`sbs` beams 4, width 2": partial(s.sbs, beams=4, width=2),
    "`pav_beam` beams 4, width 2": partial(s.pav_beam, beams=4, width=2),
    "`birm_beam` beams 4, width 2": partial(s.birm_beam, beams=4, width=2),
    "`rebase` n 8": partial(s.rebase, n=8),
    "`best_first` n 2, width 4": partial(s.best_first, n=2, width=4),
    "`particle_filter` n 8": partial(s.particle_filter, n=8),
    "`particle_gibbs` n 4, passes 2": partial(s.particle_gibbs, n=4, passes=2),
    "`tot_bfs` thoughts 2, keep 4": partial(s.tot_bfs, thoughts=2, keep=4),
    "`tot_dfs` thoughts 4": partial(s.tot_dfs, thoughts=4),
    "`mcts` 32 visits, width 2, AlphaMath": tree,
    "`mcts` the same, UCT": partial(tree, rule=uct_rule),
    "`mcts` the same, TS-LLM": partial(tree, rule=ts_llm_rule, priors=sibling_priors),
    "`mcts` the same, ReST-MCTS*": partial(tree, rule=rest_mcts_rule),
    "`mcts` too few visits: 16, width 4": partial(s.mcts, simulations=16, width=4),
    "`ab_mcts` attempts 8": partial(s.ab_mcts, attempts=8),
}


def noisy(truth: Callable[[Trace, int], float], kind: Kind, sigma: float) -> Any:
    """A scorer of true probabilities of each step, with noise in their log-odds."""

    def value(trace: Trace, step: int) -> float:
        true = min(max(truth(trace, step), NEAR), 1 - NEAR)
        name = repr((trace.problem.id, [x.text for x in trace.steps[: step + 1]])).encode()
        seed = int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "little")
        odds = math.log(true / (1 - true)) + sigma * np.random.default_rng(seed).normal()
        return 1 / (1 + math.exp(-odds))

    def score(traces: Sequence[Trace]) -> list[StepScores]:
        rows = [tuple(value(t, i) for i in range(len(t.steps))) for t in traces]
        return [StepScores(kind, row, "noisy", len(row)) for row in rows]

    return score


def will_end_well(trace: Trace, step: int) -> float:
    """P(correct end | prefix)."""
    return WORLD.value(trace.steps[: step + 1])


def is_good(trace: Trace, step: int) -> float:
    """Is this step right?"""
    return float(trace.steps[step].text == "good")


def measured(name: str, sigma: float) -> list[float]:
    """Accuracy, policy tokens and verifier tokens of a problem."""
    verbs = {
        "sample": WORLD.sample,
        "check": WORLD.check,
        "score": noisy(will_end_well, Kind.VALUE, sigma),
        "past": noisy(is_good, Kind.CORRECTNESS, sigma),
    }
    search = SEARCHES[name]
    fitting = {k: v for k, v in verbs.items() if k in inspect.signature(search).parameters}

    def solve(problem: Problem) -> Any:
        return search(problem, **fitting, rng=rng_for(0, name, problem.id))

    found = [solve(problem) for problem in WORLD.problems(PROBLEMS)]
    right = [f.chosen.verdict is Verdict.CORRECT for f in found]
    usage = [f.usage for f in found]
    return [
        float(np.mean(right)),
        float(np.mean([u.policy_tokens for u in usage])),
        float(np.mean([u.verifier_tokens for u in usage])),
    ]


def gain(accuracy: float, tokens: float) -> str:
    """Against best-of-n with exact values and as many policy tokens."""
    best = 1 - (1 - WORLD.pass_at_1()) ** (tokens / WORLD.length)
    error = math.sqrt(best * (1 - best) / PROBLEMS)
    return f"{accuracy - best:+.3f}" + (" **worse**" if accuracy - best < -2 * error else "")


def main() -> None:
    """Prints the table."""
    heads = " | ".join(f"sigma {sigma:g}" for sigma in SIGMAS)
    print(f"| search | policy tokens | verifier tokens | {heads} | best-of-n at equal tokens |")
    print("|---|" + "---|" * (3 + len(SIGMAS)))
    for name in SEARCHES:
        rows = [measured(name, sigma) for sigma in SIGMAS]
        tokens = [np.mean([row[i] for row in rows]) for i in (1, 2)]
        cells = " | ".join(f"{row[0]:.3f}" for row in rows)
        print(
            f"| {name} | {tokens[0]:.0f} | {tokens[1]:.0f} | {cells} | {gain(*rows[0][:2])} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
