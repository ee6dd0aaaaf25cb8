"""Which of two solutions is better? Asked in both orders, so that places cancel.

    preference = (wins + ties / 2) / (wins + ties + losses)      of the first, in [0, 1]

Half of the votes read the second solution first. A judge that always takes what it reads
first gives exactly 1/2. The solutions may be of different problems, as `meta_ranking` asks.

Dimension key: V votes.
"""

from dataclasses import dataclass

from surefoot.annotate.asking import QUOTING, ask, code_word, quoted, reading_notes, said_of
from surefoot.annotate.judges.opinion import Opinion
from surefoot.core.errors import InputError
from surefoot.core.protocols import Sampler
from surefoot.core.types import Trace, Usage

WORDS = ("FIRST", "SECOND", "SAME", "UNSURE")


@dataclass(frozen=True, slots=True)
class Comparison:
    """Votes for the first solution, for both alike, and for the second. opinion: the preference."""

    wins: int
    ties: int
    losses: int
    opinion: Opinion


def pairwise(
    one: Trace, other: Trace, *, judge: Sampler, votes: int = 2, seed: int = 0
) -> Comparison:
    """`one` against `other`. Cost: two calls with votes / 2 replies each.

    Raises InputError unless votes are even and 2 or more, and for a solution without steps.
    """
    if votes < 2 or votes % 2 or not one.steps or not other.steps:
        raise InputError(
            f"expected an even number of votes and two solutions with steps, got {votes} votes and "
            f"{len(one.steps)} and {len(other.steps)} steps"
        )
    said, usage = list[str | None](), Usage()
    exchanged = {"FIRST": "SECOND", "SECOND": "FIRST"}
    for order, names in (((one, other), {}), ((other, one), exchanged)):
        code = code_word(*(text for t in order for text in (t.problem.text, t.text)))
        role = "pair/forth" if not names else "pair/back"
        prompt = pair_prompt(*order, code)
        replies = ask(judge, one.problem, role, prompt, votes=votes // 2, seed=seed)
        words = (read_choice(text, code) for text in replies.texts)
        said += [None if word is None else names.get(word, word) for word in words]
        usage += replies.usage
    wins, ties, losses = (said.count(word) for word in ("FIRST", "SAME", "SECOND"))
    cast = wins + ties + losses
    score = (wins + ties / 2) / cast if cast else None
    opinion = Opinion(score, usage, reading_notes(votes, said.count(None)))
    return Comparison(wins, ties, losses, opinion)


def read_choice(reply: str, code: str) -> str | None:
    """FIRST, SECOND, SAME or UNSURE; None without one of them, or if a reply says two."""
    said = set(said_of(reply, "Better", code))
    word = said.pop() if len(said) == 1 else None
    return word if word in WORDS else None


def pair_prompt(first: Trace, second: Trace, code: str) -> str:
    """Both problems with their solutions; the problem once if it is the same."""
    problem = f"Problem:\n{quoted(first.problem.text)}"
    between = ""
    if second.problem.text != first.problem.text:
        problem = f"First problem:\n{quoted(first.problem.text)}"
        between = f"Second problem:\n{quoted(second.problem.text)}\n\n"
    return f"""\
Below are two solutions; either may be wrong.
{QUOTING}

{problem}

First solution:
{quoted(first.text)}

{between}Second solution:
{quoted(second.text)}

Which of them is better as a solution of its problem: right rather than wrong? Check both. Then
write a line

Better [{code}]: WORD

where WORD is FIRST, SECOND, SAME if they are equally good, or UNSURE if you cannot tell; the
brackets stay as they are."""
