"""What a policy is to learn, step by step, with the loss on some steps only.

    L = - sum_t m_t log P(token t | tokens before) / sum_t m_t        m: the mask of a lesson
    pair: both sides begin with the same prefix, whose mask is 0, so no gradient reaches it

Ids come from the one encoder, a step at a time, so a mask begins and ends at a step's border:
no token is shared between what is learnt and what is not. Data builders of refinement
systems (`recipes/refinement`) make nothing but these records.

Dimension key: S steps, T tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from surefoot.core.errors import InputError, need
from surefoot.core.protocols import Steps
from surefoot.core.types import Problem, Step, Trace
from surefoot.steps.encode import Encoder


@dataclass(frozen=True, slots=True)
class Lesson:
    """A text to write after `problem`.

    problem: what is shown; its text may hold a draft or a critique beside the question.
    learnt_S: does step t count in the loss? A step that is shown only to be mended does not.
    """

    problem: Problem
    steps: Steps
    learnt_S: tuple[bool, ...]

    def __post_init__(self) -> None:
        if len(self.learnt_S) != len(self.steps) or not any(self.learnt_S):
            raise InputError(
                f"a lesson for problem {self.problem.id!r} has {len(self.steps)} steps and "
                f"{len(self.learnt_S)} marks, {sum(self.learnt_S)} of them to learn; expected a "
                "mark a step and something to learn"
            )


@dataclass(frozen=True, slots=True)
class Preference:
    """After the same problem and prefix, `chosen` is better than `rejected`."""

    problem: Problem
    prefix: Steps
    chosen: Steps
    rejected: Steps

    def lessons(self) -> tuple[Lesson, Lesson]:
        """(chosen, rejected), each with the loss on what follows the prefix."""
        chosen, rejected = (
            after(self.problem, self.prefix, side) for side in (self.chosen, self.rejected)
        )
        return chosen, rejected


@dataclass(frozen=True, slots=True)
class Masked:
    """ids: [T]. mask: [T] does the token count? dropped: steps at the end that did not fit."""

    ids: tuple[int, ...]
    mask: tuple[bool, ...]
    dropped: int


def after(problem: Problem, prefix: Steps, steps: Steps) -> Lesson:
    """A lesson in how a prefix goes on."""
    marks = (False,) * len(prefix) + (True,) * len(steps)
    return Lesson(problem, prefix + steps, marks)


def whole(trace: Trace, shown: Problem | None = None) -> Lesson:
    """A lesson in all of a solution. shown: what is read instead of its problem."""
    return after(shown or trace.problem, (), trace.steps)


def inserted(before: Steps, injected: Sequence[str], after_them: Steps, problem: Problem) -> Lesson:
    """Steps that are shown and not learnt, between steps that are."""
    steps = (*before, *map(Step, injected), *after_them)
    marks = (True,) * len(before) + (False,) * len(injected) + (True,) * len(after_them)
    return Lesson(problem, steps, marks)


def masked(lesson: Lesson, encoder: Encoder) -> Masked:
    """Ids and mask of a lesson; the token that ends a text is learnt with the last step.

    The end is left out where the tokenizer has none or not all steps fit. Raises ModelError as
    the encoder does.
    """
    encoded = encoder.encode(lesson.problem, lesson.steps)
    mask = [False] * len(encoded.ids)
    for (start, stop), learnt in zip(encoded.spans_S, lesson.learnt_S, strict=False):
        mask[start:stop] = [learnt] * (stop - start)
    end = encoder.tokenizer.eos_token_id
    ends = () if end is None or encoded.dropped else (end,)
    last = (lesson.learnt_S[-1],) * len(ends)
    return Masked(encoded.ids + ends, (*mask, *last), encoded.dropped)


def dpo_loss(chosen: Any, rejected: Any, beta: float = 0.1) -> Any:
    """-log s(beta (chosen - rejected)), s the logistic function (arXiv:2305.18290).

    chosen, rejected: tensors of log pi / pi_0 of each side, summed over its mask. ln 2 where the
    policy is still pi_0. Raises MissingExtra without torch.
    """
    functional: Any = need("torch.nn.functional", "models")
    return -functional.logsigmoid(beta * (chosen - rejected))
