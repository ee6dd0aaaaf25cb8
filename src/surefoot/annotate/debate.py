"""Two debaters argue over each step, and a judge who reads them decides (arXiv:2501.13124).

    for each step: n turns of   accuser: "it is wrong"   defender: "it is right"
    label = (votes RIGHT) / (votes RIGHT + votes WRONG)

Who speaks first has an edge, so for every vote there is another one that reads the same
arguments with the sides exchanged. More than three turns were found to hurt. The paper trains on
debates between answers; one debate a step is [ours].

Dimension key: S steps, V votes.
"""

from surefoot.annotate.asking import (
    QUOTING,
    ask,
    code_word,
    quoted,
    quoted_steps,
    reading_notes,
    verdict_of,
)
from surefoot.annotate.judge import WORDS, vote_label
from surefoot.core.errors import InputError
from surefoot.core.protocols import Sampler
from surefoot.core.types import LabelledTrace, Trace, Usage

SIDES = ("wrong", "right")  # what the accuser and the defender say of the step
Turn = tuple[str, str]  # (side, argument)


def _case(trace: Trace, step: int) -> str:
    """What all see: the problem and the solution up to the step."""
    shown = trace.with_steps(trace.steps[: step + 1])
    return f"{QUOTING}\n\nProblem:\n{quoted(trace.problem.text)}\n\n{quoted_steps(shown)}"


def _transcript(turns: tuple[Turn, ...]) -> str:
    said = (f"Who says that it is {side}:\n{quoted(text)}" for side, text in turns)
    return "\n\n".join(said) or "Nobody has spoken yet."


def debater_prompt(trace: Trace, step: int, side: str, turns: tuple[Turn, ...]) -> str:
    """The case, what was said, and the side to take."""
    return f"""\
Below is a problem and the beginning of a solution. Two debaters argue over its last step, {step}.
{_case(trace, step)}

{_transcript(turns)}

You say that step {step} is {side}, given the steps before it. In a few sentences, make the
strongest honest case for it that a careful reader can check, and answer the other side."""


def debate_prompt(trace: Trace, step: int, turns: tuple[Turn, ...], code: str) -> str:
    """The case, the debate, and how the verdict must be written."""
    return f"""\
Below is a problem and the beginning of a solution. Two debaters argued over its last step, {step}.
One had to call it right, one wrong, whatever they believed.
{_case(trace, step)}

{_transcript(turns)}

Is step {step} right, given the steps before it? Check what they say. Then write one line

The step [{code}]: WORD

where WORD is RIGHT, WRONG, or UNSURE if you cannot tell, and the brackets stay as they are."""


def debate(
    trace: Trace,
    *,
    accuser: Sampler,
    defender: Sampler,
    judge: Sampler,
    turns: int = 2,
    votes: int = 4,
    seed: int = 0,
) -> LabelledTrace:
    """[S] labels of kind correctness from S debates of `turns` arguments on each side.

    votes: half of them read the debate with the sides exchanged, so they must be even; InputError
      else, and for a trace without steps or negative turns.
    usage: S * (2 turns + votes) calls. notes: "replies", and how many were "unreadable".
    """
    if votes < 2 or votes % 2 or turns < 0 or not trace.steps:
        raise InputError(
            f"expected an even number of votes, 0 turns or more and a step, got {votes} votes, "
            f"{turns} turns and {len(trace.steps)} steps of problem {trace.problem.id!r}"
        )
    labels, usage, said = [], Usage(), list[bool | None]()
    for step in range(len(trace.steps)):
        spoken, cost = _argue(trace, step, (accuser, defender), turns, seed)
        usage += cost
        votes_V = list[bool | None]()
        for order in (spoken, _exchanged(spoken)):
            code = code_word(trace.text, *(text for _, text in order))
            prompt = debate_prompt(trace, step, order, code)
            replies = ask(
                judge, trace.problem, f"debate/{step}", prompt, votes=votes // 2, seed=seed
            )
            votes_V += [verdict_of(text, "The step", code, WORDS) for text in replies.texts]
            usage += replies.usage
        labels.append(vote_label(tuple(votes_V), f"debate-{votes}"))
        said += votes_V
    notes = reading_notes(len(said), said.count(None))
    return LabelledTrace(trace, tuple(labels), usage, notes)


def _argue(
    trace: Trace, step: int, debaters: tuple[Sampler, Sampler], turns: int, seed: int
) -> tuple[tuple[Turn, ...], Usage]:
    """The debate over one step, the accuser first. In a turn neither side has heard the other."""
    spoken, usage = tuple[Turn, ...](), Usage()
    for turn in range(turns):
        heard = spoken
        for side, debater in zip(SIDES, debaters, strict=True):
            prompt = debater_prompt(trace, step, side, heard)
            role = f"debate/{step}/{side}/{turn}"
            replies = ask(debater, trace.problem, role, prompt, seed=seed)
            spoken += ((side, replies.texts[0]),)
            usage += replies.usage
    return spoken, usage


def _exchanged(turns: tuple[Turn, ...]) -> tuple[Turn, ...]:
    """The same arguments with the defender first in each turn."""
    pairs = (turns[i : i + 2][::-1] for i in range(0, len(turns), 2))
    return tuple(turn for pair in pairs for turn in pair)
