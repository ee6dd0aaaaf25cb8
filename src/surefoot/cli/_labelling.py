"""The annotators as `surefoot label` knows them: what each asks of a row, which options it
uses, and how it is made ready. A new one is an entry of `METHODS`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from surefoot import annotate as a
from surefoot.cli._common import is_trails, models
from surefoot.cli._work import Work
from surefoot.core.budget import Budget
from surefoot.core.errors import InputError
from surefoot.core.protocols import Steps
from surefoot.core.records import Record, problem_of, trace_of
from surefoot.core.seeds import rng_for
from surefoot.core.tree import Tree
from surefoot.core.types import LabelledTrace, Problem, Step, StepLabel, Trace, Verdict
from surefoot.steps import Rollouts
from surefoot.tasks.load import checker_for
from surefoot.trees import Grown, NodeLabel, counted, labelled_traces


@dataclass(frozen=True, slots=True)
class Options:
    """What the command was given, by the names of its options; None: as the method has it."""

    completions: int
    best_of: int
    rounds: int | None
    judge: str | None
    votes: int | None
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
class Job:
    """What a method is made ready with. source: the file of the rows."""

    work: Work
    source: Path
    options: Options

    def model(self, name: str, spends: str) -> Any:
        """A sampler behind the journal; `spends` is the field of the cost that it fills."""
        models()
        from surefoot.policy.local_decode import Sampling

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


def given(**named: int | None) -> dict[str, int]:
    """The settings that have a value; the others stay as the method has them."""
    return {name: value for name, value in named.items() if value is not None}


Label = Callable[[Trace], list[LabelledTrace]]
Need = Callable[[Trace, Options], None]


@dataclass(frozen=True, slots=True)
class Method:
    """start: models and settings made ready, once.

    options: those it uses, besides what only decides where and how fast it runs.
    needs: what it asks of each row; an InputError says what is missing.
    of_problems: it labels solutions of its own, and takes each problem once.
    """

    start: Callable[[Job], Label]
    options: frozenset[str] = frozenset()
    needs: tuple[Need, ...] = field(default=())
    of_problems: bool = False


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


def row_of(method: Method, options: Options, record: Record) -> Trace:
    """The trace of a row that the method can label; of a problem alone, where that will do."""
    if method.of_problems and not isinstance(record.get("problem"), dict):
        trace = Trace(problem_of(record), ())
    else:
        trace = trace_of(record)
    for need in method.needs:
        need(trace, options)
    return trace


# --- by rollouts -----------------------------------------------------------


def _by_rollouts(job: Job, *, method: Callable[..., LabelledTrace], best_of: bool = False) -> Label:
    policy, check, o = job.policy(), checker_for(job.source), job.options
    settings = {"completions": o.completions} | ({"best_of": o.best_of} if best_of else {})

    def label(trace: Trace) -> list[LabelledTrace]:
        rollouts = Rollouts(trace.problem, sample=policy, check=check, seed=o.seed)
        labelled = method(with_own_ids(trace, policy.encoder), rollouts=rollouts, **settings)
        return [replace(labelled, trace=trace)]

    return label


def with_own_ids(trace: Trace, encoder: Any) -> Trace:
    """The trace without token ids unless they are this tokenizer's: another policy's ids
    would be read as other words."""
    size = len(encoder.tokenizer)

    def own(step: Step) -> bool:
        if not step.ids or max(step.ids) >= size:
            return False
        text: str = encoder.tokenizer.decode(list(step.ids), skip_special_tokens=True)
        return text.strip() == step.text

    if all(own(step) for step in trace.steps):
        return trace
    return replace(trace, steps=tuple(Step(step.text) for step in trace.steps))


# --- by trees --------------------------------------------------------------


def _grown(
    job: Job, *, grow: Callable[..., Grown], rounds: str, labels: Callable[[Tree], NodeLabel]
) -> Label:
    """A tree of rollouts. rounds: what the method calls them."""
    policy, check, o = job.policy(), checker_for(job.source), job.options
    settings = {"completions": o.completions, **given(**{rounds: o.rounds})}

    def label(trace: Trace) -> list[LabelledTrace]:
        rollouts = Rollouts(trace.problem, sample=policy, check=check, seed=o.seed)
        grown = grow(trace.problem, rollouts=rollouts, budget=job.budget(), **settings)
        return _packed(grown, labels(grown.tree))

    return label


def _searched(
    job: Job, *, grow: Callable[..., Grown], rounds: str, labels: Callable[[Tree], NodeLabel]
) -> Label:
    """A search that writes step by step; rollouts stand for the value model."""
    policy, check, o = job.policy(), checker_for(job.source), job.options
    settings = {"seed": o.seed, **given(**{rounds: o.rounds})}

    def label(trace: Trace) -> list[LabelledTrace]:
        rollouts = Rollouts(trace.problem, sample=policy, check=check, seed=o.seed)

        def value(
            problem: Problem, prefixes_P: Sequence[Steps], *, rng: np.random.Generator
        ) -> list[StepLabel]:
            del problem, rng  # the rollouts are those of this problem, and have seeds of their own
            return rollouts.values(prefixes_P, o.completions)

        grown = grow(
            trace.problem, sample=policy, check=check, value=value, budget=job.budget(), **settings
        )
        whole = replace(grown, usage=grown.usage + rollouts.usage)
        return _packed(whole, labels(grown.tree))

    return label


def _packed(grown: Grown, label: NodeLabel) -> list[LabelledTrace]:
    """The tree's solutions; the first one carries what the whole tree cost."""
    packed = labelled_traces(grown.problem, grown.tree, label)
    first = [replace(item, usage=grown.usage, notes={"ended": grown.why}) for item in packed[:1]]
    return first + packed[1:]


# --- by judges -------------------------------------------------------------


def _judged(job: Job, *, method: Callable[..., LabelledTrace]) -> Label:
    if job.options.judge is None:
        raise InputError("this --method asks a judge; give its model with --judge")
    judge = job.model(job.options.judge, "verifier_tokens")
    settings = given(votes=job.options.votes)

    def label(trace: Trace) -> list[LabelledTrace]:
        return [method(trace, judge=judge, seed=job.options.seed, **settings)]

    return label


# --- without a model -------------------------------------------------------


def _outcome(_: Job) -> Label:
    return lambda trace: [a.outcome(trace)]


def _oracle(_: Job) -> Label:
    from surefoot.tasks.trails import check_steps

    return lambda trace: [a.oracle(trace, check_steps=check_steps)]


def _calculator(_: Job) -> Label:
    return lambda trace: [a.calculator(trace)]


def _inject(job: Job) -> Label:
    from surefoot.tasks.trails import check_steps

    exact = a.by_checker(check_steps)

    def label(trace: Trace) -> list[LabelledTrace]:
        confirm = exact if is_trails(trace) else a.by_recomputation
        rng = rng_for(job.options.seed, "inject", trace.problem.id, trace.text)
        right = trace.verdict is not Verdict.WRONG
        broken = a.inject(trace, confirm=confirm, rng=rng) if right else None
        return [] if broken is None else [broken]

    return label


# --- the table -------------------------------------------------------------

DRAWS = frozenset({"temperature", "top_p", "max_tokens", "seed", "dtype"})
ROLLED = DRAWS | {"policy", "separator", "completions"}
GROWN = ROLLED | {"rounds", "budget_policy_tokens", "budget_calls"}
JUDGED = DRAWS | {"judge", "votes"}
ANYWHERE = frozenset({"limit", "problems_in_flight", "journal", "device", "as_json"})

WHOLE = (needs_whole_steps, needs_gold)

METHODS: dict[str, Method] = {
    "monte_carlo": Method(
        partial(_by_rollouts, method=a.monte_carlo), ROLLED, WHOLE,
    ),
    "omega_trace": Method(
        partial(_by_rollouts, method=a.omega_trace), ROLLED, WHOLE,
    ),
    "sorm": Method(
        partial(_by_rollouts, method=a.sorm), ROLLED, WHOLE,
    ),
    "progress": Method(
        partial(_by_rollouts, method=a.progress, best_of=True), ROLLED | {"best_of"}, WHOLE,
    ),
    "omega": Method(
        partial(_grown, grow=a.omega, rounds="searches", labels=partial(counted, by="omega")),
        GROWN, (needs_gold,), of_problems=True,
    ),
    "relative": Method(
        partial(_grown, grow=a.relative, rounds="expansions", labels=a.relative_labels),
        GROWN, (needs_gold,), of_problems=True,
    ),
    "alphamath": Method(
        partial(_searched, grow=a.alphamath, rounds="simulations", labels=a.value_targets),
        GROWN, (needs_gold,), of_problems=True,
    ),
    "rest_mcts": Method(
        partial(_searched, grow=a.rest_mcts, rounds="rounds", labels=a.quality_labels),
        GROWN, (needs_gold,), of_problems=True,
    ),
    "critic": Method(
        partial(_judged, method=a.critic), JUDGED,
    ),
    "calculator": Method(_calculator),
    "inject": Method(
        _inject, frozenset({"seed"}),
    ),
    "outcome": Method(_outcome, needs=(needs_verdict,)),
    "oracle": Method(_oracle, needs=(needs_oracle,)),
}  # fmt: skip
