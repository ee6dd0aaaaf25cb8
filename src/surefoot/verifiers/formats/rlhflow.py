"""RLHFlow's Llama3.1-8B-PRM (Mistral- and Deepseek-Data): a conversation about the steps.

    user: problem step_1   assistant: +   user: step_2   assistant: +   ...

    score = softmax( logit("+"), logit("-") )["+"]   at the token before each sign

The published script asks once for each prefix, always with "+" as the history, so one
pass over the whole conversation gives the same scores. (PRMBench takes a softmax over
the whole vocabulary at the same place, which is another number.) The chat template's date is
pinned: a score must not depend on the day. Published aggregation: mean.
"""

from typing import Any

from surefoot.core.errors import ModelError
from surefoot.core.protocols import Steps
from surefoot.core.types import Kind, Problem
from surefoot.steps.chat import chat_text
from surefoot.steps.encode import Encoded
from surefoot.verifiers.formats.marked import Format, second_of_two
from surefoot.verifiers.formats.math_shepherd import signs
from surefoot.verifiers.formats.template import Template, encode_text

DATE = "26 Jul 2024"  # the default of Llama 3.1's template


def rlhflow_template(tokenizer: Any) -> Template:
    """Growing chats; a place is where the assistant is about to give its sign."""

    def template(problem: Problem, steps: Steps) -> Encoded:
        messages: list[dict[str, str]] = []
        texts = []
        for step in steps:
            before = "" if messages else problem.text + " "
            messages.append({"role": "user", "content": before + step.text})
            texts.append(chat_text(tokenizer, messages, date=DATE))
            messages.append({"role": "assistant", "content": "+"})
        whole = texts[-1]
        if not all(map(whole.startswith, texts)):
            raise ModelError(
                "the checkpoint's chat template rewrites earlier turns, so scores of a prefix "
                "would depend on what follows; put back the template it was published with"
            )
        return encode_text(tokenizer, whole, 0, [len(text) for text in texts])

    return template


RLHFLOW = Format(
    name="rlhflow",
    kind=Kind.CORRECTNESS,
    aggregation="mean",
    template=rlhflow_template,
    head=signs,
    values=second_of_two,
)
