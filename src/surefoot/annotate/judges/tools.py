"""A judge that may use tools before it decides (Themis, arXiv:2310.01045).

    thought -> call -> observation -> thought -> ... -> verdicts        at most `calls` calls

A call is a reply of one line, "Call [CODE]: NAME INPUT"; what the tool returns is quoted in the
next prompt. A tool is a plain function of a text: the calculator here is exact and runs no
code; pass your own for code (there is no sandbox around it) or retrieval. The paper trains a
reward on such traces; here a vote for each step is what comes out.

Dimension key: S steps, V votes.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from surefoot.annotate.asking import (
    QUOTING,
    ask,
    code_word,
    quoted,
    quoted_steps,
    reading_notes,
)
from surefoot.annotate.judge import read_verdicts, vote_label
from surefoot.core.errors import InputError
from surefoot.core.protocols import Sampler
from surefoot.core.types import LabelledTrace, Trace, Usage
from surefoot.tasks.arithmetic import value_of_text

Tool = Callable[[str], str]
"""input -> what it found, in words; also why it found nothing: a tool that raises ends the run."""
LONGEST = 2000  # characters of an observation that are shown


@dataclass(frozen=True, slots=True)
class Observation:
    """One call of a tool: its name, what it was asked, and what it said."""

    tool: str
    asked: str
    said: str


def arithmetic(text: str) -> str:
    """The exact value of an arithmetic expression, or that it is none. Runs nothing."""
    value = value_of_text(text)
    return "That is no arithmetic." if value is None else f"{text.strip()} = {value}"


TOOLS: Mapping[str, Tool] = {"calculator": arithmetic}


def tool_judge(
    trace: Trace,
    *,
    judge: Sampler,
    tools: Mapping[str, Tool] = TOOLS,
    calls: int = 4,
    votes: int = 1,
    seed: int = 0,
) -> LabelledTrace:
    """[S] labels of kind correctness from `votes` conversations with at most `calls` calls each.

    notes: "replies" (final ones), how many were "unreadable", and the tool "calls" made.
    Cost: votes * (calls + 1) calls of the judge at most. Raises InputError for a tool whose name
    is not one word, a negative number of calls, fewer than one vote, and a trace without steps.
    """
    odd = [name for name in tools if not re.fullmatch(r"\w+", name, re.ASCII)]
    if odd or calls < 0 or votes < 1:
        raise InputError(
            f"expected tools named by one word, calls of 0 or more and votes of 1 or more; got "
            f"{odd}, {calls} and {votes}"
        )
    talks = [_talk(trace, judge, tools, calls, f"{seed}/{vote}", seed) for vote in range(votes)]
    verdicts_V_S = [verdicts for verdicts, _, _ in talks]
    by = f"tool_judge-{votes}"
    labels = tuple(vote_label(votes_V, by) for votes_V in zip(*verdicts_V_S, strict=True))
    unreadable = sum(all(v is None for v in verdicts_S) for verdicts_S in verdicts_V_S)
    notes = reading_notes(votes, unreadable)
    notes["calls"] = str(sum(made for _, made, _ in talks))
    return LabelledTrace(trace, labels, sum((usage for _, _, usage in talks), Usage()), notes)


def _talk(
    trace: Trace, judge: Sampler, tools: Mapping[str, Tool], calls: int, name: str, seed: int
) -> tuple[list[bool | None], int, Usage]:
    """The verdicts at the end of one conversation, calls made, and what it cost."""
    seen, usage = list[Observation](), Usage()
    while True:
        left = calls - len(seen)
        code = code_word(trace.problem.text, trace.text, *(o.said for o in seen))
        prompt = tool_prompt(trace, tools, seen, left, code)
        replies = ask(judge, trace.problem, f"tools/{name}", prompt, seed=seed)
        usage += replies.usage
        call = read_call(replies.texts[0], code) if left else None
        if call is None:
            return read_verdicts(replies.texts[0], len(trace.steps), code), len(seen), usage
        seen.append(_observed(*call, tools))


def _observed(name: str, asked: str, tools: Mapping[str, Tool]) -> Observation:
    if name not in tools:
        return Observation(name, asked, f"There is no tool {name}; there is {', '.join(tools)}.")
    return Observation(name, asked, tools[name](asked)[:LONGEST])


def read_call(reply: str, code: str) -> tuple[str, str] | None:
    """(tool, input) of the only line "Call [CODE]: NAME INPUT"; None without one, or with two."""
    line = re.compile(rf"Call \[{code}\]: (\w+) (.+)", re.ASCII)
    found = [match for text in reply.splitlines() if (match := line.fullmatch(text.strip()))]
    return (found[0][1], found[0][2]) if len(found) == 1 else None


def tool_prompt(
    trace: Trace, tools: Mapping[str, Tool], seen: Sequence[Observation], left: int, code: str
) -> str:
    """The solution, what the tools said so far, and what may be written next."""
    said = "".join(f"\n\nYou asked {o.tool}: {o.asked}\n{quoted(o.said)}" for o in seen)
    offer = ""
    if left and tools:
        offer = (
            f"You may use a tool ({', '.join(tools)}) up to {left} more times: end with a line\n\n"
            f"Call [{code}]: NAME INPUT\n\nand wait for what it says. "
        )
    return f"""\
Below is a problem and, step by step, a solution that may be wrong.
{QUOTING}

Problem:
{quoted(trace.problem.text)}

{quoted_steps(trace)}{said}

Judge every step given the steps before it. {offer}When you know enough, write for each step N
from 0 to {len(trace.steps) - 1} a line

Step N [{code}]: WORD

where WORD is RIGHT, WRONG, or UNSURE if you cannot tell, and the brackets stay as they are."""
