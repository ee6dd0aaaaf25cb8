"""What merging calls is worth, and what keeping them costs.

    python benchmarks/engine.py

batcher_vs_sequential   tokens/s of 64 problems in flight through crew and decoder, one solution
                        each, against one problem at a time with the model's plain `generate`
batcher_vs_sequential_16_samples
                        the same with 16 solutions of each problem: there `generate` has a batch
                        of its own, so the goal is that of batcher_vs_generate
batcher_vs_generate     16 solutions of each, against one padded `generate` over all of them
journal_overhead        share of a journalled run's wall time that is spent in the journal

Same model (Pebble), same problems, float32, pairs of runs in turn; the value is the
median ratio, low and high its range.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM

from claims import Claim, publish
from surefoot.core.seeds import rng_for
from surefoot.core.types import Problem
from surefoot.engine import Crew, Journal
from surefoot.engine.calls import policy_calls
from surefoot.policy.local import SHIPPED, LocalPolicy, load_policy
from surefoot.policy.local_decode import Reply, Sampling
from surefoot.tasks import trails

PROBLEMS, SAMPLES, TOKENS, PAIRS = 64, 16, 160, 2
SAMPLING = Sampling(temperature=0.8, max_tokens=TOKENS)


def crew_speed(policy: LocalPolicy, asked: list[Problem], samples: int) -> float:
    """Tokens/s of all problems at once, merged."""
    crew = Crew(PROBLEMS)
    merged = policy.through(lambda p: crew.merged(p.complete))

    def work(problem: Problem) -> int:
        rng = rng_for(0, "bench", problem.id)
        [row] = merged(problem, [()], count=samples, rng=rng)
        return sum(c.tokens for c in row)

    started = time.perf_counter()
    tokens = sum(crew.map(work, asked))
    return tokens / (time.perf_counter() - started)


def generate_speed(
    policy: LocalPolicy, model: torch.nn.Module, asked: list[Problem], *, at_once: int, samples: int
) -> float:
    """Tokens/s of plain `generate`, `at_once` problems in a left-padded batch."""
    tokenizer = policy.encoder.tokenizer
    tokens, started = 0, time.perf_counter()
    for start in range(0, len(asked), at_once):
        prompts = [policy.encoder.prompt(p) for p in asked[start : start + at_once]]
        width = max(map(len, prompts))
        pad = tokenizer.pad_token_id
        ids = torch.tensor([[pad] * (width - len(p)) + p for p in prompts])
        out = model.generate(
            ids,
            attention_mask=(ids != pad).long(),
            do_sample=True,
            temperature=SAMPLING.temperature,
            top_k=0,
            num_return_sequences=samples,
            max_new_tokens=TOKENS,
            pad_token_id=pad,
            eos_token_id=sorted(policy.decoder.end_ids),
        )
        tokens += int((out[:, width:] != pad).sum())
    return tokens / (time.perf_counter() - started)


def journal_share(policy: LocalPolicy, asked: list[Problem]) -> float:
    """Share of the wall time of a journalled run that the journal itself takes."""
    with tempfile.TemporaryDirectory() as folder:
        journal, crew = Journal(Path(folder) / "journal.sqlite"), Crew(PROBLEMS)
        kept = policy.through(
            lambda p: policy_calls(p.decoder.stream, p.fingerprint, journal, crew, reply=Reply)
        )
        started = time.perf_counter()
        crew.map(
            lambda problem: kept(problem, [()], count=SAMPLES, rng=rng_for(0, "b", problem.id)),
            asked,
        )
        share = journal.seconds / (time.perf_counter() - started)
        journal.close()
    return share


def ratios(ours: Callable[[], float], theirs: Callable[[], float]) -> list[float]:
    """Ratio of each pair of runs, after one of each that does not count."""
    ours(), theirs()
    return [ours() / theirs() for _ in range(PAIRS)]


def main() -> None:
    """Measures and publishes all claims."""
    torch.manual_seed(0)
    asked = trails.problems("validation", PROBLEMS)
    policy = load_policy("pebble", sampling=SAMPLING, dtype="float32")
    model = AutoModelForCausalLM.from_pretrained(SHIPPED["pebble"], dtype=torch.float32)
    few = asked[:8]  # one at a time is slow; a rate needs no more

    def against(problems: list[Problem], at_once: int, samples: int) -> list[float]:
        return ratios(
            lambda: crew_speed(policy, asked, samples),
            lambda: generate_speed(policy, model, problems, at_once=at_once, samples=samples),
        )

    single = against(few, at_once=1, samples=1)
    sequential = against(few[:4], at_once=1, samples=SAMPLES)
    batched = against(asked, at_once=PROBLEMS, samples=SAMPLES)
    shares = [journal_share(policy, asked) for _ in range(PAIRS)]
    rows = (
        ("batcher_vs_sequential", single, 8.0, "at least"),
        ("batcher_vs_sequential_16_samples", sequential, 1.0, "at least"),
        ("batcher_vs_generate", batched, 1.0, "at least"),
        ("journal_overhead", shares, 0.02, "at most"),
    )
    claims = [
        Claim(name, statistics.median(values), min(values), max(values), goal, direction)
        for name, values, goal, direction in rows
    ]
    publish("engine", "python benchmarks/engine.py", claims)


if __name__ == "__main__":
    main()
