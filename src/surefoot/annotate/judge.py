"""A critic that judges every step, by votes (as in Zhang et al., arXiv:2501.07301).

    label of step t = (votes RIGHT) / (votes RIGHT + votes WRONG)

over the replies that say something about t. A reply that is UNSURE, contradicts itself, or
cannot be read abstains on the step; with nobody left there is no evidence (tries 0).

Dimension key: S steps, V votes.
"""

from collections.abc import Callable

from surefoot.annotate.asking import (
    QUOTING,
    ask,
    code_word,
    quoted,
    quoted_steps,
    reading_notes,
    verdict_of,
)
from surefoot.core.protocols import Sampler
from surefoot.core.types import Kind, LabelledTrace, StepLabel, Trace

WORDS = {"RIGHT": True, "WRONG": False, "UNSURE": None}
CriticPrompt = Callable[[Trace, str], str]


def critic_prompt(trace: Trace, code: str) -> str:
    """The problem, the numbered steps, and how the verdicts must be written."""
    return f"""\
Below is a problem and, step by step, a solution that may be wrong.
{QUOTING}

Problem:
{quoted(trace.problem.text)}

{quoted_steps(trace)}

Judge every step given the steps before it: is what it states, and what it computes, right?
Recompute rather than trust. Then, for each step N from 0 to {len(trace.steps) - 1}, write a line

Step N [{code}]: WORD

where WORD is RIGHT, WRONG, or UNSURE if you cannot tell, and the brackets stay as they are."""


def critic(
    trace: Trace,
    *,
    judge: Sampler,
    votes: int = 8,
    prompt: CriticPrompt = critic_prompt,
    seed: int = 0,
) -> LabelledTrace:
    """[S] labels of kind correctness from one request with `votes` replies.

    notes: "replies", and how many were "unreadable": without a verdict on any step.
    Raises InputError for a trace without steps.
    """
    code = code_word(trace.problem.text, trace.text)
    replies = ask(judge, trace.problem, "critic", prompt(trace, code), votes=votes, seed=seed)
    verdicts_V_S = [read_verdicts(text, len(trace.steps), code) for text in replies.texts]
    by = f"critic-{votes}"
    labels = tuple(vote_label(votes_V, by) for votes_V in zip(*verdicts_V_S, strict=True))
    unreadable = sum(all(v is None for v in verdicts_S) for verdicts_S in verdicts_V_S)
    notes = reading_notes(votes, unreadable)
    return LabelledTrace(trace, labels, replies.usage, notes)


def read_verdicts(reply: str, steps: int, code: str) -> list[bool | None]:
    """[S] is each step right? None where the reply does not say, or says both."""
    return [verdict_of(reply, f"Step {i}", code, WORDS) for i in range(steps)]


def vote_label(votes_V: tuple[bool | None, ...], by: str) -> StepLabel:
    """The votes that were cast, as a label with its counts."""
    cast = [vote for vote in votes_V if vote is not None]
    return StepLabel(Kind.CORRECTNESS, sum(cast), len(cast), by)
