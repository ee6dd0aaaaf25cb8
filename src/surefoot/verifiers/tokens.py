"""Verifiers of single tokens: what a text is worth with each of K next tokens.

    score_k = read( network( ids, v_k ) at v_k )

These are what guides of a policy ask (`search.token_guidance`): values of kinds `orm`, `ovm` and
`vas`, which are learnt at every token, and the rewards of `pairwise` from token triplets. The
verifier must have the policy's tokenizer, prompt and separator, so that both read the same ids.

Dimension key: K candidate tokens.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from surefoot.core.errors import ModelError
from surefoot.steps.encode import Encoded, Encoder
from surefoot.verifiers.checkpoint import SHIPPED, load_network, read_card, weights_print
from surefoot.verifiers.data import Example, batch_of
from surefoot.verifiers.kinds import KINDS
from surefoot.verifiers.network import Network
from surefoot.verifiers.packing import packed

VALUED = ("vas", "ovm", "orm")  # kinds whose score is a value after any token
REWARDED = ("pairwise",)  # and those whose score compares the next tokens of one text


@dataclass(frozen=True)
class TokenScorer:
    """Scores of next tokens by a network that reads what they share once.

    read: z to scores, as an `Objective` has it.
    fingerprint: changes whenever the same tokens could get other scores.
    """

    network: Network
    encoder: Encoder
    read: Callable[[torch.Tensor], torch.Tensor]
    fingerprint: str

    @torch.inference_mode()
    def __call__(self, ids: tuple[int, ...], tokens_K: Sequence[int]) -> list[float]:
        """[K] scores. Cost: one reading of len(ids) + K tokens."""
        place = len(ids)
        examples = [
            Example(Encoded((*ids, token), place, (place,), dropped=0), (None,), imitate=False)
            for token in tokens_K
        ]
        batch = batch_of(examples, pad=0).to(self.network.device)
        z_K1, _ = self.network(batch.ids_NT, batch.spans_NS2)
        scores: list[float] = self.read(z_K1)[:, 0].tolist()
        return scores


def token_scorer(network: Network, encoder: Encoder, *, kind: str, fingerprint: str) -> TokenScorer:
    """Of a network that was trained for one of KINDS."""
    return TokenScorer(packed(network.eval()), encoder, KINDS[kind].read, fingerprint)


def load_token_scorer(
    name: str, *, kinds: Sequence[str], like: Encoder, device: str = "auto"
) -> TokenScorer:
    """A saved verifier of one of these kinds. like: the policy's encoder.

    Raises ModelError for another kind, or a verifier that would read other ids than the policy.
    """
    folder = SHIPPED.get(name, Path(name))
    card = read_card(folder)
    if card.objective not in kinds:
        raise ModelError(
            f"a guide by this method asks a verifier of kind {' or '.join(kinds)} at every token; "
            f"{name!r} is of kind {card.objective}: train one with `surefoot train --kind "
            f"{kinds[0]}`"
        )
    if card.encoder != like.fingerprint():
        raise ModelError(
            f"the verifier at {folder} reads other ids than the policy (fingerprint "
            f"{card.encoder}, the policy's {like.fingerprint()}); train it with the policy's model "
            "as --base"
        )
    network, encoder = load_network(folder, card, KINDS[card.objective], device=device)
    return token_scorer(network, encoder, kind=card.objective, fingerprint=weights_print(folder))
