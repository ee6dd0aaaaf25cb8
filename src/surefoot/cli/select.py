"""`surefoot select`: what a verifier's scores choose from a pool of candidates."""

import json
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from typing import Annotated, Any

import typer

from surefoot.cli._common import chosen, say
from surefoot.core.errors import InputError
from surefoot.core.types import Kind


def select(
    pool: Annotated[Path, typer.Argument(help="Candidates: one problem a row, .jsonl[.gz].")],
    scores: Annotated[
        list[Path],
        typer.Option(help="Step scores: one candidate a row, .jsonl[.gz]. Repeat with --curves."),
    ],
    aggregation: Annotated[
        str,
        typer.Option(
            help="How step scores become one: last, min, product, mean or geometric_mean."
        ),
    ] = "last",
    n: Annotated[
        int | None, typer.Option(help="Candidates to choose among (default: all of a problem).")
    ] = None,
    curves: Annotated[
        bool, typer.Option("--curves", help="Study the pool: every n, every aggregation.")
    ] = False,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            help="What scores mean: correctness, value, progress, logit or logratio; with --curves "
            "once for all, or once for each file."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="With --curves: a folder for summary, curves and report.html."),
    ] = None,
    seed: Annotated[int, typer.Option(help="With --curves: seed of resamples and draws.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Compare ways to choose among n candidates of each problem.

    Prints pass@1, majority, best_of_n, weighted_vote, coverage (one of n is right) and pass^n (all
    are) as shares of the problems, on stdout. Votes are means over all orders of the candidates.
    --kind says how scores weigh votes: logits through a sigmoid. Rows of POOL: {"problem_id",
    "candidates": [{"extracted_answer", "is_correct", "steps"}]}; of SCORES:
    {"problem_id", "candidate_index", "n_steps", "step_scores"}.

    With --curves: all n and all aggregations of any number of verifiers, with intervals, paired
    differences, calibration, plans and risks; a table on stdout, and in --out summary.json,
    curves.json and report.html.

    Example:
        surefoot select pool.jsonl.gz --scores scores.jsonl.gz --aggregation last --n 32 --json
        surefoot select pool.jsonl.gz --scores a.jsonl.gz --scores b.jsonl.gz --curves --out study
    """
    if curves:
        _study(pool, scores, kind or [], out, seed, as_json=as_json)
        return
    from surefoot.evaluate.pools import AGGREGATIONS, select_pool

    if len(scores) > 1 or out:
        raise InputError("several --scores and --out are for --curves; add it")
    chosen("--aggregation", aggregation, dict.fromkeys(AGGREGATIONS))
    [means] = _kinds(kind or [], 1)
    figures = select_pool(pool, scores[0], aggregation, n, kind=means)
    if figures["weighted_vote"] is None:
        say(_no_votes(means))
    if as_json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:<14} " + ("unknown" if value is None else f"{100 * value:6.2f} %"))


def _no_votes(kind: Kind | None) -> str:
    if kind is None:
        return (
            "weighted_vote is unknown: a score is below 0, and nobody said what scores mean; "
            "say it by --kind (logit, logratio)"
        )
    return f"weighted_vote is unknown: {kind.value} scores are no votes"


def _study(
    pool: Path,
    scores: Sequence[Path],
    kinds: Sequence[str],
    out: Path | None,
    seed: int,
    *,
    as_json: bool,
) -> None:
    from surefoot.evaluate.pools import join_scores, load_pool, load_step_scores
    from surefoot.evaluate.study import Scored, study_pool
    from surefoot.evaluate.study_records import study_curves, study_summary
    from surefoot.report.selection import selection_headline, selection_table

    meant = _kinds(kinds, len(scores))
    pools = load_pool(pool)
    verifiers = [
        Scored(name, join_scores(pools, load_step_scores(path)), means)
        for name, path, means in zip(names_of(scores), scores, meant, strict=True)
    ]
    study = study_pool(pools, verifiers, seed=seed)
    summary = study_summary(study)
    print(json.dumps(summary, indent=1) if as_json else selection_table(summary))
    say(selection_headline(summary))
    if out is not None:
        _write(out, summary, study_curves(study))
        say(f"wrote summary.json, curves.json and report.html to {out}")


def _write(out: Path, summary: dict[str, Any], curves: dict[str, Any]) -> None:
    from surefoot.core.files import write_whole
    from surefoot.report.selection import write_selection

    write_whole(out / "summary.json", json.dumps(summary, indent=1) + "\n")
    write_whole(out / "curves.json", json.dumps(curves) + "\n")
    write_selection(out / "report.html", summary, curves)


def names_of(paths: Sequence[Path]) -> list[str]:
    """Names of score files: without .jsonl[.gz] and the words all of them begin or end with.

    Raises InputError if two come out alike.
    """
    names = [path.name.removesuffix(".gz").removesuffix(".jsonl") for path in paths]
    if len(names) > 1:
        names = _without_shared([name.split("_") for name in names])
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise InputError(f"--scores: {sorted(twice)} would name two verifiers; rename a file")
    return names


def _without_shared(words: Sequence[Sequence[str]]) -> list[str]:
    head = _alike(words)
    tail = _alike([own[head:][::-1] for own in words])
    return ["_".join(own[head : len(own) - tail]) or "_".join(own) for own in words]


def _alike(words: Sequence[Sequence[str]]) -> int:
    """How many words all begin with."""
    columns = zip(*words, strict=False)
    return sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, columns))


def _kinds(kinds: Sequence[str], files: int) -> list[Kind | None]:
    if len(kinds) not in (0, 1, files):
        raise InputError(f"--kind: expected none, one, or {files} (one a file), got {len(kinds)}")
    known: list[Kind | None] = [
        chosen("--kind", name, {kind.value: kind for kind in Kind}) for name in kinds
    ]
    return known if len(known) == files else (known or [None]) * files
