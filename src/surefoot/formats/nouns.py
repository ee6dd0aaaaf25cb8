"""Between foreign rows and our nouns: what every format shares.

A foreign row becomes `LabelledTrace`s; a trace becomes a row only if the format can hold it.
What it cannot hold is counted through `note`, or the trace is left out with the reason: never
rounded, cut or dropped in silence.

Dimension key: S steps of a trace.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from surefoot.core.errors import InputError
from surefoot.core.types import Kind, LabelledTrace, Problem, Step, StepLabel, Trace, Usage

Note = Callable[[str], None]
Neutral = Literal["positive", "negative", "ignore"]
NEUTRAL = ":neutral"  # ends the `by` of a label made from a neutral rating
OTHER_FIELDS = "other fields"  # those of its source that its format does not read
EXTRA = "extra"  # the field of our own rows for what other formats' rows carried besides
UNIT_KINDS = (Kind.CORRECTNESS, Kind.VALUE)  # whose values lie in [0, 1]


class LeftOut(InputError):
    """A row or trace is sound but has no place in what is being made; the message is the reason."""


class NeedsThreshold(InputError):
    """A soft label meets a format of hard ones; rounding it is the user's decision."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What a conversion cannot know and its user must say.

    threshold: a soft label is right from here on (value >= threshold); None refuses soft labels.
    soft: write labels as numbers, where the format holds them.
    neutral: what a rating of 0 counts as; "ignore" leaves the step without evidence.
    kind: what the labels of formats that do not say it mean.
    alternatives: every rated alternative of a tree as a trace of its own, not the chosen path only.
    separator: ends a step inside formats that keep a solution as one text.
    """

    threshold: float | None = None
    soft: bool = False
    neutral: Neutral = "positive"
    kind: Kind = Kind.CORRECTNESS
    alternatives: bool = True
    separator: str = "\n"


def problem_for(text: str, gold: str | None = None, level: str = "") -> Problem:
    """A problem of a format without problem ids: equal texts get equal ids."""
    if not text.strip():
        raise InputError("the problem is empty; expected the question's text")
    return Problem(problem_id(text), text, gold, level)


def problem_id(text: str) -> str:
    """An id made from the text."""
    return f"p-{digest(text)}"


def digest(text: str) -> str:
    """Sixteen hexadecimal digits that tell texts apart."""
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=8).hexdigest()


def evidence(value: float | None, kind: Kind, by: str) -> StepLabel:
    """One observation of `value`; None is no evidence."""
    return StepLabel(kind, float(value or 0), int(value is not None), by)


def labelled(
    problem: Problem, steps: Iterable[str], labels: Iterable[StepLabel], **notes: str
) -> LabelledTrace:
    """A trace of texts with one label each."""
    trace = Trace(problem, tuple(map(Step, steps)))
    return LabelledTrace(trace, tuple(labels), notes=notes)


def until_first_error(steps: int, first_wrong: int | None, by: str) -> list[StepLabel]:
    """[S] right before the first wrong step, wrong at it, and unknown after it."""
    right = steps if first_wrong is None else first_wrong
    values: list[float | None] = [1.0] * right
    if first_wrong is not None:
        values += [0.0] + [None] * (steps - right - 1)
    return [evidence(value, Kind.CORRECTNESS, by) for value in values]


# --- what a target needs -----------------------------------------------------


def known_values(item: LabelledTrace, note: Note) -> list[float]:
    """The values of a trace's labels, in [0, 1]; steps after the last label are cut, and noted.

    Raises LeftOut without any label, with a step without one before the last, and for a kind of
    label that is no share.
    """
    _refuse_other_kinds(item)
    values = [label.value for label in item.labels]
    end = values.index(None) if None in values else len(values)
    if values[end:].count(None) < len(values) - end:
        raise LeftOut("a step without a label stands before one with a label")
    if end == 0:
        raise LeftOut("no step has a label")
    if end < len(values):
        note("traces cut after their last label")
    return [value for value in values[:end] if value is not None]


def hard_values(item: LabelledTrace, choices: Choices, note: Note) -> list[bool]:
    """`known_values` as right or wrong, soft ones by `choices.threshold`.

    Raises NeedsThreshold for a soft value without one.
    """
    values = known_values(item, note)
    return [_hard(value, choices, note) for value in values]


def _refuse_other_kinds(item: LabelledTrace) -> None:
    for label in item.labels:
        if label.kind not in UNIT_KINDS:
            raise LeftOut(f"labels of kind {label.kind.value} are no shares in [0, 1]")


def _hard(value: float, choices: Choices, note: Note) -> bool:
    if value in (0, 1):
        return bool(value)
    if choices.threshold is None:
        raise NeedsThreshold(
            f"the format to write has right-or-wrong labels only and a label is {value:.4g}; say "
            "from which value on a step is right (--threshold)"
        )
    note("soft labels made hard by the threshold")
    return value >= choices.threshold


def first_wrong(item: LabelledTrace, choices: Choices, note: Note) -> int:
    """Index of the first wrong step, -1 if all steps are right.

    Raises LeftOut if a step before it, or any step of a right trace, has no label, and for a
    kind of label that is no share.
    """
    _refuse_other_kinds(item)
    for index, label in enumerate(item.labels):
        if label.value is None:
            raise LeftOut("a step without a label stands before the first wrong one")
        if not _hard(label.value, choices, note):
            if any(later.value is not None for later in item.labels[index + 1 :]):
                note("traces that lost their labels after the first wrong step")
            return index
    return -1


def texts_of_steps(item: LabelledTrace) -> list[str]:
    """[S] the steps' texts."""
    return [step.text for step in item.trace.steps]


# --- what gets lost ------------------------------------------------------------


def carried(item: LabelledTrace) -> set[str]:
    """What a labelled trace carries beyond question, steps and the labels' values."""
    trace = item.trace
    present = {
        "gold answers": trace.problem.gold is not None,
        "levels": bool(trace.problem.level),
        "problem ids": trace.problem.id != problem_id(trace.problem.text),
        "final answers": trace.answer is not None,
        "verdicts": trace.verdict is not None,
        "unfinished marks": not trace.finished,
        "token ids": any(step.ids for step in trace.steps),
        "log-probabilities": any(step.logprobs for step in trace.steps),
        "token counts": any(step.size or step.ended for step in trace.steps),
        "label kinds and makers": bool(item.labels),
        "label counts": any(x.tries > 1 or x.belief is not None for x in item.labels),
        "costs": item.usage != Usage(),
        "notes": bool(item.notes),
    }
    return {name for name, there in present.items() if there}


# --- question and steps in one text ----------------------------------------------

HEADING = "Step {}: "


def question_and_step(head: str) -> tuple[str, str]:
    """Splits "question Step 1: ..." at its only "Step 1: ".

    Raises LeftOut without one (no telling where the question ends) or with several.
    """
    mark = HEADING.format(1)
    if mark not in head:
        raise LeftOut('question and first step stand in one text without "Step 1: " between them')
    if head.count(mark) > 1:
        raise LeftOut('"Step 1: " stands more than once: no telling where the question ends')
    question, _, step = head.partition(mark)
    return question.removesuffix(" "), mark + step


def numbered_head(item: LabelledTrace, steps: Sequence[str], note: Note) -> tuple[str, list[str]]:
    """The question with step 1, and the other steps; "Step i: " is put before steps without it.

    Inverse of `question_and_step`. Raises LeftOut where it would not be.
    """
    question, mark = item.trace.problem.text, HEADING.format(1)
    headed = [
        text if text.startswith(HEADING.format(i)) else HEADING.format(i) + text
        for i, text in enumerate(steps, start=1)
    ]
    if headed != list(steps):
        note('traces whose steps gained a "Step i: "')
    head = f"{question} {headed[0]}"
    if head.count(mark) != 1:
        raise LeftOut('"Step 1: " stands in the question or twice in step 1')
    return head, headed[1:]


def untagged(pieces: Sequence[str]) -> tuple[str, list[str]]:
    """Question and steps of a text cut at the tags that end its steps: [S + 1] pieces.

    Raises LeftOut if question and step 1 cannot be told apart, or text stands after the last tag.
    """
    if pieces[-1].strip():
        raise LeftOut("text stands after the last tag")
    question, first = question_and_step(pieces[0].removesuffix(" "))
    others = [piece.removeprefix("\n").removesuffix(" ") for piece in pieces[1:-1]]
    return question, [first, *others]


def tagged(item: LabelledTrace, steps: int, tag: str, note: Note) -> tuple[str, ...]:
    """Inverse of `untagged` for the first `steps` of a trace; raises LeftOut where it is not."""
    head, others = numbered_head(item, texts_of_steps(item)[:steps], note)
    if any(tag in text for text in (head, *others)):
        raise LeftOut(f"{tag!r}, which ends the format's steps, stands in the text")
    return (f"{head} ", *(f"\n{text} " for text in others), "")
