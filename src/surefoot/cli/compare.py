"""`surefoot compare`: searches beside plain sampling at equal cost."""

import inspect
import json
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from surefoot.cli import _options as o
from surefoot.cli._common import at_least_one, problems_of, say, unescaped
from surefoot.cli._searches import KINDS, METHODS, refuse_misfit, search_of
from surefoot.cli._work import Work
from surefoot.cli.search import found_record
from surefoot.core.budget import Budget
from surefoot.core.protocols import Checker, Sampler, Scorer
from surefoot.core.records import write_all
from surefoot.core.seeds import rng_for
from surefoot.core.types import Problem, StepScores, Trace
from surefoot.policy.sampling import Sampling
from surefoot.search import Found, Unfinished

Solve = Callable[..., Found | Unfinished]
FIRST = 4  # plain solutions that tell how many more are worth a search's cost


def compare(
    methods: Annotated[
        list[str],
        typer.Argument(
            help="Searches, each by its name or as NAME:SETTING=NUMBER,..., such as "
            "beam:beams=8,width=2."
        ),
    ],
    problems: Annotated[str, typer.Option(help="As for `surefoot search`.")] = "trails:middle",
    policy: o.Policy = "pebble",
    verifier: o.Verifier = "pebble-verifier",
    out: Annotated[Path, typer.Option(help="The folder to write.")] = Path("runs/compare"),
    most_samples: Annotated[
        int, typer.Option(help="Most plain solutions of a problem to draw for the comparison.")
    ] = 64,
    trees: o.Trees = False,
    aggregation: o.Aggregation = None,
    temperature: o.Temperature = 0.8,
    top_p: o.TopP = 1.0,
    max_tokens: o.MaxTokens = 512,
    separator: o.Separator = "\\n",
    seed: o.Seed = 0,
    limit: o.Limit = None,
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
    """Compare searches with plain sampling that costs the same.

    Every search runs on the same problems; then as many plain solutions are drawn as the dearest
    of them is worth, and chosen among by majority, best-of-n, weighted vote, a perfect and a
    random scorer. Says plainly where plain sampling is at least as good.
    Writes summary.json, report.json, report.html and found.jsonl (each search's answer to each
    problem, for `surefoot view`) into --out. Interrupted, the same command goes on.

    Example:
        surefoot compare beam mcts:simulations=20,width=4 --problems trails:middle --limit 50
    """
    at_least_one(most_samples=most_samples)
    budget = Budget(budget_policy_tokens, budget_verifier_tokens, budget_calls, budget_seconds)
    searches = {spec: search_of("a method", spec, METHODS)[1] for spec in methods}
    asked = problems_of(problems, limit, need_gold=True)
    from surefoot.recipes.compare import Plain, compare_searches, curves
    from surefoot.tasks.load import checker_for

    started = time.monotonic()
    with Work("compare", str(out / "compare"), journal, problems_in_flight) as work:
        sampling = Sampling(temperature, top_p, max_tokens)
        verbs = {
            "sample": work.policy(
                policy, sampling=sampling, separator=unescaped(separator), dtype=dtype,
                device=device,
            ),
            "check": checker_for(problems),
            "score": work.scorer(verifier, device=device),
        }  # fmt: skip
        for method in {spec.partition(":")[0] for spec in methods} & KINDS.keys():
            refuse_misfit(verifier, verbs["score"], method, KINDS[method])
        settings = {**verbs, "budget": budget, "aggregation": aggregation}
        results, seconds = {}, {}
        for name, search in searches.items():
            begun = time.monotonic()
            results[name] = _solved(work, name, search, settings, asked, seed)
            seconds[name] = time.monotonic() - begun
        dearest = max(_mean_tokens(rows) for rows in results.values())
        begun = time.monotonic()
        pool, scores = _plain(work, asked, verbs, seed, dearest, most_samples)
        seconds["plain sampling"] = time.monotonic() - begun
        plain = Plain(pool, scores, seed, aggregation)
        summary = {
            "title": f"Searches and plain sampling on {problems}",
            "command": " ".join(["surefoot compare", *methods, f"--problems {problems}"]),
            "seed": seed,
            "policy": policy,
            "verifier": verifier,
            "problems": len(asked),
            **compare_searches(results, plain, seconds=seconds, seed=seed),
            **work.cost(),
            "seconds": round(time.monotonic() - started, 1),
        }
    found = [found_record(n, r, trees=trees) for n, rows in results.items() for r in rows]
    write_all(out / "found.jsonl", found)
    _write(out, summary, {"curves": curves(results, plain, seed=seed)}, as_json=as_json)


def _write(out: Path, summary: dict[str, Any], details: dict[str, Any], *, as_json: bool) -> None:
    from surefoot.core.files import write_whole
    from surefoot.report.html import write_report
    from surefoot.report.tables import methods_table

    write_whole(out / "summary.json", json.dumps(summary, indent=1) + "\n")
    write_whole(out / "report.json", json.dumps(details) + "\n")
    write_report(out / "report.html", summary, details)
    print(json.dumps(summary, indent=1) if as_json else methods_table(summary))
    for sentence in summary["verdicts"]:
        say(sentence)
    say(summary["headline"])
    say(f"wrote summary.json, report.json, report.html and found.jsonl to {out}")


def _solved(
    work: Work,
    name: str,
    search: Solve,
    settings: dict[str, Any],
    asked: Sequence[Problem],
    seed: int,
) -> list[Found | Unfinished]:
    known = inspect.signature(search).parameters
    fitting = {key: value for key, value in settings.items() if key in known}

    def solve(problem: Problem) -> Found | Unfinished:
        return search(problem, rng=rng_for(seed, "search", name, problem.id), **fitting)

    return work.each(name, solve, asked)


def _plain(
    work: Work,
    asked: Sequence[Problem],
    verbs: dict[str, Any],
    seed: int,
    dearest: float,
    most: int,
) -> tuple[list[list[Trace]], list[list[StepScores]]]:
    """Solutions worth the dearest search, and their scores; the first few of them are the same
    whatever that is."""
    sample: Sampler = verbs["sample"]
    check: Checker = verbs["check"]
    score: Scorer = verbs["score"]
    from surefoot.steps import sample_traces

    def draw(count: int) -> list[list[Trace]]:
        def solutions(problem: Problem) -> list[Trace]:
            rng = rng_for(seed, "sample", problem.id)
            return sample_traces(problem, sample=sample, check=check, count=count, rng=rng)

        return work.each(f"plain sampling, {count} each", solutions, asked)

    first = draw(min(FIRST, most))
    each = sum(t.tokens for row in first for t in row) / max(1, sum(map(len, first)))
    enough = min(most, math.ceil(dearest / each)) if each else most
    pool = draw(max(enough, min(FIRST, most)))
    return pool, work.each("score the plain solutions", score, pool)


def _mean_tokens(results: Sequence[Found | Unfinished]) -> float:
    """Of a problem, verifier included: so many may be spent on plain solutions instead."""
    tokens = sum(r.usage.policy_tokens + r.usage.verifier_tokens for r in results)
    return tokens / max(1, len(results))
