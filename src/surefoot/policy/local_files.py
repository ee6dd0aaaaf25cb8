"""What a checkpoint may bring and ask for, checked before any of it is built.

weights    safetensors; a pickle can run code as it is read
code       none: `trust_remote_code=False` everywhere, said outright, since transformers asks a
           person at a terminal where nothing is said
config     no more layers than there are tensors, no more parameters than the files can hold:
           a config of a few bytes can ask for 10^6 layers, which take minutes and all memory
"""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from transformers import AutoConfig, AutoModel

from surefoot.core.errors import ModelError

PICKLES = (".bin", ".pt", ".pth", ".pkl", ".ckpt")
CONVERT = "convert it (huggingface.co/spaces/safetensors/convert) and give the new folder"
COUNTED = re.compile(r"layer|expert|block|depth|stage|num_labels", re.I)  # a module, or label, each
# What else is said of layers and experts: how large they are (vocab_size_per_layer_input), where.
MEASURED = re.compile(r"size|dim|channel|multiple|capacity|index", re.I)
SANE_COUNT = 1_000  # of those, whatever the weights: some keys of small models name no layers
PARAMETERS_A_BYTE = 8  # no format has more: 1 bit each
SANE_PARAMETERS = 1 << 26  # whatever the weights: heads and buffers that no file holds


def check_folder(folder: Path) -> None:
    """Raises ModelError, with the cure, for a local checkpoint that is not to be built."""
    adapter = folder / "adapter_config.json"
    if adapter.is_file():
        _check_weights(folder, "adapter_model*.safetensors")
        base = Path(str(json_of(adapter).get("base_model_name_or_path")))
        if not (folder / "config.json").is_file():  # the base is elsewhere, perhaps on the Hub
            if base != folder and base.is_dir():
                check_folder(base)
            return
    if not (folder / "config.json").is_file():
        raise ModelError(
            f"there is no config.json in {folder}. Expected a transformers checkpoint folder "
            "(config.json, *.safetensors, tokenizer files) or a .gguf file"
        )
    _check_weights(folder, "*.safetensors")
    config = json_of(folder / "config.json")
    check_counts(config, folder, most=max(SANE_COUNT, _tensors(folder)))
    _check_parameters(folder)


def json_of(file: Path) -> dict[str, Any]:
    """A JSON object of a checkpoint. Raises ModelError for anything else, however deep."""
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{file} cannot be read: {error}; copy the checkpoint again") from error
    if not isinstance(record, dict):
        raise ModelError(f"{file} is not a JSON object; copy the checkpoint again")
    return record


def check_counts(config: dict[str, Any], where: object, *, most: int = SANE_COUNT) -> None:
    """Raises ModelError for a config with more than `most` layers, experts or labels."""
    for name, value in _numbers(config):
        if value > most and COUNTED.search(name) and not MEASURED.search(name):
            raise ModelError(
                f"the config of {where} asks for {name} = {value}, and its weights have no more "
                f"than {most} tensors; copy the checkpoint again"
            )


def _check_weights(folder: Path, pattern: str) -> None:
    if any(folder.glob(pattern)):
        return
    pickles = sorted(f.name for f in folder.iterdir() if f.suffix in PICKLES)
    raise ModelError(
        f"the checkpoint at {folder} has no safetensors weights"
        + (f", only pickles ({', '.join(pickles)}), which can run code" if pickles else "")
        + f"; {CONVERT}"
    )


def _tensors(folder: Path) -> int:
    count = 0
    for file in folder.glob("*.safetensors"):
        try:
            with safe_open(file, framework="pt") as tensors:
                count += len(tensors.keys())
        except (SafetensorError, OSError) as error:
            raise ModelError(
                f"{file} cannot be read: {error}; copy the checkpoint again"
            ) from error
    return count


def _check_parameters(folder: Path) -> None:
    """Builds the model without memory for its weights, and counts them."""
    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
        with torch.device("meta"):
            model = AutoModel.from_config(config, trust_remote_code=False)
    except Exception:  # noqa: BLE001 - the real load fails alike, and says why
        return
    tensors: Sequence[torch.Tensor] = [*model.parameters(), *model.buffers()]
    asked = sum(tensor.numel() for tensor in tensors)
    held = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    if asked > PARAMETERS_A_BYTE * held + SANE_PARAMETERS:
        raise ModelError(
            f"the config in {folder} asks for {asked:,} parameters, and its weights have {held:,} "
            "bytes; copy the checkpoint again"
        )


def _numbers(config: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """Every whole number in a config, with the key that it stands under."""
    waiting: list[tuple[str, Any]] = list(config.items())
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, dict):
            waiting += ((str(key), item) for key, item in value.items())
        elif isinstance(value, list):
            waiting += [(name, item) for item in value]
        elif isinstance(value, int) and not isinstance(value, bool):
            yield name, value
