"""A judge reads the solutions beside one another and names one.

    usc                    the most consistent answer among them   (USC, arXiv:2311.17311)
    generative_selection   the one that is right                   (GenSelect, arXiv:2507.17797)

Solutions are shown in groups of G; the winners of the groups meet again until one is left, so
that any number fits a judge's context. A group in which all answers are equivalent is not
asked about. Where no reply can be read the judge abstains: the group's majority goes on.

Dimension key: N solutions, G of a group, V votes of the judge.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from surefoot.annotate.asking import QUOTING, ask, code_word, quoted, said_of
from surefoot.core.budget import Budget, Meter
from surefoot.core.errors import InputError
from surefoot.core.protocols import Checker, Sampler
from surefoot.core.types import Problem, Trace
from surefoot.core.votes import Same, answer_classes
from surefoot.search.best_of_n import draw_within
from surefoot.search.result import Found, Unfinished, tree_of, unfinished
from surefoot.search.vote import vote

Question = str


def usc(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    judge: Sampler,
    rng: np.random.Generator,
    n: int = 8,
    at_once: int = 8,
    votes: int = 1,
    same: Same[str] | None = None,
    budget: Budget | None = None,
) -> Found | Unfinished:
    """Of n solutions the one whose answer the judge finds most consistent with the others.

    Cost: n completions, and `votes` replies for each group of `at_once`.
    Raises InputError unless n and votes are at least 1 and at_once is at least 2.
    """
    election = _Election(judge, CONSISTENT, at_once, votes, same)
    return _selected(problem, sample, check, rng, n, election, budget)


def generative_selection(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    judge: Sampler,
    rng: np.random.Generator,
    n: int = 8,
    at_once: int = 8,
    votes: int = 1,
    same: Same[str] | None = None,
    budget: Budget | None = None,
) -> Found | Unfinished:
    """Of n solutions the one that the judge finds right. Cost and errors as of `usc`."""
    election = _Election(judge, BEST, at_once, votes, same)
    return _selected(problem, sample, check, rng, n, election, budget)


CONSISTENT: Question = "Which answer do most of them, in substance, agree on?"
BEST: Question = "Which one is right? Check the steps of each; many may share a mistake."


def selection_prompt(traces_G: Sequence[Trace], code: str, question: Question) -> str:
    """The problem, the numbered solutions, and how the choice must be written."""
    shown = "\n\n".join(f"Solution {i}:\n{quoted(t.text)}" for i, t in enumerate(traces_G))
    return f"""\
Below is a problem and several solutions.
{QUOTING}

Problem:
{quoted(traces_G[0].problem.text)}

{shown}

{question} Think first. End with a line

Best [{code}]: N

where N is the number of that solution, from 0 to {len(traces_G) - 1}, and the brackets stay as
they are."""


def read_choice(reply: str, count: int, code: str) -> int | None:
    """The solution that a reply names, in [0, count); None without one, or if two differ."""
    said = {int(word) for word in said_of(reply, "Best", code) if word.isdecimal()}
    return said.pop() if len(said) == 1 and max(said) < count else None


@dataclass(frozen=True, slots=True)
class _Election:
    """How winners are found."""

    judge: Sampler
    question: Question
    at_once: int
    votes: int
    same: Callable[[str, str], bool | None] | None

    def last(self, traces_N: Sequence[Trace], meter: Meter, seed: int) -> Trace:
        """The one that is left when the winners of groups have met until there is one."""
        left = list(traces_N)
        while len(left) > 1:
            starts = range(0, len(left), self.at_once)
            groups = [left[start : start + self.at_once] for start in starts]
            left = [self.winner(group, meter, seed) for group in groups]
        return left[0]

    def winner(self, traces_G: Sequence[Trace], meter: Meter, seed: int) -> Trace:
        """Of a group; the majority's first where the judge has not to or cannot be asked."""
        settled = self._agreed(traces_G) or meter.exhausted()
        picks = Counter[int]() if settled else self._picks(traces_G, meter, seed)
        if picks:
            return traces_G[picks.most_common(1)[0][0]]
        return traces_G[vote(traces_G, [1.0] * len(traces_G), same=self.same) or 0]

    def _agreed(self, traces_G: Sequence[Trace]) -> bool:
        """Is there one solution only, or one answer of all?"""
        classes = answer_classes([trace.answer for trace in traces_G], same=self.same)
        return len(traces_G) == 1 or (None not in classes and len(set(classes)) == 1)

    def _picks(self, traces_G: Sequence[Trace], meter: Meter, seed: int) -> Counter[int]:
        """How many of the judge's replies name each place; those that cannot be read, none."""
        problem = traces_G[0].problem
        code = code_word(problem.text, *(trace.text for trace in traces_G))
        prompt = selection_prompt(traces_G, code, self.question)
        replies = ask(self.judge, problem, "select", prompt, votes=self.votes, seed=seed)
        meter.spend(replies.usage)
        read = (read_choice(text, len(traces_G), code) for text in replies.texts)
        return Counter(pick for pick in read if pick is not None)


def _selected(
    problem: Problem,
    sample: Sampler,
    check: Checker,
    rng: np.random.Generator,
    n: int,
    election: _Election,
    budget: Budget | None,
) -> Found | Unfinished:
    if min(n, election.votes) < 1 or election.at_once < 2:
        raise InputError(
            f"n and votes must be 1 or more and at_once 2 or more, got {n}, {election.votes} and "
            f"{election.at_once}"
        )
    meter = Meter(budget or Budget())
    seed = int(rng.integers(2**32))
    traces_N, _ = draw_within(
        problem, sample=sample, check=check, score=None, rng=rng, n=n, meter=meter
    )
    finished = [trace for trace in traces_N if trace.finished]
    if not finished:
        return unfinished(problem, traces_N, meter)
    chosen = election.last(finished, meter, seed)
    return Found(problem, chosen, tuple(finished), (), meter.total(), tree_of(finished, ()))
