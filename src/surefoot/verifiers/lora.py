"""Low-rank adapters (LoRA, Hu et al., arXiv:2106.09685), through peft.

    W + (alpha / rank) B A        A: [rank, in], B: [out, rank], B = 0 at first

Only A, B and the verifier's own head are trained. `merged` adds them to the weights, so a
saved verifier is a plain checkpoint.
"""

from typing import TypeVar

import torch

from surefoot.core.errors import InputError, need
from surefoot.verifiers.network import Network

N = TypeVar("N", bound=Network)


def with_lora(network: N, *, rank: int = 16, alpha: int = 32, seed: int = 0) -> N:
    """The network with adapters on every linear layer of its blocks, in place.

    seed: decides A. Raises MissingExtra without peft, InputError for a rank below 1.
    """
    if rank < 1:
        raise InputError(f"the rank of an adapter must be 1 or more, got {rank}")
    peft = need("peft", "train")
    config = peft.LoraConfig(r=rank, lora_alpha=alpha, target_modules="all-linear")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network.base = peft.get_peft_model(network.base, config)
    return network


def merged(network: N) -> N:
    """The network with its adapters added to its weights, in place; one without is as it was."""
    merge = getattr(network.base, "merge_and_unload", None)
    if merge is not None:
        network.base = merge()
    return network
