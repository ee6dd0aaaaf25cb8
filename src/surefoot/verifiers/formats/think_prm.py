r"""ThinkPRM (launch/ThinkPRM-1.5B, -7B, -14B; arXiv:2504.16828): one critique of all steps.

    Step 1: ... The step is \boxed{correct}   Step 2: ... \boxed{incorrect} ...

The last verdict under a step's heading counts, a later heading of the same step
overrides, and verdicts on steps that do not exist are ignored. A critique often ends with the
first wrong step; those after it then have no verdict. (The published score is another
one, P("yes") to "Is the solution correct?", one a solution.)
"""

import re
from collections.abc import Sequence

from surefoot.core.types import Trace
from surefoot.verifiers.formats.critic import Chat, Critique, Write
from surefoot.verifiers.formats.math_shepherd import NUMBERED

ASK = (
    "You are given a math problem and a proposed step-by-step solution:\n\n[Math Problem]\n\n"
    "{problem}\n\n[Solution]\n\n{solution}\n\nReview and critique each step in the proposed "
    "solution to determine whether each step is correct. If the solution is incomplete, only "
    "verify the provided steps."
)
OPENING = "\nLet's verify step by step:"
HEADING = re.compile(r"^\W*step\s+(\d+)\s*[:.*]", re.IGNORECASE | re.MULTILINE)
VERDICT = re.compile(r"\\boxed\{\s*(?:\\text\{\s*)?(correct|incorrect)\s*\}", re.IGNORECASE)


def think_prm(traces_N: Sequence[Trace], seeds_N: Sequence[int], write: Write) -> list[Critique]:
    """[N] critiques, one chat a trace."""
    chats = [Chat(_ask(t), OPENING, "", s) for t, s in zip(traces_N, seeds_N, strict=True)]
    return [
        Critique(tuple(think_verdicts(reply.text, len(trace.steps))), 1, reply.tokens)
        for trace, reply in zip(traces_N, write(chats), strict=True)
    ]


def _ask(trace: Trace) -> tuple[tuple[str, str], ...]:
    steps = [
        f"Step {number}: {NUMBERED.sub('', step.text, count=1).strip()}"
        for number, step in enumerate(trace.steps, start=1)
    ]
    # Not str.format: a problem may hold braces.
    text = ASK.replace("{solution}", "\n".join(steps)).replace("{problem}", trace.problem.text)
    return (("user", text),)


def think_verdicts(text: str, steps: int) -> list[bool | None]:
    """[S] what a critique says of each step; None where it says nothing."""
    verdicts: list[bool | None] = [None] * steps
    headings = [*HEADING.finditer(text)]
    ends = (*(heading.start() for heading in headings[1:]), len(text))
    for heading, end in zip(headings, ends, strict=False):
        number = int(heading[1])
        found = VERDICT.findall(text, heading.end(), end)
        if found and 1 <= number <= steps:
            verdicts[number - 1] = found[-1].lower() == "correct"
    return verdicts
