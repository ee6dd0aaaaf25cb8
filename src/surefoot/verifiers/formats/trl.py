"""Checkpoints of TRL's PRMTrainer, and PURE's, which are of the same make (arXiv:2504.15275);
also those of our own (`verifiers.trl`).

    [bos] ids(problem)  ids(step_1) ids(separator)  ids(step_2) ids(separator) ...

    score = softmax( W h + b )[1]   at the last id of each separator

Tokenizing the joined text instead, as TRL's own example does, merges separators into
steps (one of five survived with SmolLM2; 4 points of ProcessBench F1). The separator is
not stored in a checkpoint (but in the card of ours): it is "\\n" by TRL's default and "\\n\\n" for
PURE. PURE reports p_1 - p_0 with threshold 0, which is 2 p - 1 of the score here with 1/2.
"""

from pathlib import Path
from typing import Any

import torch

from surefoot.core.protocols import Steps
from surefoot.core.types import Kind, Problem
from surefoot.steps.encode import Encoded, Encoder
from surefoot.verifiers.formats.files import linear_of
from surefoot.verifiers.formats.marked import Format, second_of_two
from surefoot.verifiers.formats.template import Template, encode_pieces, ids_of


def trl_format(name: str, separator: str, aggregation: str | None = None) -> Format:
    """The family of token classifiers trained with this separator."""

    def build(tokenizer: Any) -> Template:
        begin = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
        end = ids_of(tokenizer, separator)

        def template(problem: Problem, steps: Steps) -> Encoded:
            prompt = [*begin, *ids_of(tokenizer, problem.text)]
            return encode_pieces(prompt, ([*ids_of(tokenizer, s.text), *end] for s in steps))

        return template

    return Format(
        name=name,
        kind=Kind.CORRECTNESS,
        aggregation=aggregation,
        template=build,
        head=classifier,
        values=second_of_two,
    )


def encoder_print(tokenizer: Any, separator: str) -> str:
    """Changes when the ids of this family would; stored in the cards of our own checkpoints."""
    template = trl_format("trl", separator).template(tokenizer)
    return Encoder(tokenizer, lambda p: [*template(p, ()).ids], separator).fingerprint()


def classifier(folder: Path, _tokenizer: Any) -> torch.nn.Module:
    """The head: Linear(C, 2)."""
    return linear_of(folder, "score", 2)


TRL = trl_format("trl", "\n")
PURE = trl_format("pure", "\n\n", "min")
