"""Improve a solution where somebody doubts it: the loop that refinement systems share.

    r  = critic(y)                      what is doubted, and where; None leaves y as it is
    Y' = how_1(y, r) + how_2(y, r) ..   ends anew from before the doubted step, or the whole anew
    y' = argmax over Y' of worth
    y  <- y' if accept(y, y') else y    at most `passes` times

Published systems differ in these functions (`search/critique.py` has the usual ones) and in
little else; `recipes/refinement` puts them together. Most of what such loops gain, plain
sampling gains too at equal tokens: compare before you believe (`recipes/compare.py`).

Dimension key: N traces, S steps.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from surefoot.core.budget import Meter
from surefoot.core.errors import InputError
from surefoot.core.protocols import Checker, Sampler, Scorer, Steps
from surefoot.core.types import Problem, StepScores, Trace
from surefoot.search.fit import CHANCES, need_kinds
from surefoot.search.result import (
    Found,
    Unfinished,
    score_traces,
    spend_completions,
    totals,
    tree_of,
    unfinished,
)
from surefoot.steps.sample import finished_trace


@dataclass(frozen=True, slots=True)
class Draft:
    """A finished solution, the verifier's step scores and their one number; None if unknown."""

    trace: Trace
    scores: StepScores | None = None
    worth: float | None = None


@dataclass(frozen=True, slots=True)
class Remark:
    """place: of the first doubted step, in [0, S). words: what is said about it."""

    place: int
    words: str = ""


Rate = Callable[[Sequence[Trace], Meter], list[Draft]]


@dataclass(slots=True)
class Desk:
    """The problem, the verbs, and what was paid and written so far.

    drafts: all finished solutions in the order they were made. cut_off: the others.
    """

    problem: Problem
    sample: Sampler
    check: Checker
    rng: np.random.Generator
    meter: Meter
    rate: Rate
    drafts: list[Draft] = field(default_factory=list)
    cut_off: list[Trace] = field(default_factory=list)

    def write(
        self,
        count: int,
        *,
        prefix: Steps = (),
        asked: Problem | None = None,
        by: Sampler | None = None,
    ) -> list[Trace]:
        """Up to `count` finished solutions that begin with `prefix`; none if the budget is spent.

        asked: what is read instead of the problem. by: who writes, instead of the policy.
        """
        if self.meter.exhausted():
            return []
        asked, by = asked or self.problem, by or self.sample
        [ends_K] = by(asked, [prefix], count=count, rng=self.rng)
        spend_completions(self.meter, [ends_K])
        made = [finished_trace(self.problem, prefix, e, self.check) for e in ends_K if e.steps]
        self.cut_off += [trace for trace in made if not trace.finished]
        return [trace for trace in made if trace.finished]

    def judged(self, traces_N: Sequence[Trace]) -> list[Draft]:
        """[N] the traces with what they are worth; all join `drafts`."""
        new = self.rate(traces_N, self.meter)
        self.drafts += new
        return new

    def first(self, tries: int) -> Draft | None:
        """A first draft, in at most so many tries; None if none was finished."""
        for _ in range(tries):
            written = self.write(1)
            if written:
                return self.judged(written)[0]
        return None

    def result(self, chosen: Draft | None) -> Found | Unfinished:
        """What the search returns; judged candidates come first."""
        if chosen is None:
            return unfinished(self.problem, self.cut_off, self.meter)
        drafts = sorted(self.drafts, key=lambda draft: draft.worth is None)
        traces = tuple(draft.trace for draft in drafts)
        worths = tuple(draft.worth for draft in drafts if draft.worth is not None)
        scores = [draft.scores for draft in drafts if draft.scores is not None]
        tree = tree_of(traces, scores)
        return Found(self.problem, chosen.trace, traces, worths, self.meter.total(), tree)


Critic = Callable[[Desk, Draft], Remark | None]
How = Callable[[Desk, Draft, Remark], list[Trace]]
Accept = Callable[[Draft, Draft], bool]


# --- the loop ---------------------------------------------------------------


def better(margin: float = 0.0) -> Accept:
    """Accepts what is worth more, by more than `margin`; never what nobody judged."""

    def accept(old: Draft, new: Draft) -> bool:
        if new.worth is None or old.worth is None:
            return new.worth is not None
        return new.worth > old.worth + margin

    return accept


def always(old: Draft, new: Draft) -> bool:
    """Accepts any rewriting: who has no verifier can do nothing else."""
    del old, new
    return True


def refine(
    desk: Desk,
    *,
    critic: Critic,
    how: Sequence[How],
    accept: Accept,
    passes: int,
) -> Found | Unfinished:
    """One draft, improved at most `passes` times.

    Cost: a draft (`passes` more where it was cut off), and for each pass a remark, what `how`
    writes, and its worth. Raises InputError for negative passes.
    """
    if passes < 0:
        raise InputError(f"passes must be 0 or more, got {passes}")
    draft = desk.first(passes + 1)
    if draft is None:
        return desk.result(None)
    return desk.result(improved(desk, draft, critic=critic, how=how, accept=accept, passes=passes))


def improved(
    desk: Desk, draft: Draft, *, critic: Critic, how: Sequence[How], accept: Accept, passes: int
) -> Draft:
    """The draft after at most `passes` rounds of remark, rewriting and acceptance."""
    for _ in range(passes):
        remark = None if desk.meter.exhausted() else critic(desk, draft)
        if remark is None:
            return draft
        new = desk.judged([trace for write in how for trace in write(desk, draft, remark)])
        best = max(new, key=worth_of, default=None)
        if best is not None and accept(draft, best):
            draft = best
    return draft


def worth_of(draft: Draft) -> float:
    """The worth, to compare by; below all others where it is unknown."""
    return -np.inf if draft.worth is None else draft.worth


# --- what a draft is worth ---------------------------------------------------


def by_verifier(score: Scorer, aggregation: str | None = None) -> Rate:
    """The step scores, aggregated as their kind allows; unknown where the budget ended."""

    def rate(traces_N: Sequence[Trace], meter: Meter) -> list[Draft]:
        scores_N = score_traces(score, traces_N, meter)
        need_kinds(scores_N, CHANCES, "doubting steps below a threshold")
        if not scores_N:
            return unrated(traces_N, meter)
        worths_N = totals(scores_N, aggregation)
        return [Draft(*each) for each in zip(traces_N, scores_N, worths_N, strict=True)]

    return rate


def unrated(traces_N: Sequence[Trace], meter: Meter) -> list[Draft]:
    """Drafts that nobody judged."""
    del meter
    return [Draft(trace) for trace in traces_N]
