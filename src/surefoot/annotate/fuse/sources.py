"""Labels of the same traces from several sources, as votes and back.

A source votes on a trace with its first error tau in 0..S (S: none is wrong), or on each
step with 1 (right) or 0 (wrong); None is an abstention and never counts as either.

Sources that share evidence (two readings of the same rollouts, two prompts to the same
judge) are not independent, and every fusion here assumes that they are: `merged` makes
one source of them first.

Dimension key: N traces (or other items voted on), J sources, G groups of sources, S steps.
"""

from collections import Counter
from collections.abc import Hashable, Sequence
from functools import reduce
from operator import add

import numpy as np
import numpy.typing as npt

from surefoot.annotate.first_error import first_wrong
from surefoot.core.errors import InputError
from surefoot.core.types import Kind, LabelledTrace, StepLabel, Trace, Usage

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]
Vote = int | None
Row = Sequence[LabelledTrace | None]


def aligned(sources_J: Sequence[Sequence[LabelledTrace]]) -> list[list[LabelledTrace | None]]:
    """[N][J] what each source says of each trace, None where it does not have it.

    Traces are one if their problems' and steps' texts are; the k-th of equals in one source
    meets the k-th in another. In the order first seen.
    """
    rows: dict[Hashable, list[LabelledTrace | None]] = {}
    for j, source in enumerate(sources_J):
        seen: Counter[Hashable] = Counter()
        for item in source:
            key = trace_key(item.trace)
            row = rows.setdefault((key, seen[key]), [None] * len(sources_J))
            seen[key] += 1
            row[j] = item
    return list(rows.values())


def trace_key(trace: Trace) -> tuple[str, ...]:
    """Equal for traces with the same words; ids differ from one publisher to the next."""
    return (trace.problem.text, *(step.text for step in trace.steps))


def trace_in(row: Row) -> Trace:
    """The trace that a row is about. Raises InputError if no source has it."""
    for item in row:
        if item is not None:
            return item.trace
    raise InputError("a row without any labelled trace; expected one from a source or more")


def first_error_votes(rows_N_J: Sequence[Row]) -> list[list[Vote]]:
    """[N][J] each source's tau."""
    return [
        [None if item is None else first_wrong(item.labels) for item in row] for row in rows_N_J
    ]


def step_votes(rows_N_J: Sequence[Row]) -> list[list[Vote]]:
    """[all steps][J] 1 for right, 0 for wrong; trace after trace."""
    return [
        [None if item is None or (h := item.labels[t].hard) is None else int(h) for item in row]
        for row in rows_N_J
        for t in range(len(trace_in(row).steps))
    ]


def merged(votes_N_J: Sequence[Sequence[Vote]], groups_J: Sequence[Hashable]) -> list[list[Vote]]:
    """[N][G] one vote a group, in the order first seen: what most of its members say.

    None where they all abstain, or where none of their votes is the most frequent. A
    source given five times under one group counts as given once.
    """
    members: dict[Hashable, list[int]] = {}
    for j, group in enumerate(groups_J):
        members.setdefault(group, []).append(j)
    return [[_plurality([row[j] for j in js]) for js in members.values()] for row in votes_N_J]


def _plurality(votes: Sequence[Vote]) -> Vote:
    ranked = Counter(vote for vote in votes if vote is not None).most_common(2)
    tied = len(ranked) == 2 and ranked[0][1] == ranked[1][1]
    return None if tied or not ranked else ranked[0][0]


def vote_array(votes_N_J: Sequence[Sequence[Vote]], most: int | Sequence[int]) -> Ints:
    """[N, J] with -1 for None.

    most: the highest vote, for all or for each row. Raises InputError for a vote outside
    0..most and for rows of unequal length.
    """
    if len({len(row) for row in votes_N_J}) > 1:
        raise InputError("expected a vote (or None) of every source on every item")
    listed = [[-1 if vote is None else vote for vote in row] for row in votes_N_J]
    width = len(listed[0]) if listed else 0
    votes = np.array(listed, dtype=np.intp).reshape(len(listed), width)
    limits = np.broadcast_to(np.asarray(most), len(votes))
    bad = np.argwhere((votes < -1) | (votes > limits[:, None]))
    if len(bad):
        n, j = bad[0]
        raise InputError(
            f"source {j} votes {votes[n, j]} on item {n}; expected 0 to {limits[n]}, or None"
        )
    return votes


def needs_three(votes_N_J: Ints, why: str) -> None:
    """Raises InputError unless three sources or more vote on one item or more."""
    if votes_N_J.size == 0 or votes_N_J.shape[1] < 3:
        given = votes_N_J.shape[1] if votes_N_J.size else 0
        raise InputError(
            f"expected three independent sources or more, got {given} (those that share evidence "
            f"count as one): {why}; add one, or use the consensus"
        )


def normalised(log_weights_M_K: Floats) -> Floats:
    """[M, K] exp of the weights, each row scaled to add up to 1; -inf is 0, one must be more."""
    weights: Floats = np.exp(log_weights_M_K - log_weights_M_K.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    return weights


def by_posterior(row: Row, posterior_Z: Floats, by: str) -> LabelledTrace:
    """The trace with belief P(tau > t) in each step t: soft labels of kind correctness.

    posterior_Z: [S + 1] P(tau = t), the last for no error. Counts: how many sources spoke
      about a step and how many found it right. usage: what all of them cost together.
    """
    beliefs_S = 1 - np.cumsum(posterior_Z)[:-1]
    return with_beliefs(row, [float(min(1.0, max(0.0, b))) for b in beliefs_S], by)


def with_beliefs(row: Row, beliefs_S: Sequence[float | None], by: str) -> LabelledTrace:
    """The row's trace with a belief in each step; None leaves a step without evidence."""
    items = [item for item in row if item is not None]
    labels = []
    for t, belief in enumerate(beliefs_S):
        hard = [item.labels[t].hard for item in items]
        spoke = [h for h in hard if h is not None] if belief is not None else []
        labels.append(StepLabel(Kind.CORRECTNESS, sum(spoke), len(spoke), by, belief))
    return LabelledTrace(trace_in(row), tuple(labels), joint_usage(row))


def joint_usage(row: Row) -> Usage:
    """What all sources of a row cost together."""
    return reduce(add, (item.usage for item in row if item is not None), Usage())
