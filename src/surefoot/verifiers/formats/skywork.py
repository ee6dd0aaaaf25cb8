"""Skywork-o1-Open-PRM-Qwen-2.5 (1.5B, 7B): a value head on concatenated ids.

    ids( bos + problem + "\\n" )  ids(step_1) id("\\n")  ids(step_2) id("\\n") ...

    score = sigmoid( w . h + b )   at each id("\\n") that was appended

`v_head.summary` of the checkpoint is (w, b). A step may hold line breaks of its own: places
are counted, not searched. Nobody published an aggregation.
"""

from pathlib import Path
from typing import Any

import torch

from surefoot.core.errors import ModelError
from surefoot.core.protocols import Steps
from surefoot.core.types import Kind, Problem
from surefoot.steps.encode import Encoded
from surefoot.verifiers.formats.files import linear_of
from surefoot.verifiers.formats.marked import Format
from surefoot.verifiers.formats.template import Template, encode_pieces, ids_of, only_id

SEPARATOR = "\n"


def skywork_template(tokenizer: Any) -> Template:
    """Pieces; the tokenizer's begin token comes first."""
    begin = tokenizer.bos_token
    if begin is None:
        raise ModelError(
            "Skywork's prompt begins with the tokenizer's begin token, and this tokenizer has "
            "none; put back the tokenizer files the checkpoint was published with"
        )
    separator = only_id(tokenizer, SEPARATOR)

    def template(problem: Problem, steps: Steps) -> Encoded:
        prompt = ids_of(tokenizer, f"{begin}{problem.text}\n")
        return encode_pieces(prompt, ([*ids_of(tokenizer, s.text), separator] for s in steps))

    return template


def value_head(folder: Path, _tokenizer: Any) -> torch.nn.Module:
    """The head: Linear(C, 1); its dropout is for training."""
    return linear_of(folder, "v_head.summary", 1)


def probability(outputs_O: torch.Tensor) -> torch.Tensor:
    """sigmoid of the one output, [.., 1] -> [..]."""
    return outputs_O[..., 0].sigmoid()


SKYWORK = Format(
    name="skywork",
    kind=Kind.CORRECTNESS,
    aggregation=None,
    template=skywork_template,
    head=value_head,
    values=probability,
)
