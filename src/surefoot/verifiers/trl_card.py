"""The README of a checkpoint of our `PRMTrainer`: what it is, and how either library reads it."""

import json
from collections.abc import Iterable

from surefoot.verifiers.checkpoint import Card

TAGS = ("surefoot", "prm", "process-reward-model")

BODY = """# {name}

A process reward model made with Surefoot's `PRMTrainer`: one score per step, P(label 1), of
kind `{kind}`.

| | |
|---|---|
| trained on | {data} |
| a step ends with | `{separator}`, whose ids are appended to those of the step |
| from steps to a solution | {aggregation} |
| encoder | `{encoder}` |
{metrics}
With Surefoot, which computes the ids as they were in training:

```python
from surefoot.verifiers import load_scorer
[scores] = load_scorer("PATH")([trace])          # scores.values: one per step
```

With transformers alone, encode prompt, steps and separator one by one: in a joined text many
tokenizers merge tokens across steps, and scores are then read at the wrong places. `problem` is a
text, `steps` a list of texts.

```python
import torch
from transformers import AutoModelForTokenClassification, AutoTokenizer
model = AutoModelForTokenClassification.from_pretrained("PATH").eval()
tokenizer = AutoTokenizer.from_pretrained("PATH")
def ids_of(text):
    return tokenizer(text, add_special_tokens=False)["input_ids"]
begin = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
ids, places = [*begin, *ids_of(problem)], []
for step in steps:
    ids += [*ids_of(step), *ids_of({separator})]
    places.append(len(ids) - 1)
scores = model(torch.tensor([ids])).logits[0, places].softmax(-1)[:, 1]
```
"""


def model_card(card: Card, base: str = "", tags: Iterable[str] = ()) -> str:
    """The README. base: the Hub name of the model that was trained further; "" if it has none."""
    head = ["library_name: transformers", "pipeline_tag: token-classification"]
    head += [f"base_model: {base}"] if base else []
    head += ["tags:", *(f"- {tag}" for tag in dict.fromkeys((*TAGS, *tags)))]
    body = BODY.format(
        name=card.name,
        kind=card.kind,
        data=card.trained_on or "not stated",
        separator=json.dumps(card.separator),
        aggregation=card.aggregation or "not stated; by kind",
        encoder=card.encoder,
        metrics="".join(f"| {name} | {value:.4g} |\n" for name, value in card.metrics.items()),
    )
    return "\n".join(("---", *head, "---", "", body))
