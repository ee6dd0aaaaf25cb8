"""Batched decoding of any causal language model of transformers.

Each request is some ids to continue, a seed, and where to stop. All requests
share one batch of key-value slots; when one ends, the next takes its place.

  * Equal prefixes are computed once, and so is a prefix of a longer prefix
    (the rollouts of a trace start from nested ones).
  * The token drawn at a place depends on the request's seed and on its own ids,
    never on who shares the batch: rows do not mix, sizes are padded to fixed
    multiples, and each request has its own random numbers. In float32 on CPU
    the log-probabilities are equal to the last bit; `tests/policy` holds us to it.

Dimension key: W slots, n slots in use (padded), H key-value heads, L cached
positions, D head size, V vocabulary.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from transformers import AttentionInterface, PreTrainedModel

from surefoot.core.errors import TooLong
from surefoot.core.protocols import Until
from surefoot.policy.sampling import Sampling

Ids = tuple[int, ...]
Guide = Callable[[Ids, np.ndarray], np.ndarray]
"""(ids so far, the model's logits of the next token [V], float64) -> logits [V] to draw from."""
ROWS = 16  # batch sizes are padded to a multiple of this
COLUMNS = 64  # and cached lengths to a multiple of this
PREFILL_TOKENS = 16_384  # prefixes are read in batches of about this many tokens
CACHE_BYTES = 2 << 30


@dataclass(frozen=True, slots=True)
class Request:
    """ids: what to continue. seed: decides every draw. until: a step or the end."""

    ids: Ids
    seed: int
    until: Until


@dataclass(frozen=True, slots=True)
class Reply:
    """ids: the new ones, end-of-text included. logprobs: log P of each under the model at
    temperature 1. finished: True if the model ended the text."""

    ids: Ids
    logprobs: tuple[float, ...]
    finished: bool


@dataclass(slots=True)
class _Row:
    """A request while it is being answered."""

    index: int
    request: Request
    uniforms: np.ndarray
    ids: list[int]
    logprobs: list[float]


def attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """Attention that never copies the cache for grouped heads; transformers calls it by name.

    query: [n, heads, T, D]. key, value: [n, H, L, D]. attention_mask: additive
    [n, 1, T, L], or None for causal. Returns [n, T, heads, D].
    """
    del dropout, module
    if attention_mask is None:
        out = torch.nn.functional.scaled_dot_product_attention(
            query, key, value, is_causal=query.shape[2] > 1, scale=scaling, enable_gqa=True
        )
        return out.transpose(1, 2), None
    n, heads, length, size = query.shape
    groups = heads // key.shape[1]
    grouped = query.reshape(n, key.shape[1], groups * length, size)
    scores = grouped @ key.transpose(2, 3) * (size**-0.5 if scaling is None else scaling)
    scores = scores.unflatten(2, (groups, length)) + attention_mask[:, :, None]
    weights = scores.float().softmax(-1).to(query.dtype).flatten(2, 3)
    out = (weights @ value).reshape(n, heads, length, size)
    return out.transpose(1, 2), None


AttentionInterface.register("surefoot", attend)


class _ReadCache:
    """Collects keys and values of prefixes while they are read, [layers] of [B, H, T, D]."""

    def __init__(self) -> None:
        self.layers: list[tuple[torch.Tensor, torch.Tensor]] = []

    def update(
        self, keys: torch.Tensor, values: torch.Tensor, layer: int, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        assert layer == len(self.layers)
        self.layers.append((keys, values))
        return keys, values

    def get_seq_length(self, *_: Any) -> int:
        return 0


class _SlotCache:
    """Keys and values of all slots, [layers] of [W, H, L, D]; `update` writes one place a row."""

    def __init__(self, slots: int, length: int) -> None:
        self.slots, self.length = slots, length
        self.keys: list[torch.Tensor] = []
        self.values: list[torch.Tensor] = []
        self.positions = torch.zeros(0, dtype=torch.long)
        self.width = 0

    def fill(self, slot: int, read: _ReadCache, row: int, length: int) -> None:
        """Copies the first `length` positions of a row that was read into a slot."""
        for layer, (keys, values) in enumerate(read.layers):
            self._allocate(layer, keys)
            self.keys[layer][slot, :, :length] = keys[row, :, :length]
            self.values[layer][slot, :, :length] = values[row, :, :length]

    def move(self, source: int, target: int) -> None:
        for tensor in (*self.keys, *self.values):
            tensor[target] = tensor[source]

    def update(
        self, keys: torch.Tensor, values: torch.Tensor, layer: int, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        self._allocate(layer, keys)
        rows = torch.arange(len(self.positions), device=keys.device)
        self.keys[layer][rows, :, self.positions] = keys[:, :, 0]
        self.values[layer][rows, :, self.positions] = values[:, :, 0]
        n = len(rows)
        return self.keys[layer][:n, :, : self.width], self.values[layer][:n, :, : self.width]

    def get_seq_length(self, *_: Any) -> int:
        return 0

    def _allocate(self, layer: int, like: torch.Tensor) -> None:
        if layer == len(self.keys):
            shape = (self.slots, like.shape[1], self.length, like.shape[3])
            self.keys.append(like.new_zeros(shape))
            self.values.append(like.new_zeros(shape))


class Decoder:
    """Answers requests with one model.

    ends_step: says of new ids that were just drawn whether they complete a step.
    slots: most requests in the batch at once.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        *,
        sampling: Sampling,
        end_ids: frozenset[int],
        ends_step: Callable[[Sequence[int]], bool],
        slots: int = 256,
    ) -> None:
        model.set_attn_implementation("surefoot")
        self.model = model.eval()
        self.sampling, self.end_ids, self.ends_step = sampling, end_ids, ends_step
        self.guide: Guide | None = None
        self.slots = slots
        config = model.config.get_text_config()
        self.limit = int(getattr(config, "max_position_embeddings", 1 << 20))
        window = getattr(config, "sliding_window", None)
        if window and getattr(config, "use_sliding_window", True):
            self.limit = min(self.limit, int(window))  # within one window all attention is full
        self._bytes_per_position = _cache_bytes_per_position(model)

    def drawing(self, sampling: Sampling) -> "Decoder":
        """The same model, drawing in another way."""
        other = copy.copy(self)
        other.sampling = sampling
        return other

    def guided(self, guide: Guide) -> "Decoder":
        """The same model, its tokens drawn from what `guide` makes of its logits; their
        log-probabilities stay the model's own. A guide sees one row at a time, so that a reply
        still does not depend on who shares the batch."""
        other = copy.copy(self)
        other.guide = guide
        return other

    def complete(self, requests: Sequence[Request]) -> list[Reply]:
        """Answers all requests, in order; `stream` tells more."""
        replies = dict(self.stream(requests))
        return [replies[i] for i in range(len(requests))]

    @torch.inference_mode()
    def stream(self, requests: Sequence[Request]) -> Iterator[tuple[int, Reply]]:
        """Yields (index of the request, its reply) as they end. One model step a token.

        Raises TooLong for a request that leaves no room to write in the model's context.
        """
        if not requests:
            return
        longest = max(len(r.ids) for r in requests)
        if longest >= self.limit or not all(r.ids for r in requests):
            raise TooLong(
                f"a prefix must have 1 to {self.limit - 1} tokens for this model, got "
                f"{[len(r.ids) for r in requests if not 0 < len(r.ids) < self.limit][:3]}; "
                "shorten the problem or use a model with a longer context"
            )
        length = min(self.limit, longest + self.sampling.max_tokens)
        length = -(-length // COLUMNS) * COLUMNS
        most = max(ROWS, CACHE_BYTES // (length * self._bytes_per_position) // ROWS * ROWS)
        cache = _SlotCache(min(self.slots, most, -(-len(requests) // ROWS) * ROWS), length)
        # Longest first: what starts together ends at about the same time.
        waiting = sorted(
            range(len(requests)), key=lambda i: (-len(requests[i].ids), requests[i].ids)
        )
        rows: list[_Row] = []
        while waiting or rows:
            free = cache.slots - len(rows)
            if waiting and (free >= cache.slots // 4 or not rows):
                admitted, waiting = waiting[:free], waiting[free:]
                self._read([requests[i] for i in admitted], cache, first_slot=len(rows))
                rows += [self._row(i, requests[i]) for i in admitted]
            self._step(rows, cache)
            for slot in reversed(range(len(rows))):
                reply = self._reply(rows[slot])
                if reply is not None:
                    yield rows[slot].index, reply
                    last = rows.pop()
                    if slot < len(rows):  # keep the slots in use together
                        rows[slot] = last
                        cache.move(len(rows), slot)

    def _row(self, index: int, request: Request) -> _Row:
        draws = np.random.Generator(np.random.Philox(key=request.seed))
        return _Row(index, request, draws.random(self.sampling.max_tokens), [], [])

    def _read(self, requests: Sequence[Request], cache: _SlotCache, *, first_slot: int) -> None:
        """Puts each request's ids but the last into the next slots; the last is the first input."""
        prefixes = sorted({r.ids[:-1] for r in requests} - {()})
        # In sorted order, a prefix of any other is a prefix of the next one.
        within = [b[: len(a)] == a for a, b in pairwise(prefixes)] + [False] * bool(prefixes)
        owners = [p for p, inside in zip(prefixes, within, strict=True) if not inside]
        owner_of: dict[Ids, Ids] = {}
        owner: Ids = ()
        for prefix, inside in zip(reversed(prefixes), reversed(within), strict=True):
            owner = owner if inside else prefix
            owner_of[prefix] = owner
        slots_by_owner: dict[Ids, list[tuple[int, int]]] = {}
        for slot, request in enumerate(requests, start=first_slot):
            if len(request.ids) > 1:
                prefix = request.ids[:-1]
                slots_by_owner.setdefault(owner_of[prefix], []).append((slot, len(prefix)))
        owners.sort(key=len, reverse=True)
        start = 0
        while start < len(owners):
            width = -(-len(owners[start]) // ROWS) * ROWS
            stop = start + max(1, PREFILL_TOKENS // width)
            batch, start = owners[start:stop], stop
            ids = torch.zeros((len(batch), width), dtype=torch.long)
            for row, prefix in enumerate(batch):
                ids[row, : len(prefix)] = torch.tensor(prefix)
            read = _ReadCache()
            body = self.model.base_model
            body(input_ids=ids.to(self.model.device), past_key_values=read, use_cache=True)
            for row, prefix in enumerate(batch):
                for slot, length in slots_by_owner[prefix]:
                    cache.fill(slot, read, row, length)

    def _step(self, rows: list[_Row], cache: _SlotCache) -> None:
        """Draws one more token for each row."""
        padding = -len(rows) % ROWS
        lengths = [len(row.request.ids) + len(row.ids) for row in rows]
        device = self.model.device
        last = [row.ids[-1] if row.ids else row.request.ids[-1] for row in rows]
        positions = torch.tensor([n - 1 for n in lengths] + [0] * padding, device=device)
        cache.positions = positions
        cache.width = min(cache.length, -(-max(lengths) // COLUMNS) * COLUMNS)
        seen = torch.arange(cache.width, device=device) <= positions[:, None]
        mask = torch.zeros(seen.shape, dtype=self.model.dtype, device=device)
        mask = mask.masked_fill_(~seen, torch.finfo(mask.dtype).min)[:, None, None]
        logits_nV = (
            self.model(
                input_ids=torch.tensor([*last, *[0] * padding], device=device)[:, None],
                attention_mask=mask,
                position_ids=positions[:, None],
                past_key_values=cache,
                use_cache=True,
            )
            .logits[:, 0]
            .float()
        )
        guided_nV = self._guided(rows, logits_nV)
        uniforms = [row.uniforms[len(row.ids)] for row in rows] + [0.0] * padding
        tokens, logprobs = draw(logits_nV, np.array(uniforms), self.sampling, guided_nV)
        for row, token, logprob in zip(rows, tokens, logprobs, strict=False):  # padding is last
            row.ids.append(token)
            row.logprobs.append(logprob)

    def _guided(self, rows: list[_Row], logits_nV: torch.Tensor) -> torch.Tensor | None:
        if self.guide is None:
            return None
        guided_nV = logits_nV.clone()
        for n, row in enumerate(rows):
            logits_V = logits_nV[n].double().cpu().numpy()
            guided_V = self.guide((*row.request.ids, *row.ids), logits_V)
            guided_nV[n] = torch.from_numpy(guided_V)
        return guided_nV

    def _reply(self, row: _Row) -> Reply | None:
        finished = row.ids[-1] in self.end_ids
        full = len(row.ids) == self.sampling.max_tokens
        full = full or len(row.request.ids) + len(row.ids) >= self.limit
        stepped = row.request.until == "step" and self.ends_step(row.ids)
        if finished or full or stepped:
            return Reply(tuple(row.ids), tuple(row.logprobs), finished)
        return None


def draw(
    logits_nV: torch.Tensor,
    uniforms_n: np.ndarray,
    sampling: Sampling,
    guided_nV: torch.Tensor | None = None,
) -> tuple[list[int], list[float]]:
    """One token a row by inverting its distribution function at `uniforms_n`.

    guided_nV: the logits to draw from, where they are not the model's own.
    Returns the tokens and their log-probabilities under the model at temperature 1, both [n].
    """
    logprobs_nV = logits_nV.log_softmax(-1)
    drawn_from_nV = logits_nV if guided_nV is None else guided_nV
    if sampling.temperature == 0:
        tokens = drawn_from_nV.argmax(-1)
    else:
        probs_nV = (drawn_from_nV / sampling.temperature).softmax(-1)
        if sampling.top_p < 1:
            probs_nV = _nucleus(probs_nV, sampling.top_p)
        sums_nV = probs_nV.double().cumsum(-1)
        targets = torch.from_numpy(uniforms_n).to(sums_nV.device) * sums_nV[:, -1]
        tokens = torch.searchsorted(sums_nV, targets[:, None], right=True)[:, 0]
        tokens = tokens.clamp(max=logits_nV.shape[1] - 1)
    drawn = logprobs_nV.gather(1, tokens[:, None])[:, 0]
    return tokens.tolist(), drawn.tolist()


def _nucleus(probs_nV: torch.Tensor, top_p: float) -> torch.Tensor:
    """Zeroes all but the smallest set of likeliest tokens that holds `top_p`."""
    ordered, places = probs_nV.sort(-1, descending=True)
    before = ordered.cumsum(-1) - ordered
    ordered = ordered.masked_fill(before >= top_p, 0.0)
    return torch.zeros_like(probs_nV).scatter_(1, places, ordered)


def _cache_bytes_per_position(model: PreTrainedModel) -> int:
    config = model.config.get_text_config()
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return int(2 * config.num_hidden_layers * heads * size * model.dtype.itemsize)
