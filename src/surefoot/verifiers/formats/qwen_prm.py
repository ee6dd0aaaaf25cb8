"""Qwen2.5-Math-PRM (7B, 72B, 7B-PRM800K; arXiv:2501.07301), and ReasonFlux-PRM-7B, which
is the same without a system message of its own (arXiv:2506.18896).

    <chat: system, problem, assistant> step_1 <extra_0> step_2 <extra_0> ...

    score = softmax( W_2 relu(W_1 h + b_1) + b_2 )[1]   at each <extra_0>

`score.0` and `score.2` of the checkpoint are W_1 and W_2; its own code is not needed. The
card's routine keeps "probabilities that are not 0", which drops one that underflows
and shifts all after it; here a step is its place. Published aggregation: product.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from surefoot.core.protocols import Steps
from surefoot.core.types import Kind, Problem
from surefoot.steps.chat import chat_text
from surefoot.steps.encode import Encoded
from surefoot.verifiers.formats.files import linear_of
from surefoot.verifiers.formats.marked import Format, second_of_two
from surefoot.verifiers.formats.template import Template, encode_text, only_id

MARKER = "<extra_0>"
SYSTEM = r"Please reason step by step, and put your final answer within \boxed{}."


def qwen_template(tokenizer: Any, *, system: str | None = SYSTEM) -> Template:
    """Chat with this system message (None: the chat template's own); a marker ends each step."""
    marker = only_id(tokenizer, MARKER)
    before = [] if system is None else [{"role": "system", "content": system}]

    def template(problem: Problem, steps: Steps) -> Encoded:
        messages = [*before, {"role": "user", "content": problem.text}]
        text = chat_text(tokenizer, messages)
        start, stops = len(text), []
        for step in steps:
            text += step.text + MARKER
            stops.append(len(text))
        return encode_text(tokenizer, text, start, stops, marker=marker)

    return template


def two_layers(folder: Path, _tokenizer: Any) -> torch.nn.Module:
    """The head: Linear(C, C), ReLU, Linear(C, 2)."""
    last = linear_of(folder, "score.2", 2)
    return torch.nn.Sequential(
        linear_of(folder, "score.0", last.in_features), torch.nn.ReLU(), last
    )


QWEN_PRM = Format(
    name="qwen-prm",
    kind=Kind.CORRECTNESS,
    aggregation="product",
    template=qwen_template,
    head=two_layers,
    values=second_of_two,
    marker=MARKER,
)
REASON_FLUX = replace(
    QWEN_PRM,
    name="reason-flux",
    aggregation=None,
    template=partial(qwen_template, system=None),
)
