"""Any verifier as a Scorer: ours from disk, somebody else's from the Hub.

A family is chosen by name, else by the checkpoint's own name, else by the
architecture its config states, else not at all: reading a checkpoint in another
family's words gives scores too, and they mean nothing.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Protocol

from surefoot.core.errors import ModelError
from surefoot.core.types import Kind
from surefoot.verifiers.calibrate import calibrated, map_of
from surefoot.verifiers.checkpoint import SHIPPED, SIDECAR, Card, load_verifier, read_card
from surefoot.verifiers.formats.critic import load_critic
from surefoot.verifiers.formats.files import config_of, folder_of, tokenizer_of
from surefoot.verifiers.formats.gen_prm import STOP, gen_prm
from surefoot.verifiers.formats.implicit import REFERENCES, load_implicit
from surefoot.verifiers.formats.marked import Format, load_format
from surefoot.verifiers.formats.math_shepherd import MATH_SHEPHERD
from surefoot.verifiers.formats.qwen_prm import QWEN_PRM, REASON_FLUX
from surefoot.verifiers.formats.rlhflow import RLHFLOW
from surefoot.verifiers.formats.skywork import SKYWORK
from surefoot.verifiers.formats.think_prm import think_prm
from surefoot.verifiers.formats.trl import PURE, TRL, encoder_print, trl_format
from surefoot.verifiers.formats.versa_prm import VERSA_PRM
from surefoot.verifiers.kinds.birm import BIRM, birm
from surefoot.verifiers.pooling import Endpoint, address_of, load_served
from surefoot.verifiers.score import LocalScorer


class Family(Protocol):
    """How checkpoints of one family become scorers."""

    def __call__(self, folder: Path, name: str, *, dtype: str, device: str) -> LocalScorer:
        """The scorer of the checkpoint in `folder`, called `name`. Raises ModelError."""


MARKED = (QWEN_PRM, REASON_FLUX, MATH_SHEPHERD, RLHFLOW, SKYWORK, TRL, PURE, VERSA_PRM)
FAMILIES: dict[str, Family] = {
    **{form.name: partial(load_format, form) for form in MARKED},
    "implicit": load_implicit,
    "think-prm": partial(load_critic, think_prm),
    "gen-prm": partial(load_critic, gen_prm, stop=STOP),
}

BY_NAME = {  # how a Hub name begins, with its owner or without
    "jinachris/": "pure",
    "PURE-PRM": "pure",
    "Qwen2.5-Math-PRM-": "qwen-prm",
    "ReasonFlux-PRM-7B": "reason-flux",
    "math-shepherd-mistral-7b-prm": "math-shepherd",
    "Llama3.1-8B-PRM-": "rlhflow",
    "Skywork-o1-Open-PRM-": "skywork",
    "ThinkPRM-": "think-prm",
    "GenPRM-": "gen-prm",
    "VersaPRM": "versa-prm",
    "Llama-PRM800K": "versa-prm",
    "Qwen-PRM800K": "versa-prm",
    **dict.fromkeys(REFERENCES, "implicit"),
}

BY_ARCHITECTURE = {
    "Qwen2ForProcessRewardModel": "qwen-prm",
    "Qwen2ForPrmModel": "skywork",
    "Qwen2ForTokenClassification": "trl",
    "LlamaForTokenClassification": "trl",
    "MistralForTokenClassification": "trl",
}


def load_scorer(
    name: str, *, family: str | Family | None = None, device: str = "auto", dtype: str = "auto"
) -> LocalScorer:
    """A verifier as a `Scorer`: exactly one score a step, or an error that names the step.

    Args:
      name: "pebble-verifier" (shipped), a folder `surefoot train` wrote, or a process reward
        model: a Hub name or its folder (safetensors; pickles and remote code are refused);
        or URL#MODEL for one that vLLM serves, MODEL being its name there and the Hub name or
        folder of its tokenizer.
      family: one of FAMILIES, "implicit:REFERENCE", or a `Family` of your own, such as
        partial(load_format, Format(...)); None recognizes the checkpoint.
      device: "cpu", "cuda", ...; "auto" takes a GPU if there is one.
      dtype: of the backbone; "auto" is bfloat16, or float32 for a small model on CPU.

    Raises ModelError if the checkpoint cannot be read, its family cannot be told, or it
    fails the family's self-test (ids that are no single token, a separator that does not
    survive tokenization, a two-step example without two finite scores).
    """
    address = address_of(name)
    if address is not None:
        return _served(*address, family)
    if name in SHIPPED or (Path(name) / SIDECAR).is_file():
        return _with_card(SHIPPED.get(name, Path(name)), dtype=dtype, device=device)
    folder = folder_of(name)
    if family is None and (folder / SIDECAR).is_file():
        return _with_card(folder, dtype=dtype, device=device)
    load = family_of(name, folder, family) if family is None or isinstance(family, str) else family
    return load(folder, name, dtype=dtype, device=device)


def load_birm(name: str, *, beta: float, device: str = "auto") -> LocalScorer:
    """A verifier with two heads that gives f = (v + beta mean r) / (1 + beta) for this beta.

    name: a folder that `surefoot train --kind birm` wrote. Raises ModelError for another kind.
    """
    folder = SHIPPED.get(name, Path(name))
    kind = read_card(folder).objective if (folder / SIDECAR).is_file() else "not of our own"
    if kind != BIRM.name:
        raise ModelError(
            f"one verifier for both ways must be of kind {BIRM.name}, and {name!r} is {kind}; "
            f"train one with `surefoot train --kind {BIRM.name}`, or give a verifier of values and "
            "a second one, of correctness, as `past`"
        )
    return load_verifier(str(folder), objective=birm(beta), device=device)


def _with_card(folder: Path, *, dtype: str, device: str) -> LocalScorer:
    """A verifier of our own making, read as its card says."""
    card = read_card(folder)
    if not card.format:
        return load_verifier(str(folder), device=device)
    form = _form_of(card, folder)
    scorer = load_format(form, folder, card.name, dtype=dtype, device=device)
    return calibrated(scorer, map_of(card.calibration))


def _served(url: str, model: str, family: str | Family | None) -> LocalScorer:
    """A verifier behind a pooling endpoint, of the family that is said or that its card states."""
    endpoint, folder = Endpoint(url, model), Path(model)
    if family is None and (folder / SIDECAR).is_file():
        card = read_card(folder)
        scorer = load_served(endpoint, _form_of(card, folder), tokenizer=model)
        return calibrated(scorer, map_of(card.calibration))
    form = next((form for form in MARKED if form.name == family), None)
    if form is None:
        raise ModelError(
            f"the family of a served verifier must be said: one of {sorted(f.name for f in MARKED)}"
        )
    return load_served(endpoint, form, tokenizer=model)


def _form_of(card: Card, folder: Path) -> Format:
    """The family of a token classifier of our own, with its separator. Raises ModelError."""
    if card.format != TRL.name:
        raise ModelError(
            f"the card in {folder} states the format {card.format!r}; expected {TRL.name!r}"
        )
    found = encoder_print(tokenizer_of(folder_of(str(folder))), card.separator)
    if found != card.encoder:
        raise ModelError(
            f"the verifier at {folder} was trained with another tokenizer (fingerprint "
            f"{card.encoder}, here {found}); put back the tokenizer files it was saved with"
        )
    form = trl_format(TRL.name, card.separator, card.aggregation)
    return replace(form, kind=Kind(card.kind))


def family_of(name: str, folder: Path, family: str | None = None) -> Family:
    """The family that was asked for, or the checkpoint's. Raises ModelError, with the choices."""
    if family is not None and family.startswith("implicit:"):
        return partial(load_implicit, reference=family.removeprefix("implicit:"))
    stated = config_of(folder).get("architectures") or []
    names = (name, Path(name).name)
    known = [f for start, f in BY_NAME.items() if any(n.startswith(start) for n in names)]
    known += [BY_ARCHITECTURE[a] for a in stated if a in BY_ARCHITECTURE]
    chosen = family or next(iter(known), None)
    if chosen is None or chosen not in FAMILIES:
        what = f"family {family!r} is not known" if family else f"the family of {name!r} is unclear"
        raise ModelError(
            f"{what} (its config states {stated}, and there is no {SIDECAR} of ours); "
            f"say one of {', '.join(sorted(FAMILIES))}"
        )
    return FAMILIES[chosen]
