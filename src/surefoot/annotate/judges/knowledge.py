"""Two checks of an answer from retrieved knowledge (KALMV, arXiv:2310.12836).

    RETRIEVAL    the passages do not hold what the question needs      -> retrieve anew
    GENERATION   they do, and the answer does not follow from them     -> write anew
    FINE         the answer follows from passages that hold it

Asked in several ways, and decided by most votes; a tie, or nothing readable, is no verdict. The
paper trains a small model on the three and sums its probabilities over instructions; votes of
any model that follows a prompt are [ours].

Dimension key: V votes, R passages.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from surefoot.annotate.asking import QUOTING, ask, code_word, quoted, reading_notes, said_of
from surefoot.annotate.judges.opinion import Opinion
from surefoot.core.errors import InputError
from surefoot.core.protocols import Sampler
from surefoot.core.types import Problem, Trace, Usage

RETRIEVAL, GENERATION, FINE = "RETRIEVAL", "GENERATION", "FINE"
VERDICTS = (RETRIEVAL, GENERATION, FINE)
INSTRUCTIONS = (
    "First look only at the question and the passages, then at the answer.",
    "Underline in your mind what the answer claims. Which passage says so?",
    "Answer the question yourself from the passages alone, then compare.",
)


@dataclass(frozen=True, slots=True)
class Grounding:
    """verdict: one of VERDICTS, None if the votes decide nothing. votes: how many for each.

    opinion: its score is the share of the votes cast for FINE.
    """

    verdict: str | None
    votes: dict[str, int]
    opinion: Opinion


def grounding(
    trace: Trace,
    passages_R: Sequence[str],
    *,
    judge: Sampler,
    instructions: Sequence[str] = INSTRUCTIONS,
    votes: int = 1,
    seed: int = 0,
) -> Grounding:
    """Is an answer grounded in what was retrieved? Cost: a call with `votes` replies for each
    instruction. Raises InputError without steps or instructions; no passages are allowed."""
    if not trace.steps or not instructions:
        raise InputError(
            f"expected an answer with steps and an instruction, got {len(trace.steps)} steps and "
            f"{len(instructions)} instructions for problem {trace.problem.id!r}"
        )
    said, usage = list[str | None](), Usage()
    code = code_word(trace.problem.text, trace.text, *passages_R)
    for number, instruction in enumerate(instructions):
        prompt = grounding_prompt(trace, passages_R, instruction, code)
        role = f"knowledge/{number}"
        replies = ask(judge, trace.problem, role, prompt, votes=votes, seed=seed)
        said += [read_finding(text, code) for text in replies.texts]
        usage += replies.usage
    counts = Counter(word for word in said if word is not None)
    shown = {word: counts[word] for word in VERDICTS}
    best = [word for word in VERDICTS if counts[word] == max(shown.values())]
    verdict = best[0] if len(best) == 1 else None
    score = counts[FINE] / counts.total() if counts else None
    notes = reading_notes(len(said), said.count(None))
    return Grounding(verdict, shown, Opinion(score, usage, notes))


def read_finding(reply: str, code: str) -> str | None:
    """One of VERDICTS; None without one, or if a reply says two."""
    said = set(said_of(reply, "Finding", code))
    word = said.pop() if len(said) == 1 else None
    return word if word in VERDICTS else None


def grounding_prompt(trace: Trace, passages_R: Sequence[str], instruction: str, code: str) -> str:
    """The question, the passages, the answer, and the three findings."""
    passages = "\n\n".join(f"Passage {i}:\n{quoted(p)}" for i, p in enumerate(passages_R))
    return f"""\
Below is a question, what was retrieved for it, and an answer that should rest on that alone.
{QUOTING}

Question:
{quoted(trace.problem.text)}

{passages or "Nothing was retrieved."}

Answer:
{quoted(trace.text)}

{instruction} Then write a line

Finding [{code}]: WORD

where WORD is {RETRIEVAL} if the passages do not hold what is needed, {GENERATION} if they do but
the answer does not follow from them, {FINE} if it does, or UNSURE; the brackets stay as they
are."""


# --- mending ----------------------------------------------------------------------

Retrieve = Callable[[Problem, int], Sequence[str]]
"""(problem, how often before) -> passages: other ones each time."""
Write = Callable[[Problem, Sequence[str], np.random.Generator], Trace]
Check = Callable[[Trace, Sequence[str]], Grounding]


@dataclass(frozen=True, slots=True)
class Rectified:
    """rounds: what was tried, in order, with what was found. chosen: the first that is FINE, else
    the one of highest score, the first of equals; what has no score comes last."""

    rounds: tuple[tuple[Trace, Grounding], ...]
    chosen: Trace


def rectified(
    problem: Problem,
    *,
    retrieve: Retrieve,
    write: Write,
    check: Check,
    rng: np.random.Generator,
    rounds: int = 3,
) -> Rectified:
    """Retrieves, writes and checks until it is FINE: what was found wrong is done anew, and where
    nothing was found the answer is. Raises InputError for fewer than one round."""
    if rounds < 1:
        raise InputError(f"rounds must be 1 or more, got {rounds}")
    tried, retrieved = list[tuple[Trace, Grounding]](), 0
    passages = retrieve(problem, retrieved)
    for _ in range(rounds):
        answer = write(problem, passages, rng)
        tried.append((answer, check(answer, passages)))
        verdict = tried[-1][1].verdict
        if verdict == FINE:
            break
        if verdict == RETRIEVAL and len(tried) < rounds:
            retrieved += 1
            passages = retrieve(problem, retrieved)
    return Rectified(tuple(tried), max(tried, key=_fineness)[0])


def _fineness(tried: tuple[Trace, Grounding]) -> tuple[bool, float]:
    found = tried[1]
    return found.verdict == FINE, -1.0 if found.opinion.score is None else found.opinion.score
