"""Progress labels under a prover (PAV, Setlur et al., arXiv:2410.08146).

    A_t = Q_t - Q_{t-1}          Q_t: how often the prover ends correctly from s_1..s_t
    sum_t A_t = Q_S - Q_0        Q_0: from the problem alone

The prover is whoever makes the rollouts: a policy other than the one to be trained,
since a policy's own advantages teach it nothing new. "The best of K of the prover" is a
prover too, and its values need no further rollouts:

    Q^BoK = 1 - (1 - Q)^K        from c successes in n rollouts: 1 - C(n - c, K) / C(n, K)

The second form is without bias where c / n put into the first is not ([ours]; the paper
has a model of Q). A search or a reward then adds them up: Q^pi_t + alpha A_t.

Dimension key: S steps of the trace.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

from surefoot.annotate.monte_carlo import monte_carlo
from surefoot.core.errors import InputError, KindError
from surefoot.core.types import Kind, LabelledTrace, StepLabel, Trace
from surefoot.steps.rollout import Rollouts


def progress(
    trace: Trace, *, rollouts: Rollouts, completions: int = 8, best_of: int = 1
) -> LabelledTrace:
    """Labels every step, [S], with A_t in [-1, 1] under the best of `best_of` of the prover.

    rollouts: the prover's. Each label keeps the counts of its own prefix, and the note
    "root" those of the problem alone. A step has no evidence if fewer than `best_of`
    rollouts of its prefix, or of the one before, could be read.
    Cost: at most (S + 1) * completions rollouts; those of the last step are spared if
    the trace's end is known.
    Raises InputError for a trace without steps, and unless 1 <= best_of <= completions.
    """
    if not 1 <= best_of <= completions:
        raise InputError(f"best_of must be in 1..{completions} (the completions), got {best_of}")
    before, by = rollouts.usage, f"progress-{completions}-best-of-{best_of}"
    values_S = monte_carlo(trace, rollouts=rollouts, completions=completions).labels
    [root] = rollouts.values([()], completions)
    q = [_best_of(label, best_of) for label in (root, *values_S)]
    labels = tuple(
        StepLabel(Kind.PROGRESS, 0, 0, by)
        if now is None or last is None
        else StepLabel(Kind.PROGRESS, label.successes, label.tries, by, now - last)
        for label, (last, now) in zip(values_S, pairwise(q), strict=True)
    )
    notes = {"root": f"{root.successes:g} of {root.tries}"}
    return LabelledTrace(trace, labels, rollouts.usage - before, notes)


def best_of_value(value: float, k: int) -> float:
    """Q^BoK of a known Q in [0, 1]: the chance that one of k tries succeeds."""
    return 1 - (1 - value) ** k


def effective_rewards(
    values_S: Sequence[StepLabel], progress_S: Sequence[StepLabel], *, alpha: float = 0.5
) -> list[float | None]:
    """[S] Q^pi + alpha A^mu of each step; None where either has no evidence.

    values_S: the policy's own values. Raises KindError for labels of other kinds.
    """
    for labels, kind in ((values_S, Kind.VALUE), (progress_S, Kind.PROGRESS)):
        wrong = [label.kind.value for label in labels if label.kind is not kind]
        if wrong:
            raise KindError(f"expected labels of kind {kind.value}, got {wrong[0]}")
    pairs = zip(values_S, progress_S, strict=True)
    return [
        None if q.value is None or a.value is None else q.value + alpha * a.value for q, a in pairs
    ]


def _best_of(label: StepLabel, k: int) -> float | None:
    if label.by == "verdict":  # a sure end: all tries end alike
        return label.value
    if label.tries < k:
        return None
    failures = label.tries - int(label.successes)
    return 1 - math.comb(failures, k) / math.comb(label.tries, k)
