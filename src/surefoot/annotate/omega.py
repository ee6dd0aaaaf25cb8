"""OmegaPRM: binary search for the first error (Luo et al., arXiv:2406.06592).

    MC(s_1..s_t) = c / k          c of k rollouts from the prefix end correctly
    MC > 0: the prefix is sound, the first error comes later;   MC = 0: it has come

`omega_trace` does that for one given trace of L steps: k ceil(log2 L) rollouts
instead of the k L of `monte_carlo`. The rule is exact where nothing recovers from
an error. Where a rollout does so with probability b, a probe behind the error
misleads with probability 1 - (1 - b)^k, and more rollouts make it worse.

Dimension key: S steps of the trace.
"""

from collections.abc import Callable, Mapping

from surefoot.core.errors import InputError
from surefoot.core.types import Kind, LabelledTrace, StepLabel, Trace, Verdict
from surefoot.steps.rollout import Rollouts


def omega_trace(trace: Trace, *, rollouts: Rollouts, completions: int = 8) -> LabelledTrace:
    """Labels every step, [S]: right before the first error, wrong from it on.

    Labels are of kind correctness: `belief` is the search's conclusion, 1 or 0, beside
    the counts of the prefixes that were probed. A trace that ends correctly is right
    throughout, at no cost; one whose end is not known costs a probe more. A probe
    without a readable rollout ends the search: the steps that are still in question
    have no evidence, and a note says so.
    Raises InputError for a trace without steps.
    """
    steps_S = trace.steps
    if not steps_S:
        raise InputError(f"a trace of problem {trace.problem.id!r} has no steps to label")
    before, length = rollouts.usage, len(steps_S)
    counts: dict[int, StepLabel] = {}

    def sound(t: int) -> bool | None:
        [counts[t]] = rollouts.values([steps_S[:t]], completions)
        return counts[t].hard

    if trace.finished and trace.verdict in (Verdict.CORRECT, Verdict.WRONG):
        won = trace.verdict is Verdict.CORRECT
        counts[length] = StepLabel(Kind.VALUE, int(won), 1, "verdict")
    else:
        sound(length)
    if counts[length].hard is None:  # the error may also come after all the steps
        low, high = 0, length + 1
    elif counts[length].hard:
        low = high = length
    else:
        low, high = first_error_between(length, sound)
    unread = [t for t, label in counts.items() if label.hard is None]
    notes = {"unreadable": f"no rollout after {unread[0]} steps could be read"} if unread else {}
    labels = _labels(length, low, high, counts, f"omega_trace-{completions}")
    return LabelledTrace(trace, labels, rollouts.usage - before, notes)


def first_error_between(length: int, sound: Callable[[int], bool | None]) -> tuple[int, int]:
    """(low, high]: `low` steps are sound, and the first error is among the steps up to `high`.

    sound: are the first t steps free of error? 0 < t < length; asked ceil(log2 length)
      times at most. None, "cannot tell", ends the search early; otherwise high = low + 1.
    """
    low, high = 0, length
    while high - low > 1:
        middle = (low + high) // 2
        verdict = sound(middle)
        if verdict is None:
            break
        low, high = (middle, high) if verdict else (low, middle)
    return low, high


def _labels(
    length: int, low: int, high: int, counts: Mapping[int, StepLabel], by: str
) -> tuple[StepLabel, ...]:
    nothing = StepLabel(Kind.VALUE, 0, 0, by)

    def belief(t: int) -> float | None:
        if t <= low:
            return 1.0
        return 0.0 if t >= high else None

    seen = [(t, counts.get(t, nothing)) for t in range(1, length + 1)]
    return tuple(
        StepLabel(Kind.CORRECTNESS, label.successes, label.tries, by, belief(t))
        for t, label in seen
    )
