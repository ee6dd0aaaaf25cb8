"""What a step is: four ways to cut a text into steps.

Each is a function from text to steps; none loses a character that is not white
space or a separator, and joining with its separator gives an equal split again.
"""

import re
from itertools import pairwise
from unicodedata import category

# A dot may also stand in a number or end an abbreviation, so white space and a beginning must
# follow it. The stops of other scripts do nothing else; a closing quote belongs to them.
_END = re.compile(r"(?<=[.!?…\u037e])\s+(?=(\S))|(?:[。！？｡؟۔।॥።፧։]|．(?!\d))+[」』】》）”’»)]*")
_OPENS = frozenset("\"'(\\$«„¿¡「『《（【")
_BEGINS = frozenset({"Lu", "Lt", "Lo"})  # upper and title case, and letters of scripts without case
_ABBREVIATION = re.compile(
    r"\b(?:e\.g|i\.e|vs|Mr|Mrs|Ms|Dr|St|No|Fig|Eq|Nr|bzw|Abb|p\.\s?ej|т\.\s?е|рис|см)\.$"
)


def by_separator(text: str, separator: str) -> list[str]:
    """Steps between separators, stripped; empty ones are dropped. Empty text has no steps.

    >>> by_separator("a\\n\\nb\\n\\n", "\\n\\n")
    ['a', 'b']
    """
    return [step for piece in text.split(separator) if (step := piece.strip())]


def by_line(text: str) -> list[str]:
    """One step a line."""
    return by_separator(text, "\n")


def by_blank_line(text: str) -> list[str]:
    """Steps are paragraphs; lines of white space count as blank."""
    return [step for piece in re.split(r"\n\s*\n", text) if (step := piece.strip())]


def by_marker(text: str, marker: str = r"(?:Step\s+)?\d{1,3}[.:)]\s") -> list[str]:
    """Steps begin at a line that starts with the marker (a regular expression).

    Text before the first marker is a step of its own; without any marker the
    whole text is one step.

    >>> by_marker("Plan.\\nStep 1: add\\nthem\\nStep 2: done")
    ['Plan.', 'Step 1: add\\nthem', 'Step 2: done']
    """
    starts = [match.start() for match in re.finditer(rf"^[ \t]*{marker}", text, re.MULTILINE)]
    edges = [0, *starts, len(text)]
    pieces = (text[a:b] for a, b in pairwise(edges))
    return [step for piece in pieces if (step := piece.strip())]


def by_sentence(text: str) -> list[str]:
    """Steps are sentences, of any script; decimal points and common abbreviations do not end one.

    >>> by_sentence("Half of 3.5 is 1.75. So Mr. Lee pays 2.")
    ['Half of 3.5 is 1.75.', 'So Mr. Lee pays 2.']
    >>> by_sentence("三加二是五。所以答案是5。")
    ['三加二是五。', '所以答案是5。']
    """
    steps: list[str] = []
    edges = [0, *(end.end() for end in _END.finditer(text) if _begins(end[1])), len(text)]
    for piece in (text[a:b].strip() for a, b in pairwise(edges)):
        if steps and _ABBREVIATION.search(steps[-1]):
            steps[-1] += " " + piece
        elif piece:
            steps.append(piece)
    return steps


def _begins(first: str | None) -> bool:
    """May a sentence begin so? None: after a stop that leaves no doubt."""
    return first is None or first in _OPENS or category(first) in _BEGINS
