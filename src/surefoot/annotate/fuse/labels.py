"""Each fusion from labelled traces to labelled traces: rows in, one labelling out.

    rows_N_J = aligned([labels of source 1, labels of source 2, ...])

Sources of one group count as one (see `sources.merged`); without groups each stands alone.
Beliefs are of kind correctness: P(tau > t) where first errors are fused, P(right) where
steps are. What nobody labelled is left out.

Dimension key: N traces, J sources, S steps.
"""

from collections.abc import Hashable, Sequence

import numpy as np

from surefoot.annotate.fuse.channels import fit_channels
from surefoot.annotate.fuse.consensus import consensus
from surefoot.annotate.fuse.dawid_skene import dawid_skene
from surefoot.annotate.fuse.label_model import balance_of_two, label_model
from surefoot.annotate.fuse.metric import metric_fusion
from surefoot.annotate.fuse.rollouts import is_counted, rollout_evidence
from surefoot.annotate.fuse.sources import (
    Floats,
    Row,
    Vote,
    by_posterior,
    first_error_votes,
    merged,
    step_votes,
    trace_in,
    with_beliefs,
)
from surefoot.core.errors import InputError
from surefoot.core.types import LabelledTrace

Groups = Sequence[Hashable] | None


def by_consensus(rows_N_J: Sequence[Row], groups_J: Groups = None) -> list[LabelledTrace]:
    """Only the traces on whose first error all sources agree. Groups do not matter to it."""
    del groups_J
    kept = (consensus(row) for row in rows_N_J)
    return [item for item in kept if item is not None]


def by_dawid_skene(rows_N_J: Sequence[Row], groups_J: Groups = None) -> list[LabelledTrace]:
    """First errors through each source's channel (`fit_channels`)."""
    rows, votes = _voted(rows_N_J, groups_J)
    fused = fit_channels(votes, [len(trace_in(row).steps) for row in rows])
    by = f"dawid_skene-{len(fused.channels_J)}"
    return [by_posterior(row, p, by) for row, p in zip(rows, fused.posteriors_N, strict=True)]


def by_metric(rows_N_J: Sequence[Row], groups_J: Groups = None) -> list[LabelledTrace]:
    """First errors as places on a line (`metric_fusion`)."""
    rows, votes = _voted(rows_N_J, groups_J)
    fused = metric_fusion(votes, [len(trace_in(row).steps) for row in rows])
    by = f"metric-{len(fused.thetas_J)}"
    return [by_posterior(row, p, by) for row, p in zip(rows, fused.posteriors_N, strict=True)]


def by_posterior_of_all(rows_N_J: Sequence[Row], groups_J: Groups = None) -> list[LabelledTrace]:
    """Counts of rollouts by their likelihood, everything else as votes on the first error.

    Of counts in one group only the first source's are read: they are the same rollouts.
    Raises InputError unless one source or more has counts, and one or more votes.
    """
    groups = _groups(rows_N_J, groups_J)
    counting = _counting(rows_N_J)
    voting = [j for j in range(len(groups)) if j not in counting]
    if not counting or not voting:
        raise InputError(
            "expected counts of rollouts (as monte_carlo makes them) from one source, and labels "
            f"of another sort from one or more; got {len(counting)} and {len(voting)}"
        )
    firsts = list({groups[j]: j for j in reversed(counting)}.values())
    votes = merged(first_error_votes(_columns(rows_N_J, voting)), [groups[j] for j in voting])
    steps = [len(trace_in(row).steps) for row in rows_N_J]
    evidence = list(map(_evidence, _columns(rows_N_J, firsts), steps))
    fused = fit_channels(votes, steps, evidence_N=evidence)
    by = f"posterior-{len(fused.channels_J)}-{len(firsts)}"
    return [by_posterior(row, p, by) for row, p in zip(rows_N_J, fused.posteriors_N, strict=True)]


def _columns(rows_N_J: Sequence[Row], sources: Sequence[int]) -> list[Row]:
    return [[row[j] for j in sources] for row in rows_N_J]


def _evidence(row: Row, steps: int) -> Floats:
    """[S + 1] of all counts of a trace together."""
    return sum((rollout_evidence(x) for x in row if x is not None), np.zeros(steps + 1))


def _counting(rows_N_J: Sequence[Row]) -> list[int]:
    """The sources whose labels are all counts of rollouts."""
    columns = enumerate(zip(*rows_N_J, strict=True))
    return [
        j
        for j, items_N in columns
        if all(is_counted(x) for item in items_N if item is not None for x in item.labels)
    ]


def by_step_dawid_skene(rows_N_J: Sequence[Row], groups_J: Groups = None) -> list[LabelledTrace]:
    """Each step by itself (`dawid_skene` of two classes)."""
    votes = merged(step_votes(rows_N_J), _groups(rows_N_J, groups_J))
    fused = dawid_skene(votes)
    return _per_step(rows_N_J, votes, fused.posterior_N_C, "step_dawid_skene")


def by_label_model(rows_N_J: Sequence[Row], groups_J: Groups = None) -> list[LabelledTrace]:
    """Each step by itself (`label_model`), the share of right steps estimated first."""
    votes = merged(step_votes(rows_N_J), _groups(rows_N_J, groups_J))
    right = balance_of_two(votes)
    fused = label_model(votes, balance_C=(1 - right, right))
    return _per_step(rows_N_J, votes, fused.posterior_N_C, "label_model")


def _groups(rows_N_J: Sequence[Row], groups_J: Groups) -> Sequence[Hashable]:
    return range(len(rows_N_J[0]) if rows_N_J else 0) if groups_J is None else groups_J


def _voted(rows_N_J: Sequence[Row], groups_J: Groups) -> tuple[list[Row], list[list[Vote]]]:
    """The rows on whose first error somebody votes, and the votes."""
    votes = merged(first_error_votes(rows_N_J), _groups(rows_N_J, groups_J))
    pairs = [(r, v) for r, v in zip(rows_N_J, votes, strict=True) if any(x is not None for x in v)]
    return [row for row, _ in pairs], [vote for _, vote in pairs]


def _per_step(
    rows_N_J: Sequence[Row], votes_M_J: Sequence[Sequence[Vote]], posterior_M_2: Floats, by: str
) -> list[LabelledTrace]:
    """Steps on which nobody votes stay without evidence, traces without any are left out."""
    name = f"{by}-{len(votes_M_J[0]) if votes_M_J else 0}"
    beliefs = iter(
        None if all(vote is None for vote in votes) else min(1.0, float(right))
        for votes, right in zip(votes_M_J, posterior_M_2[:, 1], strict=True)
    )
    labelled = []
    for row in rows_N_J:
        own = [next(beliefs) for _ in trace_in(row).steps]
        if any(belief is not None for belief in own):
            labelled.append(with_beliefs(row, own, name))
    return labelled
