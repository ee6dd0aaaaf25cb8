"""One pass of a judge that sees a reference solution (SPARE, arXiv:2506.15498).

    input: problem, reference steps, solution steps     output: a JSON list, one entry a step

An entry names the reference steps that a step aligns with and says whether it is right. The
last step of a finished solution is as right as its answer. What to make of a step that the judge
left out is a function: `abstain` (no evidence, ours), `strict` (wrong, as the paper has it) or
`as_outcome`. A solution on another way than the reference's looks unaligned and may be called
wrong: the price of a reference.

Dimension key: S steps, V replies.
"""

from collections.abc import Callable, Sequence
from typing import Any

from surefoot.annotate.asking import QUOTING, ask, json_of, quoted, quoted_steps, reading_notes
from surefoot.annotate.judge import vote_label
from surefoot.core.errors import InputError
from surefoot.core.protocols import Sampler
from surefoot.core.types import Kind, LabelledTrace, StepLabel, Trace, Verdict

Missing = Callable[[Trace], bool | None]
LABELS = {"right": True, "wrong": False}


# --- a step that was left out -------------------------------------------------


def abstain(trace: Trace) -> bool | None:
    """Nothing is known of it."""
    del trace
    return None


def strict(trace: Trace) -> bool | None:
    """It is wrong."""
    del trace
    return False


def as_outcome(trace: Trace) -> bool | None:
    """It is as right as the final answer; nothing is known where that is not."""
    return _outcome(trace)


# --- asking ---------------------------------------------------------------------


def reference_prompt(trace: Trace, reference: Sequence[str]) -> str:
    """The problem, both solutions, and the form of the reply."""
    steps = "\n\n".join(f"Reference step {i}:\n{quoted(text)}" for i, text in enumerate(reference))
    return f"""\
Below is a problem, a reference solution that is right, and a solution that may be wrong.
{QUOTING}

Problem:
{quoted(trace.problem.text)}

{steps}

{quoted_steps(trace)}

For every step of the solution, from 0 to {len(trace.steps) - 1}, find the reference steps that
it agrees or conflicts with, and say whether it is right. Another way to the same result is right.
Reply with nothing but a JSON list of one object a step:

[{{"step": 0, "reference": [0], "reason": "...", "label": "right"}}]

where "reference" may be empty and "label" is "right" or "wrong"."""


def reference(
    trace: Trace,
    *,
    judge: Sampler,
    reference: Sequence[str],
    votes: int = 1,
    missing: Missing = abstain,
    seed: int = 0,
) -> LabelledTrace:
    """[S] labels of kind correctness: votes of `votes` gradings against the steps of `reference`.

    The last step's label is the verdict where the trace is finished and checked.
    notes: "replies", and how many were "unreadable"; those abstain on every step. Raises
    InputError for a trace or a reference without steps.
    """
    if not reference:
        raise InputError(f"the reference for problem {trace.problem.id!r} has no steps")
    prompt = reference_prompt(trace, reference)
    replies = ask(judge, trace.problem, "reference", prompt, votes=votes, seed=seed)
    gradings_V = [read_grading(t, len(trace.steps), len(reference)) for t in replies.texts]
    rest = missing(trace)
    by = f"reference-{votes}"
    labels = [
        vote_label(tuple(g.get(t, rest) for g in gradings_V if g is not None), by)
        for t in range(len(trace.steps))
    ]
    outcome = _outcome(trace)
    if outcome is not None:
        labels[-1] = StepLabel(Kind.CORRECTNESS, int(outcome), 1, "verdict")
    notes = reading_notes(votes, gradings_V.count(None))
    return LabelledTrace(trace, tuple(labels), replies.usage, notes)


def _outcome(trace: Trace) -> bool | None:
    known = trace.finished and trace.verdict in (Verdict.CORRECT, Verdict.WRONG)
    return trace.verdict is Verdict.CORRECT if known else None


# --- reading ---------------------------------------------------------------------


def read_grading(reply: str, steps: int, references: int) -> dict[int, bool] | None:
    """Which steps a reply calls right or wrong; None unless the whole of it is such a list.

    One fence of ``` around it may stay. A step named twice, a step or reference step that does
    not exist, another label, any text besides: all unreadable, so that no quoted text is taken
    for a grading.
    """
    entries = json_of(reply)
    if not isinstance(entries, list) or not all(_is_entry(e, steps, references) for e in entries):
        return None
    grading = {entry["step"]: LABELS[entry["label"]] for entry in entries}
    return grading if entries and len(grading) == len(entries) else None


def _is_entry(entry: Any, steps: int, references: int) -> bool:
    return (
        isinstance(entry, dict)
        and _is_index(entry.get("step"), steps)
        and entry.get("label") in tuple(LABELS)
        and isinstance(entry.get("reference"), list)
        and all(_is_index(index, references) for index in entry["reference"])
    )


def _is_index(value: Any, count: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < count
