"""Trees of tokens as rows, and one forward pass over them.

A pack is a tree in preorder. A token's position is its depth, and token q sees its
ancestors and itself:

    q sees k  <=>  k <= q < stop(k),    stop(k): the place after k's last descendant

A pack may go on from a past, tokens that were read before: all of it sees the past.

Dimension key: N paths, B packs, P places of a pack, L past tokens, K keys and values of all
layers, H heads, D head size, V vocabulary, C channels.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from transformers import PreTrainedModel

from surefoot.core.errors import ModelError
from surefoot.verifiers.network import Read, read_rows

Ids = tuple[int, ...]
PLACES = 64  # padded widths are multiples of this
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


def pack(ids_N: Sequence[Ids] | Mapping[int, Ids], paths: Sequence[int]) -> Pack:
    """The chosen paths, which must be sorted by their ids, as one pack. O(tokens)."""
    made = Pack(list(paths), [], [], [], [], [])
    before: Ids = ()
    places: list[int] = []
    for path in paths:
        ids, start = ids_N[path], len(made.ids_P)
        common = common_length(before, ids)
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


def no_trunk(_common: Sequence[int], _start: int, _stop: int) -> int:
    """Packs begin at the beginning."""
    return 0


def trunk(common: Sequence[int], start: int, stop: int) -> int:
    """How many tokens all paths of a pack share, a single one with its neighbours."""
    alone = stop - start == 1
    return max(common[start], common[stop]) if alone else min(common[start + 1 : stop])


def cut(
    ids_N: Sequence[Ids],
    width: int,
    past: Callable[[Sequence[int], int, int], int] = no_trunk,
) -> list[tuple[list[int], int]]:
    """Paths in packs of at most `width` places (more only for a single path that is longer),
    and of each the length of the past that it goes on from, its last token being in the pack.

    A tree that does not fit is cut at its branches nearest the root; what the parts share
    is read once for each. Small trees share a pack.
    """
    if not ids_N:
        return []
    order = sorted(range(len(ids_N)), key=ids_N.__getitem__)
    common = [0, *(common_length(ids_N[a], ids_N[b]) for a, b in pairwise(order)), 0]
    total = [0]  # of new tokens, before each path
    for path, shared in zip(order, common, strict=False):
        total.append(total[-1] + len(ids_N[path]) - shared)

    def places(start: int, stop: int) -> int:
        known = max(past(common, start, stop) - 1, 0)
        return total[stop] - total[start] + common[start] - known

    packs: list[tuple[int, int]] = []
    for start, stop in _parts(common, places, width):
        if packs and places(packs[-1][0], stop) <= width:
            packs[-1] = (packs[-1][0], stop)
        else:
            packs.append((start, stop))
    return [(order[a:b], max(past(common, a, b) - 1, 0)) for a, b in packs]


def common_length(a: Ids, b: Ids) -> int:
    """Length of the common prefix."""
    pairs = enumerate(zip(a, b, strict=False))
    return next((i for i, (x, y) in pairs if x != y), min(len(a), len(b)))


def _parts(
    common: list[int], places: Callable[[int, int], int], width: int
) -> Iterator[tuple[int, int]]:
    """Ranges of sorted paths, in order, each of at most `width` places or one path."""
    waiting = [(0, len(common) - 1)]
    while waiting:
        start, stop = waiting.pop()
        if stop - start == 1 or places(start, stop) <= width:
            yield start, stop
            continue
        nearest = min(common[start + 1 : stop])
        cuts = [i for i in range(start + 1, stop) if common[i] == nearest]
        waiting += reversed([*pairwise([start, *cuts, stop])])


# --- tensors -----------------------------------------------------------------


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


def padded_width(packs: Sequence[Pack]) -> int:
    """Of the widest pack, padding included."""
    return round_up(max(len(made.ids_P) for made in packs))


def round_up(places: int) -> int:
    """To a multiple of PLACES."""
    return -(-places // PLACES) * PLACES


def stack_packs(packs: Sequence[Pack], width: int) -> torch.Tensor:
    """[4, B, P] ids, depths, parents and stops; padding sees itself and is seen by none."""
    layout = torch.zeros((4, len(packs), width), dtype=torch.long)
    layout[2] = torch.arange(width)
    layout[3] = layout[2] + 1
    for row, made in enumerate(packs):
        columns = (made.ids_P, made.depths_P, made.parents_P, made.stops_P)
        layout[:, row, : len(made.ids_P)] = torch.tensor(columns)
    return layout


@dataclass(frozen=True, slots=True)
class Seen:
    """What one pass over packs saw; kv: [K] of [B, H, P, D], empty if it was not kept."""

    logprobs_BP: torch.Tensor
    regrets_BP: torch.Tensor
    states_BPC: torch.Tensor
    kv: list[torch.Tensor]


class Past:
    """A cache as transformers' attention layers use it: old keys and values before new ones.

    lengths_B: tokens of each pack's past. old: (number of K, new ones) -> [B, H, L, D], padded
    on the right; not asked if all pasts are empty.
    """

    def __init__(
        self, lengths_B: Sequence[int], old: Callable[[int, torch.Tensor], torch.Tensor]
    ) -> None:
        self.lengths_B, self.old = lengths_B, old
        self.new: list[torch.Tensor] = []

    def update(
        self, keys: torch.Tensor, values: torch.Tensor, _layer: int, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The keys and values a layer attends to."""
        return self._after_old(keys), self._after_old(values)

    def _after_old(self, new_BHPD: torch.Tensor) -> torch.Tensor:
        self.new.append(new_BHPD)
        if not max(self.lengths_B):
            return new_BHPD
        return torch.cat([self.old(len(self.new) - 1, new_BHPD), new_BHPD], dim=2)

    def get_seq_length(self, *_: Any) -> int:
        """Positions and masks are given, so nobody needs it."""
        return 0


def see(base: PreTrainedModel, packs: Sequence[Pack], past: Past | None = None) -> Seen:
    """One forward pass; keys and values are kept if there is a past, be it empty."""
    layout_4BP = stack_packs(packs, padded_width(packs)).to(base.device)
    ids_BP, depths_BP, parents_BP, stops_BP = layout_4BP
    mask_B1PL = ancestors_mask(stops_BP, base.dtype)
    if past is not None:
        lengths_B1 = torch.tensor(past.lengths_B, device=base.device)[:, None]
        depths_BP = depths_BP + lengths_B1
        unseen_BL = torch.arange(max(past.lengths_B), device=base.device) >= lengths_B1
        past_BL = torch.zeros(unseen_BL.shape, dtype=base.dtype, device=base.device)
        past_BL = past_BL.masked_fill_(unseen_BL, torch.finfo(base.dtype).min)
        past_B1PL = past_BL[:, None, None].expand(-1, 1, ids_BP.shape[1], -1)
        mask_B1PL = torch.cat([past_B1PL, mask_B1PL], dim=-1)
    out = base(
        input_ids=ids_BP,
        position_ids=depths_BP,
        attention_mask=mask_B1PL,
        past_key_values=past,
        use_cache=past is not None,
        output_hidden_states=True,
    )
    surprise = surprise_at(out.logits, ids_BP, parents_BP)
    return Seen(*surprise, out.hidden_states[-1].float(), past.new if past else [])


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
