"""The table of the page names every format."""

from pathlib import Path

from surefoot.formats import FORMATS

PAGE = Path(__file__).parents[2] / "docs" / "formats.md"


def test_the_table_names_every_format_and_whether_it_can_be_made():
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if "`formats/" in line]
    for name, form in FORMATS.items():
        [row] = [row for row in rows if f"`{name}`" in row.split("|")[1]]
        assert ("yes" in row.split("|")[4]) == (form.make is not None)
