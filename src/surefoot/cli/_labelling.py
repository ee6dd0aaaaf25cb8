"""What `surefoot label` asks of its annotators: options, rows, and what a row must have."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from surefoot.cli._common import is_trails
from surefoot.cli._work import Work
from surefoot.core.budget import Budget
from surefoot.core.errors import InputError
from surefoot.core.records import Record, field_of, problem_of, trace_of
from surefoot.core.types import LabelledTrace, Trace
from surefoot.policy.sampling import Sampling

ANYWHERE = frozenset(
    {"limit", "problems_in_flight", "journal", "device", "as_json"}
)  # where, how fast


@dataclass(frozen=True, slots=True)
class Options:
    """What the command was given, by the names of its options; None: as the method has it."""

    completions: int
    best_of: int
    rounds: int | None
    judge: str | None
    votes: int | None
    reference: str
    confidence: float
    learn_from: int
    consistent: bool
    balance: bool
    budget_policy_tokens: int | None
    budget_calls: int | None
    policy: str
    temperature: float
    top_p: float
    max_tokens: int
    separator: str
    seed: int
    dtype: str
    device: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row to label. reference: steps of a right solution, where the method asks for one."""

    trace: Trace
    reference: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """What a method is made ready with. source: the file of the rows."""

    work: Work
    source: Path
    options: Options
    rows: Sequence[Row]

    def model(self, name: str, spends: str) -> Any:
        """A sampler behind the journal; `spends` is the field of the cost that it fills."""
        o = self.options
        return self.work.policy(
            name,
            spends=spends,
            sampling=Sampling(o.temperature, o.top_p, o.max_tokens),
            separator=o.separator,
            dtype=o.dtype,
            device=o.device,
        )

    def policy(self) -> Any:
        """The policy, with its encoder."""
        return self.model(self.options.policy, "policy_tokens")

    def budget(self) -> Budget:
        """What one problem may cost."""
        o = self.options
        return Budget(policy_tokens=o.budget_policy_tokens, calls=o.budget_calls)


def given(settings: Mapping[str, int | None]) -> dict[str, int]:
    """The settings that have a value; the others stay as the method has them."""
    return {name: value for name, value in settings.items() if value is not None}


Label = Callable[[Row], list[LabelledTrace]]
Need = Callable[[Trace, Options], None]


@dataclass(frozen=True, slots=True)
class Method:
    """start: models and settings made ready, once.

    options: those it uses, besides what only decides where and how fast it runs.
    needs: what it asks of each row; an InputError says what is missing.
    of_problems: it labels solutions of its own, and takes each problem once.
    together: what is done to all labels when the last is there.
    """

    start: Callable[[Job], Label]
    options: frozenset[str] = frozenset()
    needs: tuple[Need, ...] = field(default=())
    of_problems: bool = False
    together: Callable[[Sequence[LabelledTrace], Options], list[LabelledTrace]] | None = None


# --- what a method asks of a row -------------------------------------------


def needs_gold(trace: Trace, _: Options) -> None:
    """A gold answer, to check rollouts against."""
    if trace.problem.gold is None:
        raise InputError(
            f"problem {trace.problem.id!r} has no gold answer (field 'answer'), so rollouts "
            "cannot be checked; add it or drop the row"
        )


def needs_whole_steps(trace: Trace, options: Options) -> None:
    """Steps that the policy would not read as two."""
    for index, step in enumerate(trace.steps):
        if options.separator in step.text:
            raise InputError(
                f"field 'steps'[{index}] holds the separator {options.separator!r}, so it would "
                "be two steps; split it, or give the --separator that the traces were sampled with"
            )


def needs_verdict(trace: Trace, _: Options) -> None:
    """A trace that was checked."""
    if trace.verdict is None:
        raise InputError(
            f"field 'verdict' of a trace of problem {trace.problem.id!r} is null: it was never "
            "checked; give the problem its gold answer and sample again, or drop the row"
        )


def needs_oracle(trace: Trace, _: Options) -> None:
    """A problem whose steps can be checked exactly."""
    if not is_trails(trace):
        raise InputError(
            f"problem {trace.problem.id!r} is not of trails, and only its steps can be checked "
            "exactly; use --method monte_carlo or outcome"
        )


def row_of(method: Method, options: Options, record: Record) -> Row:
    """A row that the method can label; of a problem alone, where that will do."""
    if method.of_problems and not isinstance(record.get("problem"), dict):
        trace = Trace(problem_of(record), ())
    else:
        trace = trace_of(record)
    for need in method.needs:
        need(trace, options)
    return Row(trace, _reference(record, options) if "reference" in method.options else ())


def _reference(record: Record, options: Options) -> tuple[str, ...]:
    """The steps of the reference solution: a list of texts, or one text in lines."""
    value = field_of(record, options.reference, (str, list))
    texts = value.split("\n") if isinstance(value, str) else value
    steps = tuple(text for text in texts if isinstance(text, str) and text.strip())
    if not steps:
        raise InputError(f"field {options.reference!r} holds no step of a reference solution")
    return steps
