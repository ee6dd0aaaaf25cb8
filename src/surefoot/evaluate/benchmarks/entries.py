"""Who takes part in a benchmark: a scorer, a file of predictions, or a baseline.

Dimension key: M cases, S steps.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from surefoot.core.errors import InputError, ModelError
from surefoot.core.protocols import Scorer
from surefoot.core.records import Record, scores_of
from surefoot.core.seeds import rng_for
from surefoot.core.types import Kind, StepScores, Trace
from surefoot.evaluate.benchmarks.benchmark import (
    Benchmark,
    Case,
    Rule,
    decide_all,
    share_out,
    threshold_of,
)

T = TypeVar("T")
P = TypeVar("P")
Scores = tuple[StepScores, ...] | None  # of a case's traces; None where the scorer refused one


@dataclass(frozen=True, slots=True)
class Entry(Generic[P]):
    """One participant's predictions.

    predictions_M: [M] in the order of the cases; None is no prediction.
    scores_M: [M] what they were decided on; () if they are its own.
    threshold: of its decisions; None if it has none. chosen_on: the group it was chosen on.
    refused: {case id: why it could not be scored}.
    """

    name: str
    predictions_M: Sequence[P | None]
    scores_M: Sequence[Scores] = ()
    threshold: float | None = None
    chosen_on: str | None = None
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> Kind | None:
        """What its scores mean; None without scores."""
        return next((s[0].kind for s in self.scores_M if s), None)

    @property
    def tokens(self) -> int:
        """Tokens the scorer read."""
        return sum(s.tokens for scores in self.scores_M for s in scores or ())


# --- from scores -----------------------------------------------------------


def scored(
    benchmark: Benchmark[T, P],
    cases: Sequence[Case[T]],
    name: str,
    scores_M: Sequence[Scores],
    *,
    threshold: float | None = None,
    chosen_on: str | None = None,
    refused: Mapping[str, str] | None = None,
) -> Entry[P]:
    """The entry of scores, by the benchmark's rule and one threshold (see `threshold_of`).

    Raises InputError if the benchmark asks for more than scores, or nothing was scored.
    """
    rule, refused = rule_of(benchmark), refused or {}
    known = [i for i, scores in enumerate(scores_M) if scores]
    if not known:
        why = next(iter(refused.values()), "no scores were given")
        raise InputError(f"{name}: none of {len(cases)} cases could be scored; the first: {why}")
    few, given = [cases[i] for i in known], [s for s in scores_M if s]
    limit = threshold_of(rule, few, given, given=threshold, chosen_on=chosen_on)
    decided = dict(zip(known, decide_all(rule, few, given, limit), strict=True))
    predictions = [decided.get(i) for i in range(len(cases))]
    if rule.choose is None:
        return Entry(name, predictions, scores_M, refused=refused)
    on = chosen_on if threshold is None else None
    return Entry(name, predictions, scores_M, threshold=limit, chosen_on=on, refused=refused)


def rule_of(benchmark: Benchmark[T, P]) -> Rule[T, P]:
    """The benchmark's rule. Raises InputError if it asks for more than scores."""
    if benchmark.rule is None:
        raise InputError(
            f"{benchmark.title} asks for more than scores; give predictions "
            "(--predictions FILE) instead of a scorer"
        )
    return benchmark.rule


def scores_or_refusals(
    cases: Sequence[Case[T]], scorer: Scorer
) -> tuple[list[Scores], dict[str, str]]:
    """[M] scores, and {case id: reason} of those that the scorer refuses (then None).

    A case too long for a verifier is no prediction, as a critic's unreadable reply is none;
    it is counted as such, and never cut to fit. Refusals are found by halving. Raises
    InputError for a scorer that answers with another number of scores than steps.
    """
    if not cases:
        return [], {}
    try:
        found = scorer([trace for case in cases for trace in case.traces])
    except (InputError, ModelError) as error:
        if len(cases) == 1:
            return [None], {cases[0].id: str(error)}
    else:
        return list(share_out(cases, found)), {}
    half = len(cases) // 2
    (a, refused_a), (b, refused_b) = (
        scores_or_refusals(part, scorer) for part in (cases[:half], cases[half:])
    )
    return a + b, refused_a | refused_b


# --- from a file -----------------------------------------------------------


def predicted(
    benchmark: Benchmark[T, P],
    cases: Sequence[Case[T]],
    name: str,
    rows: Mapping[str, Record],
    *,
    read: Callable[[Case[T], Record], P | None] | None = None,
    threshold: float | None = None,
    chosen_on: str | None = None,
) -> Entry[P]:
    """The entry of a file's rows, {case id: row}: scores if they hold "scores", else predictions.

    "scores" is {"kind", "values", "by"} or a list of one for each of the case's traces; cases
    without a row have no prediction. read: instead of the benchmark's own.
    """
    with_scores = [row.get("scores") is not None for row in rows.values()]
    if any(with_scores):
        scores = [_scores(case, rows[case.id]) if case.id in rows else None for case in cases]
        return scored(benchmark, cases, name, scores, threshold=threshold, chosen_on=chosen_on)
    read = read or benchmark.read
    found = [_within(case, rows[case.id], read) if case.id in rows else None for case in cases]
    return Entry(name, found)


def _scores(case: Case[T], row: Record) -> Scores:
    given = row.get("scores")
    if given is None:
        return None
    listed = given if isinstance(given, list) else [given]
    return _within(case, row, lambda c, _: share_out([c], [scores_of(s) for s in listed])[0])


def _within(case: Case[T], row: Record, read: Callable[[Case[T], Record], P | None]) -> P | None:
    """`read(case, row)`; its InputErrors gain the case."""
    try:
        return read(case, row)
    except InputError as error:
        raise InputError(f"case {case.id!r}: {error}") from error


# --- baselines -------------------------------------------------------------


def random_scorer(seed: int) -> Scorer:
    """Each step's P(right) uniform in [0, 1], decided by seed and trace alone."""

    def score(traces_N: Sequence[Trace]) -> list[StepScores]:
        return [
            StepScores(
                Kind.CORRECTNESS,
                tuple(rng_for(seed, "random", t.problem.id, t.text).random(len(t.steps)).tolist()),
                "random",
            )
            for t in traces_N
        ]

    return score


def always_right(traces_N: Sequence[Trace]) -> list[StepScores]:
    """The `Scorer` that never raises an alarm."""
    return [StepScores(Kind.CORRECTNESS, (1.0,) * len(t.steps), "always-right") for t in traces_N]


def oracle(benchmark: Benchmark[T, P], cases: Sequence[Case[T]]) -> Entry[P]:
    """The entry that is always right: what the benchmark's figures can reach."""
    return Entry("oracle", [benchmark.perfect(case) for case in cases])
