"""Verifiers on disk: a folder that plain transformers can open too.

config.json, model.safetensors, tokenizer files   the language model
head.safetensors                                  the head
verifier.json                                     what its scores mean and how to encode
README.md                                         the model card
"""

import copy
import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from transformers import PreTrainedModel

from surefoot.core.errors import InputError, ModelError, StorageError
from surefoot.core.files import write_whole
from surefoot.core.kinds import LEGAL
from surefoot.core.types import Kind
from surefoot.policy.local import PEBBLE, fingerprint, load_model
from surefoot.steps.encode import Encoder, default_prompt
from surefoot.verifiers.calibrate import calibrated, map_of
from surefoot.verifiers.kinds import KINDS
from surefoot.verifiers.kinds.prm import PRM
from surefoot.verifiers.network import Network
from surefoot.verifiers.objective import Objective
from surefoot.verifiers.score import LocalScorer, likelihood_scorer, scorer
from surefoot.verifiers.state import whole_weights

SHIPPED = {"pebble-verifier": PEBBLE / "verifier"}
SIDECAR, HEAD = "verifier.json", "head.safetensors"


@dataclass(frozen=True, slots=True)
class Card:
    """What must be known to use a verifier.

    kind: of its scores. separator: ends every step. encoder: `Encoder.fingerprint`
    when it was trained. trained_on, metrics: for the reader of its model card.
    format: "" for the network and head of this package, or a family of `verifiers.load`.
    aggregation: from steps to a trace; None to go by kind.
    calibration: a map of scores, as `calibrate.map_of` reads it; {} for none.
    objective: what it was trained for; a name in `kinds.KINDS`, or your own. base, base_files:
      the language model it began as, and its fingerprint: the reference of an implicit one.
    """

    name: str
    kind: str
    separator: str
    encoder: str
    trained_on: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    format: str = ""
    aggregation: str | None = None
    calibration: dict[str, Any] = field(default_factory=dict)
    objective: str = "prm"
    base: str = ""
    base_files: str = ""


_FIELD_TYPES: dict[str, Any] = {
    "metrics": dict, "calibration": dict, "aggregation": str | None,
}  # fmt: skip


def new_network(
    base: str, *, objective: Objective = PRM, device: str = "auto", seed: int = 0
) -> tuple[Network, Encoder]:
    """A fresh network for an objective, in float32 on a policy's weights, and the policy's
    encoder.

    seed: decides the head's first weights, and nothing else in the process.
    """
    model, tokenizer = load_model(base, dtype="float32", device=device)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = objective.build(model, tokenizer, partial(copy.deepcopy, model))
    encoder = Encoder(tokenizer, default_prompt(tokenizer), max_tokens=_context(model))
    return network.to(model.device), encoder


def load_verifier(
    name: str, *, device: str = "auto", objective: Objective | None = None
) -> LocalScorer:
    """The scorer of a saved verifier, calibrated if its card says so: a folder, or
    "pebble-verifier" (shipped).

    objective: the one it was trained for; None finds it among `kinds.KINDS` by its name.
    Raises ModelError if it cannot be read, or if its tokenizer is not the one it
    was trained with (the same scores would then mean other places in the text).
    """
    folder = SHIPPED.get(name, Path(name))
    card = read_card(folder)
    objective = objective or _objective_of(card, folder)
    network, encoder = load_network(folder, card, objective, device=device)
    read_as = "" if objective.name == card.objective else f"|{objective.name}"
    plain = scorer(
        network,
        encoder,
        kind=Kind(card.kind),
        name=card.name,
        fingerprint=weights_print(folder) + read_as,
        objective=objective,
    )
    return calibrated(plain, map_of(card.calibration))


def load_network(
    folder: Path, card: Card, objective: Objective, *, device: str
) -> tuple[Network, Encoder]:
    """The network of a saved verifier, and its encoder; raises ModelError as `load_verifier`."""
    model, tokenizer = load_model(str(folder), dtype="float32", device=device)
    encoder = Encoder(tokenizer, default_prompt(tokenizer), card.separator, _context(model))
    if encoder.fingerprint() != card.encoder:
        raise ModelError(
            f"the verifier at {folder} was trained with another tokenizer or prompt (fingerprint "
            f"{card.encoder}, here {encoder.fingerprint()}); put back the tokenizer files it was "
            "saved with"
        )
    network = objective.build(model, tokenizer, partial(_base_of, card, folder, device))
    try:
        head = load_file(folder / HEAD)
        state = {k: v for k, v in network.state_dict().items() if k.startswith("base.")}
        network.load_state_dict({**state, **{k: v.float() for k, v in head.items()}})
    except Exception as error:
        raise ModelError(f"the head at {folder / HEAD} cannot be read: {error}") from error
    return network.to(model.device), encoder


def _objective_of(card: Card, folder: Path) -> Objective:
    if card.objective not in KINDS:
        raise ModelError(
            f"the verifier at {folder} was trained for {card.objective!r}, which is none of "
            f"{', '.join(sorted(KINDS))}; pass its `objective`, or update surefoot"
        )
    return KINDS[card.objective]


def _base_of(card: Card, folder: Path, device: str) -> PreTrainedModel:
    """The language model a verifier began as. Raises ModelError if it is another by now."""
    if fingerprint(card.base) != card.base_files:
        raise ModelError(
            f"the verifier at {folder} is read against the model it began as, {card.base!r}, and "
            "that is gone or has changed; put it back"
        )
    return load_model(card.base, dtype="float32", device=device)[0]


def load_likelihood(name: str, *, device: str = "auto") -> LocalScorer:
    """A language model's own log-probabilities as a scorer: the baseline without labels."""
    network, encoder = new_network(name, device=device)
    return likelihood_scorer(
        network, encoder, name=f"{name} likelihood", fingerprint=fingerprint(name)
    )


def read_card(folder: Path) -> Card:
    """The verifier's sidecar. Raises ModelError if the folder is not a verifier."""
    try:
        return _checked(Card(**json.loads((folder / SIDECAR).read_text(encoding="utf-8"))))
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise ModelError(
            f"there is no readable verifier at {folder} ({error}); expected a folder with "
            f"{SIDECAR}, as `surefoot train` writes it, or one of {sorted(SHIPPED)}"
        ) from error


def _checked(card: Card) -> Card:
    """A card whose fields are what they should be; TypeError or ValueError otherwise."""
    for one in fields(card):
        value, kind = getattr(card, one.name), _FIELD_TYPES.get(one.name, str)
        if not isinstance(value, kind):
            raise TypeError(f"field {one.name!r}: {str(value)[:60]!r}")
    legal = LEGAL[Kind(card.kind)]
    if card.aggregation is not None and card.aggregation not in legal:
        raise ValueError(
            f"field 'aggregation': {card.kind} scores aggregate by {' or '.join(legal)}, not by "
            f"{card.aggregation[:60]!r}"
        )
    if not card.separator:
        raise ValueError("field 'separator' is empty")
    return card


def save_verifier(
    folder: Path, network: Network, encoder: Encoder, card: Card, *, dtype: str = "float32"
) -> None:
    """Writes the folder; `dtype` bfloat16 halves its size. Raises StorageError.

    After a training under FSDP every process must call it, and the main one writes.
    """
    kept = getattr(torch, dtype)
    state = {k: v.to(kept).contiguous() for k, v in whole_weights(network).items()}
    if not state:
        return
    head = {k: v for k, v in state.items() if not k.startswith("base.")}
    base = {k.removeprefix("base."): v for k, v in state.items() if k.startswith("base.")}
    try:
        network.base.save_pretrained(folder, state_dict=base)
        encoder.tokenizer.save_pretrained(folder)
        save_file(head, folder / HEAD)
    except OSError as error:
        raise StorageError(f"the verifier could not be saved in {folder}: {error}") from error
    write_card(folder, card, model_card(card))


def write_card(folder: Path, card: Card, readme: str) -> None:
    """Writes the sidecar and the README, and makes the folder if need be. Raises StorageError."""
    write_whole(folder / "README.md", readme)
    write_whole(folder / SIDECAR, json.dumps(asdict(card), indent=1) + "\n")


def model_card(card: Card) -> str:
    """The README of a verifier."""
    kind = Kind(card.kind)
    rows = "\n".join(f"| {name} | {value:.4g} |" for name, value in card.metrics.items())
    return (
        f"# {card.name}\n\nA step verifier made with Surefoot. Scores are of kind "
        f"`{kind.value}`, one a step; steps end with {card.separator!r}.\n\n"
        f"Trained on: {card.trained_on or 'not stated'}\n\n"
        f"| metric | value |\n|---|---|\n{rows}\n\n"
        "```python\nfrom surefoot.verifiers import load_verifier\n"
        'scores = load_verifier("PATH")(traces)\n```\n'
    )


def encoder_card(
    name: str,
    kind: Kind,
    encoder: Encoder,
    trained_on: str,
    *,
    objective: Objective = PRM,
    base: str = "",
) -> Card:
    """A card for a verifier that was just trained, from the language model `base`."""
    if not name:
        raise InputError("a verifier needs a name")
    return Card(
        name,
        kind.value,
        encoder.separator,
        encoder.fingerprint(),
        trained_on,
        objective=objective.name,
        base=base,
        base_files=fingerprint(base) if base else "",
    )


def _context(model: Any) -> int:
    return int(getattr(model.config.get_text_config(), "max_position_embeddings", 1 << 20))


def weights_print(folder: Path) -> str:
    """A short hash of a verifier's files and head."""
    head = hashlib.blake2b((folder / HEAD).read_bytes(), digest_size=4).hexdigest()
    return fingerprint(str(folder)) + head
