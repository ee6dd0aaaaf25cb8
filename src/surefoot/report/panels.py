"""Small pictures beside numbers: interval strips, label dots, reliability diagrams."""

from collections.abc import Sequence

from surefoot.report.data import LabelRow, MethodRow, ReliabilityBin
from surefoot.report.looks import Look, bracketed, decimal, percent
from surefoot.report.svg import Scale, Values, linear, path_of, shape, tag

STRIP_WIDTH, STRIP_HEIGHT = 150, 36
SIDE = 240  # of a reliability diagram's square
HEAD = 30  # room above it
BARS = 34  # height of the counts below it


def interval_scale(rows: Sequence[MethodRow]) -> Scale:
    """One scale for the strips of all methods."""
    rates = [v for row in rows for v in (row.accuracy, row.low, row.high) if v is not None]
    return linear(min(rates), max(rates), 8, STRIP_WIDTH - 8)


def interval_strip(row: MethodRow, look: Look, base: float | None, scale: Scale) -> str:
    """Accuracy and its interval on the common scale, against a hairline at `base`."""
    middle = STRIP_HEIGHT / 2
    parts = []
    if base is not None:
        parts.append(tag("path", {"class": "hair", "d": f"M{scale(base):.1f},0V{STRIP_HEIGHT}"}))
    if row.low is not None and row.high is not None:
        reach = f"M{scale(row.low):.1f},{middle}H{scale(row.high):.1f}"
        parts.append(tag("path", {"class": "reach", "d": reach}))
    tip = f"{percent(row.accuracy)}\u00a0% {bracketed(percent(row.low), percent(row.high))}"
    parts.append(shape(look.mark, scale(row.accuracy), middle, 4.2, "mark", tip))
    return _strip(look.css, parts)


def swatch(look: Look) -> str:
    """The marker of a method, for a table's first column."""
    values = {"class": f"swatch {look.css}", "viewBox": "0 0 14 14", "aria-hidden": "true"}
    return tag("svg", values, shape(look.mark, 7, 7.4, 4.4, "mark"))


def label_strip(row: LabelRow) -> str:
    """Step accuracy (a disc) and first-error accuracy (a diamond) on a scale from 0 to 100 %."""
    scale, middle = linear(0, 1, 8, STRIP_WIDTH - 8), STRIP_HEIGHT / 2
    ends = f"M{scale(0)},{middle}H{scale(1)}"
    parts = [tag("path", {"class": "rail", "d": ends})]
    for value, mark, css, what in (
        (row.step_accuracy, "circle", "mark hue-0", "steps labelled right"),
        (row.first_error_accuracy, "diamond", "mark hue-1", "first errors found"),
    ):
        if value is not None:
            tip = f"{percent(value)}\u00a0% {what}"
            parts.append(shape(mark, scale(value), middle, 4.6, css, tip))
    return _strip("", parts)


def _strip(css: str, parts: Sequence[str]) -> str:
    values = {
        "class": f"strip {css}".strip(),
        "viewBox": f"0 0 {STRIP_WIDTH} {STRIP_HEIGHT}",
        "aria-hidden": "true",
    }
    return tag("svg", values, "".join(parts))


# --- reliability -----------------------------------------------------------


def reliability_svg(bins: Sequence[ReliabilityBin], css: str) -> str:
    """Outcome rate against mean score, with the counts of the bins below; "" without any trace.

    On the diagonal a score means what it says. Discs have the area of their count.
    """
    filled = [b for b in bins if b.count and b.score is not None and b.outcome is not None]
    if not filled:
        return ""
    x, y = linear(0, 1, 34, 34 + SIDE), linear(0, 1, HEAD + SIDE, HEAD)
    values = {
        "class": f"plot reliability {css}",
        "viewBox": f"0 0 {SIDE + 48} {HEAD + SIDE + BARS + 48}",
        "role": "img",
    }
    title = tag("title", {}, "Rate of right solutions against mean score")
    parts = [title, _square(x, y), _counts(bins, x), _discs(filled, x, y)]
    return tag("svg", values, "".join(parts))


def _square(x: Scale, y: Scale) -> str:
    parts = []
    for tick in (0.0, 0.5, 1.0):
        parts.append(tag("path", {"class": "grid", "d": f"M{x(0)},{y(tick)}H{x(1)}"}))
        beside: Values = {"class": "tick end", "x": x(0) - 8, "y": y(tick) + 4}
        below: Values = {"class": "tick middle", "x": x(tick), "y": y(0) + BARS + 26}
        parts += [tag("text", beside, f"{100 * tick:.0f}"), tag("text", below, f"{tick:g}")]
    parts.append(tag("path", {"class": "diagonal", "d": path_of([(x(0), y(0)), (x(1), y(1))])}))
    values: Values = {"class": "axis-title middle", "x": x(0.5), "y": y(0) + BARS + 44}
    parts.append(tag("text", values, "Mean score"))
    return "".join(parts) + tag("text", {"class": "axis-title", "x": 0, "y": 14}, "Right, %")


def _discs(filled: Sequence[ReliabilityBin], x: Scale, y: Scale) -> str:
    most = max(b.count for b in filled)
    gaps, discs, places = [], [], []
    for b in filled:
        score, outcome = b.score or 0.0, b.outcome or 0.0
        px, py, fair = x(score), y(outcome), y(score)
        places.append((px, py))
        gaps.append(tag("path", {"class": "gap", "d": path_of([(px, fair), (px, py)])}))
        tip = f"{b.count} scored {b.low:g} to {b.high:g}, mean {decimal(score)}"
        radius = 2.5 + 6 * (b.count / most) ** 0.5
        discs.append(
            shape("circle", px, py, radius, "mark", f"{tip}\n{percent(outcome)}\u00a0% right")
        )
    return "".join([*gaps, tag("path", {"class": "line", "d": path_of(places)}), *discs])


def _counts(bins: Sequence[ReliabilityBin], x: Scale) -> str:
    most = max(b.count for b in bins)
    foot = HEAD + SIDE + 8 + BARS
    bars = []
    for b in bins:
        tall = BARS * b.count / most
        values: Values = {
            "class": "bar",
            "x": x(b.low) + 1,
            "y": foot - tall,
            "width": max(x(b.high) - x(b.low) - 2, 1),
            "height": tall,
        }
        bars.append(tag("rect", values, tag("title", {}, f"{b.count} in [{b.low:g}, {b.high:g})")))
    return "".join(bars)
