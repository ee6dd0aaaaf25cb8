"""A critic that writes a verdict on each step (GenRM, Zhang et al., arXiv:2408.15240).

    problem  step_1 ... step_S   Is step 1 right? yes   Is step 2 right? yes   ...
    L = -mean_t [ y_t log P(yes | ids up to question t) + (1 - y_t) log P(no | ...) ]
    score_t = P(yes) / ( P(yes) + P(no) )

It has read the whole solution when it judges the first step. Fine-tuning is on the verdicts
alone, never on the solution or the question. A verdict is given with "yes" before it, in
training and in scoring, so that all are read in one pass: y_t is asked for up to the
first error, and a score is the chance that step t is right if those before it are.

Dimension key: N traces, S steps.
"""

from collections.abc import Sequence
from dataclasses import replace

from surefoot.core.errors import ModelError
from surefoot.core.protocols import Steps
from surefoot.core.types import Kind, LabelledTrace, Problem
from surefoot.steps.encode import Encoded, Encoder
from surefoot.verifiers.data import Example, Target, View, one_kind, placed
from surefoot.verifiers.formats.template import ids_of
from surefoot.verifiers.kinds.next_token import NEXT_TOKEN, spoken, word_ids

CORRECTNESS = frozenset({Kind.CORRECTNESS})
WORDS = ((" no", " yes"), ("no", "yes"))
QUESTION = "Is step {number} right?"


def with_questions(encoder: Encoder) -> View:
    """The solution and then a question on each step, answered "yes"; judged at the questions.

    Steps are dropped from the end until it fits. Raises ModelError if none is left.
    """
    yes = word_ids(encoder.tokenizer, *WORDS)[1]
    line = ids_of(encoder.tokenizer, "\n")

    def asked(problem: Problem, steps: Steps) -> Encoded:
        solution = encoder.encode(problem, steps)
        ids, ends = [*solution.ids], []
        for number in range(1, len(solution.ends_S) + 1):
            ids += ids_of(encoder.tokenizer, QUESTION.format(number=number))
            ends.append(len(ids) - 1)
            ids += [yes, *line]
        return Encoded(tuple(ids), solution.start, tuple(ends), solution.dropped)

    def view(problem: Problem, steps: Steps) -> list[Encoded]:
        for count in range(len(steps), 0, -1):
            e = asked(problem, steps[:count])
            if len(e.ids) <= encoder.max_tokens and not e.dropped:
                return [replace(e, dropped=len(steps) - count)]
        raise ModelError(
            f"problem {problem.id!r}, its first step and the question on it are longer than the "
            f"model's {encoder.max_tokens} tokens; shorten it or use a longer context"
        )

    return view


def up_to_first_error(
    labelled: Sequence[LabelledTrace], view: View, target: Target
) -> list[Example]:
    """Each step's target, up to the first that is under 1/2."""
    one_kind(labelled, CORRECTNESS)
    examples = []
    for item in labelled:
        targets = [target(label) for label in item.labels]
        wrong = [t for t, y in enumerate(targets) if y is not None and y < 0.5]
        for t in range(wrong[0] + 1 if wrong else len(targets), len(targets)):
            targets[t] = None
        found = placed(item.trace, view, targets)
        examples += [replace(example, imitate=False) for example in found]
    return examples


GENERATIVE = replace(
    NEXT_TOKEN,
    name="generative",
    build=spoken(*WORDS),
    view=with_questions,
    examples=up_to_first_error,
    kind=Kind.CORRECTNESS,
    learns_from=CORRECTNESS,
)
