"""Which steps are wrong, and what it costs to know: annotators against an exact oracle.

    python benchmarks/labels.py [OUT]

500 wrong-answer and 200 right-answer solutions of trails by Pebble are labelled by
Math-Shepherd, OmegaPRM's binary search, a judge, a fusion of judge and rollouts, and
Surefoot's own annotator, each at several budgets. Every method pays for all its
rollouts; the journal only saves us from making one twice. Ours learns the policy's
rates and its hazard (from token surprise) on the solutions of other problems, without
a step label; what that cost is shared by all later labels and reported apart.

tokens_vs_omegaprm        ours' policy tokens / OmegaPRM's, at OmegaPRM's best first-error accuracy
tokens_vs_math_shepherd   the same at the first-error accuracy of Math-Shepherd with k = 8
mistakes_vs_omegaprm      ours' first-error mistakes / OmegaPRM's (k = 8), at its tokens or fewer
rollouts_vs_bound         rollouts to find one of 16 steps with known rates a, b / the least that
                          any scheme needs for as many mistakes (Fano), on a simulated channel;
                          the worst of the channels

First-error accuracy is over the wrong-answer solutions. low and high: 95 % bootstrap by
problem. Writes OUT/labels.json (the table) and OUT/labels.svg (accuracy against tokens).
"""

import json
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from claims import Claim, publish
from surefoot.annotate import monte_carlo, omega_trace
from surefoot.annotate.bayes import Stop, bayes
from surefoot.annotate.belief import Belief, Channel, flat_channel, stuck_states
from surefoot.annotate.hazard import Hazard, learn, surprise_features
from surefoot.core.seeds import rng_for
from surefoot.core.types import LabelledTrace, StepScores, Trace, Verdict
from surefoot.engine import Crew, Journal
from surefoot.engine.calls import policy_calls, scorer_calls
from surefoot.evaluate import NO_ERROR, choose_threshold
from surefoot.policy.local import LocalPolicy, load_policy
from surefoot.policy.local_decode import Reply, Sampling
from surefoot.report.curves import accuracy_svg
from surefoot.report.data import CurvePoint
from surefoot.steps import Rollouts, sample_traces
from surefoot.tasks import trails
from surefoot.verifiers import load_verifier

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
