"""DeepCritic (arXiv:2505.00662): a second look at each step, then a reward for the right place.

    for each step   a critique, then a critique of that critique, by another way of checking
    kept            if the second verdict of every step is its label
    reward          1 if the predicted first error is the label (-1: none), else 0

A critic that always says -1 earns the share of right solutions, so half must be wrong.

Dimension key: N solutions, S steps.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from surefoot.annotate.asking import QUOTING, ask, code_word, quoted, quoted_steps, verdict_of
from surefoot.annotate.judge import WORDS
from surefoot.core.errors import InputError
from surefoot.core.protocols import Sampler
from surefoot.core.types import LabelledTrace, Problem, Trace, Usage, Verdict
from surefoot.evaluate import NO_ERROR
from surefoot.improve import Lesson, after
from surefoot.recipes.refinement.recipe import RefineRecipe, in_lines


def reward(predicted: int | None, label: int) -> float:
    """1 for the labelled place of the first error, NO_ERROR (-1) like any other; else 0.

    predicted: None if the critique could not be read, which earns nothing.
    """
    return float(predicted is not None and predicted == label)


@dataclass(frozen=True, slots=True)
class Deliberated:
    """verdicts_S: the second verdict on each step, None where it cannot be read. text: both
    critiques of all steps."""

    trace: Trace
    verdicts_S: tuple[bool | None, ...]
    text: str
    usage: Usage


def deliberate(trace: Trace, *, judge: Sampler, seed: int = 0) -> Deliberated:
    """Every step criticised twice. Cost: 2 S calls."""
    code = code_word(trace.problem.text, trace.text)
    verdicts, parts, usage = list[bool | None](), list[str](), Usage()
    for step in range(len(trace.steps)):
        said = ""
        for turn in ("first", "second"):
            prompt = step_prompt(trace, step, said, code)
            replies = ask(judge, trace.problem, f"deep/{step}/{turn}", prompt, seed=seed)
            said, usage = replies.texts[0], usage + replies.usage
            parts.append(said)
        verdicts.append(verdict_of(said, f"Step {step}", code, WORDS))
    return Deliberated(trace, tuple(verdicts), "\n".join(parts), usage)


def step_prompt(trace: Trace, step: int, said: str, code: str) -> str:
    """The solution up to a step, and the first critique of it, if there is one."""
    shown = trace.with_steps(trace.steps[: step + 1])
    task = "Say whether it is right, and why."
    if said:
        task = (
            f"Somebody said of it:\n{quoted(said)}\n\nCheck the step in another way, and say what "
            "is wrong with what was said, if anything is."
        )
    return f"""\
Below is a problem and the beginning of a solution. Judge its last step, {step}.
{QUOTING}

Problem:
{quoted(trace.problem.text)}

{quoted_steps(shown)}

{task} End with a line

Step {step} [{code}]: WORD

where WORD is RIGHT, WRONG, or UNSURE if you cannot tell, and the brackets stay as they are."""


def agreed(items: Sequence[Deliberated], right_N_S: Sequence[Sequence[bool]]) -> list[Lesson]:
    """Lessons in criticism, of the solutions whose every second verdict is its label."""
    return [
        after(asked(item.trace), (), in_lines(item.text))
        for item, right_S in zip(items, right_N_S, strict=True)
        if list(item.verdicts_S) == list(right_S)
    ]


def asked(trace: Trace) -> Problem:
    """What the critic that is trained reads."""
    text = f"{quoted(trace.problem.text)}\n\n{quoted_steps(trace)}\n\nCriticise each step."
    return Problem(f"{trace.problem.id}/critique", text)


@dataclass(frozen=True, slots=True)
class Located:
    """A solution and its first error, NO_ERROR (-1) if there is none: what the reward is for."""

    trace: Trace
    first_error: int


def located(labelled: Sequence[LabelledTrace]) -> list[Located]:
    """Solutions whose rollout values tell the first error: of a wrong one the first hopeless
    prefix, of a right one none at all. The last step has the verdict for its value.

    Left out are a right answer after a hopeless prefix, and what was never rolled out.
    """
    found = []
    for item in labelled:
        right = item.trace.verdict is Verdict.CORRECT
        values = [*(label.hard for label in item.labels[:-1]), right]
        known = item.trace.verdict in (Verdict.CORRECT, Verdict.WRONG) and None not in values
        if known and right == all(values):
            found.append(Located(item.trace, NO_ERROR if right else values.index(False)))
    return found


def balanced(items: Sequence[Located], *, rng: np.random.Generator) -> list[Located]:
    """As many with an error as without, drawn from both, in their order. Raises InputError if
    there are none of one of them: a critic would learn to say the same of all."""
    groups = [
        [i for i, item in enumerate(items) if (item.first_error == NO_ERROR) is none]
        for none in (True, False)
    ]
    size = min(map(len, groups))
    if not size:
        raise InputError(
            f"expected solutions with and without an error, got {len(groups[1])} and "
            f"{len(groups[0])}; label some of the other sort"
        )
    kept = {int(i) for group in groups for i in rng.choice(group, size, replace=False)}
    return [item for i, item in enumerate(items) if i in kept]


RECIPE = RefineRecipe(
    name="deep_critic",
    paper="2505.00662",
    about="critics that look twice at each step, and a reward for naming the first error",
    claims="A 7B critic above GPT-4o at finding errors; its critiques help majority and "
    "refinement.",
    deviations="The two critiques are kept as they are; the paper has a model merge them. Data "
    "and reward only: reinforcement learning is the trainer's.",
    checks=(
        "test_deep_critic.py::test_the_reward_knows_no_favourite",
        "test_deep_critic.py::test_kept_is_what_agrees_at_every_step",
        "test_deep_critic.py::test_half_of_a_balanced_set_is_wrong",
    ),
    builds=(deliberate, agreed, located, balanced, reward),
)
