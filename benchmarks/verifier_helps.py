"""Does a verifier beat majority vote at equal policy tokens? The demo over three seeds.

    python benchmarks/verifier_helps.py [OUT]

A seed changes the problems, the samples and the training. Intervals are paired
by problem over the problems of all seeds; each seed is printed too. The own
verifier starts from the policy's own weights, the stronger claim, and learns from
more outcomes than the demo has time for: 20,000 solutions.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

from claims import Claim, publish
from surefoot.core.seeds import rng_for
from surefoot.evaluate import paired_interval
from surefoot.recipes.demo import DemoConfig, run_demo

SEEDS = (0, 1, 2)
CONFIG = replace(DemoConfig(), train_problems=2500)
PAIRS = {  # claim: (a, b), the difference a - b
    "shipped_best_of_16_vs_majority": ("best-of-n, shipped verifier", "majority"),
    "shipped_weighted_vote_vs_majority": ("weighted vote, shipped verifier", "majority"),
    "own_best_of_16_vs_majority": ("best-of-n, own verifier", "majority"),
    "own_weighted_vote_vs_majority": ("weighted vote, own verifier", "majority"),
    "labels_add_to_likelihood_shipped": (
        "best-of-n, shipped verifier",
        "best-of-n, reader's likelihood",
    ),
    "labels_add_to_likelihood_own": ("best-of-n, own verifier", "best-of-n, policy's likelihood"),
    "labels_add_to_likelihood_own_vote": (
        "weighted vote, own verifier",
        "weighted vote, policy's likelihood",
    ),
}


def main(out: Path) -> None:
    """Runs (or resumes) every seed, then publishes the pooled differences."""
    outcomes: dict[str, list[float]] = {}
    for seed in SEEDS:
        folder = out / f"seed-{seed}"
        if not (folder / "summary.json").is_file():
            run_demo(replace(CONFIG, seed=seed), folder)
        per_problem: dict[str, list[float]] = json.loads((folder / "outcomes.json").read_text())
        for name, values in per_problem.items():
            outcomes.setdefault(name, []).extend(values)
        row = {name: round(sum(values) / len(values), 4) for name, values in per_problem.items()}
        print(f"seed {seed}: {row}", flush=True)
    claims = []
    for claim, (a, b) in PAIRS.items():
        found = paired_interval(outcomes[a], outcomes[b], rng=rng_for(0, "pooled"))
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        claims.append(Claim(claim, found.estimate, found.low, found.high, 0.0, "at least"))
    publish("verifier_helps", "python benchmarks/verifier_helps.py", claims)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("runs/verifier_helps"))
