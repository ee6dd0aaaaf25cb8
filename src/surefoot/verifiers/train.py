"""The one training loop, for every kind of verifier.

    loss = objective.loss(z, targets) + lm_weight * token_loss

What a verifier learns is decided by its objective and its examples, never here. The order
of batches depends on the seed alone and the state is saved as it goes, so a killed training,
started again, ends in the same weights. An update is the same to rounding however it is cut
into forward passes or spread over processes, for each part counts by its terms.
"""

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator

from surefoot.core.errors import InputError
from surefoot.core.seeds import rng_for
from surefoot.verifiers.data import Batches, Example, batch_of, by_length
from surefoot.verifiers.kinds.prm import PRM
from surefoot.verifiers.losses import token_loss
from surefoot.verifiers.network import Network
from surefoot.verifiers.objective import Objective
from surefoot.verifiers.state import STATE, State

__all__ = ["STATE", "TrainConfig", "Update", "mean_loss", "train"]


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Settings of one training.

    epochs: passes over the examples. batch_tokens: padded tokens of one update.
    lr, head_lr: peak rates of the language model and of the fresh head; linear
      warm-up over `warmup` (a share of all updates), then linear to zero.
    lm_weight: weight of the language-model loss on right traces; it keeps the
      verifier able to read, on which its surprise features depend.
    save_every: updates between saved states. seed: decides the order.
    micro_tokens: padded tokens of one forward pass, None for those of the update; less takes
      less memory and changes nothing else.
    dtype: "bfloat16" computes in it where torch thinks it safe; weights stay as they are.
    recompute: forget activations and compute them again (gradient checkpointing).
    evaluate_every: updates between evaluations, None for the updates of an epoch.
    patience: stop after so many evaluations without a lower `watch`, and go back to the
      weights that had the lowest; None goes on to the end.
    """

    epochs: int = 2
    batch_tokens: int = 4096
    lr: float = 2e-4
    head_lr: float = 5e-3
    warmup: float = 0.05
    lm_weight: float = 0.5
    weight_decay: float = 0.01
    save_every: int = 100
    seed: int = 0
    micro_tokens: int | None = None
    dtype: str = "float32"
    recompute: bool = False
    evaluate_every: int | None = None
    patience: int | None = None
    watch: str = "held_out_loss"


@dataclass(frozen=True, slots=True)
class Update:
    """One update, as told to `report`: losses are of this batch."""

    step: int
    steps: int
    step_loss: float
    token_loss: float


def train(
    network: Network,
    examples: Sequence[Example],
    *,
    config: TrainConfig,
    pad: int,
    objective: Objective = PRM,
    batches: Batches = by_length,
    state_folder: Path | None = None,
    report: Callable[[Update], None] = lambda _: None,
    log: Callable[[dict[str, Any]], None] = lambda _: None,
    evaluate: Callable[[Network], dict[str, Any]] | None = None,
) -> list[dict[str, Any]]:
    """Trains in place; returns one record an update, and one an evaluation.

    examples: as `objective.examples` makes them; those without a target are left out.
    batches: which examples make an update; `packing.by_prefix` for a packed network.
    state_folder: where to save and resume; None keeps nothing. log: is told each record.
    Runs under `accelerate launch` as it is. Raises InputError without a usable
    target or for a gradient that is no number, StorageError if the state cannot be saved.
    """
    usable = _usable(examples, objective)
    _check_settings(config, evaluate is not None)
    if config.recompute:
        network.base.gradient_checkpointing_enable({"use_reentrant": False})
    accelerator = Accelerator(cpu=network.device.type == "cpu")
    # accelerate keeps one precision per process: a Trainer that ran here before in bf16 would
    # decide it for us. `config.dtype` alone does.
    accelerator.native_amp, accelerator.scaler = False, None
    optimizer = _optimizer(network, config)
    network, optimizer = accelerator.prepare(network, optimizer)
    plan = _plan(usable, config, objective.together, batches)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: _rate(s, len(plan), config))
    job = _job(usable, config, objective, plan)
    state = State(accelerator, network, optimizer, schedule, job, [])
    state.resume(state_folder)
    every = config.evaluate_every or len(plan) // config.epochs
    network.train()
    for step in range(sum("step_loss" in row for row in state.history), len(plan)):
        if _stale(state.history, config):
            break
        chosen = [usable[i] for i in plan[step]]
        losses = _backward(state, objective, chosen, config, batches, pad, done=step / len(plan))
        _step(state, step, config)
        update = Update(step + 1, len(plan), *losses)
        state.history.append(asdict(update))
        report(update)
        log(state.history[-1])
        if evaluate is not None and (step + 1) % every == 0:
            network.eval()
            found = evaluate(accelerator.unwrap_model(network))
            _remember(state, {"step": step + 1, **found}, config)
            log(state.history[-1])
            network.train()
        if state_folder is not None and (step + 1) % config.save_every == 0:
            state.save(state_folder)
    if state.best is not None:
        state.restore(state.best)
    network.eval()
    return state.history


@torch.inference_mode()
def mean_loss(
    network: Network,
    examples: Sequence[Example],
    *,
    objective: Objective = PRM,
    pad: int,
    batch_tokens: int = 8192,
) -> float | None:
    """The objective's loss over examples that are not learnt from; None without a target."""
    n = objective.together
    usable = _with_targets(examples, n)
    total = 0.0
    for indices in by_length(usable, batch_tokens, together=n):
        part = [usable[i] for i in indices]
        batch = batch_of(part, pad=pad).to(network.device)
        z, _ = network(batch.ids_NT, batch.spans_NS2)
        total += float(objective.loss(z, batch)) * objective.terms(part)
    return total / objective.terms(usable) if usable else None


# --- one update ------------------------------------------------------------


def _backward(
    state: State,
    objective: Objective,
    examples: Sequence[Example],
    config: TrainConfig,
    batches: Batches,
    pad: int,
    *,
    done: float,
) -> tuple[float, float]:
    """Adds up the gradients of an update; returns its two losses.

    Each forward pass weighs as many terms as it holds of the whole update's.
    """
    accelerator = state.accelerator
    places = accelerator.num_processes
    parts = _own_parts(examples, accelerator, config, objective.together, batches)
    weight = float(places) if parts else 0.0  # without a part: take part, with no weight
    parts = parts or [list(examples[: objective.together])]
    terms, tokens = objective.terms(examples), _imitated(examples) or 1
    told = torch.zeros(2, dtype=torch.float64)
    for number, part in enumerate(parts, start=1):
        share = weight * objective.terms(part) / terms
        read = weight * _imitated(part) / tokens
        last = number == len(parts)
        with nullcontext() if last else accelerator.no_sync(state.network):
            loss, words = _losses(state.network, objective, part, config, pad, done)
            loss, words = loss * share, words * read
            accelerator.backward(loss + config.lm_weight * words)
        told += torch.tensor([float(loss.detach()), float(words.detach())], dtype=torch.float64)
    if places > 1:
        told = accelerator.reduce(told.to(accelerator.device), "mean").cpu()
    return float(told[0]), float(told[1])


def _own_parts(
    examples: Sequence[Example],
    accelerator: Accelerator,
    config: TrainConfig,
    together: int,
    batches: Batches,
) -> list[list[Example]]:
    """This process's share of an update, a list for each forward pass; [] if there are fewer
    groups than processes and it has none."""
    starts = range(0, len(examples), together)
    own = starts[accelerator.process_index :: accelerator.num_processes]
    mine = [e for start in own for e in examples[start : start + together]]
    if not mine or config.micro_tokens is None:
        return [mine] if mine else []
    cut = batches(mine, config.micro_tokens, together=together)
    return [[mine[i] for i in indices] for indices in cut]


def _losses(
    network: torch.nn.Module,
    objective: Objective,
    examples: list[Example],
    config: TrainConfig,
    pad: int,
    done: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    device = next(network.parameters()).device
    batch = batch_of(examples, pad=pad, done=done).to(device)
    kept = torch.float32 if config.dtype == "float32" else torch.bfloat16
    with torch.autocast(device.type, kept, enabled=kept is torch.bfloat16):
        z, logprobs_NT = network(batch.ids_NT, batch.spans_NS2)
    return objective.loss(z, batch), token_loss(logprobs_NT, batch.weights_NT)


def _imitated(examples: Sequence[Example]) -> int:
    """How many tokens the language-model loss is a mean over."""
    return sum(
        len(e.encoded.ids) - max(e.encoded.start, e.counted_from) for e in examples if e.imitate
    )


def _step(state: State, step: int, config: TrainConfig) -> None:
    """Clips the gradient and follows it."""
    norm = state.accelerator.clip_grad_norm_(state.network.parameters(), 1.0)
    _check_gradient(norm, step, config)
    state.optimizer.step()
    state.schedule.step()
    state.optimizer.zero_grad(set_to_none=True)


def _check_gradient(norm: torch.Tensor | None, step: int, config: TrainConfig) -> None:
    """Raises InputError if an update would fill the weights with numbers that are none."""
    if norm is not None and not math.isfinite(float(norm)):
        raise InputError(
            f"the gradient of update {step} is {float(norm)}; lower the learning rate "
            f"(now {config.lr}) or use dtype float32"
        )


# --- what is done when -----------------------------------------------------


def _usable(examples: Sequence[Example], objective: Objective) -> list[Example]:
    """The examples to learn from. Raises InputError if there are none."""
    usable = _with_targets(examples, objective.together)
    if not usable:
        cut = sum(e.encoded.dropped > 0 for e in examples)
        raise InputError(
            f"none of {len(examples)} examples has a step with evidence to learn from "
            f"({cut} were cut off at the model's longest input)"
        )
    return usable


def _with_targets(examples: Sequence[Example], together: int) -> list[Example]:
    """The examples with a target; of those that stay together, all or none."""
    groups = [examples[i : i + together] for i in range(0, len(examples), together)]
    return [e for group in groups if all(e.known for e in group) for e in group]


def _check_settings(config: TrainConfig, evaluated: bool) -> None:
    if config.dtype not in ("float32", "bfloat16"):
        raise InputError(f"dtype must be float32 or bfloat16 in training, got {config.dtype!r}")
    if config.patience is not None and not evaluated:
        raise InputError("patience needs an evaluation to watch; pass evaluate, or no patience")


def _plan(
    examples: Sequence[Example], config: TrainConfig, together: int, batches: Batches
) -> list[list[int]]:
    """All batches of all epochs, in order; shuffled anew each epoch."""
    made = batches(examples, config.batch_tokens, together=together)
    orders = (
        rng_for(config.seed, "train", epoch).permutation(len(made))
        for epoch in range(config.epochs)
    )
    return [made[i] for order in orders for i in order]


def _optimizer(network: Network, config: TrainConfig) -> torch.optim.Optimizer:
    base = [p for p in network.base.parameters() if p.requires_grad]
    known = {id(p) for p in network.base.parameters()}
    head = [p for p in network.parameters() if id(p) not in known]
    groups = [{"params": base, "lr": config.lr}, {"params": head, "lr": config.head_lr}]
    return torch.optim.AdamW(
        [group for group in groups if group["params"]],
        betas=(0.9, 0.98),
        weight_decay=config.weight_decay,
    )


def _rate(step: int, steps: int, config: TrainConfig) -> float:
    """Share of the peak rate at an update: up over the warm-up, then down to zero."""
    done = (step + 1) / (steps + 1)
    return min(done / config.warmup if config.warmup else 1.0, (1 - done) / (1 - config.warmup))


def _remember(state: State, row: dict[str, Any], config: TrainConfig) -> None:
    """Notes an evaluation, and the weights if they are the best so far and will be wanted."""
    if config.patience is not None and config.watch not in row:
        raise InputError(
            f"the evaluation has no figure {config.watch!r} to watch, only {sorted(row)}"
        )
    state.history.append(row)
    if config.patience is not None and _since_best(state.history, config.watch) == 0:
        state.best = state.weights()


def _stale(history: list[dict[str, Any]], config: TrainConfig) -> bool:
    """Has `watch` not gone down for `patience` evaluations?"""
    return config.patience is not None and _since_best(history, config.watch) >= config.patience


def _since_best(history: list[dict[str, Any]], watch: str) -> int:
    """Evaluations since the lowest figure; 0 if it is the last one, or there is none."""
    seen = [math.inf if row[watch] is None else row[watch] for row in history if watch in row]
    return len(seen) - 1 - seen.index(min(seen)) if seen else 0


def _job(
    examples: Sequence[Example],
    config: TrainConfig,
    objective: Objective,
    plan: list[list[int]],
) -> str:
    """Names a training by its settings, its examples and their batches."""
    settings = json.dumps([objective.name, asdict(config), plan])
    digest = hashlib.blake2b(settings.encode(), digest_size=8)
    for e in examples:
        kept = (e.encoded.ids, e.targets_S, e.others_S, e.imitate, e.counted_from)
        digest.update(repr(kept).encode())
    return digest.hexdigest()
