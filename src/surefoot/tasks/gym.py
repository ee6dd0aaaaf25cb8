"""reasoning-gym's generated puzzles as problems, and its scorers as checkers.

Its scores lie in [0, 1] and mean different things: full marks are `CORRECT`,
anything less `WRONG`. A scorer that raises, an answer that is not of the kind
asked for, and a timeout are `UNREADABLE`. Making and scoring happen in child
processes, since several scorers would evaluate the answer as code.

Four scorers give full marks to wrong answers; `gym_worker.STRICTER` asks for more.
Five data sets (boxnet, graph_color, propositional_logic, rubiks_cube, rush_hour)
have no gold answer: their scorers judge an answer by itself.
"""

import atexit
import difflib
import os
import re
from functools import cache

from surefoot.core.errors import InputError
from surefoot.core.protocols import Checker
from surefoot.core.types import Problem, Trace, Verdict
from surefoot.tasks.answers import final_answer
from surefoot.tasks.workers import Message, TookTooLong, WorkerDied, Workers

_ID = re.compile(r"gym-(\w+)-(\d{1,15})-(\d{1,9})")
_TAG = re.compile(r"<answer>(.*?)</answer>", re.DOTALL)
PER_REQUEST = 50  # puzzles made at a time


def default_workers() -> Workers:
    """The child processes that all problems and checkers share; made when first needed."""
    return _workers_of(os.getpid())


@cache
def _workers_of(process: int) -> Workers:  # noqa: ARG001  (a forked child gets its own)
    workers = Workers("surefoot.tasks.gym_worker", seconds=5.0)
    atexit.register(workers.close)
    return workers


def gym_problems(name: str, count: int, *, seed: int = 0) -> list[Problem]:
    """The first `count` puzzles of a reasoning-gym data set under `seed`, with its defaults.

    Their ids, "gym-NAME-SEED-INDEX", say all that is needed to make them again.
    Raises InputError for a name that reasoning-gym does not have.
    """
    if name == "composite":
        raise InputError("'composite' mixes other data sets; load those by name instead")
    problems: list[Problem] = []
    while len(problems) < count:
        start = len(problems)
        request = {"make": name, "seed": seed, "start": start}
        rows = _rows(name, request | {"count": min(PER_REQUEST, count - start)})
        problems += [
            Problem(f"gym-{name}-{seed}-{start + i}", question, gold, name)
            for i, (question, gold) in enumerate(rows)
        ]
    return problems


def _rows(name: str, request: Message) -> list[tuple[str, str | None]]:
    try:
        reply = default_workers().ask(request, seconds=120)
    except (TookTooLong, WorkerDied) as error:
        raise InputError(f"reasoning-gym could not make puzzles of {name!r}: {error}") from error
    if "unknown" in reply:
        near = difflib.get_close_matches(name, reply["unknown"], n=3, cutoff=0.4)
        hint = f"did you mean {' or '.join(near)}?" if near else f"it has {reply['unknown']}"
        raise InputError(f"reasoning-gym has no data set {name!r}; {hint}")
    rows: list[tuple[str, str | None]] = [(q, a) for q, a in reply["rows"]]
    return rows


def gym_answer(text: str) -> str | None:
    """What stands in the last <answer> tag (it may have many lines), else `final_answer`."""
    found = _TAG.findall(text)
    return found[-1].strip() if found else final_answer(text)


def gym_checker(*, at_least: float = 1.0) -> Checker:
    """The `Checker` of all problems that `gym_problems` made, in this run or another.

    at_least: the score from which a trace is CORRECT, in (0, 1]; below 1 some
      data sets give it for partial or merely well-formed answers.
    """
    if not 0 < at_least <= 1:
        raise InputError(f"at_least must lie in (0, 1], got {at_least}")

    def check(problem: Problem, trace: Trace) -> Verdict:
        answer = trace.answer if trace.answer is not None else gym_answer(trace.text)
        score = None if answer is None else gym_score(problem, answer)
        if score is None:
            return Verdict.UNREADABLE
        return Verdict.CORRECT if score >= at_least - 1e-9 else Verdict.WRONG

    return check


def gym_score(problem: Problem, answer: str) -> float | None:
    """reasoning-gym's own score of an answer, in [0, 1]; None if it could not be scored.

    Raises InputError if the problem is not one of `gym_problems`.
    """
    match = _ID.fullmatch(problem.id)
    if match is None:
        raise InputError(
            f"problem {problem.id!r} is not from reasoning-gym: expected an id such as "
            "'gym-countdown-0-17', as gym_problems makes them"
        )
    request = {"name": match[1], "seed": int(match[2]), "index": int(match[3])}
    try:
        reply = default_workers().ask(request | {"score": answer, "question": problem.text})
    except (TookTooLong, WorkerDied):
        return None
    if "changed" in reply:
        raise InputError(
            f"problem {problem.id!r}: the installed reasoning-gym makes another puzzle under this "
            "id; use the version the problems were made with, or make them again"
        )
    score: float | None = reply.get("score")
    return score
