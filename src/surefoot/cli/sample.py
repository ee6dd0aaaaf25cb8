"""`surefoot sample`: a policy's solutions of problems."""

import threading
from typing import Annotated, Any

import typer

from surefoot.cli import _options as o
from surefoot.cli._common import (
    accuracy_of,
    at_least_one,
    problems_of,
    say,
    tell,
    unescaped,
    write_rows,
)
from surefoot.cli._guides import guided_by as guide_of
from surefoot.cli._work import Work
from surefoot.core.budget import Budget, Meter
from surefoot.core.errors import ModelError
from surefoot.core.records import trace_record
from surefoot.core.types import Problem, Trace
from surefoot.policy.sampling import Sampling


def sample(
    problems: o.Problems,
    out: o.Out,
    policy: o.Policy = "pebble",
    n: Annotated[int, typer.Option(help="Solutions of each problem.")] = 16,
    temperature: o.Temperature = 0.8,
    top_p: o.TopP = 1.0,
    max_tokens: o.MaxTokens = 512,
    separator: o.Separator = "\\n",
    guide: o.Guide = None,
    guided_by: o.GuidedBy = None,
    seed: o.Seed = 0,
    limit: o.Limit = None,
    without_gold: o.WithoutGold = False,
    problems_in_flight: o.InFlight = 64,
    journal: o.JournalPath = None,
    dtype: o.Dtype = "auto",
    device: o.Device = "auto",
    budget_policy_tokens: o.BudgetPolicyTokens = None,
    budget_calls: o.BudgetCalls = None,
    budget_seconds: o.BudgetSeconds = None,
    as_json: o.AsJson = False,
) -> None:
    """Write N solutions of each problem and check their answers.

    Writes one trace a row to --out: its problem, steps with token ids and log-probabilities,
    answer and verdict. The budget is of the whole run: once it is reached, no further problem
    is begun. Ends in a summary: accuracy of one solution, coverage of n, cost.

    Example:
        surefoot sample trails:middle --limit 50 --policy pebble --n 16 --out traces.jsonl
    """
    from surefoot.core.seeds import rng_for
    from surefoot.search.result import spend_completions
    from surefoot.steps import finished_trace
    from surefoot.tasks.load import checker_for

    at_least_one(n=n)
    meter = Meter(Budget(budget_policy_tokens, None, budget_calls, budget_seconds))
    asked = problems_of(problems, limit, need_gold=not without_gold)
    check, lock = checker_for(problems), threading.Lock()
    guided = guide_of(guide, guided_by, policy, device)
    with Work("sample", out, journal, problems_in_flight) as work:
        sampler = work.policy(
            policy,
            sampling=Sampling(temperature, top_p, max_tokens),
            separator=unescaped(separator),
            dtype=dtype,
            device=device,
            guided=guided,
        )

        def solve(problem: Problem) -> list[Trace] | None:
            if meter.exhausted():
                return None
            rng = rng_for(seed, "sample", problem.id)
            [ends_N] = sampler(problem, [()], count=n, rng=rng)
            with lock:  # what belongs to no step was paid for, too
                spend_completions(meter, [ends_N])
            return [finished_trace(problem, (), end, check) for end in ends_N if end.steps]

        solved = [traces for traces in work.each("sample", solve, asked) if traces is not None]
        if len(solved) < len(asked):
            say(f"budget of {meter.exhausted()} reached: {len(asked) - len(solved)} problems left")
        if not any(solved):
            raise ModelError(
                f"{policy} wrote no step in {len(solved)} x {n} solutions; raise --max-tokens or "
                "the budget, or check that --separator ends its steps"
            )
        write_rows(out, (trace_record(trace) for traces in solved for trace in traces))
        tell({**_summary(solved, n), **work.cost(), "out": out}, as_json=as_json)


def _summary(solved: list[list[Trace]], n: int) -> dict[str, Any]:
    from surefoot.core.types import Verdict

    flat = [trace for traces in solved for trace in traces]
    covered = [any(t.verdict is Verdict.CORRECT for t in traces) for traces in solved]
    accuracy = accuracy_of([t.verdict for t in flat])
    return {
        "problems": len(solved),
        "traces": len(flat),
        "without_steps": len(solved) * n - len(flat),
        "unfinished": sum(not t.finished for t in flat),
        "accuracy": accuracy,
        f"pass@{n}": None if accuracy is None else sum(covered) / len(covered),
    }
