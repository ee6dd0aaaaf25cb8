"""Which of two next steps is better? (OmegaPRM, arXiv:2406.06592; LLM2, arXiv:2412.20372)

    L = -mean over pairs (i, j) [ p log s(z_i - z_j) + (1 - p) log s(z_j - z_i) ]
    p = v_i / (v_i + v_j)

i and j are siblings: next steps after the same prefix, of values v_i and v_j (Bradley-Terry
with strengths v; pairs that both have v = 0 say nothing). LLM2's token triplets are pairs
with p = 1, of a solution's token and a worse one in its place: -log s(z_w - z_l). The mean
is over pairs that are there, never over padding. A fresh network has L = ln 2.

Scores are z, of kind preference: p says nothing about next steps of different prefixes, so
only a search that compares siblings alone takes them (`stepwise_best_of_n`). At the tokens
that triplets teach, they are LLM2's rewards (`verifiers.tokens`).

Dimension key: N examples, S steps, M pairs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations

import torch
import torch.nn.functional as F

from surefoot.core.errors import InputError
from surefoot.core.types import Kind, LabelledTrace, Trace
from surefoot.steps.encode import Encoded, Encoder
from surefoot.verifiers.data import Example, Target, View, one_kind
from surefoot.verifiers.kinds.prm import PRM
from surefoot.verifiers.losses import known_steps
from surefoot.verifiers.network import Batch

VALUES = frozenset({Kind.VALUE})


def siblings(labelled: Sequence[LabelledTrace], view: View, target: Target) -> list[Example]:
    """Two next steps of one prefix, next to each other, with p and 1 - p at their ends.

    A step that several traces share counts once. Raises InputError without any pair.
    """
    one_kind(labelled, VALUES)
    places: dict[tuple[str, ...], dict[str, tuple[Trace, float]]] = {}
    for item in labelled:
        texts = tuple(step.text for step in item.trace.steps)
        for t, label in enumerate(item.labels):
            value = target(label)
            if value is not None:
                cut = item.trace.with_steps(item.trace.steps[: t + 1])
                nexts = places.setdefault((item.trace.problem.id, *texts[:t]), {})
                nexts.setdefault(texts[t], (cut, value))
    examples = [
        example
        for nexts in places.values()
        for one, other in combinations(nexts.values(), 2)
        for example in _pair(one, other, view)
    ]
    if not examples:
        raise InputError(
            "no two traces part after the same steps with values that compare, and siblings are "
            "needed; label trees (`annotate.omega`), or more traces of each problem"
        )
    return examples


def _pair(one: tuple[Trace, float], other: tuple[Trace, float], view: View) -> Iterator[Example]:
    total = one[1] + other[1]
    if total == 0:
        return
    for trace, value in (one, other):
        [encoded] = view(trace.problem, trace.steps)
        p = None if encoded.dropped else value / total
        targets = (*(None for _ in encoded.ends_S[1:]), p)
        yield Example(encoded, targets, imitate=False)


def triplet_examples(
    trace: Trace, triplets: Sequence[tuple[int, int, int]], encoder: Encoder
) -> list[Example]:
    """`annotate.triplets` (position, better, worse) of a solution, as pairs of id sequences.

    Positions count the solution's own token ids, which every step must have (InputError).
    """
    if not all(step.ids for step in trace.steps):
        raise InputError(f"a trace of problem {trace.problem.id!r} has steps without token ids")
    start = len(encoder.prompt(trace.problem))
    ids = encoder.prefix_ids(trace.problem, trace.steps)
    examples = []
    for position, better, worse in triplets:
        place = start + position
        for token, p in ((better, 1.0), (worse, 0.0)):
            encoded = Encoded((*ids[:place], token), place, (place,), dropped=0)
            examples.append(Example(encoded, (p,), imitate=False))
    return examples


def preference(z_NS: torch.Tensor, batch: Batch) -> torch.Tensor:
    """The loss at the top; rows 2m and 2m + 1 are a pair. Raises ValueError without any."""
    known = known_steps(batch.targets_NS)
    if (known.sum(1) != 1).any():
        raise ValueError("each of a pair needs a target at one step, and one has none or several")
    z_M2 = z_NS[known].float().view(-1, 2)
    p_M = batch.targets_NS[known].view(-1, 2)[:, 0]
    return F.binary_cross_entropy_with_logits(z_M2[:, 0] - z_M2[:, 1], p_M)


def strength(z_NS: torch.Tensor) -> torch.Tensor:
    """z itself."""
    return z_NS.float()


PAIRWISE = replace(
    PRM,
    name="pairwise",
    examples=siblings,
    loss=preference,
    read=strength,
    kind=Kind.PREFERENCE,
    learns_from=VALUES,
    together=2,
)
