r"""A training as `accelerate launch --use_fsdp` runs it, on CPU: a script for test_loop.py.

    ACCELERATE_USE_FSDP=true FSDP_VERSION=2 torchrun --nproc_per_node 2 sharded_training.py \
        BASE LABELS FOLDER [KILLED_AT]

accelerate 1.15 makes FSDP of processes with GPUs alone and trains others as DDP, whatever was
asked for. That is one name in its state, which is set here; everything else (sharding,
gathering, spreading, saving) is what runs on GPUs.
"""

import json
import os
import signal
import sys
from pathlib import Path

import torch
from accelerate import DistributedType
from accelerate.state import AcceleratorState

from surefoot.core.records import labelled_of, read_all
from surefoot.verifiers import KINDS, TrainConfig, new_network, prepare, save_verifier, train
from surefoot.verifiers.checkpoint import encoder_card
from surefoot.verifiers.state import is_sharded

plain_init = AcceleratorState.__init__


def init(self, *args, fsdp_plugin=None, **settings):
    plain_init(self, *args, fsdp_plugin=fsdp_plugin, **settings)
    if fsdp_plugin is not None and self.distributed_type is DistributedType.MULTI_CPU:
        self.distributed_type, self.fsdp_plugin = DistributedType.FSDP, fsdp_plugin


def main(base, labels, folder, killed_at=None):
    objective = KINDS["prm"]
    network, encoder = new_network(base, objective=objective, device="cpu", seed=1)
    prepared = prepare(read_all(labels, labelled_of), encoder, objective)

    def kill(update):
        if update.step == int(killed_at or -1):
            os.kill(os.getpid(), signal.SIGKILL)

    config = TrainConfig(epochs=4, batch_tokens=600, lr=3e-3, save_every=1)
    history = train(
        network, prepared.examples, config=config, pad=0, objective=objective,
        state_folder=Path(folder), report=kill,
    )  # fmt: skip
    card = encoder_card("v", prepared.kind, encoder, "t", objective=objective, base=base)
    save_verifier(Path(folder) / "verifier", network, encoder, card)
    print(json.dumps({"history": history, "sharded": is_sharded(network)}))


if __name__ == "__main__":
    AcceleratorState.__init__ = init
    torch.set_num_threads(1)
    main(*sys.argv[1:])
