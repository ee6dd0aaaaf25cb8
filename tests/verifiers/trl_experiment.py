"""One small experiment for TRL's PRMTrainer and for ours. Run by itself, it prints TRL's figures:

pip download trl==1.13.0 --no-deps -d /tmp/trl && unzip -q /tmp/trl/*.whl -d /tmp/trl
SUREFOOT_TRL=/tmp/trl python tests/verifiers/trl_experiment.py
"""

import dataclasses
import os
import sys
import tempfile

import datasets
import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForTokenClassification

from surefoot.policy.local import PEBBLE

TRL = os.environ.get("SUREFOOT_TRL")

ROWS = [
    {
        "prompt": "Ann has 3 apples.",
        "completions": ["3 + 4 = 7.", "So (7)", "It is 7."],
        "labels": [True, True, True],
    },
    {"prompt": "Bob has 2 pens.\n", "completions": ["2 + 2 = 5.\nSo 5."], "labels": [False]},
    {"prompt": "Cy: 9 - 4?", "completions": ["9 - 4 = 5.", "5 + 1 = 7."], "labels": [True, False]},
    {"prompt": "Di: 8 / 2?", "completions": ["8 / 2 = 3.", "3."], "labels": [False, False]},
]


def tokenizer():
    return AutoTokenizer.from_pretrained(PEBBLE / "policy")


def classifier(words):
    """A Llama of 2 layers whose weights are a formula: no version draws other numbers."""
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=256,
        num_labels=2,
        pad_token_id=words.pad_token_id,
    )
    model = LlamaForTokenClassification(config)
    with torch.no_grad():
        for number, parameter in enumerate(model.parameters()):
            places = torch.arange(parameter.numel(), dtype=torch.float64)
            waves = torch.sin(places * (1 + number) * 0.7390851).view_as(parameter)
            parameter.copy_(0.3 * waves + (parameter.ndim == 1))
    return model


def settings(config, folder, **more):
    return config(
        output_dir=str(folder),
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        report_to="none",
        disable_tqdm=True,
        logging_steps=1,
        seed=3,
        **{"save_strategy": "no", **more},
    )


def trained(trainer, config, folder, rows=ROWS, **more):
    """(losses of each update, weights at the end)."""
    words = tokenizer()
    model = classifier(words)
    run = trainer(
        model=model,
        args=settings(config, folder, **more),
        train_dataset=datasets.Dataset.from_list(rows),
        processing_class=words,
    )
    run.train()
    losses = [row["loss"] for row in run.state.log_history if "loss" in row]
    return losses, torch.cat([p.detach().flatten() for p in model.parameters()])


FULL_BATCH = {"per_device_train_batch_size": 4, "max_steps": 4, "learning_rate": 1e-2}


def row_of(trainer, row, words, **more):
    limits = {"max_length": None, "max_completion_length": None, "train_on_last_step_only": False}
    limits |= {"step_separator": "\n", "is_eval": False, **more}
    return trainer.tokenize_row(row, words, **limits)


def labels_by_place(row):
    return {place: label for place, label in enumerate(row["labels"]) if label != -100}


if __name__ == "__main__":
    sys.path.insert(0, str(TRL))
    import trl.experimental.prm as prm

    words = tokenizer()
    rows = [row_of(prm.PRMTrainer, row, words) for row in ROWS]
    print("GOLDEN_IDS =", [" ".join(map(str, row["input_ids"])) for row in rows])
    print("GOLDEN_LABELS =", [labels_by_place(row) for row in rows])
    with tempfile.TemporaryDirectory() as folder:
        losses, _ = trained(prm.PRMTrainer, prm.PRMConfig, folder, **FULL_BATCH)
    print("GOLDEN_LOSSES =", losses)
    names = [*prm.PRMConfig.__annotations__, *prm.PRMConfig.__mro__[1].__annotations__]
    theirs = {f.name: f.default for f in dataclasses.fields(prm.PRMConfig)}
    print("GOLDEN_DEFAULTS =", {name: theirs[name] for name in names})
