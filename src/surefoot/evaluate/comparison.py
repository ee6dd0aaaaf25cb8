"""Ways to choose among the same samples, side by side at equal policy tokens.

All methods see the same N solutions of each problem, so differences are paired
by problem. Two scorers bound every table: a perfect one (any right solution is
found, hence coverage) and a random one (any solution is as good, hence pass@1).

Dimension key: P problems, N traces of each.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from surefoot.core.seeds import rng_for
from surefoot.core.types import Trace, Verdict
from surefoot.evaluate.intervals import mean_interval, paired_interval
from surefoot.evaluate.selection import best_of_n, coverage, vote_accuracy

SIZES = (1, 2, 4, 8, 16, 32, 64)
DRAWS = 32  # random subsets of a vote among fewer than all


@dataclass(frozen=True, slots=True)
class Judged:
    """One verifier's view of the pool.

    totals_P_N: one number a trace, higher is better. weights_P_N: its vote, 0 or more.
    tokens: what it read, per problem and per trace.
    """

    totals_P_N: Sequence[Sequence[float]]
    weights_P_N: Sequence[Sequence[float]]
    tokens: float


@dataclass(frozen=True, slots=True)
class Outcomes:
    """accuracy_P by size n: expected accuracy of a method on each problem with n of N samples."""

    by_size: dict[int, list[float]]
    verifier_tokens: float  # per problem and sample


def compare(
    pool_P_N: Sequence[Sequence[Trace]], judged: dict[str, Judged], *, seed: int
) -> dict[str, Outcomes]:
    """Every method's accuracy on every problem, for all sizes up to N.

    The pool must hold equally many traces of each problem.
    """
    right = [[t.verdict is Verdict.CORRECT for t in traces_N] for traces_N in pool_P_N]
    answers = [[t.answer for t in traces_N] for traces_N in pool_P_N]
    problems = range(len(pool_P_N))
    sizes = [n for n in SIZES if n <= len(pool_P_N[0])]

    def voted(weights_P_N: Sequence[Sequence[float]] | None, n: int) -> list[float]:
        return [
            vote_accuracy(
                answers[p],
                right[p],
                n,
                rng=rng_for(seed, "vote", n, p),  # the same subsets for every method
                weights_N=None if weights_P_N is None else weights_P_N[p],
                draws=DRAWS,
            )
            for p in problems
        ]

    methods: dict[str, tuple[Callable[[int], list[float]], float]] = {
        "perfect scorer": (lambda n: [coverage(right[p], n) for p in problems], 0.0),
        "majority": (partial(voted, None), 0.0),
        "random scorer": (lambda _: [float(np.mean(right[p])) for p in problems], 0.0),
    }
    for name, view in judged.items():

        def best(n: int, view: Judged = view) -> list[float]:
            return [best_of_n(view.totals_P_N[p], right[p], n) for p in problems]

        methods[f"best-of-n, {name}"] = (best, view.tokens)
        methods[f"weighted vote, {name}"] = (partial(voted, view.weights_P_N), view.tokens)
    return {
        name: Outcomes({n: accuracy(n) for n in sizes}, tokens)
        for name, (accuracy, tokens) in methods.items()
    }


def method_rows(
    outcomes: dict[str, Outcomes], policy_tokens: float, *, seed: int
) -> dict[str, dict[str, float]]:
    """{method: accuracy, low, high, policy_tokens, verifier_tokens} with all N samples.

    Tokens are per problem.
    """
    rows = {}
    for name, outcome in outcomes.items():
        n = max(outcome.by_size)
        interval = mean_interval(outcome.by_size[n], rng=rng_for(seed, "interval"))
        assert interval is not None
        rows[name] = {
            "accuracy": interval.estimate,
            "low": _or_nan(interval.low),
            "high": _or_nan(interval.high),
            "policy_tokens": policy_tokens * n,
            "verifier_tokens": outcome.verifier_tokens * n,
        }
    return rows


def paired_rows(
    outcomes: dict[str, Outcomes], *, base: str = "majority", seed: int
) -> dict[str, dict[str, float]]:
    """{method: diff, low, high} against `base` on the same problems and samples."""
    n = max(outcomes[base].by_size)
    rows = {}
    for name, outcome in outcomes.items():
        if name == base:
            continue
        interval = paired_interval(
            outcome.by_size[n], outcomes[base].by_size[n], rng=rng_for(seed, "interval")
        )
        assert interval is not None
        rows[name] = {
            "diff": interval.estimate,
            "low": _or_nan(interval.low),
            "high": _or_nan(interval.high),
        }
    return rows


def curve_rows(
    outcomes: dict[str, Outcomes], policy_tokens: float, *, seed: int
) -> dict[str, list[dict[str, float]]]:
    """{method: [{n, tokens, accuracy, low, high}]} for all sizes; policy tokens per problem."""
    curves: dict[str, list[dict[str, float]]] = {}
    for name, outcome in outcomes.items():
        curves[name] = []
        for n, values_P in outcome.by_size.items():
            interval = mean_interval(values_P, rng=rng_for(seed, "interval"), resamples=1000)
            assert interval is not None
            curves[name].append(
                {
                    "n": n,
                    "tokens": policy_tokens * n,
                    "accuracy": interval.estimate,
                    "low": _or_nan(interval.low),
                    "high": _or_nan(interval.high),
                }
            )
    return curves


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value
