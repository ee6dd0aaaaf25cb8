"""Which steps are wrong, and what it costs to know: annotators against an exact oracle.

    python benchmarks/labels.py [OUT]

500 wrong-answer and 200 right-answer solutions of trails by Pebble are labelled by
Math-Shepherd, OmegaPRM's binary search and Surefoot's own annotator, at several
budgets each; every method pays for all its rollouts, though the journal makes a
rollout that two of them ask for only once.

tokens_vs_omegaprm        ours' policy tokens / OmegaPRM's, at OmegaPRM's best first-error accuracy
tokens_vs_math_shepherd   the same at the first-error accuracy of Math-Shepherd with k = 8
mistakes_vs_omegaprm      ours' first-error mistakes / OmegaPRM's (k = 8), at its tokens
rollouts_vs_bound         rollouts to find one of 16 steps with known rates a, b / the least that
                          any scheme needs for as many mistakes (Fano), on a simulated channel

First-error accuracy is over the wrong-answer solutions. The value is over all of
them, low and high the 95 % bootstrap by problem; writes OUT/labels.json (the table)
and OUT/labels.svg. With a prior, ours knows what the demo-sized verifier thinks of
each step (verifier tokens, no policy tokens); without, nothing but rollouts.
"""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from claims import Claim, publish
from surefoot.annotate import monte_carlo
from surefoot.annotate.bayes import Stop, bayes
from surefoot.annotate.first_error import Belief, Channel, flat_channel, learned, prior_from_steps
from surefoot.annotate.omega import omega_trace
from surefoot.core.seeds import rng_for
from surefoot.core.types import LabelledTrace, Trace, Verdict
from surefoot.engine import Crew, Journal
from surefoot.engine.calls import policy_calls
from surefoot.policy.local import LocalPolicy, load_policy
from surefoot.policy.local_decode import Reply, Sampling
from surefoot.steps import Rollouts, sample_traces
from surefoot.tasks import trails

WRONG, RIGHT, PROBLEMS, EACH = 500, 200, 300, 4
CALIBRATION = 40  # problems whose solutions teach `learned` the policy's rates; not measured on
BUDGETS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)  # most rollouts of ours, a trace
TRIALS, STEPS = 600, 16
CHANNELS = ((0.5, 0.0), (0.5, 0.05), (0.8, 0.05), (0.8, 0.15), (0.2, 0.0))
SURE = 0.9

Method = Callable[[Trace, Rollouts], LabelledTrace]


@dataclass(frozen=True)
class Row:
    """What a method did on every trace: N first errors found or not, its tokens, its steps."""

    found_N: list[bool]
    tokens_N: list[float]
    steps_right_N: list[int]


# --- on trails -------------------------------------------------------------


def first_error_of(labelled: LabelledTrace) -> int:
    """The first step labelled wrong; S for none."""
    return next(
        (t for t, label in enumerate(labelled.labels) if label.hard is False), len(labelled.labels)
    )


def truth(trace: Trace) -> int:
    """The first wrong step; S for none."""
    first = trails.first_error(trace.problem, trace)
    return len(trace.steps) if first is None else first


def measured(method: Method, traces: Sequence[Trace], policy: LocalPolicy, crew: Crew) -> Row:
    """One method on every trace, each with rollouts of its own to pay for."""

    def work(trace: Trace) -> LabelledTrace:
        rollouts = Rollouts(trace.problem, sample=policy, check=trails.check)
        return method(trace, rollouts)

    labelled = crew.map(work, traces)
    return Row(
        [first_error_of(x) == truth(x.trace) for x in labelled],
        [float(x.usage.policy_tokens) for x in labelled],
        [sum(y.hard is (t < truth(x.trace)) for t, y in enumerate(x.labels)) for x in labelled],
    )
