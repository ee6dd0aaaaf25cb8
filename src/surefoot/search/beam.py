"""Step beam search (Snell et al., arXiv:2408.03314, section 5; OVM, arXiv:2311.09724).

Each round every one of B beams is continued by K one-step completions, the
verifier scores the B K prefixes, and the best B go on:

    beams <- top_B { (s_1..s_t, s') : s' ~ policy(. | s_1..s_t), K of each }

A prefix that ends its solution leaves the beam for the candidates (and is scored
there and then), so the beam narrows by one. Finished and unfinished prefixes are
never compared. After the last round the beams left are completed by one plain
continuation each, best first, while the budget allows; the search fails only
if not one solution was finished. With K = 1 and no verifier limit it is B
independent samples.

Dimension key: B beams, K continuations of each.
"""

import numpy as np

from surefoot.core.budget import Budget, Meter
from surefoot.core.errors import InputError
from surefoot.core.protocols import Checker, Sampler, Scorer, Steps
from surefoot.core.types import Completion, Problem, Trace
from surefoot.search.result import (
    Found,
    Unfinished,
    best_of,
    score_traces,
    spend_completions,
    totals,
)
from surefoot.steps.sample import finished_trace


def beam(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    score: Scorer,
    rng: np.random.Generator,
    beams: int = 4,
    width: int = 4,
    rounds: int = 40,
    aggregation: str | None = None,
    budget: Budget | None = None,
) -> Found | Unfinished:
    """The best finished solution of a beam search over steps.

    Cost: at most rounds * beams * width one-step completions and as many scores.
    Raises InputError unless beams, width and rounds are at least 1.
    """
    if min(beams, width, rounds) < 1:
        raise InputError(f"beams, width and rounds must be 1 or more, got {beams, width, rounds}")
    meter = Meter(budget or Budget())
    prefixes: list[Steps] = [()]
    finished: list[Trace] = []
    scores: list[float] = []  # of the finished; fewer if the budget ended first
    count = beams * width  # of the empty prefix: all beams start there
    for _ in range(rounds):
        if not prefixes or meter.exhausted():
            break
        grown = sample(problem, prefixes, count=count, rng=rng, until="step")
        spend_completions(meter, grown)
        ended, going = _grown(prefixes, grown)
        traces = [finished_trace(problem, steps, _END, check) for steps in ended]
        finished += traces
        scores += totals(score_traces(score, traces, meter), aggregation)
        room = beams - len(finished)
        prefixes = _best(problem, going, room, score, aggregation, meter)
        count = width
    while prefixes and not meter.exhausted():
        [ends] = sample(problem, prefixes[:1], count=1, rng=rng)
        spend_completions(meter, [ends])
        trace = finished_trace(problem, prefixes.pop(0), ends[0], check)
        if trace.finished:
            finished.append(trace)
            scores += totals(score_traces(score, [trace], meter), aggregation)
    if not finished:
        partial = tuple(Trace(problem, prefix, finished=False) for prefix in prefixes)
        why = meter.exhausted() or "the policy finished no solution"
        return Unfinished(problem, why, partial, meter.total())
    return best_of(problem, finished, scores, meter)


_END = Completion((), finished=True)


def _grown(
    prefixes: list[Steps], completions_B_K: list[list[Completion]]
) -> tuple[list[Steps], list[Steps]]:
    """Grown prefixes without repetition: those that ended their solution, and the others.

    A policy may end a solution without another step: the prefix is then the solution.
    """
    ended: dict[tuple[str, ...], Steps] = {}
    going: dict[tuple[str, ...], Steps] = {}
    pairs = ((p, c) for p, row in zip(prefixes, completions_B_K, strict=True) for c in row)
    for prefix, completion in pairs:
        steps = prefix + completion.steps
        texts = tuple(step.text for step in steps)
        if completion.finished and steps:
            ended[texts] = steps
        elif completion.steps:
            going[texts] = steps
    return list(ended.values()), list(going.values())


def _best(
    problem: Problem,
    going: list[Steps],
    room: int,
    score: Scorer,
    aggregation: str | None,
    meter: Meter,
) -> list[Steps]:
    """The `room` best prefixes, best first; nothing is scored if all fit or none may stay."""
    if room <= 0 or not going:
        return []
    if len(going) <= room:
        return going
    traces = [Trace(problem, steps, finished=False) for steps in going]
    scores = totals(score_traces(score, traces, meter), aggregation)
    order = sorted(range(len(scores)), key=lambda i: -scores[i]) or range(room)  # budget ended
    return [going[i] for i in order[:room]]
