"""What a report is made of, as plain JSON and as frozen dataclasses.

    summary  {"title", "command", "seconds", "seed", "policy", "problems", "headline"?,
              "methods": {name: {"accuracy", "low", "high", "policy_tokens", "verifier_tokens"}},
              "paired_vs_majority"?: {name: {"diff", "low", "high"}},
              "label_quality"?: {labelling: {"step_accuracy", "first_error_accuracy",
                 "tokens_per_trace", "no_error_accuracy"?, "first_error_f1"?, "traces"?}},
              "coverage"?: {n: value}, "greedy"?: {policy: value},
              "verifiers"?: {name: {"first_error_f1"?, "auc"?, "brier"?, "ece"?}}}
    details  {"curves"?: {method: [{"tokens", "accuracy", "low", "high", "n"}]},
              "calibration"?: {verifier: [{"low", "high", "count", "score", "outcome"}]},
              "traces"?: [{"problem", "gold", "answer", "verdict", "total"?, "chosen_by"?,
                 "steps": [{"text", "score", "truth", "reason", "label"}]}]}

Rates and scores are fractions in [0, 1], differences lie in [-1, 1], tokens are means per
problem, low and high are the ends of a 95 % interval. `?` marks what may be absent. Other
keys are ignored, so that a file may carry more than is shown. Unknown is null (NaN reads as
null too), never 0.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Self

from surefoot.core.errors import InputError
from surefoot.core.records import Record, field_of
from surefoot.report.fields import (
    ends,
    known,
    listed,
    lists_by_name,
    named,
    needed,
    one_of,
    rates,
    text_of,
)

TRUTHS = ("correct", "wrong")
VERDICTS = ("correct", "wrong", "unreadable")


@dataclass(frozen=True, slots=True)
class MethodRow:
    """How a method did with its whole budget. low, high: None where the spread is unknown."""

    accuracy: float
    low: float | None
    high: float | None
    policy_tokens: float
    verifier_tokens: float

    @classmethod
    def from_json(cls, record: Record) -> Self:
        """Reads one; raises InputError that names the field."""
        return cls(
            needed(record, "accuracy"),
            *ends(record),
            needed(record, "policy_tokens", most=math.inf),
            needed(record, "verifier_tokens", most=math.inf),
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """Accuracy minus that of majority vote, paired by problem."""

    diff: float
    low: float | None
    high: float | None

    @classmethod
    def from_json(cls, record: Record) -> Self:
        """Reads one; raises InputError that names the field."""
        return cls(needed(record, "diff", least=-1), *ends(record, least=-1))


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Accuracy with n samples a problem, which cost `tokens` of the policy."""

    tokens: float
    accuracy: float
    low: float | None
    high: float | None
    n: int

    @classmethod
    def from_json(cls, record: Record) -> Self:
        """Reads one; raises InputError that names the field."""
        tokens = needed(record, "tokens", most=math.inf)
        if tokens <= 0:
            raise InputError(
                f"field 'tokens': expected more than 0 (the axis is log), got {tokens}"
            )
        return cls(tokens, needed(record, "accuracy"), *ends(record), field_of(record, "n", int))


@dataclass(frozen=True, slots=True)
class LabelRow:
    """A labelling against the oracle; None where there was nothing to compare."""

    step_accuracy: float | None
    first_error_accuracy: float | None
    tokens_per_trace: float | None
    no_error_accuracy: float | None = None
    first_error_f1: float | None = None
    traces: int | None = None

    @classmethod
    def from_json(cls, record: Record) -> Self:
        """Reads one; raises InputError that names the field."""
        for name in ("step_accuracy", "first_error_accuracy", "tokens_per_trace"):
            field_of(record, name, (int, float, type(None)))
        return cls(
            known(record, "step_accuracy"),
            known(record, "first_error_accuracy"),
            known(record, "tokens_per_trace", most=math.inf),
            known(record, "no_error_accuracy"),
            known(record, "first_error_f1"),
            field_of({"traces": None, **record}, "traces", (int, type(None))),
        )


@dataclass(frozen=True, slots=True)
class VerifierRow:
    """A verifier's figures; None for those that its kind of score does not have."""

    first_error_f1: float | None = None
    auc: float | None = None
    brier: float | None = None
    ece: float | None = None

    @classmethod
    def from_json(cls, record: Record) -> Self:
        """Reads one; raises InputError that names the field."""
        return cls(*(known(record, n) for n in ("first_error_f1", "auc", "brier", "ece")))


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """The traces scored in [low, high): mean score and rate of right ones; None if empty."""

    low: float
    high: float
    count: int
    score: float | None
    outcome: float | None

    @classmethod
    def from_json(cls, record: Record) -> Self:
        """Reads one; raises InputError that names the field."""
        count = field_of(record, "count", int)
        low, high = needed(record, "low"), needed(record, "high")
        return cls(low, high, count, known(record, "score"), known(record, "outcome"))


@dataclass(frozen=True, slots=True)
class ShownStep:
    """A step to look at. score: the verifier's; truth: "correct" or "wrong"; label: rollouts'."""

    text: str
    score: float | None = None
    truth: str | None = None
    reason: str | None = None
    label: float | None = None

    @classmethod
    def from_json(cls, record: Record) -> Self:
        """Reads one; raises InputError that names the field."""
        return cls(
            field_of(record, "text", str),
            known(record, "score"),
            one_of(record, "truth", TRUTHS),
            text_of(record, "reason"),
            known(record, "label"),
        )


@dataclass(frozen=True, slots=True)
class ShownTrace:
    """A solution to look at. total: the verifier's score of the whole; chosen_by: by whom."""

    problem: str
    gold: str | None
    answer: str | None
    verdict: str | None
    steps: tuple[ShownStep, ...]
    total: float | None = None
    chosen_by: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, record: Record) -> Self:
        """Reads one; raises InputError that names the field."""
        return cls(
            field_of(record, "problem", str),
            text_of(record, "gold"),
            text_of(record, "answer"),
            one_of(record, "verdict", VERDICTS),
            tuple(listed(record, "steps", ShownStep.from_json)),
            known(record, "total", least=-math.inf, most=math.inf),
            tuple(str(name) for name in record.get("chosen_by") or ()),
        )


@dataclass(frozen=True, slots=True)
class Summary:
    """What ran and how it came out: one screen of numbers."""

    title: str
    command: str
    seconds: float
    seed: int
    policy: str
    problems: int | str
    methods: Mapping[str, MethodRow]
    paired_vs_majority: Mapping[str, Difference] = field(default_factory=dict)
    label_quality: Mapping[str, LabelRow] = field(default_factory=dict)
    coverage: Mapping[str, float] = field(default_factory=dict)
    greedy: Mapping[str, float] = field(default_factory=dict)
    verifiers: Mapping[str, VerifierRow] = field(default_factory=dict)
    headline: str = ""

    @classmethod
    def from_json(cls, record: Record) -> Self:
        """Reads a summary; raises InputError that names the field by its path."""
        field_of(record, "methods", dict)
        return cls(
            title=field_of(record, "title", str),
            command=field_of(record, "command", str),
            seconds=needed(record, "seconds", most=math.inf),
            seed=field_of(record, "seed", int),
            policy=field_of(record, "policy", str),
            problems=field_of(record, "problems", (int, str)),
            methods=named(record, "methods", MethodRow.from_json),
            paired_vs_majority=named(record, "paired_vs_majority", Difference.from_json),
            label_quality=named(record, "label_quality", LabelRow.from_json),
            coverage=rates(record, "coverage"),
            greedy=rates(record, "greedy"),
            verifiers=named(record, "verifiers", VerifierRow.from_json),
            headline=text_of(record, "headline") or "",
        )

    def to_json(self) -> Record:
        """A record that `from_json` reads back to an equal summary."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Details:
    """What a summary does not hold: curves, reliability bins, traces. Any may be empty."""

    curves: Mapping[str, tuple[CurvePoint, ...]] = field(default_factory=dict)
    calibration: Mapping[str, tuple[ReliabilityBin, ...]] = field(default_factory=dict)
    traces: tuple[ShownTrace, ...] = ()

    @classmethod
    def from_json(cls, record: Record) -> Self:
        """Reads details; raises InputError that names the field by its path."""
        return cls(
            curves=lists_by_name(record, "curves", CurvePoint.from_json),
            calibration=lists_by_name(record, "calibration", ReliabilityBin.from_json),
            traces=tuple(listed(record, "traces", ShownTrace.from_json)),
        )

    def to_json(self) -> Record:
        """A record that `from_json` reads back to equal details."""
        return asdict(self)
