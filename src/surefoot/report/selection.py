"""The page of a study of a pool: what each verifier chooses, and how far to trust it.

Reads the two records of `evaluate.study_records`; all names go through `escape`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from surefoot.core.files import write_whole
from surefoot.core.records import Record
from surefoot.report.curves import accuracy_svg
from surefoot.report.data import CurvePoint, Difference, ReliabilityBin
from surefoot.report.html import assemble
from surefoot.report.looks import (
    UNKNOWN,
    Look,
    amount,
    bracketed,
    decimal,
    doubts,
    percent,
    signed,
)
from surefoot.report.panels import reliability_svg
from surefoot.report.sections import (
    behind,
    difference_cell,
    fact_list,
    head_cell,
    note,
    number_cell,
    scroller,
    table,
)
from surefoot.report.svg import escape, tag
from surefoot.report.tables import aligned, plain

SHOWN = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
MARKS = {True: "", False: " ✗", None: " ?"}  # of an aggregation: legal, not, unknown


def write_selection(path: str | Path, summary: Record, curves: Record) -> None:
    """Writes the page whole or not at all; StorageError if it cannot be."""
    write_whole(path, selection_page(summary, curves))


def selection_page(summary: Record, curves: Record) -> str:
    """The page as text: one file, no network."""
    facts = {
        "Problems": amount(summary["problems"]),
        "Candidates of each": amount(summary["candidates"]),
        "Right at once": f"{percent(summary['pass@1']['estimate'])} %",
        "Resamples": amount(summary["resamples"]),
    }
    return assemble(
        "What verifiers choose",
        selection_headline(summary),
        fact_list(facts),
        {
            "ways": ("Ways to choose", ways(summary)),
            "best": ("Best of n", accuracy(curves, "best_of_n")),
            "votes": ("Weighted votes", accuracy(curves, "weighted_vote")),
            "coverage": ("Coverage", coverage(summary)),
            "pairs": ("Verifiers against each other", pairs(summary)),
            "calibration": ("Is a score a probability?", calibration(summary)),
            "weakest": ("Where the weakest step stands", weakest_steps(summary)),
            "plans": ("How often to resample", plans(summary)),
            "risks": ("Answer or abstain", risks(summary)),
        },
    )


def selection_headline(summary: Record) -> str:
    """The largest difference to majority vote, with its interval; it is the best of all tried."""
    tried = [
        (row["best_of_n_vs_majority"], row["best_of_n"], f"{name} ({how})")
        for name, how, row in _rows(summary)
    ]
    if not tried:
        return f"Majority vote is right on {percent(summary['majority']['estimate'])}\u00a0%."
    gap, reached, name = max(tried, key=lambda way: way[0]["estimate"])
    shown = f"{signed(gap['estimate'])} points {bracketed(signed(gap['low']), signed(gap['high']))}"
    if gap["low"] is not None and gap["low"] > 0:
        return (
            f"The best of {summary['candidates']} by {name} is right on "
            f"{percent(reached['estimate'])}\u00a0%: {shown} against majority vote, "
            f"the largest of {len(tried)} differences."
        )
    return f"None of {len(tried)} ways clearly beats majority vote: {name} differs by {shown}."


def selection_table(summary: Record) -> str:
    """The ways to choose as aligned plain text, ready to print."""
    head = (
        "verifier", "by", "best of n", "interval", "vs majority", "interval ", "weighted vote",
        "gap", "peak", "Brier", "ECE",
    )  # fmt: skip
    rows = []
    for name, how, row in _rows(summary):
        best, gap, vote = row["best_of_n"], row["best_of_n_vs_majority"], row["weighted_vote"]
        calibrated = row["calibration"] or {"brier": {}, "ece": {}}
        rows.append(
            (
                plain(name),
                how + MARKS[row["legal"]],
                percent(best["estimate"]),
                _bracketed(best, percent),
                signed(gap["estimate"]),
                _bracketed(gap, signed),
                percent(vote["estimate"] if vote else None),
                percent(row["selection_gap"]["estimate"]),
                f"{row['fall']['peak']}{' falls' if row['fall']['sure'] else ''}",
                decimal(calibrated["brier"].get("estimate")),
                decimal(calibrated["ece"].get("estimate")),
            )
        )
    return aligned(head, rows, left=("verifier", "by", "interval", "interval "))


# --- parts -----------------------------------------------------------------


def ways(summary: Record) -> str:
    """Every verifier and aggregation with all candidates, below the three baselines."""
    rows = []
    for key, name, look in (
        ("coverage", "a perfect scorer (coverage)", Look("upper", "hue-upper", "circle")),
        ("majority", "majority vote", Look("majority", "hue-majority", "circle")),
        ("pass@1", "a random scorer (pass@1)", Look("random", "hue-random", "circle")),
    ):
        cells = [head_cell(name, look), tag("td", {}, ""), _rate_cell(summary[key])]
        rows.append(tag("tr", {}, "".join(cells + [tag("td", {}, "")] * 5)))
    looks = _looks(summary)
    for name, how, row in _rows(summary):
        fall = row["fall"]
        warning = tag("b", {}, "falls") if fall["sure"] else ""
        cells = [
            head_cell(name, looks[name]),
            _how_cell(how + MARKS[row["legal"]]),
            _rate_cell(row["best_of_n"]),
            difference_cell(_difference(row["best_of_n_vs_majority"])),
            _rate_cell(row["weighted_vote"]),
            difference_cell(_difference(row["weighted_vote_vs_majority"])),
            _rate_cell(row["selection_gap"]),
            number_cell(f"{fall['peak']} {warning}".strip()),
        ]
        rows.append(tag("tr", {}, "".join(cells)))
    titles = (
        "Verifier", "By", "Best of n, %", "Against majority", "Weighted vote, %",
        "Against majority", "Left to coverage", "Peak at n",
    )  # fmt: skip
    notes = (
        f"All with n = {summary['candidates']}. ✗ marks an aggregation that does not fit what the "
        "scores mean, ? one of which nobody said. Brackets hold 95\u00a0% intervals over problems; "
        "differences are paired, in points. “falls” warns that accuracy drops after its peak by "
        "more than chance, though the peak was picked by looking."
    )
    return table(titles, rows) + note(notes)


def accuracy(curves: Record, rule: str) -> str:
    """One picture a verifier: accuracy against n by aggregation, between the baselines."""
    pictures = []
    for name, by_how in curves["verifiers"].items():
        drawn = {
            "coverage": _points(curves, curves["coverage"]),
            "majority": _points(curves, curves["majority"]),
            "random": _points(curves, curves["random"]),
        }
        bands = {how: curve[rule] for how, curve in by_how.items() if curve[rule] is not None}
        if bands:
            drawn |= {how: _points(curves, band) for how, band in bands.items()}
            head = tag("h3", {}, tag("bdi", {}, escape(name)))
            picture = accuracy_svg(drawn, order=list(by_how), against="samples per problem")
            pictures.append(head + scroller(picture, "wide"))
    return "".join(pictures)


def coverage(summary: Record) -> str:
    """The power law, and what it takes to be believed."""
    law = summary["coverage_law"]
    shown = f"A right answer is among {summary['candidates']} samples for "
    shown += f"{percent(summary['coverage']['estimate'])}\u00a0% of the problems. "
    if law is None:
        return note(shown + "No power law fits.")
    a, b = (f"{law[k]['estimate']:.3f} {_bracketed(law[k], decimal)}" for k in "ab")
    return note(
        f"{shown}Coverage with k samples follows exp(a kᵇ) with a = {a} and b = {b}. "
        "The law describes these problems up to this many samples; beyond, it is a guess."
    )


def pairs(summary: Record) -> str:
    """Paired differences of best-of-n between verifiers."""
    rows = [
        tag(
            "tr",
            {},
            tag("th", {"scope": "row"}, tag("bdi", {}, escape(f"{pair['a']} − {pair['b']}")))
            + _how_cell(pair["aggregation"])
            + difference_cell(_difference(pair["diff"])),
        )
        for pair in summary["pairs"]
    ]
    return table(("Verifiers", "By", "Difference of best of n, points"), rows) if rows else ""


def calibration(summary: Record) -> str:
    """A reliability diagram for every verifier and aggregation in [0, 1]."""
    looks, pictures, rows = _looks(summary), [], []
    for name, how, row in _rows(summary):
        found = row["calibration"]
        if found is None:
            continue
        bins = [
            ReliabilityBin(b["low"], b["high"], b["count"], b["mean_score"], b["mean_outcome"])
            for b in found["bins"]
        ]
        caption = tag("b", {}, tag("bdi", {}, escape(f"{name}, {how}")))
        gist = f"Brier {decimal(found['brier']['estimate'])} · ECE "
        caption += tag("span", {}, gist + decimal(found["ece"]["estimate"]))
        picture = reliability_svg(bins, looks[name].css)
        pictures.append(tag("figure", {}, tag("figcaption", {}, caption) + picture))
        cells = [_number(found[key], decimal) for key in ("brier", "ece")]
        rows.append(_named_row(name, how, cells))
    if not pictures:
        return ""
    gallery = tag("div", {"class": "gallery"}, "".join(pictures))
    told = doubts([row["calibration"] for _, _, row in _rows(summary)])
    shown = table(("Verifier", "By", "Brier ↓", "ECE, 10 bins ↓"), rows)
    return gallery + behind(shown + (note(told) if told else ""))


def weakest_steps(summary: Record) -> str:
    """How often the last step scores lowest."""
    rows = []
    for name, verifier in summary["verifiers"].items():
        found = verifier["min_at_last"]
        cells = [_rate_cell(found[key]) for key in ("share", "by_chance", "among_wrong")]
        head = tag("th", {"scope": "row"}, tag("bdi", {}, escape(name)))
        rows.append(tag("tr", {}, head + "".join(cells)))
    titles = ("Verifier", "Lowest score at the last step, %", "By chance, %", "Wrong answers, %")
    notes = (
        "A verifier of steps has its lowest score where the error is; far above chance it has "
        "become a verifier of outcomes (arXiv:2501.07301)."
    )
    told = doubts([verifier["min_at_last"] for verifier in summary["verifiers"].values()])
    return table(titles, rows) + note(f"{notes} {told}".strip()) if rows else ""


def plans(summary: Record) -> str:
    """K* for each cost of an accepted wrong answer."""
    found = [(n, how, row["plans"]) for n, how, row in _rows(summary) if row["plans"] is not None]
    if not found:
        return ""
    costs = [f"wrong costs {-plan['wrong']:g}" for plan in found[0][2]]
    rows = [
        _named_row(
            name,
            how,
            [
                number_cell(str(plan["attempts"]), f"{plan['utility']['estimate']:.3f}")
                for plan in by_cost
            ],
        )
        for name, how, by_cost in found
    ]
    notes = (
        "Draw until the score is 0.5 or more, at most K* times, else abstain: the K* of highest "
        "utility (1 for right, minus the cost for wrong, 0 for abstaining; in grey) up to "
        f"{summary['candidates']} attempts, unbiased on this pool (arXiv:2411.17501). 0: abstain."
    )
    return table(("Verifier", "By", *costs), rows) + note(notes)


def risks(summary: Record) -> str:
    """Conformal thresholds on the score of the chosen candidate."""
    found = [(name, how, row["risks"]) for name, how, row in _rows(summary)]
    if not found:
        return ""
    titles = [f"Wrong ≤ {100 * risk['alpha']:g}\u00a0%" for risk in found[0][2]]
    rows = [_named_row(name, how, map(_threshold_cell, by_alpha)) for name, how, by_alpha in found]
    whys = {r["why_not"] for _, _, by_alpha in found for r in by_alpha if r["why_not"]}
    notes = (
        "Answer only if the best candidate scores this much, and “answered and wrong” stays "
        "within the promise on average (conformal risk control, arXiv:2208.02814); in grey the "
        "share answered. It holds for problems, a policy and an n like these."
    )
    return table(("Verifier", "By", *titles), rows) + note(notes) + "".join(map(note, sorted(whys)))


# --- pieces ----------------------------------------------------------------


def _rows(summary: Record) -> Iterator[tuple[str, str, Record]]:
    for name, verifier in summary["verifiers"].items():
        for how, row in verifier["aggregations"].items():
            yield name, how, row


def _looks(summary: Record) -> dict[str, Look]:
    names = list(summary["verifiers"])
    return {name: Look("method", f"hue-{i % 6}", "circle") for i, name in enumerate(names)}


def _points(curves: Record, band: Mapping[str, Sequence[Any]]) -> list[CurvePoint]:
    """The points of a curve that a picture has room for."""
    total = curves["n"][-1]
    kept = [n for n in curves["n"] if n in SHOWN or n == total]
    return [
        CurvePoint(n, band["estimate"][n - 1], band["low"][n - 1], band["high"][n - 1], n)
        for n in kept
    ]


def _named_row(name: str, how: str, cells: Iterable[str]) -> str:
    head = tag("th", {"scope": "row"}, tag("bdi", {}, escape(name)))
    return tag("tr", {}, head + _how_cell(how) + "".join(cells))


def _how_cell(how: str) -> str:
    """An aggregation on one line."""
    return tag("td", {"class": "number"}, escape(how))


def _rate_cell(interval: Record | None) -> str:
    return number_cell(UNKNOWN) if interval is None else _number(interval, percent)


def _number(interval: Record, show: Callable[[float | None], str]) -> str:
    return number_cell(show(interval["estimate"]), _bracketed(interval, show))


def _bracketed(interval: Record, show: Callable[[float | None], str]) -> str:
    return bracketed(show(interval["low"]), show(interval["high"]), interval.get("note", ""))


def _difference(interval: Record | None) -> Difference | None:
    if interval is None:
        return None
    return Difference(interval["estimate"], interval["low"], interval["high"])


def _threshold_cell(risk: Record) -> str:
    answered = risk["answered"]
    share = "" if answered is None else f"{percent(answered)}\u00a0%"
    return number_cell(decimal(risk["threshold"]), share)
