"""What `surefoot train` needs besides its loop: the job on disk, the split, the metrics."""

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from surefoot.core.errors import InputError, ModelError, StorageError
from surefoot.core.records import labelled_record
from surefoot.core.seeds import rng_for
from surefoot.core.types import Kind, LabelledTrace, StepLabel, Verdict

if TYPE_CHECKING:
    from surefoot.steps import Encoder
    from surefoot.verifiers.network import VerifierNetwork
    from surefoot.verifiers.train import TrainConfig

RECORD = "training.json"


@dataclass(frozen=True, slots=True)
class Job:
    """All that decides a training, so that its folder is never taken for another's.

    what: the same as a record, with hashes of the traces and of the base.
    """

    out: Path
    labels: Path
    base: str
    kind: str
    targets: str
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

    def finished(self) -> dict[str, Any] | None:
        """Its summary if the folder holds this job, done; None if it is to be done.

        Raises InputError if the folder holds another one.
        """
        path = self.out / RECORD
        if not path.is_file():
            if (self.out / "config.json").is_file():
                raise InputError(f"{self.out} holds a model already; choose another --out")
            return None
        record = json.loads(path.read_text())
        others = [k for k, v in record["job"].items() if self.what.get(k) != v]
        if others:
            raise InputError(
                f"{self.out} belongs to another training ({', '.join(others)} differ); choose "
                "another --out, or delete the folder to train afresh"
            )
        summary: dict[str, Any] | None = record["summary"]
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
        try:
            self.out.mkdir(parents=True, exist_ok=True)
            partial = self.out / (RECORD + ".partial")
            partial.write_text(json.dumps({"job": self.what, "summary": summary}, indent=1) + "\n")
            partial.replace(self.out / RECORD)
        except OSError as error:
            raise StorageError(
                f"could not write in {self.out}: {error.strerror}; free some room or choose "
                "another --out, and run the same command again"
            ) from error


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


def held_out_metrics(
    network: "VerifierNetwork",
    encoder: "Encoder",
    kind: Kind,
    held: Sequence[LabelledTrace],
    target: Callable[[StepLabel], float | None],
) -> dict[str, Any]:
    """Loss, step accuracy and Brier score against the labels, AUC against verdicts.

    None where there is nothing to measure. Traces too long for the verifier are left out.
    """
    from surefoot.core.kinds import aggregate
    from surefoot.evaluate import brier, within_problem_auc
    from surefoot.verifiers import scorer

    fits = [row for row in held if _fits(row, encoder)]
    judge = scorer(network, encoder, kind=kind, name="held out", fingerprint="")
    scores = judge([row.trace for row in fits])
    pairs = [
        (p, y)
        for row, s in zip(fits, scores, strict=True)
        for p, y in zip(s.values, map(target, row.labels), strict=True)
        if y is not None
    ]
    ended = [
        (aggregate(s), row.trace.verdict is Verdict.CORRECT, row.trace.problem.id)
        for row, s in zip(fits, scores, strict=True)
        if row.trace.verdict in (Verdict.CORRECT, Verdict.WRONG)
    ]
    losses = [_cross_entropy(p, y) for p, y in pairs]
    agree = [(p >= 0.5) == (y >= 0.5) for p, y in pairs]
    return {
        "held_out_problems": len({row.trace.problem.id for row in fits}),
        "held_out_loss": math.fsum(losses) / len(losses) if losses else None,
        "held_out_step_accuracy": sum(agree) / len(agree) if agree else None,
        "held_out_brier": brier([p for p, _ in pairs], [y for _, y in pairs]),
        "held_out_auc": within_problem_auc(*_columns(ended)) if ended else None,
    }


def _columns(
    rows: Sequence[tuple[float, bool, str]],
) -> tuple[list[float], list[bool], list[str]]:
    return [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]


def _fits(row: LabelledTrace, encoder: "Encoder") -> bool:
    try:
        return not encoder.encode(row.trace.problem, row.trace.steps).dropped
    except ModelError:
        return False


def _cross_entropy(p: float, y: float) -> float:
    p = min(max(p, 1e-7), 1 - 1e-7)
    return -(y * math.log(p) + (1 - y) * math.log(1 - p))
