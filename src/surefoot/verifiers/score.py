"""Trained verifiers as Scorers: exactly one score a step, or an error.

What a network's outputs mean is its objective's business; here they get their places.

A score does not depend on who shares the batch: rows do not mix, and sizes are padded to fixed
multiples (ids to `data.LENGTHS`, places to PLACES). In float32 on CPU scores are equal to the last
bit, so a run that goes on from half a journal ends like one that was never stopped. Packs and
caches (`packing`, `incremental`) are equal up to rounding, about 1e-6.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self

import torch

from surefoot.core.types import Kind, StepScores, Trace
from surefoot.steps.encode import Encoder
from surefoot.verifiers.data import (
    Batches,
    Example,
    View,
    batch_of,
    by_length,
    views_for_scoring,
    whole,
)
from surefoot.verifiers.kinds.prm import PRM
from surefoot.verifiers.network import Network, Read, sums_in_spans
from surefoot.verifiers.objective import Objective

BATCH_TOKENS = 8192
PLACES = 16  # a matrix product rounds a row as ever only among a multiple of so many rows
Complete = Callable[[Sequence[Trace]], list[StepScores]]
Stream = Callable[[Sequence[Trace]], Iterator[tuple[int, StepScores]]]


@dataclass(frozen=True)
class LocalScorer:
    """A `Scorer`. Build it with `checkpoint.load_verifier`, `scorer` or `likelihood_scorer`.

    stream: yields (index, scores) as they come; `complete` answers a list through it
      or through something around it.
    fingerprint: changes whenever the same trace could get other scores.
    aggregation: from steps to a trace as the verifier's makers published it; None to go by kind.
    reading: the same scorer with another way to read and to batch (`packing.packed_scorer`,
      `incremental.IncrementalScorer`); None for other makers' formats.
    uncalibrated: the scorer as it was trained, where a calibration maps its scores.
    kind: of its scores; None where only the scores themselves say.
    """

    stream: Stream
    complete: Complete
    fingerprint: str
    aggregation: str | None = None
    reading: "Callable[[Read, Batches], LocalScorer] | None" = None
    uncalibrated: "LocalScorer | None" = None
    kind: Kind | None = None

    def __call__(self, traces_N: Sequence[Trace]) -> list[StepScores]:
        """[N] scores, one a step each; every trace at once."""
        return self.complete(traces_N) if traces_N else []

    def through(self, wrap: Callable[[Self], Complete]) -> Self:
        """The same scorer with its model work wrapped."""
        return replace(self, complete=wrap(self))


def scorer(
    network: Network,
    encoder: Encoder,
    *,
    kind: Kind,
    name: str,
    fingerprint: str,
    objective: Objective = PRM,
) -> LocalScorer:
    """Scores of a network that was trained for `objective`."""

    def values(z: torch.Tensor, _logprobs_NS: torch.Tensor) -> torch.Tensor:
        return objective.read(z)

    view = objective.view(encoder)
    return _scorer(network, encoder, view, values, kind=kind, name=name, fingerprint=fingerprint)


def likelihood_scorer(
    network: Network, encoder: Encoder, *, name: str, fingerprint: str
) -> LocalScorer:
    """What a language model knows without any labels: log P(step | before), of kind logratio
    (against a uniform reference), so that a trace's score is its log-likelihood."""

    def values(_z: torch.Tensor, logprobs_NS: torch.Tensor) -> torch.Tensor:
        return logprobs_NS

    view, kind = whole(encoder), Kind.LOGRATIO
    return _scorer(network, encoder, view, values, kind=kind, name=name, fingerprint=fingerprint)


def _scorer(
    network: Network,
    encoder: Encoder,
    view: View,
    values: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    *,
    kind: Kind,
    name: str,
    fingerprint: str,
    batches: Batches = by_length,
) -> LocalScorer:
    network.eval()
    pad = encoder.tokenizer.pad_token_id or 0

    @torch.inference_mode()
    def stream(traces: Sequence[Trace]) -> Iterator[tuple[int, StepScores]]:
        views = views_for_scoring(traces, view, encoder.max_tokens)
        examples = [example for of_trace in views for example in of_trace]
        places = [(i, k) for i, of_trace in enumerate(views) for k in range(len(of_trace))]
        rows: list[dict[int, list[float]]] = [{} for _ in traces]
        for indices in batches(examples, BATCH_TOKENS):
            batch = batch_of([examples[j] for j in indices], pad=pad, places=PLACES)
            spans_NS2 = batch.spans_NS2.to(network.device)
            z, logprobs_NT = network(batch.ids_NT.to(network.device), spans_NS2)
            scores_NS = values(z, sums_in_spans(logprobs_NT, spans_NS2)).tolist()
            for (i, k), row in zip((places[j] for j in indices), scores_NS, strict=True):
                rows[i][k] = row
                if len(rows[i]) == len(views[i]):
                    yield i, scores_of(traces[i], rows[i], views[i])

    def scores_of(
        trace: Trace, rows: dict[int, list[float]], views: Sequence[Example]
    ) -> StepScores:
        steps = len(trace.steps) // len(views)  # one sequence for all steps, or one for each
        found = tuple(v for k in range(len(views)) for v in rows[k][:steps])
        return StepScores(kind, found, name, sum(len(e.encoded.ids) for e in views))

    def complete(traces: Sequence[Trace]) -> list[StepScores]:
        scores = dict(stream(traces))
        return [scores[i] for i in range(len(traces))]

    def reading(read: Read, batches: Batches) -> LocalScorer:
        other = network.reading(read)
        return _scorer(
            other,
            encoder,
            view,
            values,
            kind=kind,
            name=name,
            fingerprint=fingerprint,
            batches=batches,
        )

    return LocalScorer(stream, complete, fingerprint, reading=reading, kind=kind)
