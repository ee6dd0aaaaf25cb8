"""`surefoot train`: a verifier from labelled traces."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from surefoot.cli import _options as o
from surefoot.cli._common import (
    at_least_one,
    chosen,
    interruptible,
    models,
    progress,
    read_traces,
    say,
    tell,
)
from surefoot.cli._training import Job, held_out_metrics, split_by_problem
from surefoot.core.errors import InputError
from surefoot.core.records import Record, labelled_of, trace_of
from surefoot.core.types import LabelledTrace, Verdict

TARGETS = ("soft", "hard")


def train(
    labels: Annotated[
        Path,
        typer.Argument(help="Labelled traces, as `surefoot label` writes them (orm: any traces)."),
    ],
    out: Annotated[Path, typer.Option(help="The verifier's folder.")],
    base: Annotated[str, typer.Option(help="The language model to start from.")] = "pebble",
    kind: Annotated[
        str, typer.Option(help="prm learns each step's label; orm how the whole trace came out.")
    ] = "prm",
    targets: Annotated[
        str, typer.Option(help="soft: the share of tries that succeeded; hard: did any?")
    ] = "soft",
    epochs: Annotated[int, typer.Option(help="Passes over the traces.")] = 2,
    lr: Annotated[float, typer.Option(help="Peak learning rate of the language model.")] = 2e-4,
    head_lr: Annotated[float, typer.Option(help="Peak learning rate of the head.")] = 5e-3,
    lm_weight: Annotated[
        float, typer.Option(help="Weight of the language-model loss on right traces.")
    ] = 0.5,
    batch_tokens: Annotated[int, typer.Option(help="Padded tokens of one update.")] = 4096,
    save_every: Annotated[int, typer.Option(help="Updates between saved states.")] = 100,
    held_out: Annotated[
        float, typer.Option(help="Share of the problems kept for the final metrics.")
    ] = 0.1,
    seed: o.Seed = 0,
    limit: o.Limit = None,
    device: o.Device = "auto",
    as_json: o.AsJson = False,
) -> None:
    """Train a verifier on labelled traces.

    Writes a folder that `surefoot score` and `surefoot search` take as --verifier: model, head,
    tokenizer, model card. Problems are split, never traces of one problem, and the summary's
    metrics are of the held-out part. A killed training, started again, goes on from its last
    saved state and ends in the same weights.

    Example:
        surefoot train labels.jsonl --base pebble --kind prm --targets soft --out verifier
    """
    from surefoot.verifiers.train import TrainConfig

    chosen("--targets", targets, dict.fromkeys(TARGETS))
    at_least_one(epochs=epochs, batch_tokens=batch_tokens, save_every=save_every, limit=limit)
    if not 0 <= held_out < 1:
        raise InputError(f"--held-out must be in [0, 1), got {held_out}")
    rows = read_traces(labels, limit, chosen("--kind", kind, KINDS))
    config = TrainConfig(
        epochs=epochs,
        batch_tokens=batch_tokens,
        lr=lr,
        head_lr=head_lr,
        lm_weight=lm_weight,
        save_every=save_every,
        seed=seed,
    )
    models(device)
    job = Job.of(
        out, labels, rows, base=base, kind=kind, targets=targets, held_out=held_out, config=config
    )
    summary = job.finished()
    if summary is None:
        with interruptible(f"the training state is kept in {out}"):
            summary = _trained(job, rows, device)
    else:
        say(f"{out} holds this very verifier already; nothing to do")
    tell(summary, as_json=as_json)


def _outcome_of(record: Record) -> LabelledTrace:
    from surefoot.annotate import outcome

    trace = trace_of(record)
    if trace.verdict is None:
        raise InputError(
            f"field 'verdict' of a trace of problem {trace.problem.id!r} is null, and an orm "
            "learns from verdicts; give the problem a gold answer and sample again, or drop the row"
        )
    return outcome(trace)


KINDS = {"prm": labelled_of, "orm": _outcome_of}


def _trained(job: Job, rows: list[LabelledTrace], device: str) -> dict[str, Any]:
    from surefoot.verifiers import examples_of, hard_target, new_network, save_verifier, soft_target
    from surefoot.verifiers import train as fit
    from surefoot.verifiers.checkpoint import encoder_card

    target = soft_target if job.targets == "soft" else hard_target
    learnt, held = split_by_problem(rows, job.held_out, job.config.seed)
    network, encoder = new_network(job.base, device=device, seed=job.config.seed)
    kind, examples, dropped = examples_of(learnt, encoder, target)
    job.begin()
    with progress() as update:
        history = fit(
            network,
            examples,
            config=job.config,
            pad=encoder.tokenizer.pad_token_id or 0,
            state_folder=job.out,
            report=lambda u: update("train", u.step, u.steps),
        )
    metrics = held_out_metrics(network, encoder, kind, held, target)
    last = [row for row in history if "step_loss" in row][-20:]
    summary = {
        "kind": f"{job.kind}, scores of kind {kind.value}",
        "traces": len(examples),
        "right_traces": sum(row.trace.verdict is Verdict.CORRECT for row in learnt),
        "steps_cut_off": dropped,
        "updates": history[-1]["step"],
        "step_loss": sum(row["step_loss"] for row in last) / len(last),
        "token_loss": sum(row["token_loss"] for row in last) / len(last),
        **metrics,
        "out": str(job.out),
    }
    card = encoder_card(job.out.name, kind, encoder, f"{job.labels.name}, {len(examples)} traces")
    figures = {k: float(v) for k, v in summary.items() if isinstance(v, int | float)}
    save_verifier(job.out, network, encoder, replace(card, metrics=figures))
    job.end(summary)
    return summary
