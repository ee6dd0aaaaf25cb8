"""Math-Shepherd's PRM (peiyi9979/math-shepherd-mistral-7b-prm, arXiv:2312.08935).

    problem Step 1: ... ки\\nStep 2: ... ки

    score = softmax( logit("+"), logit("-") )["+"]   at each ки

The labels were "some rollout succeeds", so a score is nearer to a value than to
correctness, but the paper reads and aggregates it as correctness: by the minimum.
"""

import re
from pathlib import Path
from typing import Any

import torch

from surefoot.core.protocols import Steps
from surefoot.core.types import Kind, Problem
from surefoot.steps.encode import Encoded
from surefoot.verifiers.formats.files import token_rows
from surefoot.verifiers.formats.marked import Format, second_of_two
from surefoot.verifiers.formats.template import Template, encode_text, only_id

MARKER = "ки"
NUMBERED = re.compile(r"step\s*\d+\s*:", re.IGNORECASE)


def numbered(step: str, number: int) -> str:
    """The step with its "Step i:", which it keeps if it has one already."""
    return step if NUMBERED.match(step) else f"Step {number}: {step}"


def shepherd_template(tokenizer: Any) -> Template:
    """Plain text, steps numbered from 1 and each followed by a space and the marker."""
    marker = only_id(tokenizer, MARKER)
    begin = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]

    def template(problem: Problem, steps: Steps) -> Encoded:
        text = problem.text + " "
        start, stops = len(text), []
        for number, step in enumerate(steps, start=1):
            text += f"{numbered(step.text.strip(), number)} {MARKER}"
            stops.append(len(text))
            text += "\n"
        return encode_text(tokenizer, text, start, stops, begin=begin, marker=marker)

    return template


def signs(folder: Path, tokenizer: Any) -> torch.nn.Module:
    """The language model's logits of the two signs, the wrong one first."""
    return token_rows(folder, [only_id(tokenizer, "-"), only_id(tokenizer, "+")])


MATH_SHEPHERD = Format(
    name="math-shepherd",
    kind=Kind.CORRECTNESS,
    aggregation="min",
    template=shepherd_template,
    head=signs,
    values=second_of_two,
    marker=MARKER,
)
