"""PRM800K (Lightman et al., arXiv:2305.20050): a path through rated alternatives.

    {"question": {"problem", "ground_truth_answer", ...},
     "label": {"steps": [{"completions": [{"text", "rating", ...}] or null,
                          "human_completion": {"text", ...} or text or null,
                          "chosen_completion": int or null}],
               "finish_reason", ...},
     "labeler", "timestamp", "generation", "is_quality_control_question",
     "is_initial_screening_question"}

rating: 1 right, 0 neutral, -1 wrong, null unrated; neutral is no rate, so rows keep it and only
a conversion decides what it counts as. The path goes through the chosen completion of each step,
or the one its labeler wrote where none was good; where a solution stops at an error, neither is
there and the path ends in the first completion rated -1. Every other completion ends a sequence
of its own (the authors' training view).
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from surefoot.core.errors import InputError
from surefoot.core.records import Record, field_of
from surefoot.core.types import Kind, LabelledTrace, Problem, StepLabel
from surefoot.formats.fields import built_in, items_of, nullable, rest_of
from surefoot.formats.nouns import NEUTRAL, Choices, LeftOut, evidence, labelled, problem_for

FINISHES = ("solution", "found_error", "give_up", "bad_problem")
RATINGS = (1, 0, -1, None)
WRITTEN = "prm800k:written"  # a step the labeler wrote: unrated, and meant to be right
READ = (
    "question.problem", "question.ground_truth_answer", "label.finish_reason",
    "label.steps[].completions[].text", "label.steps[].completions[].rating",
    "label.steps[].human_completion.text", "label.steps[].chosen_completion",
    "is_quality_control_question", "is_initial_screening_question",
)  # fmt: skip
SCREENS = ("is_quality_control_question", "is_initial_screening_question")


@dataclass(frozen=True, slots=True)
class Completion800K:
    """A rated text; `rest` holds "flagged", "source" and what else there is."""

    text: str
    rating: int | None
    rest: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step800K:
    """completions: None where nobody was asked. human_completion: a bare text in some copies."""

    completions: tuple[Completion800K, ...] | None
    human_completion: Completion800K | str | None
    chosen_completion: int | None
    rest: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PRM800KRow:
    """One labeler's work on one problem; each `..._rest` holds the other fields of that object."""

    problem: str
    ground_truth_answer: str | None
    steps: tuple[Step800K, ...]
    finish_reason: str
    is_quality_control_question: bool
    is_initial_screening_question: bool
    question_rest: Mapping[str, Any] = field(default_factory=dict)
    label_rest: Mapping[str, Any] = field(default_factory=dict)
    rest: Mapping[str, Any] = field(default_factory=dict)


# --- record to row and back ----------------------------------------------------


def prm800k_of(record: Record) -> PRM800KRow:
    """A row from its record. Raises InputError that names the step and the field."""
    question, label = field_of(record, "question", dict), field_of(record, "label", dict)
    rows = items_of(label, "steps", (dict,))
    steps = tuple(built_in(f"label.steps[{i}]", _step_of, row) for i, row in enumerate(rows))
    for index, step in enumerate(steps[:-1]):
        if step.chosen_completion is None and step.human_completion is None:
            raise InputError(
                f"in label.steps[{index}]: nothing is chosen or written, yet it goes on"
            )
    return PRM800KRow(
        problem=field_of(question, "problem", str),
        ground_truth_answer=nullable(question, "ground_truth_answer", (str,)),
        steps=steps,
        finish_reason=_one_of(label, "finish_reason", FINISHES),
        is_quality_control_question=field_of(record, "is_quality_control_question", bool),
        is_initial_screening_question=field_of(record, "is_initial_screening_question", bool),
        question_rest=rest_of(question, ("problem", "ground_truth_answer")),
        label_rest=rest_of(label, ("steps", "finish_reason")),
        rest=rest_of(record, ("question", "label", *SCREENS)),
    )


def _step_of(record: Record) -> Step800K:
    rows = record.get("completions")
    completions = None
    if rows is not None:
        rows = items_of(record, "completions", (dict,))
        completions = tuple(
            built_in(f"completions[{i}]", _completion_of, row) for i, row in enumerate(rows)
        )
    human = nullable(record, "human_completion", (dict, str))
    chosen = nullable(record, "chosen_completion", (int,))
    there = len(completions or ())
    if chosen is not None and not 0 <= chosen < there:
        raise InputError(f"field 'chosen_completion': {chosen} is not one of {there} completions")
    return Step800K(
        completions,
        built_in("human_completion", _completion_of, human) if isinstance(human, dict) else human,
        chosen,
        rest_of(record, ("completions", "human_completion", "chosen_completion")),
    )


def _completion_of(record: Record) -> Completion800K:
    rating = _one_of(record, "rating", RATINGS)
    return Completion800K(
        field_of(record, "text", str), rating, rest_of(record, ("text", "rating"))
    )


def _one_of(record: Record, name: str, choices: tuple[Any, ...]) -> Any:
    value = nullable(record, name, (str, int))
    if value not in choices:
        raise InputError(f"field {name!r}: expected one of {list(choices)}, got {value!r}")
    return value


def prm800k_record(row: PRM800KRow) -> Record:
    """Inverse of `prm800k_of`."""
    return {
        **row.rest,
        "is_quality_control_question": row.is_quality_control_question,
        "is_initial_screening_question": row.is_initial_screening_question,
        "question": {
            "problem": row.problem,
            "ground_truth_answer": row.ground_truth_answer,
            **row.question_rest,
        },
        "label": {
            "steps": [_step_record(step) for step in row.steps],
            "finish_reason": row.finish_reason,
            **row.label_rest,
        },
    }


def _step_record(step: Step800K) -> Record:
    human = step.human_completion
    return {
        "completions": None
        if step.completions is None
        else [_completion_record(completion) for completion in step.completions],
        "human_completion": _completion_record(human)
        if isinstance(human, Completion800K)
        else human,
        "chosen_completion": step.chosen_completion,
        **step.rest,
    }


def _completion_record(completion: Completion800K) -> Record:
    return {"text": completion.text, "rating": completion.rating, **completion.rest}


# --- paths ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rated:
    """A step on a path. written: by the labeler, without a rating."""

    text: str
    rating: int | None
    written: bool = False


def path_of(row: PRM800KRow) -> tuple[Rated, ...]:
    """The one path that the labeler took; () if nothing was rated."""
    return tuple(rated for step in row.steps if (rated := _taken(step)) is not None)


def _taken(step: Step800K) -> Rated | None:
    """What the path goes through; at a solution's last step, the first wrong completion."""
    completions, human = step.completions or (), step.human_completion
    if step.chosen_completion is not None:
        chosen = completions[step.chosen_completion]
        return Rated(chosen.text, chosen.rating)
    if human is not None:
        return Rated(human if isinstance(human, str) else human.text, None, written=True)
    return next((Rated(c.text, c.rating) for c in completions if c.rating == -1), None)


def sequences_of(row: PRM800KRow) -> list[tuple[Rated, ...]]:
    """The path, then for every rated completion beside it the path to there and that completion.

    Equal ones once; a completion that the path goes on from is part of the path.
    """
    path = path_of(row)
    sequences = {path: None} if path else {}
    for index, step in enumerate(row.steps):
        for completion in step.completions or ():
            beside = Rated(completion.text, completion.rating)
            if completion.rating is not None and beside not in path[index : index + 1]:
                sequences[*path[:index], beside] = None
    return list(sequences)


def prm800k_passed_over(row: PRM800KRow, choices: Choices) -> Iterator[str]:
    """What is in none of the traces of the row: a reason for each completion."""
    path = path_of(row)
    for index, step in enumerate(row.steps):
        for completion in step.completions or ():
            beside = Rated(completion.text, completion.rating) not in path[index : index + 1]
            if beside and completion.rating is None:
                yield "completions beside the path that nobody rated"
            elif beside and not choices.alternatives:
                yield "rated completions beside the path (--path-only)"
        if step.human_completion is not None and step.chosen_completion is not None:
            yield "completions that the labeler wrote beside the chosen one"


def prm800k_labelled(row: PRM800KRow, choices: Choices) -> Iterator[LabelledTrace]:
    """A trace for each of `sequences_of`, or for the path alone without `choices.alternatives`.

    Notes keep the ratings as they stand, and from which step on the labels are new (an
    alternative repeats those of its prefix).

    Raises LeftOut for rows that the authors kept out of training and for one without a rating.
    """
    reason = _kept_out(row)
    if reason:
        raise LeftOut(reason)
    sequences = sequences_of(row)[: None if choices.alternatives else 1]
    if not sequences:
        raise LeftOut("no step is rated")
    problem = problem_for(row.problem, gold=row.ground_truth_answer)
    for number, rated in enumerate(sequences):
        new_from = len(rated) - 1 if number else 0
        notes = {"new_from": str(new_from), "finish_reason": row.finish_reason}
        yield _trace(problem, rated, choices, notes)


def _trace(
    problem: Problem, rated: tuple[Rated, ...], choices: Choices, notes: dict[str, str]
) -> LabelledTrace:
    labels = [_label(step, choices) for step in rated]
    ratings = json.dumps([step.rating for step in rated])
    return labelled(problem, (step.text for step in rated), labels, ratings=ratings, **notes)


def _kept_out(row: PRM800KRow) -> str:
    if row.is_quality_control_question:
        return "a quality-control question (asked many labelers; not for training)"
    if row.is_initial_screening_question:
        return "a screening question (asked many labelers; not for training)"
    return "a bad problem" if row.finish_reason == "bad_problem" else ""


def _label(step: Rated, choices: Choices) -> StepLabel:
    if step.written:
        return evidence(1.0, Kind.CORRECTNESS, WRITTEN)
    if step.rating == 0:
        neutral = {"positive": 1.0, "negative": 0.0, "ignore": None}[choices.neutral]
        return evidence(neutral, Kind.CORRECTNESS, f"prm800k{NEUTRAL}")
    value = None if step.rating is None else float(step.rating == 1)
    return evidence(value, Kind.CORRECTNESS, "prm800k")
