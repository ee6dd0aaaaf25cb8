"""Monte-Carlo step labels (Math-Shepherd, arXiv:2312.08935).

    soft label of step t = V(s_1..s_t)         hard label = 1[V(s_1..s_t) > 0]

Both are in the counts of one `StepLabel` (`value`, `hard`). With K completions
E[hard] = 1 - (1 - V)^K: large K turns every recoverable error into a "correct"
step, so the soft label is the default everywhere.

The last step of a finished trace needs no rollout: its value is the verdict.

Dimension key: S steps of the trace.
"""

from surefoot.core.errors import InputError
from surefoot.core.types import Kind, LabelledTrace, StepLabel, Trace, Verdict
from surefoot.steps.rollout import Rollouts


def monte_carlo(trace: Trace, *, rollouts: Rollouts, completions: int = 8) -> LabelledTrace:
    """Labels every step, [S], from `completions` rollouts of each prefix, asked for at once.

    usage: what had to be drawn for it; prefixes that `rollouts` knows cost nothing again.
    Raises InputError for a trace without steps.
    """
    steps_S = trace.steps
    if not steps_S:
        raise InputError(f"a trace of problem {trace.problem.id!r} has no steps to label")
    before = rollouts.usage
    known_end = trace.finished and trace.verdict in (Verdict.CORRECT, Verdict.WRONG)
    asked = len(steps_S) - 1 if known_end else len(steps_S)
    labels = rollouts.values([steps_S[: t + 1] for t in range(asked)], completions)
    if known_end:
        won = trace.verdict is Verdict.CORRECT
        labels = [*labels, StepLabel(Kind.VALUE, int(won), 1, "verdict")]
    return LabelledTrace(trace, tuple(labels), rollouts.usage - before)
