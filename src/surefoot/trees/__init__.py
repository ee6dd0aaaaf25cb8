"""Trees of steps: which way to go, how they grow, what they say about their steps."""

from surefoot.trees.bisect import first_error_between
from surefoot.trees.grow import (
    Grown,
    RolloutTree,
    draw,
    estimate,
    expand,
    finish,
    next_steps,
    pay,
    rollout_tree,
)
from surefoot.trees.pack import NodeLabel, counted, labelled_traces
from surefoot.trees.select import descend, puct, token_prior, ucb, uct

__all__ = [
    "Grown",
    "NodeLabel",
    "RolloutTree",
    "counted",
    "descend",
    "draw",
    "estimate",
    "expand",
    "finish",
    "first_error_between",
    "labelled_traces",
    "next_steps",
    "pay",
    "puct",
    "rollout_tree",
    "token_prior",
    "ucb",
    "uct",
]
