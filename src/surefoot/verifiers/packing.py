"""Packs: paths that share a prefix are read once.

The ids of all paths make a tree of tokens. What its branches have in common, the trunk, is
read first; then the branches, in packs (`verifiers/packs.py`) that go on from it. Gradients
flow back through both. What was read is laid out along the paths again before a head sees
it: log P(token | its own ancestors), sums and minima along the path. So every loss and every
score is that of the separate paths, each path counting as it does unpacked; for each edge to
count once, train on `each_edge_once(examples)`. Paths that share nothing lie side by side.

Dimension key: N paths, S steps, T tokens, B packs, P places of a pack, C channels, L past tokens.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar
from weakref import WeakSet

import torch
from transformers import PreTrainedModel

from surefoot.core.errors import ModelError
from surefoot.verifiers.data import Example
from surefoot.verifiers.network import Network, Reading
from surefoot.verifiers.packs import (
    Ids,
    Pack,
    Past,
    Seen,
    check_window,
    common_length,
    cut,
    no_trunk,
    pack,
    padded_width,
    prove,
    round_up,
    see,
    trunk,
)
from surefoot.verifiers.score import LocalScorer

Trunk = Callable[[Sequence[int], int, int], int]
N = TypeVar("N", bound=Network)
WIDTH = 256  # places of a pack of branches: all of them are attended to, seen or not
TRUNK_WIDTH = 512
FOREIGN = (
    "this verifier reads its own format, one trace at a time; use it as it is, or train one with "
    "`surefoot train`"
)


def packed(network: N) -> N:
    """The same network, with the same parameters, that reads shared prefixes once.

    Train it with batches `by_prefix`, or few prefixes are shared. Raises ModelError if the
    model does not keep to a mask of ancestors (some attention implementations and all
    recurrent layers do not): its scores would depend on the neighbours in a pack.
    """
    prove(network.base, read_packed)
    return network.reading(read_packed)


def packed_scorer(scorer: LocalScorer) -> LocalScorer:
    """The same scorer, up to rounding, that reads shared prefixes once. Raises ModelError as
    `packed` does, and for a scorer that is not a network of this package."""
    if scorer.reading is None:
        raise ModelError(FOREIGN)
    return scorer.reading(_prove_and_read, by_prefix)


def read_packed(base: PreTrainedModel, ids_NT: torch.Tensor, spans_NS2: torch.Tensor) -> Reading:
    """Reads the rows up to their last step, shared prefixes once. Equal to `read_rows` there,
    up to rounding; log-probabilities beyond a row's end are 0. Cost: a forward pass over the
    trunks and one over the packs; under gradient checkpointing, which knows no past, one over
    packs without trunks."""
    lengths = spans_NS2[..., 1].amax(1).tolist()
    ids_N = [tuple(row[:n]) for row, n in zip(ids_NT.tolist(), lengths, strict=True)]
    check_window(base, max(lengths))
    made = forest(ids_N, past=no_trunk if _forgets(base) else trunk)
    if made.trunks:
        below = Past([0] * len(made.trunks), _nothing)
        first = see(base, made.trunks, below)
        seen = [first, see(base, made.packs, _past_of(made, first))]
    else:
        seen = [see(base, made.packs)]
    places_NT = made.places_NT(ids_NT.shape).to(ids_NT.device)
    real_NT = places_NT.clamp(min=0)
    inner_NT = (places_NT >= 0) & (torch.arange(ids_NT.shape[1], device=ids_NT.device) > 0)
    ends_NS = real_NT.gather(1, (spans_NS2[..., 1] - 1).clamp(min=0))
    return Reading(
        torch.cat([part.states_BPC.flatten(0, 1) for part in seen])[ends_NS],
        torch.where(inner_NT, torch.cat([s.logprobs_BP.flatten() for s in seen])[real_NT], 0.0),
        torch.where(inner_NT, torch.cat([s.regrets_BP.flatten() for s in seen])[real_NT], 0.0),
    )


# --- planning ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Forest:
    """trunks: packs of what is read first. packs: of the branches. stems_BL: the places of
    what all of a pack's paths begin with, among the trunks; the pack begins with the last of
    them again, for what it says about the next token. A pack without a trunk has none.
    """

    trunks: list[Pack]
    packs: list[Pack]
    stems_BL: list[list[int]]

    @property
    def tokens(self) -> int:
        """How many are read."""
        return sum(len(made.ids_P) for made in (*self.trunks, *self.packs))

    def room(self) -> int:
        """Places with padding."""
        return sum(len(part) * padded_width(part) for part in (self.trunks, self.packs) if part)

    def places_NT(self, shape: torch.Size) -> torch.Tensor:
        """[N, T] where each token of each path lies, packs after trunks, row after row; -1 for
        none. The token that a pack repeats is the trunk's."""
        places_NT = torch.full(shape, -1)
        first = len(self.trunks) * padded_width(self.trunks) if self.trunks else 0
        width = padded_width(self.packs)
        for row, (made, stem) in enumerate(zip(self.packs, self.stems_BL, strict=True)):
            for path, places in zip(made.paths, made.places, strict=True):
                own = [place + first + row * width for place in places]
                whole = stem + own[1 if stem else 0 :]
                places_NT[path, : len(whole)] = torch.tensor(whole)
        return places_NT


def forest(ids_N: Sequence[Ids], *, past: Trunk = trunk) -> Forest:
    """All paths as trunks and packs. O(tokens)."""
    parts = cut(ids_N, WIDTH if past is trunk else TRUNK_WIDTH, past)
    stems_B = [ids_N[paths[0]][: known + 1] if known else () for paths, known in parts]
    stems = sorted(set(stems_B) - {()})
    trunks = [pack(stems, chosen) for chosen, _ in cut(stems, TRUNK_WIDTH)]
    packs = [pack({n: ids_N[n][known:] for n in paths}, paths) for paths, known in parts]
    where = {(): [], **_places_of(stems, trunks)}
    return Forest(trunks, packs, [where[stem] for stem in stems_B])


def _places_of(stems: Sequence[Ids], trunks: Sequence[Pack]) -> dict[Ids, list[int]]:
    """Of each stem's tokens, row after row."""
    width = padded_width(trunks) if trunks else 0
    return {
        stems[stem]: [place + row * width for place in places]
        for row, made in enumerate(trunks)
        for stem, places in zip(made.paths, made.places, strict=True)
    }


def _forgets(base: PreTrainedModel) -> bool:
    """Does gradient checkpointing drop keys and values?"""
    return base.training and any(
        getattr(m, "gradient_checkpointing", False) for m in base.modules()
    )


def _past_of(made: Forest, trunks: Seen) -> Past:
    """The branches' past among the keys and values of the trunks."""
    pasts_BL = [stem[:-1] for stem in made.stems_BL]
    lengths = [len(past) for past in pasts_BL]
    index_BL = torch.zeros((len(lengths), max(lengths)), dtype=torch.long)
    for row, past in enumerate(pasts_BL):
        index_BL[row, : len(past)] = torch.tensor(past, dtype=torch.long)

    def old(number: int, new_BHPD: torch.Tensor) -> torch.Tensor:
        flat_PHD = trunks.kv[number].transpose(1, 2).flatten(0, 1)
        chosen_PHD = flat_PHD.index_select(0, index_BL.flatten().to(new_BHPD.device))
        return chosen_PHD.view(*index_BL.shape, *chosen_PHD.shape[1:]).transpose(1, 2)

    return Past(lengths, old)


def _nothing(_number: int, new_BHPD: torch.Tensor) -> torch.Tensor:
    return new_BHPD[:, :, :0]


def by_prefix(examples: Sequence[Example], tokens: int, *, together: int = 1) -> list[list[int]]:
    """Indices of examples in batches of at most `tokens` padded places (of pairs, about so
    many); paths of one tree lie together.

    For a network that reads packs: to any other its batches may be far too large.
    together: so many consecutive examples, such as a pair, are never parted.
    """
    ids_N = [example.encoded.ids for example in examples]
    batches: list[list[int]] = []
    rows = widest = stems = 0
    before: Ids = ()
    for leads, known in cut(ids_N[::together], max(min(WIDTH, tokens) // together, 1), trunk):
        members = [lead * together + i for lead in leads for i in range(together)]
        stem = ids_N[members[0]][:known]
        branches = pack({n: ids_N[n * together][known:] for n in leads}, leads)
        others = sum(len(ids_N[i]) for i in members if i % together)
        width = round_up(len(branches.ids_P) + others)
        more = len(stem) - common_length(before, stem)
        if not batches or (rows + 1) * max(widest, width) + round_up(stems + more) > tokens:
            batches.append([])
            rows = widest = stems = 0
            more = len(stem)
        batches[-1] += members
        rows, widest, stems, before = rows + 1, max(widest, width), stems + more, stem
    return batches


@dataclass(frozen=True, slots=True)
class Sharing:
    """Tokens of one pass: of all paths read apart, packed, and how many of the latter are
    read again (where a tree was cut, and the last token of each trunk). `ratio`: how many
    times fewer tokens are read."""

    apart: int
    packed: int
    again: int

    @property
    def ratio(self) -> float:
        """At least 1 where nothing is read again."""
        return self.apart / self.packed if self.packed else 1.0


def sharing(examples: Sequence[Example], tokens: int) -> Sharing:
    """What packing the examples in batches of `tokens` places saves."""
    ids_N = [example.encoded.ids for example in examples]
    order = sorted(range(len(ids_N)), key=ids_N.__getitem__)
    batches = by_prefix(examples, tokens)
    read = sum(forest([ids_N[i] for i in batch]).tokens for batch in batches)
    return Sharing(sum(map(len, ids_N)), read, read - len(pack(ids_N, order).ids_P))


def each_edge_once(examples: Sequence[Example]) -> list[Example]:
    """The same examples, with every step and every token counted by one path alone.

    A step's target is the mean of the targets it has on all its paths; the first path
    keeps it, on the others it is None. Of the traces worth imitating, the first counts
    a shared token. Unpacked and packed training on them agree.
    """
    tables = (
        _first_keeps_the_mean(examples, [example.targets_S for example in examples]),
        _first_keeps_the_mean(examples, [example.others_S for example in examples]),
    )
    counted = [
        replace(example, targets_S=targets_S, others_S=others_S)
        for example, targets_S, others_S in zip(examples, *tables, strict=True)
    ]
    imitated: Ids = ()
    for n in sorted(range(len(examples)), key=lambda n: examples[n].encoded.ids):
        ids = examples[n].encoded.ids
        if examples[n].imitate:
            counted[n] = replace(counted[n], counted_from=common_length(imitated, ids))
            imitated = ids
    return counted


def _first_keeps_the_mean(
    examples: Sequence[Example], values_NS: Sequence[tuple[float | None, ...]]
) -> list[tuple[float | None, ...]]:
    """Each edge's known values as their mean at its first path, None at the others."""
    edges_NS = [
        [example.encoded.ids[: end + 1] for end in example.encoded.ends_S[: len(values_S)]]
        for example, values_S in zip(examples, values_NS, strict=True)
    ]
    known: dict[Ids, list[float]] = {}
    for edges_S, values_S in zip(edges_NS, values_NS, strict=True):
        for edge, value in zip(edges_S, values_S, strict=True):
            known.setdefault(edge, []).extend([] if value is None else [value])
    means = {edge: sum(values) / len(values) for edge, values in known.items() if values}
    return [tuple(means.pop(edge, None) for edge in edges_S) for edges_S in edges_NS]


def _prove_and_read(
    base: PreTrainedModel, ids_NT: torch.Tensor, spans_NS2: torch.Tensor
) -> Reading:
    """`read_packed` by a model that was proven once."""
    if base not in _PROVEN:
        prove(base, read_packed)
        _PROVEN.add(base)
    return read_packed(base, ids_NT, spans_NS2)


_PROVEN: WeakSet[PreTrainedModel] = WeakSet()
