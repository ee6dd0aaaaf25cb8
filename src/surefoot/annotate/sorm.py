"""Stepwise outcome labels (SORM of GLoRe, Havrilla et al., arXiv:2402.10963).

    y_t = 1[some rollout of s_1..s_t that builds on it ends correctly]
    y_j = 1 for all j < i where y_i = 1

A value under the best policy (can the answer still be reached?), where `monte_carlo`
estimates that under the policy. The second line makes labels non-increasing; the first
0 is where a refinement should begin.

Dimension key: N traces, S steps.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from surefoot.core.errors import InputError
from surefoot.core.protocols import Steps
from surefoot.core.types import Kind, LabelledTrace, StepLabel, Trace, Verdict
from surefoot.steps.rollout import Rollouts

BuildsOn = Callable[[Steps, Trace], bool]


def anything(prefix: Steps, rollout: Trace) -> bool:  # noqa: ARG001  (a filter that keeps all)
    """Keeps every rollout."""
    return True


def uses_last_number(prefix: Steps, rollout: Trace) -> bool:
    """Does the last number of the prefix occur again in what the rollout adds to it?

    A right end that ignores what it was given says nothing about it. True for a last
    step without a number.
    """
    found = _NUMBER.findall(prefix[-1].text)
    added = (step.text for step in rollout.steps[len(prefix) :])
    return not found or any(found[-1] in _NUMBER.findall(text) for text in added)


_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def sorm(
    trace: Trace, *, rollouts: Rollouts, completions: int = 8, builds_on: BuildsOn = anything
) -> LabelledTrace:
    """Labels every step, [S], of kind value: `belief` is y_t, 0 or 1, beside the counts.

    builds_on: keeps a correct rollout as a witness for its prefix; others are not counted.
    The last step of a finished trace needs no rollout. Without a readable rollout, of a
    step or of one after it that succeeds, a step has no evidence.
    Cost: at most S * completions rollouts. Raises InputError for a trace without steps.
    """
    steps_S = trace.steps
    if not steps_S:
        raise InputError(f"a trace of problem {trace.problem.id!r} has no steps to label")
    before, by = rollouts.usage, f"sorm-{completions}"
    known_end = trace.finished and trace.verdict in (Verdict.CORRECT, Verdict.WRONG)
    prefixes = [steps_S[:t] for t in range(1, len(steps_S) + (not known_end))]
    drawn = rollouts(prefixes, completions) if prefixes else []
    counts = [
        _witnesses(p, traces_K, builds_on) for p, traces_K in zip(prefixes, drawn, strict=True)
    ]
    if known_end:
        counts.append((int(trace.verdict is Verdict.CORRECT), 1))
    return LabelledTrace(trace, _labels(counts, by), rollouts.usage - before)


def _labels(counts_S: Sequence[tuple[int, int]], by: str) -> tuple[StepLabel, ...]:
    """From the last step back: one from which a later step was reached is right, too."""
    labels: list[StepLabel] = []
    reached = False
    for successes, tries in reversed(counts_S):
        reached = reached or successes > 0
        belief = float(reached) if reached or tries else None
        labels.append(StepLabel(Kind.VALUE, successes, tries, by, belief))
    return tuple(labels[::-1])


def balanced(
    labelled_N: Sequence[LabelledTrace], *, rng: np.random.Generator
) -> list[LabelledTrace]:
    """[N] the same traces with as many 1s as 0s at each prefix length.

    Late steps of sampled solutions are mostly 0, and a verifier would learn to count.
    The surplus, drawn with `rng`, is left without evidence.
    """
    dropped: set[tuple[int, int]] = set()
    for t in range(max((len(item.labels) for item in labelled_N), default=0)):
        sides: dict[bool | None, list[int]] = {True: [], False: [], None: []}
        for i, item in enumerate(labelled_N):
            if t < len(item.labels):
                sides[item.labels[t].hard].append(i)
        rare, common = sorted((sides[True], sides[False]), key=len)
        surplus = rng.permutation(common)[len(rare) :]
        dropped |= {(int(i), t) for i in surplus}
    return [
        replace(
            item,
            labels=tuple(_blank(x) if (i, t) in dropped else x for t, x in enumerate(item.labels)),
        )
        for i, item in enumerate(labelled_N)
    ]


def _witnesses(prefix: Steps, traces_K: Sequence[Trace], builds_on: BuildsOn) -> tuple[int, int]:
    """How many rollouts end correctly and build on the prefix, and those or end wrong."""
    wrong = sum(t.verdict is Verdict.WRONG for t in traces_K)
    right = sum(t.verdict is Verdict.CORRECT and builds_on(prefix, t) for t in traces_K)
    return right, right + wrong


def _blank(label: StepLabel) -> StepLabel:
    return StepLabel(label.kind, 0, 0, label.by)
