"""Surefoot's own labels: find the first wrong step by asking where an answer tells most. [ours]

    ask for a rollout at the prefix t with the largest I_t / tokens_t
    until P(tau = t | data) >= confidence for some t, or the budget is spent,
    or no rollout would tell more than `bits`

with the posterior over the first error tau and the information I_t of
`annotate.belief`. The label of a step is the belief P(tau > t). A prior from a
verifier or a judge saves rollouts; where rollouts cannot tell (a wrong step that the
policy gets away with as often as with a right one), a judge is asked, or the label
stays undecided and says so.

Dimension key: S steps, T = S + 1 prefixes (of 0..S steps).
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from surefoot.annotate.belief import Belief, prior_from_steps
from surefoot.annotate.channel import Floats, stuck_states
from surefoot.core.errors import InputError
from surefoot.core.protocols import Steps
from surefoot.core.types import Kind, LabelledTrace, StepLabel, Trace, Usage, Verdict
from surefoot.steps.rollout import Rollouts, value_of

Annotator = Callable[[Trace], LabelledTrace]


@dataclass(frozen=True, slots=True)
class Stop:
    """When to stop asking.

    confidence: P(tau = t) of the likeliest t that is enough. In (0, 1).
    rollouts, tokens: most that may be spent on one trace; tokens None for no limit. The
      last round of rollouts may pass `tokens` by what it happens to write.
    bits: a rollout expected to tell less is not asked for.
    """

    confidence: float = 0.9
    rollouts: int = 64
    tokens: int | None = None
    bits: float = 0.002

    def __post_init__(self) -> None:
        if not 0 < self.confidence < 1:
            raise InputError(f"confidence must lie between 0 and 1, got {self.confidence}")
        if self.rollouts < 0:
            raise InputError(f"rollouts must be 0 or more, got {self.rollouts}")


def bayes(
    trace: Trace,
    *,
    rollouts: Rollouts,
    belief: Belief | None = None,
    stop: Stop = Stop(),
    judge: Annotator | None = None,
    at_once: int = 1,
) -> LabelledTrace:
    """Labels every step, [S], with P(no wrong step up to it), of kind correctness.

    rollouts: of the trace's problem. What they know of its prefixes already is free evidence.
    belief: to begin with, and moved; by default a flat prior over tau and over the policy's
      rates. What `annotate.hazard.learn` gives says more. An unfinished
      trace has one step more, all that is still to be written.
    judge: asked once if rollouts leave the first error undecided; the values of its labels
      are taken as P(step right | steps before right).
    at_once: rollouts of a prefix to ask for in one round.

    Each label counts the rollouts of its own prefix. Notes: "stopped" (sure, spent, cannot
    tell), "first_error" (the likeliest; S for none), "entropy" (bits), "values" (posterior
    mean of each prefix's success, JSON). Raises InputError for a trace without steps.
    """
    steps = len(trace.steps) + (not trace.finished)  # what is still to be written is one more
    belief = Belief(steps, model=stuck_states) if belief is None else belief
    if belief.steps != steps:
        raise InputError(f"a belief about {belief.steps} steps for {steps} steps")
    before = rollouts.usage
    _take_in_what_is_known(belief, trace, rollouts)
    stopped = _ask(belief, trace, rollouts, stop, at_once)
    usage = rollouts.usage - before
    if stopped != "sure" and judge is not None:
        opinion = judge(trace)
        rest = [None] * (steps - len(trace.steps))
        belief.weigh(prior_from_steps([*(label.value for label in opinion.labels), *rest]))
        usage += opinion.usage
        stopped = "sure" if belief.first_error.max() >= stop.confidence else stopped
    return _labelled(trace, belief, stopped, usage)


def abstaining(labelled: LabelledTrace, confidence: float = 0.9) -> LabelledTrace:
    """The same labels, but without evidence where a belief is neither sure of right nor wrong."""
    labels = tuple(
        replace(label, successes=0, tries=0, belief=None)
        if label.belief is not None and 1 - confidence < label.belief < confidence
        else label
        for label in labelled.labels
    )
    return replace(labelled, labels=labels)


def _take_in_what_is_known(belief: Belief, trace: Trace, rollouts: Rollouts) -> None:
    """How the trace itself ended, and the rollouts of its prefixes that were paid for."""
    if trace.finished and trace.verdict in (Verdict.CORRECT, Verdict.WRONG):
        belief.observe(belief.steps, float(trace.verdict is Verdict.CORRECT), 1)
    for place in range(belief.steps):
        _observe(belief, place, rollouts.seen(trace.steps[:place]))


def _observe(belief: Belief, place: int, ends: Sequence[Trace]) -> None:
    counts = value_of([end.verdict for end in ends])
    belief.observe(place, counts.successes, counts.tries)


def _ask(belief: Belief, trace: Trace, rollouts: Rollouts, stop: Stop, at_once: int) -> str:
    """Asks for rollouts until one of the limits; returns which."""
    prefixes: list[Steps] = [trace.steps[:place] for place in range(belief.steps)]
    tokens_T = tokens_to_the_end(trace)[: belief.steps]
    start = rollouts.usage
    while belief.first_error.max() < stop.confidence:
        spent = rollouts.usage - start
        left = stop.rollouts - spent.calls
        if left < 1 or (stop.tokens is not None and spent.policy_tokens >= stop.tokens):
            return "spent"
        bits_T = belief.information()[:-1]
        if bits_T.max() < stop.bits:
            return "cannot tell"
        place = int(np.argmax(bits_T / tokens_T))
        known = len(rollouts.seen(prefixes[place]))
        [ends] = rollouts([prefixes[place]], known + min(at_once, left))
        _observe(belief, place, ends[known:])
    return "sure"


def tokens_to_the_end(trace: Trace) -> Floats:
    """[T] what a rollout from each prefix is expected to cost: what the trace itself wrote
    from there, in tokens, or in steps where those are unknown; 1 at least."""
    sizes_S = [step.tokens for step in trace.steps]
    sizes = np.array(sizes_S if all(sizes_S) else [1] * len(sizes_S), dtype=np.float64)
    left: Floats = np.append(sizes[::-1].cumsum()[::-1], 0.0).clip(min=1)
    return left


def _labelled(trace: Trace, belief: Belief, stopped: str, usage: Usage) -> LabelledTrace:
    steps = len(trace.steps)
    labels = tuple(
        StepLabel(Kind.CORRECTNESS, float(won), int(tries), "bayes", belief=float(right))
        for won, tries, right in zip(
            belief.successes_T[1 : steps + 1],
            belief.tries_T[1 : steps + 1],
            belief.right[:steps],
            strict=True,
        )
    )
    notes = {
        "stopped": stopped,
        "first_error": str(min(steps, int(belief.first_error.argmax()))),
        "entropy": f"{belief.entropy:.3f}",
        "values": json.dumps([round(float(value), 4) for value in belief.values[:steps]]),
    }
    return LabelledTrace(trace, labels, usage, notes)
