"""A benchmark's outcome for people: a table for a terminal, and one HTML page.

Reads the record of `evaluate.benchmarks.summary`; all names go through `plain` or `escape`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from surefoot.core.files import write_whole
from surefoot.core.records import Record
from surefoot.report.data import Difference, MethodRow
from surefoot.report.html import assemble
from surefoot.report.looks import (
    UNKNOWN,
    amount,
    bracketed,
    decimal,
    doubts,
    looks_of,
    percent,
    role_of,
    signed,
)
from surefoot.report.panels import interval_scale, interval_strip
from surefoot.report.sections import (
    difference_cell,
    fact_list,
    head_cell,
    note,
    number_cell,
    table,
)
from surefoot.report.svg import escape, tag
from surefoot.report.tables import aligned, plain

Figure = Mapping[str, Any] | None  # {"estimate", "low", "high", "note"}


def benchmark_table(summary: Record) -> str:
    """The main figure by subset, an entry a column; the other figures of the total; differences.

    Ready to print.
    """
    main, total = summary["main"], summary["total"]
    others = dict.fromkeys(c for e in summary["entries"].values() for c in e["figures"][total])
    parts = [_columns(summary, f"{main}, %", [(row, row, main) for row in _rows(summary)])]
    if len(others) > 1:
        cells = [(column, total, column) for column in others]
        parts.append(_columns(summary, f"{total}, %", cells))
    return "\n\n".join(parts) + "".join(
        f"\n{line}" for line in (*_gaps(summary), *_doubts(summary))
    )


def _doubts(summary: Record) -> list[str]:
    """What stars at the figures that `benchmark_table` shows mean."""
    main, total = summary["main"], summary["total"]
    shown = [
        [rows[total], [row.get(main) for row in rows.values()]]
        for rows in (entry["figures"] for entry in summary["entries"].values())
    ]
    told = doubts([shown, [rows.get(total) for rows in summary["differences"].values()]])
    return [told] if told else []


def _columns(summary: Record, title: str, cells: Sequence[tuple[str, str, str]]) -> str:
    """An entry a column and a line for each (name, row, column) of its figures."""
    figures = [entry["figures"] for entry in summary["entries"].values()]
    lines = [
        [name, *(_told(of_entry[row].get(column)) for of_entry in figures)]
        for name, row, column in cells
    ]
    return aligned((title, *map(plain, summary["entries"])), lines, left=(title,))


def _gaps(summary: Record) -> list[str]:
    """A line for each entry's difference to the first, in total."""
    total, base = summary["total"], plain(summary["base"])
    gaps = {name: rows.get(total) for name, rows in summary["differences"].items()}
    return [
        f"{plain(name)} − {base}: {signed(gap['estimate'])} {_ends(gap, signed)} points, {total}"
        for name, gap in gaps.items()
        if gap is not None
    ]


def write_benchmark(path: str | Path, summary: Record) -> None:
    """Writes the page whole or not at all; StorageError if it cannot be."""
    write_whole(path, benchmark_page(summary))


def benchmark_page(summary: Record) -> str:
    """The page as text: one file, no network."""
    facts = {
        "Cases": amount(summary["cases"]),
        "Problems": amount(summary["problems"]),
        "Paper": f"arXiv:{summary['paper']}",
        "Resamples": amount(summary["resamples"]),
        "Seed": str(summary["seed"]),
    }
    return assemble(
        summary["title"],
        benchmark_headline(summary),
        fact_list(facts),
        {
            "entries": ("Side by side", side_by_side(summary)),
            "subsets": ("By subset", by_subset(summary)),
            "figures": ("Every figure", every_figure(summary)),
            "how": ("How predictions were made", decisions(summary)),
        },
    )


def benchmark_headline(summary: Record) -> str:
    """The best entry that is no bound, with its interval; of all that were tried."""
    totals = {
        name: figure
        for name, entry in summary["entries"].items()
        if role_of(name) != "upper" and (figure := _total(summary, entry)) is not None
    }
    if not totals:
        return f"Nothing was measured on {summary['title']}."
    name = max(totals, key=lambda n: float(totals[n]["estimate"]))
    told = f"{name} reaches {summary['main']} {percent(totals[name]['estimate'])}\u00a0%"
    best = f", the best of {len(totals)}" if len(totals) > 1 else ""
    return (
        f"{told} {_ends(totals[name], percent)} on {summary['title']} ({summary['total']}){best}."
    )


# --- parts -----------------------------------------------------------------


def side_by_side(summary: Record) -> str:
    """Every entry's total with its interval, and its difference to the first."""
    looks = looks_of(summary["entries"])
    totals = {name: _total(summary, entry) for name, entry in summary["entries"].items()}
    strips = {name: _strip_row(figure) for name, figure in totals.items() if figure is not None}
    if not strips:
        return ""
    scale = interval_scale(list(strips.values()))
    base = strips[summary["base"]].accuracy if summary["base"] in strips else None
    rows = []
    for name in totals:
        drawn = interval_strip(strips[name], looks[name], base, scale) if name in strips else ""
        gap = summary["differences"].get(name, {}).get(summary["total"])
        cells = [
            head_cell(name, looks[name]),
            tag("td", {"class": "picture"}, drawn),
            _cell(totals[name]),
            difference_cell(_difference(gap)),
        ]
        rows.append(tag("tr", {"class": f"role-{looks[name].role}"}, "".join(cells)))
    titles = ("", "", f"{summary['main']}, % ({summary['total']})", "Against the first")
    notes = (
        "Brackets hold 95\u00a0% intervals over problems; the hairline is the first entry. A "
        "difference is paired by problem, in points, and bold where its interval leaves out 0."
    )
    return table(titles, rows) + note(notes)


def by_subset(summary: Record) -> str:
    """The main figure of every row of the benchmark's table, an entry a column."""
    entries, main = summary["entries"], summary["main"]
    rows = [
        tag(
            "tr",
            {},
            tag("th", {"scope": "row"}, escape(row))
            + "".join(_cell(entry["figures"][row].get(main)) for entry in entries.values()),
        )
        for row in _rows(summary)
    ]
    return table((f"{main}, %", *entries), rows)


def every_figure(summary: Record) -> str:
    """All figures of each entry, folded away."""
    parts = []
    for name, entry in summary["entries"].items():
        columns = list(dict.fromkeys(c for row in entry["figures"].values() for c in row))
        rows = [
            tag(
                "tr",
                {},
                tag("th", {"scope": "row"}, escape(row))
                + "".join(_cell(figures.get(column)) for column in columns),
            )
            for row, figures in entry["figures"].items()
        ]
        shown = tag("summary", {}, tag("bdi", {}, escape(name)))
        parts.append(tag("details", {}, shown + table(("%", *columns), rows)))
    told = doubts([entry["figures"] for entry in summary["entries"].values()])
    return "".join(parts) + (note(told) if told else "")


def decisions(summary: Record) -> str:
    """What each entry's scores mean, its threshold, and what it could not score."""
    rows = []
    for name, entry in summary["entries"].items():
        limit = decimal(entry["threshold"])
        on = f"chosen on {entry['chosen_on']}" if entry["chosen_on"] else ""
        cells = [
            tag("th", {"scope": "row"}, tag("bdi", {}, escape(name))),
            number_cell(escape(entry["kind"] or UNKNOWN)),
            number_cell(limit, escape(on)),
            number_cell(amount(entry["refused"])),
            number_cell(amount(entry["tokens"])),
        ]
        rows.append(tag("tr", {}, "".join(cells)))
    notes = (
        "A threshold is one for all subsets. Cases that a scorer could not read, such as ones "
        "longer than its context, are never cut to fit: they are without prediction."
    )
    return table(("", "Scores", "Threshold", "Not scored", "Tokens read"), rows) + note(notes)


# --- one figure ------------------------------------------------------------


def _rows(summary: Record) -> list[str]:
    """Rows of the table that have the main figure."""
    first = next(iter(summary["entries"].values()))["figures"]
    return [row for row, columns in first.items() if summary["main"] in columns]


def _total(summary: Record, entry: Record) -> Any:
    return entry["figures"].get(summary["total"], {}).get(summary["main"])


def _told(figure: Figure) -> str:
    if figure is None:
        return UNKNOWN
    return f"{percent(figure['estimate'])} {_ends(figure, percent)}".strip()


def _ends(figure: Mapping[str, Any], show: Any) -> str:
    return bracketed(show(figure["low"]), show(figure["high"]), figure.get("note", ""))


def _cell(figure: Figure) -> str:
    if figure is None:
        return number_cell(UNKNOWN)
    return number_cell(percent(figure["estimate"]), _ends(figure, percent))


def _strip_row(figure: Record) -> MethodRow:
    return MethodRow(figure["estimate"], figure["low"], figure["high"], 0.0, 0.0)


def _difference(gap: Record | None) -> Difference | None:
    return None if gap is None else Difference(gap["estimate"], gap["low"], gap["high"])
