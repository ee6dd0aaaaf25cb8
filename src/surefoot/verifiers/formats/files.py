"""What is taken from a Hub checkpoint: JSON, tokenizer and safetensors, nothing that runs.

Python files and pickles are never downloaded, opened or imported.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import snapshot_download
from safetensors import SafetensorError, safe_open
from transformers import AutoModel, AutoModelForCausalLM, AutoTokenizer, PreTrainedModel
from transformers.utils import logging

from surefoot.core.errors import ModelError
from surefoot.policy.local import place
from surefoot.policy.local_files import check_folder, json_of

SAFE = ("*.json", "*.safetensors", "*.model", "*.txt", "*.jinja")
UNREADABLE = (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError)


def folder_of(name: str) -> Path:
    """The folder of a checkpoint: a path as it is, a Hub name from the cache or the network.

    Raises ModelError if there is none, or if it is not to be built (`policy.local_files`).
    """
    folder = Path(name)
    if not folder.is_dir():
        folder = _downloaded(name)
    if not (folder / "config.json").is_file():
        adapter = (folder / "adapter_config.json").is_file()
        cure = "merge the adapter into its base model first" if adapter else "give its folder"
        raise ModelError(f"there is no config.json in {folder}; expected a checkpoint: {cure}")
    check_folder(folder)
    return folder


def _downloaded(name: str) -> Path:
    try:
        return Path(snapshot_download(name, allow_patterns=list(SAFE)))
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise ModelError(
            f"verifier {name!r} is not a local folder and could not be had from the Hub: {reason}. "
            "Check the name, or download it and give its folder"
        ) from error


def config_of(folder: Path) -> dict[str, Any]:
    """The checkpoint's config.json as it is written."""
    return json_of(folder / "config.json")


def tokenizer_of(folder: Path) -> Any:
    """The checkpoint's fast tokenizer. Raises ModelError without one."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    except UNREADABLE as error:
        raise ModelError(f"the tokenizer in {folder} cannot be read: {error}") from error
    if not tokenizer.is_fast:
        raise ModelError(f"the tokenizer in {folder} tells no offsets; a tokenizer.json is needed")
    return tokenizer


def backbone(folder: Path, *, dtype: str, device: str, causal: bool = False) -> PreTrainedModel:
    """The transformer of a checkpoint (with its language-model head if `causal`), placed.

    Raises ModelError if it cannot be read without the checkpoint's own code, or if a
    weight is missing: it would be random, and its scores noise.
    """
    auto: Any = AutoModelForCausalLM if causal else AutoModel
    try:
        with _without_warnings():  # of weights left over: the family's head reads them itself
            model, notes = auto.from_pretrained(
                folder,
                dtype="auto",
                use_safetensors=True,
                trust_remote_code=False,
                output_loading_info=True,
            )
    except UNREADABLE as error:
        kind = config_of(folder).get("model_type")
        raise ModelError(
            f"the checkpoint at {folder} (model_type {kind!r}) cannot be read by transformers "
            f"without code of its own, which is not run: {str(error)[:200]}"
        ) from error
    if notes["missing_keys"]:
        raise ModelError(
            f"weights are missing in {folder}: {sorted(notes['missing_keys'])[:3]} ...; "
            "copy the checkpoint again, or name the right family"
        )
    placed: PreTrainedModel = place(model, dtype=dtype, device=device).eval()
    return placed


@contextmanager
def _without_warnings() -> Iterator[None]:
    before = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(before)


def context_of(folder: Path) -> int:
    """The most tokens the checkpoint takes, by its config."""
    return int(config_of(folder).get("max_position_embeddings", 1 << 20))


def weights_of(folder: Path, names: Iterable[str]) -> dict[str, torch.Tensor]:
    """These tensors in float32, from whichever file holds each; absent ones are left out."""
    wanted, found = set(names), {}
    for file in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(file, framework="pt") as tensors:
                for name in wanted & set(tensors.keys()):
                    found[name] = tensors.get_tensor(name).float()
        except (SafetensorError, OSError) as error:
            raise ModelError(
                f"{file} cannot be read: {error}; copy the checkpoint again"
            ) from error
    return found


def linear_of(folder: Path, prefix: str, outputs: int) -> torch.nn.Linear:
    """The layer stored as PREFIX.weight [outputs, C] and, if it has one, PREFIX.bias.

    Raises ModelError if it is not there or has another number of outputs.
    """
    found = weights_of(folder, (f"{prefix}.weight", f"{prefix}.bias"))
    weight = found.get(f"{prefix}.weight")
    if weight is None or weight.ndim != 2 or len(weight) != outputs:
        shape = None if weight is None else tuple(weight.shape)
        raise ModelError(
            f"expected {prefix}.weight with {outputs} rows in {folder}, found {shape}; "
            "name the right family"
        )
    return linear(weight, found.get(f"{prefix}.bias"))


def linear(weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.nn.Linear:
    """A layer of these weights, [outputs, C] and [outputs]."""
    layer = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    layer.load_state_dict({"weight": weight} if bias is None else {"weight": weight, "bias": bias})
    return layer


def token_rows(folder: Path, ids: Iterable[int]) -> torch.nn.Linear:
    """The rows of the language-model head for these ids: their logits alone, without the
    vocabulary's others. Tied heads are the input embedding."""
    names = ("lm_head.weight", "model.embed_tokens.weight")
    found = weights_of(folder, names)
    weight = found.get(names[0], found.get(names[1]))
    if weight is None:
        raise ModelError(f"expected {' or '.join(names)} in {folder}; name the right family")
    return linear(weight[list(ids)])
