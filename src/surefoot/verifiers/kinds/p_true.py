"""P(True): a model's own belief in what it reads (Kadavath et al., arXiv:2207.05221).

    problem  step_1 ... step_t   Will this solution end with the right answer?  True / False
    L = -mean_t [ y_t log P(True) + (1 - y_t) log P(False) ]
    score_t = P(True) / ( P(True) + P(False) )

The question comes after the prefix and not after the whole, so each step is a sequence of
its own, S of them a trace. Asked of a model that was not trained, it is the baseline of what
the model knows about itself. y_t is a value; outcomes do.

Dimension key: N traces, S steps.
"""

from collections.abc import Sequence
from dataclasses import replace

from surefoot.core.errors import ModelError
from surefoot.core.protocols import Steps
from surefoot.core.types import Kind, LabelledTrace, Problem
from surefoot.steps.encode import Encoded, Encoder
from surefoot.verifiers.data import Example, Target, View
from surefoot.verifiers.formats.template import ids_of
from surefoot.verifiers.kinds.next_token import NEXT_TOKEN, spoken
from surefoot.verifiers.kinds.prm import labelled_steps

VALUES = frozenset({Kind.VALUE})
WORDS = (" False", " True")
QUESTION = "Will this solution end with the right answer?"


def each_prefix(encoder: Encoder) -> View:
    """The question after each prefix that fits. Raises ModelError if none does."""
    question = tuple(ids_of(encoder.tokenizer, QUESTION))

    def view(problem: Problem, steps: Steps) -> list[Encoded]:
        encoded = encoder.encode(problem, steps)
        asked = [encoded.ids[: end + 1] + question for end in encoded.ends_S]
        fitting = [ids for ids in asked if len(ids) <= encoder.max_tokens]
        if not fitting:
            raise ModelError(
                f"problem {problem.id!r}, its first step and the question are longer than the "
                f"model's {encoder.max_tokens} tokens; shorten it or use a longer context"
            )
        dropped = [0] * (len(fitting) - 1) + [len(steps) - len(fitting)]
        return [
            Encoded(ids, encoded.start, (len(ids) - 1,), cut)
            for ids, cut in zip(fitting, dropped, strict=True)
        ]

    return view


def unimitated(labelled: Sequence[LabelledTrace], view: View, target: Target) -> list[Example]:
    """Every prefix with its step's target; a text is not imitated once for each prefix."""
    found = labelled_steps(labelled, view, target, allowed=VALUES)
    return [replace(example, imitate=False) for example in found]


P_TRUE = replace(
    NEXT_TOKEN,
    name="p-true",
    build=spoken(WORDS),
    view=each_prefix,
    examples=unimitated,
    kind=Kind.VALUE,
    learns_from=VALUES,
)
