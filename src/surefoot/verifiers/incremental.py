"""Prefixes are read once: a search pays its verifier for new steps alone.

A tree of all that was read keeps each step's keys and values, the log-probabilities of its
tokens and the state at its end. Of a trace only the steps that are not in it are read:

    past = path in the tree            input = last token of the past + new steps

(the last token is read again for what it says about the next one). New steps of traces
with the same past share a pack. The least recently used steps are forgotten first.

Dimension key: N traces, S steps, T tokens, B packs, P places, L cached tokens, K keys and
values of all layers, H heads, D head size, C channels.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, chain, pairwise
from threading import Lock
from weakref import WeakSet

import torch
from transformers import PreTrainedModel

from surefoot.core.errors import InputError, ModelError
from surefoot.core.types import StepScores, Trace
from surefoot.verifiers.data import by_length
from surefoot.verifiers.network import Reading
from surefoot.verifiers.packing import FOREIGN, TRUNK_WIDTH
from surefoot.verifiers.packs import Ids, Pack, Past, check_window, cut, pack, prove, see
from surefoot.verifiers.score import LocalScorer

CACHE_TOKENS = 1 << 16


class IncrementalScorer:
    """A `Scorer` with the scores of another, up to rounding, that reads no prefix twice.

    steps_asked: of all traces so far. steps_read: how many of them went through the model.
    It may be shared between threads, and put around a scorer's model work:
    `scorer.through(IncrementalScorer)`. A call's new tokens stand with its first trace.
    """

    def __init__(self, scorer: LocalScorer, *, cache_tokens: int = CACHE_TOKENS) -> None:
        """cache_tokens: most tokens kept between calls, of 2 * layers * key-value heads * head
        size numbers each. Raises ModelError for a scorer that is not a network of this
        package, or whose model cannot go on from cached steps."""
        if scorer.reading is None:
            raise ModelError(FOREIGN)
        self._cache = PrefixCache(cache_tokens)
        self._score = scorer.reading(self._cache, by_length)
        self._lock = Lock()

    def __call__(self, traces_N: Sequence[Trace]) -> list[StepScores]:
        """[N] scores, one a step each."""
        with self._lock:
            before = self._cache.tokens_read
            scores = self._score(traces_N)
            new = self._cache.tokens_read - before
        return [replace(s, tokens=0 if i else new) for i, s in enumerate(scores)]

    @property
    def steps_asked(self) -> int:
        """Of all traces so far."""
        return self._cache.steps_asked

    @property
    def steps_read(self) -> int:
        """How many went through the model."""
        return self._cache.steps_read


@dataclass(eq=False, slots=True)
class _Node:
    """Some tokens after those of its parent: a prompt, or a step.

    kv_KHtD: its keys and values. logprobs, regrets: [t]. state_C: after its last token.
    """

    ids: Ids
    parent: "_Node | None"
    kv_KHtD: torch.Tensor
    logprobs: torch.Tensor
    regrets: torch.Tensor
    state_C: torch.Tensor
    children: dict[Ids, "_Node"] = field(default_factory=dict)

    def path(self) -> list["_Node"]:
        """From the first node to this one; the root, which has no tokens, is left out."""
        nodes, node = [], self
        while node.parent is not None:
            nodes.append(node)
            node = node.parent
        return nodes[::-1]


class PrefixCache:
    """A way to read (`network.Read`) that remembers. For scoring: it has no gradients.

    It belongs to the weights it was used with; after training, make a new one.
    """

    def __init__(self, tokens: int = CACHE_TOKENS) -> None:
        if tokens < 1:
            raise InputError(f"a cache must hold 1 or more tokens, got {tokens}")
        self.tokens = tokens
        self.tokens_kept = self.tokens_read = self.steps_asked = self.steps_read = 0
        self._roots: dict[PreTrainedModel, _Node] = {}
        self._recent: OrderedDict[_Node, None] = OrderedDict()  # an ancestor after its heirs

    @torch.no_grad()
    def __call__(
        self, base: PreTrainedModel, ids_NT: torch.Tensor, spans_NS2: torch.Tensor
    ) -> Reading:
        """As `read_rows` up to each row's last step; log-probabilities beyond it are 0.

        Cost: one forward pass over the new steps. Raises ModelError for a model that cannot
        go on from a cache.
        """
        if base not in self._roots:
            _prove_once(base)
            self._roots[base] = _root()
        pairs = zip(ids_NT.tolist(), spans_NS2.tolist(), strict=True)
        rows = [_segments(ids, spans_S2) for ids, spans_S2 in pairs]
        check_window(base, max(sum(map(len, segments)) for segments in rows))
        jobs = _jobs(self._roots[base], rows)
        if jobs:
            self._grow(jobs, _read(base, jobs))
        leaves = [_descend(self._roots[base], segments)[0] for segments in rows]
        self.steps_asked += sum(len(segments) - 1 for segments in rows)
        reading = _along([leaf.path() for leaf in leaves], ids_NT.shape[1], spans_NS2)
        self._forget_all_but_recent(leaves)
        return reading

    def _grow(self, jobs: Sequence["_Job"], new: "_New") -> None:
        """Hangs what was read into the tree."""
        for row, job in enumerate(jobs):
            self.tokens_read += len(job.pack.ids_P)
            for segments, places in job.branches():
                node = job.node
                for ids, where in zip(segments, places, strict=True):
                    if ids not in node.children:
                        node.children[ids] = new.node(row, where, ids, node)
                        self._recent[node.children[ids]] = None
                        self.tokens_kept += len(ids)
                        self.steps_read += node.parent is not None  # a prompt is no step
                    node = node.children[ids]

    def _forget_all_but_recent(self, leaves: Sequence[_Node]) -> None:
        for leaf in leaves:
            for node in reversed(leaf.path()):
                self._recent.move_to_end(node)
        while self.tokens_kept > self.tokens:
            oldest, _ = self._recent.popitem(last=False)
            assert oldest.parent is not None
            del oldest.parent.children[oldest.ids]
            self.tokens_kept -= len(oldest.ids)


def _root() -> _Node:
    none = torch.zeros(0)
    return _Node((), None, none, none, none, none)


def _prove_once(base: PreTrainedModel) -> None:
    if base not in _PROVEN:
        probe = PrefixCache()
        _PROVEN.add(base)  # the probe asks too
        try:
            prove(base, probe)
        except ModelError:
            _PROVEN.discard(base)
            raise


_PROVEN: WeakSet[PreTrainedModel] = WeakSet()


# --- what is new -------------------------------------------------------------


def _segments(ids: Sequence[int], spans_S2: Sequence[Sequence[int]]) -> list[Ids]:
    """The prompt, then each step with whatever stands before it."""
    stops = [stop for _, stop in spans_S2 if stop]
    bounds = (0, spans_S2[0][0], *stops)
    return [tuple(ids[a:b]) for a, b in pairwise(bounds)]


def _descend(root: _Node, segments: Sequence[Ids]) -> tuple[_Node, int]:
    """The last node of a path that is there, and how many segments lead to it."""
    node = root
    for known, ids in enumerate(segments):
        if ids not in node.children:
            return node, known
        node = node.children[ids]
    return node, len(segments)


@dataclass(frozen=True, slots=True)
class _Job:
    """New branches below a node, in one pack that begins with the node's last token."""

    node: _Node
    new: list[tuple[Ids, ...]]
    pack: Pack

    def branches(self) -> Iterator[tuple[tuple[Ids, ...], list[list[int]]]]:
        """Each branch's segments, and the places of their tokens in the pack."""
        for path, places in zip(self.pack.paths, self.pack.places, strict=True):
            bounds = [*accumulate(map(len, self.new[path]), initial=len(self.node.ids[-1:]))]
            yield self.new[path], [places[a:b] for a, b in pairwise(bounds)]


def _jobs(root: _Node, rows: Sequence[Sequence[Ids]]) -> list[_Job]:
    """What the tree does not hold, by the node where it begins."""
    waiting: dict[_Node, dict[tuple[Ids, ...], None]] = {}
    for segments in rows:
        node, known = _descend(root, segments)
        if known < len(segments):
            waiting.setdefault(node, {})[tuple(segments[known:])] = None
    jobs = []
    for node, found in waiting.items():
        new = list(found)
        ids_N = [(*node.ids[-1:], *chain.from_iterable(segments)) for segments in new]
        jobs += [_Job(node, new, pack(ids_N, paths)) for paths, _ in cut(ids_N, TRUNK_WIDTH)]
    return jobs


# --- the forward pass ----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _New:
    """What was read: kv_BKHPD, surprise_2BP (log-probabilities, regrets) and states_BPC."""

    kv_BKHPD: torch.Tensor
    surprise_2BP: torch.Tensor
    states_BPC: torch.Tensor

    def node(self, row: int, places: list[int], ids: Ids, parent: _Node) -> _Node:
        """A copy of the part that is one node's own."""
        logprobs, regrets = self.surprise_2BP[:, row, places]
        if parent.parent is None:  # nothing stands before the first token
            logprobs[0] = regrets[0] = 0.0
        kv_KHtD = self.kv_BKHPD[row][:, :, places]
        state_C = self.states_BPC[row, places[-1]].clone()
        return _Node(ids, parent, kv_KHtD, logprobs, regrets, state_C)


def _read(base: PreTrainedModel, jobs: Sequence[_Job]) -> _New:
    """One forward pass over all jobs."""
    paths = [job.node.path() for job in jobs]
    pasts = [torch.cat([n.kv_KHtD for n in path], 2)[:, :, :-1] if path else None for path in paths]
    lengths = [0 if past is None else past.shape[2] for past in pasts]

    def old(number: int, new_BHPD: torch.Tensor) -> torch.Tensor:
        shape = (*new_BHPD.shape[:2], max(lengths), new_BHPD.shape[3])
        old_BHLD = new_BHPD.new_zeros(shape)
        for row, past_KHLD in enumerate(pasts):
            if past_KHLD is not None:
                old_BHLD[row, :, : lengths[row]] = past_KHLD[number]
        return old_BHLD

    seen = see(base, [job.pack for job in jobs], Past(lengths, old))
    surprise_2BP = torch.stack([seen.logprobs_BP, seen.regrets_BP])
    return _New(torch.stack(seen.kv, 1), surprise_2BP, seen.states_BPC)


def _along(paths_N: Sequence[list[_Node]], width: int, spans_NS2: torch.Tensor) -> Reading:
    """What the nodes of each path say, laid out as rows."""
    channels = len(paths_N[0][0].state_C)
    logprobs_NT = torch.zeros((len(paths_N), width), device=spans_NS2.device)
    regrets_NT = torch.zeros_like(logprobs_NT)
    states_NSC = torch.zeros((*spans_NS2.shape[:2], channels), device=spans_NS2.device)
    for n, path in enumerate(paths_N):
        length = sum(len(node.ids) for node in path)
        logprobs_NT[n, :length] = torch.cat([node.logprobs for node in path])
        regrets_NT[n, :length] = torch.cat([node.regrets for node in path])
        states_NSC[n, : len(path) - 1] = torch.stack([node.state_C for node in path[1:]])
    return Reading(states_NSC, logprobs_NT, regrets_NT)
