"""Token quality: which tokens of a solution mattered (LLM2, arXiv:2412.20372).

    C_i = { x : p(x | ids_<i) >= a max_x p(x | ids_<i) }      plausible tokens at position i
    q_i(x) = c / k     c of k rollouts from ids_<i, x end correctly
    (i, w, l): w was written at i, l in C_i was not, and q_i(w) > q_i(l)

The triplets train a verifier of single tokens by -log sigma(s_w - s_l). Where only the
written token is plausible there is nothing to compare, and nothing is asked.

Dimension key: T tokens of the solution.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from surefoot.core.budget import Budget, Meter
from surefoot.core.errors import InputError, OverBudget
from surefoot.core.protocols import Checker, Steps
from surefoot.core.types import Problem, StepLabel, Trace, Verdict
from surefoot.steps.rollout import Rollouts, value_of
from surefoot.steps.sample import Read
from surefoot.tasks.answers import final_answer
from surefoot.trees.grow import draw

Ids = tuple[int, ...]
Candidates = Callable[[Ids], Sequence[tuple[int, float]]]
Cut = Callable[[Ids], Steps]


@dataclass(frozen=True, slots=True)
class TokenChoice:
    """A position where more than one token was plausible.

    position: in the solution's ids. token: the one that was written there.
    qualities: token -> evidence of kind value; the written one comes first.
    """

    position: int
    token: int
    qualities: Mapping[int, StepLabel]


def token_quality(
    trace: Trace,
    *,
    rollouts: Rollouts,
    candidates: Candidates,
    cut: Cut,
    completions: int = 8,
    plausible: float = 0.1,
    budget: Budget | None = None,
) -> list[TokenChoice]:
    """The choices of a solution, in order, each token with `completions` rollouts.

    rollouts: made with a check that is `rejoined`, since prefixes end within steps.
    candidates: token ids and probabilities after an id prefix of the solution (the
      problem's own ids are the function's business), unlikely ones left out or not.
    cut: ids as steps, the last of which may be unfinished. Prefixes of equal text share
      their rollouts, so tokens that look alike are equally good.
    plausible: a, in [0, 1]. The budget ends the list early.
    Raises InputError for a trace whose token ids are not known.
    """
    if not trace.steps or not all(step.ids for step in trace.steps):
        raise InputError(f"a trace of problem {trace.problem.id!r} has steps without token ids")
    ids_T = tuple(i for step in trace.steps for i in step.ids)
    meter = Meter(budget or Budget())
    choices: list[TokenChoice] = []
    for position, token in enumerate(ids_T):
        before = ids_T[:position]
        others = _plausible(candidates(before), plausible) - {token}
        if not others:
            continue
        tokens = [token, *sorted(others)]
        prefixes = [cut((*before, x)) for x in tokens]
        try:
            drawn_P_K = draw(rollouts, prefixes, completions, meter)
        except OverBudget:
            break
        labels = (value_of([t.verdict for t in traces_K]) for traces_K in drawn_P_K)
        choices.append(TokenChoice(position, token, dict(zip(tokens, labels, strict=True))))
    return choices


def triplets(choices: Sequence[TokenChoice]) -> list[tuple[int, int, int]]:
    """(position, better, worse) for each plausible token that is worse than the written one."""
    found = []
    for choice in choices:
        q = {token: label.value for token, label in choice.qualities.items()}
        written = q.pop(choice.token)
        found += [
            (choice.position, choice.token, token)
            for token, value in q.items()
            if written is not None and value is not None and value < written
        ]
    return found


def rejoined(check: Checker, cut: Cut, *, read: Read = final_answer) -> Checker:
    """`check` of the steps that a trace's ids make together: one that a prefix broke off is
    whole again. Every step of the trace must have its ids."""

    def whole(problem: Problem, trace: Trace) -> Verdict:
        steps = cut(tuple(i for step in trace.steps for i in step.ids))
        joined = replace(trace, steps=steps)
        return check(problem, replace(joined, answer=read(joined.text)))

    return whole


def _plausible(candidates: Sequence[tuple[int, float]], share: float) -> set[int]:
    best = max((p for _, p in candidates), default=0.0)
    return {token for token, p in candidates if p >= share * best}
