r"""GenPRM (1.5B, 7B, 32B; arXiv:2504.00891) by analysis alone: its code is never run.

    for each step: <analyze> ... </analyze> <output> **Judgement**: $\boxed{Yes or No}$ </output>

A step's analysis sees the judgements before it. The published routine lets the critic write
Python between the two and runs it in the evaluator's own process; that part (`<verify>`) is
left out, as its script does with `--analyze` alone, and the judgement is asked for right after
the analysis. The published score is P("Yes") at the judgement; here votes are counted.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from surefoot.core.seeds import rng_for
from surefoot.core.types import Trace
from surefoot.verifiers.formats.critic import Chat, Critique, Write, Written

SYSTEM = (
    "You are a math teacher. Your task is to review and critique the paragraphs in solution "
    "step by step."
)
OPENING = "<analyze>\nLet's analyze the Paragraph {} step by step: "
STOP = "</analyze>"
JUDGE = STOP + "\n<output>\n**Judgement**: $\\boxed"
END = "</output>"
VERDICT = re.compile(r"\s*\{\s*(?:\\text\{\s*)?(Yes|No)\s*\}", re.IGNORECASE)


def gen_prm(traces_N: Sequence[Trace], seeds_N: Sequence[int], write: Write) -> list[Critique]:
    """[N] critiques, two chats a step; all traces take a step together."""
    talks = [[("system", SYSTEM)] for _ in traces_N]
    verdicts: list[list[bool | None]] = [[] for _ in traces_N]
    tokens = [0] * len(traces_N)
    for step in range(max((len(t.steps) for t in traces_N), default=0)):
        going = [n for n, trace in enumerate(traces_N) if step < len(trace.steps)]
        chats = []
        for n in going:
            before = "" if step else traces_N[n].problem.text + "\n"
            talks[n].append(("user", before + traces_N[n].steps[step].text))
            seed = int(rng_for(seeds_N[n], step).integers(1 << 62))
            chats.append(Chat(tuple(talks[n]), OPENING.format(step + 1), STOP, seed))
        for n, (said, verdict, spent) in zip(going, _judged(chats, write), strict=True):
            talks[n].append(("assistant", said))
            verdicts[n].append(verdict)
            tokens[n] += spent
    return [Critique(tuple(v), 2 * len(v), t) for v, t in zip(verdicts, tokens, strict=True)]


def _judged(chats: Sequence[Chat], write: Write) -> list[tuple[str, bool | None, int]]:
    """Of each chat: what the critic said in all, its verdict, and the tokens."""
    analyses = write(chats)
    asked = [
        replace(chat, opening=chat.opening + a.text.split(STOP)[0] + JUDGE, stop=END)
        for chat, a in zip(chats, analyses, strict=True)
    ]

    def said(chat: Chat, reply: Written) -> str:
        return f"{chat.opening}{reply.text.split(END)[0]}{END}\n"

    return [
        (said(chat, reply), gen_verdict(reply.text), analysis.tokens + reply.tokens)
        for chat, analysis, reply in zip(asked, analyses, write(asked), strict=True)
    ]


def gen_verdict(text: str) -> bool | None:
    """The verdict that follows `\\boxed`, and nothing further on; None if there is none."""
    found = VERDICT.match(text)
    return None if found is None else found[1].lower() == "yes"
