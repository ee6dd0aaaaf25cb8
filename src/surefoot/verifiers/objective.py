"""What a verifier learns and how it is read: all that differs between kinds of verifiers.

    train:  loss( network(ids, places), targets )          score:  read( network(ids, places) )

The loop and the scorer know nothing else about a kind. One is a value of `Objective`, in a
file of its own in `verifiers/kinds/`; yours is `dataclasses.replace(PRM, loss=...)`.

Dimension key: N examples, S places that are judged (steps mostly), H outputs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import PreTrainedModel

from surefoot.core.types import Kind, LabelledTrace
from surefoot.steps.encode import Encoder
from surefoot.verifiers.data import (
    CHANCES,
    Example,
    Target,
    View,
    one_kind,
    refuse_kinds,
    refuse_targets,
    soft_target,
)
from surefoot.verifiers.network import Batch, Network
from surefoot.verifiers.self_check import check_agreement

Build = Callable[[PreTrainedModel, Any, Callable[[], PreTrainedModel]], Network]
Loss = Callable[[torch.Tensor, Batch], torch.Tensor]
Examples = Callable[[Sequence[LabelledTrace], View, Target], list[Example]]


def known_targets(examples: Sequence[Example]) -> int:
    """How many terms a loss that is a mean over targets has."""
    return sum(example.known for example in examples)


def rows(examples: Sequence[Example]) -> int:
    """How many terms a loss that is a mean over sequences has."""
    return sum(example.known > 0 for example in examples)


@dataclass(frozen=True, slots=True)
class Objective:
    """One kind of verifier, as functions.

    name: in cards and messages.
    build: the network, from a language model, its tokenizer and a function that gives a copy
      of the language model as it was before any training.
    view: from an encoder: what the network reads of a trace, in training and in scoring.
    examples: labelled traces to examples; it refuses labels that do not fit.
    target: what a step's label asks for.
    loss: z and a batch to a mean over `terms`; batches of an update, and the shares of
      several processes, are weighed by their terms, so that how they were cut does not matter.
    read: z, [N, S] or [N, S, H], to scores [N, steps].
    kind: of the scores; None for that of the labels.
    learns_from: kinds of labels that fit; empty if only verdicts are read.
    highest: targets are in [0, highest].
    together: so many consecutive examples (a pair) stay in one batch.
    """

    name: str
    build: Build
    view: Callable[[Encoder], View]
    examples: Examples
    loss: Loss
    read: Callable[[torch.Tensor], torch.Tensor]
    kind: Kind | None
    target: Target = soft_target
    learns_from: frozenset[Kind] = CHANCES
    highest: float = 1.0
    terms: Callable[[Sequence[Example]], int] = known_targets
    together: int = 1


@dataclass(frozen=True, slots=True)
class Prepared:
    """Examples of an objective, the kind of the scores to come, and the steps cut off."""

    kind: Kind
    examples: list[Example]
    dropped: int


def prepare(labelled: Sequence[LabelledTrace], encoder: Encoder, objective: Objective) -> Prepared:
    """Labelled traces as an objective wants them, after the start-up check that training and
    scoring agree.

    Raises KindError for labels it cannot learn from, InputError if there are none or one asks
    for a target out of range, and ModelError if ids or places would differ.
    """
    if objective.learns_from:
        refuse_kinds(labelled, objective.learns_from)  # first: progress may well be -1
        refuse_targets(labelled, objective.target, objective.highest)
    view = objective.view(encoder)
    examples = objective.examples(labelled, view, objective.target)
    check_agreement(labelled, examples, encoder, view)
    kind = objective.kind or one_kind(labelled, objective.learns_from)
    return Prepared(kind, examples, sum(e.encoded.dropped for e in examples))
