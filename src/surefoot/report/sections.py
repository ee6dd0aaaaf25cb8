"""The parts of the page that are numbers: each a function from data to markup, "" without data.

All text from the input goes through `escape`.
"""

from collections.abc import Callable, Mapping, Sequence

from surefoot.report.curves import accuracy_svg, with_coverage
from surefoot.report.data import Details, Difference, LabelRow, Summary
from surefoot.report.looks import (
    UNKNOWN,
    Look,
    amount,
    bracketed,
    decimal,
    duration,
    looks_of,
    percent,
    role_of,
    signed,
)
from surefoot.report.panels import (
    interval_scale,
    interval_strip,
    label_strip,
    reliability_svg,
    swatch,
)
from surefoot.report.svg import escape, tag
from surefoot.report.tables import by_accuracy


def facts(summary: Summary) -> str:
    """What ran, as a list of terms."""
    shown = summary.problems
    rows = {
        "Policy": summary.policy,
        "Problems": amount(shown) if isinstance(shown, int) else shown,
        "Seed": str(summary.seed),
        "Time": duration(summary.seconds),
    }
    return fact_list(rows, summary.command)


def fact_list(rows: Mapping[str, str], command: str = "") -> str:
    """Terms and what they are, plain text both, and the command that was run."""
    pairs = [
        tag("div", {}, tag("dt", {}, escape(name)) + tag("dd", {}, escape(value)))
        for name, value in rows.items()
    ]
    shown = tag("pre", {"tabindex": 0}, tag("code", {}, escape(command))) if command else ""
    return tag("dl", {"class": "facts"}, "".join(pairs)) + shown


def methods(summary: Summary) -> str:
    """Every method with its interval, its difference to majority vote, and its cost."""
    if not summary.methods:
        return ""
    looks = looks_of(summary.methods)
    scale = interval_scale(list(summary.methods.values()))
    base = next((r.accuracy for n, r in summary.methods.items() if role_of(n) == "majority"), None)
    rows = []
    for name in by_accuracy(summary):
        row, look = summary.methods[name], looks[name]
        cells = [
            head_cell(name, look),
            tag("td", {"class": "picture"}, interval_strip(row, look, base, scale)),
            number_cell(percent(row.accuracy), bracketed(percent(row.low), percent(row.high))),
            difference_cell(summary.paired_vs_majority.get(name)),
            number_cell(amount(row.policy_tokens)),
            number_cell(amount(row.verifier_tokens)),
        ]
        rows.append(tag("tr", {"class": f"role-{look.role}"}, "".join(cells)))
    titles = ("Method", "", "Accuracy, %", "Against majority", "Policy tokens", "Verifier tokens")
    notes = (
        "Brackets hold 95\u00a0% intervals over problems; the hairline is majority vote. "
        "A difference is paired by problem, in points, and bold where its interval leaves out 0. "
        "Tokens are means per problem."
    )
    return table(titles, rows) + note(notes) + greedy(summary.greedy)


def budget(summary: Summary, details: Details) -> str:
    """Accuracy against policy tokens: the picture, and the numbers behind it."""
    curves = with_coverage(details.curves, summary.coverage)
    picture = accuracy_svg(curves, order=list(summary.methods))
    if not picture:
        return coverage_line(summary.coverage)
    rows = [
        tag(
            "tr",
            {},
            tag("th", {"scope": "row"}, escape(name))
            + number_cell(str(p.n))
            + number_cell(amount(p.tokens))
            + number_cell(percent(p.accuracy), bracketed(percent(p.low), percent(p.high))),
        )
        for name, points in curves.items()
        for p in points
    ]
    titles = ("Method", "Samples", "Policy tokens", "Accuracy, %")
    return scroller(picture, "wide") + behind(table(titles, rows)) + coverage_line(summary.coverage)


_LABEL_COLUMNS: Mapping[str, Callable[[LabelRow], str]] = {
    "Steps right, %": lambda row: percent(row.step_accuracy),
    "First error found, %": lambda row: percent(row.first_error_accuracy),
    "Right ones passed, %": lambda row: percent(row.no_error_accuracy),
    "First-error F1, %": lambda row: percent(row.first_error_f1),
    "Tokens a trace": lambda row: amount(row.tokens_per_trace),
    "Traces": lambda row: amount(row.traces),
}


def labels(summary: Summary) -> str:
    """Each labelling against the oracle; columns that no row fills are left out."""
    rows = summary.label_quality
    if not rows:
        return ""
    columns = {
        title: [show(row) for row in rows.values()] for title, show in _LABEL_COLUMNS.items()
    }
    kept = {title: shown for title, shown in columns.items() if set(shown) != {UNKNOWN}}
    body = [
        _label_row(name, row, [shown[index] for shown in kept.values()])
        for index, (name, row) in enumerate(rows.items())
    ]
    key = (
        tag("span", {"class": "key hue-0"}, "● steps right")
        + tag("span", {"class": "key hue-1"}, "◆ first error found")
        + tag("span", {}, "on a scale from 0 to 100\u00a0%, against the oracle")
    )
    return table(("Labels from", "", *kept), body) + tag("p", {"class": "note picture-key"}, key)


def _label_row(name: str, row: LabelRow, shown: Sequence[str]) -> str:
    head = tag("th", {"scope": "row"}, tag("bdi", {}, escape(name)))
    picture = tag("td", {"class": "picture"}, label_strip(row))
    return tag("tr", {}, head + picture + "".join(number_cell(cell) for cell in shown))


def verifiers(summary: Summary, details: Details) -> str:
    """Each verifier's figures, then how far its scores can be read as probabilities."""
    names = list(dict.fromkeys((*summary.verifiers, *details.calibration)))
    looks = _verifier_looks(summary, names)
    rows = [
        tag(
            "tr",
            {},
            head_cell(name, looks[name])
            + number_cell(percent(row.first_error_f1))
            + "".join(number_cell(decimal(v)) for v in (row.auc, row.brier, row.ece)),
        )
        for name, row in summary.verifiers.items()
    ]
    titles = ("Verifier", "First-error F1, % ↑", "AUC ↑", "Brier ↓", "ECE ↓")
    figures = table(titles, rows) if rows else ""
    return figures + calibration(summary, details, looks)


def calibration(summary: Summary, details: Details, looks: Mapping[str, Look]) -> str:
    """Reliability diagrams side by side, and the numbers behind them."""
    pictures, rows = [], []
    for name, bins in details.calibration.items():
        picture = reliability_svg(bins, looks[name].css)
        if not picture:
            continue
        row = summary.verifiers.get(name)
        gist = f"Brier {decimal(row.brier)} · ECE {decimal(row.ece)}" if row else ""
        caption = tag("b", {}, tag("bdi", {}, escape(name))) + tag("span", {}, gist)
        pictures.append(tag("figure", {}, tag("figcaption", {}, caption) + picture))
        for b in bins:
            head = tag("th", {"scope": "row"}, escape(name))
            shown = (f"{b.low:g} to {b.high:g}", amount(b.count), decimal(b.score))
            cells = "".join(number_cell(cell) for cell in (*shown, percent(b.outcome)))
            rows.append(tag("tr", {}, head + cells))
    if not pictures:
        return ""
    titles = ("Verifier", "Scores", "Traces", "Mean score", "Right, %")
    notes = (
        "Share of right solutions, in %, among those scored alike. On the dashed diagonal a score "
        "means what it says; below it, it promises too much. A disc's area and the bars are counts."
    )
    gallery = tag("div", {"class": "gallery"}, "".join(pictures))
    return gallery + note(notes) + behind(table(titles, rows))


def _verifier_looks(summary: Summary, names: Sequence[str]) -> dict[str, Look]:
    """A verifier has the hue of its methods."""
    own = looks_of(names)
    for method, look in looks_of(summary.methods).items():
        verifier = method.partition(", ")[2] or method
        if verifier in own:
            own[verifier] = Look("method", look.css, "circle")
    return own


# --- pieces ----------------------------------------------------------------


def greedy(rates: Mapping[str, float]) -> str:
    """One greedy try of each policy, for comparison."""
    if not rates:
        return ""
    shown = ", ".join(f"{escape(name)} {percent(rate)}\u00a0%" for name, rate in rates.items())
    return tag("p", {"class": "note"}, f"With one greedy try: {shown}.")


def coverage_line(coverage: Mapping[str, float]) -> str:
    """pass@n in words."""
    if not coverage:
        return ""
    shown = " · ".join(f"{percent(rate)}\u00a0% at {escape(n)}" for n, rate in coverage.items())
    lead = tag("b", {}, "Coverage")
    return tag("p", {"class": "note"}, f"{lead} (a right solution among n samples): {shown}.")


def head_cell(name: str, look: Look) -> str:
    """A method's marker and name."""
    shown = swatch(look) + tag("bdi", {}, escape(name))
    return tag("th", {"scope": "row"}, tag("span", {"class": "named"}, shown))


def number_cell(main: str, more: str = "") -> str:
    """A number, and its interval in a softer voice."""
    soft = tag("span", {"class": "soft"}, more) if more else ""
    return tag("td", {"class": "number"}, main + (" " + soft if soft else ""))


def difference_cell(gap: Difference | None) -> str:
    """A paired difference; strong where its interval leaves out 0."""
    if gap is None:
        return number_cell(UNKNOWN)
    shown = signed(gap.diff)
    if gap.low is not None and gap.high is not None and (gap.low > 0 or gap.high < 0):
        shown = tag("b", {}, shown)
    return number_cell(shown, bracketed(signed(gap.low), signed(gap.high)))


def table(titles: Sequence[str], rows: Sequence[str]) -> str:
    """A table in a frame that scrolls sideways where the screen is narrow."""
    cells = [
        tag("th", {"scope": "col"}, escape(title)) if title else tag("td", {}) for title in titles
    ]
    head = tag("thead", {}, tag("tr", {}, "".join(cells)))
    return scroller(tag("table", {}, head + tag("tbody", {}, "".join(rows))), "")


def scroller(body: str, css: str) -> str:
    """A frame that scrolls sideways, reachable by keyboard."""
    return tag("div", {"class": f"scroll {css}".strip(), "tabindex": 0}, body)


def behind(body: str) -> str:
    """Numbers behind a picture, folded away."""
    return tag("details", {}, tag("summary", {}, "The numbers behind this") + body)


def note(text: str) -> str:
    """Small print."""
    return tag("p", {"class": "note"}, escape(text))
