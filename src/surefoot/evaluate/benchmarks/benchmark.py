"""What a benchmark is made of, and how a scorer or a file of predictions is measured on it.

    cases --scorer--> scores --rule--> predictions --count--> counts [M, K] --table--> figures

Every figure of every benchmark here is a function of sums of counts over cases, so one set
of resampled sums (`evaluate.intervals`) gives all figures their intervals, and the same
resamples for two scorers give the intervals of their differences.

Dimension key: M cases, K counts of a case, S steps, R resamples.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np

from surefoot.core.errors import InputError, KindError
from surefoot.core.protocols import Scorer
from surefoot.core.records import Record
from surefoot.core.seeds import rng_for
from surefoot.core.types import Kind, StepScores, Trace
from surefoot.evaluate.checks import Floats, same_length
from surefoot.evaluate.intervals import Interval, interval_of, resampled_sums
from surefoot.formats.files import foreign_rows

T = TypeVar("T")
P = TypeVar("P")
Table = Mapping[str, Mapping[str, Floats]]  # row -> column -> [1 + R], as `interval_of` wants it
Figures = dict[str, dict[str, Interval | None]]

PROBABILITIES = (Kind.CORRECTNESS, Kind.VALUE)
EVEN_ODDS = 0.5  # the threshold of scores that are probabilities


@dataclass(frozen=True, slots=True)
class Case(Generic[T]):
    """One thing that a benchmark asks about.

    id: unique in the benchmark; predictions are joined by it.
    group: its subset, class or task: a row of the table.
    cluster: what belongs together when resampling: the problem's text.
    traces: what a scorer reads; empty if the case is nothing for a scorer.
    truth: what the benchmark knows.
    """

    id: str
    group: str
    cluster: str
    traces: tuple[Trace, ...]
    truth: T


@dataclass(frozen=True, slots=True)
class Rule(Generic[T, P]):
    """How scores become predictions.

    decide: (case, scores of each of its traces, threshold) -> prediction.
    choose: the best threshold on cases and their scores, for reuse on other cases; None if
      the rule has none.
    """

    decide: Callable[[Case[T], Sequence[StepScores], float], P]
    choose: Callable[[Sequence[Case[T]], Sequence[Sequence[StepScores]]], float] | None = None


@dataclass(frozen=True, slots=True)
class Benchmark(Generic[T, P]):
    """A benchmark.

    name: on the command line. title, paper: for people; paper is an arXiv id or an address.
    load: the cases in a file or folder, its invariants checked.
    read: (case, row of a predictions file) -> prediction; None where none was made.
    read_official: as `read`, a model's text taken as the benchmark's own script takes it; None
      where that makes no difference.
    count: [M, K] from cases and predictions; None is no prediction.
    count_official: as `count`, no prediction taken as the benchmark's own script takes it; None
      where that makes no difference.
    table: rows of figures from the sums {group: [1 + R, K]}.
    main: the column that scorers are compared by. total: its row for the whole benchmark.
    perfect: the prediction that is right.
    rule: None if the benchmark asks for more than scores.
    """

    name: str
    title: str
    paper: str
    load: Callable[[Path], list[Case[T]]]
    read: Callable[[Case[T], Record], P | None]
    count: Callable[[Sequence[Case[T]], Sequence[P | None]], Floats]
    table: Callable[[Mapping[str, Floats]], Table]
    main: str
    total: str
    perfect: Callable[[Case[T]], P]
    rule: Rule[T, P] | None = None
    read_official: Callable[[Case[T], Record], P | None] | None = None
    count_official: Callable[[Sequence[Case[T]], Sequence[P | None]], Floats] | None = None


# --- cases -----------------------------------------------------------------


def unique(cases: Sequence[Case[T]]) -> list[Case[T]]:
    """The cases as they are. Raises InputError if there are none or two share an id."""
    if not cases:
        raise InputError("no cases were found; expected one a row")
    seen: set[str] = set()
    for case in cases:
        if case.id in seen:
            raise InputError(f"two cases have the id {case.id!r}; drop one of them")
        seen.add(case.id)
    return list(cases)


def cases_of(
    files: Mapping[str, Path], build: Callable[[Record, str, str], Case[T]]
) -> list[Case[T]]:
    """Every row of {group: file} as build(record, "group-row", group), rows counted from 1.

    InputErrors of `build` gain the file and the row; `unique` has the last word.
    """
    built = []
    for group, file in files.items():
        for row, record in foreign_rows(file):
            try:
                built.append(build(record, f"{group}-{row}", group))
            except InputError as error:
                raise InputError(f"{file} row {row}: {error}") from error
    return unique(built)


def files_of(path: Path, names: Sequence[str] = ()) -> dict[str, Path]:
    """{subset: file} of a folder, in the order of `names` and then by name; or of one file.

    A subset is a file's name before its first dot: gsm8k of gsm8k.jsonl.gz, .json, .parquet.
    Raises InputError where there is none, and where `names` is given and misses one.
    """
    found = [path] if path.is_file() else [*path.glob("*.json*"), *path.glob("*.parquet")]
    files = {file.name.split(".")[0]: file for file in sorted(found)}
    strange = sorted(set(files).difference(names or files))
    if not files or strange:
        told = f"found {', '.join(strange)}" if strange else "found none"
        wanted = f" named {', '.join(names)}" if names else ""
        raise InputError(
            f"{path}: expected .jsonl, .json (or .gz) or .parquet files{wanted}; {told}"
        )
    return {name: files[name] for name in names or files if name in files}


# --- predictions -----------------------------------------------------------


def score_cases(cases: Sequence[Case[T]], scorer: Scorer) -> list[tuple[StepScores, ...]]:
    """[M] the scores of each case's traces, all asked for at once."""
    return share_out(cases, scorer([trace for case in cases for trace in case.traces]))


def share_out(
    cases: Sequence[Case[T]], scores: Sequence[StepScores]
) -> list[tuple[StepScores, ...]]:
    """[M] scores by case, from scores of all their traces in order.

    Raises InputError unless there is exactly one score a step, KindError for several kinds.
    """
    traces = [(case.id, trace) for case in cases for trace in case.traces]
    same_length(traces=len(traces), scores=len(scores))
    for (name, trace), found in zip(traces, scores, strict=True):
        if len(found.values) != len(trace.steps):
            raise InputError(
                f"case {name!r} has {len(trace.steps)} steps and got {len(found.values)} scores; "
                "expected exactly one a step"
            )
    kinds = sorted({s.kind.value for s in scores})
    if len(kinds) > 1:
        raise KindError(f"expected scores of one kind, got {kinds}; measure one scorer at a time")
    rest = iter(scores)
    return [tuple(next(rest) for _ in case.traces) for case in cases]


def threshold_of(
    rule: Rule[T, P],
    cases: Sequence[Case[T]],
    scores_M: Sequence[Sequence[StepScores]],
    *,
    given: float | None = None,
    chosen_on: str | None = None,
) -> float:
    """The threshold of a rule: `given`, the best on group `chosen_on`, or 0.5 for probabilities.

    It is one for all groups: chosen anew on each it would flatter the scorer. 0.5 for a rule
    without a threshold. Raises KindError where scores are no probabilities and neither was said.
    """
    if rule.choose is None:
        return EVEN_ODDS
    if given is not None:
        return given
    if chosen_on is not None:
        picked = _of_group(cases, chosen_on)
        return rule.choose([cases[i] for i in picked], [scores_M[i] for i in picked])
    _expect_probabilities(scores_M)
    return EVEN_ODDS


def _of_group(cases: Sequence[Case[T]], group: str) -> list[int]:
    picked = [i for i, case in enumerate(cases) if case.group == group]
    if not picked:
        known = ", ".join(dict.fromkeys(case.group for case in cases))
        raise InputError(f"no case is of {group!r} to choose a threshold on; got {known}")
    return picked


def _expect_probabilities(scores_M: Sequence[Sequence[StepScores]]) -> None:
    kinds = {scores.kind for of_case in scores_M for scores in of_case}
    if not kinds <= set(PROBABILITIES):
        names = ", ".join(sorted(kind.value for kind in kinds))
        raise KindError(
            f"{names} scores have no threshold of their own; choose one on a subset "
            "(--threshold-from SUBSET) or give it (--threshold)"
        )


def decide_all(
    rule: Rule[T, P],
    cases: Sequence[Case[T]],
    scores_M: Sequence[Sequence[StepScores]],
    threshold: float,
) -> list[P]:
    """[M] the rule's prediction for each case."""
    return [
        rule.decide(case, scores, threshold) for case, scores in zip(cases, scores_M, strict=True)
    ]


# --- figures ---------------------------------------------------------------


def resampled_table(
    benchmark: Benchmark[T, P],
    cases: Sequence[Case[T]],
    predictions_M: Sequence[P | None],
    *,
    seed: int = 0,
    resamples: int = 2000,
) -> Table:
    """Every figure on all cases and on each resample of the problems.

    Equal seeds draw the same problems, whoever predicted.
    """
    same_length(cases=len(cases), predictions=len(predictions_M))
    counts_M_K = np.asarray(benchmark.count(cases, predictions_M), dtype=np.float64)
    groups = list(dict.fromkeys(case.group for case in cases))
    places_M = np.array([groups.index(case.group) for case in cases])
    wide_M_G_K = np.zeros((len(cases), len(groups), counts_M_K.shape[1]))
    wide_M_G_K[np.arange(len(cases)), places_M] = counts_M_K
    sums_1R = resampled_sums(
        wide_M_G_K.reshape(len(cases), -1),
        [case.cluster for case in cases],
        rng=rng_for(seed, "resamples"),
        resamples=resamples,
    )
    sums_1R_G_K = sums_1R.reshape(len(sums_1R), len(groups), -1)
    return benchmark.table({group: sums_1R_G_K[:, g] for g, group in enumerate(groups)})


def problems_in(cases: Sequence[Case[T]]) -> dict[str, int]:
    """{group: how many problems its cases are of}, and those of all cases under ""."""
    seen: dict[str, set[str]] = {"": {case.cluster for case in cases}}
    for case in cases:
        seen.setdefault(case.group, set()).add(case.cluster)
    return {group: len(problems) for group, problems in seen.items()}


def figures_of(
    table: Table, *, problems: Mapping[str, int] | None = None, level: float = 0.95
) -> Figures:
    """{row: {column: interval}}; None where a figure has nothing to be measured on.

    problems: from `problems_in`, so that a row of few is noted; None if unknown.
    """
    known = problems or {}
    return {
        row: {
            column: interval_of(values, level=level, clusters=known.get(row, known.get("")))
            for column, values in columns.items()
        }
        for row, columns in table.items()
    }


def differences_of(
    a: Table,
    b: Table,
    column: str,
    *,
    problems: Mapping[str, int] | None = None,
    level: float = 0.95,
) -> Figures:
    """{row: {column: interval of a - b}}, paired: both tables must be of the same seed."""
    return figures_of(
        {
            row: {column: columns[column] - b[row][column]}
            for row, columns in a.items()
            if column in columns
        },
        problems=problems,
        level=level,
    )


def with_total(
    sums: Mapping[str, Floats], columns: Callable[[Floats], Mapping[str, Floats]]
) -> Table:
    """A row a group and the row "all", in which every case counts alike."""
    rows = {group: columns(sums_R_K) for group, sums_R_K in sums.items()}
    return {**rows, "all": columns(np.sum(list(sums.values()), axis=0))}


def harmonic(a: Floats, b: Floats) -> Floats:
    """2 a b / (a + b), elementwise: 0 where both are 0, NaN where one is unknown."""
    total = a + b
    mean: Floats = np.divide(2 * a * b, total, out=np.zeros_like(total), where=total != 0)
    return mean
