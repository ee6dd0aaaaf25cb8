"""Is an answer equal to the gold answer? Guarded, killable, and able to say "cannot tell".

    compare   first what is written (numbers, lists, words), in this process and exactly;
              then algebra by math-verify, in a child process with a time limit
    equal     True, False, or None if it could not be told
    alike     the same for two answers of which none is the gold, as in a vote
    math_checker    the `Checker` for problems whose gold is a mathematical answer

No text is ever evaluated as code. What is too long, too deep, or looks like code
is UNREADABLE before any algebra. Algebra that takes too long is TOO_LONG, and is not
tried again. In a vote all algebra together has the vote's `Allowance` of seconds.
"""

import atexit
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from enum import Enum
from functools import cache, lru_cache
from typing import Self

from surefoot.core.errors import InputError
from surefoot.core.protocols import Checker
from surefoot.core.types import Problem, Trace, Verdict
from surefoot.core.votes import Allowance, allowance
from surefoot.tasks.answers import final_answer
from surefoot.tasks.leaves import same_plainly
from surefoot.tasks.spelling import tidy, unwrapped
from surefoot.tasks.workers import WARM_UP, TookTooLong, WorkerDied, Workers
from surefoot.tasks.written import LONGEST, refusal, same_as_written

REMEMBERED = 10_000  # comparisons that a Comparer keeps
SHARE = 8  # a comparison gets one part in eight of what a vote has left, so that some is left
LEAST_SECONDS = 0.02  # less is not worth asking for


class Comparison(Enum):
    """How a comparison came out; the last three mean that nothing is known."""

    EQUAL = "equal"
    DIFFERENT = "different"
    UNREADABLE = "unreadable"  # no mathematics, or refused before any was done
    TOO_LONG = "too long"  # not decided within the time limit
    FAILED = "failed"  # the child process died, as for want of memory

    @property
    def known(self) -> bool | None:
        """True, False, or None if it could not be told."""
        return {Comparison.EQUAL: True, Comparison.DIFFERENT: False}.get(self)


class Comparer:
    """Compares answers with workers of its own; safe in threads. Use it in a `with` block.

    seconds: the most the algebra of one comparison may take.
    workers: children to keep, each about 100 MB; they start when algebra is first needed.
    """

    def __init__(self, *, seconds: float = 1.5, workers: int = 2) -> None:
        self._workers = Workers("surefoot.tasks.equal_worker", seconds=seconds, count=workers)
        self.seconds = seconds
        self._known: OrderedDict[Hashable, Comparison] = OrderedDict()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the children."""
        self._workers.close()

    def compare(self, gold: str, answer: str) -> Comparison:
        """How `answer` compares with `gold`; takes `seconds` at most, mostly microseconds.

        Not symmetric: the gold sets the form, e.g. whether a variable is named.
        """
        written = _compare_written(gold, answer)
        return written or self._by_algebra(tidy(gold), tidy(answer), both_ways=False)

    def equal(self, gold: str, answer: str) -> bool | None:
        """`compare` as True, False or None for "cannot tell"."""
        return self.compare(gold, answer).known

    def alike(self, first: str, second: str) -> bool | None:
        """`equal` for a vote, where neither answer is the gold: does either way hold? Symmetric.

        Takes `seconds` at most, not twice as many.
        """
        found = _compare_written(first, second), _compare_written(second, first)
        if Comparison.EQUAL in found:
            return True
        if None not in found:
            return None if Comparison.UNREADABLE in found else False
        one, other = sorted((tidy(first), tidy(second)))
        return self._by_algebra(one, other, both_ways=True).known

    def _by_algebra(self, gold: str, answer: str, *, both_ways: bool) -> Comparison:
        """What is remembered, else what a child says in the time that a vote still has."""
        given = allowance()
        known = self._remembered(gold, answer, both_ways)
        if known is None and given is not None and given.slow & {gold, answer}:
            known = Comparison.TOO_LONG
        seconds = self.seconds if given is None else min(self.seconds, given.left / SHARE)
        if known is None and seconds >= LEAST_SECONDS:
            known = self._ask(gold, answer, both_ways, seconds, given)
        if given is not None and given.seconds and known in (None, *_GIVEN_UP):
            given.late += 1
        return known or Comparison.TOO_LONG

    def _remembered(self, gold: str, answer: str, both_ways: bool) -> Comparison | None:
        with self._lock:
            keys = ((gold, answer, both_ways), frozenset((gold, answer)), gold, answer)
            return next((self._known[k] for k in keys if k in self._known), None)

    def _ask(
        self, gold: str, answer: str, both_ways: bool, seconds: float, given: Allowance | None
    ) -> Comparison:
        if given is not None:  # the first start of the children is not part of a vote
            start = time.perf_counter()
            self._workers.ready()
            given.extend(time.perf_counter() - start)
        request = {"gold": gold, "answer": answer, "both_ways": both_ways}
        wait = WARM_UP if given is None else given.left
        try:
            same = self._workers.ask(request, seconds=seconds, wait=wait)["same"]
        except TookTooLong as error:
            slow = {t for t in (gold, answer) if error.reply.get("reading", "\0") in t}
            if given is not None:
                given.slow |= slow
            if seconds >= self.seconds / 2:  # else there may be time enough in another vote
                texts = [] if error.reply.get("busy") else slow
                self._remember([*texts, frozenset((gold, answer))], Comparison.TOO_LONG)
            return Comparison.TOO_LONG
        except WorkerDied:
            self._remember([frozenset((gold, answer))], Comparison.FAILED)
            return Comparison.FAILED
        result = _result(same) or Comparison.UNREADABLE
        self._remember([(gold, answer, both_ways)], result)
        return result

    def _remember(self, keys: Sequence[Hashable], result: Comparison) -> None:
        """keys: (gold, answer, both ways?), a pair given up both ways, or an answer by itself."""
        with self._lock:
            self._known.update(dict.fromkeys(keys, result))
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)


_GIVEN_UP = (Comparison.TOO_LONG, Comparison.FAILED)


def _compare_written(gold: str, answer: str) -> Comparison | None:
    """What can be told in this process; None if it takes algebra."""
    if not answer.strip():
        return Comparison.UNREADABLE
    if gold.strip() == answer.strip():
        return Comparison.EQUAL
    if _refusal(answer) is not None or _refusal(gold) is not None:
        return Comparison.UNREADABLE
    return _result(same_as_written(tidy(gold), tidy(answer), same_plainly))


@lru_cache(REMEMBERED)
def _refusal(text: str) -> str | None:
    """`refusal`, which does not mind the quotation marks round an answer."""
    return refusal(unwrapped(text) if len(text) <= LONGEST else text)


def _result(same: bool | None) -> Comparison | None:
    return None if same is None else Comparison.EQUAL if same else Comparison.DIFFERENT


def default_comparer() -> Comparer:
    """The one that `equal` and `math_checker` share; made when first needed, one a process."""
    return _comparer_of(os.getpid())


@cache
def _comparer_of(process: int) -> Comparer:  # noqa: ARG001  (a forked child gets its own)
    comparer = Comparer()
    atexit.register(comparer.close)
    return comparer


def compare(gold: str, answer: str) -> Comparison:
    """How `answer` compares with `gold`, by the shared comparer."""
    return default_comparer().compare(gold, answer)


def equal(gold: str, answer: str) -> bool | None:
    """Is `answer` equal to `gold`? None if it could not be told, in two seconds at most."""
    return compare(gold, answer).known


def alike(first: str, second: str) -> bool | None:
    """`Comparer.alike` by the shared comparer: the `same` of a vote over mathematical answers."""
    return default_comparer().alike(first, second)


# --- checkers --------------------------------------------------------------


def math_checker(
    *,
    read: Callable[[str], str | None] = final_answer,
    same: Callable[[str, str], bool | None] = equal,
) -> Checker:
    """A `Checker` of final answers.

    read: takes a solution's answer from its text, where the trace does not state it.
    same: (gold, answer) -> True, False, or None for "cannot tell".

    UNREADABLE if there is no answer or it could not be compared. The checker raises
    InputError, naming the problem, if that has no gold answer.
    """

    def check(problem: Problem, trace: Trace) -> Verdict:
        gold = gold_of(problem)
        answer = trace.answer if trace.answer is not None else read(trace.text)
        result = None if answer is None else same(gold, answer)
        if result is None:
            return Verdict.UNREADABLE
        return Verdict.CORRECT if result else Verdict.WRONG

    return check


def gold_of(problem: Problem) -> str:
    """The problem's gold answer, or InputError naming the problem."""
    if problem.gold is None or not problem.gold.strip():
        raise InputError(
            f"problem {problem.id!r} has no gold answer, so nothing can be checked against it; "
            "give it an 'answer', or leave the problem out"
        )
    return problem.gold
