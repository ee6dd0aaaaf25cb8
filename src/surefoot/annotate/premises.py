"""Each step judged from the premises it cites, and from nothing else (arXiv:2306.03872).

    #1. Mia has 14 coins.                 premises: the problem's sentences, then the steps
    #2. Sam has 5 more coins than Mia.
    #3. (by #1 #2) Sam has 14 + 5 = 19.   judged from #1 and #2 alone

A judge that sees a whole solution is led along by it; one that sees only what a step claims to
need must follow the deduction. A step that cites itself, a later step or a number that is not
there cannot be judged (no evidence); one that cites nothing is judged from the problem alone.

Dimension key: S steps, P premises, V votes.
"""

import re
from collections.abc import Callable, Sequence

from surefoot.annotate.asking import QUOTING, ask, code_word, quoted, reading_notes, verdict_of
from surefoot.annotate.judge import WORDS, vote_label
from surefoot.core.errors import InputError
from surefoot.core.protocols import Sampler
from surefoot.core.types import LabelledTrace, Trace, Usage
from surefoot.steps.split import by_sentence

Premises = Callable[[Trace], list[list[str] | None]]
_CITED = re.compile(r"(?:#\d{1,4}\s*\.?\s*)?\(by\s+(#\d{1,4}(?:[\s,]+(?:and\s+)?#\d{1,4}){0,99})\)")


def cited_premises(trace: Trace) -> list[list[str] | None]:
    """[S][P] what each step builds on, from its "(by #1 #4)"; None if it cites what is not there.

    #1, #2, ... are the problem's sentences, then the steps. Without a citation: the problem.
    """
    told = by_sentence(trace.problem.text)
    known = told + [step.text for step in trace.steps]
    return [_cited(step.text, known[: len(told) + t], told) for t, step in enumerate(trace.steps)]


def _cited(text: str, before: list[str], told: list[str]) -> list[str] | None:
    citation = _CITED.match(text)
    if citation is None:
        return told
    numbers = sorted({int(number) for number in re.findall(r"\d+", citation[1])})
    if numbers[0] < 1 or numbers[-1] > len(before):
        return None
    return [before[number - 1] for number in numbers]


def premises_prompt(step: str, premises: Sequence[str], code: str) -> str:
    """The premises, the step, and how the verdict must be written."""
    listed = "\n\n".join(f"Premise {i}:\n{quoted(text)}" for i, text in enumerate(premises, 1))
    return f"""\
Below are premises, to be taken as true, and a step of reasoning.
{QUOTING}

{listed}

Step:
{quoted(step)}

Does the step follow from these premises alone, with its arithmetic right and nothing else taken
for granted? Then write one line

The step [{code}]: WORD

where WORD is RIGHT, WRONG, or UNSURE if you cannot tell, and the brackets stay as they are."""


def deductive(
    trace: Trace,
    *,
    judge: Sampler,
    votes: int = 3,
    premises: Premises = cited_premises,
    seed: int = 0,
) -> LabelledTrace:
    """[S] labels of kind correctness; S requests of `votes` replies, none for uncitable steps.

    premises: [S][P] what each step may be judged from; None for a step that cannot be.
    notes: "replies", how many were "unreadable", and which steps have "no_premises".
    Raises InputError for a trace without steps, or if `premises` does not give one list a step.
    """
    premises_S_P = premises(trace)
    if not trace.steps or len(premises_S_P) != len(trace.steps):
        raise InputError(
            f"a trace of problem {trace.problem.id!r} has {len(trace.steps)} steps and "
            f"{len(premises_S_P)} lists of premises; expected one step or more, and as many lists"
        )
    labels, usage, said = [], Usage(), list[bool | None]()
    for t, (step, premises_P) in enumerate(zip(trace.steps, premises_S_P, strict=True)):
        votes_V: tuple[bool | None, ...] = ()
        if premises_P is not None:
            code = code_word(step.text, *premises_P)
            prompt = premises_prompt(step.text, premises_P, code)
            replies = ask(judge, trace.problem, f"premises/{t}", prompt, votes=votes, seed=seed)
            votes_V = tuple(verdict_of(text, "The step", code, WORDS) for text in replies.texts)
            usage += replies.usage
        labels.append(vote_label(votes_V, f"deductive-{votes}"))
        said += votes_V
    lacking = " ".join(str(t) for t, p in enumerate(premises_S_P) if p is None)
    notes = reading_notes(len(said), said.count(None)) | {"no_premises": lacking}
    return LabelledTrace(trace, tuple(labels), usage, notes)
