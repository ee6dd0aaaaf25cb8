"""Which traces to label next, and traces that rollouts made anyway.

`convincing` is the active learning of Let's Verify Step by Step (arXiv:2305.20050):
label what the present verifier is most wrong about, solutions that it rates highly
although their answer is wrong,

    n_w = round(share * count) of the highest scored wrong-answer traces,
    and the highest scored of all the others.

`mined` turns wrong rollouts into new traces, as OmegaPRM's pool does (arXiv:2406.06592):
their first steps have been looked at already, so they are cheap to label.
"""

import math
from collections.abc import Sequence

from surefoot.core.errors import InputError
from surefoot.core.types import Trace, Verdict
from surefoot.steps.rollout import Rollouts


def convincing(
    traces_N: Sequence[Trace], scores_N: Sequence[float], count: int, *, share: float = 0.8
) -> list[Trace]:
    """Up to `count` traces to label, the most convincing first among the wrong, then the others.

    scores_N: [N] one finite number a trace, such as its aggregated step scores; higher is
      more convincing. Ties keep the given order.
    share: of the count for wrong-answer traces, in [0, 1]; where there are too few of one
      sort, the other fills up. O(N log N).
    """
    _check(traces_N, scores_N, share)
    ranked = sorted(zip(scores_N, traces_N, strict=True), key=lambda pair: -pair[0])
    wrong = [trace for _, trace in ranked if trace.verdict is Verdict.WRONG]
    others = [trace for _, trace in ranked if trace.verdict is not Verdict.WRONG]
    first = min(len(wrong), round(share * count))
    return [*wrong[:first], *others, *wrong[first:]][:count]


def _check(traces_N: Sequence[Trace], scores_N: Sequence[float], share: float) -> None:
    if len(traces_N) != len(scores_N):
        raise InputError(
            f"expected a score for each of {len(traces_N)} traces, got {len(scores_N)}"
        )
    bad = next((n for n, score in enumerate(scores_N) if not math.isfinite(score)), None)
    if bad is not None:
        raise InputError(f"scores[{bad}] is {scores_N[bad]}; expected a finite number")
    if not 0 <= share <= 1:
        raise InputError(f"share must lie in [0, 1], got {share}")


def mined(rollouts: Rollouts) -> list[Trace]:
    """The distinct finished rollouts with a wrong answer, as traces; in order of asking."""
    found = {
        tuple(step.text for step in trace.steps): trace
        for trace in rollouts.drawn()
        if trace.finished and trace.verdict is Verdict.WRONG
    }
    return list(found.values())
