"""What reading shared prefixes once is worth to a verifier.

    OMP_NUM_THREADS=1 python benchmarks/scoring.py

score_tree_vs_paths     all steps of a search tree of 200 nodes by packs, against its paths in
                        padded batches of like lengths: ratio of seconds
score_omega_tree_vs_paths
                        the same for an OmegaPRM tree, most of whose nodes are rollouts to the end
steps_scored_per_new_step
                        steps that an IncrementalScorer reads in beam searches, for each step
                        that is new to them
score_search_vs_whole   the verifier's seconds in these searches, prefixes scored whole against
                        prefixes scored incrementally

Verifier and policy are the shipped ones, in float32 on CPU, on hard trails problems. A search
tree expands its first node that is not expanded by four next steps; both kinds of tree are
cut after 200 nodes. Ratios come from pairs of runs in turn; the value is the median over
trees and pairs, low and high their range.
"""

import statistics
import time
from collections.abc import Callable, Sequence

import torch

from claims import Claim, publish
from surefoot.annotate import omega
from surefoot.core.budget import Budget, Meter
from surefoot.core.protocols import Scorer
from surefoot.core.seeds import rng_for
from surefoot.core.tree import Tree
from surefoot.core.types import Problem, StepScores, Trace
from surefoot.policy.local import LocalPolicy, load_policy
from surefoot.policy.local_decode import Sampling
from surefoot.search import beam
from surefoot.steps import Rollouts
from surefoot.tasks import trails
from surefoot.trees import expand
from surefoot.verifiers import IncrementalScorer, load_verifier, packed_scorer

NODES, TREES, PAIRS, SEARCHES = 200, 4, 3, 12


def searched(problem: Problem, policy: LocalPolicy) -> Tree:
    """Four next steps of each node, breadth first."""
    tree, meter, node = Tree(), Meter(), 0
    while node < len(tree) < NODES:
        if not tree.finished[node]:
            expand(
                tree, node, problem=problem, sample=policy, check=trails.check,
                count=4, seed=0, meter=meter,
            )  # fmt: skip
        node += 1
    return tree


def omega_tree(problem: Problem, policy: LocalPolicy) -> Tree:
    """As OmegaPRM grows it."""
    rollouts = Rollouts(problem, sample=policy, check=trails.check)
    return omega(problem, rollouts=rollouts, budget=Budget(calls=400)).tree


def trees(policy: LocalPolicy, grow: Callable[[Problem, LocalPolicy], Tree]) -> list[list[Trace]]:
    """The paths to all leaves of each tree."""
    found = []
    for problem in trails.problems("validation", 40, level="hard"):
        tree = grow(problem, policy)
        if len(tree) < NODES:
            continue
        inner = set(tree.parents[:NODES])
        leaves = [node for node in range(1, NODES) if node not in inner]
        found.append([Trace(problem, tree.prefix(leaf)) for leaf in leaves])
        if len(found) == TREES:
            break
    return found


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def tree_ratios(plain: Scorer, packs: Scorer, paths: list[Trace]) -> list[float]:
    """Of each pair of runs, after one of each that does not count."""
    plain(paths), packs(paths)
    return [seconds(lambda: plain(paths)) / seconds(lambda: packs(paths)) for _ in range(PAIRS)]


class Watched:
    """A scorer that counts what it was asked, and the time it took."""

    def __init__(self, score: Scorer) -> None:
        self.score, self.seconds, self.asked = score, 0.0, 0
        self.new: set[tuple[str, ...]] = set()

    def __call__(self, traces_N: Sequence[Trace]) -> list[StepScores]:
        """[N] scores."""
        for trace in traces_N:
            texts = (trace.problem.id, *(step.text for step in trace.steps))
            self.new |= {texts[: n + 2] for n in range(len(trace.steps))}
            self.asked += len(trace.steps)
        started = time.perf_counter()
        scores = self.score(traces_N)
        self.seconds += time.perf_counter() - started
        return scores


def searches(policy: LocalPolicy, score: Scorer, problems: Sequence[Problem]) -> Watched:
    """The same beam searches with any scorer."""
    watched = Watched(score)
    for problem in problems:
        rng = rng_for(0, "search", problem.id)
        beam(problem, sample=policy, check=trails.check, score=watched, rng=rng)
    return watched


def main() -> None:
    """Measures and publishes all claims."""
    sampling = Sampling(temperature=0.8, max_tokens=200)
    policy = load_policy("pebble", sampling=sampling, dtype="float32", device="cpu")
    plain = load_verifier("pebble-verifier", device="cpu")
    packs = packed_scorer(plain)
    ratios, omega_ratios = (
        [r for paths in trees(policy, grow) for r in tree_ratios(plain, packs, paths)]
        for grow in (searched, omega_tree)
    )
    problems = trails.problems("validation", SEARCHES, level="hard")
    steps, times = [], []
    for part in (problems[i::PAIRS] for i in range(PAIRS)):
        incremental = IncrementalScorer(plain)
        whole, grown = searches(policy, plain, part), searches(policy, incremental, part)
        steps.append(incremental.steps_read / len(grown.new))
        times.append(whole.seconds / grown.seconds)
        print(f"scored whole, a search pays for {whole.asked / len(whole.new):.2f} steps a new one")
    rows = (
        ("score_tree_vs_paths", ratios, 4.0, "at least"),
        ("score_omega_tree_vs_paths", omega_ratios, 4.0, "at least"),
        ("steps_scored_per_new_step", steps, 1.05, "at most"),
        ("score_search_vs_whole", times, 1.0, "at least"),
    )
    claims = [
        Claim(name, statistics.median(values), min(values), max(values), goal, direction)
        for name, values, goal, direction in rows
    ]
    command = "OMP_NUM_THREADS=1 python benchmarks/scoring.py"
    publish("scoring", command, claims, threads=torch.get_num_threads())


if __name__ == "__main__":
    main()
