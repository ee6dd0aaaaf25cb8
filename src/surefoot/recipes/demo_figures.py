"""The demo's figures about labels and verifiers, and the details of its report.

Dimension key: P problems, N traces of each, S steps.
"""

from collections.abc import Sequence
from typing import Any

from surefoot.core.kinds import aggregate
from surefoot.core.types import Kind, LabelledTrace, StepScores, Trace, Verdict
from surefoot.evaluate import (
    NO_ERROR,
    FirstErrorScore,
    brier,
    choose_threshold,
    expected_calibration_error,
    first_error_score,
    label_accuracy,
    predict_first_error,
    reliability_bins,
    within_problem_auc,
)
from surefoot.evaluate.comparison import Judged
from surefoot.recipes.demo_views import Pool, View
from surefoot.tasks import trails

SHOWN = 60  # traces in the report
PROBABILITIES = {Kind.CORRECTNESS, Kind.VALUE}


def first_error_of(trace: Trace) -> int:
    """The oracle's first wrong step, or NO_ERROR."""
    index = trails.first_error(trace.problem, trace)
    return NO_ERROR if index is None else index


def perfect_steps(pool: Pool) -> Judged:
    """A verifier that knows of every step whether it is right. It passes over lucky answers, so it
    bounds what a verifier of steps can choose; the perfect scorer also finds the lucky ones."""
    flawless = [[float(first_error_of(t) == NO_ERROR) for t in row] for row in pool.traces_P_N]
    return Judged(totals_P_N=flawless, weights_P_N=flawless, tokens=0.0)


def label_quality(labelled: Sequence[LabelledTrace]) -> dict[str, dict[str, float | None]]:
    """Each labelling against the oracle: {"rollouts", "outcomes"}: its figures.

    A label of step t speaks of the prefix up to t, so its truth is whether any
    step up to t is wrong. A labelled trace's first error is its first step
    without a success.
    """
    groups: dict[str, list[LabelledTrace]] = {"outcomes": [], "rollouts": []}
    for item in labelled:
        made = "rollouts" if item.usage.calls else "outcomes"
        groups[made].append(item)
    return {name: _quality(group) for name, group in groups.items() if group}


def _quality(labelled: Sequence[LabelledTrace]) -> dict[str, float | None]:
    truths, said, found, firsts = [], [], [], []
    for item in labelled:
        first = first_error_of(item.trace)
        hard_S = [label.hard for label in item.labels]
        truths += [first == NO_ERROR or t < first for t in range(len(hard_S))]
        said += hard_S
        found.append(next((t for t, hard in enumerate(hard_S) if hard is False), NO_ERROR))
        firsts.append(first)
    tokens = sum(item.usage.policy_tokens for item in labelled)
    return {
        "step_accuracy": label_accuracy(said, truths).accuracy,
        "first_error_accuracy": first_error_score(found, firsts).on_erroneous,
        "no_error_accuracy": first_error_score(found, firsts).on_correct,
        "first_error_f1": first_error_score(found, firsts).f1,
        "tokens_per_trace": tokens / len(labelled),
        "traces": len(labelled),
    }


def verifier_figures(pool: Pool) -> dict[str, dict[str, float | None]]:
    """First-error F1, AUC within problems, calibration and what is chosen, of every verifier.

    The threshold of F1 is chosen on the even problems and used on the odd ones.
    """
    truths = [[first_error_of(t) for t in traces_N] for traces_N in pool.traces_P_N]
    return {name: _figures(pool, view, truths) for name, view in pool.views.items()}


def _figures(pool: Pool, view: View, truths_P_N: list[list[int]]) -> dict[str, float | None]:
    flat = [trace for traces_N in pool.traces_P_N for trace in traces_N]
    totals = [total for totals_N in view.judged.totals_P_N for total in totals_N]
    right = [trace.verdict is Verdict.CORRECT for trace in flat]
    chosen = _steps_chosen(pool, view)
    figures: dict[str, float | None] = {
        "first_error_f1": _first_errors(view, truths_P_N).f1,
        "auc": within_problem_auc(totals, right, [trace.problem.id for trace in flat]),
        "steps_chosen": sum(chosen) / len(chosen),
        "steps_mean": sum(len(trace.steps) for trace in flat) / len(flat),
        "tokens_per_trace": view.judged.tokens,
    }
    if view.scores_P_N[0][0].kind in PROBABILITIES:
        figures["brier"] = brier(totals, right)
        figures["ece"] = expected_calibration_error(totals, right)
    return figures


def _first_errors(view: View, truths_P_N: list[list[int]]) -> FirstErrorScore:
    """On the odd problems, with the threshold of the even ones."""
    halves: list[tuple[list[list[float]], list[int]]] = [([], []), ([], [])]
    for p, (scores_N, truths_N) in enumerate(zip(view.scores_P_N, truths_P_N, strict=True)):
        halves[p % 2][0].extend(list(s.values) for s in scores_N)
        halves[p % 2][1].extend(truths_N)
    threshold = choose_threshold(*halves[0])
    predicted = [predict_first_error(values, threshold) for values in halves[1][0]]
    return first_error_score(predicted, halves[1][1])


def _steps_chosen(pool: Pool, view: View) -> list[int]:
    """[P] how many steps the solution has that the verifier likes best."""
    return [
        len(max(zip(totals_N, traces_N, strict=True), key=lambda pair: pair[0])[1].steps)
        for totals_N, traces_N in zip(view.judged.totals_P_N, pool.traces_P_N, strict=True)
    ]


def report_details(
    pool: Pool, labelled: Sequence[LabelledTrace], summary: dict[str, Any]
) -> dict[str, Any]:
    """The report's curves, reliability diagrams and traces to browse."""
    return {
        "curves": summary["curves"],
        "calibration": {
            name: _reliability(pool, view)
            for name, view in pool.views.items()
            if view.scores_P_N[0][0].kind in PROBABILITIES
        },
        "traces": [*_test_traces(pool), *_labelled_traces(labelled)],
    }


def _reliability(pool: Pool, view: View) -> list[dict[str, float | None]]:
    totals = [total for totals_N in view.judged.totals_P_N for total in totals_N]
    right = [t.verdict is Verdict.CORRECT for traces_N in pool.traces_P_N for t in traces_N]
    return [
        {
            "low": b.low,
            "high": b.high,
            "count": b.count,
            "score": b.mean_score,
            "outcome": b.mean_outcome,
        }
        for b in reliability_bins(totals, right)
    ]


def _test_traces(pool: Pool) -> list[dict[str, Any]]:
    """What the first two verifiers chose for the first problems with mixed outcomes."""
    names = list(pool.views)[:2]
    shown: list[dict[str, Any]] = []
    for p, traces_N in enumerate(pool.traces_P_N):
        if len({trace.verdict for trace in traces_N}) < 2 or len(shown) >= SHOWN // 2:
            continue
        chosen: dict[int, list[str]] = {}
        for name in names:
            totals_N = pool.views[name].judged.totals_P_N[p]
            chosen.setdefault(totals_N.index(max(totals_N)), []).append(name)
        for n, by in chosen.items():
            scores = pool.views[by[0]].scores_P_N[p][n]
            shown.append(_shown(traces_N[n], scores, None, by))
    return shown


def _labelled_traces(labelled: Sequence[LabelledTrace]) -> list[dict[str, Any]]:
    rolled = [item for item in labelled if item.usage.calls][: SHOWN // 2]
    return [_shown(item.trace, None, item, []) for item in rolled]


def _shown(
    trace: Trace, scores: StepScores | None, labelled: LabelledTrace | None, chosen_by: list[str]
) -> dict[str, Any]:
    flaws_S = trails.check_steps(trace.problem, trace)
    steps = [
        {
            "text": step.text,
            "score": None if scores is None else scores.values[s],
            "truth": "correct" if flaws_S[s] is None else "wrong",
            "reason": flaws_S[s],
            "label": None if labelled is None else labelled.labels[s].value,
        }
        for s, step in enumerate(trace.steps)
    ]
    return {
        "problem": trace.problem.text,
        "gold": trace.problem.gold,
        "answer": trace.answer,
        "verdict": trace.verdict.value if trace.verdict else None,
        "total": None if scores is None else aggregate(scores),
        "steps": steps,
        "chosen_by": chosen_by,
    }
