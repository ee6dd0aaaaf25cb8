"""A language model's own + and - as scores (Math-Shepherd, arXiv:2312.08935; RLHFlow).

    L = -mean_t [ y_t log P(+ | ids up to t) + (1 - y_t) log P(- | ids up to t) ]
    score_t = P(+) / ( P(+) + P(-) )

P is over the whole vocabulary, as in plain fine-tuning on the sign, and there is no head: the
result is a language model like any other. It is read where it is trained, at the last token
of the step (or of the marker) whose *next* token would be the sign; the sign itself is never
in the ids. Soft labels are mixtures. A model that knows nothing has L = ln V.

`next_token(template)` trains in the words of a family in `verifiers/formats`, so that its
published checkpoints can be trained further and be read again as that family.

Dimension key: N traces, S steps.
"""

from collections.abc import Callable
from typing import Any

import torch

from surefoot.core.errors import ModelError
from surefoot.core.protocols import Steps
from surefoot.core.types import Problem
from surefoot.steps.encode import Encoded, Encoder
from surefoot.verifiers.data import View, whole
from surefoot.verifiers.formats.template import Template, ids_of
from surefoot.verifiers.kinds.prm import labelled_steps
from surefoot.verifiers.losses import word_loss
from surefoot.verifiers.network import Batch, WordsNetwork
from surefoot.verifiers.objective import Build, Objective

SIGNS = ("-", "+")


def word_ids(tokenizer: Any, *words: tuple[str, str]) -> tuple[int, int]:
    """The first ids of "no" and "yes", of the first pair of words that they tell apart.

    Raises ModelError if none does.
    """
    for no, yes in words:
        firsts = (ids_of(tokenizer, no)[:1], ids_of(tokenizer, yes)[:1])
        if all(firsts) and firsts[0] != firsts[1]:
            return firsts[0][0], firsts[1][0]
    raise ModelError(
        f"the first tokens of the words {words} are the same for this tokenizer, so their "
        "probabilities are too; pass other words"
    )


def spoken(*words: tuple[str, str]) -> Build:
    """The network that says one of two words."""
    return lambda base, tokenizer, _: WordsNetwork(base, word_ids(tokenizer, *words))


def said(logprobs_NS2: torch.Tensor, batch: Batch) -> torch.Tensor:
    """The loss at the top."""
    return word_loss(logprobs_NS2, batch.targets_NS)


def chance_of_yes(logprobs_NS2: torch.Tensor) -> torch.Tensor:
    """P(yes) / (P(yes) + P(no)), from the difference of their logs."""
    return (logprobs_NS2[..., 1] - logprobs_NS2[..., 0]).float().sigmoid()


def in_template(template_of: Callable[[Any], Template]) -> Callable[[Encoder], View]:
    """The words of a family of checkpoints instead of our encoder's; whole steps are dropped
    from the end of what is longer than the encoder allows. Raises ModelError if none is left."""

    def view_of(encoder: Encoder) -> View:
        template = template_of(encoder.tokenizer)

        def view(problem: Problem, steps: Steps) -> list[Encoded]:
            for count in range(len(steps), 0, -1):
                e = template(problem, steps[:count])
                if len(e.ids) <= encoder.max_tokens:
                    return [Encoded(e.ids, e.start, e.ends_S, len(steps) - count)]
            raise ModelError(
                f"problem {problem.id!r} and its first step are longer than the model's "
                f"{encoder.max_tokens} tokens; shorten it or use a longer context"
            )

        return view

    return view_of


def next_token(
    template_of: Callable[[Any], Template] | None = None, words: tuple[str, str] = SIGNS
) -> Objective:
    """The objective; words: for wrong and right."""
    return Objective(
        name="next-token-in-template" if template_of else "next-token",
        build=spoken(words),
        view=in_template(template_of) if template_of else whole,
        examples=labelled_steps,
        loss=said,
        read=chance_of_yes,
        kind=None,
    )


NEXT_TOKEN = next_token()
