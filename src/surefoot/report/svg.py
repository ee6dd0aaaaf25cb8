"""A small hand for SVG: elements with escaped text, scales, ticks, and labels kept apart."""

import html
import math
from collections.abc import Callable, Mapping, Sequence

Scale = Callable[[float], float]
Value = str | float
Values = Mapping[str, Value]


def escape(text: str) -> str:
    """Text as HTML or SVG shows it literally; controls and lone surrogates become U+FFFD."""
    return html.escape("".join("\N{REPLACEMENT CHARACTER}" if _unfit(c) else c for c in text))


def _unfit(c: str) -> bool:
    return (c < " " and c not in "\n\t") or "\ud800" <= c <= "\udfff"


def tag(name: str, values: Values, body: str = "") -> str:
    """One element. Attributes are escaped; `body` is markup already: `escape` plain text first."""
    written = "".join(f' {key}="{_value(value)}"' for key, value in values.items())
    return f"<{name}{written}>{body}</{name}>"


def _value(value: Value) -> str:
    return escape(value) if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")


def path_of(points: Sequence[tuple[float, float]], *, closed: bool = False) -> str:
    """The `d` of straight lines through `points`; "" without any."""
    if not points:
        return ""
    return "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in points) + ("Z" if closed else "")


def shape(mark: str, x: float, y: float, radius: float, css: str, title: str = "") -> str:
    """A marker of the named shape, areas alike; `title` is its tooltip."""
    half = radius * 0.89
    corners = {
        "square": [(-half, -half), (half, -half), (half, half), (-half, half)],
        "diamond": [
            (0, -1.25 * radius),
            (1.25 * radius, 0),
            (0, 1.25 * radius),
            (-1.25 * radius, 0),
        ],
        "triangle": [
            (0, -1.3 * radius),
            (1.2 * radius, 0.8 * radius),
            (-1.2 * radius, 0.8 * radius),
        ],
    }
    tip = tag("title", {}, escape(title)) if title else ""
    if mark not in corners:
        return tag("circle", {"class": css, "cx": x, "cy": y, "r": radius}, tip)
    outline = path_of([(x + dx, y + dy) for dx, dy in corners[mark]], closed=True)
    return tag("path", {"class": css, "d": outline}, tip)


# --- scales ----------------------------------------------------------------


def linear(low: float, high: float, start: float, stop: float) -> Scale:
    """Maps [low, high] to [start, stop]; the middle where low = high."""
    if high == low:
        return lambda _: (start + stop) / 2
    return lambda value: start + (value - low) / (high - low) * (stop - start)


def logarithmic(low: float, high: float, start: float, stop: float) -> Scale:
    """As `linear` of the logarithms; all values above 0."""
    along = linear(math.log(low), math.log(high), start, stop)
    return lambda value: along(math.log(value))


def log_ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 times powers of ten within [low, high]."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [float(digit) * 10.0**power for power in powers for digit in (1, 2, 5)]
    return [tick for tick in ticks if low <= tick <= high]


def rate_ticks(low: float, high: float, most: int = 7) -> list[float]:
    """Round fractions that embrace [low, high] within [0, 1]: at most `most` of them."""
    for step in (0.01, 0.02, 0.05, 0.1, 0.2):
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        last = max(last, first + 1)
        if last - first + 1 <= most:
            break
    return [n * step for n in range(first, last + 1) if -1e-9 <= n * step <= 1 + 1e-9]


def spread(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places moved as little as possible (least squares) to stand `gap` apart within [low, high].

    Clusters that overlap are pooled around their mean (isotonic regression of
    place_i - i gap). The order of places is kept.
    """
    order = sorted(range(len(places)), key=lambda i: places[i])
    pools: list[list[float]] = []  # [sum, count] of what is pooled; means rise
    for rank, i in enumerate(order):
        pools.append([places[i] - rank * gap, 1.0])
        while len(pools) > 1 and pools[-2][0] / pools[-2][1] >= pools[-1][0] / pools[-1][1]:
            total, count = pools.pop()
            pools[-1] = [pools[-1][0] + total, pools[-1][1] + count]
    free = [total / count for total, count in pools for _ in range(int(count))]
    most = high - gap * (len(places) - 1)
    moved = [0.0] * len(places)
    for rank, i in enumerate(order):
        moved[i] = max(min(free[rank], most), low) + rank * gap
    return moved
