"""Verifier networks: a language model that also judges each step.

    VerifierNetwork   z_t = w . h(end of step t) + MLP( surprise features of step t ) + b
    StateNetwork      z_t = w . h(end of step t) + b
    WordsNetwork      z_t = log P(no | ids up to step t), log P(yes | ids up to step t)
    ImplicitNetwork   z_t = beta sum_{tokens y of step t} log( P(y) / P_ref(y) )

h is the last hidden state, and the features say how surprising the tokens of
this step and of all steps so far were to the model itself. A head on the hidden
state alone does not see that: the state at a token is made to predict the next
token, not to judge the last (measured in dev/LOG.md). Gradients flow through the
features into the language model. With the head's last layers at zero every
score starts at 0, that is s(z) = 1/2.

Each maps (ids_NT, spans_NS2) to z, [N, S] or with H > 1 numbers a step [N, S, H], and
log P(token | before) [N, T], whose first column is 0. Cost: one reading.

Dimension key: N traces, S steps, T tokens, C channels, V vocabulary, F features, H outputs.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import torch
from torch import nn
from transformers import PreTrainedModel

FEATURES = 6
MLP_WIDTH = 32


@dataclass(frozen=True, slots=True)
class Batch:
    """Encoded traces, padded on the right.

    ids_NT: token ids. spans_NS2: [N, S, 2] [start, stop) of each step in ids; stop 0 pads.
    weights_NT: weight of each token in the language-model loss.
    targets_NS: what an objective makes of labels, in [0, 1] mostly, or losses.IGNORED.
    others_NS: a second target of each step, for the objectives that have one.
    done: share of the training that is over, for a loss with a schedule.
    """

    ids_NT: torch.Tensor
    spans_NS2: torch.Tensor
    weights_NT: torch.Tensor
    targets_NS: torch.Tensor
    others_NS: torch.Tensor | None = None
    done: float = 1.0

    def to(self, device: torch.device) -> "Batch":
        """The same batch on a device."""
        others = None if self.others_NS is None else self.others_NS.to(device)
        return Batch(
            self.ids_NT.to(device),
            self.spans_NS2.to(device),
            self.weights_NT.to(device),
            self.targets_NS.to(device),
            others,
            self.done,
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """What a head sees of a batch.

    states_NSC: last hidden state at each step's end, float32; padding steps have any.
    logprobs_NT: log P(token | before). regrets_NT: the same, less that of the likeliest
    token. Their first column is 0.
    """

    states_NSC: torch.Tensor
    logprobs_NT: torch.Tensor
    regrets_NT: torch.Tensor


Read = Callable[[PreTrainedModel, torch.Tensor, torch.Tensor], Reading]


def read_rows(base: PreTrainedModel, ids_NT: torch.Tensor, spans_NS2: torch.Tensor) -> Reading:
    """Reads every row by itself. Cost: one forward pass."""
    out = base(input_ids=ids_NT, output_hidden_states=True, use_cache=False)
    logprobs_NT, regrets_NT = token_surprise(out.logits[:, :-1], ids_NT[:, 1:])
    ends_NS = (spans_NS2[..., 1] - 1).clamp(min=0)
    rows_N1 = torch.arange(len(ids_NT), device=ids_NT.device)[:, None]
    return Reading(
        out.hidden_states[-1][rows_N1, ends_NS].float(),
        nn.functional.pad(logprobs_NT, (1, 0)),
        nn.functional.pad(regrets_NT, (1, 0)),
    )


def token_surprise(
    logits_NTV: torch.Tensor, chosen_NT: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-probability of each chosen token, and its regret, in float32."""
    logits_NTV = logits_NTV.float()
    peak_NT, total_NT = logits_NTV.amax(-1), logits_NTV.logsumexp(-1)
    logit_NT = logits_NTV.gather(-1, chosen_NT[..., None])[..., 0]
    return logit_NT - total_NT, logit_NT - peak_NT


class Network(nn.Module):
    """What all have: a causal language model, `base`; outside it are the heads.

    read: how the model reads a batch; `packing.packed` sets another.
    """

    read: Read

    def __init__(self, base: PreTrainedModel) -> None:
        super().__init__()
        self.base, self.read = base, read_rows

    def reading(self, read: Read) -> Self:
        """The same network, with the same parameters, that reads another way."""
        other = copy.copy(self)
        other.read = read
        return other

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        return next(self.parameters()).device


class VerifierNetwork(Network):
    """A head on the model's states and on its surprise, with `outputs` numbers a step."""

    def __init__(self, base: PreTrainedModel, outputs: int = 1) -> None:
        super().__init__(base)
        channels = base.config.get_text_config().hidden_size
        self.state = nn.Linear(channels, outputs)
        last_of_surprise = nn.Linear(MLP_WIDTH, outputs)
        self.surprise = nn.Sequential(nn.Linear(FEATURES, MLP_WIDTH), nn.SiLU(), last_of_surprise)
        for last in (self.state, last_of_surprise):
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)

    def forward(
        self, ids_NT: torch.Tensor, spans_NS2: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Step logits [N, S] (or [N, S, H]), and log-probabilities [N, T]."""
        seen = self.read(self.base, ids_NT, spans_NS2)
        features_NSF = surprise_features(seen.logprobs_NT, seen.regrets_NT, spans_NS2)
        z_NSH = self.state(seen.states_NSC) + self.surprise(features_NSF)
        return (z_NSH[..., 0] if z_NSH.shape[-1] == 1 else z_NSH), seen.logprobs_NT


class StateNetwork(Network):
    """A linear head on the model's states: it judges any token, and needs no span."""

    def __init__(self, base: PreTrainedModel) -> None:
        super().__init__(base)
        self.state = nn.Linear(base.config.get_text_config().hidden_size, 1)
        nn.init.zeros_(self.state.weight)
        nn.init.zeros_(self.state.bias)

    def forward(
        self, ids_NT: torch.Tensor, spans_NS2: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """z [N, S], and log-probabilities [N, T]."""
        seen = self.read(self.base, ids_NT, spans_NS2)
        return self.state(seen.states_NSC)[..., 0], seen.logprobs_NT


class WordsNetwork(Network):
    """No head: the language model's own words for "no" and "yes", in this order."""

    def __init__(self, base: PreTrainedModel, words: tuple[int, int]) -> None:
        super().__init__(base)
        self.words = words

    def forward(
        self, ids_NT: torch.Tensor, spans_NS2: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Log-probabilities of the words after each step, over the whole vocabulary,
        [N, S, 2]; and those of the tokens, [N, T]."""
        seen = self.read(self.base, ids_NT, spans_NS2)
        to_logits = self.base.get_output_embeddings()
        bias = None if to_logits.bias is None else to_logits.bias.float()
        logits_NSV = nn.functional.linear(seen.states_NSC, to_logits.weight.float(), bias)
        return logits_NSV.log_softmax(-1)[..., list(self.words)], seen.logprobs_NT


class ImplicitNetwork(Network):
    """The log-likelihood ratio to a frozen reference, which is no part of the module: its
    weights are neither trained nor saved."""

    def __init__(self, base: PreTrainedModel, reference: PreTrainedModel, beta: float) -> None:
        super().__init__(base)
        self.beta = beta
        self._reference = (reference.eval().requires_grad_(False),)

    def forward(
        self, ids_NT: torch.Tensor, spans_NS2: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Gains [N, S], 0 for padding steps; log-probabilities [N, T]. Cost: two readings."""
        [reference] = self._reference
        seen = self.read(self.base, ids_NT, spans_NS2)
        with torch.no_grad():
            known = self.read(reference.to(ids_NT.device), ids_NT, spans_NS2)
        gains_NT = self.beta * (seen.logprobs_NT - known.logprobs_NT)
        return sums_in_spans(gains_NT, spans_NS2), seen.logprobs_NT


def sums_in_spans(values_NT: torch.Tensor, spans_NS2: torch.Tensor) -> torch.Tensor:
    """[N, S] sums over the tokens of each step, in float64; 0 for padding steps."""
    sums_NT = nn.functional.pad(values_NT.double().cumsum(1), (1, 0))
    starts_NS, stops_NS = spans_NS2.unbind(-1)
    return sums_NT.gather(1, stops_NS) - sums_NT.gather(1, starts_NS)


def surprise_features(
    logprobs_NT: torch.Tensor, regrets_NT: torch.Tensor, spans_NS2: torch.Tensor
) -> torch.Tensor:
    """[N, S, F]: for each step and for all steps up to it, the sum and the lowest of the
    log-probabilities, and the lowest regret (log-odds lost against the likeliest token).

    Each x <= 0 enters as -log(1 - x), which keeps 0 and tames the tails.
    """
    places_T = torch.arange(logprobs_NT.shape[1], device=logprobs_NT.device)
    inside_NST = (places_T >= spans_NS2[..., :1]) & (places_T < spans_NS2[..., 1:])
    logprobs_NST = torch.where(inside_NST, logprobs_NT[:, None], 0.0)
    regrets_NST = torch.where(inside_NST, regrets_NT[:, None], 0.0)
    sum_NS, least_NS = logprobs_NST.sum(-1), logprobs_NST.amin(-1)
    regret_NS = regrets_NST.amin(-1)
    so_far = (sum_NS.cumsum(1), least_NS.cummin(1).values, regret_NS.cummin(1).values)
    raw_NSF = torch.stack((sum_NS, least_NS, regret_NS, *so_far), dim=-1)
    return -torch.log1p(-raw_NSF.clamp(max=0.0))
