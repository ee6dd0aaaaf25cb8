"""Do training and scoring read the same ids at the same places, with this tokenizer?

For some traces, before anything is learnt: every sequence that the objective trains on is,
up to its last target, what scoring will read; its last target stands where a score will be
read; and a step's ids give its separator back, so that a step that a policy writes ends there too.
"""

from collections.abc import Sequence

from surefoot.core.errors import ModelError
from surefoot.core.types import LabelledTrace
from surefoot.steps.encode import Encoded, Encoder
from surefoot.verifiers.data import Example, View

SOME = 8


def check_agreement(
    labelled: Sequence[LabelledTrace], examples: Sequence[Example], encoder: Encoder, view: View
) -> None:
    """Raises ModelError with what differs, and at which token.

    labelled: of all traces, the first few are looked at. examples: made of them for training.
    """
    for item in labelled[:SOME]:
        prompt = tuple(encoder.prompt(item.trace.problem))
        [first, *_] = view(item.trace.problem, item.trace.steps)
        if first.ids[: len(prompt)] == prompt:  # else a family's words, and its template looks
            _check_separators(item, encoder)
    waiting = [(example, places) for example in examples[:SOME] if (places := _places(example))]
    for item in labelled:
        read = view(item.trace.problem, item.trace.steps)
        waiting = [(e, places) for e, places in waiting if not _scored(e, places, read)]
        if not waiting:
            return
    example, places = waiting[0]
    raise ModelError(
        f"a sequence that is trained on, of {len(example.encoded.ids)} tokens with targets at the "
        f"places {places[:8]}, is not what scoring reads of any trace: other ids up to there, or "
        "scores read beside them; training and scoring must use one view"
    )


def _check_separators(item: LabelledTrace, encoder: Encoder) -> None:
    for index, step in enumerate(item.trace.steps):
        ids = encoder.step_ids(step)
        if not encoder.ends_step(ids):
            text = encoder.tokenizer.decode(list(ids))
            raise ModelError(
                f"the separator {encoder.separator!r} does not survive this tokenizer: step "
                f"{index} of problem {item.trace.problem.id!r} comes back as {text!r}; choose "
                "a separator that it keeps"
            )


def _places(example: Example) -> list[int]:
    """Where the example has targets."""
    others = example.others_S or (None,) * len(example.targets_S)
    rows = zip(example.encoded.ends_S, example.targets_S, others, strict=True)
    return [place for place, t, o in rows if t is not None or o is not None]


def _scored(example: Example, places: Sequence[int], read: Sequence[Encoded]) -> bool:
    """Is the example, up to its last target, read in scoring, at its last step's end too?"""
    ids = example.encoded.ids[: places[-1] + 1]
    return any(e.ids[: len(ids)] == ids and places[-1] in e.ends_S for e in read)
