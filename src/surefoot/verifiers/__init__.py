"""Models that learnt from labels: one encoder, one training loop, one score a step.

Importing this package needs torch: pip install 'surefoot[models]'.
"""

from surefoot.verifiers.checkpoint import (
    Card,
    load_likelihood,
    load_verifier,
    new_network,
    save_verifier,
)
from surefoot.verifiers.data import examples_of, hard_target, soft_target
from surefoot.verifiers.formats.critic import critique
from surefoot.verifiers.incremental import IncrementalScorer
from surefoot.verifiers.kinds import KINDS
from surefoot.verifiers.load import load_birm, load_scorer
from surefoot.verifiers.lora import merged, with_lora
from surefoot.verifiers.objective import Objective, Prepared, prepare
from surefoot.verifiers.packing import (
    Sharing,
    by_prefix,
    each_edge_once,
    packed,
    packed_scorer,
    sharing,
)
from surefoot.verifiers.score import LocalScorer, scorer
from surefoot.verifiers.train import TrainConfig, train

__all__ = [
    "KINDS",
    "Card",
    "IncrementalScorer",
    "LocalScorer",
    "Objective",
    "Prepared",
    "Sharing",
    "TrainConfig",
    "by_prefix",
    "critique",
    "each_edge_once",
    "examples_of",
    "hard_target",
    "load_birm",
    "load_likelihood",
    "load_scorer",
    "load_verifier",
    "merged",
    "new_network",
    "packed",
    "packed_scorer",
    "prepare",
    "save_verifier",
    "scorer",
    "sharing",
    "soft_target",
    "train",
    "with_lora",
]
