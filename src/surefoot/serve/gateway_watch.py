"""One search as it runs: what it has cost, what it has found, and whether it is to stop.

The search does not know: its policy and verifier are wrapped. Whoever waits for it may look
at any time, from another thread, and take the best solution so far:

    argmax of the verifier's scores, if it has scored one, else the majority's answer
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import replace

from surefoot.core.errors import Stopped
from surefoot.core.kinds import aggregate
from surefoot.core.protocols import Sampler, Scorer, Steps, Until
from surefoot.core.seeds import Rng
from surefoot.core.types import Completion, Problem, Step, StepScores, Trace, Usage
from surefoot.search import vote
from surefoot.serve.gateway_parts import nothing_to_check
from surefoot.steps.sample import finished_trace

END = Completion((), finished=True)


class Watch:
    """What is known of one search. `stop.set()` ends it at its next call."""

    def __init__(self, aggregation: str | None = None) -> None:
        self.stop = threading.Event()
        self._aggregation = aggregation
        self._started = time.monotonic()
        self._lock = threading.Lock()
        self._spent = Usage()
        self._ends: list[Trace] = []  # finished solutions
        self._scores: dict[tuple[str, ...], float] = {}  # by their steps

    @property
    def usage(self) -> Usage:
        """What was spent so far, with the seconds since the watch began."""
        return replace(self._spent, seconds=time.monotonic() - self._started)

    @property
    def finished(self) -> int:
        """How many solutions are finished."""
        return len(self._ends)

    def sampler(self, sample: Sampler) -> Sampler:
        """`sample`, watched."""

        def watched(
            problem: Problem,
            prefixes_P: Sequence[Steps],
            *,
            count: int,
            rng: Rng,
            until: Until = "end",
        ) -> list[list[Completion]]:
            self._go_on()
            ends_P_K = sample(problem, prefixes_P, count=count, rng=rng, until=until)
            flat = [end for ends_K in ends_P_K for end in ends_K]
            self._spend(Usage(policy_tokens=sum(end.tokens for end in flat), calls=len(flat)))
            for prefix, ends_K in zip(prefixes_P, ends_P_K, strict=True):
                self._note_ends(problem, prefix, ends_K)
            return ends_P_K

        return watched

    def scorer(self, score: Scorer) -> Scorer:
        """`score`, watched."""

        def watched(traces_N: Sequence[Trace]) -> list[StepScores]:
            self._go_on()
            scores_N = score(traces_N)
            read = sum(scores.tokens for scores in scores_N)
            self._spend(Usage(verifier_tokens=read, calls=len(scores_N)))
            with self._lock:
                for trace, scores in zip(traces_N, scores_N, strict=False):
                    if trace.finished and scores.values:
                        self._scores[_texts(trace.steps)] = aggregate(scores, self._aggregation)
            return scores_N

        return watched

    def best(self) -> Trace | None:
        """The best finished solution so far; None before there is one."""
        with self._lock:
            ends, scores = list(self._ends), dict(self._scores)
        scored = [end for end in ends if _texts(end.steps) in scores]
        if scored:
            return max(scored, key=lambda end: scores[_texts(end.steps)])
        winner = vote(ends, [1.0] * len(ends))
        return next(iter(ends), None) if winner is None else ends[winner]

    def _go_on(self) -> None:
        if self.stop.is_set():
            raise Stopped("the answer is not wanted any more")

    def _spend(self, usage: Usage) -> None:
        with self._lock:
            self._spent = self._spent + usage

    def _note_ends(self, problem: Problem, prefix: Steps, ends_K: Sequence[Completion]) -> None:
        ended = [prefix + end.steps for end in ends_K if end.finished]
        asked = replace(problem, gold=None)  # nobody waits for verdicts here
        traces = [finished_trace(asked, s, END, nothing_to_check) for s in ended if s]
        with self._lock:
            self._ends += traces


def _texts(steps: Steps) -> tuple[str, ...]:
    return tuple(step.text for step in steps)


def stopping(sample: Sampler, stops: Sequence[str], separator: str = "\n") -> Sampler:
    """A policy whose solutions end before the first of some texts; what it wrote is paid for.

    A text may begin in one step and end in the next. Searches see the solution cut, and finished.
    """
    if not stops:
        return sample

    def stopped(
        problem: Problem,
        prefixes_P: Sequence[Steps],
        *,
        count: int,
        rng: Rng,
        until: Until = "end",
    ) -> list[list[Completion]]:
        ends_P_K = sample(problem, prefixes_P, count=count, rng=rng, until=until)
        return [
            [_cut(prefix, end, stops, separator) for end in ends_K]
            for prefix, ends_K in zip(prefixes_P, ends_P_K, strict=True)
        ]

    return stopped


def _cut(prefix: Steps, end: Completion, stops: Sequence[str], separator: str) -> Completion:
    before = "".join(step.text + separator for step in prefix)
    text = before + separator.join(step.text for step in end.steps)
    text += "" if end.finished else separator
    places = [place for stop in stops if (place := text.find(stop)) >= 0]
    if not places:
        return end
    room, kept = min(places) - len(before), list[Step]()
    for step in end.steps:
        if room < len(step.text):
            kept += [Step(step.text[:room])] if step.text[: max(room, 0)].strip() else []
            break
        kept.append(step)
        room -= len(step.text) + len(separator)
    silent = end.tokens - sum(step.tokens for step in kept)
    return Completion(tuple(kept), finished=True, silent=silent)
