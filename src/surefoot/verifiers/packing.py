"""Packs: paths that share a prefix are read once, in one row of tokens.

The ids of all paths make a tree of tokens; a pack is that tree in preorder. A token's
position is its depth, and token q sees its ancestors and itself:

    q sees k  <=>  k <= q < stop(k),    stop(k): the place after k's last descendant

What was read is laid out along the paths again before a head sees it: log P(token |
its own ancestors), sums and minima along the path. So every loss and every score is
that of the separate paths, each path counting as it does unpacked; for each edge to
count once, train on `each_edge_once(examples)`. Paths that share nothing lie side by side.

Dimension key: N paths, S steps, T tokens, B packs, P places of a pack, C channels.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeVar
from weakref import WeakSet

import torch
from transformers import PreTrainedModel

from surefoot.core.errors import ModelError
from surefoot.verifiers.data import Example
from surefoot.verifiers.network import Network, Read, Reading, read_rows
from surefoot.verifiers.score import LocalScorer

N = TypeVar("N", bound=Network)
Ids = tuple[int, ...]
WIDTH = 512  # places of a pack: more share more, and attend to more that they must not see
PLACES = 64  # padded widths are multiples of this
FOREIGN = (
    "this verifier reads its own format, one trace at a time; use it as it is, or train one with "
    "`surefoot train`"
)
CURE = "load it with attn_implementation 'sdpa' or 'eager', or leave it unpacked"


@dataclass(frozen=True, slots=True)
class Pack:
    """paths: which paths lie in it. places: [T] of each, where its tokens are.

    ids_P; depths_P: position in the path; parents_P: place of the token before (a first
    token is its own parent); stops_P: the place after its last descendant.
    """

    paths: list[int]
    places: list[list[int]]
    ids_P: list[int]
    depths_P: list[int]
    parents_P: list[int]
    stops_P: list[int]


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
    up to rounding; log-probabilities beyond a row's end are 0. Cost: one forward pass over
    the packs."""
    lengths = spans_NS2[..., 1].amax(1).tolist()
    ids_N = [tuple(row[:n]) for row, n in zip(ids_NT.tolist(), lengths, strict=True)]
    check_window(base, max(lengths))
    packs = [pack(ids_N, paths) for paths in cut(ids_N)]
    device, width = ids_NT.device, padded_width(packs)
    ids_BP, depths_BP, parents_BP, stops_BP = stack_packs(packs, width).to(device)
    out = base(
        input_ids=ids_BP,
        position_ids=depths_BP,
        attention_mask=ancestors_mask(stops_BP, base.dtype),
        output_hidden_states=True,
        use_cache=False,
    )
    logprobs_BP, regrets_BP = surprise_at(out.logits, ids_BP, parents_BP)
    places_NT = _places(packs, ids_NT.shape, width).to(device)
    real_NT = places_NT.clamp(min=0)
    inner_NT = (places_NT >= 0) & (torch.arange(ids_NT.shape[1], device=device) > 0)
    ends_NS = real_NT.gather(1, (spans_NS2[..., 1] - 1).clamp(min=0))
    return Reading(
        out.hidden_states[-1].flatten(0, 1)[ends_NS].float(),
        torch.where(inner_NT, logprobs_BP.flatten()[real_NT], 0.0),
        torch.where(inner_NT, regrets_BP.flatten()[real_NT], 0.0),
    )


def surprise_at(
    logits_BPV: torch.Tensor, ids_BP: torch.Tensor, parents_BP: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-probability and regret of each token after the one at its parent's place, float32."""
    logits_BPV = logits_BPV.float()
    rows_B1 = torch.arange(len(ids_BP), device=ids_BP.device)[:, None]
    logit_BP = logits_BPV[rows_B1, parents_BP, ids_BP]
    total_BP, peak_BP = logits_BPV.logsumexp(-1), logits_BPV.amax(-1)
    return logit_BP - total_BP.gather(1, parents_BP), logit_BP - peak_BP.gather(1, parents_BP)


def ancestors_mask(stops_BP: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """[B, 1, P, P] to add to attention scores: 0 where a token sees, the least number elsewhere."""
    places_P = torch.arange(stops_BP.shape[1], device=stops_BP.device)
    seen_BPP = (places_P <= places_P[:, None]) & (places_P[:, None] < stops_BP[:, None])
    mask_BPP = torch.zeros(seen_BPP.shape, dtype=dtype, device=stops_BP.device)
    return mask_BPP.masked_fill_(~seen_BPP, torch.finfo(dtype).min)[:, None]


# --- planning ----------------------------------------------------------------


def pack(ids_N: Sequence[Ids], paths: Sequence[int]) -> Pack:
    """The chosen paths, which must be sorted by their ids, as one pack. O(tokens)."""
    made = Pack(list(paths), [], [], [], [], [])
    before: Ids = ()
    places: list[int] = []
    for path in paths:
        ids, start = ids_N[path], len(made.ids_P)
        common = _common(before, ids)
        new = range(start, start + len(ids) - common)
        places = [*places[:common], *new]
        made.places.append(places)
        made.ids_P.extend(ids[common:])
        made.depths_P.extend(range(common, len(ids)))
        made.parents_P.extend(places[max(depth - 1, 0)] for depth in range(common, len(ids)))
        made.stops_P.extend(0 for _ in new)
        for place in places:  # preorder: whoever comes last decides
            made.stops_P[place] = new.stop
        before = ids
    return made


def cut(ids_N: Sequence[Ids], width: int = WIDTH) -> list[list[int]]:
    """Paths in packs of at most `width` places (more only for a single path that is longer).

    A tree that does not fit is cut at its branches nearest the root, and what the parts
    share is read once for each; `sharing` says how much that is. Small trees share a pack.
    """
    if not ids_N:
        return []
    order = sorted(range(len(ids_N)), key=ids_N.__getitem__)
    common = [0, *(_common(ids_N[a], ids_N[b]) for a, b in pairwise(order))]
    sizes = [len(ids_N[path]) for path in order]
    total = [0]  # of new tokens, before each path
    for size, shared in zip(sizes, common, strict=True):
        total.append(total[-1] + size - shared)

    def places(start: int, stop: int) -> int:
        return total[stop] - total[start] + common[start]

    packs: list[tuple[int, int]] = []
    for start, stop in _parts(common, places, width):
        if packs and places(packs[-1][0], stop) <= width:
            packs[-1] = (packs[-1][0], stop)
        else:
            packs.append((start, stop))
    return [order[start:stop] for start, stop in packs]


def by_prefix(examples: Sequence[Example], tokens: int, *, together: int = 1) -> list[list[int]]:
    """Indices of examples in batches of at most `tokens` padded places (of pairs, about so
    many); paths of one tree lie together.

    For a network that reads packs: to any other its batches may be far too large.
    together: so many consecutive examples, such as a pair, are never parted.
    """
    ids_N = [example.encoded.ids for example in examples]
    batches: list[list[int]] = []
    count = widest = 0
    for leads in cut(ids_N[::together], min(WIDTH, tokens) // together):
        members = [lead * together + i for lead in leads for i in range(together)]
        chosen = [ids_N[i] for i in members]
        packs = [pack(chosen, paths) for paths in cut(chosen, min(WIDTH, tokens))]
        count, widest = count + len(packs), max(widest, padded_width(packs))
        if not batches or count * widest > tokens:
            batches.append([])
            count, widest = len(packs), padded_width(packs)
        batches[-1] += members
    return batches


@dataclass(frozen=True, slots=True)
class Sharing:
    """Tokens of one pass: of all paths read apart, of the packs, and how many of those are
    read again because a tree was cut. `ratio`: how many times fewer tokens are read."""

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
    batches = [[ids_N[i] for i in batch] for batch in by_prefix(examples, tokens)]
    width = min(WIDTH, tokens)
    read = sum(len(pack(ids, paths).ids_P) for ids in batches for paths in cut(ids, width))
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
            counted[n] = replace(counted[n], counted_from=_common(imitated, ids))
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


def _common(a: Ids, b: Ids) -> int:
    """Length of the common prefix."""
    pairs = enumerate(zip(a, b, strict=False))
    return next((i for i, (x, y) in pairs if x != y), min(len(a), len(b)))


def _parts(
    common: list[int], places: Callable[[int, int], int], width: int
) -> Iterator[tuple[int, int]]:
    """Ranges of sorted paths, in order, each of at most `width` places or one path."""
    waiting = [(0, len(common))]
    while waiting:
        start, stop = waiting.pop()
        if stop - start == 1 or places(start, stop) <= width:
            yield start, stop
            continue
        nearest = min(common[start + 1 : stop])
        cuts = [i for i in range(start + 1, stop) if common[i] == nearest]
        waiting += reversed([*pairwise([start, *cuts, stop])])


# --- tensors -----------------------------------------------------------------


def padded_width(packs: Sequence[Pack]) -> int:
    """Of the widest pack, padding included."""
    longest = max(len(made.ids_P) for made in packs)
    return -(-longest // PLACES) * PLACES


def stack_packs(packs: Sequence[Pack], width: int) -> torch.Tensor:
    """[4, B, P] ids, depths, parents and stops; padding sees itself and is seen by none."""
    layout = torch.zeros((4, len(packs), width), dtype=torch.long)
    layout[2] = torch.arange(width)
    layout[3] = layout[2] + 1
    for row, made in enumerate(packs):
        columns = (made.ids_P, made.depths_P, made.parents_P, made.stops_P)
        layout[:, row, : len(made.ids_P)] = torch.tensor(columns)
    return layout


def _places(packs: Sequence[Pack], shape: torch.Size, width: int) -> torch.Tensor:
    """[N, T] where each token of each path lies among all places, row after row; -1 for none."""
    places_NT = torch.full(shape, -1)
    for row, made in enumerate(packs):
        for path, places in zip(made.paths, made.places, strict=True):
            places_NT[path, : len(places)] = torch.tensor(places) + row * width
    return places_NT


def check_window(base: PreTrainedModel, longest: int) -> None:
    """A mask of our own replaces the model's: within one window both let a token see all."""
    config = base.config.get_text_config()
    window = getattr(config, "sliding_window", None)
    if window and getattr(config, "use_sliding_window", True) and longest > window:
        raise ModelError(
            f"a path of {longest} tokens is longer than the model's sliding window of {window}, "
            "which packs do not follow; read it unpacked"
        )


@torch.no_grad()
def prove(base: PreTrainedModel, read: Read) -> None:
    """Raises ModelError unless `read` sees branches of a tree, and a second time too, as
    `read_rows` sees them apart."""
    branches = [[1, 2, 3, 4, 5, 6], [1, 2, 7, 8, 9, 10], [1, 2, 7, 3, 4, 5]]
    ids_NT = torch.tensor(branches, device=base.device) % base.config.get_text_config().vocab_size
    spans_NS2 = torch.tensor([[[1, 3], [3, 6]]] * len(branches), device=base.device)
    training = base.training
    base.eval()
    try:
        apart = read_rows(base, ids_NT, spans_NS2).states_NSC
        first = read(base, ids_NT[:2], spans_NS2[:2]).states_NSC
        again = read(base, ids_NT, spans_NS2).states_NSC
    except (TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise ModelError(f"this model cannot read branches together: {error}; {CURE}") from error
    finally:
        base.train(training)
    off = max((apart[:2] - first).abs().max(), (apart - again).abs().max()) / apart.abs().max()
    if not off < torch.finfo(base.dtype).eps ** 0.5:
        raise ModelError(
            f"this model does not keep to a mask of ancestors: branches read together change "
            f"each other's states by {float(off):.2g} of their size; {CURE}"
        )


def _prove_and_read(
    base: PreTrainedModel, ids_NT: torch.Tensor, spans_NS2: torch.Tensor
) -> Reading:
    """`read_packed` by a model that was proven once."""
    if base not in _PROVEN:
        prove(base, read_packed)
        _PROVEN.add(base)
    return read_packed(base, ids_NT, spans_NS2)


_PROVEN: WeakSet[PreTrainedModel] = WeakSet()
