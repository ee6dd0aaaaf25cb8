"""The fenced code blocks of a Markdown text, run in order like one session."""

import doctest
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from source_tree import ROOT

FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


@dataclass(frozen=True)
class Block:
    """One fenced block. line: of the page's first line of code, from 1."""

    page: str
    line: int
    language: str
    code: str

    @property
    def is_session(self) -> bool:
        """Does it show prompts and what they print?"""
        return ">>>" in self.code


def blocks_of(page: Path, *languages: str) -> list[Block]:
    """All blocks of a page in those languages, in order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(page.name, text[: found.start(2)].count("\n") + 1, found[1], found[2])
        for found in FENCE.finditer(text)
        if found[1] in languages
    ]


def name_of(page: Path) -> str:
    """What a test is called after."""
    return page.name


def at(address: str, blocks: list[Block]) -> list[Block]:
    """The blocks, with a server's address in place of the one that the pages use."""
    return [replace(b, code=b.code.replace("http://127.0.0.1:8000", address)) for b in blocks]


def with_path(path: str, blocks: list[Block]) -> list[Block]:
    """The blocks of a model card, with the model's place in place of PATH."""
    return [replace(b, code=b.code.replace('"PATH"', repr(path))) for b in blocks]


def run(blocks: list[Block], names: dict[str, Any]) -> None:
    """Runs the blocks one after the other; they share `names`, as a reader's session would.

    Raises AssertionError where a session prints something else than the page says; whatever a
    plain block raises points at the line of the page.
    """
    for block in blocks:
        if block.is_session:
            _check_session(block, names)
        else:
            code = "\n" * (block.line - 1) + block.code
            exec(compile(code, block.page, "exec"), names)  # our own text


def _check_session(block: Block, names: dict[str, Any]) -> None:
    # DocTest copies its globals, so the names that a block leaves are taken from the copy.
    session = doctest.DocTestParser().get_doctest(
        block.code, names, block.page, block.page, block.line - 1
    )
    told: list[str] = []
    doctest.DocTestRunner().run(session, out=told.append, clear_globs=False)
    names.update(session.globs)
    assert not told, "".join(told)
