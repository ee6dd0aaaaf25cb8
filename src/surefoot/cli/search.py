"""`surefoot search`: answers found with a verifier's help."""

import inspect
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
    problems_of,
    tell,
    unescaped,
    write_rows,
)
from surefoot.cli._guides import guided_by as guide_of
from surefoot.cli._searches import (
    ASKING_MORE,
    KINDS,
    METHODS,
    Search,
    refuse_misfit,
    search_of,
    takes,
)
from surefoot.cli._work import Work
from surefoot.core.budget import Budget
from surefoot.core.errors import InputError
from surefoot.core.records import Record, problem_record, trace_record
from surefoot.core.seeds import rng_for
from surefoot.core.types import Kind, Problem, Verdict
from surefoot.policy.sampling import Sampling
from surefoot.search import Found, Unfinished
from surefoot.search.fit import GUIDES

Prover = Annotated[
    str | None,
    typer.Option(
        help="pav_beam's second verifier, of a prover's progress or values (default: the best of "
        "several tries of the policy, for a --verifier of values; else the policy itself)."
    ),
]
Past = Annotated[
    str | None,
    typer.Option(
        help="birm_beam's second verifier, of steps' correctness, for a --verifier of values "
        "(default: the --verifier's own, which must be of kind birm)."
    ),
]


def search(
    ctx: typer.Context,
    problems: o.Problems,
    out: o.Out,
    method: Annotated[
        str, typer.Option(help="A search of those above, or NAME:SETTING=NUMBER,...")
    ] = "best_of_n",
    policy: o.Policy = "pebble",
    verifier: o.Verifier = "pebble-verifier",
    n: Annotated[
        int | None, typer.Option(help="Solutions or particles (default: the method's).")
    ] = None,
    beams: Annotated[
        int | None, typer.Option(help="Prefixes kept (default: the method's).")
    ] = None,
    width: Annotated[
        int | None, typer.Option(help="Continuations of each (default: the method's).")
    ] = None,
    rounds: Annotated[int | None, typer.Option(help="Most steps (default: the method's).")] = None,
    judge: Annotated[
        str | None, typer.Option(help="The model that chooses or criticises; named as a --policy.")
    ] = None,
    prover: Prover = None,
    past: Past = None,
    temperatures: Annotated[
        str | None, typer.Option(help="temperature_vote's, such as 0.6,0.8,1.")
    ] = None,
    aggregation: o.Aggregation = None,
    temperature: o.Temperature = 0.8,
    top_p: o.TopP = 1.0,
    max_tokens: o.MaxTokens = 512,
    separator: o.Separator = "\\n",
    guide: o.Guide = None,
    guided_by: o.GuidedBy = None,
    trees: o.Trees = False,
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

    Whole solutions: best_of_n, majority, weighted_vote, adaptive_vote (stops when the vote is
    sure), rpc (votes by probability), temperature_vote, thinking_budget; chosen or mended by
    --judge: usc, generative_selection, self_refine.

    Step by step: beam, stepwise_best_of_n, dvts, lookahead, rebase, best_first; by values:
    ovm_beam, sbs, pav_beam, birm_beam; particle_filter, and until the verifier is sure
    (enough=SCORE) particle_gibbs and repeated; mcts, tot_bfs, tot_dfs, ab_mcts, rstar.

    Refinement: prefix_resample, glore, magicore, auto_math_critique, spar, rearter; stick with
    --judge.

    Any number that a search takes can be set behind its name: lookahead:ahead=2,beams=3. An
    option that the method does not use is an error.

    The budget is of each problem; a search that ends without a finished solution says why.
    Writes the chosen trace of each problem with its candidates, their scores and what they cost
    to --out. Ends in a summary: accuracy with a 95 % interval (unfinished counts as wrong), cost.

    Example:
        surefoot search trails:middle --limit 50 --method best_of_n --n 16 --trees --out found.jsonl
    """
    name, algorithm = search_of("--method", method, METHODS | ASKING_MORE)
    _refuse_unused(ctx, name, algorithm)
    at_least_one(n=n, beams=beams, width=width, rounds=rounds)
    sizes = {"n": n, "beams": beams, "width": width, "rounds": rounds}
    given = {setting: value for setting, value in sizes.items() if value is not None}
    budget = Budget(budget_policy_tokens, budget_verifier_tokens, budget_calls, budget_seconds)
    asked = problems_of(problems, limit, need_gold=not without_gold)
    guided = guide_of(guide, guided_by, policy, device)
    with Work("search", out, journal, problems_in_flight) as work:
        loading: dict[str, Any] = {"separator": unescaped(separator), "guided": guided}
        loading |= {"dtype": dtype, "device": device}
        draws = (temperature, top_p, max_tokens)
        names = {"verifier": verifier, "judge": judge, "prover": prover, "past": past}
        names |= {"temperatures": temperatures}
        verbs = _verbs(work, algorithm, policy, names, loading, draws)
        verbs |= _verifiers(work, name, algorithm, names, device)
        settings = {**given, **verbs, "aggregation": aggregation, "budget": budget}
        settings |= {"check": _checker(problems), "same": _same(problems)}
        known = takes(algorithm)
        solve = partial(algorithm, **{k: v for k, v in settings.items() if k in known})

        def find(problem: Problem) -> Found | Unfinished:
            return solve(problem, rng=rng_for(seed, "search", name, problem.id))

        results = work.each(name, find, asked)
        write_rows(out, [found_record(name, result, trees=trees) for result in results])
        summary = {"method": method, **_summary(results, seed), **work.cost(), "out": out}
        tell(summary, as_json=as_json)


OWN = {  # options that only some searches use, and the parameter behind each
    "verifier": "score", "n": "n", "beams": "beams", "width": "width", "rounds": "rounds",
    "judge": "judge", "prover": "prover", "past": "past", "temperatures": "samples",
    "aggregation": "aggregation",
}  # fmt: skip


def _refuse_unused(ctx: typer.Context, name: str, algorithm: Search) -> None:
    """InputError for an option that was given and would do nothing, or is needed and missing."""
    known = takes(algorithm)
    for option, parameter in OWN.items():
        source = ctx.get_parameter_source(option)
        given = source is not None and source.name != "DEFAULT"
        if given and parameter not in known:
            users = [
                m for m, search in (METHODS | ASKING_MORE).items() if parameter in takes(search)
            ]
            raise InputError(
                f"--{option} does nothing for --method {name}; leave it out (it is for "
                f"{', '.join(users)})"
            )
        if not given and parameter in known & {"judge", "samples"}:
            raise InputError(f"--method {name} needs --{option}; surefoot search --help says more")


def _verbs(
    work: Work,
    algorithm: Search,
    policy: str,
    names: dict[str, str | None],
    loading: dict[str, Any],
    draws: tuple[float, float, int],
) -> dict[str, Any]:
    """The policies that a search takes; no others are loaded."""
    known, temperatures = takes(algorithm), names["temperatures"]
    sampling = Sampling(*draws)
    made: dict[str, Any] = {}
    if "sample" in known:
        made["sample"] = work.policy(policy, sampling=sampling, **loading)
    if "samples" in known and temperatures:
        made["samples"] = [
            work.policy(policy, sampling=Sampling(heat, *draws[1:]), **loading)
            for heat in _numbers("--temperatures", temperatures)
        ]
    if "judge" in known:
        plain = {**loading, "guided": None}
        made["judge"] = work.policy(
            names["judge"] or policy, spends="verifier_tokens", sampling=sampling, **plain
        )
    return made


def _verifiers(
    work: Work, method: str, algorithm: Search, names: dict[str, str | None], device: str
) -> dict[str, Any]:
    """The verifiers that a search takes. Raises KindError for scores that it cannot use."""
    settings = inspect.signature(algorithm).parameters
    if "score" not in settings:
        return {}
    verifier, prover, past = (names[name] or "" for name in ("verifier", "prover", "past"))
    both_ways = "past" in settings and not past
    beta = settings["beta"].default if both_ways else None
    made = {"score": work.scorer(verifier, device=device, beta=beta)}
    refuse_misfit(verifier, made["score"], method, KINDS[method])
    if prover:
        made["prover"] = work.scorer(prover, device=device)
        refuse_misfit(prover, made["prover"], "--prover", GUIDES)
    if past:
        made["past"] = work.scorer(past, device=device)
        refuse_misfit(past, made["past"], "--past", frozenset({Kind.CORRECTNESS}))
    return made


def _numbers(option: str, text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise InputError(f"{option} must be numbers such as 0.6,0.8,1, got {text!r}") from None


def _checker(source: str) -> Callable[..., Verdict]:
    from surefoot.tasks.load import checker_for

    return checker_for(source)


def _same(source: str) -> Callable[[str, str], bool]:
    """Are two answers equivalent? By their text for trails, by mathematics for other problems."""
    if source.startswith("trails:") and not Path(source).is_file():
        return str.__eq__
    from surefoot.tasks.equal import equal

    return lambda left, right: left == right or equal(left, right) is True


def found_record(method: str, result: Found | Unfinished, *, trees: bool = False) -> Record:
    """A search's result as a row. trees: with the tree that it grew, if it grew one."""
    shared = {"method": method, "usage": asdict(result.usage)}
    if trees and result.tree is not None:
        shared["tree"] = result.tree.to_json()
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
