"""The annotators of `surefoot label`, each made ready by a function of its own.

A new one is a builder (or a line, where one of these fits) and an entry of `METHODS`.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from surefoot import annotate as a
from surefoot.cli._common import is_trails
from surefoot.cli._labelling import (
    Job,
    Label,
    Method,
    Options,
    Row,
    given,
    needs_gold,
    needs_oracle,
    needs_verdict,
    needs_whole_steps,
)
from surefoot.core.budget import Meter
from surefoot.core.errors import InputError
from surefoot.core.protocols import Sampler, Steps, Until
from surefoot.core.seeds import Rng, rng_for
from surefoot.core.tree import Tree
from surefoot.core.types import (
    Completion,
    LabelledTrace,
    Problem,
    Step,
    Trace,
    Usage,
    Verdict,
)
from surefoot.recipes.labelling import solutions_of, valued_by
from surefoot.recipes.labelling.surefoot import learned_beliefs
from surefoot.steps import Rollouts
from surefoot.tasks.load import checker_for
from surefoot.trees import Grown, NodeLabel, counted, pay

# --- by rollouts -----------------------------------------------------------


def _by_rollouts(
    job: Job,
    *,
    method: Callable[..., LabelledTrace],
    more: Callable[[Options], dict[str, Any]] = lambda _: {},
) -> Label:
    """more: further settings of the method, from the options."""
    policy, o = job.policy(), job.options
    rollouts_of = _rolled(job, policy)
    settings = {"completions": o.completions, **more(o)}

    def label(row: Row) -> list[LabelledTrace]:
        own = with_own_ids(row.trace, policy)
        labelled = method(own, rollouts=rollouts_of(row.trace.problem), **settings)
        return [replace(labelled, trace=row.trace)]

    return label


def _best_of(options: Options) -> dict[str, Any]:
    return {"best_of": options.best_of}


def _witnesses(options: Options) -> dict[str, Any]:
    """GLoRe counts the rollouts that build on their prefix."""
    return {"builds_on": a.uses_last_number} if options.consistent else {}


def _evened_out(labelled: Sequence[LabelledTrace], options: Options) -> list[LabelledTrace]:
    """GLoRe learns from as many 1s as 0s at each prefix length."""
    if not options.balance:
        return [*labelled]
    return a.balanced(labelled, rng=rng_for(options.seed, "balance"))


def _bayes(job: Job) -> Label:
    policy, o = job.policy(), job.options
    rollouts_of = _rolled(job, policy)
    limits = given({"rollouts": o.budget_calls, "tokens": o.budget_policy_tokens})
    stop = a.Stop(confidence=o.confidence, **limits)
    judge = None if o.judge is None else job.model(o.judge, "verifier_tokens")
    asked: dict[str, Any] = {"seed": o.seed, **given({"votes": o.votes})}
    belief_of = _learned_beliefs(job, policy, rollouts_of)

    def label(row: Row) -> list[LabelledTrace]:
        rollouts = rollouts_of(row.trace.problem)
        critic = None if judge is None else partial(a.critic, judge=judge, **asked)
        own = with_own_ids(row.trace, policy)
        belief = belief_of(own)
        labelled = a.bayes(own, rollouts=rollouts, belief=belief, stop=stop, judge=critic)
        return [replace(labelled, trace=row.trace)]

    return label


def _learned_beliefs(
    job: Job, policy: Any, rollouts_of: Callable[[Problem], Rollouts]
) -> Callable[[Trace], a.Belief | None]:
    """What bayes begins with, from the first --learn-from traces."""
    rows = [with_own_ids(row.trace, policy) for row in job.rows[: job.options.learn_from]]
    return learned_beliefs(rows, rollouts_of, partial(job.work.each, "learn from rollouts"))


def with_own_ids(trace: Trace, policy: Any) -> Trace:
    """The trace without token ids unless they are this policy's: another's would be read as
    other words. A served policy continues texts, and is told where a solution has ended."""
    encoder = getattr(policy, "encoder", None)
    if encoder is None:
        last = replace(trace.steps[-1], ended=trace.finished)
        return trace.with_steps((*trace.steps[:-1], last))
    size = len(encoder.tokenizer)

    def own(step: Step) -> bool:
        if not step.ids or max(step.ids) >= size:
            return False
        text: str = encoder.tokenizer.decode(list(step.ids), skip_special_tokens=True)
        return text.strip() == step.text

    if all(own(step) for step in trace.steps):
        return trace
    return replace(trace, steps=tuple(Step(step.text) for step in trace.steps))


# --- by trees --------------------------------------------------------------


def _grown(
    job: Job, *, grow: Callable[..., Grown], rounds: str, labels: Callable[[Tree], NodeLabel]
) -> Label:
    """A tree of rollouts. rounds: what the method calls them."""
    rollouts_of = _rolled(job, job.policy())
    settings = {"completions": job.options.completions, **given({rounds: job.options.rounds})}

    def label(row: Row) -> list[LabelledTrace]:
        problem = row.trace.problem
        grown = grow(problem, rollouts=rollouts_of(problem), budget=job.budget(), **settings)
        return solutions_of(grown, labels(grown.tree))

    return label


def _searched(
    job: Job, *, grow: Callable[..., Grown], rounds: str, labels: Callable[[Tree], NodeLabel]
) -> Label:
    """A search that writes step by step; rollouts stand for the value model, and both are
    paid from one budget."""
    policy, check, o = job.policy(), checker_for(job.source), job.options
    settings = {"seed": o.seed, **given({rounds: o.rounds})}

    def label(row: Row) -> list[LabelledTrace]:
        meter = Meter(job.budget())
        paid = _paid(policy, meter)
        value = valued_by(_rolled(job, paid)(row.trace.problem), o.completions)
        grown = grow(row.trace.problem, sample=paid, check=check, value=value, **settings)
        return solutions_of(replace(grown, usage=meter.spent), labels(grown.tree))

    return label


def _rolled(job: Job, sample: Sampler) -> Callable[[Problem], Rollouts]:
    """What makes the rollouts of a problem."""
    return partial(Rollouts, sample=sample, check=checker_for(job.source), seed=job.options.seed)


def _paid(sample: Sampler, meter: Meter) -> Sampler:
    """The sampler, refusing what the budget does not allow (OverBudget) before it is drawn."""

    def paid(
        problem: Problem,
        prefixes_P: Sequence[Steps],
        *,
        count: int,
        rng: Rng,
        until: Until = "end",
    ) -> list[list[Completion]]:
        pay(meter, len(prefixes_P) * count)
        ends_P_K = sample(problem, prefixes_P, count=count, rng=rng, until=until)
        tokens = sum(end.tokens for ends_K in ends_P_K for end in ends_K)
        meter.spend(Usage(policy_tokens=tokens, calls=len(prefixes_P) * count))
        return ends_P_K

    return paid


# --- by judges -------------------------------------------------------------


def _judged(job: Job, *, ask: Callable[[Row, Sampler], Callable[..., LabelledTrace]]) -> Label:
    """ask: the method for a row and a judge, but for its seed and votes."""
    if job.options.judge is None:
        raise InputError("this --method asks a judge; give its model with --judge")
    judge = job.model(job.options.judge, "verifier_tokens")
    settings = {"seed": job.options.seed, **given({"votes": job.options.votes})}
    return lambda row: [ask(row, judge)(**settings)]


def _critic(row: Row, judge: Sampler) -> Callable[..., LabelledTrace]:
    return partial(a.critic, row.trace, judge=judge)


def _ensemble(row: Row, judge: Sampler) -> Callable[..., LabelledTrace]:
    return partial(a.ensemble, row.trace, judges=[judge])


def _referenced(row: Row, judge: Sampler) -> Callable[..., LabelledTrace]:
    return partial(a.reference, row.trace, judge=judge, reference=row.reference)


def _debate(row: Row, judge: Sampler) -> Callable[..., LabelledTrace]:
    return partial(a.debate, row.trace, accuser=judge, defender=judge, judge=judge)


def _deductive(row: Row, judge: Sampler) -> Callable[..., LabelledTrace]:
    return partial(a.deductive, row.trace, judge=judge)


def _error_list(row: Row, judge: Sampler) -> Callable[..., LabelledTrace]:
    return partial(a.error_list, row.trace, judge=judge)


def _tool_judge(row: Row, judge: Sampler) -> Callable[..., LabelledTrace]:
    return partial(a.tool_judge, row.trace, judge=judge)


# --- without a model -------------------------------------------------------


def _outcome(_: Job) -> Label:
    return lambda row: [a.outcome(row.trace)]


def _oracle(_: Job) -> Label:
    from surefoot.tasks.trails import check_steps

    return lambda row: [a.oracle(row.trace, check_steps=check_steps)]


def _calculator(_: Job) -> Label:
    return lambda row: [a.calculator(row.trace)]


def _inject(job: Job) -> Label:
    from surefoot.tasks.trails import check_steps

    exact = a.by_checker(check_steps)

    def label(row: Row) -> list[LabelledTrace]:
        trace = row.trace
        confirm = exact if is_trails(trace) else a.by_recomputation
        rng = rng_for(job.options.seed, "inject", trace.problem.id, trace.text)
        right = trace.verdict is not Verdict.WRONG
        broken = a.inject(trace, confirm=confirm, rng=rng) if right else None
        return [] if broken is None else [broken]

    return label


def _consensus(job: Job) -> Label:
    others: dict[str, list[Trace]] = {}
    for row in job.rows:
        others.setdefault(row.trace.problem.id, []).append(row.trace)
    return lambda row: [a.consensus(row.trace, others=others[row.trace.problem.id])]


# --- the table -------------------------------------------------------------

DRAWS = frozenset({"temperature", "top_p", "max_tokens", "seed", "dtype"})
ROLLED = DRAWS | {"policy", "separator", "completions"}
LIMITS = frozenset({"budget_policy_tokens", "budget_calls"})
GROWN = ROLLED | LIMITS | {"rounds"}
JUDGED = DRAWS | {"judge", "votes"}

WHOLE = (needs_whole_steps, needs_gold)

METHODS: dict[str, Method] = {
    "monte_carlo": Method(
        partial(_by_rollouts, method=a.monte_carlo), ROLLED, WHOLE,
    ),
    "omega_trace": Method(
        partial(_by_rollouts, method=a.omega_trace), ROLLED, WHOLE,
    ),
    "sorm": Method(
        partial(_by_rollouts, method=a.sorm, more=_witnesses),
        ROLLED | {"consistent", "balance"}, WHOLE, together=_evened_out,
    ),
    "progress": Method(
        partial(_by_rollouts, method=a.progress, more=_best_of), ROLLED | {"best_of"}, WHOLE,
    ),
    "bayes": Method(
        _bayes,
        DRAWS | LIMITS
        | {"policy", "separator", "judge", "votes", "confidence", "learn_from"},
        WHOLE,
    ),
    "omega": Method(
        partial(_grown, grow=a.omega, rounds="searches", labels=partial(counted, by="omega")),
        GROWN, (needs_gold,), of_problems=True,
    ),
    "relative": Method(
        partial(_grown, grow=a.relative, rounds="expansions", labels=a.relative_labels),
        GROWN, (needs_gold,), of_problems=True,
    ),
    "alphamath": Method(
        partial(_searched, grow=a.alphamath, rounds="simulations", labels=a.value_targets),
        GROWN, (needs_gold,), of_problems=True,
    ),
    "rest_mcts": Method(
        partial(_searched, grow=a.rest_mcts, rounds="rounds", labels=a.quality_labels),
        GROWN, (needs_gold,), of_problems=True,
    ),
    "critic": Method(partial(_judged, ask=_critic), JUDGED),
    "ensemble": Method(partial(_judged, ask=_ensemble), JUDGED),
    "reference": Method(partial(_judged, ask=_referenced), JUDGED | {"reference"}),
    "debate": Method(partial(_judged, ask=_debate), JUDGED),
    "deductive": Method(partial(_judged, ask=_deductive), JUDGED),
    "error_list": Method(partial(_judged, ask=_error_list), JUDGED),
    "tool_judge": Method(partial(_judged, ask=_tool_judge), JUDGED),
    "consensus": Method(_consensus),
    "calculator": Method(_calculator),
    "inject": Method(
        _inject, frozenset({"seed"}),
    ),
    "outcome": Method(_outcome, needs=(needs_verdict,)),
    "oracle": Method(_oracle, needs=(needs_oracle,)),
}  # fmt: skip
