"""Choosing again from what a search has kept: no model is asked.

    by_score           argmax_i  agg(r_1(y_i), ..., r_S(y_i))         as best-of-n, beams, trees
    by_weighted_vote   argmax_a  sum_{answer_i = a} w_i               as weighted vote, REBASE
    by_majority        argmax_a  #{i : answer_i = a}                  as self-consistency
    by_probability     argmax_a  sum_{answer_i = a} p_i               as RPC

A candidate's step scores r are those of its path in the search's tree, so every aggregation that
fits their kind may follow, and the rule that a search went by brings its own answer back. What a
judge or a second model decided (`usc`, `generative_selection`, `self_refine`, `rstar`, `birm_beam`)
is not in a tree, and `ab_mcts` keeps one number an attempt: of those only votes can follow.

Dimension key: N candidates.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import takewhile

import numpy as np

from surefoot.core.errors import InputError
from surefoot.core.fields import list_of, number_of
from surefoot.core.records import Record, field_of, problem_of, trace_of, usage_of
from surefoot.core.tree import Tree
from surefoot.core.types import StepScores, Trace
from surefoot.core.votes import Same
from surefoot.search.result import Found, Unfinished, totals
from surefoot.search.rpc import consistency_weights
from surefoot.search.vote import vote, vote_weights

Choose = Callable[[Sequence[Trace], Sequence[StepScores]], tuple[int | None, list[float]]]


def reselect(found: Found, choose: Choose) -> Found | Unfinished:
    """The search's candidates with another choice among them; its usage stays what it was.

    Found.scores are the numbers that `choose` went by. Unfinished where it chooses none: no
    candidate has an answer to vote for.
    Raises KindError for an aggregation that does not fit the scores, and InputError if scores are
    needed and the search had no verifier.
    """
    winner, numbers = choose(found.candidates, step_scores(found))
    if winner is None:
        why = "no finished solution has an answer"
        return Unfinished(found.problem, why, found.candidates, found.usage, found.tree)
    return replace(found, chosen=found.candidates[winner], scores=tuple(numbers))


def step_scores(found: Found) -> list[StepScores]:
    """[<= N] step scores of the candidates, from the tree, up to the first without: the scored
    come first. [] without a tree or a verifier."""
    known = (_scores_of(found.tree, trace) for trace in found.candidates)
    return [scores for scores in takewhile(lambda scores: scores is not None, known) if scores]


def _scores_of(tree: Tree | None, trace: Trace) -> StepScores | None:
    path = None if tree is None else tree.find(trace.steps)
    if tree is None or path is None or tree.kind is None:
        return None
    values = [value for node in path[1:] if (value := tree.scores[node]) is not None]
    if len(values) < len(trace.steps):
        return None
    return StepScores(tree.kind, tuple(values), "the search's verifier")


# --- rules -----------------------------------------------------------------


def by_score(aggregation: str | None = None) -> Choose:
    """The highest aggregated score, the first of equals; None takes the kind's own way."""

    def choose(
        traces_N: Sequence[Trace], scores_N: Sequence[StepScores]
    ) -> tuple[int | None, list[float]]:
        worths = totals(_needed(traces_N, scores_N), aggregation)
        return int(np.argmax(worths)), worths

    return choose


def by_weighted_vote(aggregation: str | None = None, *, same: Same[str] | None = None) -> Choose:
    """The answer of most weight; the highest score if no candidate has an answer."""

    def choose(
        traces_N: Sequence[Trace], scores_N: Sequence[StepScores]
    ) -> tuple[int | None, list[float]]:
        weights = vote_weights(_needed(traces_N, scores_N), aggregation)
        winner = vote(traces_N[: len(weights)], weights, same=same)
        return int(np.argmax(weights)) if winner is None else winner, weights

    return choose


def by_majority(*, same: Same[str] | None = None) -> Choose:
    """The most frequent answer."""

    def choose(
        traces_N: Sequence[Trace],
        scores_N: Sequence[StepScores],  # noqa: ARG001
    ) -> tuple[int | None, list[float]]:
        weights = [1.0] * len(traces_N)
        return vote(traces_N, weights, same=same), weights

    return choose


def by_probability(*, same: Same[str] | None = None) -> Choose:
    """The answer that the policy holds most probable (`rpc`); needs log-probabilities."""

    def choose(
        traces_N: Sequence[Trace],
        scores_N: Sequence[StepScores],  # noqa: ARG001
    ) -> tuple[int | None, list[float]]:
        weights = consistency_weights(traces_N)
        return vote(traces_N, weights, same=same), weights

    return choose


def _needed(traces_N: Sequence[Trace], scores_N: Sequence[StepScores]) -> Sequence[StepScores]:
    if not scores_N:
        raise InputError(
            f"the search of problem {traces_N[0].problem.id!r} kept no step scores of its "
            "candidates; choose by a vote, or search with a verifier"
        )
    return scores_N


# --- from a file -----------------------------------------------------------


def found_of(record: Record) -> Found | Unfinished:
    """A row of `surefoot search --trees`. Raises InputError for one without a tree."""
    problem = problem_of(field_of(record, "problem", dict))
    usage = usage_of(field_of(record, "usage", dict))
    tree = Tree.from_json(field_of(record, "tree", dict))
    if "unfinished" in record:
        return Unfinished(problem, field_of(record, "unfinished", str), (), usage, tree)
    rows = list_of(record, "candidates", (dict,))
    candidates = tuple(_candidate(tree, {**row, "problem": record["problem"]}) for row in rows)
    named = dict(enumerate(field_of(record, "candidate_scores", list)))
    scores = tuple(
        number_of({f"candidate_scores[{i}]": score}, f"candidate_scores[{i}]")
        for i, score in named.items()
    )
    return Found(problem, _candidate(tree, record), candidates, scores, usage, tree)


def _candidate(tree: Tree, record: Record) -> Trace:
    """The trace with its steps' ids and log-probabilities, which only the tree keeps."""
    trace = trace_of(record)
    path = tree.find(trace.steps)
    return trace if path is None else trace.with_steps(tree.prefix(path[-1]))
