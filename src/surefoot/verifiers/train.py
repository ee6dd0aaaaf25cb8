"""The one training loop, for every kind of verifier.

    loss = step_loss + lm_weight * token_loss

What a verifier learns is decided by its examples (their labels and targets),
never here. The order of batches depends on the seed alone and the state is saved
as it goes, so a killed training, started again, ends in the same weights.
"""

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator

from surefoot.core.errors import InputError, StorageError
from surefoot.core.seeds import rng_for
from surefoot.verifiers.data import Example, batch_of, by_length
from surefoot.verifiers.losses import step_loss, token_loss
from surefoot.verifiers.network import VerifierNetwork

STATE = "training_state.pt"


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Settings of one training.

    epochs: passes over the examples. batch_tokens: padded tokens of one update.
    lr, head_lr: peak rates of the language model and of the fresh head; linear
      warm-up over `warmup` (a share of all updates), then linear to zero.
    lm_weight: weight of the language-model loss on right traces; it keeps the
      verifier able to read, on which its surprise features depend.
    save_every: updates between saved states. seed: decides the order.
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


@dataclass(frozen=True, slots=True)
class Update:
    """One update, as told to `report`: losses are of this batch."""

    step: int
    steps: int
    step_loss: float
    token_loss: float


def train(
    network: VerifierNetwork,
    examples: Sequence[Example],
    *,
    config: TrainConfig,
    pad: int,
    state_folder: Path | None = None,
    report: Callable[[Update], None] = lambda _: None,
    evaluate: Callable[[VerifierNetwork], dict[str, float]] | None = None,
) -> list[dict[str, Any]]:
    """Trains in place; returns one record an update (and one an evaluation, after each epoch).

    state_folder: where to save and resume; None keeps nothing.
    Runs under `accelerate launch` as it is. Raises InputError without a usable
    target, StorageError if the state cannot be saved.
    """
    usable = [e for e in examples if any(t is not None for t in e.targets_S)]
    if not usable:
        raise InputError(f"none of {len(examples)} examples has a step with evidence to learn from")
    accelerator = Accelerator(cpu=network.state.weight.device.type == "cpu")
    optimizer = _optimizer(network, config)
    network, optimizer = accelerator.prepare(network, optimizer)
    plan = _plan(usable, config)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: _rate(s, len(plan), config))
    job = _job(usable, config)
    history = _resume(state_folder, network, optimizer, schedule, job)
    done = sum("step_loss" in row for row in history)
    share, places = accelerator.process_index, accelerator.num_processes
    network.train()
    for step in range(done, len(plan)):
        indices = plan[step][share::places] or plan[step]
        losses = _losses(network, [usable[i] for i in indices], pad)
        accelerator.backward(losses[0] + config.lm_weight * losses[1])
        _check_gradient(accelerator.clip_grad_norm_(network.parameters(), 1.0), step, config)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        update = Update(step + 1, len(plan), *(float(loss.detach()) for loss in losses))
        history.append(asdict(update))
        report(update)
        if evaluate is not None and (step + 1) % (len(plan) // config.epochs) == 0:
            network.eval()
            history.append({"step": step + 1, **evaluate(accelerator.unwrap_model(network))})
            network.train()
        if state_folder is not None and (step + 1) % config.save_every == 0:
            _save(state_folder, network, optimizer, schedule, job, history)
    network.eval()
    return history


def _check_gradient(norm: torch.Tensor | None, step: int, config: TrainConfig) -> None:
    """Raises InputError if an update would fill the weights with numbers that are none."""
    if norm is not None and not math.isfinite(float(norm)):
        raise InputError(
            f"the gradient of update {step} is {float(norm)}; lower the learning rate "
            f"(now {config.lr}) or use dtype float32"
        )


def _losses(
    network: torch.nn.Module, examples: list[Example], pad: int
) -> tuple[torch.Tensor, torch.Tensor]:
    batch = batch_of(examples, pad=pad)
    device = next(network.parameters()).device
    logits_NS, logprobs_NT = network(batch.ids_NT.to(device), batch.spans_NS2.to(device))
    targets_NS = batch.targets_NS.to(device)
    return (
        step_loss(logits_NS, targets_NS),
        token_loss(logprobs_NT, batch.weights_NT.to(device)),
    )


def _plan(examples: Sequence[Example], config: TrainConfig) -> list[list[int]]:
    """All batches of all epochs, in order: batches of like lengths, shuffled anew each epoch."""
    batches = by_length(examples, config.batch_tokens)
    orders = (
        rng_for(config.seed, "train", epoch).permutation(len(batches))
        for epoch in range(config.epochs)
    )
    return [batches[i] for order in orders for i in order]


def _optimizer(network: VerifierNetwork, config: TrainConfig) -> torch.optim.Optimizer:
    head = [*network.state.parameters(), *network.surprise.parameters()]
    groups = [
        {"params": list(network.base.parameters()), "lr": config.lr},
        {"params": head, "lr": config.head_lr},
    ]
    return torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=config.weight_decay)


def _rate(step: int, steps: int, config: TrainConfig) -> float:
    """Share of the peak rate at an update: up over the warm-up, then down to zero."""
    done = (step + 1) / (steps + 1)
    return min(done / config.warmup if config.warmup else 1.0, (1 - done) / (1 - config.warmup))


def _job(examples: Sequence[Example], config: TrainConfig) -> str:
    """Names a training by its settings and its examples."""
    digest = hashlib.blake2b(json.dumps(asdict(config)).encode(), digest_size=8)
    for example in examples:
        digest.update(repr((example.encoded.ids, example.targets_S, example.imitate)).encode())
    return digest.hexdigest()


def _save(
    folder: Path,
    network: torch.nn.Module,
    optimizer: Any,
    schedule: Any,
    job: str,
    history: list[dict[str, Any]],
) -> None:
    state = {
        "network": network.state_dict(),
        "optimizer": optimizer.state_dict(),
        "schedule": schedule.state_dict(),
        "job": job,
        "history": json.dumps(history),
    }
    partial = folder / (STATE + ".partial")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        torch.save(state, partial)
        partial.replace(folder / STATE)
    except (OSError, RuntimeError) as error:
        raise StorageError(
            f"the training state could not be saved in {folder}: {error}; free some room and run "
            "the same command again: it goes on from the last saved state"
        ) from error


def _resume(
    folder: Path | None,
    network: torch.nn.Module,
    optimizer: Any,
    schedule: Any,
    job: str,
) -> list[dict[str, Any]]:
    """Loads a saved state of the same training; returns its history, [] if there is none."""
    if folder is None or not (folder / STATE).is_file():
        return []
    state = torch.load(folder / STATE, weights_only=True)
    if state["job"] != job:
        raise InputError(
            f"{folder / STATE} belongs to a training with other settings or examples; "
            "use another folder, or delete the file to start afresh"
        )
    network.load_state_dict(state["network"])
    optimizer.load_state_dict(state["optimizer"])
    schedule.load_state_dict(state["schedule"])
    history: list[dict[str, Any]] = json.loads(state["history"])
    return history
