"""Trains Pebble, the shipped small language model, on trails: about half an hour on two cores.

    python -m surefoot.policy.pebble.train OUT

Plain next-token training of a small Llama on model solutions, with the loss on
the solution's tokens only, short solutions first. A checkpoint is kept every
few million tokens: an early one is the policy (right about half the time, so
that search has work to do), the last one is the reader from which verifiers
start, as 7B verifiers judge smaller policies.
"""

import argparse
import json
import math
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from surefoot.core.seeds import rng_for
from surefoot.tasks import trails
from surefoot.tasks.trails import Level

IGNORED = -100  # the label of a token without loss
BATCH_TOKENS = 6144
PEAK_RATE = 2e-3
POOL = 32  # batches drawn at once and sorted by length, so that little is padding
ROW_MULTIPLE = 16  # padded lengths: few different shapes keep the CPU kernels' caches small

# (share of the training done, what is trained on until then: a level and its weight)
CURRICULUM: tuple[tuple[float, tuple[tuple[Level, float], ...]], ...] = (
    (0.12, ((Level((1, 3), (0, 1)), 1.0),)),
    (0.30, ((Level((1, 3), (0, 1)), 0.3), (Level((3, 5), (0, 2)), 0.7))),
    (1.00, tuple(zip(trails.LEVELS.values(), (0.3, 0.4, 0.3), strict=True))),
)


def build_tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level BPE learnt on trails; a digit is a token, with the space before it if any."""
    tokenizer = Tokenizer(models.BPE())
    pieces = Regex(r" ?[0-9]|\n| ?[A-Za-z]+| ?[^\sA-Za-z0-9]|\s")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(pieces, "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=448,
        special_tokens=["<pad>", "<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_sample_texts(), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        clean_up_tokenization_spaces=False,
    )


def _sample_texts() -> list[str]:
    texts = ["".join(f" {item}" for item in trails.ITEMS)]
    for level in trails.LEVELS.values():
        worlds = trails.stream("train", level, rng_for(0, "tokenizer"))
        texts += ["".join(_texts(next(worlds))) for _ in range(700)]
    return texts


def _texts(world: trails.World) -> tuple[str, str]:
    """The prompt and the solution; each of the solution's steps ends with a line break."""
    return trails.describe(world) + "\n", "\n".join(trails.solve(world)) + "\n"


def config(tokenizer: PreTrainedTokenizerFast) -> LlamaConfig:
    """Pebble's architecture: 1.7M parameters; few key-value heads keep decoding fast."""
    return LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=192,
        intermediate_size=512,
        num_hidden_layers=4,
        num_attention_heads=6,
        num_key_value_heads=2,
        head_dim=32,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )


def batches(
    tokenizer: PreTrainedTokenizerFast, tokens: int, seed: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Pairs of ids and labels, [rows, length], until `tokens` tokens have been given out."""
    rng = rng_for(seed, "pebble", "order")
    streams: dict[Level, Iterator[trails.World]] = {}
    given = 0
    while given < tokens:
        mixture = next(m for until, m in CURRICULUM if given / tokens < until)
        weights = np.array([weight for _, weight in mixture])
        rows: list[tuple[list[int], int]] = []
        drawn = 0
        while drawn < POOL * BATCH_TOKENS:
            level = mixture[rng.choice(len(mixture), p=weights / weights.sum())][0]
            if level not in streams:
                streams[level] = trails.stream("train", level, rng_for(seed, "pebble", str(level)))
            rows.append(_encode(tokenizer, next(streams[level])))
            drawn += len(rows[-1][0])
        rows.sort(key=lambda row: len(row[0]))
        pool = list(_pack(rows, tokenizer.pad_token_id))
        for index in rng.permutation(len(pool)):
            yield pool[index]
            given += int((pool[index][0] != tokenizer.pad_token_id).sum())


def _encode(tokenizer: PreTrainedTokenizerFast, world: trails.World) -> tuple[list[int], int]:
    """Ids of prompt and solution, and how many of them are the prompt's."""
    prompt, solution = (tokenizer(text)["input_ids"] for text in _texts(world))
    prompt = [tokenizer.bos_token_id, *prompt]
    return [*prompt, *solution, tokenizer.eos_token_id], len(prompt)


def _pack(
    rows: list[tuple[list[int], int]], pad: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Sorted rows as padded batches of at most BATCH_TOKENS."""
    start = 0
    while start < len(rows):
        stop = start + 1
        while stop < len(rows) and len(rows[stop][0]) * (stop - start + 1) <= BATCH_TOKENS:
            stop += 1
        chunk = rows[start:stop]
        width = math.ceil(len(chunk[-1][0]) / ROW_MULTIPLE) * ROW_MULTIPLE
        ids = torch.full((len(chunk), width), pad)
        labels = torch.full((len(chunk), width), IGNORED)
        for i, (row, prompt) in enumerate(chunk):
            ids[i, : len(row)] = torch.tensor(row)
            labels[i, prompt : len(row)] = torch.tensor(row[prompt:])
        yield ids, labels
        start = stop


def learning_rate(done: float) -> float:
    """Warm-up over 1 %, flat, then linear to a twentieth over the last 30 %; `done` in [0, 1]."""
    return PEAK_RATE * min(done / 0.01, 1.0, 0.05 + 0.95 * (1 - done) / 0.3)


def train(out: Path, *, tokens: int, every: int, seed: int) -> None:
    """Trains from scratch; writes `out`/TOKENS and `out`/final (bf16 safetensors) and log.jsonl.

    tokens: how many to train on, prompts included. every: tokens between checkpoints.
    """
    torch.manual_seed(seed)
    tokenizer = build_tokenizer()
    model = LlamaForCausalLM(config(tokenizer))
    # On CPU, bf16 flash attention's backward pass takes 40 % of a step; plain products do not.
    model.set_attn_implementation("eager")
    optimizers = _optimizers(model)
    out.mkdir(parents=True, exist_ok=True)
    started, seen, losses = time.monotonic(), 0, list[float]()
    with (out / "log.jsonl").open("w") as log:
        for step, (ids, labels) in enumerate(batches(tokenizer, tokens, seed)):
            rate = learning_rate((seen + 1) / tokens)
            losses.append(_update(model, optimizers, ids, labels, rate))
            before, seen = seen, seen + int((ids != tokenizer.pad_token_id).sum())
            if step % 50 == 0:
                mean, seconds = round(float(np.mean(losses)), 4), round(time.monotonic() - started)
                row = {"tokens": seen, "loss": mean, "seconds": seconds}
                log.write(json.dumps(row) + "\n")
                log.flush()
                losses = []
            if before // every < seen // every:
                save(model, tokenizer, out / f"{seen // every * every}")
        save(model, tokenizer, out / "final")


def _optimizers(model: LlamaForCausalLM) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside (half AdamW's loss at equal tokens), AdamW for the rest."""
    matrices = [p for p in model.model.layers.parameters() if p.ndim == 2]
    others = [p for p in model.parameters() if all(p is not m for m in matrices)]
    muon = torch.optim.Muon(
        matrices, lr=PEAK_RATE, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"
    )
    adamw = torch.optim.AdamW(
        others, lr=PEAK_RATE, betas=(0.9, 0.98), weight_decay=0.01, fused=True
    )
    return [muon, adamw]


def _update(
    model: LlamaForCausalLM,
    optimizers: list[torch.optim.Optimizer],
    ids: torch.Tensor,
    labels: torch.Tensor,
    rate: float,
) -> float:
    """One step of all optimizers; returns the batch's loss."""
    for group in (group for o in optimizers for group in o.param_groups):
        group["lr"] = rate
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(input_ids=ids[:, :-1]).logits  # right padding needs no mask
    loss = torch.nn.functional.cross_entropy(
        logits.float().flatten(0, 1), labels[:, 1:].flatten(), ignore_index=IGNORED
    )
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return loss.item()


def save(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, path: Path) -> None:
    """Writes a transformers checkpoint in bfloat16."""
    state = {name: t.to(torch.bfloat16) for name, t in model.state_dict().items()}
    model.save_pretrained(path, state_dict=state)
    tokenizer.save_pretrained(path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--tokens", type=int, default=32_000_000)
    parser.add_argument("--every", type=int, default=1_000_000, help="tokens between checkpoints")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    train(arguments.out, tokens=arguments.tokens, every=arguments.every, seed=arguments.seed)
