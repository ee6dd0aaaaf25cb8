"""`surefoot run` of a labelling recipe: sample, label, audit, write."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from surefoot.cli._common import accuracy_of, is_trails, problems_of, tell
from surefoot.cli._labels_in import mean_label
from surefoot.cli._work import Work
from surefoot.cli.audit import by_oracle, figures_of
from surefoot.core.errors import InputError
from surefoot.core.files import write_whole
from surefoot.core.records import labelled_record, write_all
from surefoot.core.seeds import rng_for
from surefoot.core.types import LabelledTrace, Problem, Trace
from surefoot.policy.sampling import Sampling
from surefoot.recipes.labelling import LabelRecipe, Parts, sampled


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command was given."""

    problems: str
    policy: str
    judge: str | None
    verifier: str
    n: int
    limit: int | None
    temperature: float
    max_tokens: int
    separator: str
    seed: int


def run_labels(recipe: LabelRecipe, asked: Asked, out: Path) -> None:
    """Writes labels.jsonl, summary.json and the journal into `out`, and tells the summary."""
    if "tests" in recipe.needs:
        raise InputError(
            f"{recipe.name} needs tests of programs, which no option gives; call "
            f"surefoot.recipes.labelling.{recipe.name}.label with parts that have them"
        )
    if "judge" in recipe.needs and asked.judge is None:
        raise InputError(f"{recipe.name} asks a judge; give its model with --judge")
    problems = problems_of(asked.problems, asked.limit, need_gold=True)
    out.mkdir(parents=True, exist_ok=True)
    with Work("run", "-", out / "journal.sqlite") as work:
        parts_P = _parts(recipe, asked, work, problems)
        label = recipe.label
        if recipe.learn is not None:
            label = recipe.learn(parts_P, partial(work.each, "learn"))
        found = work.each(f"label as {recipe.name}", label, parts_P)
        labelled = list(chain.from_iterable(found))
        if recipe.together is not None:
            labelled = recipe.together(labelled, rng_for(asked.seed, "together"))
        write_all(out / "labels.jsonl", map(labelled_record, labelled))
        summary = {
            **_summary(recipe, parts_P, labelled),
            **work.cost(),
            "audit": _audit(labelled, asked.seed),
        }
    write_whole(out / "summary.json", json.dumps(summary, indent=1) + "\n")
    tell({**summary, "audit": _in_short(summary["audit"]), "out": str(out)}, as_json=False)


def _parts(
    recipe: LabelRecipe, asked: Asked, work: Work, problems: Sequence[Problem]
) -> list[Parts]:
    """[P] sampled solutions, and whom the recipe asks beside the policy."""
    from surefoot.tasks.load import checker_for
    from surefoot.tasks.trails import check_steps

    sampling = Sampling(asked.temperature, 1.0, asked.max_tokens)
    load = partial(
        work.policy, sampling=sampling, separator=asked.separator, dtype="auto", device="auto"
    )
    policy, check = load(asked.policy), checker_for(asked.problems)
    others: dict[str, Any] = {}
    if asked.judge is not None and "judge" in recipe.needs:
        others["judge"] = load(asked.judge, spends="verifier_tokens")
    if "verifier" in recipe.needs:
        others["score"] = work.scorer(asked.verifier, device="auto")

    def parts_of(problem: Problem) -> Parts:
        parts = sampled(problem, sample=policy, check=check, count=asked.n, seed=asked.seed)
        exact = check_steps if is_trails(Trace(problem, ())) else None
        return replace(parts, check_steps=exact, **others)

    return work.each("sample", parts_of, problems)


def _summary(
    recipe: LabelRecipe, parts_P: Sequence[Parts], labelled: Sequence[LabelledTrace]
) -> dict[str, Any]:
    solutions = [trace for parts in parts_P for trace in parts.traces_N]
    labels = [label for item in labelled for label in item.labels]
    return {
        "recipe": recipe.name,
        "paper": recipe.paper,
        "problems": len(parts_P),
        "solutions": len(solutions),
        "accuracy": accuracy_of([trace.verdict for trace in solutions]),
        "traces": len(labelled),
        "steps": len(labels),
        "without_evidence": sum(label.value is None for label in labels),
        "mean_label": mean_label(labelled),
    }


def _audit(labelled: Sequence[LabelledTrace], seed: int) -> dict[str, Any] | None:
    """Figures against the exact checker; None where no label's truth is known, or where labels, as
    those of progress, do not say whether a step is right."""
    from surefoot.evaluate import judges_steps

    known = [item for item in labelled if is_trails(item.trace) and judges_steps(item)]
    return dict(figures_of(known, by_oracle, seed)) if known else None


def _in_short(audit: dict[str, Any] | None) -> dict[str, Any] | None:
    """What a line can hold of it."""
    if audit is None or audit["true_labels"] is None:
        return None
    shown = ("missed", "false_alarms", "first_error_f1", "tokens_per_true_label")
    return {"true_labels": audit["true_labels"]["estimate"], **{k: audit[k] for k in shown}}
