"""Labelled traces as padded batches, through the one encoder.

Dimension key: N examples, S steps (or other places that are judged), T tokens.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch

from surefoot.core.errors import InputError, KindError
from surefoot.core.protocols import Steps
from surefoot.core.types import Kind, LabelledTrace, Problem, StepLabel, Trace, Verdict
from surefoot.steps.encode import Encoded, Encoder
from surefoot.verifiers.losses import IGNORED
from surefoot.verifiers.network import Batch

Target = Callable[[StepLabel], float | None]
View = Callable[[Problem, Steps], Sequence[Encoded]]
"""(problem, steps) -> what the network reads: one sequence, or several, whose places are the
steps in order. The same function makes the ids of training and of scoring."""
Batches = Callable[..., list[list[int]]]
"""(examples, tokens, together=1) -> their indices in batches; `by_length` is one."""
LENGTHS = 16  # padded lengths are multiples of this
CHANCES = frozenset({Kind.CORRECTNESS, Kind.VALUE})
"""Labels that are chances, in [0, 1], as a cross-entropy or a squared error wants them."""


def soft_target(label: StepLabel) -> float | None:
    """The share of tries that succeeded; None without evidence."""
    return label.value


def hard_target(label: StepLabel) -> float | None:
    """1.0 if any try succeeded, else 0.0; None without evidence (Math-Shepherd's hard labels)."""
    return None if label.hard is None else float(label.hard)


@dataclass(frozen=True, slots=True)
class Example:
    """An encoded trace, the target of each place, and whether its text is worth imitating.

    others_S: a second target of each place; () for the objectives with one.
    counted_from: tokens before it are imitated on another path (`packing.each_edge_once`).
    """

    encoded: Encoded
    targets_S: tuple[float | None, ...]
    imitate: bool
    others_S: tuple[float | None, ...] = ()
    counted_from: int = 0

    @property
    def known(self) -> int:
        """How many targets it has."""
        return sum(t is not None for t in (*self.targets_S, *self.others_S))


def whole(encoder: Encoder) -> View:
    """A trace as one sequence, judged at the end of each step."""

    def view(problem: Problem, steps: Steps) -> list[Encoded]:
        return [encoder.encode(problem, steps)]

    return view


def examples_of(
    labelled: Sequence[LabelledTrace], encoder: Encoder, target: Target
) -> tuple[Kind, list[Example], int]:
    """The labels' common kind, the examples, and how many steps truncation dropped.

    Raises KindError for labels of mixed kinds or that are no chances, InputError if there are none.
    """
    kind = one_kind(labelled, CHANCES)
    examples = step_examples(labelled, whole(encoder), target)
    return kind, examples, sum(e.encoded.dropped for e in examples)


def one_kind(labelled: Sequence[LabelledTrace], allowed: frozenset[Kind]) -> Kind:
    """The kind that all labels are of. Raises KindError if they are of several, or of one that
    is not allowed; InputError if there are none, or not one a step."""
    kinds = kinds_of(labelled)
    refuse_kinds(labelled, allowed)
    if len(kinds) > 1:
        names = sorted(kind.value for kind in kinds)
        raise KindError(f"labels of different kinds {names} in one training set; train on one kind")
    [kind] = kinds
    return kind


def refuse_kinds(labelled: Sequence[LabelledTrace], allowed: frozenset[Kind]) -> None:
    """Raises KindError for a label of a kind that is not allowed; it names the trace."""
    for row, item in enumerate(labelled, start=1):
        for label in item.labels:
            if label.kind not in allowed:
                raise KindError(
                    f"labels of kind {label.kind.value} cannot teach this, but trace {row} (of "
                    f"problem {item.trace.problem.id!r}) has them, by {label.by!r}; expected "
                    f"{' or '.join(sorted(kind.value for kind in allowed))}: label the traces with "
                    "another method, or train another kind of verifier (pav learns from progress)"
                )


def refuse_targets(labelled: Sequence[LabelledTrace], target: Target, highest: float) -> None:
    """Raises InputError for a target that is no number in [0, highest]; it names trace and step."""
    for row, item in enumerate(labelled, start=1):
        for step, label in enumerate(item.labels):
            y = target(label)
            if y is not None and not 0 <= y <= highest:
                raise InputError(
                    f"the label of step {step} of trace {row} (of problem "
                    f"{item.trace.problem.id!r}) asks for {y}; expected 0 to {highest:g}. It has "
                    f"{label.successes} successes in {label.tries} tries and belief "
                    f"{label.belief}, by {label.by!r}: mend it, or drop the trace"
                )


def kinds_of(labelled: Sequence[LabelledTrace]) -> set[Kind]:
    """The kinds of all labels, at least one. Raises InputError if there is no label, or if a
    trace has not one a step."""
    for item in labelled:
        if len(item.labels) != len(item.trace.steps):
            raise InputError(
                f"a trace of problem {item.trace.problem.id!r} has {len(item.trace.steps)} steps "
                f"and {len(item.labels)} labels; each step needs one (without evidence: tries 0)"
            )
    kinds = {label.kind for item in labelled for label in item.labels}
    if not kinds:
        raise InputError("there are no labels to train on; label some traces first")
    return kinds


def step_examples(labelled: Sequence[LabelledTrace], view: View, target: Target) -> list[Example]:
    """Every step with the target of its own label."""
    return [
        example
        for item in labelled
        for example in placed(item.trace, view, [target(label) for label in item.labels])
    ]


def placed(trace: Trace, view: View, targets_S: Iterable[float | None]) -> list[Example]:
    """A trace's sequences, each place with its step's target."""
    rest, examples = iter(targets_S), []
    for encoded in view(trace.problem, trace.steps):
        targets = tuple(next(rest) for _ in encoded.ends_S)
        examples.append(Example(encoded, targets, trace.verdict is Verdict.CORRECT))
    return examples


def outcome_of(trace: Trace) -> float | None:
    """1.0 for a right end, 0.0 for a wrong one, None if it is not known."""
    return {Verdict.CORRECT: 1.0, Verdict.WRONG: 0.0}.get(trace.verdict or Verdict.UNREADABLE)


def whole_examples(labelled: Sequence[LabelledTrace], view: View) -> list[Example]:
    """One example a trace, its outcome at its last step.

    A trace that was cut off did not end there: it has no target.
    """
    examples = []
    for item in labelled:
        [encoded] = view(item.trace.problem, item.trace.steps)
        last = None if encoded.dropped else outcome_of(item.trace)
        targets = (*(None for _ in encoded.ends_S[1:]), last)
        examples.append(Example(encoded, targets, imitate=False))
    return examples


def encode_for_scoring(traces: Sequence[Trace], encoder: Encoder) -> list[Example]:
    """Examples without targets. Raises InputError for a trace without steps or that does not fit:
    a verifier owes one score for every step."""
    return [
        e for found in views_for_scoring(traces, whole(encoder), encoder.max_tokens) for e in found
    ]


def views_for_scoring(traces: Sequence[Trace], view: View, longest: int) -> list[list[Example]]:
    """The sequences of each trace, as examples without targets; raises as above."""
    examples = []
    for trace in traces:
        if not trace.steps:
            raise InputError(f"a trace of problem {trace.problem.id!r} has no steps to score")
        sequences = view(trace.problem, trace.steps)
        dropped = sum(encoded.dropped for encoded in sequences)
        if dropped:
            raise InputError(
                f"a trace of problem {trace.problem.id!r} is too long for the verifier: step "
                f"{len(trace.steps) - dropped} ends beyond {longest} tokens; score shorter "
                "traces or use a verifier with a longer context"
            )
        examples.append([Example(e, (None,) * len(e.ends_S), imitate=False) for e in sequences])
    return examples


def batch_of(examples: Sequence[Example], *, pad: int, done: float = 1.0, places: int = 1) -> Batch:
    """One padded batch, [N] examples; S is padded to a multiple of `places`."""
    longest = max(len(e.encoded.ids) for e in examples)
    width = -(-longest // LENGTHS) * LENGTHS
    steps = -(-max(len(e.encoded.ends_S) for e in examples) // places) * places
    ids = torch.full((len(examples), width), pad)
    spans = torch.zeros((len(examples), steps, 2), dtype=torch.long)
    weights = torch.zeros((len(examples), width))
    targets = torch.full((len(examples), steps), IGNORED)
    others = torch.full((len(examples), steps), IGNORED)
    for n, example in enumerate(examples):
        encoded = example.encoded
        ids[n, : len(encoded.ids)] = torch.tensor(encoded.ids)
        spans[n, : len(encoded.ends_S)] = torch.tensor(encoded.spans_S)
        first = max(encoded.start, example.counted_from)
        weights[n, first : len(encoded.ids)] = float(example.imitate)
        for table, values in ((targets, example.targets_S), (others, example.others_S)):
            for s, value in enumerate(values):
                table[n, s] = IGNORED if value is None else value
    return Batch(ids, spans, weights, targets, others, done)


def by_length(examples: Sequence[Example], tokens: int, *, together: int = 1) -> list[list[int]]:
    """Indices of examples of similar length, in batches of at most `tokens` padded tokens.

    together: so many consecutive examples, such as a pair, are never parted.
    """
    widths = [-(-len(e.encoded.ids) // LENGTHS) * LENGTHS for e in examples]
    lengths = [len(e.encoded.ids) for e in examples]
    firsts = range(0, len(examples), together)
    order = sorted(firsts, key=lambda i: (max(lengths[i : i + together]), i))
    batches: list[list[int]] = []
    for first in order:
        group = range(first, first + together)
        width = max(widths[i] for i in group)
        if not batches or width * (len(batches[-1]) + together) > tokens:
            batches.append([])
        batches[-1] += group
    return batches
