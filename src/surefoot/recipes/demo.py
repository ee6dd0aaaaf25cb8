"""The main job on embedded defaults: sample, label, train, search, compare, report.

    policy    pebble                    writes solutions of trails problems
    labels    Monte-Carlo rollouts      (Math-Shepherd, arXiv:2312.08935), soft targets;
              outcomes                  where nothing was rolled out (Cobbe, arXiv:2110.14168)
    verifier  the policy's own weights, trained on those labels here and now, beside the
              shipped one, whose base reads better than the policy
    compare   majority, best-of-n, weighted vote; perfect and random scorers as bounds

Everything costs the policy the same N samples of each test problem. Interrupted
anywhere, the same command goes on: model calls are in the journal, training
saves its state.

Dimension key: P problems, N traces of each.
"""

import itertools
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from surefoot.annotate import monte_carlo, outcome
from surefoot.core.errors import InputError
from surefoot.core.files import write_whole
from surefoot.core.seeds import rng_for
from surefoot.core.types import LabelledTrace, Problem, Trace, Verdict
from surefoot.engine import Crew, Journal
from surefoot.engine.calls import policy_calls, scorer_calls
from surefoot.evaluate.comparison import Outcomes, compare, curve_rows, method_rows, paired_rows
from surefoot.policy.local import LocalPolicy, load_policy
from surefoot.policy.local_decode import Reply
from surefoot.policy.sampling import Sampling
from surefoot.recipes.demo_figures import (
    label_quality,
    perfect_steps,
    report_details,
    verifier_figures,
)
from surefoot.recipes.demo_views import Pool, judged_by, likelihood_of_policy
from surefoot.steps import Rollouts, sample_traces
from surefoot.tasks import trails
from surefoot.verifiers import (
    LocalScorer,
    TrainConfig,
    examples_of,
    load_likelihood,
    load_verifier,
    new_network,
    save_verifier,
    soft_target,
    train,
)
from surefoot.verifiers.checkpoint import encoder_card

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class DemoConfig:
    """All of a run. Unknown names in a config file are refused.

    level: of trails. test_problems, samples: P and N of the comparison.
    train_problems, train_samples: what the demo's verifier learns from.
    rolled_out: how many of those traces get Monte-Carlo labels from `rollouts`
      completions a step; the others keep their outcome.
    base: whose weights the demo's verifier starts from. saved_dtype: of its checkpoint.
    in_flight: problems worked on at once.
    """

    level: str = "middle"
    test_problems: int = 400
    samples: int = 16
    temperature: float = 0.8
    train_problems: int = 250
    train_samples: int = 8
    rolled_out: int = 100
    rollouts: int = 8
    policy: str = "pebble"
    base: str = "pebble"
    reader: str = "pebble-reader"
    verifier: str = "pebble-verifier"
    saved_dtype: str = "float32"
    seed: int = 0
    in_flight: int = 64
    training: TrainConfig = field(
        default_factory=lambda: TrainConfig(epochs=1, lr=3e-4, save_every=10)
    )

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> "DemoConfig":
        """Reads a config; raises InputError that names an unknown or mistyped setting."""
        training = record.get("training", {})
        if not isinstance(training, dict):
            raise InputError(f"setting 'training': expected an object, got {training!r}")
        kept = {name: value for name, value in record.items() if name != "training"}
        check_settings(kept, cls())
        check_settings(training, TrainConfig())
        return cls(**kept, training=replace(cls().training, **training))


def check_settings(given: dict[str, Any], defaults: Any) -> None:
    """Raises InputError unless each name is a field of `defaults` and each value of its type."""
    for name, value in given.items():
        if name not in defaults.__dataclass_fields__:
            known = sorted(defaults.__dataclass_fields__)
            raise InputError(f"unknown setting {name!r}; expected some of {known}")
        kind = type(getattr(defaults, name))
        if type(value) is not kind and (kind, type(value)) != (float, int):
            raise InputError(f"setting {name!r}: expected {kind.__name__}, got {value!r}")


@dataclass(frozen=True)
class Shop:
    """What every stage works with."""

    config: DemoConfig
    out: Path
    journal: Journal
    crew: Crew
    progress: Progress

    def over(self, stage: str, work: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        """work(item) for each, many at once, with progress."""
        ticks = itertools.count(1)
        self.progress(stage, 0, len(items))
        return self.crew.map(
            work, items, done=lambda _: self.progress(stage, next(ticks), len(items))
        )

    def policy(self, name: str, temperature: float) -> LocalPolicy:
        """A model as a policy, through the journal and the crew."""
        policy = load_policy(name, sampling=Sampling(temperature, max_tokens=256))
        return policy.through(
            lambda p: policy_calls(
                p.decoder.stream, p.fingerprint, self.journal, self.crew, reply=Reply
            )
        )

    def scorer(self, score: LocalScorer) -> LocalScorer:
        """A verifier, through the journal and the crew."""
        return score.through(
            lambda s: scorer_calls(s.stream, s.fingerprint, self.journal, self.crew)
        )


def run_demo(
    config: DemoConfig, out: Path, *, progress: Progress = lambda *_: None, command: str = ""
) -> dict[str, Any]:
    """Runs or resumes the whole job in `out`; returns what it writes to summary.json.

    Writes journal.sqlite, verifier/, summary.json, outcomes.json (per problem) and report.json.
    """
    started = time.monotonic()
    journal = Journal(out / "journal.sqlite")
    shop = Shop(config, out, journal, Crew(config.in_flight), progress)
    policy = shop.policy(config.policy, config.temperature)
    test = sampled(shop, policy, "test", config.test_problems, config.samples)
    training = sampled(shop, policy, "train", config.train_problems, config.train_samples)
    labelled = labelled_traces(shop, policy, training)
    own = load_verifier(str(trained(shop, labelled, "own verifier")))
    pool = Pool(
        test,
        {
            "own verifier": judged_by(shop.over, shop.scorer(own), test),
            "shipped verifier": judged_by(
                shop.over, shop.scorer(load_verifier(config.verifier)), test
            ),
            "reader's likelihood": judged_by(
                shop.over, shop.scorer(load_likelihood(config.reader)), test
            ),
            "policy's likelihood": likelihood_of_policy(test),
        },
    )
    judged = {**pool.judged, "perfect steps": perfect_steps(pool)}
    outcomes = compare(pool.traces_P_N, judged, seed=config.seed)
    summary = {
        "title": f"Choosing among {config.samples} solutions of trails ({config.level})",
        "command": command,
        "seed": config.seed,
        "policy": config.policy,
        "problems": config.test_problems,
        **compared(pool, outcomes, config),
        "label_quality": label_quality(labelled),
        "verifiers": verifier_figures(pool),
        "greedy": {
            name: greedy_accuracy(shop, name)
            for name in dict.fromkeys((config.policy, config.reader))
        },
        "seconds": 0.0,
    }
    details = report_details(pool, labelled, summary)
    summary["seconds"] = round(time.monotonic() - started, 1)
    write_whole(out / "summary.json", json.dumps(summary, indent=1) + "\n")
    per_problem = {name: o.by_size[config.samples] for name, o in outcomes.items()}
    write_whole(out / "outcomes.json", json.dumps(per_problem) + "\n")
    write_whole(out / "report.json", json.dumps(details) + "\n")
    journal.close()
    return summary


def sampled(
    shop: Shop,
    policy: LocalPolicy,
    split: trails.Split,
    problems: int,
    count: int,
    *,
    stage: str = "",
) -> list[list[Trace]]:
    """[P][N] checked solutions of one split."""

    def work(problem: Problem) -> list[Trace]:
        rng = rng_for(shop.config.seed, "sample", problem.id)
        return sample_traces(
            problem,
            sample=policy,
            check=trails.check,
            count=count,
            rng=rng,
            read=trails.answer_of,
        )

    asked = trails.problems(split, problems, level=shop.config.level, seed=shop.config.seed)
    return shop.over(stage or f"sample {split}", work, asked)


def labelled_traces(
    shop: Shop, policy: LocalPolicy, traces_P_N: Sequence[Sequence[Trace]]
) -> list[LabelledTrace]:
    """Monte-Carlo labels for the first traces, one a problem before a second of any; outcomes
    for the others."""
    by_turns = [t for row in itertools.zip_longest(*traces_P_N) for t in row if t is not None]
    cut = shop.config.rolled_out

    def work(trace: Trace) -> LabelledTrace:
        rollouts = Rollouts(trace.problem, sample=policy, check=trails.check, seed=shop.config.seed)
        return monte_carlo(trace, rollouts=rollouts, completions=shop.config.rollouts)

    rolled = shop.over("label by rollouts", work, by_turns[:cut])
    return [*rolled, *(outcome(trace) for trace in by_turns[cut:])]


def trained(shop: Shop, labelled: Sequence[LabelledTrace], name: str) -> Path:
    """A verifier from the weights of `config.base`; its folder, where a finished one is reused."""
    folder = shop.out / "verifier"
    if (folder / "verifier.json").is_file():
        return folder
    network, encoder = new_network(shop.config.base, seed=shop.config.training.seed)
    kind, examples, _ = examples_of(labelled, encoder, soft_target)
    train(
        network,
        examples,
        config=shop.config.training,
        pad=encoder.tokenizer.pad_token_id,
        state_folder=shop.out,
        report=lambda update: shop.progress("train verifier", update.step, update.steps),
    )
    rolled = sum(bool(item.usage.calls) for item in labelled)
    trained_on = (
        f"{len(examples)} solutions of trails ({shop.config.level}), {rolled} with rollout labels "
        f"and the others with outcome labels, from {shop.config.base}"
    )
    card = encoder_card(name, kind, encoder, trained_on)
    save_verifier(folder, network, encoder, card, dtype=shop.config.saved_dtype)
    return folder


def greedy_accuracy(shop: Shop, name: str) -> float:
    """Share of the test problems that a model at temperature 0 solves with one try."""
    policy = shop.policy(name, temperature=0.0)
    traces_P_1 = sampled(
        shop, policy, "test", shop.config.test_problems, 1, stage=f"greedy: {name}"
    )
    right = [t.verdict is Verdict.CORRECT for traces in traces_P_1 for t in traces]
    return sum(right) / shop.config.test_problems


def compared(pool: Pool, outcomes: dict[str, Outcomes], config: DemoConfig) -> dict[str, Any]:
    """Methods, paired differences, coverage and curves of the summary."""
    tokens = pool.policy_tokens()
    return {
        "methods": method_rows(outcomes, tokens, seed=config.seed),
        "paired_vs_majority": paired_rows(outcomes, seed=config.seed),
        "coverage": {
            str(n): sum(values) / len(values)
            for n, values in outcomes["perfect scorer"].by_size.items()
        },
        "curves": curve_rows(outcomes, tokens, seed=config.seed),
    }
