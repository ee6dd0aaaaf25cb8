"""The nouns that every stage shares.

A `Problem` is asked, a `Trace` is one solution of it in `Step`s, a `Verdict`
says how the trace came out, `StepLabel`s say what is known about its steps and
`StepScores` what a verifier thinks of them. `Usage` is what it all cost.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Self


class Verdict(Enum):
    """How a trace came out. Absence of evidence is a value of its own."""

    CORRECT = "correct"
    WRONG = "wrong"
    UNREADABLE = "unreadable"  # no answer could be read: not the same as wrong


class Kind(Enum):
    """What a number attached to a step means; it decides how steps aggregate."""

    CORRECTNESS = "correctness"  # is this step right, given those before it; in [0, 1]
    VALUE = "value"  # will a solution with this prefix end correctly; in [0, 1]
    PROGRESS = "progress"  # change in value that this step brought; in [-1, 1]
    LOGIT = "logit"  # log-odds of correctness; any real number
    LOGRATIO = "logratio"  # log-likelihood ratio that this step adds; any real number
    PREFERENCE = "preference"  # strength among the next steps of one prefix; any real number


@dataclass(frozen=True, slots=True)
class Problem:
    """One question.

    id: unique in its set; seeds, journals and reports are keyed by it.
    text: what the policy is shown.
    gold: the accepted final answer; None if unknown (then nothing can be checked).
    level: a name for its difficulty, or "".
    """

    id: str
    text: str
    gold: str | None = None
    level: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a trace.

    text: the step without its separator.
    ids: the policy's token ids of the step with its separator; () if unknown.
    logprobs: log-probability of each id when it was drawn; () if unknown.
    size: how many tokens it is where their ids are unknown (a server tells no more); 0 if
      that is unknown too.
    ended: a server's policy is known to have ended the solution with this step; of a local
      one, the last id says so.
    """

    text: str
    ids: tuple[int, ...] = ()
    logprobs: tuple[float, ...] = ()
    size: int = 0
    ended: bool = False

    @property
    def tokens(self) -> int:
        """Policy tokens in the step; 0 where neither ids nor size are known."""
        return len(self.ids) or self.size


@dataclass(frozen=True, slots=True)
class Trace:
    """One solution: its problem, its steps, and how it came out.

    answer: the final answer that was read from it; None if none could be.
    verdict: None while nobody has checked it.
    finished: False if it was cut off (by a budget or a length limit).
    """

    problem: Problem
    steps: tuple[Step, ...]
    answer: str | None = None
    verdict: Verdict | None = None
    finished: bool = True

    @property
    def text(self) -> str:
        """The steps, one a line."""
        return "\n".join(step.text for step in self.steps)

    @property
    def tokens(self) -> int:
        """Policy tokens in the steps; 0 where they are unknown."""
        return sum(step.tokens for step in self.steps)

    def with_steps(self, steps: tuple[Step, ...]) -> Self:
        """The same trace with other steps; answer and verdict are kept."""
        return replace(self, steps=steps)


@dataclass(frozen=True, slots=True)
class StepLabel:
    """Evidence about one step, with its raw counts.

    kind: what `value` means.
    successes, tries: the counts behind it, e.g. correct and readable rollouts.
    by: who made it, e.g. "monte_carlo-8" or "oracle".
    belief: what its maker concludes from more than these counts, such as a posterior
      probability; None where the counts say it all.
    """

    kind: Kind
    successes: float
    tries: int
    by: str
    belief: float | None = None

    @property
    def value(self) -> float | None:
        """The belief, else successes / tries, or None without evidence: unknown is not zero."""
        if self.belief is not None:
            return self.belief
        return self.successes / self.tries if self.tries else None

    @property
    def hard(self) -> bool | None:
        """Is the step right? None without evidence.

        From counts of rollouts as Math-Shepherd has it: did any succeed? A belief, and
        the share of votes that found the step correct, must be more than a half.
        """
        if self.value is None:
            return None
        counted = self.belief is None and self.kind is Kind.VALUE
        return self.value > (0 if counted else 0.5)


@dataclass(frozen=True, slots=True)
class StepScores:
    """A verifier's scores of one trace: exactly one a step.

    values: [S], in the range of `kind`.
    by: the verifier's name.
    tokens: how many tokens the verifier read for it (problem and steps).
    """

    kind: Kind
    values: tuple[float, ...]
    by: str
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Usage:
    """What something cost. Usages add up, and the difference of two is what came between.

    policy_tokens: tokens generated by the policy (prompts not counted).
    verifier_tokens: tokens read by verifiers and judges.
    calls: requests answered by a policy, verifier or judge.
    seconds: wall time; equal runs take different times, so it is not compared.
    money: in the currency of the price table in use.
    """

    policy_tokens: int = 0
    verifier_tokens: int = 0
    calls: int = 0
    seconds: float = field(default=0.0, compare=False)
    money: float = 0.0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.policy_tokens + other.policy_tokens,
            self.verifier_tokens + other.verifier_tokens,
            self.calls + other.calls,
            self.seconds + other.seconds,
            self.money + other.money,
        )

    def __sub__(self, other: "Usage") -> "Usage":
        return Usage(
            self.policy_tokens - other.policy_tokens,
            self.verifier_tokens - other.verifier_tokens,
            self.calls - other.calls,
            self.seconds - other.seconds,
            self.money - other.money,
        )


@dataclass(frozen=True, slots=True)
class Completion:
    """What a policy wrote after a prefix.

    steps: the new steps only.
    finished: True if the policy ended the solution, False if a limit cut it off
      or one step was asked for and the solution goes on.
    silent: tokens it wrote that belong to no step, such as an end of text alone.
    """

    steps: tuple[Step, ...]
    finished: bool = True
    silent: int = 0

    @property
    def tokens(self) -> int:
        """Policy tokens that were written; 0 where they are unknown."""
        return sum(step.tokens for step in self.steps) + self.silent


@dataclass(frozen=True, slots=True)
class LabelledTrace:
    """A trace with evidence about each step.

    labels: [S], one a step, in order.
    usage: what the labels cost.
    notes: what else its maker wants remembered, e.g. why a step could not be labelled.
    """

    trace: Trace
    labels: tuple[StepLabel, ...]
    usage: Usage = field(default_factory=Usage)
    notes: Mapping[str, str] = field(default_factory=dict)
