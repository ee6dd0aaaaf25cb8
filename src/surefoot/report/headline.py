"""The one sentence a reader should remember, and nothing the intervals do not carry."""

from surefoot.report.data import Difference, MethodRow, Summary
from surefoot.report.looks import amount, bracketed, percent, role_of, signed


def headline(summary: Summary) -> str:
    """The summary's own headline, or one made from its largest difference to majority vote.

    The method named is the best of all that were tried, hence "the best of". Bounds
    (perfect, random) are not candidates.
    """
    if summary.headline:
        return summary.headline
    candidates = {
        name: row
        for name, row in summary.paired_vs_majority.items()
        if role_of(name) == "method" and name in summary.methods
    }
    if not candidates:
        return _without_pairs(summary)
    name = max(candidates, key=lambda candidate: candidates[candidate].diff)
    row, gap = summary.methods[name], candidates[name]
    if gap.low is not None and gap.low > 0:
        return (
            f"{_capital(name)} is right on {percent(row.accuracy)}\u00a0% of {_problems(summary)}: "
            f"{signed(gap.diff)} points against majority vote {_interval(gap)}"
            f"{_cost(row, summary)}."
        )
    many = f"the best of {len(candidates)}" if len(candidates) > 1 else "the one tried"
    return (
        f"No method is clearly better than majority vote: {many}, {name}, "
        f"differs by {signed(gap.diff)} points {_interval(gap)}."
    )


def _without_pairs(summary: Summary) -> str:
    """No difference is known: name the best method alone."""
    rows = {n: row for n, row in summary.methods.items() if role_of(n) not in ("upper", "random")}
    if not rows:
        return "Nothing was compared."
    name = max(rows, key=lambda candidate: rows[candidate].accuracy)
    rate = percent(rows[name].accuracy)
    return f"{_capital(name)} is right on {rate}\u00a0% of {_problems(summary)}."


def _problems(summary: Summary) -> str:
    count = summary.problems
    return f"{amount(count)} problems" if isinstance(count, int) else count


def _interval(gap: Difference) -> str:
    return bracketed(signed(gap.low), signed(gap.high))


def _cost(row: MethodRow, summary: Summary) -> str:
    """How the policy tokens compare with majority vote's, where that is known."""
    base = next((r for n, r in summary.methods.items() if role_of(n) == "majority"), None)
    if base is None or base.policy_tokens <= 0:
        return ""
    ratio = row.policy_tokens / base.policy_tokens
    return (
        ", for the same policy tokens"
        if 0.98 <= ratio <= 1.02
        else (f", for {ratio:.2g} times its policy tokens")
    )


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]
