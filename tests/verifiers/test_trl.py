"""Our PRMTrainer where TRL's went wrong, and what it leaves on disk. (Where both agree: parity.)"""

import json
import logging
import math

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs surefoot[models]")
datasets = pytest.importorskip("datasets", reason="needs surefoot[data]")

from transformers import (  # noqa: E402
    AutoModelForTokenClassification,
    AutoTokenizer,
    DataCollatorForTokenClassification,
    EvalPrediction,
    HfArgumentParser,
)
from transformers.trainer_pt_utils import LabelSmoother  # noqa: E402
from trl_experiment import ROWS, classifier, settings, tokenizer, trained  # noqa: E402

from surefoot.core.errors import InputError, ModelError  # noqa: E402
from surefoot.core.kinds import aggregate  # noqa: E402
from surefoot.core.types import Kind, Problem, Step, Trace  # noqa: E402
from surefoot.steps.encode import Encoded  # noqa: E402
from surefoot.verifiers import load_scorer  # noqa: E402
from surefoot.verifiers.formats.trl import trl_format  # noqa: E402
from surefoot.verifiers.trl import (  # noqa: E402
    PRMConfig,
    PRMTrainer,
    StepCollator,
    compute_accuracy,
    step_cross_entropy,
)
from surefoot.verifiers.trl_rows import RowEncoder, fitting  # noqa: E402

SOFT = [
    {"prompt": "p?", "completions": ["a.", "b.", "c.", "d."], "labels": [0.9375, 0.5, 0.25, 1.0]}
]


@pytest.fixture(scope="module")
def words():
    return tokenizer()


@pytest.fixture
def trainer(tmp_path, words):
    """Makes a trainer of the small classifier."""

    def make(rows=ROWS, eval_dataset=None, model=None, collator=None, **more):
        return PRMTrainer(
            model=model or classifier(words),
            args=settings(PRMConfig, tmp_path / "out", **more),
            data_collator=collator,
            train_dataset=rows,
            eval_dataset=eval_dataset,
            processing_class=words,
        )

    return make


def known(labels):
    return [label for label in labels if label != -100]


# --- labels ----------------------------------------------------------------


@pytest.mark.parametrize("given", [list, datasets.Dataset.from_list])
def test_soft_labels_are_kept_from_row_to_batch(trainer, given):
    """TRL: int(0.9375) == 0, so all but certain labels became "wrong"."""
    run = trainer(given(SOFT))
    batch = next(iter(run.get_train_dataloader()))
    assert known(batch["labels"][0].tolist()) == SOFT[0]["labels"]
    assert run.accounts["train"].soft == 3


def test_soft_loss_by_hand():
    """Two steps, logits (0, ln 3) and (0, 0): p = 3/4 and 1/2, labels 1/4 and 1."""
    logits = torch.tensor([[[0.0, math.log(3)], [9.0, -9.0], [0.0, 0.0]]])
    labels = torch.tensor([[0.25, -100.0, 1.0]])
    expected = (-(0.25 * math.log(0.75) + 0.75 * math.log(0.25)) + math.log(2)) / 2
    assert step_cross_entropy({"logits": logits}, labels).item() == pytest.approx(expected)


def test_a_collator_that_casts_soft_labels_is_refused(trainer, words):
    words.pad_token = words.pad_token or words.eos_token
    with pytest.raises(InputError, match=r"turns a label of 0\.25 into 0\.0"):
        trainer(SOFT, collator=DataCollatorForTokenClassification(words))
    trainer(ROWS, collator=DataCollatorForTokenClassification(words))  # hard labels survive it


def test_a_column_of_bools_does_not_swallow_unknown_steps(trainer):
    """TRL#2127: -100 became True. Here an unlabelled step is None, in a column of bools too."""
    rows = [{"prompt": "p?", "completions": ["a.", "b."], "labels": [True, None]}]
    run = trainer(datasets.Dataset.from_list(rows))
    labels = run.train_dataset[0]["labels"]
    assert known(labels) == [1.0]
    assert len(labels) == len(run.train_dataset[0]["input_ids"])


@pytest.mark.parametrize(
    ("change", "words_of_it"),
    [
        ({"labels": [True, -100]}, r"row 1: field 'labels\[1\]'.*null"),
        ({"labels": [True]}, r"row 1: field 'labels' has 1 entries for 2 completions"),
        ({"completions": [], "labels": []}, "row 1: field 'completions' is empty"),
        ({"prompt": None}, "row 1: field 'prompt'"),
    ],
)
def test_a_bad_row_is_named(trainer, change, words_of_it):
    good = {"prompt": "p?", "completions": ["a.", "b."], "labels": [True, False]}
    with pytest.raises(InputError, match=words_of_it):
        trainer([good, {**good, **change}])


def test_smoothing_is_that_of_transformers():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 3, 2, generator=generator)
    labels = torch.tensor([[1, -100, 0], [0, 1, -100]])
    theirs = LabelSmoother(epsilon=0.2)({"logits": logits}, labels)
    ours = step_cross_entropy({"logits": logits}, labels.float(), smoothing=0.2)
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-6)


# --- truncation ------------------------------------------------------------


def test_truncation_is_at_step_borders_and_counted(trainer, caplog):
    with caplog.at_level(logging.WARNING):
        run = trainer(ROWS, max_length=22)  # row 0 has steps that end at 15, 22 and 28
    account = run.accounts["train"]
    assert (account.steps, account.dropped, account.left_out) == (8, 1, 0)
    assert "1 steps beyond the length limits" in caplog.text
    assert len(run.train_dataset[0]["input_ids"]) == 22


def test_a_completion_limit_counts_from_the_end_of_the_prompt(trainer):
    run = trainer(ROWS, max_completion_length=14)  # row 0: the prompt has 8 ids
    assert len(run.train_dataset[0]["input_ids"]) == 22


def test_nothing_lost_is_no_warning(trainer, caplog):
    with caplog.at_level(logging.WARNING, logger="surefoot"):
        trainer(ROWS)
    assert not caplog.text


def test_the_last_step_cut_off_takes_its_row_along(trainer):
    """TRL: train_on_last_step_only and truncation left rows without any label, in the mean."""
    run = trainer(ROWS, max_length=21, train_on_last_step_only=True)
    account = run.accounts["train"]
    assert (account.rows, account.left_out, account.labelled) == (4, 2, 2)
    assert len(run.train_dataset) == 2


@pytest.mark.parametrize("given", [list, datasets.Dataset.from_list])
def test_all_labels_cut_off_is_an_error(trainer, given):
    """TRL: loss 0.0, no warning, and the training "succeeds"."""
    with pytest.raises(InputError, match="no label is left of 4 rows with 8 steps, of which 8 end"):
        trainer(given(ROWS), max_length=9)


def test_a_batch_without_labels_has_no_loss():
    with pytest.raises(ValueError, match="none of 2 steps has a target"):
        step_cross_entropy({"logits": torch.zeros(1, 2, 2)}, torch.full((1, 2), -100.0))


def test_fitting_by_hand():
    whole = Encoded(tuple(range(10)), 3, (4, 7, 9), 0)
    assert fitting(whole, None) == fitting(whole, 10) == whole
    assert fitting(whole, 9) == Encoded(tuple(range(8)), 3, (4, 7), 1)
    assert fitting(whole, 5) == Encoded(tuple(range(5)), 3, (4,), 2)
    assert fitting(whole, 4) == Encoded((0, 1, 2), 3, (), 3)


# --- ids -------------------------------------------------------------------


def test_labels_stand_where_scores_are_read(words):
    """One template for both; tokens of a joined text would merge with the separator."""
    row = {"prompt": "p? ", "completions": ["a.", "\nb", " c"], "labels": [1.0, 0.5, 0.25]}
    template = trl_format("trl", "\n").template(words)
    encoded = template(Problem("p", "p? "), tuple(map(Step, row["completions"])))
    trained_on = RowEncoder(template)(row, 0)
    assert trained_on["input_ids"] == list(encoded.ids)
    assert [trained_on["labels"][end] for end in encoded.ends_S] == row["labels"]


def test_padding_changes_nothing(words):
    """Whatever the tokenizer's padding side or pad id."""
    model = classifier(words).eval()
    rows = [PRMTrainer.tokenize_row(r, words, "\n", None, None, False, False) for r in ROWS]

    def loss(batch):
        labels = batch.pop("labels")
        return step_cross_entropy(model(**batch), labels, num_items_in_batch=8).item()

    apart = sum(loss(StepCollator(0)([row])) for row in rows)
    for pad in (0, 5):
        assert loss(StepCollator(pad)(rows)) == pytest.approx(apart, rel=1e-5)


def test_a_separator_without_ids_is_refused(trainer):
    with pytest.raises(InputError, match="makes no token of step_separator ''"):
        trainer(ROWS, step_separator="")


# --- training --------------------------------------------------------------


def test_accumulation_changes_neither_loss_nor_weights(tmp_path):
    """TRL: k micro-batches were k times the loss and the gradient. Rows have 3, 1, 2, 2 labels."""
    whole = {"max_steps": 3, "learning_rate": 1e-2, "optim": "sgd"}
    losses, weights = trained(
        PRMTrainer, PRMConfig, tmp_path, per_device_train_batch_size=4, **whole
    )
    parts = {"per_device_train_batch_size": 1, "gradient_accumulation_steps": 4}
    part_losses, part_weights = trained(PRMTrainer, PRMConfig, tmp_path, **whole, **parts)
    assert part_losses == pytest.approx(losses, rel=1e-5)
    assert torch.allclose(part_weights, weights, atol=1e-6)


def test_accuracy_by_hand():
    """Padding and undecided labels do not count, and nothing is shifted."""
    up, down = [0.0, 1.0], [1.0, 0.0]
    logits = np.array([[up, up, down, up], [down, up, up, down]])
    labels = np.array([[-100, 1.0, 0.0, 0.5], [1.0, 0.75, -100, -100]])
    assert compute_accuracy(EvalPrediction(logits, labels)) == {"accuracy": 3 / 4}
    assert compute_accuracy(EvalPrediction(logits, np.full((2, 4), -100.0))) == {}


def test_accuracy_of_a_trainer_counts_every_labelled_step(trainer, words):
    """Batches of other lengths, padded and gathered: the same as one row at a time."""
    run = trainer(ROWS, eval_dataset=ROWS, per_device_eval_batch_size=3)
    right = []
    for row in run.eval_dataset:
        logits = run.model(torch.tensor([row["input_ids"]])).logits[0]
        labels = torch.tensor(row["labels"])
        chosen = logits.argmax(-1)[labels != -100]
        right += (chosen == labels[labels != -100]).tolist()
    assert len(right) == 8
    assert run.evaluate()["eval_accuracy"] == pytest.approx(sum(right) / 8)


def test_several_evaluation_sets(trainer):
    """TRL mapped over the dict itself, and crashed."""
    run = trainer(ROWS, eval_dataset={"a": ROWS[:1], "b": datasets.Dataset.from_list(ROWS[2:])})
    run.evaluate()
    figures = json.loads(saved(run, "card") or "{}")["metrics"]
    assert set(figures) == {f"eval_{s}_{f}" for s in "ab" for f in ("loss", "accuracy")}


def saved(run, name):
    folder = f"{run.args.output_dir}/{name}"
    run.save_model(folder)
    with open(f"{folder}/verifier.json") as file:
        return file.read()


def test_model_init_is_prepared_like_a_model(tmp_path, words):
    """TRL looked for the dropout of None, and crashed."""

    def fresh():
        model = classifier(words)
        model.dropout.p = 0.5
        return model

    run = PRMTrainer(
        args=settings(PRMConfig, tmp_path),
        train_dataset=ROWS,
        processing_class=words,
        model_init=fresh,
    )
    assert run.model.dropout.p == 0


def test_a_model_of_other_labels_is_refused(trainer, words):
    model = classifier(words)
    model.config.num_labels = 3
    with pytest.raises(InputError, match=r"has 2 labels, and this one has 3.*num_labels=2"):
        trainer(ROWS, model=model)


def test_streams_are_refused(trainer):
    with pytest.raises(InputError, match="a stream has no length"):
        trainer(datasets.Dataset.from_list(ROWS).to_iterable_dataset())
    with pytest.raises(InputError, match=r"expected a datasets\.Dataset or a list of rows"):
        trainer(iter(ROWS))


def test_encoded_rows_are_taken_as_they_are(trainer, words):
    encoded = [PRMTrainer.tokenize_row(r, words, "\n", None, None, False, False) for r in ROWS]
    run = trainer(datasets.Dataset.from_list(encoded), max_length=3)
    assert run.train_dataset[0] == encoded[0]


def test_the_settings_parse_as_a_command_line(tmp_path):
    line = [
        "--output_dir",
        str(tmp_path),
        "--max_length",
        "64",
        "--use_cpu",
        "--label_kind",
        "value",
    ]
    [args] = HfArgumentParser(PRMConfig).parse_args_into_dataclasses(line)
    assert (args.max_length, args.bf16, args.label_kind) == (64, True, "value")


@pytest.mark.parametrize(
    ("wrong", "words_of_it"),
    [
        ({"label_kind": "progress"}, "label_kind must be one of"),
        ({"label_kind": "value", "aggregation": "min"}, "value scores aggregate by"),
    ],
)
def test_wrong_settings_are_refused(tmp_path, wrong, words_of_it):
    with pytest.raises(InputError, match=words_of_it):
        settings(PRMConfig, tmp_path, **wrong)


# --- on disk ---------------------------------------------------------------

TRACE = Trace(Problem("ann", "Ann has 3 apples."), (Step("3 + 4 = 7."), Step("So\n7"), Step("7.")))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory, words):
    folder = tmp_path_factory.mktemp("prm")
    more = {"save_strategy": "steps", "save_steps": 2, "max_steps": 3, "eval_strategy": "steps"}
    args = settings(PRMConfig, folder).to_dict() | more
    args |= {"aggregation": "min", "data_name": "four rows", "step_separator": "\n\n"}
    run = PRMTrainer(
        model=classifier(words),
        args=PRMConfig(**{k: v for k, v in args.items() if k in PRMConfig.__dataclass_fields__}),
        train_dataset=ROWS,
        eval_dataset=ROWS,
        processing_class=words,
    )
    run.train()
    run.save_model()
    return folder


def test_plain_transformers_reads_the_checkpoint_as_our_scorer_does(checkpoint):
    model = AutoModelForTokenClassification.from_pretrained(checkpoint).eval()
    words = AutoTokenizer.from_pretrained(checkpoint)

    def ids_of(text):
        return words(text, add_special_tokens=False)["input_ids"]

    ids, places = [words.bos_token_id, *ids_of(TRACE.problem.text)], []
    for step in TRACE.steps:
        ids += [*ids_of(step.text), *ids_of("\n\n")]
        places.append(len(ids) - 1)
    expected = model(torch.tensor([ids])).logits[0, places].softmax(-1)[:, 1]
    scorer = load_scorer(str(checkpoint), device="cpu")
    [scores] = scorer([TRACE])
    assert scores.values == pytest.approx(expected.tolist(), abs=1e-6)
    assert (scores.kind, scorer.aggregation) == (Kind.CORRECTNESS, "min")
    assert aggregate(scores, scorer.aggregation) == min(scores.values)


def test_every_checkpoint_has_its_card(checkpoint):
    for folder in (checkpoint, checkpoint / "checkpoint-2"):
        card = json.loads((folder / "verifier.json").read_text())
        assert (card["format"], card["kind"], card["separator"]) == ("trl", "correctness", "\n\n")
        assert card["trained_on"] == "four rows: 4 rows, 8 labelled steps (50% right)"
        assert set(card["metrics"]) == {"eval_loss", "eval_accuracy"}
        readme = (folder / "README.md").read_text()
        assert readme.startswith("---\nlibrary_name: transformers\n")
        for said in ("four rows", "correctness", '"\\n\\n"', "| min |", "eval_accuracy"):
            assert said in readme


def test_values_stay_values(trainer):
    run = trainer(ROWS, label_kind="value")
    run.save_model()
    [scores] = load_scorer(run.args.output_dir, device="cpu")([TRACE])
    assert scores.kind is Kind.VALUE


def test_another_tokenizer_is_refused(trainer, words):
    run = trainer(ROWS)
    run.save_model()
    folder = run.args.output_dir
    changed = AutoTokenizer.from_pretrained(folder)
    changed.add_tokens(["7."])
    changed.save_pretrained(folder)
    with pytest.raises(ModelError, match="was trained with another tokenizer"):
        load_scorer(folder, device="cpu")


def test_a_format_that_is_not_known_is_refused(tmp_path):
    card = {"name": "x", "kind": "value", "separator": "\n", "encoder": "", "format": "new"}
    (tmp_path / "verifier.json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match="states the format 'new'"):
        load_scorer(str(tmp_path), device="cpu")


def test_resumed_training_ends_in_the_same_weights(trainer, tmp_path):
    more = {"max_steps": 4, "per_device_train_batch_size": 2, "learning_rate": 1e-2}
    saving = {"save_strategy": "steps", "save_steps": 2}
    whole, again = (trainer(ROWS, **more, **saving) for _ in range(2))
    whole.train()
    again.train(resume_from_checkpoint=f"{again.args.output_dir}/checkpoint-2")
    weights = again.model.state_dict()
    assert all(torch.equal(weights[name], w) for name, w in whole.model.state_dict().items())


def test_adapters(tmp_path, words):
    peft = pytest.importorskip("peft", reason="needs peft")
    run = PRMTrainer(
        model=classifier(words),
        args=settings(PRMConfig, tmp_path, max_steps=1),
        train_dataset=ROWS,
        processing_class=words,
        peft_config=peft.LoraConfig(r=2, task_type="TOKEN_CLS", target_modules=["q_proj"]),
    )
    before = {k: v.clone() for k, v in run.model.state_dict().items()}
    run.train()
    moved = {k for k, v in run.model.state_dict().items() if not torch.equal(v, before[k])}
    assert moved
    assert all("lora_" in name or "modules_to_save" in name for name in moved)
