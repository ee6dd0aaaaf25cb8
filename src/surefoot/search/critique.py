"""The usual parts of a refinement: who doubts what, and how it is written anew.

    doubtful        worth < when;  place = first t with score_t < where
    by_verdict      a judge says RIGHT or WRONG of the whole (Self-Refine, arXiv:2303.17651)
    by_first_error  a judge names the first wrong step
    continued       new ends after s_1..s_{t-1}: prefix resampling, or a refiner's local repair
    rewritten       the whole anew, by who reads the draft: a refiner's global repair

They fit `refinement.improved`. Judges are quoted to and read as `annotate.asking` has it.

Dimension key: S steps.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from surefoot.annotate.asking import QUOTING, ask, code_word, quoted, quoted_steps, verdict_of
from surefoot.annotate.ensemble import read_place
from surefoot.core.protocols import Sampler
from surefoot.core.types import Problem, Trace
from surefoot.search.refinement import Critic, Desk, Draft, How, Remark

Ask = Callable[[Draft, Remark], Problem]

BAD = "[BAD]"

# --- whether, where and why --------------------------------------------------


def doubtful(when: float, where: float) -> Critic:
    """Doubts a draft worth less than `when`, from its first step that scores less than `where`.

    Without such a step from the lowest of its scores. What nobody judged is left alone.
    """

    def critic(desk: Desk, draft: Draft) -> Remark | None:
        del desk
        if draft.scores is None or draft.worth is None or draft.worth >= when:
            return None
        return Remark(first_doubt(draft.scores.values, where))

    return critic


def first_doubt(scores_S: Sequence[float], threshold: float) -> int:
    """The first step under the threshold, else the first of the lowest; S must be 1 or more."""
    low = (step for step, value in enumerate(scores_S) if value < threshold)
    return next(low, int(np.argmin(scores_S)))


def by_verdict(judge: Sampler, seed: int) -> Critic:
    """A judge that says what is wrong, or that nothing is; the whole is to be written anew.

    Words without a readable verdict are a remark too.
    """

    def critic(desk: Desk, draft: Draft) -> Remark | None:
        code = code_word(draft.trace.problem.text, draft.trace.text)
        prompt = feedback_prompt(draft.trace, code)
        replies = ask(judge, desk.problem, "refine", prompt, seed=seed)
        desk.meter.spend(replies.usage)
        if verdict_of(replies.texts[0], "Verdict", code, {"RIGHT": True, "WRONG": False}):
            return None
        return Remark(0, replies.texts[0])

    return critic


def by_first_error(judge: Sampler, seed: int) -> Critic:
    """A judge that names the first wrong step; who names none, or cannot be read, has no remark."""

    def critic(desk: Desk, draft: Draft) -> Remark | None:
        steps = len(draft.trace.steps)
        code = code_word(draft.trace.problem.text, draft.trace.text)
        prompt = first_error_prompt(draft.trace, code)
        replies = ask(judge, desk.problem, "first_error", prompt, seed=seed)
        desk.meter.spend(replies.usage)
        place = read_place(replies.texts[0], steps, code)
        return None if place in (None, steps) else Remark(place or 0, replies.texts[0])

    return critic


def feedback_prompt(draft: Trace, code: str) -> str:
    """What a judge is asked about a draft as a whole."""
    return f"""\
Below is a problem and a solution that may be wrong.
{QUOTING}

Problem:
{quoted(draft.problem.text)}

Solution:
{quoted(draft.text)}

Say what is wrong with it and how to mend it. End with a line

Verdict [{code}]: WORD

where WORD is RIGHT or WRONG, and the brackets stay as they are."""


def first_error_prompt(draft: Trace, code: str) -> str:
    """What a judge is asked about the steps of a draft."""
    return f"""\
Below is a problem and, step by step, a solution that may be wrong.
{QUOTING}

Problem:
{quoted(draft.problem.text)}

{quoted_steps(draft)}

Check the steps in order. Say what is wrong with the first wrong one and how to mend it. End with
a line

First wrong step [{code}]: N

where N is its number, or NONE if all steps are right; the brackets stay as they are."""


# --- how it is written anew --------------------------------------------------


def continued(count: int = 1, *, by: Sampler | None = None, shown: Ask | None = None) -> How:
    """`count` new ends after the steps before the doubted one (prefix resampling).

    by: who writes, else the policy. shown: what it reads, else the problem.
    """

    def write(desk: Desk, draft: Draft, remark: Remark) -> list[Trace]:
        asked = None if shown is None else shown(draft, remark)
        return desk.write(count, prefix=draft.trace.steps[: remark.place], asked=asked, by=by)

    return write


def rewritten(shown: Ask, count: int = 1, *, by: Sampler | None = None) -> How:
    """`count` whole solutions by who reads what is `shown` of the draft and the remark."""

    def write(desk: Desk, draft: Draft, remark: Remark) -> list[Trace]:
        return desk.write(count, asked=shown(draft, remark), by=by)

    return write


def with_feedback(draft: Draft, remark: Remark) -> Problem:
    """The problem, the draft and what was said about it, to be solved again."""
    problem = draft.trace.problem
    text = f"""\
{problem.text}

A first try:
{quoted(draft.trace.text)}

What was said about it:
{quoted(remark.words)}

Solve the problem again, and mend what was wrong."""
    return replace(problem, text=text)


def with_tag(draft: Draft, remark: Remark) -> Problem:
    """The problem and the draft, with a tag before the doubted step: refiners learn to read it."""
    return tagged(draft.trace, remark.place)


def with_draft(draft: Draft, remark: Remark) -> Problem:
    """The problem and the draft, and no hint where it may be wrong."""
    del remark
    return tagged(draft.trace, None)


def tagged(draft: Trace, place: int | None) -> Problem:
    """The problem with a draft below it; "[BAD]" stands before step `place`, if there is one."""
    lines = [f"{BAD} {s.text}" if i == place else s.text for i, s in enumerate(draft.steps)]
    text = "\n".join([draft.problem.text, "", "A first try:", *lines])
    return replace(draft.problem, text=text)
