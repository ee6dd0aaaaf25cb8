"""Judging by a list of errors (TIGERScore, arXiv:2310.00752).

    score = - sum of the penalties, each in [0.5, 5];  0 for no error

An error names its step, what is wrong (aspect, explanation) and what it costs. A step is wrong if
an error of at least `least` is found in it, right if the list was read and has none there. The
paper trains a model to write such lists; any that follows a prompt can be asked.

Dimension key: S steps, V votes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from surefoot.annotate.asking import QUOTING, ask, json_of, quoted, quoted_steps, reading_notes
from surefoot.annotate.judge import vote_label
from surefoot.annotate.judges.opinion import mean_known
from surefoot.core.protocols import Sampler
from surefoot.core.types import LabelledTrace, Trace

LEAST_PENALTY, MOST_PENALTY = 0.5, 5.0


@dataclass(frozen=True, slots=True)
class StepError:
    """One error. step: in [0, S). penalty: in [0.5, 5], what it takes off the score."""

    step: int
    aspect: str
    explanation: str
    penalty: float


def error_list(
    trace: Trace, *, judge: Sampler, votes: int = 1, least: float = 0.5, seed: int = 0
) -> LabelledTrace:
    """[S] labels of kind correctness from `votes` lists of errors, asked for at once.

    notes: "replies", how many were "unreadable", and the mean "score" of the others.
    Raises InputError for a trace without steps.
    """
    replies = ask(judge, trace.problem, "errors", errors_prompt(trace), votes=votes, seed=seed)
    lists_V = [read_errors(text, len(trace.steps)) for text in replies.texts]
    read = [errors for errors in lists_V if errors is not None]
    wrong_V = [{e.step for e in errors if e.penalty >= least} for errors in read]
    by = f"error_list-{votes}"
    labels = tuple(
        vote_label(tuple(t not in wrong for wrong in wrong_V), by) for t in range(len(trace.steps))
    )
    notes = reading_notes(votes, lists_V.count(None))
    mean = mean_known([score_of(errors) for errors in read])
    notes |= {} if mean is None else {"score": f"{mean:g}"}
    return LabelledTrace(trace, labels, replies.usage, notes)


def score_of(errors: Sequence[StepError]) -> float:
    """0 without errors, less for each."""
    return 0.0 - sum(error.penalty for error in errors)


def read_errors(reply: str, steps: int) -> tuple[StepError, ...] | None:
    """The errors of a reply that is a JSON list of them and nothing else; None for any other.

    Strict: a step that is not there, a penalty out of range, a field missing spoil the whole.
    """
    found = json_of(reply)
    if not isinstance(found, list) or not all(_is_error(entry, steps) for entry in found):
        return None
    return tuple(
        StepError(e["step"], e["aspect"], e["explanation"], float(e["penalty"])) for e in found
    )


def _is_error(entry: Any, steps: int) -> bool:
    return (
        isinstance(entry, dict)
        and type(entry.get("step")) is int
        and 0 <= entry["step"] < steps
        and isinstance(entry.get("aspect"), str)
        and isinstance(entry.get("explanation"), str)
        and type(entry.get("penalty")) in (int, float)
        and LEAST_PENALTY <= entry["penalty"] <= MOST_PENALTY
    )


def errors_prompt(trace: Trace) -> str:
    """The problem, the numbered steps, and the form of the list."""
    return f"""\
Below is a problem and, step by step, a solution that may be wrong.
{QUOTING}

Problem:
{quoted(trace.problem.text)}

{quoted_steps(trace)}

List its errors, given the steps before each. A step that only carries an earlier error on has it
too. Reply with nothing but a JSON list of one object an error, [] if there is none:

[{{"step": 0, "aspect": "...", "explanation": "...", "penalty": 2}}]

where "step" is from 0 to {len(trace.steps) - 1} and "penalty" from {LEAST_PENALTY} (of no
consequence) to {MOST_PENALTY:g} (it ruins the solution)."""
