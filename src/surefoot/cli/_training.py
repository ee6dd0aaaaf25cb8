"""What `surefoot train` needs besides its loop: the job on disk, the split, the metrics."""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from surefoot.core.errors import InputError, ModelError
from surefoot.core.files import write_whole
from surefoot.core.records import field_of, labelled_record, read_object
from surefoot.core.seeds import rng_for
from surefoot.core.types import Kind, LabelledTrace, StepScores, Verdict

if TYPE_CHECKING:
    from surefoot.steps import Encoder
    from surefoot.verifiers.data import Example, View
    from surefoot.verifiers.network import Network
    from surefoot.verifiers.objective import Objective
    from surefoot.verifiers.train import TrainConfig

RECORD = "training.json"
CHANCES = {Kind.CORRECTNESS, Kind.VALUE}


@dataclass(frozen=True, slots=True)
class Job:
    """All that decides a training, so that its folder is never taken for another's.

    lora: the rank of adapters, 0 for none. what: all of it as a record, with hashes of the
    traces and of the base.
    """

    out: Path
    labels: Path
    base: str
    kind: str
    targets: str | None
    balance: bool
    lora: int
    held_out: float
    config: "TrainConfig"
    what: dict[str, Any]

    @classmethod
    def of(
        cls, out: Path, labels: Path, rows: Sequence[LabelledTrace], *, base: str, **settings: Any
    ) -> Self:
        """The job of these settings."""
        from surefoot.policy.local import fingerprint

        digest = hashlib.blake2b(digest_size=8)
        for row in rows:
            digest.update(json.dumps(labelled_record(row)).encode())
        what = {**settings, "config": asdict(settings["config"]), "base": fingerprint(base)}
        what["labels"] = digest.hexdigest()
        return cls(out, labels, base, what=what, **settings)

    def objective(self) -> "Objective":
        """The kind, with the targets that were asked for. Raises InputError for a kind with
        targets of its own."""
        from surefoot.verifiers import KINDS, hard_target, soft_target

        objective = KINDS[self.kind]
        if self.targets is None:
            return objective
        if objective.target not in (soft_target, hard_target) or not objective.learns_from:
            raise InputError(f"--targets means nothing to {self.kind}, whose targets are its own")
        return replace(objective, target=soft_target if self.targets == "soft" else hard_target)

    def balanced(self, objective: "Objective", examples: Sequence["Example"]) -> "Objective":
        """The objective with both classes weighed alike. Raises InputError for a kind whose
        loss is another than the PRM's."""
        from surefoot.verifiers.kinds.prm import balanced, cross_entropy

        if objective.loss is not cross_entropy:
            raise InputError(f"--balance weighs the classes of a prm's loss; {self.kind} has none")
        return replace(objective, loss=balanced(examples))

    def finished(self) -> dict[str, Any] | None:
        """Its summary if the folder holds this job, done; None if it is to be done.

        Raises InputError if the folder holds another one.
        """
        path = self.out / RECORD
        if not path.is_file():
            if (self.out / "config.json").is_file():
                raise InputError(f"{self.out} holds a model already; choose another --out")
            return None
        record = read_object(path)
        job: dict[str, Any] = field_of(record, "job", dict)
        others = [k for k, v in job.items() if self.what.get(k) != v]
        if others:
            raise InputError(
                f"{self.out} belongs to another training ({', '.join(others)} differ); choose "
                "another --out, or delete the folder to train afresh"
            )
        summary: dict[str, Any] | None = record.get("summary")
        return summary

    def begin(self) -> None:
        """Claims the folder."""
        self._write(None)

    def end(self, summary: dict[str, Any]) -> None:
        """Notes that it is done; the training state is no longer needed."""
        from surefoot.verifiers.train import STATE

        self._write(summary)
        (self.out / STATE).unlink(missing_ok=True)

    def _write(self, summary: dict[str, Any] | None) -> None:
        text = json.dumps({"job": self.what, "summary": summary}, indent=1) + "\n"
        write_whole(self.out / RECORD, text)


def split_by_problem(
    rows: Sequence[LabelledTrace], held_out: float, seed: int
) -> tuple[list[LabelledTrace], list[LabelledTrace]]:
    """Traces to learn from, and traces of a share of the problems that are not learnt from.

    At least one problem is held out if there are two and the share is not 0.
    """
    ids = sorted({row.trace.problem.id for row in rows})
    count = min(len(ids) - 1, max(1, round(held_out * len(ids)))) if held_out else 0
    order = rng_for(seed, "held-out").permutation(len(ids))
    held = {ids[i] for i in order[:count]}
    return (
        [row for row in rows if row.trace.problem.id not in held],
        [row for row in rows if row.trace.problem.id in held],
    )


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Traces that are not learnt from. Traces too long for the verifier are left out.

    rows: [N]. examples: for the loss; none where they cannot be made, as without pairs.
    """

    objective: "Objective"
    encoder: "Encoder"
    kind: Kind
    rows: list[LabelledTrace]
    examples: list["Example"]

    @classmethod
    def of(
        cls,
        rows: Sequence[LabelledTrace],
        objective: "Objective",
        encoder: "Encoder",
        kind: Kind,
    ) -> Self:
        """The rows that fit, and their examples. Raises InputError for a target out of range."""
        from surefoot.verifiers.data import refuse_targets

        if objective.learns_from:
            refuse_targets(rows, objective.target, objective.highest)
        view = objective.view(encoder)
        kept = [row for row in rows if _fits(row, view)]
        try:
            examples = objective.examples(kept, view, objective.target)
        except InputError:
            examples = []
        return cls(objective, encoder, kind, kept, examples)

    def metrics(self, network: "Network") -> dict[str, Any]:
        """The objective's loss; step accuracy, Brier score, calibration error and first-error F1
        of scores that are chances; AUC and best-of-n accuracy against verdicts.

        None where there is nothing to measure. n: all of a problem's traces.
        """
        from surefoot.verifiers import scorer
        from surefoot.verifiers.train import mean_loss

        judge = scorer(
            network,
            self.encoder,
            kind=self.kind,
            name="held out",
            fingerprint="",
            objective=self.objective,
        )
        scores = judge([row.trace for row in self.rows])
        pad = self.encoder.tokenizer.pad_token_id or 0
        return {
            "held_out_problems": len({row.trace.problem.id for row in self.rows}),
            "held_out_loss": mean_loss(network, self.examples, objective=self.objective, pad=pad),
            **_step_figures(self.rows, scores),
            **_trace_figures(self.rows, scores),
        }


def _step_figures(
    rows: Sequence[LabelledTrace], scores: Sequence[StepScores]
) -> dict[str, float | None]:
    from surefoot.evaluate import brier, expected_calibration_error, first_error_score

    both = [both for both in zip(rows, scores, strict=True) if _are_chances(*both)]
    pairs = [
        (p, label.value)
        for row, s in both
        for p, label in zip(s.values, row.labels, strict=True)
        if label.value is not None
    ]
    agree = [(p >= 0.5) == (y >= 0.5) for p, y in pairs]
    chances, truths = [p for p, _ in pairs], [y for _, y in pairs]
    return {
        "held_out_step_accuracy": sum(agree) / len(agree) if agree else None,
        "held_out_brier": brier(chances, truths),
        "held_out_calibration_error": expected_calibration_error(chances, truths),
        "held_out_first_error_f1": first_error_score(*_first_errors(both)).f1,
    }


def _are_chances(row: LabelledTrace, scores: StepScores) -> bool:
    """Can the scores be held against the labels?"""
    return {scores.kind, *(label.kind for label in row.labels)} <= CHANCES


def _first_errors(
    both: Sequence[tuple[LabelledTrace, StepScores]],
) -> tuple[list[int], list[int]]:
    """Predicted and labelled first errors, where the labels say which step it is."""
    from surefoot.evaluate import first_error_in, predict_first_error

    firsts = [first_error_in([label.hard for label in row.labels]) for row, _ in both]
    predicted = [
        predict_first_error(s.values, 0.5)
        for (_, s), first in zip(both, firsts, strict=True)
        if first is not None
    ]
    return predicted, [first for first in firsts if first is not None]


def _trace_figures(
    rows: Sequence[LabelledTrace], scores: Sequence[StepScores]
) -> dict[str, float | None]:
    from surefoot.core.kinds import aggregate
    from surefoot.evaluate import best_of_n, within_problem_auc
    from surefoot.search.fit import RANKS

    if any(s.kind not in RANKS for s in scores):  # a preference does not compare solutions
        return {"held_out_auc": None, "held_out_best_of_n": None}
    ended = [
        (aggregate(s), row.trace.verdict is Verdict.CORRECT, row.trace.problem.id)
        for row, s in zip(rows, scores, strict=True)
        if row.trace.verdict in (Verdict.CORRECT, Verdict.WRONG)
    ]
    pools: dict[str, list[tuple[float, bool]]] = {}
    for total, right, problem in ended:
        pools.setdefault(problem, []).append((total, right))
    best = [
        best_of_n([total for total, _ in pool], [right for _, right in pool], len(pool))
        for pool in pools.values()
    ]
    totals, rights, problems = zip(*ended, strict=True) if ended else ((), (), ())
    return {
        "held_out_auc": within_problem_auc(totals, rights, problems) if ended else None,
        "held_out_best_of_n": math.fsum(best) / len(best) if best else None,
    }


def _fits(row: LabelledTrace, view: "View") -> bool:
    try:
        return not any(e.dropped for e in view(row.trace.problem, row.trace.steps))
    except ModelError:
        return False
