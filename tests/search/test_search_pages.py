"""The pages about searches: their examples run."""

import doctest
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


PAGES = ["search", "search-allocation", "search-beams", "search-sampling", "search-strategies"]


@pytest.mark.parametrize("page", PAGES)
def test_examples_print_what_the_page_says(page):
    found = doctest.testfile(str(DOCS / f"{page}.md"), module_relative=False)
    assert found.attempted > 4
    assert found.failed == 0
