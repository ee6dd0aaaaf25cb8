"""VersaPRM and its parents Llama-PRM800K and Qwen-PRM800K (UW-Madison, arXiv:2502.06737).

    problem " \\n\\n" step_1 " \\n\\n\\n\\n" step_2 " \\n\\n\\n\\n" ...

    score = softmax( logit("-"), logit("+") )["+"]   at each " \\n\\n\\n\\n", which is one token

The blank before the line breaks keeps a full stop from merging with them, but blanks do
merge, so a step's own at its ends are left out (23 of ProcessBench's 3,400 solutions have
some; the published routine, which searches for the separator's id, misses their scores).
Published aggregation: min.
"""

from typing import Any

from surefoot.core.protocols import Steps
from surefoot.core.types import Kind, Problem
from surefoot.steps.encode import Encoded
from surefoot.verifiers.formats.marked import Format, second_of_two
from surefoot.verifiers.formats.math_shepherd import signs
from surefoot.verifiers.formats.template import Template, encode_text, only_id

MARKER = " \n\n\n\n"


def versa_template(tokenizer: Any) -> Template:
    """Plain text after the begin token, if the tokenizer has one."""
    marker = only_id(tokenizer, MARKER)
    begin = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]

    def template(problem: Problem, steps: Steps) -> Encoded:
        text = problem.text + " \n\n"
        start, stops = len(text), []
        for step in steps:
            text += step.text.strip() + MARKER
            stops.append(len(text))
        return encode_text(tokenizer, text, start, stops, begin=begin, marker=marker)

    return template


VERSA_PRM = Format(
    name="versa-prm",
    kind=Kind.CORRECTNESS,
    aggregation="min",
    template=versa_template,
    head=signs,
    values=second_of_two,
    marker=MARKER,
)
