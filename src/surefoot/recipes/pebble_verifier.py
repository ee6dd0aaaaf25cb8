"""Trains the verifier that ships with Pebble, from the reader's weights.

    python -m surefoot.recipes.pebble_verifier OUT

The same recipe as the demo's own verifier, with more samples and a base that
reads better than the policy. No step is labelled by the oracle.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from surefoot.engine import Crew, Journal
from surefoot.recipes.demo import DemoConfig, Shop, labelled_traces, sampled, trained
from surefoot.verifiers import TrainConfig

CONFIG = DemoConfig(
    base="pebble-reader",
    train_problems=2500,
    train_samples=8,
    rolled_out=0,
    saved_dtype="bfloat16",
    seed=1000,
    training=TrainConfig(epochs=1, lr=1e-4, batch_tokens=8192),
)


def main(out: Path, config: DemoConfig = CONFIG) -> Path:
    """Samples, labels and trains (resumable in `out`); returns the verifier's folder."""

    def progress(stage: str, done: int, total: int) -> None:
        if done % 100 == 0:
            (out / "progress.txt").write_text(f"{stage}: {done} of {total}\n")

    shop = Shop(config, out, Journal(out / "journal.sqlite"), Crew(config.in_flight), progress)
    policy = shop.policy(config.policy, config.temperature)
    traces_P_N = sampled(shop, policy, "train", config.train_problems, config.train_samples)
    return trained(shop, labelled_traces(shop, policy, traces_P_N), "pebble-verifier")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--problems", type=int, default=CONFIG.train_problems)
    arguments = parser.parse_args()
    main(arguments.out, replace(CONFIG, train_problems=arguments.problems))
