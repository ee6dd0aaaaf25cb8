"""Does a verifier learn, and from which labels? Ten trainings on one pool, three seeds.

    python benchmarks/learning.py [SIZE] [OUT]

SIZE solutions of trails (middle) by Pebble are labelled in every way, and each kind of verifier
learns from all of them, from the policy's own weights, where labels have room (the shipped
reader's likelihood chooses as well as a perfect judge of steps already: dev/LOG.md). A seed
changes problems, samples and trainings. Test: SIZE / 10 problems, 16 solutions each.

    first-error F1    threshold chosen on the even test problems, used on the odd ones
    best-of-16, weighted vote    accuracy minus that of majority on the same samples
    Brier, ECE        of a solution's total against its verdict, where the total is a chance
    label tokens      what the policy wrote for the labels, per solution; ours with its share
                      of what learning the rates and the hazard took on other problems

Every method pays for all its rollouts; the journal only saves us from making one twice.
Correctness scores aggregate by min, which suits labels of steps (oracle) and of prefixes
(Bayes) alike; other kinds by their own rule. ORM and OVM are heads on every token's state
alone, as published; "PRM, outcomes" gives the same labels to the PRM's network, which sees the
tokens' log-probabilities too. Intervals: 95 % bootstrap by problem over the problems of all
seeds, paired. Resumable: calls are in OUT/seed-N/journal.sqlite, trainings save their state, and
finished rows are in OUT/results.json. Writes OUT/learning.md and OUT/learning.svg.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import fmean

import numpy as np

from claims import Claim, publish
from labels import Shop as Calibrating
from labels import taught
from surefoot.annotate import monte_carlo, oracle, outcome, progress
from surefoot.annotate.bayes import Stop, bayes
from surefoot.annotate.belief import Belief
from surefoot.annotate.channel import stuck_states
from surefoot.annotate.hazard import surprise_features
from surefoot.core.files import write_whole
from surefoot.core.kinds import aggregate
from surefoot.core.seeds import rng_for
from surefoot.core.types import Kind, LabelledTrace, StepScores, Trace, Verdict
from surefoot.engine import Crew, Journal
from surefoot.evaluate import (
    NO_ERROR,
    brier,
    choose_threshold,
    expected_calibration_error,
    predict_first_error,
)
from surefoot.evaluate.comparison import Judged, compare
from surefoot.evaluate.intervals import Interval, interval_of, resampled_sums
from surefoot.policy.local import LocalPolicy
from surefoot.recipes.demo import DemoConfig, Shop, sampled
from surefoot.recipes.demo_figures import PROBABILITIES, first_error_of
from surefoot.recipes.demo_views import likelihood_of_policy
from surefoot.report.curves import accuracy_svg
from surefoot.report.data import CurvePoint
from surefoot.search import vote_weights
from surefoot.steps import Rollouts
from surefoot.tasks import trails
from surefoot.verifiers import (
    KINDS,
    Objective,
    TrainConfig,
    hard_target,
    new_network,
    prepare,
    scorer,
    train,
)

SEEDS = (0, 1, 2)
EACH = 4  # solutions of a training problem
COMPLETIONS = 4  # rollouts of each prefix: Math-Shepherd's, PAV's
ROLLOUTS = 4  # most rollouts of a trace: ours
CALIBRATION = 40  # problems that ours learns the policy's rates and the hazard from
CONFIG = DemoConfig(training=TrainConfig(epochs=2, lr=3e-4, batch_tokens=2048, save_every=50))
MAJORITY = "majority"
ENDED = (Verdict.CORRECT, Verdict.WRONG)
LIKELIHOOD, PERFECT = "policy's likelihood (no labels)", "perfect judge of steps"

Labelling = Callable[[Trace], LabelledTrace]


@dataclass(frozen=True)
class Lesson:
    """What a verifier learns, and the names of the labels it learns from."""

    objective: Objective
    labels: tuple[str, ...]


LESSONS = {
    "PRM, Bayes": Lesson(KINDS["prm"], ("bayes",)),
    "PRM, Math-Shepherd": Lesson(replace(KINDS["prm"], target=hard_target), ("rollouts",)),
    "PRM, oracle": Lesson(KINDS["prm"], ("oracle",)),
    "PRM, outcomes": Lesson(KINDS["prm"], ("outcome",)),
    "ORM": Lesson(KINDS["orm"], ("outcome",)),
    "OVM": Lesson(KINDS["ovm"], ("outcome",)),
    "implicit PRM": Lesson(KINDS["implicit-ce"], ("outcome",)),
    "PAV": Lesson(KINDS["pav"], ("progress",)),
    "BiRM": Lesson(KINDS["birm"], ("bayes", "rollouts")),
    "generative critic": Lesson(KINDS["generative"], ("bayes",)),
}


def main(size: int, out: Path) -> None:
    """Runs (or resumes) every seed, then publishes what they say together."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / "results.json"
    known = json.loads(path.read_text()) if path.is_file() else {}
    rows = known["rows"] if known.get("size") == size else {}

    def keep(seed: int, name: str, row: dict) -> None:
        rows.setdefault(str(seed), {})[name] = row
        write_whole(path, json.dumps({"size": size, "rows": rows}))
        print(f"seed {seed}: {name}: {fmean(row['best']['16']):.4f}", flush=True)

    for seed in SEEDS:
        one_seed(seed, size, out / f"seed-{seed}", rows.get(str(seed), {}), partial(keep, seed))
    pooled = {name: Pooled.of([rows[str(s)][name] for s in SEEDS]) for name in rows[str(SEEDS[0])]}
    write_whole(out / "learning.md", table(pooled))
    write_whole(out / "learning.svg", picture(pooled))
    print(table(pooled))
    publish("learning", f"python benchmarks/learning.py {size}", claims(pooled), threads=1)


# --- one seed --------------------------------------------------------------


def one_seed(
    seed: int, size: int, out: Path, done: dict[str, dict], keep: Callable[[str, dict], None]
) -> None:
    """The rows that are not done yet."""
    wanted = [name for name in (LIKELIHOOD, PERFECT, *LESSONS) if name not in done]
    if not wanted:
        return
    config = replace(CONFIG, seed=seed, test_problems=size // 10)
    shop = Shop(config, out, Journal(out / "journal.sqlite"), Crew(64), lambda *_: None)
    policy = shop.policy(config.policy, config.temperature)
    test = sampled(shop, policy, "test", config.test_problems, config.samples)
    pool = [
        trace
        for row in sampled(shop, policy, "train", size // EACH, EACH)
        for trace in row
        if trace.finished and trace.verdict in ENDED
    ]
    if LIKELIHOOD in wanted:
        keep(LIKELIHOOD, row_of(test, likelihood_of_policy(test).scores_P_N))
    if PERFECT in wanted:
        keep(PERFECT, row_of(test, truths_of(test)))
    labels = Labels(shop, policy, pool)
    for name in [name for name in wanted if name in LESSONS]:
        started, lesson = time.monotonic(), LESSONS[name]
        labelled = [item for by in lesson.labels for item in labels[by]]
        label_seconds = time.monotonic() - started
        scores = learnt(shop, name, lesson.objective, labelled, test)
        row = row_of(test, scores)
        tokens = sum(labels.tokens(by) for by in lesson.labels)
        spent = {"label_seconds": label_seconds, "seconds": time.monotonic() - started}
        keep(name, {**row, **spent, "label_tokens": tokens, "solutions": len(pool)})
    shop.journal.close()


class Labels:
    """The pool, labelled in the ways that are asked for, each once.

    learning: tokens that ours spent beforehand, in all.
    """

    def __init__(self, shop: Shop, policy: LocalPolicy, pool: Sequence[Trace]) -> None:
        self._shop, self._policy, self._pool = shop, policy, pool
        self._made: dict[str, list[LabelledTrace]] = {}
        self.learning = 0

    def __getitem__(self, name: str) -> list[LabelledTrace]:
        if name not in self._made:
            ways: dict[str, Callable[[], Labelling]] = {
                "bayes": self._ours,
                "rollouts": lambda: self._rolled(monte_carlo, COMPLETIONS),
                "progress": lambda: self._rolled(progress, COMPLETIONS),
                "oracle": lambda: partial(oracle, check_steps=trails.check_steps),
                "outcome": lambda: outcome,
            }
            self._made[name] = self._shop.over(name, ways[name](), self._pool)
        return self._made[name]

    def tokens(self, name: str) -> float:
        """Policy tokens per solution that the labels cost."""
        spent = sum(item.usage.policy_tokens for item in self[name])
        return (spent + self.learning * (name == "bayes")) / len(self._pool)

    def _rollouts(self, trace: Trace) -> Rollouts:
        seed = self._shop.config.seed
        return Rollouts(trace.problem, sample=self._policy, check=trails.check, seed=seed)

    def _rolled(self, method: Callable[..., LabelledTrace], completions: int) -> Labelling:
        return lambda t: method(t, rollouts=self._rollouts(t), completions=completions)

    def _ours(self) -> Labelling:
        """With the policy's rates and a hazard learnt on other problems, without a step label."""
        asked = sampled(self._shop, self._policy, "validation", CALIBRATION, EACH)
        ended = [t for row in asked for t in row if t.finished and t.verdict in ENDED]
        shop = Calibrating(self._shop.crew, self._policy, {}, ended, [], [])
        channel, hazard = taught(shop, surprise_features)
        self.learning = sum(shop.learning)

        def label(trace: Trace) -> LabelledTrace:
            prior = hazard.prior(surprise_features(trace))
            belief = Belief(len(trace.steps), channel, prior, stuck_states)
            stop = Stop(confidence=0.95, rollouts=ROLLOUTS)
            return bayes(trace, rollouts=self._rollouts(trace), belief=belief, stop=stop)

        return label


def learnt(
    shop: Shop,
    name: str,
    objective: Objective,
    labelled: Sequence[LabelledTrace],
    test_P_N: Sequence[Sequence[Trace]],
) -> list[list[StepScores]]:
    """Trains a verifier from the policy's weights; its scores of the test solutions."""
    config = shop.config
    network, encoder = new_network(config.base, objective=objective, seed=config.seed)
    prepared = prepare(labelled, encoder, objective)
    train(
        network,
        prepared.examples,
        config=replace(config.training, seed=config.seed),
        pad=encoder.tokenizer.pad_token_id,
        objective=objective,
        state_folder=shop.out / name.replace(" ", "-"),
    )
    score = scorer(
        network, encoder, kind=prepared.kind, name=name, fingerprint=name, objective=objective
    )
    flat = iter(score([trace for row in test_P_N for trace in row]))
    return [[next(flat) for _ in row] for row in test_P_N]


def truths_of(test_P_N: Sequence[Sequence[Trace]]) -> list[list[StepScores]]:
    """What a judge says that knows of every step whether it is right."""

    def truth(trace: Trace) -> StepScores:
        flaws_S = trails.check_steps(trace.problem, trace)
        return StepScores(Kind.CORRECTNESS, tuple(float(f is None) for f in flaws_S), PERFECT)

    return [[truth(trace) for trace in row] for row in test_P_N]


def row_of(test_P_N: list[list[Trace]], scores_P_N: list[list[StepScores]]) -> dict:
    """A verifier's figures, by problem where they are resampled later."""
    kind = scores_P_N[0][0].kind
    how = "min" if kind is Kind.CORRECTNESS else None
    votes = kind is not Kind.PROGRESS  # a difference is no weight
    totals = [[aggregate(s, how) for s in row] for row in scores_P_N]
    weights = [vote_weights(row, how) if votes else [1.0] * len(row) for row in scores_P_N]
    read = [s.tokens for row in scores_P_N for s in row]
    found = compare(test_P_N, {"it": Judged(totals, weights, fmean(read))}, seed=0)
    row = {
        "best": found["best-of-n, it"].by_size,
        "vote": found["weighted vote, it"].by_size if votes else None,
        MAJORITY: found[MAJORITY].by_size,
        "first_errors": first_errors(test_P_N, scores_P_N),
        "verifier_tokens": fmean(read),
    }
    if kind in PROBABILITIES:
        said = [total for row in totals for total in row]
        right = [trace.verdict is Verdict.CORRECT for row in test_P_N for trace in row]
        row |= {"brier": brier(said, right), "ece": expected_calibration_error(said, right)}
    return json.loads(json.dumps(row))  # as it will be read again


def first_errors(
    test_P_N: list[list[Trace]], scores_P_N: list[list[StepScores]]
) -> list[list[int]]:
    """[odd P, 4] erroneous solutions found and in all, faultless ones left alone and in all."""
    truths = [[first_error_of(trace) for trace in row] for row in test_P_N]
    even = [s.values for row in scores_P_N[::2] for s in row]
    threshold = choose_threshold(even, [t for row in truths[::2] for t in row])
    counts = []
    for true_N, scores_N in zip(truths[1::2], scores_P_N[1::2], strict=True):
        hits = [predict_first_error(s.values, threshold) for s in scores_N]
        pairs = list(zip(hits, true_N, strict=True))
        wrong = [said == true for said, true in pairs if true != NO_ERROR]
        right = [said == true for said, true in pairs if true == NO_ERROR]
        counts.append([sum(wrong), len(wrong), sum(right), len(right)])
    return counts


# --- all seeds together ----------------------------------------------------


@dataclass(frozen=True)
class Pooled:
    """One row of all seeds. best, vote, majority: {n: accuracy of each problem}; vote may be {}."""

    best: dict[str, list[float]]
    vote: dict[str, list[float]]
    majority: dict[str, list[float]]
    first_errors_P_4: np.ndarray
    figures: dict[str, float]

    @classmethod
    def of(cls, rows: list[dict]) -> "Pooled":
        """From a row a seed."""

        def joined(name: str) -> dict[str, list[float]]:
            if rows[0][name] is None:
                return {}
            return {n: [v for row in rows for v in row[name][n]] for n in rows[0][name]}

        names = ("brier", "ece", "label_tokens", "verifier_tokens", "solutions", "seconds")
        figures = {name: fmean(row[name] for row in rows) for name in names if name in rows[0]}
        found = np.array([counts for row in rows for counts in row["first_errors"]], dtype=float)
        return cls(joined("best"), joined("vote"), joined(MAJORITY), found, figures)


def f1(sums_R_4: np.ndarray) -> np.ndarray:
    """[R] harmonic means of the two shares; 0 if both are 0."""
    a, b = sums_R_4[:, 0] / sums_R_4[:, 1], sums_R_4[:, 2] / sums_R_4[:, 3]
    return np.where(a + b > 0, 2 * a * b / np.where(a + b > 0, a + b, 1), 0.0)


def f1_interval(row: Pooled, other: Pooled | None = None) -> Interval:
    """F1, or how much it is above that of another row on the same solutions."""
    both = [r.first_errors_P_4 for r in (row, other) if r is not None]
    sums = resampled_sums(np.hstack(both), rng=rng_for(0, "first error"))
    values = f1(sums[:, :4]) - (f1(sums[:, 4:]) if other is not None else 0)
    return _there(interval_of(values))


def gain(values: Sequence[float], base: Sequence[float]) -> Interval:
    """Mean difference, paired by problem."""
    differences = np.subtract(values, base)[:, None]
    sums = resampled_sums(differences, rng=rng_for(0, "pooled"))
    return _there(interval_of(sums[:, 0] / len(differences)))


def _there(interval: Interval | None) -> Interval:
    assert interval is not None
    assert interval.low is not None
    assert interval.high is not None
    return interval


def claims(pooled: dict[str, Pooled]) -> list[Claim]:
    """Each kind against majority; labels against labels; labels against none."""
    made = []
    for name in LESSONS:
        row, key = pooled[name], name.lower().replace(",", "").replace(" ", "_").replace("-", "_")
        made.append(_claim(f"{key}_best_of_16_vs_majority", _choice(row)))
        if row.vote:
            found = gain(row.vote["16"], row.majority["16"])
            made.append(_claim(f"{key}_weighted_vote_vs_majority", found))
    ours, none = pooled["PRM, Bayes"], pooled[LIKELIHOOD]
    for other in ("PRM, Math-Shepherd", "PRM, oracle", "PRM, outcomes"):
        key = other.removeprefix("PRM, ").lower().replace("-", "_")
        found = f1_interval(ours, pooled[other])
        made.append(_claim(f"prm_bayes_vs_{key}_first_error_f1", found))
    found = gain(ours.best["16"], none.best["16"])
    return [*made, _claim("prm_bayes_best_of_16_vs_likelihood", found)]


def _choice(row: Pooled) -> Interval:
    return gain(row.best["16"], row.majority["16"])


def _claim(name: str, found: Interval) -> Claim:
    return Claim(name, found.estimate, found.low, found.high, 0.0, "at least")


HEAD = (
    "| | first-error F1 | best-of-16 | - majority | weighted vote | - majority | Brier | ECE | "
    "label tokens |\n|---|---|---|---|---|---|---|---|---|\n"
)


def table(pooled: dict[str, Pooled]) -> str:
    """All rows as Markdown."""
    majority = next(iter(pooled.values())).majority["16"]
    end = f"\nMajority: {fmean(majority):.3f}; {len(majority)} test problems in all.\n"
    return HEAD + "".join(map(_line, pooled, pooled.values())) + end


def _line(name: str, row: Pooled) -> str:
    f = row.figures
    chance = [f"{f[key]:.3f}" if key in f else "-" for key in ("brier", "ece")]
    vote = ["-", "-"]
    if row.vote:
        found = gain(row.vote["16"], row.majority["16"])
        vote = [f"{fmean(row.vote['16']):.3f}", _signed(found)]
    cells = (
        name,
        _plain(f1_interval(row)),
        f"{fmean(row.best['16']):.3f}",
        _signed(_choice(row)),
        *vote,
        *chance,
        f"{f['label_tokens']:,.0f}" if "label_tokens" in f else "-",
    )
    return f"| {' | '.join(cells)} |\n"


def _signed(x: Interval) -> str:
    return f"{x.estimate:+.3f} [{x.low:+.3f}, {x.high:+.3f}]"


def _plain(x: Interval) -> str:
    return f"{x.estimate:.3f} [{x.low:.3f}, {x.high:.3f}]"


def picture(pooled: dict[str, Pooled]) -> str:
    """Best-of-n accuracy against n, a line for each row, and majority."""
    lines = {name: row.best for name, row in pooled.items()}
    lines[MAJORITY] = next(iter(pooled.values())).majority
    curves = {name: [_point(int(n), v) for n, v in line.items()] for name, line in lines.items()}
    return accuracy_svg(curves, standalone=True, against="solutions to choose from")


def _point(n: int, values: Sequence[float]) -> CurvePoint:
    found = gain(values, np.zeros(len(values)))
    return CurvePoint(n, found.estimate, found.low, found.high, n)


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1600
    main(count, Path(sys.argv[2]) if len(sys.argv) > 2 else Path("runs/learning"))
