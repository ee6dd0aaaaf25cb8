"""Tiny random checkpoints in the layout of real ones: same config, weight names and tokens.

The tokenizers are trained here, on a few lines, with the families' own rules for cutting text.
"""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
)

TEXT = [
    "Ann has 3 apples and buys 4.\n\nHow many has she?\n\nShe has 3 + 4 = 7 apples.\n\n",
    "Step 1: She has 3 + 4 = 7 apples. ки\nStep 2: The answer is 7. ки\n",
    "So 2 - 1 = 1 and 5 - 3 = 2. \n\n\n\nThen x = 4 \n\n\n\n + - + - ки ки\n\n",
    "Yes No yes no The answer is (7).\n\nTherefore: \\boxed{7}.\n\n user assistant system\n",
    "It is 7.\nIt is 1.\nSo x = 2.\nYes.\nNo.\n",
] * 50
GPT4_SPLIT = Regex(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN_CHAT = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
LLAMA_CHAT = (
    "{{ bos_token }}{% if not date_string is defined %}"
    "{% set date_string = strftime_now('%d %b %Y') %}{% endif %}"
    "<|start_header_id|>system<|end_header_id|>\n\nToday Date: {{ date_string }}\n\n<|eot_id|>"
    "{% for m in messages %}<|start_header_id|>{{ m['role'] }}<|end_header_id|>\n\n"
    "{{ m['content'] | trim }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)


def byte_level(specials: list[str], **settings: str) -> PreTrainedTokenizerFast:
    """A byte-level BPE with the split rule of Qwen2.5 and Llama 3: ".\\n\\n" is one token."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(GPT4_SPLIT, "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=500,
        special_tokens=specials,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXT, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **settings)


def qwen_tokenizer(**settings: str) -> PreTrainedTokenizerFast:
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<extra_0>"]
    settings = {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", **settings}
    tokenizer = byte_level(specials, **settings)
    tokenizer.chat_template = QWEN_CHAT
    return tokenizer


def llama_tokenizer() -> PreTrainedTokenizerFast:
    specials = ["<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
    tokenizer = byte_level(specials, bos_token=specials[0], eos_token=specials[3])
    tokenizer.chat_template = LLAMA_CHAT
    return tokenizer


def mistral_tokenizer() -> PreTrainedTokenizerFast:
    """A sentencepiece-like BPE: words begin with a lower block, so "ки" is "▁ки"; a line break
    is a token of its own."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Metaspace(prepend_scheme="first"), pre_tokenizers.Split("\n", "isolated")]
    )
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="first")
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=["<unk>", "<s>", "</s>"], show_progress=False
    )
    tokenizer.train_from_iterator(TEXT, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    )


SHAPE = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "initializer_range": 0.3,
}
CAUSAL = {
    "qwen2": (Qwen2Config, Qwen2ForCausalLM),
    "llama": (LlamaConfig, LlamaForCausalLM),
    "mistral": (MistralConfig, MistralForCausalLM),
}


def causal(kind: str, tokenizer: PreTrainedTokenizerFast, *, seed: int = 0) -> torch.nn.Module:
    """A random language model, in eval mode; the same weights every time."""
    config, model = CAUSAL[kind]
    torch.manual_seed(seed)
    return model(config(vocab_size=len(tokenizer), **SHAPE)).eval()


def save(
    folder: Path,
    model: torch.nn.Module,
    tokenizer: PreTrainedTokenizerFast,
    *,
    architecture: str | None = None,
    extra: dict[str, torch.Tensor] | None = None,
    drop: str = "\0",
) -> Path:
    """Writes a checkpoint; `extra` tensors are added to its file, and those with `drop` in
    their name are left out, as in the repositories that ship a head of their own."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    file = folder / "model.safetensors"
    tensors = {k: v for k, v in load_file(file).items() if drop not in k}
    save_file({**tensors, **(extra or {})}, file, metadata={"format": "pt"})
    if architecture is not None:
        config = json.loads((folder / "config.json").read_text())
        config["architectures"] = [architecture]
        config["auto_map"] = {"AutoModel": "modeling.Remote", "AutoConfig": "modeling.Config"}
        (folder / "config.json").write_text(json.dumps(config))
        (folder / "modeling.py").write_text("raise SystemExit('remote code was run')\n")
    return folder
