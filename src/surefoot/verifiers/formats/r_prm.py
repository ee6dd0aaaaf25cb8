"""R-PRM (kevinpro/R-PRM-7B-DPO, arXiv:2503.21295): one critique a step.

    ... Verification: Is the step correct (Yes/No)? Yes

Its instruction is a page long and not ours to ship: take the prompt file of the authors'
repository, which has three `{}` for the question, the steps before and the step itself,
and pass it to `load_scorer` as

    family=partial(load_critic, r_prm(Path("prompt.txt").read_text()), votes=10)

(The published score is the probability of " Yes" against " No" at the end, averaged over
ten critiques; here votes are counted.)
"""

import re
from collections.abc import Sequence
from functools import partial

from surefoot.core.errors import InputError
from surefoot.core.types import Trace
from surefoot.verifiers.formats.critic import Chat, Critic, Critique, Write

NO_STEPS = "Since the Now Step is the first step, there are no Previous Steps."
VERDICT = re.compile(r"Is the step correct \(Yes/No\)\?\W*(Yes|No)\b", re.IGNORECASE)


def r_prm(instruction: str) -> Critic:
    """The critic with this instruction. Raises InputError unless it has three `{}`."""
    if instruction.count("{}") != 3:
        raise InputError(
            f"R-PRM's instruction has three fields {{}}, got {instruction.count('{}')}; "
            "pass the text of the authors' prompt file"
        )
    return partial(_critiques, instruction)


def _critiques(
    instruction: str, traces_N: Sequence[Trace], seeds_N: Sequence[int], write: Write
) -> list[Critique]:
    chats = [
        Chat((("user", _ask(instruction, trace, step)),), "", "", seed + step)
        for trace, seed in zip(traces_N, seeds_N, strict=True)
        for step in range(len(trace.steps))
    ]
    replies = iter(write(chats))
    critiques = []
    for trace in traces_N:
        own = [next(replies) for _ in trace.steps]
        verdicts = tuple(r_verdict(reply.text) for reply in own)
        critiques.append(Critique(verdicts, len(own), sum(reply.tokens for reply in own)))
    return critiques


def _ask(instruction: str, trace: Trace, step: int) -> str:
    texts = [s.text for s in trace.steps]
    fields = (trace.problem.text, "\n".join(texts[:step]) or NO_STEPS, texts[step])
    parts = instruction.split("{}")  # not str.format: a field may hold braces
    return "".join(text for pair in zip(parts, (*fields, ""), strict=True) for text in pair)


def r_verdict(text: str) -> bool | None:
    """The verdict of a critique; None if it gives none, or gives both."""
    found = {word.lower() for word in VERDICT.findall(text)}
    return None if len(found) != 1 else found == {"yes"}
