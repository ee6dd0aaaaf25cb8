"""Our PRMTrainer computes what TRL 1.13.0's did, on flat rows with hard labels.

The golden figures are what `python tests/verifiers/trl_experiment.py` prints with the real
wheel; it says how. Tests against the wheel itself run where SUREFOOT_TRL names its folder.
"""

import dataclasses
import inspect
import os
import sys

import pytest

torch = pytest.importorskip("torch", reason="needs surefoot[models]")
datasets = pytest.importorskip("datasets", reason="needs surefoot[data]")

from trl_experiment import (  # noqa: E402
    FULL_BATCH,
    ROWS,
    TRL,
    labels_by_place,
    row_of,
    tokenizer,
    trained,
)

from surefoot.verifiers.trl import PRMConfig, PRMTrainer  # noqa: E402

needs_trl = pytest.mark.skipif(TRL is None, reason="SUREFOOT_TRL names no unpacked TRL 1.13.0")

GOLDEN_IDS = [
    "1 35 80 80 262 268 382 16 21 269 281 259 333 16 201 53 81 223 10 25 11 201 43 86 367 333 16 "
    "201",
    "1 36 81 68 262 266 393 16 201 20 269 266 259 293 16 201 53 81 293 16 201",
    "1 37 91 28 383 272 281 33 27 272 281 259 293 16 201 23 269 265 259 333 16 201",
    "1 38 75 28 352 223 17 266 33 26 223 17 266 259 268 16 201 21 16 201",
]
GOLDEN_LABELS = [{14: 1, 21: 1, 27: 1}, {20: 0}, {14: 1, 21: 0}, {16: 0, 19: 0}]  # place: label
GOLDEN_LOSSES = [0.8626013398170471, 0.7868398427963257, 0.791662871837616, 0.6744964122772217]
GOLDEN_DEFAULTS = {
    "learning_rate": 1e-05,
    "max_length": 1024,
    "max_completion_length": None,
    "disable_dropout": True,
    "step_separator": "\n",
    "train_on_last_step_only": False,
    "dataset_num_proc": None,
    "logging_steps": 10,
    "gradient_checkpointing": True,
    "bf16": None,
    "lr_scheduler_kwargs": None,
    "use_liger_kernel": False,
    "torch_empty_cache_steps": None,
}


@pytest.fixture(scope="module")
def trl():
    sys.path.insert(0, str(TRL))
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    prm = pytest.importorskip("trl.experimental.prm")
    sys.path.remove(str(TRL))
    return prm


def test_ids_and_labels_are_those_of_trl():
    words = tokenizer()
    rows = [row_of(PRMTrainer, row, words) for row in ROWS]
    assert [" ".join(map(str, row["input_ids"])) for row in rows] == GOLDEN_IDS
    assert [labels_by_place(row) for row in rows] == GOLDEN_LABELS


def test_losses_are_those_of_trl(tmp_path):
    losses, _ = trained(PRMTrainer, PRMConfig, tmp_path, **FULL_BATCH)
    assert losses == pytest.approx(GOLDEN_LOSSES, rel=1e-5)


def test_fields_and_defaults_are_those_of_trl():
    ours = {f.name: f.default for f in dataclasses.fields(PRMConfig)}
    assert {name: ours[name] for name in GOLDEN_DEFAULTS} == GOLDEN_DEFAULTS


def test_the_call_is_that_of_trl():
    names = list(inspect.signature(PRMTrainer.__init__).parameters)
    assert names == [
        "self", "model", "args", "data_collator", "train_dataset", "eval_dataset",
        "processing_class", "model_init", "compute_metrics", "callbacks", "optimizers",
        "preprocess_logits_for_metrics", "peft_config",
    ]  # fmt: skip


@needs_trl
def test_fields_and_call_against_the_wheel(trl):
    ours = {f.name: f.default for f in dataclasses.fields(PRMConfig)}
    theirs = {f.name: f.default for f in dataclasses.fields(trl.PRMConfig)}
    assert {name: ours[name] for name in theirs} == theirs
    for method in ("__init__", "tokenize_row"):
        ours, theirs = (
            [(p.name, p.kind, p.default) for p in inspect.signature(f).parameters.values()]
            for f in (getattr(PRMTrainer, method), getattr(trl.PRMTrainer, method))
        )
        assert ours == theirs


@needs_trl
@pytest.mark.parametrize("separator", ["\n", "\n\n", " ки", "<extra_0>"])
@pytest.mark.parametrize(("last_only", "is_eval"), [(False, False), (True, False), (True, True)])
def test_rows_against_the_wheel(trl, separator, last_only, is_eval):
    words = tokenizer()
    more = {"step_separator": separator, "train_on_last_step_only": last_only, "is_eval": is_eval}
    for row in ROWS:
        assert row_of(PRMTrainer, row, words, **more) == row_of(trl.PRMTrainer, row, words, **more)


@needs_trl
@pytest.mark.parametrize("limit", range(8, 40))
def test_what_truncation_leaves_of_the_labels_is_the_same(trl, limit):
    """TRL also keeps half of the next step, which no label sees in a causal model."""
    words = tokenizer()
    ours = row_of(PRMTrainer, ROWS[0], words, max_length=limit)
    theirs = row_of(trl.PRMTrainer, ROWS[0], words, max_length=limit)
    length = len(ours["labels"])
    assert theirs["input_ids"][:length] == ours["input_ids"][: len(theirs["input_ids"])]
    assert theirs["labels"][:length] == ours["labels"][: len(theirs["labels"])]
    assert set(theirs["labels"][length:]) <= {-100}


@needs_trl
def test_training_against_the_wheel(trl, tmp_path):
    """Shuffled small batches: the same losses and the same weights. (Adam would magnify noise.)"""
    more = {"per_device_train_batch_size": 2, "num_train_epochs": 3, "learning_rate": 1e-2}
    more |= {"optim": "sgd"}
    losses, weights = trained(PRMTrainer, PRMConfig, tmp_path, **more)
    their_losses, their_weights = trained(trl.PRMTrainer, trl.PRMConfig, tmp_path, **more)
    assert losses == pytest.approx(their_losses, rel=1e-5)
    assert torch.allclose(weights, their_weights, atol=1e-6)


@needs_trl
def test_the_wheel_multiplies_accumulated_gradients(trl, tmp_path):
    """Four micro-batches of one row: TRL reports (and descends) the sum of their losses."""
    one = {"max_steps": 1, "per_device_train_batch_size": 1, "gradient_accumulation_steps": 4}
    whole, _ = trained(trl.PRMTrainer, trl.PRMConfig, tmp_path, **FULL_BATCH)
    theirs, _ = trained(trl.PRMTrainer, trl.PRMConfig, tmp_path, **one)
    ours, _ = trained(PRMTrainer, PRMConfig, tmp_path, **one)
    assert theirs[0] > 3 * whole[0]
    assert ours[0] == pytest.approx(whole[0], rel=1e-5)
