"""Right solutions broken on purpose, so that the first error is known (RISE, arXiv:2410.06638).

    s_1 .. s_{t-1}  edit(s_t)      labels  1 .. 1  0

One step of a right solution is edited in one of seven ways; the solution ends there, since what
followed belongs to another one. An edit may change nothing that matters (3 + 4 for 4 + 3), so
it counts only if `confirm` is sure that the step became wrong: by an exact checker, or by
recomputation. No model and no rollout is asked.

Dimension key: S steps up to the edited one.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from surefoot.annotate.calculator import claims_of
from surefoot.annotate.edit_texts import EDITS, Edit, Scene
from surefoot.annotate.oracle import StepChecker
from surefoot.core.errors import InputError
from surefoot.core.types import Kind, LabelledTrace, Step, StepLabel, Trace, Verdict
from surefoot.tasks.answers import final_answer

Confirm = Callable[[Trace, Trace], bool]


def inject(
    trace: Trace,
    *,
    confirm: Confirm,
    rng: np.random.Generator,
    edits: Mapping[str, Edit] = EDITS,
) -> LabelledTrace | None:
    """One confirmed error at a random step, by a random edit; None if no edit fits any step.

    trace: a right solution; its verdict may be unknown but not WRONG (InputError).
    confirm: (the right steps up to there, the same with the last one edited) -> surely wrong?
    """
    if trace.verdict is Verdict.WRONG:
        raise InputError(
            f"the trace of problem {trace.problem.id!r} ends wrongly; errors are injected into "
            "right solutions only"
        )
    choices = [(step, name) for step in range(len(trace.steps)) for name in edits]
    for choice in rng.permutation(len(choices)):
        step, name = choices[choice]
        found = edited(trace, step, name, confirm=confirm, rng=rng, edits=edits)
        if found is not None:
            return found
    return None


def edited(
    trace: Trace,
    step: int,
    name: str,
    *,
    confirm: Confirm,
    rng: np.random.Generator,
    edits: Mapping[str, Edit] = EDITS,
) -> LabelledTrace | None:
    """[S] labels of the solution up to `step` with that step edited.

    None if the edit does not fit or is not confirmed.

    notes: the "edit", its "step", and what the step "was".
    """
    right = replace(trace, steps=trace.steps[: step + 1], answer=None, verdict=None, finished=False)
    was = right.steps[step].text
    around = (trace.problem.text, *(s.text for s in right.steps[:step]))
    text = edits[name](Scene.of(was, around), rng)
    if text is None or text == was:
        return None
    broken = right.with_steps((*right.steps[:step], Step(text)))
    if not confirm(right, broken):
        return None
    labels = (StepLabel(Kind.CORRECTNESS, int(i < step), 1, "edit") for i in range(step + 1))
    notes = {"edit": name, "step": str(step), "was": was}
    return LabelledTrace(broken, tuple(labels), notes=notes)


# --- is it surely wrong? -----------------------------------------------------


def by_checker(check_steps: StepChecker) -> Confirm:
    """Sure if an exact checker of steps finds its first flaw in the edited step."""

    def confirm(right: Trace, broken: Trace) -> bool:
        del right  # the checker knows the truth
        flaws_S = check_steps(broken.problem, broken)
        return flaws_S[-1] is not None and not any(flaws_S[:-1])

    return confirm


def by_recomputation(right: Trace, broken: Trace) -> bool:
    """Sure if the edited step now states false arithmetic, another result or another answer.

    Its words still say what is computed, so another value for it is wrong. Not sure where
    a step before it, or the step itself as it was, states false arithmetic.
    """
    if not all(claim.holds for step in right.steps for claim in claims_of(step.text)):
        return False
    was, now = right.steps[-1].text, broken.steps[-1].text
    claims = claims_of(now)
    if not all(claim.holds for claim in claims):
        return True
    if claims and {claim.stated for claim in claims} != {c.stated for c in claims_of(was)}:
        return True
    stated = [final_answer(text, last_resort=False) for text in (was, now)]
    return None not in stated and stated[0] != stated[1]
