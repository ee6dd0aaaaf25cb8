"""Searches beside plain sampling that costs the same, on the same problems.

    cost       policy tokens, or policy and verifier tokens together
    n          cost of a search / cost of one plain solution (with its score, where that is used)
    plain(n)   majority, best-of-n, weighted vote; perfect scorer = coverage, random scorer = pass@1
    gain       accuracy of the search - accuracy of plain(n), paired by problem

Plain sampling's accuracy with n solutions comes from one pool of N >= n, over all its
subsets (`evaluate.selection`), so it has less noise than the search's one try; where n > N
the pool is too small and the row says so (`short`). A gain is stated against the best of
the three plain rules, chosen after the fact, which favours plain sampling.

Diversity of the candidates that a search chose among:

    unique prefixes   different prefixes / prefixes; 1 if no two solutions share a step
    effective sample  (sum w)^2 / sum w^2 of the candidates' scores w; how many of them count
    effective answers 1 / sum_a share(a)^2
    selection gap     a right candidate was there - the chosen one is right

Dimension key: P problems, N plain solutions of each.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from surefoot.core.errors import InputError, KindError
from surefoot.core.kinds import aggregate
from surefoot.core.seeds import rng_for
from surefoot.core.tree import Tree
from surefoot.core.types import StepScores, Trace, Verdict
from surefoot.evaluate.intervals import Interval, mean_interval, paired_interval
from surefoot.evaluate.selection import best_of_n, coverage, vote_accuracy
from surefoot.search import Found, Unfinished, vote_weights

Result = Found | Unfinished
Basis = Literal["policy tokens", "all tokens"]

BASES: tuple[Basis, ...] = ("policy tokens", "all tokens")
RULES = ("majority", "best-of-n", "weighted vote")
BOUNDS = ("perfect scorer", "random scorer")
SCORED = ("best-of-n", "weighted vote")
DRAWS = 64  # random subsets of a vote among fewer than all


@dataclass(frozen=True)
class Plain:
    """Plain solutions of every problem, and what the verifier says of them.

    pool_P_N: checked traces; problems may have fewer than N. scores_P_N: theirs.
    """

    pool_P_N: Sequence[Sequence[Trace]]
    scores_P_N: Sequence[Sequence[StepScores]]
    seed: int = 0
    aggregation: str | None = None

    @property
    def size(self) -> int:
        """N."""
        return max((len(row) for row in self.pool_P_N), default=0)

    def cost(self, basis: Basis, rule: str) -> float:
        """Mean tokens of one solution, with those of its score where the rule has one."""
        traces = [trace.tokens for row in self.pool_P_N for trace in row]
        scores = [scores.tokens for row in self.scores_P_N for scores in row]
        read = sum(scores) if basis == "all tokens" and rule in SCORED else 0
        return (sum(traces) + read) / max(1, len(traces))

    def accuracy(self, rule: str, n: int) -> list[float] | None:
        """[P] expected accuracy with n solutions, all of them where a problem has fewer.

        None for a weighted vote by scores that are no votes (logits, progress).
        """
        try:
            return [self._one(rule, p, min(n, len(row))) for p, row in enumerate(self.pool_P_N)]
        except KindError:
            return None

    def _one(self, rule: str, p: int, n: int) -> float:
        if not n:
            return 0.0
        traces_N, scores_N = self.pool_P_N[p], self.scores_P_N[p]
        right = [trace.verdict is Verdict.CORRECT for trace in traces_N]
        if rule == "random scorer":
            return float(np.mean(right))
        if rule == "perfect scorer":
            return coverage(right, n)
        if rule == "best-of-n":
            return best_of_n([aggregate(s, self.aggregation) for s in scores_N], right, n)
        weights = vote_weights(scores_N, self.aggregation) if rule == "weighted vote" else None
        rng = rng_for(self.seed, "vote", n, p)
        answers = [trace.answer for trace in traces_N]
        return vote_accuracy(answers, right, n, rng=rng, weights_N=weights, draws=DRAWS)


def compare_searches(
    results: Mapping[str, Sequence[Result]],
    plain: Plain,
    *,
    seconds: Mapping[str, float],
    seed: int = 0,
) -> dict[str, Any]:
    """What `surefoot compare` writes: `report.data`'s summary with more, see below.

    results: method -> [P], of the same problems in the order of the pool. seconds: wall
      time of each method; small where a journal knew the answers.
    Beside methods, paired_vs_majority and coverage there are `equal_cost` {method: {basis: {n,
    short, plain: {rule: accuracy, diff, low, high}, verdict}}}, `diversity` {method: ...},
    `wall_seconds`, `unfinished` and `verdicts`, one sentence a method.
    Raises InputError unless every method has a result of each problem.
    """
    for name, results_P in results.items():
        if len(results_P) != len(plain.pool_P_N):
            raise InputError(
                f"{name} has results of {len(results_P)} problems, the pool has "
                f"{len(plain.pool_P_N)}; compare them on the same problems"
            )
    methods = {name: _row(right_of(rs), _cost(rs), seed) for name, rs in results.items()}
    equal = {
        name: {basis: _at_equal_cost(rs, plain, basis, seed) for basis in BASES}
        for name, rs in results.items()
    }
    return {
        "methods": methods | _plain_rows(plain, seed),
        "paired_vs_majority": {
            name: rows["policy tokens"]["plain"]["majority"] for name, rows in equal.items()
        },
        "coverage": {str(n): _mean(plain.accuracy("perfect scorer", n)) for n in _sizes(plain)},
        "equal_cost": equal,
        "diversity": {name: diversity(rs) for name, rs in results.items()},
        "wall_seconds": {name: round(s, 3) for name, s in seconds.items()},
        "unfinished": {
            name: sum(isinstance(r, Unfinished) for r in rs) for name, rs in results.items()
        },
        "verdicts": [_sentence(name, methods[name], equal[name]) for name in results],
        "headline": _headline(equal),
    }


def right_of(results_P: Sequence[Result]) -> list[float]:
    """[P] 1 where the answer is right; an unfinished search is not."""
    return [float(isinstance(r, Found) and r.chosen.verdict is Verdict.CORRECT) for r in results_P]


def curves(
    results: Mapping[str, Sequence[Result]], plain: Plain, *, seed: int = 0
) -> dict[str, list[dict[str, Any]]]:
    """Accuracy against policy tokens, as the report draws it: plain rules by size, and one point
    for each search."""
    drawn: dict[str, list[dict[str, Any]]] = {}
    each = plain.cost("policy tokens", "majority")
    for rule in (*RULES, *BOUNDS):
        for n in _sizes(plain):
            values = plain.accuracy(rule, n)
            if values is not None:
                drawn.setdefault(rule, []).append(_point(values, n, n * each, seed))
    for name, results_P in results.items():
        tried = [len(r.candidates) if isinstance(r, Found) else 0 for r in results_P]
        tokens = _cost(results_P)["policy tokens"]
        drawn[name] = [_point(right_of(results_P), round(_mean(tried)), tokens, seed)]
    return drawn


def diversity(results_P: Sequence[Result]) -> dict[str, float | None]:
    """Means over the problems where the search found an answer; None if there is none."""
    found = [r for r in results_P if isinstance(r, Found)]
    figures: dict[str, Callable[[Found], float | None]] = {
        "candidates": lambda r: float(len(r.candidates)),
        "unique_prefixes": lambda r: unique_prefixes(r.candidates),
        "effective_sample": lambda r: effective_sample(r.scores),
        "effective_answers": lambda r: effective_answers(r.candidates),
        "selection_gap": selection_gap,
    }
    return {name: _known_mean([figure(r) for r in found]) for name, figure in figures.items()}


def selection_gap(found: Found) -> float:
    """1 if a right candidate was there and another one chosen, else 0."""
    there = any(trace.verdict is Verdict.CORRECT for trace in found.candidates)
    return float(there) - float(found.chosen.verdict is Verdict.CORRECT)


def unique_prefixes(traces_N: Sequence[Trace]) -> float:
    """Different prefixes over prefixes, in (0, 1]; 1 if no two solutions share a step."""
    tree = Tree()
    for trace in traces_N:
        tree.add_path(trace.steps, finished=True)
    count = sum(len(trace.steps) for trace in traces_N)
    return (len(tree) - 1) / count if count else 1.0


def effective_sample(scores_N: Sequence[float]) -> float | None:
    """(sum w)^2 / sum w^2, in [1, N]; None without scores, or if they are no weights."""
    total, squares = math.fsum(scores_N), math.fsum(w * w for w in scores_N)
    if not squares or min(scores_N) < 0:
        return None
    return total * total / squares


def effective_answers(traces_N: Sequence[Trace]) -> float | None:
    """1 / sum of squared shares of the answers' texts, at least 1; None without an answer."""
    counts = Counter(trace.answer for trace in traces_N if trace.answer is not None)
    total = counts.total()
    return total**2 / sum(n * n for n in counts.values()) if total else None


# --- rows ------------------------------------------------------------------


def _at_equal_cost(
    results_P: Sequence[Result], plain: Plain, basis: Basis, seed: int
) -> dict[str, Any]:
    """Plain rules with as many tokens as the search took, each paired with it."""
    right, cost = right_of(results_P), _cost(results_P)[basis]
    rows: dict[str, Any] = {}
    sizes: dict[str, int] = {}
    for rule in (*RULES, *BOUNDS):
        n = round(cost / each) if (each := plain.cost(basis, rule)) else 1
        values = plain.accuracy(rule, max(1, n))
        if values is None:
            continue
        sizes[rule] = max(1, n)
        gap = paired_interval(right, values, rng=rng_for(seed, "interval"))
        rows[rule] = {"accuracy": _mean(values), **_ends("diff", gap)}
    best = max((rule for rule in RULES if rule in rows), key=lambda rule: rows[rule]["accuracy"])
    return {
        "n": sizes[best],
        "short": sizes[best] > plain.size,
        "best_plain": best,
        "plain": rows,
        "verdict": _verdict(rows[best]),
    }


def _verdict(row: Mapping[str, Any]) -> str:
    if row["diff"] <= 0:
        return "plain sampling is at least as good"
    if row["low"] is not None and row["low"] > 0:
        return "better than plain sampling"
    return "not clearly better than plain sampling"


def _sentence(name: str, row: Mapping[str, Any], equal: Mapping[Basis, Any]) -> str:
    parts = []
    for basis in BASES:
        at = equal[basis]
        gap = at["plain"][at["best_plain"]]
        ends = "" if gap["low"] is None else f" [{100 * gap['low']:+.1f}, {100 * gap['high']:+.1f}]"
        short = " (pool too small)" if at["short"] else ""
        parts.append(
            f"at equal {basis} {at['verdict']} ({at['best_plain']}, n = {at['n']}{short}: "
            f"{100 * gap['diff']:+.1f} points{ends})"
        )
    return f"{name}: {100 * row['accuracy']:.1f} % right; {'; '.join(parts)}."


def _headline(equal: Mapping[str, Any]) -> str:
    better = [n for n, rows in equal.items() if rows["policy tokens"]["verdict"].startswith("bet")]
    if not better:
        return "No search is clearly better than plain sampling at equal policy tokens."
    also = [n for n in better if equal[n]["all tokens"]["verdict"].startswith("bet")]
    rest = f"; counting what the verifier reads: {', '.join(also) or 'none'}"
    return f"Clearly better than plain sampling at equal policy tokens: {', '.join(better)}{rest}."


def _plain_rows(plain: Plain, seed: int) -> dict[str, dict[str, Any]]:
    rows = {}
    for rule in (*RULES, *BOUNDS):
        values = plain.accuracy(rule, plain.size)
        tokens = plain.size * plain.cost("policy tokens", rule)
        read = plain.size * plain.cost("all tokens", rule) - tokens
        if values is not None:
            rows[rule] = _row(values, {"policy tokens": tokens, "all tokens": tokens + read}, seed)
    return rows


def _row(values_P: Sequence[float], cost: Mapping[Basis, float], seed: int) -> dict[str, Any]:
    return {
        **_ends("accuracy", mean_interval(values_P, rng=rng_for(seed, "interval"))),
        "policy_tokens": cost["policy tokens"],
        "verifier_tokens": cost["all tokens"] - cost["policy tokens"],
    }


def _point(values_P: Sequence[float], n: int, tokens: float, seed: int) -> dict[str, Any]:
    found = mean_interval(values_P, rng=rng_for(seed, "interval"), resamples=1000)
    return {"n": n, "tokens": max(tokens, 1.0), **_ends("accuracy", found)}


def _ends(name: str, found: Interval | None) -> dict[str, Any]:
    if found is None:
        raise InputError("nothing was compared: there is no problem")
    return {name: found.estimate, "low": found.low, "high": found.high}


def _cost(results_P: Sequence[Result]) -> dict[Basis, float]:
    """Mean tokens of a problem."""
    policy = _mean([r.usage.policy_tokens for r in results_P])
    return {
        "policy tokens": policy,
        "all tokens": policy + _mean([r.usage.verifier_tokens for r in results_P]),
    }


def _sizes(plain: Plain) -> list[int]:
    powers = [2**k for k in range(plain.size.bit_length()) if 2**k < plain.size]
    return [*powers, plain.size]


def _known_mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return _mean(known) if known else None


def _mean(values: Sequence[float] | None) -> float:
    return math.fsum(values) / len(values) if values else 0.0
