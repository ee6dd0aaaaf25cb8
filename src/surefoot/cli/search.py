"""`surefoot search`: answers found with a verifier's help."""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from surefoot.cli import _options as o
from surefoot.cli._common import (
    at_least_one,
    chosen,
    models,
    problems_of,
    tell,
    unescaped,
    write_rows,
)
from surefoot.cli._work import Work
from surefoot.core.budget import Budget
from surefoot.core.records import Record, problem_record, trace_record
from surefoot.core.seeds import rng_for
from surefoot.core.types import Problem, Verdict
from surefoot.search import Found, Unfinished, beam, best_of_n, majority, weighted_vote

METHODS: dict[str, Callable[..., Found | Unfinished]] = {
    "best_of_n": best_of_n,
    "majority": majority,
    "weighted_vote": weighted_vote,
    "beam": beam,
}


def search(
    problems: o.Problems,
    out: o.Out,
    method: Annotated[
        str, typer.Option(help="best_of_n, majority, weighted_vote or beam.")
    ] = "best_of_n",
    policy: o.Policy = "pebble",
    verifier: o.Verifier = "pebble-verifier",
    n: Annotated[int, typer.Option(help="Solutions of each problem (all but beam).")] = 16,
    beams: Annotated[int, typer.Option(help="Prefixes kept (beam).")] = 4,
    width: Annotated[int, typer.Option(help="Continuations of each (beam).")] = 4,
    rounds: Annotated[int, typer.Option(help="Most steps (beam).")] = 40,
    aggregation: o.Aggregation = None,
    temperature: o.Temperature = 0.8,
    top_p: o.TopP = 1.0,
    max_tokens: o.MaxTokens = 512,
    separator: o.Separator = "\\n",
    seed: o.Seed = 0,
    limit: o.Limit = None,
    without_gold: o.WithoutGold = False,
    problems_in_flight: o.InFlight = 64,
    journal: o.JournalPath = None,
    dtype: o.Dtype = "auto",
    device: o.Device = "auto",
    budget_policy_tokens: o.BudgetPolicyTokens = None,
    budget_verifier_tokens: o.BudgetVerifierTokens = None,
    budget_calls: o.BudgetCalls = None,
    budget_seconds: o.BudgetSeconds = None,
    as_json: o.AsJson = False,
) -> None:
    """Find one answer of each problem with a search.

    The budget is of each problem; a search that ends without a finished solution says why.
    Writes the chosen trace of each problem with its candidates, their scores and what they cost
    to --out. Ends in a summary: accuracy with a 95 % interval (unfinished counts as wrong), cost.

    Example:
        surefoot search trails:middle --limit 50 --method best_of_n --n 16 --out found.jsonl
    """
    algorithm = chosen("--method", method, METHODS)
    at_least_one(n=n, beams=beams, width=width, rounds=rounds)
    budget = Budget(budget_policy_tokens, budget_verifier_tokens, budget_calls, budget_seconds)
    asked = problems_of(problems, limit, need_gold=not without_gold)
    with Work("search", out, journal, problems_in_flight) as work:
        loading = {"separator": unescaped(separator), "dtype": dtype, "device": device}
        draws = (temperature, top_p, max_tokens)
        settings = {"n": n, "beams": beams, "width": width, "rounds": rounds}
        settings |= {"aggregation": aggregation, "budget": budget}  # type: ignore[dict-item]
        parts = _parts(work, problems, policy, verifier, loading, draws)
        solve = _fitted(algorithm, {**settings, **parts(algorithm)})

        def find(problem: Problem) -> Found | Unfinished:
            found: Found | Unfinished = solve(
                problem, rng=rng_for(seed, "search", method, problem.id)
            )
            return found

        results = work.each(method, find, asked)
        write_rows(out, [found_record(method, result) for result in results])
        summary = {"method": method, **_summary(results, seed), **work.cost(), "out": out}
        tell(summary, as_json=as_json)


def _parts(
    work: Work,
    source: str,
    policy: str,
    verifier: str,
    loading: dict[str, Any],
    draws: tuple[float, float, int],
) -> Callable[[Callable[..., Any]], dict[str, Any]]:
    """What a search is made of; a verifier is loaded only for a search that takes one."""
    from surefoot.tasks.load import checker_for

    models()
    from surefoot.policy.local_decode import Sampling

    def parts(algorithm: Callable[..., Any]) -> dict[str, Any]:
        made: dict[str, Any] = {
            "sample": work.policy(policy, sampling=Sampling(*draws), **loading),
            "check": checker_for(source),
            "same": _same(source),
        }
        if "score" in algorithm.__annotations__:
            made["score"] = work.scorer(verifier, device=loading["device"])
        return made

    return parts


def _fitted(algorithm: Callable[..., Any], settings: dict[str, Any]) -> Callable[..., Any]:
    """`algorithm` with those of the settings that it has."""
    names = algorithm.__annotations__
    return partial(algorithm, **{k: v for k, v in settings.items() if k in names})


def _same(source: str) -> Callable[[str, str], bool]:
    """Are two answers equivalent? By their text for trails, by mathematics for other problems."""
    if source.startswith("trails:") and not Path(source).is_file():
        return str.__eq__
    from surefoot.tasks.equal import equal

    return lambda left, right: left == right or equal(left, right) is True


def found_record(method: str, result: Found | Unfinished) -> Record:
    """A search's result as a row."""
    shared = {"method": method, "usage": asdict(result.usage)}
    if isinstance(result, Unfinished):
        return {"problem": problem_record(result.problem), **shared, "unfinished": result.why}
    candidates = [
        {
            "answer": trace.answer,
            "verdict": trace.verdict.value if trace.verdict else None,
            "steps": [step.text for step in trace.steps],
        }
        for trace in result.candidates
    ]
    return {
        **trace_record(result.chosen),
        **shared,
        "candidates": candidates,
        "candidate_scores": list(result.scores),
    }


def _summary(results: list[Found | Unfinished], seed: int) -> dict[str, Any]:
    from surefoot.evaluate import mean_interval

    checked = [
        float(isinstance(r, Found) and r.chosen.verdict is Verdict.CORRECT)
        for r in results
        if r.problem.gold is not None
    ]
    interval = mean_interval(checked, rng=rng_for(seed, "interval"))
    per_problem = (
        [r.usage.policy_tokens for r in results],
        [r.usage.verifier_tokens for r in results],
    )
    return {
        "problems": len(results),
        "unfinished": sum(isinstance(r, Unfinished) for r in results),
        "accuracy": interval.estimate if interval else None,
        "low": interval.low if interval else None,
        "high": interval.high if interval else None,
        "policy_tokens_per_problem": float(np.mean(per_problem[0])),
        "verifier_tokens_per_problem": float(np.mean(per_problem[1])),
    }
