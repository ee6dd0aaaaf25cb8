"""How good are step labels: against a truth, against one another, and for what they cost.

    noise       share of the labels that the truth contradicts
    kappa       (p_o - p_e) / (1 - p_e): agreement beyond chance (Cohen, 1960)
    step error rate       wrong steps / steps
    outcome error rate    wrong answers / answers

The last two describe a data set and not its labels: with equal outcome errors, step errors
decide what a model learns from it (Guiding Through Complexity, arXiv:2410.20533).

What nobody knows is left out, never counted as an error.

Dimension key: N traces, S steps of a trace, M steps of all.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from surefoot.annotate.first_error import STATES
from surefoot.core.errors import KindError
from surefoot.core.types import LabelledTrace, Trace, Verdict
from surefoot.evaluate.checks import same_length
from surefoot.evaluate.intervals import Interval, mean_interval
from surefoot.evaluate.step_metrics import NO_ERROR, FirstErrorScore, first_error_score

Right = bool | None


def judges_steps(labelled: LabelledTrace) -> bool:
    """Do its labels say of steps that they are right or wrong? Progress, say, does not."""
    return all(label.kind in STATES for label in labelled.labels)


def judgements(labelled: LabelledTrace) -> list[Right]:
    """[S] is the step right, by its hard label? Raises KindError for other kinds of labels
    than correctness and value: progress, say, does not call a step right or wrong."""
    other = {label.kind.value for label in labelled.labels if label.kind not in STATES}
    if other:
        raise KindError(
            f"labels of kind {', '.join(sorted(other))} do not say whether a step is right; "
            "give labels of kind correctness or value"
        )
    return [label.hard for label in labelled.labels]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two labellings of the same steps. both: steps that both label. raw, kappa: None without
    any; kappa also where both always say the same one thing (chance alone then agrees)."""

    both: int
    raw: float | None
    kappa: float | None


def agreement(a_M: Sequence[Right], b_M: Sequence[Right]) -> Agreement:
    """Raw share of equal labels and Cohen's kappa; steps where either is None are left out."""
    same_length(a=len(a_M), b=len(b_M))
    pairs = [(a, b) for a, b in zip(a_M, b_M, strict=True) if a is not None and b is not None]
    if not pairs:
        return Agreement(0, None, None)
    raw = sum(a == b for a, b in pairs) / len(pairs)
    a, b = np.mean(pairs, axis=0).tolist()
    chance = a * b + (1 - a) * (1 - b)
    return Agreement(len(pairs), raw, (raw - chance) / (1 - chance) if chance < 1 else None)


@dataclass(frozen=True, slots=True)
class ErrorRates:
    """Of a data set; None where nothing is known. steps, outcomes: how many were known."""

    step: float | None
    outcome: float | None
    steps: int
    outcomes: int


def error_rates(traces_N: Sequence[Trace], right_N_S: Sequence[Sequence[Right]]) -> ErrorRates:
    """Shares of wrong steps and of wrong answers; unreadable answers are not known."""
    same_length(traces=len(traces_N), right=len(right_N_S))
    steps = [right for right_S in right_N_S for right in right_S if right is not None]
    ends = [t.verdict for t in traces_N if t.verdict in (Verdict.CORRECT, Verdict.WRONG)]
    return ErrorRates(
        step=steps.count(False) / len(steps) if steps else None,
        outcome=ends.count(Verdict.WRONG) / len(ends) if ends else None,
        steps=len(steps),
        outcomes=len(ends),
    )


@dataclass(frozen=True, slots=True)
class Audit:
    """Labels against the truth. Shares are None where there is nothing to divide by.

    accuracy: share of labels that are true, with its interval over problems. noise is the rest.
    missed: share of wrong steps labelled right. false_alarms: of right steps labelled wrong.
    to_first_error: the accuracy on the steps up to the first that is truly wrong, which is
      all that a label of value can be asked for.
    answered: share of the steps of known truth that have a label.
    first_errors: how often the first error is found.
    tokens: policy and verifier tokens of all labels. tokens_per_true_label: 0 if they were free.
    """

    accuracy: Interval | None
    missed: float | None
    false_alarms: float | None
    to_first_error: float | None
    answered: float | None
    first_errors: FirstErrorScore
    tokens: int
    tokens_per_true_label: float | None

    @property
    def noise(self) -> float | None:
        """Share of the labels that the truth contradicts."""
        return None if self.accuracy is None else 1 - self.accuracy.estimate


def audit_labels(
    labelled_N: Sequence[LabelledTrace],
    truth_N_S: Sequence[Sequence[Right]],
    *,
    rng: np.random.Generator,
) -> Audit:
    """Compares hard labels with the truth of each step.

    truth_N_S: [N][S] is the step right? None where it is not known. rng: for the interval.
    """
    same_length(labelled=len(labelled_N), truth=len(truth_N_S))
    facts = _facts(labelled_N, truth_N_S)
    judged = [fact for fact in facts if fact.said is not None]
    hits = [fact.said == fact.true for fact in judged]
    tokens = sum(x.usage.policy_tokens + x.usage.verifier_tokens for x in labelled_N)
    return Audit(
        accuracy=mean_interval(hits, [fact.problem for fact in judged], rng=rng),
        missed=_share(bool(fact.said) for fact in judged if not fact.true),
        false_alarms=_share(not fact.said for fact in judged if fact.true),
        to_first_error=_share(fact.said == fact.true for fact in judged if fact.sound_before),
        answered=len(judged) / len(facts) if facts else None,
        first_errors=_first_errors(labelled_N, truth_N_S),
        tokens=tokens,
        tokens_per_true_label=tokens / sum(hits) if any(hits) else None,
    )


@dataclass(frozen=True, slots=True)
class _Fact:
    """A step of known truth. sound_before: no step before it is wrong."""

    said: Right
    true: bool
    sound_before: bool
    problem: str


def _facts(
    labelled_N: Sequence[LabelledTrace], truth_N_S: Sequence[Sequence[Right]]
) -> list[_Fact]:
    return [
        _Fact(said, true, sound, item.trace.problem.id)
        for item, true_S in zip(labelled_N, truth_N_S, strict=True)
        for said, true, sound in zip(judgements(item), true_S, _before_error(true_S), strict=True)
        if true is not None
    ]


def _first_errors(
    labelled_N: Sequence[LabelledTrace], truth_N_S: Sequence[Sequence[Right]]
) -> FirstErrorScore:
    """Over the traces whose first error is known."""
    firsts = zip(map(judgements, labelled_N), map(first_error_in, truth_N_S), strict=True)
    known = [(said_S, first) for said_S, first in firsts if first is not None]
    return first_error_score([first_error_in(s) for s, _ in known], [first for _, first in known])


def first_error_in(right_S: Sequence[Right]) -> int | None:
    """Index of the first wrong step, or NO_ERROR; None if a step before it is unknown.

    As `annotate.first_error.first_wrong`, with ProcessBench's way of saying that there is none.
    """
    for t, right in enumerate(right_S):
        if not right:
            return None if right is None else t
    return NO_ERROR


def _before_error(right_S: Sequence[Right]) -> list[bool]:
    """[S] is no step before this one wrong?"""
    return [True, *accumulate((right is not False for right in right_S), bool.__and__)][:-1]


def _share(flags: Iterable[bool]) -> float | None:
    listed = list(flags)
    return sum(listed) / len(listed) if listed else None
