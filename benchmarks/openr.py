"""Ours beside openr's OmegaPRM: how many prefixes do 800 rollouts label, and how well?

    python benchmarks/openr.py OPENR/data/omegaPRM_v2/omegaprm.py

openr's file (github.com/openreasoner/openr, 54ae004) runs as it is, with its own grader and its
defaults but for the budget. The language model behind it is a `ToyWorld`, the policy that ours
asks too: one where an error lasts, as OmegaPRM presumes, and one where it may mend. Methods,
each with up to 800 rollouts of each problem:

    openr     OmegaPRM as published, k = 16; its searches go on until the rollouts are spent
    omega     ours, k = 16 as well (omega_8: our default, 8); stops when its pool is empty
    bayes     ours, on one solution after another; drawing a solution costs a rollout too

Figures, over distinct prefixes of one step or more that a method rolled out (bayes: that it
labelled); one with several labels counts once, with the mean over them:

    rollouts, labels, distinct
              of a problem
    sound     share of prefixes without a bad step so far: the truth
    error     mean |MC - V|, V the exact value; bayes: its posterior mean
    over_0, over_half
              share whose label agrees with the truth, if a prefix is called sound for MC > 0
              (as the paper has it) or MC > 0.5 (openr's `preprocess`). bayes has a belief
              instead of an MC, and one rule: more than a half
    ..._balanced
              mean of the shares among sound and among other prefixes: methods label different
              ones, and whoever labels more meets more that are not sound

Claims, in each world; accuracies are differences, by the rule that is better for openr:

    distinct_prefixes_vs_openr                                      omega / openr
    oracle_accuracy_vs_openr, balanced_accuracy_vs_openr            omega - openr
    bayes_oracle_accuracy_vs_openr, bayes_balanced_accuracy_vs_openr  bayes - openr

low and high: 95 % bootstrap by problem.
"""

import contextlib
import importlib.util
import io
import json
import sys
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np

from claims import Claim, publish
from surefoot.annotate import Stop, bayes, omega
from surefoot.core.budget import Budget
from surefoot.core.protocols import Steps
from surefoot.core.seeds import rng_for
from surefoot.core.types import LabelledTrace, Problem, Step
from surefoot.evaluate.checks import Floats
from surefoot.evaluate.intervals import interval_of, quotient, resampled_sums
from surefoot.steps import Rollouts
from surefoot.tasks.toy import ToyWorld

WORLDS = {
    "errors last": ToyWorld(length=10, slip=0.15, recover=0.0),
    "errors mend": ToyWorld(length=10, slip=0.15, recover=0.05),
}
PROBLEMS, ROLLOUTS, K = 20, 800, 16
NO_LIMIT = 10**6  # searches
BLANK = "\n\n"
COUNTS = (
    "problems", "rollouts", "labels", "distinct",
    "sound", "error", "over_0", "over_0_sound", "over_half", "over_half_sound",
)  # fmt: skip


@dataclass(frozen=True)
class Label:
    """What a method says of a prefix: P(sound) and P(success); an MC stands for both."""

    prefix: Steps
    right: float
    value: float


Method = Callable[[Problem], tuple[list[Label], int]]  # labels, and rollouts spent


# --- openr -------------------------------------------------------------------


def loaded(path: Path) -> ModuleType:
    """openr's module; what it imports to serve language models is not needed here."""
    service = ModuleType("llm_utils")
    service.__dict__["LLMService"] = None
    sys.modules["llm_utils"] = service
    spec = importlib.util.spec_from_file_location("openr_omegaprm", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class ToyModel:
    """The toy world as openr's `LanguageModel`: each step a sentence, blank lines between."""

    def __init__(
        self, world: ToyWorld, problem: Problem, grade: Callable[[str, str], bool]
    ) -> None:
        self.world, self.problem, self.grade = world, problem, grade
        self.rng = rng_for(0, "openr", problem.id)

    def generate_rollout(self, prefix: str, copies: int) -> list[str]:
        """What the policy writes after the problem and some steps."""
        steps = self.steps(prefix)
        [ends_K] = self.world.sample(self.problem, [steps], count=copies, rng=self.rng)
        return [BLANK.join(f"{step.text}." for step in end.steps) for end in ends_K]

    def evaluate_correctness(self, response: str, expected: str) -> bool:
        """openr's own grader."""
        return self.grade(response, expected)

    def steps(self, text: str) -> Steps:
        """The steps after the problem's text."""
        written = text.removeprefix(self.problem.text).split(BLANK)
        return tuple(Step(sentence.rstrip(".")) for sentence in written if sentence)


def by_openr(openr: ModuleType, world: ToyWorld) -> Method:
    """The prefixes that its first ROLLOUTS rollouts estimate; it looks at its budget between
    searches only, and also hangs whole solutions, not rolled out, into its tree."""

    def label(problem: Problem) -> tuple[list[Label], int]:
        model = ToyModel(world, problem, openr.check_correctness)
        search = openr.OmegaPRM(model, 0.125, 0.5, 0.9, 500, K, NO_LIMIT, ROLLOUTS, False)
        with contextlib.redirect_stdout(io.StringIO()):  # it prints every problem
            search.run(problem.text, problem.gold)
        states = [s for s in search.T.nodes if s.total_rollouts][: ROLLOUTS // K]
        labels = [Label(model.steps(s.solution_prefix), s.MC, s.MC) for s in states]
        return labels, K * len(states)

    return label


# --- ours --------------------------------------------------------------------


def by_omega(world: ToyWorld, completions: int) -> Method:
    """Every node of the tree that was rolled out."""

    def label(problem: Problem) -> tuple[list[Label], int]:
        budget, rollouts = Budget(calls=ROLLOUTS), rollouts_of(world, problem)
        grown = omega(
            problem, rollouts=rollouts, completions=completions, searches=NO_LIMIT, budget=budget
        )
        tree = grown.tree
        values = ((node, tree.value(node)) for node in range(len(tree)))
        known = [Label(tree.prefix(n), mc, mc) for n, mc in values if mc is not None]
        return known, grown.usage.calls

    return label


def by_bayes(world: ToyWorld) -> Method:
    """Every step of as many solutions as the rollouts suffice for."""

    def label(problem: Problem) -> tuple[list[Label], int]:
        rollouts, labels = rollouts_of(world, problem), list[Label]()
        solutions = 0
        while (left := ROLLOUTS - rollouts.usage.calls) > 0:
            trace = rollouts([()], solutions + 1)[0][solutions]
            solutions += 1
            labels += steps_of(
                bayes(trace, rollouts=rollouts, stop=Stop(rollouts=min(64, left - 1)))
            )
        return labels, rollouts.usage.calls

    return label


def steps_of(labelled: LabelledTrace) -> list[Label]:
    """The belief in each step, and the value after it."""
    steps, values = labelled.trace.steps, json.loads(labelled.notes["values"])
    return [
        Label(steps[:t], label.belief, value)
        for t, (label, value) in enumerate(zip(labelled.labels, values, strict=True), start=1)
    ]


def rollouts_of(world: ToyWorld, problem: Problem) -> Rollouts:
    """New ones for each method: each pays for its own."""
    return Rollouts(problem, sample=world.sample, check=world.check)


# --- figures -----------------------------------------------------------------


def counts(world: ToyWorld, labels: list[Label], spent: int) -> list[float]:
    """What one problem adds to COUNTS."""
    by_prefix = defaultdict(list)
    for label in labels:
        if label.prefix:
            by_prefix[tuple(step.text for step in label.prefix)].append(label)
    rows_M_6 = np.array([agreement(world, same) for same in by_prefix.values()]).reshape(-1, 6)
    kept = sum(map(len, by_prefix.values()))
    return [1, spent, kept, len(rows_M_6), *rows_M_6.sum(0)]


def agreement(world: ToyWorld, same: list[Label]) -> list[float]:
    """The last six COUNTS of one prefix: means over its labels."""
    sound = world.first_error(same[0].prefix) is None
    exact = world.value(same[0].prefix)
    error = np.mean([abs(label.value - exact) for label in same])
    over_0, over_half = (
        np.mean([(label.right > threshold) == sound for label in same]) for threshold in (0, 0.5)
    )
    return [sound, error, over_0, over_0 * sound, over_half, over_half * sound]


def figures(rows: list[list[float]]) -> dict[str, Floats]:
    """Each figure on all problems and on resamples of them, the same for every method."""
    sums = resampled_sums(rows, rng=rng_for(0, "openr"))
    k = dict(zip(COUNTS, sums.T, strict=True))
    rules = {}
    for rule in ("over_0", "over_half"):
        on_sound = quotient(k[rule + "_sound"], k["sound"])
        on_wrong = quotient(k[rule] - k[rule + "_sound"], k["distinct"] - k["sound"])
        rules[rule] = quotient(k[rule], k["distinct"])
        rules[rule + "_balanced"] = (on_sound + on_wrong) / 2
    per_problem = {name: quotient(k[name], k["problems"]) for name in COUNTS[1:4]}
    per_prefix = {name: quotient(k[name], k["distinct"]) for name in ("sound", "error")}
    return per_problem | per_prefix | rules


def measured(openr: ModuleType, name: str, world: ToyWorld) -> list[Claim]:
    """Every method in one world; prints the table."""
    methods: dict[str, Method] = {
        "openr": by_openr(openr, world),
        "omega": by_omega(world, K),
        "omega_8": by_omega(world, 8),
        "bayes": by_bayes(world),
    }
    table = {}
    for method, label in methods.items():
        table[method] = figures([counts(world, *label(p)) for p in world.problems(PROBLEMS)])
        rounded = {figure: round(float(v[0]), 3) for figure, v in table[method].items()}
        print(name, method, rounded, flush=True)
    return claims(name, table)


def claims(world: str, table: dict[str, dict[str, Floats]]) -> list[Claim]:
    """Ours against openr, by the rule that is better for openr."""
    openr, tree, ours = table["openr"], table["omega"], table["bayes"]
    best = max(("over_0", "over_half"), key=lambda rule: openr[rule][0])
    fair = max(("over_0_balanced", "over_half_balanced"), key=lambda rule: openr[rule][0])
    rows = (
        ("distinct_prefixes_vs_openr", quotient(tree["distinct"], openr["distinct"]), 2.0),
        ("oracle_accuracy_vs_openr", tree[best] - openr[best], 0.0),
        ("balanced_accuracy_vs_openr", tree[fair] - openr[fair], 0.0),
        ("bayes_oracle_accuracy_vs_openr", ours["over_half"] - openr[best], 0.0),
        ("bayes_balanced_accuracy_vs_openr", ours["over_half_balanced"] - openr[fair], 0.0),
    )
    found = [(name, interval_of(values), goal) for name, values, goal in rows]
    return [
        Claim(f"{name}, {world}", i.estimate, i.low, i.high, goal, "at least")
        for name, i, goal in found
    ]


def main(path: Path) -> None:
    """Measures both worlds and publishes the claims."""
    openr = loaded(path)
    found = [claim for name, world in WORLDS.items() for claim in measured(openr, name, world)]
    publish("openr", "python benchmarks/openr.py OMEGAPRM.PY", found)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        print("skipped: give the path of openr's data/omegaPRM_v2/omegaprm.py")
