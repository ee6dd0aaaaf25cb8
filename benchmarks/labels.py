"""Which steps are wrong, and what it costs to know: annotators against an exact oracle.

    python benchmarks/labels.py [OUT]

500 wrong-answer and 200 right-answer solutions of trails by Pebble are labelled by
Math-Shepherd, OmegaPRM's binary search, a judge, a fusion of judge and rollouts, and
Surefoot's own annotator, each at several budgets; and by a rule that learns nothing and asks for
nothing: the step that holds the least likely token. Every method pays for all its
rollouts; the journal only saves us from making one twice. Ours learns the policy's
rates and its hazard (from token surprise) on the solutions of other problems, without
a step label; what that cost is shared by all later labels and reported apart.

tokens_vs_omegaprm        ours' policy tokens / OmegaPRM's, at OmegaPRM's best first-error accuracy
                          (neither ratio holds what ours spent on learning: see their notes)
tokens_vs_math_shepherd   the same at the first-error accuracy of Math-Shepherd with k = 8
mistakes_vs_omegaprm      ours' first-error mistakes / OmegaPRM's (k = 8), at the largest of our
                          budgets that costs no more tokens
hazard_vs_least_likely    first-error accuracy of ours without a rollout - that of the rule that
                          learns nothing; both read log-probabilities, which the peers do not
rollouts_vs_bound         rollouts to find one of 16 steps with known rates a, b / the least that
                          any scheme needs for as many mistakes (Fano), on a simulated channel;
                          the worst of the channels

First-error accuracy is over the wrong-answer solutions. low and high: 95 % bootstrap by
problem. Writes OUT/labels.json (the table) and OUT/labels.svg (accuracy against tokens).
"""

import json
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np

from claims import Claim, publish
from surefoot.annotate import monte_carlo, omega_trace
from surefoot.annotate.bayes import Stop, bayes
from surefoot.annotate.belief import Belief
from surefoot.annotate.bounds import fewest_rollouts
from surefoot.annotate.channel import Channel, flat_channel, stuck_states
from surefoot.annotate.first_error import first_wrong
from surefoot.annotate.hazard import Hazard, learn, surprise_features
from surefoot.core.seeds import rng_for
from surefoot.core.types import Kind, LabelledTrace, StepLabel, StepScores, Trace, Verdict
from surefoot.engine import Crew, Journal
from surefoot.engine.calls import policy_calls, scorer_calls
from surefoot.evaluate import NO_ERROR, choose_threshold, mean_interval, paired_interval
from surefoot.evaluate.intervals import resampled_sums
from surefoot.policy.local import LocalPolicy, load_policy
from surefoot.policy.local_decode import Reply, Sampling
from surefoot.report.curves import accuracy_svg
from surefoot.report.data import CurvePoint
from surefoot.steps import Rollouts, sample_traces
from surefoot.tasks import trails
from surefoot.verifiers import load_verifier

WRONG, RIGHT, PROBLEMS, EACH = 500, 200, 240, 4
CALIBRATION = 40  # of these problems: what ours and the judge's threshold learn from
LOOKED_AT = 16  # rollouts a trace in calibration
BUDGETS = (0, 1, 2, 4, 6, 8, 12, 16, 24)  # most rollouts of ours, a trace
RESAMPLES = 1000
LEAST_LIKELY = "least likely token"
NEVER = 1e6  # a ratio that no budget of ours reaches
TRIALS, STEPS, SURE = 400, 16, 0.9
CHANNELS = ((0.5, 0.0), (0.5, 0.05), (0.8, 0.05), (0.8, 0.15), (0.2, 0.0))

Method = Callable[[Trace, Rollouts], LabelledTrace]


@dataclass(frozen=True)
class Shop:
    """The policy and the judge behind journal and crew, and the traces."""

    crew: Crew
    policy: LocalPolicy
    scores: dict[int, StepScores]  # of every trace, by id(trace)
    calibration: list[Trace]
    wrong: list[Trace]
    right: list[Trace]
    learning: list[int] = field(default_factory=list)  # what ours spent to learn, per trace


@dataclass(frozen=True)
class Row:
    """What a method did: [N] first error found or not, tokens; steps right and all, per trace."""

    found_N: list[bool]
    tokens_N: list[float]
    steps_right_N: list[int]
    steps_N: list[int]

    def figures(self, wrong: int) -> dict[str, float]:
        """Over the first `wrong` traces (wrong answers), the others, and all."""
        return {
            "first_error_accuracy": float(np.mean(self.found_N[:wrong])),
            "right_left_alone": float(np.mean(self.found_N[wrong:])),
            "step_accuracy": sum(self.steps_right_N) / sum(self.steps_N),
            "tokens_wrong": float(np.mean(self.tokens_N[:wrong])),
            "tokens_right": float(np.mean(self.tokens_N[wrong:])),
        }


def main(out: Path) -> None:
    """Measures all methods (resumable: the journal is OUT/journal.sqlite) and publishes."""
    journal = Journal(out / "journal.sqlite")
    shop = opened(journal)
    rows = {name: measured(method, shop) for name, method in methods(shop).items()}
    learning = float(np.mean(shop.learning))
    journal.close()
    problems = [trace.problem.id for trace in shop.wrong]
    table = {name: row.figures(len(shop.wrong)) for name, row in rows.items()}
    for name, figures in table.items():
        print(f"{name:28}", {key: round(value, 3) for key, value in figures.items()}, flush=True)
    print(f"learning: {learning:.0f} tokens for each of {len(shop.calibration)} solutions")
    table["learning"] = {"tokens": learning, "solutions": len(shop.calibration)}
    (out / "labels.json").write_text(json.dumps(table, indent=1) + "\n")
    (out / "labels.svg").write_text(picture(rows, problems))
    claims = [
        *against_peers(rows, problems, learning * len(shop.calibration)),
        against_no_learning(rows, problems),
        against_bound(),
    ]
    publish("labels", "python benchmarks/labels.py", claims)


def opened(journal: Journal) -> Shop:
    """Samples and scores, or takes from the journal."""
    crew = Crew(64)
    sampling = Sampling(temperature=0.8, max_tokens=256)
    policy = load_policy("pebble", sampling=sampling).through(
        lambda p: policy_calls(p.decoder.stream, p.fingerprint, journal, crew, reply=Reply)
    )
    judge = load_verifier("pebble-verifier").through(
        lambda s: scorer_calls(s.stream, s.fingerprint, journal, crew)
    )

    def sampled(problem: trails.Problem) -> list[Trace]:
        rng = rng_for(0, "labels", problem.id)
        read = trails.answer_of
        traces = sample_traces(
            problem, sample=policy, check=trails.check, count=EACH, rng=rng, read=read
        )
        return [t for t in traces if t.finished and t.verdict in (Verdict.CORRECT, Verdict.WRONG)]

    asked = trails.problems("validation", PROBLEMS + CALIBRATION, level="middle")
    traces_P_N = crew.map(sampled, asked)
    calibration = [t for row in traces_P_N[:CALIBRATION] for t in row]
    measured_on = [t for row in traces_P_N[CALIBRATION:] for t in row]
    wrong = [t for t in measured_on if t.verdict is Verdict.WRONG][:WRONG]
    right = [t for t in measured_on if t.verdict is Verdict.CORRECT][:RIGHT]
    assert (len(wrong), len(right)) == (WRONG, RIGHT), (len(wrong), len(right))
    traces = calibration + wrong + right
    scores = {id(t): s for t, s in zip(traces, judge(traces), strict=True)}
    return Shop(crew, policy, scores, calibration, wrong, right)


def methods(shop: Shop) -> dict[str, Method]:
    """name: how a trace is labelled, given rollouts to pay for."""
    channel, hazard = taught(shop, surprise_features)
    _, judging = taught(shop, partial(surprise_and_judge, shop))

    def ours(most: int, prior: Callable[[Trace], np.ndarray] | None) -> Method:
        def label(trace: Trace, rollouts: Rollouts) -> LabelledTrace:
            belief = Belief(len(trace.steps), channel, prior and prior(trace), stuck_states)
            stop = Stop(confidence=0.95, rollouts=most)
            return bayes(trace, rollouts=rollouts, belief=belief, stop=stop)

        return label

    def surprised(trace: Trace) -> np.ndarray:
        return hazard.prior(surprise_features(trace))

    def judged(trace: Trace) -> np.ndarray:
        return judging.prior(surprise_and_judge(shop, trace))

    def at_once(trace: Trace, rollouts: Rollouts) -> LabelledTrace:
        rollouts([trace.steps[:t] for t in range(len(trace.steps))], 4)
        return replace(ours(0, judged)(trace, rollouts), usage=rollouts.usage)

    return {
        **{f"Math-Shepherd, k = {k}": partial(shepherd, k) for k in (4, 8, 16)},
        **{f"OmegaPRM, k = {k}": partial(searched, k) for k in (4, 8, 16)},
        LEAST_LIKELY: least_likely,
        "judge (shipped verifier)": partial(by_threshold, shop, judge_threshold(shop)),
        "fusion: judge, 4 a prefix": at_once,
        **{f"ours, {most} rollouts": ours(most, surprised) for most in BUDGETS},
        **{f"ours without prior, {most} rollouts": ours(most, None) for most in BUDGETS[1:]},
        **{f"ours with judge, {most} rollouts": ours(most, judged) for most in BUDGETS},
    }


def least_likely(trace: Trace, _: Rollouts) -> LabelledTrace:
    """The first error is where the least likely token is; no right solution is left alone."""
    first = min(range(len(trace.steps)), key=lambda t: min(trace.steps[t].logprobs or (0.0,)))
    marks = (float(t < first) for t in range(len(trace.steps)))
    labels = (StepLabel(Kind.CORRECTNESS, mark, 1, "least likely token") for mark in marks)
    return LabelledTrace(trace, tuple(labels))


def shepherd(k: int, trace: Trace, rollouts: Rollouts) -> LabelledTrace:
    return monte_carlo(trace, rollouts=rollouts, completions=k)


def searched(k: int, trace: Trace, rollouts: Rollouts) -> LabelledTrace:
    return omega_trace(trace, rollouts=rollouts, completions=k)


# --- what ours learns beforehand, without a step label ---------------------


def taught(shop: Shop, features: Callable[[Trace], np.ndarray]) -> tuple[Channel, Hazard]:
    """The policy's rates and the hazard, from rollouts of the calibration traces."""

    def looked_at(trace: Trace) -> Belief:
        belief = Belief(len(trace.steps), flat_channel(), model=stuck_states)
        rollouts = Rollouts(trace.problem, sample=shop.policy, check=trails.check)
        bayes(trace, rollouts=rollouts, belief=belief, stop=Stop(0.95, rollouts=LOOKED_AT))
        shop.learning.append(rollouts.usage.policy_tokens)
        return belief

    beliefs = shop.crew.map(looked_at, shop.calibration)
    return learn(beliefs, [features(trace) for trace in shop.calibration])


def surprise_and_judge(shop: Shop, trace: Trace) -> np.ndarray:
    """[S, 4] token surprise, and the judge's log-odds of this step and its drop from the last."""
    p_S = np.clip(shop.scores[id(trace)].values, 1e-4, 1 - 1e-4)
    odds_S = np.log(p_S / (1 - p_S))
    drops_S = np.diff(odds_S, prepend=0.0)
    return np.column_stack((surprise_features(trace), odds_S, drops_S))


def judge_threshold(shop: Shop) -> float:
    """Chosen on the calibration traces, by their true first errors: the judge gets this help."""
    firsts = [trails.first_error(t.problem, t) for t in shop.calibration]
    scores = [shop.scores[id(t)].values for t in shop.calibration]
    return choose_threshold(scores, [NO_ERROR if f is None else f for f in firsts])


def by_threshold(shop: Shop, threshold: float, trace: Trace, _: Rollouts) -> LabelledTrace:
    values = shop.scores[id(trace)].values
    fine = [value >= threshold for value in values]
    first = fine.index(False) if False in fine else len(fine)
    labels = (StepLabel(Kind.CORRECTNESS, float(t < first), 1, "judge") for t in range(len(fine)))
    return LabelledTrace(trace, tuple(labels))


# --- measuring -------------------------------------------------------------


def measured(method: Method, shop: Shop) -> Row:
    """One method on every trace, each with rollouts of its own to pay for."""

    def work(trace: Trace) -> LabelledTrace:
        return method(trace, Rollouts(trace.problem, sample=shop.policy, check=trails.check))

    labelled = shop.crew.map(work, shop.wrong + shop.right)
    truths = [truth(item.trace) for item in labelled]
    return Row(
        [said(item) == true for item, true in zip(labelled, truths, strict=True)],
        [float(x.usage.policy_tokens) for x in labelled],
        [
            sum(label.hard is (t < true) for t, label in enumerate(x.labels))
            for x, true in zip(labelled, truths, strict=True)
        ],
        [len(x.labels) for x in labelled],
    )


def said(labelled: LabelledTrace) -> int | None:
    """The first error that a method names, or the first step that it labels wrong."""
    if "first_error" in labelled.notes:
        return int(labelled.notes["first_error"])
    return first_wrong(labelled.labels)


def truth(trace: Trace) -> int:
    """The first wrong step; S for none."""
    first = trails.first_error(trace.problem, trace)
    return len(trace.steps) if first is None else first


def against_peers(rows: dict[str, Row], problems: Sequence[str], learning: float) -> list[Claim]:
    """The first three claims, on the wrong-answer traces. learning: tokens ours cost before."""
    names = list(rows)
    table_N_2K = np.array(
        [
            [x for name in names for x in (rows[name].found_N[n], rows[name].tokens_N[n])]
            for n in range(len(problems))
        ],
        dtype=float,
    )
    sums_R_2K = resampled_sums(table_N_2K, problems, rng=rng_for(0, "labels"), resamples=RESAMPLES)
    means_R_K_2 = (sums_R_2K / len(problems)).reshape(len(sums_R_2K), len(names), 2)
    ours = [names.index(f"ours, {most} rollouts") for most in BUDGETS]
    omegas = [names.index(f"OmegaPRM, k = {k}") for k in (4, 8, 16)]
    at_8 = names.index("OmegaPRM, k = 8")

    def tokens_for(means_K_2: np.ndarray, peer: int) -> float:
        """Ours' tokens / the peer's, at the fewest rollouts that are as accurate."""
        accuracy, tokens = means_K_2[peer]
        enough = [means_K_2[k, 1] for k in ours if means_K_2[k, 0] >= accuracy]
        return min(enough) / tokens if enough else NEVER

    def best_of_omega(means_K_2: np.ndarray) -> int:
        return max(omegas, key=lambda k: means_K_2[k, 0])

    def mistakes(means_K_2: np.ndarray) -> float:
        largest = max(k for k in ours if means_K_2[k, 1] <= means_K_2[at_8, 1])
        return (1 - means_K_2[largest, 0]) / (1 - means_K_2[at_8, 0])

    shepherd_8 = names.index("Math-Shepherd, k = 8")
    spent = [
        learning / sums_R_2K[0, 2 * k + 1] for k in (best_of_omega(means_R_K_2[0]), shepherd_8)
    ]
    notes = [
        "Without what ours spent on learning beforehand, once for all later solutions: with all of "
        f"it on these {len(problems)} the ratio is {share:.2f} higher. An interval of 0 says that "
        "no resample needed a rollout, not how sure the ratio is. One policy, whose "
        "log-probabilities the peers were not given."
        for share in spent
    ]
    figures: dict[str, tuple[Callable[[np.ndarray], float], float]] = {
        "tokens_vs_omegaprm": (lambda m: tokens_for(m, best_of_omega(m)), 0.5),
        "tokens_vs_math_shepherd": (lambda m: tokens_for(m, shepherd_8), 0.1),
        "mistakes_vs_omegaprm": (mistakes, 0.6),
    }
    return [
        claimed(name, np.array([figure(m) for m in means_R_K_2]), goal, note)
        for (name, (figure, goal)), note in zip(figures.items(), [*notes, ""], strict=True)
    ]


def against_no_learning(rows: dict[str, Row], problems: Sequence[str]) -> Claim:
    """Ours without a rollout against the rule that learns nothing, on the same solutions."""
    ours, rule = (
        [float(found) for found in rows[name].found_N[: len(problems)]]
        for name in ("ours, 0 rollouts", LEAST_LIKELY)
    )
    found = paired_interval(ours, rule, problems, rng=rng_for(0, "least likely"))
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    return Claim("hazard_vs_least_likely", found.estimate, found.low, found.high, 0.0, "at least")


def claimed(name: str, values_R: np.ndarray, goal: float, note: str) -> Claim:
    low, high = np.quantile(values_R[1:], (0.025, 0.975), method="nearest")
    return Claim(name, float(values_R[0]), float(low), float(high), goal, "at most", note=note)


def picture(rows: dict[str, Row], problems: Sequence[str]) -> str:
    """First-error accuracy against tokens, a line for each family of methods."""
    curves: dict[str, list[CurvePoint]] = {}
    for name, row in rows.items():
        family, _, _ = name.partition(",")
        found = mean_interval(row.found_N[: len(problems)], problems, rng=rng_for(0, name))
        assert found is not None
        tokens = max(1.0, float(np.mean(row.tokens_N[: len(problems)])))  # the axis is log
        point = CurvePoint(tokens, found.estimate, found.low, found.high, 1)
        curves.setdefault(family, []).append(point)
    return accuracy_svg(curves, standalone=True, against="policy tokens per wrong solution")


# --- on a simulated channel ------------------------------------------------


def against_bound() -> Claim:
    """The worst channel's rollouts / Fano's bound for as many mistakes; rates known."""
    worst = max((simulated(a, b) for a, b in CHANNELS), key=lambda ratios: float(np.mean(ratios)))
    drawn = rng_for(0, "bound").choice(worst, (RESAMPLES, len(worst))).mean(1)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Claim(
        "rollouts_vs_bound", float(np.mean(worst)), float(low), float(high), 1.5, "at most"
    )


def simulated(a: float, b: float) -> np.ndarray:
    """[TRIALS] rollouts until sure of the first of 16 steps, over the bound at our error rate."""
    rng = rng_for(0, "channel", f"{a} {b}")
    channel = flat_channel((a,), (max(b, 1e-3),), (False,), strength=math.inf)
    spent, right = [], []
    for _ in range(TRIALS):
        tau, belief, rollouts = int(rng.integers(STEPS)), Belief(STEPS, channel), 0
        belief.observe(STEPS, 0, 1)  # its answer is wrong
        while belief.first_error.max() < SURE:
            place = int(np.argmax(belief.information()[:-1]))
            belief.observe(place, float(rng.random() < (a if place <= tau else b)), 1)
            rollouts += 1
        spent.append(rollouts)
        right.append(int(belief.first_error.argmax()) == tau)
    error = 1 - float(np.mean(right))
    return np.array(spent) / fewest_rollouts(STEPS, a, b, error)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("runs/labels"))
