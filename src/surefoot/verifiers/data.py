"""Labelled traces as padded batches, through the one encoder.

Dimension key: N traces, S steps, T tokens.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from surefoot.core.errors import InputError, KindError
from surefoot.core.types import Kind, LabelledTrace, StepLabel, Trace, Verdict
from surefoot.steps.encode import Encoded, Encoder
from surefoot.verifiers.losses import IGNORED
from surefoot.verifiers.network import Batch

Target = Callable[[StepLabel], float | None]
LENGTHS = 16  # padded lengths are multiples of this


def soft_target(label: StepLabel) -> float | None:
    """The share of tries that succeeded; None without evidence."""
    return label.value


def hard_target(label: StepLabel) -> float | None:
    """1.0 if any try succeeded, else 0.0; None without evidence (Math-Shepherd's hard labels)."""
    return None if label.hard is None else float(label.hard)


@dataclass(frozen=True, slots=True)
class Example:
    """An encoded trace, the target of each kept step, and whether its text is worth imitating."""

    encoded: Encoded
    targets_S: tuple[float | None, ...]
    imitate: bool


def examples_of(
    labelled: Sequence[LabelledTrace], encoder: Encoder, target: Target
) -> tuple[Kind, list[Example], int]:
    """The labels' common kind, the examples, and how many steps truncation dropped.

    Raises KindError for labels of mixed kinds, InputError if there are none.
    """
    kinds = {label.kind for item in labelled for label in item.labels}
    if not kinds:
        raise InputError("there are no labels to train on; label some traces first")
    if len(kinds) > 1:
        names = sorted(kind.value for kind in kinds)
        raise KindError(f"labels of different kinds {names} in one training set; train on one kind")
    examples = []
    for item in labelled:
        if len(item.labels) != len(item.trace.steps):
            raise InputError(
                f"a trace of problem {item.trace.problem.id!r} has {len(item.trace.steps)} steps "
                f"and {len(item.labels)} labels; each step needs one (without evidence: tries 0)"
            )
        encoded = encoder.encode(item.trace.problem, item.trace.steps)
        targets = tuple(target(label) for label in item.labels[: len(encoded.ends_S)])
        examples.append(Example(encoded, targets, item.trace.verdict is Verdict.CORRECT))
    return kinds.pop(), examples, sum(e.encoded.dropped for e in examples)


def encode_for_scoring(traces: Sequence[Trace], encoder: Encoder) -> list[Example]:
    """Examples without targets. Raises InputError for a trace without steps or that does not fit:
    a verifier owes one score for every step."""
    examples = []
    for trace in traces:
        if not trace.steps:
            raise InputError(f"a trace of problem {trace.problem.id!r} has no steps to score")
        encoded = encoder.encode(trace.problem, trace.steps)
        if encoded.dropped:
            raise InputError(
                f"a trace of problem {trace.problem.id!r} is too long for the verifier: step "
                f"{len(encoded.ends_S)} ends beyond {encoder.max_tokens} tokens; score shorter "
                "traces or use a verifier with a longer context"
            )
        examples.append(Example(encoded, (None,) * len(trace.steps), imitate=False))
    return examples


def batch_of(examples: Sequence[Example], *, pad: int) -> Batch:
    """One padded batch, [N] examples."""
    longest = max(len(e.encoded.ids) for e in examples)
    width = -(-longest // LENGTHS) * LENGTHS
    steps = max(len(e.encoded.ends_S) for e in examples)
    ids = torch.full((len(examples), width), pad)
    spans = torch.zeros((len(examples), steps, 2), dtype=torch.long)
    weights = torch.zeros((len(examples), width))
    targets = torch.full((len(examples), steps), IGNORED)
    for n, example in enumerate(examples):
        encoded = example.encoded
        ids[n, : len(encoded.ids)] = torch.tensor(encoded.ids)
        spans[n, : len(encoded.ends_S)] = torch.tensor(encoded.spans_S)
        weights[n, encoded.start : len(encoded.ids)] = float(example.imitate)
        for s, value in enumerate(example.targets_S):
            targets[n, s] = IGNORED if value is None else value
    return Batch(ids, spans, weights, targets)


def by_length(examples: Sequence[Example], tokens: int) -> list[list[int]]:
    """Indices of examples of similar length, in batches of at most `tokens` padded tokens."""
    order = sorted(range(len(examples)), key=lambda i: (len(examples[i].encoded.ids), i))
    batches: list[list[int]] = []
    for index in order:
        width = -(-len(examples[index].encoded.ids) // LENGTHS) * LENGTHS
        if not batches or width * (len(batches[-1]) + 1) > tokens:
            batches.append([])
        batches[-1].append(index)
    return batches
