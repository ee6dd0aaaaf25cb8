"""`surefoot select`: what a verifier's scores choose from a pool of candidates."""

import json
from pathlib import Path
from typing import Annotated

import typer

from surefoot.cli._common import chosen


def select(
    pool: Annotated[Path, typer.Argument(help="Candidates: one problem a row, .jsonl[.gz].")],
    scores: Annotated[Path, typer.Option(help="Step scores: one candidate a row, .jsonl[.gz].")],
    aggregation: Annotated[
        str, typer.Option(help="How step scores become one: last, min, product or mean.")
    ] = "last",
    n: Annotated[int, typer.Option(help="Candidates to choose among.")] = 32,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Compare ways to choose among n candidates of each problem.

    Prints pass@1, majority, best_of_n, weighted_vote and coverage as shares of the problems, on
    stdout. Rows of POOL: {"problem_id", "candidates": [{"extracted_answer", "is_correct",
    "steps"}]}; of SCORES: {"problem_id", "candidate_index", "n_steps", "step_scores"}.

    Example:
        surefoot select pool.jsonl.gz --scores scores.jsonl.gz --aggregation last --n 32 --json
    """
    from surefoot.evaluate.pools import AGGREGATIONS, select_pool

    chosen("--aggregation", aggregation, dict.fromkeys(AGGREGATIONS))
    figures = select_pool(pool, scores, aggregation, n)
    if as_json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:<14} {100 * value:6.2f} %")
