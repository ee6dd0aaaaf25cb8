"""Implicit process reward models: EurusPRM and ImplicitPRM (arXiv:2412.01981).

    q_s   = beta * sum_{t <= end of step s} log( P(t | before) / P_ref(t | before) )
    score = q_s - q_{s-1}

P is the checkpoint, P_ref the model it was trained from; the sum starts with the first
step and a step's tokens include the blank line after it. Scores are differences, of kind
logratio, so their sum is the published cumulative value q_S. (The published routine finds the ends
of steps by counting tokens of re-rendered chats, which moves them where the blank line merges with
a full stop, and adds the end-of-turn token to the last step; here ends come from the text.)
"""

from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from surefoot.core.errors import ModelError
from surefoot.core.protocols import Steps
from surefoot.core.types import Kind, Problem
from surefoot.policy.local import fingerprint
from surefoot.steps.chat import chat_text
from surefoot.steps.encode import Encoded
from surefoot.verifiers.formats.files import backbone, context_of, folder_of, tokenizer_of
from surefoot.verifiers.formats.marked import PROBE, scorer_of, self_tested
from surefoot.verifiers.formats.math_shepherd import numbered
from surefoot.verifiers.formats.template import Template, encode_text
from surefoot.verifiers.score import LocalScorer

BETA = 0.001
REFERENCES = {
    "EurusPRM-Stage1": "Qwen/Qwen2.5-Math-7B-Instruct",
    "EurusPRM-Stage2": "Qwen/Qwen2.5-Math-7B-Instruct",
    "ImplicitPRM": "meta-llama/Llama-3.1-8B-Instruct",
}


def load_implicit(
    folder: Path,
    name: str,
    *,
    dtype: str,
    device: str,
    reference: str | None = None,
    beta: float = BETA,
) -> LocalScorer:
    """The scorer of a checkpoint and the reference it was trained from (a Hub name or folder).

    Cost: a forward pass of each. Raises ModelError if the reference is not known or cuts
    text into other tokens.
    """
    base = folder_of(reference or _reference_of(name))
    tokenizer = tokenizer_of(folder)
    template = implicit_template(tokenizer)
    probe = template(PROBE.problem, PROBE.steps)
    if implicit_template(tokenizer_of(base))(PROBE.problem, PROBE.steps).ids != probe.ids:
        raise ModelError(
            f"the tokenizer in {base} gives other ids than that of {name!r}; expected the model "
            "it was trained from as its reference"
        )
    model = backbone(folder, dtype=dtype, device=device, causal=True)
    other = backbone(base, dtype=dtype, device=device, causal=True)
    parts = (fingerprint(str(folder)), "implicit", fingerprint(str(base)), beta, model.dtype)
    scorer = scorer_of(
        template,
        partial(step_gains, model, other, beta),
        kind=Kind.LOGRATIO,
        name=name,
        context=context_of(folder),
        marker=None,
        device=model.device,
        fingerprint="|".join(map(str, parts)),
        aggregation="sum",
    )
    return self_tested(scorer, "implicit")


def _reference_of(name: str) -> str:
    for start, reference in REFERENCES.items():
        if Path(name).name.startswith(start):
            return reference
    raise ModelError(
        f"an implicit PRM is read against the model it was trained from, and that of {name!r} is "
        "not known; say family 'implicit:REFERENCE' with its Hub name or folder"
    )


def implicit_template(tokenizer: Any) -> Template:
    """Chat with the steps as the answer, numbered, a blank line between two."""

    def template(problem: Problem, steps: Steps) -> Encoded:
        message = {"role": "user", "content": problem.text}
        text = chat_text(tokenizer, [message])
        start, stops = len(text), []
        for number, step in enumerate(steps, start=1):
            text += numbered(step.text, number) + ("\n\n" if number < len(steps) else "")
            stops.append(len(text))
        return encode_text(tokenizer, text, start, stops)

    return template


def step_gains(
    model: PreTrainedModel,
    reference: PreTrainedModel,
    beta: float,
    ids_NT: torch.Tensor,
    spans_NS2: torch.Tensor,
) -> torch.Tensor:
    """[N, S] beta times each step's log-likelihood ratio."""
    gains_NT = beta * (logprobs(model, ids_NT) - logprobs(reference, ids_NT)).double()
    sums_NT = nn.functional.pad(gains_NT.cumsum(1), (1, 0))
    starts_NS, stops_NS = spans_NS2.unbind(-1)
    return sums_NT.gather(1, stops_NS) - sums_NT.gather(1, starts_NS)


def logprobs(model: PreTrainedModel, ids_NT: torch.Tensor) -> torch.Tensor:
    """[N, T] log P(token | before) in float32, 0 for the first; one trace's logits at a time."""
    states_NTC = model.base_model(input_ids=ids_NT, use_cache=False).last_hidden_state
    rows = []
    for ids_T, states_TC in zip(ids_NT, states_NTC, strict=True):
        logits_TV = model.get_output_embeddings()(states_TC[:-1]).float()
        chosen_T = logits_TV.gather(-1, ids_T[1:, None])[:, 0]
        rows.append(nn.functional.pad(chosen_T - logits_TV.logsumexp(-1), (1, 0)))
    return torch.stack(rows)
