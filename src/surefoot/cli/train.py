"""`surefoot train`: a verifier from labelled traces."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surefoot.cli import _options as o
from surefoot.cli import _train_options as t
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
from surefoot.cli._training import HeldOut, Job, split_by_problem
from surefoot.core.errors import InputError
from surefoot.core.records import Record, labelled_of, trace_of
from surefoot.core.types import LabelledTrace, Verdict

if TYPE_CHECKING:
    from surefoot.verifiers.data import Example
    from surefoot.verifiers.network import Network

TARGETS = ("soft", "hard")
LOGS = ("none", "tensorboard", "wandb", "trackio")


def train(
    labels: t.Labels,
    out: t.Out,
    base: t.Base = "pebble",
    kind: t.Kind = "prm",
    targets: t.Targets = None,
    balance: t.Balance = False,
    epochs: t.Epochs = 2,
    lr: t.Rate = 2e-4,
    head_lr: t.HeadRate = 5e-3,
    lm_weight: t.LmWeight = 0.5,
    lora_rank: t.LoraRank = 0,
    batch_tokens: t.BatchTokens = 4096,
    micro_tokens: t.MicroTokens = None,
    recompute: t.Recompute = False,
    dtype: t.Dtype = "float32",
    save_every: t.SaveEvery = 100,
    evaluate_every: t.EvaluateEvery = None,
    patience: t.Patience = None,
    log_with: t.LogWith = "none",
    held_out: t.HeldOut = 0.1,
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

    if targets is not None:
        chosen("--targets", targets, dict.fromkeys(TARGETS))
    chosen("--log-with", log_with, dict.fromkeys(LOGS))
    at_least_one(epochs=epochs, batch_tokens=batch_tokens, save_every=save_every, limit=limit)
    at_least_one(micro_tokens=micro_tokens, evaluate_every=evaluate_every, patience=patience)
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
        micro_tokens=micro_tokens,
        dtype=dtype,
        recompute=recompute,
        evaluate_every=evaluate_every,
        patience=patience,
    )
    models(device)
    job = Job.of(
        out,
        labels,
        rows,
        base=base,
        kind=kind,
        targets=targets,
        balance=balance,
        lora=lora_rank,
        held_out=held_out,
        config=config,
    )
    summary = job.finished()
    if summary is None:
        with interruptible(f"the training state is kept in {out}"):
            summary = _trained(job, rows, device, log_with)
    else:
        say(f"{out} holds this very verifier already; nothing to do")
    tell(summary, as_json=as_json)


def _outcome_of(record: Record) -> LabelledTrace:
    from surefoot.annotate import outcome

    trace = trace_of(record)
    if trace.verdict is None:
        raise InputError(
            f"field 'verdict' of a trace of problem {trace.problem.id!r} is null, and this kind "
            "learns from verdicts; give the problem a gold answer and sample again, or drop the row"
        )
    return outcome(trace)


KINDS = {
    **dict.fromkeys(
        (
            "prm", "prm-three-way", "sorm", "alphamath", "pav", "birm", "pairwise", "next-token",
            "generative", "p-true", "oprm", "weak-to-strong", "maths-only",
        ),
        labelled_of,
    ),
    **dict.fromkeys(
        (
            "orm", "ovm", "vas", "implicit-ce", "implicit-dpo", "implicit-kto", "implicit-nca",
        ),
        _outcome_of,
    ),
}  # fmt: skip


def _trained(job: Job, rows: list[LabelledTrace], device: str, log_name: str) -> dict[str, Any]:
    from surefoot.verifiers import merged, new_network, prepare, with_lora

    objective, config = job.objective(), job.config
    learnt, held = split_by_problem(rows, job.held_out, config.seed)
    network, encoder = new_network(job.base, objective=objective, device=device, seed=config.seed)
    prepared = prepare(learnt, encoder, objective)
    if job.balance:
        objective = job.balanced(objective, prepared.examples)
    if job.lora:
        network = with_lora(network, rank=job.lora, seed=config.seed)
    aside = HeldOut.of(held, objective, encoder, prepared.kind)
    job.begin()
    history = _fitted(job, network, prepared.examples, aside, log_name)
    network = merged(network)
    last = [row for row in history if "step_loss" in row][-20:]
    summary = {
        "kind": f"{job.kind}, scores of kind {prepared.kind.value}",
        "traces": len(learnt),
        "right_traces": sum(row.trace.verdict is Verdict.CORRECT for row in learnt),
        "steps_cut_off": prepared.dropped,
        "updates": history[-1]["step"],
        "step_loss": sum(row["step_loss"] for row in last) / len(last),
        "token_loss": sum(row["token_loss"] for row in last) / len(last),
        **aside.metrics(network),
        "out": str(job.out),
    }
    _save(job, network, aside, summary, f"{job.labels.name}, {len(learnt)} traces")
    job.end(summary)
    return summary


def _fitted(
    job: Job, network: "Network", examples: list["Example"], aside: HeldOut, log_name: str
) -> list[dict[str, Any]]:
    from surefoot.verifiers import train as fit

    with progress() as update, _logging(log_name, job.out) as log:
        return fit(
            network,
            examples,
            config=job.config,
            pad=aside.encoder.tokenizer.pad_token_id or 0,
            objective=aside.objective,
            state_folder=job.out,
            report=lambda u: update("train", u.step, u.steps),
            log=log,
            evaluate=aside.metrics if aside.rows else None,
        )


@contextmanager
def _logging(name: str, out: Path) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    if name == "none":
        yield lambda _: None
        return
    from surefoot.verifiers.log import log_with

    log, end = log_with(name, out.name, out / "logs")
    yield log
    end()


def _save(
    job: Job, network: "Network", aside: HeldOut, summary: dict[str, Any], trained_on: str
) -> None:
    from surefoot.verifiers import save_verifier
    from surefoot.verifiers.checkpoint import encoder_card

    card = encoder_card(
        job.out.name,
        aside.kind,
        aside.encoder,
        trained_on,
        objective=aside.objective,
        base=job.base,
    )
    figures = {k: float(v) for k, v in summary.items() if isinstance(v, int | float)}
    save_verifier(job.out, network, aside.encoder, replace(card, metrics=figures))
