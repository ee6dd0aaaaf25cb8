"""A PRM that is shown the formulas alone (What Are Step-Level Reward Models Rewarding?,
arXiv:2412.15904): a diagnostic, not a better verifier.

    input = problem, maths(step_1), ..., maths(step_S)

If it scores as well as the PRM on whole steps (as its authors found), the words between the
formulas did not matter, and a plan in words cannot be scored. Any other filter of a step's
text makes another ablation: replace(PRM, view=filtered(whole, your_filter)).
"""

import re
from collections.abc import Callable
from dataclasses import replace

from surefoot.core.protocols import Steps
from surefoot.core.types import Problem, Step
from surefoot.steps.encode import Encoded, Encoder
from surefoot.verifiers.data import View, whole
from surefoot.verifiers.kinds.prm import PRM

NOTHING = "..."  # stands for a step without any formula
FORMULA = re.compile(
    r"\$\$.+?\$\$|\$.+?\$|\\\(.+?\\\)|\\\[.+?\\\]"  # LaTeX, whole
    r"|\S*[\d=+*/^<>×÷−≤≥≠√%\\]\S*|(?<!\S)-(?!\S)",  # a word with a digit or an operator
    re.DOTALL,
)


def maths(text: str) -> str:
    """The formulas of a step, in order, a blank between two; "..." if there is none."""
    return " ".join(FORMULA.findall(text)) or NOTHING


def filtered(
    view_of: Callable[[Encoder], View], keep: Callable[[str], str]
) -> Callable[[Encoder], View]:
    """The view of steps whose text went through `keep`, in training and in scoring."""

    def made(encoder: Encoder) -> View:
        view = view_of(encoder)

        def of_kept(problem: Problem, steps: Steps) -> list[Encoded]:
            return [*view(problem, tuple(Step(keep(step.text)) for step in steps))]

        return of_kept

    return made


MATHS_ONLY = replace(PRM, name="maths-only", view=filtered(whole, maths))
