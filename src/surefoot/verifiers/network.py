"""The verifier network: a language model that also judges each step.

    z_t = w . h(end of step t) + MLP( surprise features of step t ) + b

h is the last hidden state, and the features say how surprising the tokens of
this step and of all steps so far were to the model itself. A head on the hidden
state alone does not see that: the state at a token is made to predict the next
token, not to judge the last (measured in dev/LOG.md). Gradients flow through the
features into the language model. With the head's last layers at zero every
score starts at 0, that is s(z) = 1/2.

Dimension key: N traces, S steps, T tokens, C channels, V vocabulary, F features.
"""

from collections.abc import Callable
from dataclasses import dataclass

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
    targets_NS: in [0, 1], or losses.IGNORED.
    """

    ids_NT: torch.Tensor
    spans_NS2: torch.Tensor
    weights_NT: torch.Tensor
    targets_NS: torch.Tensor


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


class VerifierNetwork(nn.Module):
    """A causal language model with a head on its states and on its surprise.

    read: how the model reads a batch; `packing.packed` sets another.
    """

    read: Read

    def __init__(self, base: PreTrainedModel) -> None:
        super().__init__()
        self.base, self.read = base, read_rows
        channels = base.config.get_text_config().hidden_size
        self.state = nn.Linear(channels, 1)
        last_of_surprise = nn.Linear(MLP_WIDTH, 1)
        self.surprise = nn.Sequential(nn.Linear(FEATURES, MLP_WIDTH), nn.SiLU(), last_of_surprise)
        for last in (self.state, last_of_surprise):
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)

    def forward(
        self, ids_NT: torch.Tensor, spans_NS2: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Step logits [N, S] and log P(token | before) [N, T], whose first column is 0.

        Logits of padding steps mean nothing. Cost: one reading.
        """
        seen = self.read(self.base, ids_NT, spans_NS2)
        features_NSF = surprise_features(seen.logprobs_NT, seen.regrets_NT, spans_NS2)
        logits_NS = self.state(seen.states_NSC) + self.surprise(features_NSF)
        return logits_NS[..., 0], seen.logprobs_NT


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
