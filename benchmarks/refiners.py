"""Trains a Pebble that refines, and one that does not, on what Pebble itself wrote.

    python benchmarks/refiners.py [OUT] [PROBLEMS]

refiner   GLoRe's lessons: (q, wrong draft) -> a right solution, and (q, draft with [BAD] before
          the step that the shipped verifier doubts) -> a right end of the steps before
control   the right solutions alone (rejection sampling), for as many updates: what of a gain is
          only more training

Both begin as the shipped policy and see the same problems of the train split; no step was labelled
by the oracle. Resumable: model calls are in OUT/journal.sqlite, a training's state in
OUT/NAME.state; a finished model is kept.
"""

import itertools
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from surefoot.core.seeds import rng_for
from surefoot.core.types import Trace, Verdict
from surefoot.engine import Crew, Journal
from surefoot.improve import Lesson, Masked, masked, whole
from surefoot.policy.local import load_policy
from surefoot.recipes.demo import DemoConfig, Shop, sampled
from surefoot.recipes.refinement import glore
from surefoot.search.critique import first_doubt
from surefoot.steps import Rollouts
from surefoot.tasks import trails
from surefoot.verifiers import load_verifier
from surefoot.verifiers.losses import token_loss

CONFIG = DemoConfig(level="middle", train_problems=1000, train_samples=8, seed=7, in_flight=64)
WRONG_EACH, ROLLOUTS, WHERE = 2, 4, 0.5
UPDATES, BATCH_TOKENS, RATE, SAVE_EVERY = 400, 4096, 5e-4, 10


def main(out: Path, problems: int) -> None:
    """Samples, rolls out, builds lessons, trains both."""
    out.mkdir(parents=True, exist_ok=True)
    config = replace(CONFIG, train_problems=problems)
    shop = Shop(
        config, out, Journal(out / "journal.sqlite"), Crew(config.in_flight), lambda *_: None
    )
    pool_P_N = sampled_pool(shop)
    lessons = refining(shop, pool_P_N)
    right = [t for row in pool_P_N for t in row if t.verdict is Verdict.CORRECT]
    print(f"{len(lessons)} lessons in refinement, {len(right)} right solutions", flush=True)
    trained("refiner", lessons, out)
    trained("control", [whole(trace) for trace in right], out)
    shop.journal.close()


def sampled_pool(shop: Shop) -> list[list[Trace]]:
    """[P][N] solutions of the train split."""
    policy = shop.policy(shop.config.policy, shop.config.temperature)
    config = shop.config
    return sampled(shop, policy, "train", config.train_problems, config.train_samples)


def refining(shop: Shop, pool_P_N: Sequence[Sequence[Trace]]) -> list[Lesson]:
    """Global lessons within each problem, local ones from before the verifier's doubt."""
    policy = shop.policy(shop.config.policy, shop.config.temperature)
    score = shop.scorer(load_verifier(shop.config.verifier))

    def local(drafts: Sequence[Trace]) -> list[Lesson]:
        if not drafts:
            return []
        rollouts = Rollouts(drafts[0].problem, sample=policy, check=trails.check, seed=7)
        made = []
        for draft, scores in zip(drafts, score(drafts), strict=True):
            place = first_doubt(scores.values, WHERE)
            [ends_K] = rollouts([draft.steps[:place]], ROLLOUTS)
            made += glore.local_lessons(draft, place, ends_K)[:2]
        return made

    wrong_P = [
        [t for t in row if t.finished and t.verdict is Verdict.WRONG][:WRONG_EACH]
        for row in pool_P_N
    ]
    locals_ = shop.over("local lessons", local, wrong_P)
    globals_ = [glore.global_lessons([t for t in row if t.finished]) for row in pool_P_N]
    return list(itertools.chain(*globals_, *locals_))


def trained(name: str, lessons: Sequence[Lesson], out: Path) -> None:
    """Fine-tunes the policy; writes OUT/NAME unless it is there."""
    folder = out / name
    if (folder / "model.safetensors").is_file():
        return
    torch.manual_seed(0)
    policy = load_policy("pebble", dtype="float32")
    model, tokenizer = policy.decoder.model, policy.encoder.tokenizer
    model.set_attn_implementation("eager")  # on CPU, flash attention's backward pass is slow
    rows = [masked(lesson, policy.encoder) for lesson in lessons]
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, betas=(0.9, 0.98), fused=True)
    state, losses = out / f"{name}.state", list[float]()
    if state.is_file():
        kept = torch.load(state, weights_only=True)
        model.load_state_dict(kept["model"])
        optimizer.load_state_dict(kept["optimizer"])
        losses = kept["losses"]
    model.train()
    for step, batch in enumerate(itertools.islice(batches(rows), UPDATES)):
        if step < len(losses):
            continue
        done = (step + 1) / UPDATES
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(done / 0.05, 1.0, 1.05 - done)
        losses.append(update(model, batch, tokenizer.pad_token_id))
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if (step + 1) % SAVE_EVERY == 0:
            parts = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
            torch.save({**parts, "losses": losses}, state.with_suffix(".new"))
            state.with_suffix(".new").replace(state)
            print(name, step + 1, losses[-1], flush=True)
    model.eval()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    told = {
        "lessons": len(lessons),
        "updates": UPDATES,
        "first_loss": round(float(np.mean(losses[:20])), 4),
        "last_loss": round(float(np.mean(losses[-20:])), 4),
    }
    (folder / "training.json").write_text(json.dumps(told) + "\n")
    print(name, told, flush=True)


def batches(rows: Sequence[Masked]):
    """Endless batches of rows of similar length, shuffled anew each epoch."""
    for epoch in itertools.count():
        rng = rng_for(0, "refiners", epoch)
        order = sorted(
            rng.permutation(len(rows)), key=lambda i: (len(rows[i].ids) // 16, rng.random())
        )
        cut, start = [], 0
        while start < len(order):
            size = max(1, BATCH_TOKENS // (len(rows[order[start]].ids) + 16))
            cut.append([rows[i] for i in order[start : start + size]])
            start += size
        yield from (cut[i] for i in rng.permutation(len(cut)))


def update(model: torch.nn.Module, batch: Sequence[Masked], pad: int) -> float:
    """Adds a batch's gradient; returns its loss."""
    width = math.ceil(max(len(row.ids) for row in batch) / 16) * 16
    ids = torch.full((len(batch), width), pad)
    mask = torch.zeros((len(batch), width))
    for i, row in enumerate(batch):
        ids[i, : len(row.ids)] = torch.tensor(row.ids)
        mask[i, : len(row.ids)] = torch.tensor(row.mask, dtype=torch.float)
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(input_ids=ids[:, :-1]).logits  # right padding needs no mask
    logprobs = logits.float().log_softmax(-1).gather(-1, ids[:, 1:, None])[..., 0]
    loss = token_loss(logprobs, mask[:, 1:])
    loss.backward()
    return float(loss.detach())


if __name__ == "__main__":
    main(
        Path(sys.argv[1]) if len(sys.argv) > 1 else Path("runs/refiners"),
        int(sys.argv[2]) if len(sys.argv) > 2 else CONFIG.train_problems,
    )
