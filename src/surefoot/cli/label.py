"""`surefoot label`: evidence about every step of traces."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from surefoot.cli import _options as o
from surefoot.cli._common import (
    at_least_one,
    chosen,
    is_trails,
    models,
    read_traces,
    tell,
    unescaped,
    write_rows,
)
from surefoot.cli._work import Work
from surefoot.core.errors import InputError
from surefoot.core.records import Record, labelled_record, trace_of
from surefoot.core.types import LabelledTrace, Step, Trace


@dataclass(frozen=True, slots=True)
class Settings:
    """What a method may need."""

    work: Work
    policy: str
    loading: dict[str, Any]
    draws: tuple[float, float, int]
    completions: int
    seed: int
    source: Path


def label(
    traces: o.Traces,
    out: o.Out,
    method: Annotated[str, typer.Option(help="monte_carlo, outcome or oracle.")] = "monte_carlo",
    completions: Annotated[int, typer.Option(help="Rollouts from each step (monte_carlo).")] = 8,
    policy: o.Policy = "pebble",
    temperature: o.Temperature = 0.8,
    top_p: o.TopP = 1.0,
    max_tokens: o.MaxTokens = 512,
    separator: o.Separator = "\\n",
    seed: o.Seed = 0,
    limit: o.Limit = None,
    problems_in_flight: o.InFlight = 64,
    journal: o.JournalPath = None,
    dtype: o.Dtype = "auto",
    device: o.Device = "auto",
    as_json: o.AsJson = False,
) -> None:
    """Label every step of traces, with the counts behind each label.

    monte_carlo: how often --policy ends correctly from each step (needs gold answers).
    outcome: how the trace itself ended (needs its verdict; costs nothing).
    oracle: the exact step checker (trails problems only).
    Writes the traces with "labels", one a step, and what they cost to --out.

    Example:
        surefoot label traces.jsonl --method monte_carlo --completions 8 --out labels.jsonl
    """
    make = chosen("--method", method, METHODS)
    at_least_one(limit=limit, completions=completions)
    ends = unescaped(separator)
    rows = read_traces(traces, limit, partial(_fit, NEEDS[method], ends))
    with Work("label", out, journal, problems_in_flight) as work:
        loading = {"separator": ends, "dtype": dtype, "device": device}
        draws = (temperature, top_p, max_tokens)
        settings = Settings(work, policy, loading, draws, completions, seed, traces)
        labelled = make(rows, settings)
        write_rows(out, map(labelled_record, labelled))
        tell({**_summary(labelled), **work.cost(), "out": out}, as_json=as_json)


def _monte_carlo(rows: list[Trace], settings: Settings) -> list[LabelledTrace]:
    from surefoot.annotate import monte_carlo
    from surefoot.steps import Rollouts
    from surefoot.tasks.load import checker_for

    models()
    from surefoot.policy.local_decode import Sampling

    sampler = settings.work.policy(
        settings.policy, sampling=Sampling(*settings.draws), **settings.loading
    )
    check = checker_for(settings.source)

    def work(trace: Trace) -> LabelledTrace:
        rollouts = Rollouts(trace.problem, sample=sampler, check=check, seed=settings.seed)
        own = with_own_ids(trace, sampler.encoder)
        labelled = monte_carlo(own, rollouts=rollouts, completions=settings.completions)
        return replace(labelled, trace=trace)

    return settings.work.each("label by rollouts", work, rows)


def _outcome(rows: list[Trace], _: Settings) -> list[LabelledTrace]:
    from surefoot.annotate import outcomes

    return outcomes(rows)


def _oracle(rows: list[Trace], _: Settings) -> list[LabelledTrace]:
    from surefoot.annotate import oracle
    from surefoot.tasks.trails import check_steps

    return [oracle(row, check_steps=check_steps) for row in rows]


METHODS: dict[str, Callable[[list[Trace], Settings], list[LabelledTrace]]] = {
    "monte_carlo": _monte_carlo,
    "outcome": _outcome,
    "oracle": _oracle,
}


# --- what a method asks of a row -------------------------------------------


def _needs_gold(trace: Trace, separator: str) -> None:
    for index, step in enumerate(trace.steps):
        if separator in step.text:
            raise InputError(
                f"field 'steps'[{index}] holds the separator {separator!r}, so it would be two "
                "steps; split it, or give the --separator that the traces were sampled with"
            )
    if trace.problem.gold is None:
        raise InputError(
            f"problem {trace.problem.id!r} has no gold answer (field 'answer'), so rollouts "
            "cannot be checked; add it or drop the row"
        )


def _needs_verdict(trace: Trace, _: str) -> None:
    if trace.verdict is None:
        raise InputError(
            f"field 'verdict' of a trace of problem {trace.problem.id!r} is null: it was never "
            "checked; give the problem its gold answer and sample again, or drop the row"
        )


def _needs_oracle(trace: Trace, _: str) -> None:
    if not is_trails(trace):
        raise InputError(
            f"problem {trace.problem.id!r} is not of trails, and only its steps can be checked "
            "exactly; use --method monte_carlo or outcome"
        )


NEEDS: dict[str, Callable[[Trace, str], None]] = {
    "monte_carlo": _needs_gold,
    "outcome": _needs_verdict,
    "oracle": _needs_oracle,
}


def _fit(need: Callable[[Trace, str], None], separator: str, record: Record) -> Trace:
    trace = trace_of(record)
    need(trace, separator)
    return trace


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


def _summary(labelled: list[LabelledTrace]) -> dict[str, Any]:
    labels = [label for item in labelled for label in item.labels]
    known = [label.value for label in labels if label.value is not None]
    return {
        "traces": len(labelled),
        "steps": len(labels),
        "without_evidence": len(labels) - len(known),
        "mean_label": sum(known) / len(known) if known else None,
    }
