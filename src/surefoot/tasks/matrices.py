r"""Matrices by their entries: rows of cells, however they are written.

    \begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix} = \begin{bmatrix}1&2\\3&4\end{bmatrix}
                                                 = [[1,2],[3,4]]

Round and square brackets are the same; bars are a determinant and never the same as either.
"""

import re
from collections.abc import Callable
from functools import lru_cache

Same = Callable[[str, str], bool | None]
Rows = tuple[tuple[str, ...], ...]
MOST_CELLS = 256

_MATRIX = re.compile(
    r"[(\[]?\s*\\begin\s*\{\s*(?P<kind>[pbvBV]?(?:small)?matrix|array)\*?\s*\}"
    r"(?P<body>(?:(?!\\begin|\\end).)*)\\end\s*\{\s*(?P=kind)\*?\s*\}\s*[)\]]?",
    re.DOTALL,
)
_COLUMNS = re.compile(r"\A\s*(?:\[[^\[\]]*\])?\s*\{[lcr|@\s]*\}")
_NESTED = re.compile(r"\[\s*(?:\[[^\[\]]*\]\s*,?\s*){1,64}\]")


@lru_cache(1024)
def matrix_of(text: str) -> tuple[str, Rows] | None:
    """("matrix" or "determinant", rows of cells), or None if a text is not one matrix."""
    text = text.strip()
    match = _MATRIX.fullmatch(text)
    if match is None:
        return _nested(text)
    body = _COLUMNS.sub("", match["body"]) if match["kind"] == "array" else match["body"]
    lines = [line for line in re.split(r"\\\\", body.replace(r"\hline", "")) if line.strip()]
    rows = tuple(tuple(cell.strip() for cell in line.split("&")) for line in lines)
    bars = match["kind"][0] in "vV" or text.startswith("|")
    return _checked("determinant" if bars else "matrix", rows)


def _nested(text: str) -> tuple[str, Rows] | None:
    if not _NESTED.fullmatch(text):
        return None
    lines = re.findall(r"\[([^\[\]]*)\]", text[1:-1])
    return _checked("matrix", tuple(tuple(c.strip() for c in line.split(",")) for line in lines))


def _checked(kind: str, rows: Rows) -> tuple[str, Rows] | None:
    cells = sum(map(len, rows))
    return (
        (kind, rows) if 0 < cells <= MOST_CELLS and len({len(row) for row in rows}) == 1 else None
    )


def same_matrix(gold: tuple[str, Rows], answer: tuple[str, Rows], same: Same) -> bool | None:
    """The same kind and shape, and every cell the same as the one in its place?"""
    (kind, rows), (other, others) = gold, answer
    if kind != other or [len(row) for row in rows] != [len(row) for row in others]:
        return False
    unsure = False
    for row, row_ in zip(rows, others, strict=True):
        for cell, cell_ in zip(row, row_, strict=True):
            verdict = same(cell, cell_)
            if verdict is False:
                return False
            unsure |= verdict is None
    return None if unsure else True


def as_vector(kind: str, rows: Rows) -> list[str] | None:
    """The cells of a matrix of one column or one row, to be compared with a tuple; else None."""
    if kind != "matrix" or 1 not in (len(rows), len(rows[0])):
        return None
    return [cell for row in rows for cell in row]
