"""What people see: tables for a terminal or a README, one picture, and one HTML page."""

from surefoot.report.curves import accuracy_svg, write_accuracy_svg
from surefoot.report.data import Details, Summary
from surefoot.report.headline import headline
from surefoot.report.html import page, write_report
from surefoot.report.selection import (
    selection_headline,
    selection_page,
    selection_table,
    write_selection,
)
from surefoot.report.tables import markdown, methods_table

__all__ = [
    "Details",
    "Summary",
    "accuracy_svg",
    "headline",
    "markdown",
    "methods_table",
    "page",
    "selection_headline",
    "selection_page",
    "selection_table",
    "write_accuracy_svg",
    "write_report",
    "write_selection",
]
