"""`surefoot label`: evidence about every step of traces."""

from collections.abc import Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import typer

from surefoot.cli import _options as o
from surefoot.cli._annotators import METHODS
from surefoot.cli._common import at_least_one, chosen, read_traces, tell, unescaped, write_rows
from surefoot.cli._labelling import ANYWHERE, Job, Method, Options, Row, row_of
from surefoot.cli._labels_in import mean_label
from surefoot.cli._work import Work
from surefoot.core.errors import InputError
from surefoot.core.records import labelled_record
from surefoot.core.types import LabelledTrace


def label(
    ctx: typer.Context,
    traces: Annotated[
        Path, typer.Argument(help="Traces, as `surefoot sample` writes them; trees take problems.")
    ],
    out: o.Out,
    method: Annotated[str, typer.Option(help="Who labels, see above.")] = "monte_carlo",
    completions: Annotated[int, typer.Option(help="Rollouts of each prefix.")] = 8,
    best_of: Annotated[int, typer.Option(help="progress under the best of so many tries.")] = 1,
    rounds: Annotated[
        int | None,
        typer.Option(help="Searches, expansions, simulations of a tree (default: the paper's)."),
    ] = None,
    judge: Annotated[
        str | None, typer.Option(help="The model that judges; named as a --policy is.")
    ] = None,
    votes: Annotated[
        int | None, typer.Option(help="Replies of the judge to each question.")
    ] = None,
    reference: Annotated[
        str, typer.Option(help="The field of each row with a right solution, text or steps.")
    ] = "reference",
    confidence: Annotated[float, typer.Option(help="bayes stops when it is so sure.")] = 0.9,
    learn_from: Annotated[
        int, typer.Option(help="bayes learns from so many first traces what to expect; 0: not.")
    ] = 100,
    consistent: Annotated[
        bool,
        typer.Option(
            "--consistent/--any-rollout",
            help="sorm counts a right rollout only if it uses the last number of its prefix.",
        ),
    ] = True,
    balance: Annotated[
        bool,
        typer.Option(help="sorm keeps as many right as wrong labels at each number of steps."),
    ] = True,
    budget_policy_tokens: Annotated[
        int | None, typer.Option(help="Most tokens for a trace (bayes) or a problem (trees).")
    ] = None,
    budget_calls: Annotated[
        int | None, typer.Option(help="Most rollouts for a trace (bayes), or calls for a problem.")
    ] = None,
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
    """Label every step of traces, with the evidence behind each label.

    By rollouts of --policy, checked against gold answers: monte_carlo (how often it ends
    correctly from each step), omega_trace (the first error, by binary search), sorm (can the
    right answer still be reached; as GLoRe has it, from rollouts that build on the step, and with
    the surplus of 1s or 0s at each step left without evidence), progress (what a step adds to the
    chances), bayes (the first error, by asking where an answer tells most, after learning from the
    outcomes and some rollouts of the first --learn-from traces how much a surprising step is to be
    suspected; asks --judge, if there is one, where rollouts cannot tell).

    By a tree of solutions, of problems alone: omega (OmegaPRM), relative (next steps against one
    another), alphamath and rest_mcts (tree search; rollouts stand for the value model).

    By a model that reads, --judge: critic (every step, --votes times), ensemble (the first error,
    asked for in several ways), reference (beside a right solution), debate (accuser against
    defender), deductive (each step from the premises that it cites), error_list (a list of errors
    and what each costs), tool_judge (with a calculator at hand). How many of its replies could not
    be read is told.

    Without a model: calculator (the arithmetic that a step states), consensus (do the problem's
    other traces reach the same results), outcome (how the trace ended), oracle (the exact checker
    of trails), inject (the right ones, broken on purpose).

    Writes the traces with "labels", one a step, and what they cost to --out. An option that the
    method does not use is an error.

    Example:
        surefoot label traces.jsonl --method monte_carlo --completions 8 --out labels.jsonl
        surefoot label traces.jsonl --method calculator --out calculator.jsonl
    """
    use = chosen("--method", method, METHODS)
    _refuse_unused(ctx, method, use)
    at_least_one(limit=limit, completions=completions, best_of=best_of, rounds=rounds, votes=votes)
    options = Options(
        completions, best_of, rounds, judge, votes, reference, confidence, learn_from,
        consistent, balance,
        budget_policy_tokens, budget_calls, policy, temperature, top_p, max_tokens,
        unescaped(separator), seed, dtype, device,
    )  # fmt: skip
    rows = read_traces(traces, limit, partial(row_of, use, options))
    with Work("label", out, journal, problems_in_flight) as work:
        make = use.start(Job(work, traces, options, rows))
        items = _once(rows) if use.of_problems else rows
        found = work.each(f"label by {method}", make, items)
        labelled = list(chain.from_iterable(found))
        if use.together is not None:
            labelled = use.together(labelled, options)
        write_rows(out, map(labelled_record, labelled))
        left_out = {"left_out": found.count([])} if [] in found else {}
        tell({**_summary(labelled), **left_out, **work.cost(), "out": out}, as_json=as_json)


def _refuse_unused(ctx: typer.Context, name: str, method: Method) -> None:
    """InputError for an option that was given and would do nothing."""
    known = method.options | ANYWHERE | {"traces", "out", "method"}
    for option in ctx.params:
        source = ctx.get_parameter_source(option)
        if option not in known and source is not None and source.name != "DEFAULT":
            users = ", ".join(other for other, m in METHODS.items() if option in m.options)
            raise InputError(
                f"--{option.replace('_', '-')} does nothing for --method {name}; leave it out "
                f"(it is for {users})"
            )


def _once(rows: Sequence[Row]) -> list[Row]:
    """The first row of each problem."""
    return list({row.trace.problem.id: row for row in reversed(rows)}.values())[::-1]


def _summary(labelled: Sequence[LabelledTrace]) -> dict[str, Any]:
    labels = [label for item in labelled for label in item.labels]
    return {
        "traces": len(labelled),
        "steps": len(labels),
        "without_evidence": sum(label.value is None for label in labels),
        "mean_label": mean_label(labelled),
        **_unreadable(labelled),
    }


def _unreadable(labelled: Sequence[LabelledTrace]) -> dict[str, float]:
    """The share of a judge's replies that could not be read, where one was asked."""
    asked = [item.notes for item in labelled if "unreadable" in item.notes]
    replies = sum(int(notes["replies"]) for notes in asked)
    unreadable = sum(int(notes["unreadable"]) for notes in asked)
    return {"unreadable_replies": round(unreadable / replies, 4)} if replies else {}
