"""A training's state on disk, whole or not at all: weights, optimizer, schedule, history.

Under FSDP every process takes part in gathering and spreading it; else it is the main one's.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch.distributed.checkpoint import state_dict as sharded
from torch.distributed.fsdp import FSDPModule, FullyShardedDataParallel

from surefoot.core.errors import InputError, StorageError
from surefoot.core.files import replacing

STATE = "training_state.pt"
WHOLE = sharded.StateDictOptions(full_state_dict=True, cpu_offload=True)
SPREAD = sharded.StateDictOptions(full_state_dict=True, broadcast_from_rank0=True)


def is_sharded(network: torch.nn.Module) -> bool:
    """Is it FSDP's? (`Accelerator.distributed_type` does not know: the next state resets it.)"""
    return isinstance(network, FSDPModule | FullyShardedDataParallel)


def whole_weights(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The network's weights; if FSDP has sharded them, all of them in the main process and {} in
    the others, each of which must ask."""
    if not is_sharded(network):
        return network.state_dict()
    weights: dict[str, Any] = sharded.get_model_state_dict(network, options=WHOLE)
    return weights


@dataclass(slots=True)
class State:
    """What a training holds. job: names it. best: the weights to go back to, None before any."""

    accelerator: Accelerator
    network: torch.nn.Module
    optimizer: Any
    schedule: Any
    job: str
    history: list[dict[str, Any]]
    best: dict[str, torch.Tensor] | None = None

    def save(self, folder: Path) -> None:
        """Replaces the state in `folder`. Raises StorageError."""
        network, optimizer = self._gathered()
        if not self.accelerator.is_main_process:
            return
        state = {
            "network": network,
            "optimizer": optimizer,
            "schedule": self.schedule.state_dict(),
            "job": self.job,
            "history": json.dumps(self.history),
            "best": self.best,
        }
        try:
            with replacing(folder / STATE) as partial:
                torch.save(state, partial)
        except (OSError, RuntimeError) as error:
            raise StorageError(
                f"the training state could not be saved in {folder}: {error}; free some room and "
                "run the same command again: it goes on from the last saved state"
            ) from error

    def resume(self, folder: Path | None) -> None:
        """Takes up the state of the same training, if there is one.

        Raises InputError if it is of another.
        """
        if folder is None or not (folder / STATE).is_file():
            return
        state = torch.load(folder / STATE, weights_only=True, map_location="cpu")
        if state["job"] != self.job:
            raise InputError(
                f"{folder / STATE} belongs to a training with other settings or examples; "
                "use another folder, or delete the file to start afresh"
            )
        self._spread(state["network"], state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        self.history = json.loads(state["history"])
        self.best = state["best"]

    def weights(self) -> dict[str, torch.Tensor]:
        """A copy of the network's weights."""
        return {k: v.detach().clone() for k, v in self._gathered()[0].items()}

    def restore(self, weights: dict[str, Any]) -> None:
        """Puts weights back."""
        if is_sharded(self.network):
            sharded.set_model_state_dict(self.network, weights, options=SPREAD)
        else:
            self.accelerator.unwrap_model(self.network).load_state_dict(weights)

    def _gathered(self) -> tuple[dict[str, Any], dict[str, Any]]:
        if not is_sharded(self.network):
            network = self.accelerator.unwrap_model(self.network)
            return network.state_dict(), self.optimizer.state_dict()
        optimizer = self.optimizer.optimizer
        return sharded.get_state_dict(self.network, optimizer, options=WHOLE)

    def _spread(self, network: dict[str, Any], optimizer: dict[str, Any]) -> None:
        if not is_sharded(self.network):
            self.accelerator.unwrap_model(self.network).load_state_dict(network)
            self.optimizer.load_state_dict(optimizer)
            return
        sharded.set_state_dict(
            self.network,
            self.optimizer.optimizer,
            model_state_dict=network,
            optim_state_dict=optimizer,
            options=SPREAD,
        )
