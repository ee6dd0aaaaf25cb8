"""The methods of a run as text: aligned for a terminal, or as a Markdown table.

Best accuracy first. Names are shown as they are, but for what could steer a
terminal or break a table's row.
"""

import unicodedata
from collections.abc import Collection, Sequence

from surefoot.core.records import Record
from surefoot.report.data import Summary
from surefoot.report.looks import UNKNOWN, amount, bracketed, percent, signed

HEAD = (
    "method",
    "accuracy, %",
    "interval",
    "vs majority",
    "interval",
    "policy tokens",
    "verifier tokens",
)


def methods_table(summary: Record) -> str:
    """Aligned plain text, ready to print; tokens are means per problem.

    Raises InputError that names a missing field.
    """
    return aligned(HEAD, method_cells(Summary.from_json(summary)), left=("method", "interval"))


def aligned(
    head: Sequence[str], rows: Sequence[Sequence[str]], *, left: Collection[str] = ()
) -> str:
    """Plain text in columns under a rule, those titled in `left` to the left, others to the right.

    Cells are shown as they are: pass names through `plain`.
    """
    columns = range(len(head))
    widths = [max(_width(row[column]) for row in (head, *rows)) for column in columns]

    def line(row: Sequence[str]) -> str:
        cells = []
        for title, cell, width in zip(head, row, widths, strict=True):
            space = " " * (width - _width(cell))
            cells.append(cell + space if title in left else space + cell)
        return "  ".join(cells).rstrip()

    rule = "  ".join("─" * width for width in widths)
    return "\n".join([line(head), rule, *map(line, rows)])


def markdown(summary: Record) -> str:
    """The same table in Markdown.

    Raises InputError that names a missing field.
    """
    head = "| " + " | ".join(HEAD) + " |"
    rule = "|:---|" + "---:|" * (len(HEAD) - 1)
    rows = method_cells(Summary.from_json(summary))
    lines = ["| " + " | ".join(_marked_down(cell) for cell in row) + " |" for row in rows]
    return "\n".join([head, rule, *lines])


def method_cells(summary: Summary) -> list[tuple[str, ...]]:
    """One tuple of shown texts a method, in the order of `HEAD`, best accuracy first."""
    cells: list[tuple[str, ...]] = []
    for name in by_accuracy(summary):
        row, gap = summary.methods[name], summary.paired_vs_majority.get(name)
        cells.append(
            (
                plain(name),
                percent(row.accuracy),
                bracketed(percent(row.low), percent(row.high)),
                UNKNOWN if gap is None else signed(gap.diff),
                "" if gap is None else bracketed(signed(gap.low), signed(gap.high)),
                amount(row.policy_tokens),
                amount(row.verifier_tokens),
            )
        )
    return cells


def by_accuracy(summary: Summary) -> list[str]:
    """Names of the methods, best accuracy first; equals in the order of the input."""
    return sorted(summary.methods, key=lambda name: -summary.methods[name].accuracy)


def plain(text: str) -> str:
    """Text on one line without control or direction characters: each becomes U+FFFD."""
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(c)[0] in "CZ" and c != " " else c
        for c in text
    )


def _marked_down(cell: str) -> str:
    return "".join("\\" + c if c in "\\|`*_<>[]" else c for c in cell)


def _width(text: str) -> int:
    """Terminal columns: wide characters take two, combining ones none."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )
