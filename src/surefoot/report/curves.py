"""Accuracy against budget: the picture that says whether a verifier is worth its tokens.

Lines are methods, bands their intervals, the dashed line above is what a perfect
scorer would reach (coverage, pass@n), the dotted one what a random scorer does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from surefoot.core.files import write_whole
from surefoot.core.records import Record
from surefoot.report.data import CurvePoint, Details, Summary
from surefoot.report.looks import Look, amount, bracketed, looks_of, percent
from surefoot.report.svg import (
    Scale,
    Values,
    escape,
    linear,
    log_ticks,
    logarithmic,
    path_of,
    rate_ticks,
    shape,
    spread,
    tag,
)

Curves = Mapping[str, Sequence[CurvePoint]]

WIDTH, HEIGHT = 880, 460
LEFT, TOP, BOTTOM = 44, 40, 412
PADDING = 28  # around a picture that is a file of its own
LABEL_GAP = 17.0
LETTER = 7.1  # mean width of a letter of a label
LONGEST = 34  # letters of a name that a label shows


@dataclass(frozen=True, slots=True)
class Frame:
    """Where data lies on the picture. x: tokens to pixels; y: accuracy to pixels.

    against: what the x axis counts.
    """

    x: Scale
    y: Scale
    right: float
    ticks_x: list[float]
    ticks_y: list[float]
    against: str


def write_accuracy_svg(path: str | Path, summary: Record, details: Record) -> None:
    """Writes the picture as a file of its own, for a README; light and dark by the viewer's wish.

    Raises InputError for a missing field, StorageError if it cannot be written.
    """
    read = Summary.from_json(summary)
    curves = with_coverage(Details.from_json(details).curves, read.coverage)
    picture = accuracy_svg(curves, order=list(read.methods), standalone=True)
    write_whole(path, picture)


def accuracy_svg(
    curves: Curves,
    *,
    order: Sequence[str] = (),
    standalone: bool = False,
    against: str = "policy tokens per problem",
) -> str:
    """The plot as SVG text; "" without any point.

    order: names that fix colours and markers, so that they match other parts of a page.
    standalone: carry the style sheet and a background, for use as a file.
    against: what a point's `tokens` count: the title of the axis.
    """
    drawn = {name: sorted(points, key=lambda p: p.tokens) for name, points in curves.items()}
    drawn = {name: points for name, points in drawn.items() if points}
    if not drawn:
        return ""
    looks = looks_of(dict.fromkeys((*order, *drawn)))
    frame = _frame(drawn, against)
    behind = sorted(drawn, key=lambda name: looks[name].role == "method")  # methods on top
    body = [
        tag("title", {}, escape(f"Accuracy against {against}")),
        _axes(frame),
        *_series(drawn, behind, looks, frame),
    ]
    if standalone:
        body.insert(0, _stand_alone())
    values = {
        "class": "plot",
        "viewBox": _view_box(PADDING if standalone else 0),
        "role": "img",
        "xmlns": "http://www.w3.org/2000/svg",
    }
    return tag("svg", values, "".join(body))


def with_coverage(curves: Curves, coverage: Mapping[str, float]) -> dict[str, Sequence[CurvePoint]]:
    """The curves, and pass@n as one more where none of them is an upper bound yet.

    Its tokens are those of another curve with the same n; other n are left out.
    """
    shown = dict(curves)
    if not coverage or any(look.role == "upper" for look in looks_of(curves).values()):
        return shown
    tokens = {str(p.n): p.tokens for points in curves.values() for p in points}
    points = [
        CurvePoint(tokens[n], value, None, None, int(n))
        for n, value in coverage.items()
        if n in tokens
    ]
    return {"coverage (pass@n)": points, **shown} if points else shown


# --- parts -----------------------------------------------------------------


def _frame(drawn: Curves, against: str) -> Frame:
    points = [p for series in drawn.values() for p in series]
    tokens = [p.tokens for p in points]
    rates = [v for p in points for v in (p.accuracy, p.low, p.high) if v is not None]
    ticks_y = rate_ticks(min(rates), max(rates), most=9)
    right = WIDTH - 30 - LETTER * (max(len(_short(name)) for name in drawn) + 5)
    low, high = min(tokens) / 1.08, max(tokens) * 1.04
    if max(tokens) / min(tokens) < 1.5:
        low, high = min(tokens) / 2, max(tokens) * 2
    x = logarithmic(low, high, LEFT, right)
    y = linear(ticks_y[0], ticks_y[-1], BOTTOM, TOP)
    return Frame(x, y, right, log_ticks(low, high), ticks_y, against)


def _axes(frame: Frame) -> str:
    parts = [tag("text", {"class": "axis-title", "x": 0, "y": 16}, "Accuracy, %")]
    for tick in frame.ticks_y:
        y = frame.y(tick)
        parts.append(tag("path", {"class": "grid", "d": f"M{LEFT},{y:.1f}H{frame.right:.1f}"}))
        values: Values = {"class": "tick end", "x": LEFT - 10, "y": y + 4}
        parts.append(tag("text", values, f"{100 * tick:.0f}"))
    for tick in frame.ticks_x:
        x = frame.x(tick)
        parts.append(tag("path", {"class": "notch", "d": f"M{x:.1f},{BOTTOM}v5"}))
        values = {"class": "tick middle", "x": x, "y": BOTTOM + 20}
        parts.append(tag("text", values, amount(tick)))
    parts.append(tag("path", {"class": "base", "d": f"M{LEFT},{BOTTOM}H{frame.right:.1f}"}))
    values = {"class": "axis-title end", "x": frame.right, "y": BOTTOM + 40}
    parts.append(tag("text", values, escape(f"{frame.against.capitalize()} (log scale)")))
    return tag("g", {"class": "axes"}, "".join(parts))


def _band(points: Sequence[CurvePoint], frame: Frame) -> str:
    """The interval around a line, or of a single point; "" where it is unknown."""
    known = [(frame.x(p.tokens), p.low, p.high) for p in points]
    lows = [(x, frame.y(low)) for x, low, _ in known if low is not None]
    highs = [(x, frame.y(high)) for x, _, high in known if high is not None]
    if not lows or len(lows) != len(highs):
        return ""
    if len(points) == 1:
        return tag("path", {"class": "whisker", "d": path_of([*lows, *highs])})
    outline = path_of([*lows, *reversed(highs)], closed=True)
    return tag("path", {"class": "band", "d": outline})


def _series(
    drawn: Curves, names: Sequence[str], looks: Mapping[str, Look], frame: Frame
) -> list[str]:
    """Each line with its markers and its label at the right end."""
    ends = [frame.y(drawn[name][-1].accuracy) for name in names]
    places = spread(ends, LABEL_GAP, TOP, BOTTOM - 4)
    return [
        tag(
            "g",
            {"class": f"series {looks[name].css}"},
            _band(drawn[name], frame)
            + _line(name, drawn[name], looks[name], frame)
            + _label(name, drawn[name][-1], place, frame),
        )
        for name, place in zip(names, places, strict=True)
    ]


def _line(name: str, points: Sequence[CurvePoint], look: Look, frame: Frame) -> str:
    places = [(frame.x(p.tokens), frame.y(p.accuracy)) for p in points]
    seen = look.role in ("majority", "method")  # bounds have no markers, only places to point at
    mark, radius, css = (look.mark, 3.6, "mark") if seen else ("circle", 5.0, "target")
    marks = [
        shape(mark, x, y, radius, css, _tip(name, p))
        for (x, y), p in zip(places, points, strict=True)
    ]
    return tag("path", {"class": "line", "d": path_of(places)}) + "".join(marks)


def _label(name: str, last: CurvePoint, place: float, frame: Frame) -> str:
    x, y = frame.x(last.tokens), frame.y(last.accuracy)
    start = frame.right + 14
    leader = path_of([(x + 6, y), (max(frame.right, x) + 2, y), (start - 2, place)])
    shown = escape(_short(name)) + tag("tspan", {"class": "value", "dx": 6}, percent(last.accuracy))
    text = tag("text", {"class": "label", "x": start + 2, "y": place + 4}, shown)
    return tag("path", {"class": "leader", "d": leader}) + text


def _tip(name: str, p: CurvePoint) -> str:
    interval = bracketed(percent(p.low), percent(p.high))
    cost = "" if p.tokens == p.n else f"{amount(p.tokens)} tokens, "  # else samples are the axis
    return f"{name}\n{percent(p.accuracy)}\u00a0% {interval}\n{cost}n = {p.n}"


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"


def _stand_alone() -> str:
    style = resources.files("surefoot.report").joinpath("plot.css").read_text(encoding="utf-8")
    size: Values = {
        "class": "paper",
        "x": -PADDING,
        "y": -PADDING,
        "width": WIDTH + 2 * PADDING,
        "height": HEIGHT + 2 * PADDING,
        "rx": 12,
    }
    return tag("style", {}, style) + tag("rect", size)


def _view_box(padding: int) -> str:
    return f"{-padding} {-padding} {WIDTH + 2 * padding} {HEIGHT + 2 * padding}"
