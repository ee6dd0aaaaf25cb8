"""Several judges, several ways of asking, one vote over where the first error is (AURORA).

    w(tau) = sum of the weights of the votes for tau,   tau in {0 .. S-1, none}
    label of step t = w(tau > t) / w(tau >= t):  right, given that those before it are

so the product of the labels is w(none) / w(all). M views times J judges are asked; a view that
shows the reference answer and reads from the end (reverse verification) weighs more. Where the
final answer is known to be wrong, "none" is no possible vote; where it is right, any place is.
The paper (arXiv:2502.11520) names these ingredients; weights and vote rule are [ours].

Dimension key: S steps, M views, J judges, V votes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from surefoot.annotate.asking import (
    QUOTING,
    ask,
    code_word,
    quoted,
    quoted_steps,
    reading_notes,
    said_of,
)
from surefoot.core.errors import InputError
from surefoot.core.protocols import Sampler
from surefoot.core.types import Kind, LabelledTrace, Problem, StepLabel, Trace, Usage, Verdict

_SUBJECT = "First wrong step"


@dataclass(frozen=True, slots=True)
class View:
    """One way of asking for the first wrong step.

    weight: of each vote it brings in. shows_reference: is the right answer shown? Such a view is
      asked only where the problem has one.
    """

    name: str
    instruction: str
    weight: float = 1.0
    shows_reference: bool = False

    def suits(self, problem: Problem) -> bool:
        """Has the problem what is shown?"""
        return problem.gold is not None or not self.shows_reference


VIEWS = (
    View("forward", "Read the steps in order. Stop at the first that states something false."),
    View(
        "recompute",
        "For each step, first work out yourself what it should arrive at from the problem and the "
        "steps before it. Only then compare.",
    ),
    View(
        "reverse",
        "Start from the right answer and go backwards: what must hold just before it, and before "
        "that? Find the earliest step that does not fit. Another way to the answer is no error.",
        weight=2.0,
        shows_reference=True,
    ),
)


def ensemble_prompt(trace: Trace, view: View, code: str) -> str:
    """The problem, the numbered steps, the view's instruction, and how to answer."""
    gold = f"\n\nRight answer:\n{quoted(trace.problem.gold or '')}" if view.shows_reference else ""
    return f"""\
Below is a problem and, step by step, a solution that may be wrong.
{QUOTING}

Problem:
{quoted(trace.problem.text)}{gold}

{quoted_steps(trace)}

{view.instruction}
Then write one line

{_SUBJECT} [{code}]: N

where N is the number of the first wrong step, from 0 to {len(trace.steps) - 1}, or NONE if all
steps are right, or UNSURE if you cannot tell; the brackets stay as they are."""


def ensemble(
    trace: Trace,
    *,
    judges: Sequence[Sampler],
    views: Sequence[View] = VIEWS,
    votes: int = 1,
    least_agreement: float = 0.0,
    seed: int = 0,
) -> LabelledTrace:
    """[S] labels of kind correctness; counts are votes, the belief has their weights.

    votes: replies of each judge to each view. least_agreement: if the heaviest place has a smaller
      share of the weight, nothing is labelled.
    notes: "replies", how many were "unreadable", how many said a "forbidden" none, and the
      "agreement". Raises InputError without judges, views or steps.
    """
    asked = [view for view in views if view.suits(trace.problem)]
    if not judges or not asked:
        raise InputError(
            f"an ensemble needs a judge and a view that problem {trace.problem.id!r} allows "
            f"(with a gold answer: any), got {len(judges)} judges and {len(asked)} views"
        )
    ballots, usage = _poll(trace, judges, asked, votes, seed)
    cast = [ballot for ballot in ballots if ballot.place is not None]
    possible = [ballot for ballot in cast if not _forbidden(ballot, trace)]
    share = _agreement(possible)
    labels = _labels(possible if share >= least_agreement else [], len(trace.steps))
    notes = reading_notes(len(ballots), len(ballots) - len(cast)) | {
        "forbidden": str(len(cast) - len(possible)),
        "agreement": f"{share:.3f}",
    }
    return LabelledTrace(trace, labels, usage, notes)


@dataclass(frozen=True, slots=True)
class Ballot:
    """A vote. place: of the first wrong step in [0, S), S for none, None if nothing was said."""

    place: int | None
    weight: float


def _poll(
    trace: Trace, judges: Sequence[Sampler], views: Sequence[View], votes: int, seed: int
) -> tuple[list[Ballot], Usage]:
    """Every judge's votes in every view, and what they cost."""
    ballots, usage = list[Ballot](), Usage()
    for (number, judge), view in product(enumerate(judges), views):
        code = code_word(trace.problem.text, trace.text, view.name)
        prompt, role = ensemble_prompt(trace, view, code), f"{view.name}/{number}"
        replies = ask(judge, trace.problem, role, prompt, votes=votes, seed=seed)
        places = (read_place(text, len(trace.steps), code) for text in replies.texts)
        ballots += [Ballot(place, view.weight) for place in places]
        usage += replies.usage
    return ballots, usage


def read_place(reply: str, steps: int, code: str) -> int | None:
    """Where a reply says the first wrong step is; `steps` for NONE, None if it does not say.

    Strict: a number that is no step's, and two different answers, are no answer.
    """
    said = set(said_of(reply, _SUBJECT, code))
    if len(said) != 1:
        return None
    [word] = said
    if word == "NONE":
        return steps
    return int(word) if word.isdecimal() and len(word) < 6 and int(word) < steps else None


def _forbidden(ballot: Ballot, trace: Trace) -> bool:
    """A wrong final answer has a wrong step."""
    return trace.verdict is Verdict.WRONG and ballot.place == len(trace.steps)


def _agreement(ballots: Sequence[Ballot]) -> float:
    """The heaviest place's share of all weight; 0 without any."""
    places = {ballot.place for ballot in ballots}
    weights = [_weight([b for b in ballots if b.place == place]) for place in places]
    return max(weights) / _weight(ballots) if weights else 0.0


def _labels(ballots: Sequence[Ballot], steps: int) -> tuple[StepLabel, ...]:
    """[S] of the votes that reach a step (they found no error before it), how many pass it?"""
    labels, by = [], f"ensemble-{len(ballots)}"
    for t in range(steps):
        reach = [b for b in ballots if b.place is not None and b.place >= t]
        passing = [b for b in reach if b.place != t]
        belief = _weight(passing) / _weight(reach) if reach else None
        labels.append(StepLabel(Kind.CORRECTNESS, len(passing), len(reach), by, belief))
    return tuple(labels)


def _weight(ballots: Sequence[Ballot]) -> float:
    return math.fsum(ballot.weight for ballot in ballots)
