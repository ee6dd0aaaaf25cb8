"""TRL's PRMTrainer, which TRL removed in 1.14: same fields, same rows, same call, same ids.

    loss = -mean_s [ y_s log p_s + (1 - y_s) log(1 - p_s) ],   p_s = softmax(W h + b)[1]

at the last id of each step's separator; with labels of 0 and 1 this is TRL's cross-entropy
(of Uesato et al., arXiv:2211.14275). The mean is over all labelled steps of an update, however many
micro-batches it is accumulated from. What is deliberately different from TRL 1.13.0 is
listed in docs/migrate-from-trl.md.

    from surefoot.verifiers.trl import PRMConfig, PRMTrainer

Dimension key: N rows, S steps, T tokens.
"""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_utils import EvalPrediction

from surefoot.core.errors import InputError, need
from surefoot.core.kinds import LEGAL
from surefoot.core.types import Kind
from surefoot.verifiers.checkpoint import Card, write_card
from surefoot.verifiers.formats.marked import PROBE
from surefoot.verifiers.formats.template import ids_of, read
from surefoot.verifiers.formats.trl import TRL, encoder_print, trl_format
from surefoot.verifiers.losses import IGNORED, step_loss
from surefoot.verifiers.trl_card import model_card
from surefoot.verifiers.trl_rows import Account, RowEncoder, encoded_rows

Collator = Callable[[list[Any]], dict[str, Any]]

logger = logging.getLogger(__name__)
TAGS = ["surefoot", "prm"]
FIGURE = re.compile(r"eval_(\w+_)?(loss|accuracy)$")  # of a log, worth a line in the card


@dataclass
class PRMConfig(TrainingArguments):
    """Settings of a training: those of `transformers.TrainingArguments` and these.

    max_length: most ids of a row; whole steps beyond are left out. None is no limit.
    max_completion_length: most ids of a row's steps. disable_dropout: train without.
    step_separator: ends each step; its ids are appended, never merged with the step's.
    train_on_last_step_only: in training, not in evaluation. dataset_num_proc: to encode with.

    Not in TRL, for the card: label_kind, what the labels mean ("correctness" or "value");
    aggregation, from steps to a trace (None: by kind); data_name, what was trained on.

    Defaults that differ from transformers' are TRL's: learning_rate, logging_steps,
    gradient_checkpointing, and bf16, which is on unless fp16 is.
    """

    learning_rate: float = 1e-5
    logging_steps: float = 10
    gradient_checkpointing: bool = True
    bf16: bool | None = None  # type: ignore[assignment]  # None until __post_init__
    max_length: int | None = 1024
    max_completion_length: int | None = None
    disable_dropout: bool = True
    step_separator: str = "\n"
    train_on_last_step_only: bool = False
    dataset_num_proc: int | None = None
    label_kind: str = Kind.CORRECTNESS.value
    aggregation: str | None = None
    data_name: str = ""

    def __post_init__(self) -> None:
        self.bf16 = not self.fp16 if self.bf16 is None else self.bf16
        super().__post_init__()  # type: ignore[no-untyped-call]
        kinds = (Kind.CORRECTNESS, Kind.VALUE)
        if self.label_kind not in [kind.value for kind in kinds]:
            raise InputError(
                f"label_kind must be one of {[k.value for k in kinds]}, got {self.label_kind!r}"
            )
        legal = LEGAL[Kind(self.label_kind)]
        if self.aggregation not in (None, *legal):
            raise InputError(
                f"{self.label_kind} scores aggregate by {legal}, not by {self.aggregation!r}"
            )


@dataclass(frozen=True, slots=True)
class StepCollator:
    """Rows as a batch padded on the right; labels stay numbers between 0 and 1.

    (DataCollatorForTokenClassification would make integers of them, without a word.)
    """

    pad: int

    def __call__(self, rows_N: Sequence[Mapping[str, Any]]) -> dict[str, torch.Tensor]:
        """input_ids, attention_mask and labels, [N, T]."""
        shape = (len(rows_N), max(len(row["input_ids"]) for row in rows_N))
        ids_NT, mask_NT = torch.full(shape, self.pad), torch.zeros(shape, dtype=torch.long)
        labels_NT = torch.full(shape, IGNORED)
        for n, row in enumerate(rows_N):
            length = len(row["input_ids"])
            ids_NT[n, :length] = torch.as_tensor(row["input_ids"])
            labels_NT[n, :length] = torch.as_tensor(row["labels"], dtype=torch.float)
            mask_NT[n, :length] = 1
        return {"input_ids": ids_NT, "attention_mask": mask_NT, "labels": labels_NT}


def step_cross_entropy(
    outputs: Any,
    labels_NT: torch.Tensor,
    num_items_in_batch: torch.Tensor | int | None = None,
    *,
    smoothing: float = 0.0,
) -> torch.Tensor:
    """The loss above, of a token classifier's outputs.

    num_items_in_batch: labelled steps of the whole update, if this is a part of it: the losses
      of the parts then add up to the mean over all. smoothing: moves labels toward 1/2.
    Raises ValueError if no step is labelled.
    """
    logits_NT2 = outputs["logits"].float()
    known = labels_NT != IGNORED
    smooth_NT = torch.where(known, labels_NT * (1 - smoothing) + smoothing / 2, IGNORED)
    mean = step_loss(logits_NT2[..., 1] - logits_NT2[..., 0], smooth_NT)
    return mean if num_items_in_batch is None else mean * known.sum() / num_items_in_batch


def compute_accuracy(eval_pred: EvalPrediction) -> dict[str, float]:
    """Share of labelled steps whose likelier class is that of their label.

    A label of 1/2 says neither and does not count; {} if none does.
    """
    logits_NT2, labels_NT = np.asarray(eval_pred.predictions), np.asarray(eval_pred.label_ids)
    decided = (labels_NT != IGNORED) & (labels_NT != 0.5)
    right = (logits_NT2[..., 1] > logits_NT2[..., 0]) == (labels_NT > 0.5)
    return {"accuracy": float(np.mean(right[decided]))} if decided.any() else {}


class PRMTrainer(Trainer):
    """Trains a token classifier of two labels on {"prompt", "completions", "labels"} rows.

    model: an `AutoModelForTokenClassification` with num_labels=2, or None with `model_init`.
    args: settings. train_dataset, eval_dataset: a `datasets.Dataset` or a list of rows
      (or a dict of them, to evaluate on); labels are true, false, a share in [0, 1], or None.
      Rows that have "input_ids" already are taken as they are.
    processing_class: the tokenizer. compute_metrics: `compute_accuracy` if None.
    peft_config: wraps the model; its checkpoints are adapters. The rest is as in
      `transformers.Trainer`.

    accounts: what became of each data set, by name; logged, as a warning if anything was lost.
    """

    args: PRMConfig
    model: Any

    def __init__(
        self,
        model: PreTrainedModel | torch.nn.Module | None = None,
        args: PRMConfig | None = None,
        data_collator: Collator | None = None,
        train_dataset: Any = None,
        eval_dataset: Any = None,
        processing_class: Any = None,
        model_init: Callable[[], PreTrainedModel] | None = None,
        compute_metrics: Callable[[EvalPrediction], dict[str, float]] | None = None,
        callbacks: list[TrainerCallback] | None = None,
        optimizers: tuple[Any, Any] = (None, None),
        preprocess_logits_for_metrics: Callable[..., torch.Tensor] | None = None,
        peft_config: Any = None,
    ) -> None:
        if train_dataset is None or processing_class is None:
            raise InputError("train_dataset and processing_class (the tokenizer) are required")
        args = args or PRMConfig()
        self.accounts: dict[str, Account] = {}
        prepare = partial(_prepared, args=args, peft_config=peft_config)
        with args.main_process_first(desc="encoding rows"):
            train_dataset = self._encoded(train_dataset, "train", processing_class, args)
            eval_dataset = self._encoded_eval(eval_dataset, processing_class, args)
        super().__init__(
            model=model and prepare(model),
            args=args,
            data_collator=self._collator(data_collator, processing_class),
            train_dataset=train_dataset,
            eval_dataset=eval_dataset,
            processing_class=processing_class,
            model_init=model_init and (lambda: prepare(model_init())),
            compute_loss_func=partial(step_cross_entropy, smoothing=args.label_smoothing_factor),
            compute_metrics=compute_metrics or compute_accuracy,
            callbacks=callbacks,
            optimizers=optimizers,
            preprocess_logits_for_metrics=preprocess_logits_for_metrics,
        )
        self.model.add_model_tags(TAGS)

    @staticmethod
    def tokenize_row(
        features: Mapping[str, Any],
        tokenizer: Any,
        step_separator: str,
        max_length: int | None,
        max_completion_length: int | None,
        train_on_last_step_only: bool,
        is_eval: bool,
    ) -> dict[str, list[Any]]:
        """One row's {"input_ids", "labels"}, [T] each; see `trl_rows.RowEncoder`."""
        template = trl_format(TRL.name, step_separator).template(tokenizer)
        last_only = train_on_last_step_only and not is_eval
        row = RowEncoder(template, max_length, max_completion_length, last_only)(features, 0)
        return {name: row[name] for name in ("input_ids", "labels")}

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """Writes a checkpoint that plain transformers opens, with its card and README."""
        if self.args.should_save:
            card = self._card()
            folder = Path(output_dir or str(self.args.output_dir))
            write_card(folder, card, model_card(card, self._base()))
        super().save_model(output_dir, _internal_call)

    def create_model_card(  # type: ignore[override]
        self,
        model_name: str | None = None,
        dataset_name: str | None = None,
        tags: str | list[str] | None = None,
    ) -> None:
        """Writes the README of the output folder (pushing to the Hub asks for it)."""
        if self.is_world_process_zero():
            more = [tags] if isinstance(tags, str) else tags or []
            card = self._card(model_name, dataset_name)
            write_card(Path(str(self.args.output_dir)), card, model_card(card, self._base(), more))

    def _encoded(self, rows: Any, name: str, tokenizer: Any, args: PRMConfig) -> Any:
        if "input_ids" in (getattr(rows, "column_names", None) or ()):
            return rows
        encode = RowEncoder(
            _checked_template(tokenizer, args.step_separator),
            args.max_length,
            args.max_completion_length,
            args.train_on_last_step_only and name == "train",
        )
        encoded, account = encoded_rows(
            rows, encode, processes=args.dataset_num_proc, what=f"{name} rows"
        )
        self.accounts[name] = account
        tell = logger.warning if account.dropped or account.left_out else logger.info
        tell("%s: %s", name, account)
        return encoded

    def _encoded_eval(self, rows: Any, tokenizer: Any, args: PRMConfig) -> Any:
        if rows is None or not isinstance(rows, dict):
            return None if rows is None else self._encoded(rows, "eval", tokenizer, args)
        return {k: self._encoded(part, f"eval {k}", tokenizer, args) for k, part in rows.items()}

    def _collator(self, given: Collator | None, tokenizer: Any) -> Collator:
        """The one given or our own. Raises InputError if it makes integers of soft labels."""
        if given is None or not any(account.soft for account in self.accounts.values()):
            return given or StepCollator(tokenizer.pad_token_id or 0)
        probe = given([{"input_ids": [0, 0], "labels": [IGNORED, 0.25]}])["labels"]
        if probe[0, 1] != 0.25:
            raise InputError(
                f"data_collator {type(given).__name__} turns a label of 0.25 into "
                f"{float(probe[0, 1])}; leave data_collator out, or keep labels as floats"
            )
        return given

    def _card(self, name: str | None = None, data: str | None = None) -> Card:
        """What is known now, with the last figures of each evaluation set."""
        args, tokenizer = self.args, self.processing_class
        logged = (figure for row in self.state.log_history for figure in row.items())
        told = (data or args.data_name, str(self.accounts.get("train", "")))
        return Card(
            name=name or Path(args.hub_model_id or str(args.output_dir)).name,
            kind=args.label_kind,
            separator=args.step_separator,
            encoder=encoder_print(tokenizer, args.step_separator),
            trained_on=": ".join(filter(None, told)),
            metrics={name: float(value) for name, value in logged if FIGURE.match(name)},
            format=TRL.name,
            aggregation=args.aggregation,
        )

    def _base(self) -> str:
        """The model that was trained further, if it has a name on the Hub."""
        name = str(getattr(self.model.config, "_name_or_path", ""))
        return "" if Path(name).exists() else name


def _prepared(model: Any, args: PRMConfig, peft_config: Any) -> Any:
    """The model with two labels, without dropout if so asked, and with its adapter."""
    labels = getattr(model.config, "num_labels", None)
    if labels != 2:
        raise InputError(
            f"a process reward model has 2 labels, and this one has {labels}; load it with "
            "AutoModelForTokenClassification.from_pretrained(NAME, num_labels=2)"
        )
    if peft_config is not None:
        model = need("peft", "train").get_peft_model(model, peft_config)
        if args.gradient_checkpointing:
            model.enable_input_require_grads()
    for module in model.modules() if args.disable_dropout else ():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return model


def _checked_template(tokenizer: Any, separator: str) -> Any:
    """The template that scoring uses, tried on an example with two steps."""
    if not ids_of(tokenizer, separator):
        raise InputError(
            f"the tokenizer makes no token of step_separator {separator!r}, so nothing would end a "
            "step; choose another separator"
        )
    template = trl_format(TRL.name, separator).template(tokenizer)
    read(template, PROBE, marker=None, context=1 << 30)
    return template
