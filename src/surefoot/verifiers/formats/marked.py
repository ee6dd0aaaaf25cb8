"""Checkpoints that are read at one place a step: what they share, written once.

    score_s = values( head( state at the place of step s ) )

A family is a `Format`: a template, a head and what to make of its outputs. The head
and the values are computed in float32 from the backbone's states, whatever dtype
the backbone runs in, so a probability is 0 only where float32 has none.

Dimension key: N traces, S steps, T tokens, C channels, O outputs of the head.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from surefoot.core.errors import ModelError
from surefoot.core.types import Kind, Problem, Step, StepScores, Trace
from surefoot.policy.local import fingerprint
from surefoot.verifiers.data import Example, batch_of, by_length
from surefoot.verifiers.formats.files import backbone, context_of, tokenizer_of
from surefoot.verifiers.formats.template import Template, read
from surefoot.verifiers.score import BATCH_TOKENS, LocalScorer

Judge = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""(ids [N, T], spans [N, S, 2]) -> scores [N, S]; the place of a step is its span's last id."""

PROBE = Trace(
    Problem("probe", "Ann has 3 apples and buys 4. How many has she?"),
    (Step("She has 3 + 4 = 7 apples."), Step("The answer is 7.")),
)


@dataclass(frozen=True, slots=True)
class Format:
    """One family of checkpoints.

    kind: of its scores. aggregation: from steps to a trace as published; None if nobody said.
    template: from the tokenizer; it looks up the ids it needs, once.
    head: from the checkpoint's folder and tokenizer; [.., C] -> [.., O].
    values: the head's outputs [.., O] in float32 -> scores [..].
    marker: text that ends a step and that no step may hold; None if the separator is white
      space added as ids, which a step may hold too.
    """

    name: str
    kind: Kind
    aggregation: str | None
    template: Callable[[Any], Template]
    head: Callable[[Path, Any], torch.nn.Module]
    values: Callable[[torch.Tensor], torch.Tensor]
    marker: str | None = None


def second_of_two(outputs_O: torch.Tensor) -> torch.Tensor:
    """P(class 1) of two classes: softmax over both, [.., 2] -> [..]."""
    return outputs_O.softmax(-1)[..., 1]


def load_format(form: Format, folder: Path, name: str, *, dtype: str, device: str) -> LocalScorer:
    """The scorer of a checkpoint of this family, after a self-test.

    Raises ModelError, saying what was expected, if the folder is not one.
    """
    tokenizer = tokenizer_of(folder)
    template = form.template(tokenizer)
    head = form.head(folder, tokenizer)
    model = backbone(folder, dtype=dtype, device=device)
    scorer = scorer_of(
        template,
        judge_at_places(model, head.to(model.device), form.values),
        kind=form.kind,
        name=name,
        context=context_of(folder),
        marker=form.marker,
        device=model.device,
        fingerprint=f"{fingerprint(str(folder))}|{form.name}|{model.dtype}",
        aggregation=form.aggregation,
    )
    return self_tested(scorer, form.name)


def judge_at_places(
    model: PreTrainedModel, head: torch.nn.Module, values: Callable[[torch.Tensor], torch.Tensor]
) -> Judge:
    """One forward pass; the head sees only the states at the places."""

    def judge(ids_NT: torch.Tensor, spans_NS2: torch.Tensor) -> torch.Tensor:
        states_NTC = model(input_ids=ids_NT, use_cache=False).last_hidden_state
        rows_N1 = torch.arange(len(ids_NT), device=ids_NT.device)[:, None]
        places_NS = (spans_NS2[..., 1] - 1).clamp(min=0)
        return values(head(states_NTC[rows_N1, places_NS].float()))

    return judge


def scorer_of(
    template: Template,
    judge: Judge,
    *,
    kind: Kind,
    name: str,
    context: int,
    marker: str | None,
    device: torch.device,
    fingerprint: str,
    aggregation: str | None,
) -> LocalScorer:
    """A scorer of a template and a judge: batches of similar length, padded on the right
    (which a causal model does not see), exactly one score a step."""

    @torch.inference_mode()
    def stream(traces: Sequence[Trace]) -> Iterator[tuple[int, StepScores]]:
        encoded = [read(template, trace, marker=marker, context=context) for trace in traces]
        examples = [Example(e, (None,) * len(e.ends_S), imitate=False) for e in encoded]
        for indices in by_length(examples, BATCH_TOKENS):
            batch = batch_of([examples[i] for i in indices], pad=0)
            scores_NS = judge(batch.ids_NT.to(device), batch.spans_NS2.to(device)).tolist()
            for i, row in zip(indices, scores_NS, strict=True):
                values = tuple(row[: len(encoded[i].ends_S)])
                yield i, StepScores(kind, values, name, len(encoded[i].ids))

    def complete(traces: Sequence[Trace]) -> list[StepScores]:
        scores = dict(stream(traces))
        return [scores[i] for i in range(len(traces))]

    return LocalScorer(stream, complete, fingerprint, aggregation, kind=kind)


def self_tested(scorer: LocalScorer, family: str) -> LocalScorer:
    """The scorer, if it gives a two-step example two finite scores."""
    [scores] = scorer([PROBE])
    if len(scores.values) != 2 or not all(map(math.isfinite, scores.values)):
        raise ModelError(
            f"a two-step example got the scores {scores.values} from {scores.by} read as "
            f"{family!r}; expected two finite numbers: is this the family of the checkpoint?"
        )
    return scorer
