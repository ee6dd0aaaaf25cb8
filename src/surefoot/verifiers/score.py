"""Trained verifiers as Scorers: exactly one score a step, or an error.

Scores are s(z_t) in [0, 1], of the kind the verifier was trained for.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self

import torch

from surefoot.core.types import Kind, StepScores, Trace
from surefoot.steps.encode import Encoder
from surefoot.verifiers.data import batch_of, by_length, encode_for_scoring
from surefoot.verifiers.network import VerifierNetwork

BATCH_TOKENS = 8192
Complete = Callable[[Sequence[Trace]], list[StepScores]]
Stream = Callable[[Sequence[Trace]], Iterator[tuple[int, StepScores]]]


@dataclass(frozen=True)
class LocalScorer:
    """A `Scorer`. Build it with `checkpoint.load_verifier`, `scorer` or `likelihood_scorer`.

    stream: yields (index, scores) as they come; `complete` answers a list through it
      or through something around it.
    fingerprint: changes whenever the same trace could get other scores.
    aggregation: from steps to a trace as the verifier's makers published it; None to go by kind.
    """

    stream: Stream
    complete: Complete
    fingerprint: str
    aggregation: str | None = None

    def __call__(self, traces_N: Sequence[Trace]) -> list[StepScores]:
        """[N] scores, one a step each; every trace at once."""
        return self.complete(traces_N) if traces_N else []

    def through(self, wrap: Callable[[Self], Complete]) -> Self:
        """The same scorer with its model work wrapped."""
        return replace(self, complete=wrap(self))


def scorer(
    network: VerifierNetwork, encoder: Encoder, *, kind: Kind, name: str, fingerprint: str
) -> LocalScorer:
    """Step probabilities of a verifier network."""

    def values(logits_NS: torch.Tensor, _logprobs_NS: torch.Tensor) -> torch.Tensor:
        return logits_NS.float().sigmoid()

    return _scorer(network, encoder, values, kind=kind, name=name, fingerprint=fingerprint)


def likelihood_scorer(
    network: VerifierNetwork, encoder: Encoder, *, name: str, fingerprint: str
) -> LocalScorer:
    """What a language model knows without any labels: log P(step | before), of kind logratio
    (against a uniform reference), so that a trace's score is its log-likelihood."""

    def values(_logits_NS: torch.Tensor, logprobs_NS: torch.Tensor) -> torch.Tensor:
        return logprobs_NS

    return _scorer(network, encoder, values, kind=Kind.LOGRATIO, name=name, fingerprint=fingerprint)


def _scorer(
    network: VerifierNetwork,
    encoder: Encoder,
    values: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    *,
    kind: Kind,
    name: str,
    fingerprint: str,
) -> LocalScorer:
    network.eval()
    pad = encoder.tokenizer.pad_token_id or 0

    @torch.inference_mode()
    def stream(traces: Sequence[Trace]) -> Iterator[tuple[int, StepScores]]:
        examples = encode_for_scoring(traces, encoder)
        for indices in by_length(examples, BATCH_TOKENS):
            batch = batch_of([examples[i] for i in indices], pad=pad)
            device = network.state.weight.device
            spans_NS2 = batch.spans_NS2.to(device)
            logits_NS, logprobs_NT = network(batch.ids_NT.to(device), spans_NS2)
            sums_NT = torch.nn.functional.pad(logprobs_NT.double().cumsum(1), (1, 0))
            starts, stops = spans_NS2.unbind(-1)
            logprobs_NS = sums_NT.gather(1, stops) - sums_NT.gather(1, starts)
            for i, row in zip(indices, values(logits_NS, logprobs_NS).tolist(), strict=True):
                steps = len(traces[i].steps)
                tokens = len(examples[i].encoded.ids)
                yield i, StepScores(kind, tuple(row[:steps]), name, tokens)

    def complete(traces: Sequence[Trace]) -> list[StepScores]:
        scores = dict(stream(traces))
        return [scores[i] for i in range(len(traces))]

    return LocalScorer(stream, complete, fingerprint)
