"""Which fields of a row its traces do not hold, so that none is lost without a word.

A format declares the fields that its `labelled` turns into traces, as paths:

    "label.steps[].text"   the text of each entry of the list "steps" in the object "label"

A path stands for all below it, unless a longer one goes on from it. What no path names is unread,
also what a new version of a format brings: forgetting a field means that it is reported.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from surefoot.core.records import Record

EACH = "[]"  # the entries of a list, in a path
# Words in the name of a field that judges a solution or its steps. "value" is too common for it.
JUDGING = frozenset({
    "label", "labels", "rating", "ratings", "score", "scores", "reward", "rewards", "correct",
    "correctness", "incorrect", "wrong", "error", "errors", "mistake", "mistakes", "verdict",
    "verdicts", "judgment", "judgement", "judgments", "judgements", "annotation", "annotations",
})  # fmt: skip

Branches = dict[str, Any]  # name or EACH -> Branches; empty where a path ends


@dataclass(frozen=True, slots=True)
class Unread:
    """whole: fields of the row, as they stand. parts: paths inside fields of which others are read.

    A part or field that is null says nothing and is no part; `whole` keeps it.
    """

    whole: Mapping[str, Any]
    parts: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The fields and parts that say something."""
        return (*(name for name, value in self.whole.items() if value is not None), *self.parts)


def branches_of(paths: Iterable[str]) -> Branches:
    """The paths as a tree of names."""
    root: Branches = {}
    for path in paths:
        node = root
        for name in path.replace(EACH, f".{EACH}").split("."):
            node = node.setdefault(name, {})
    return root


def unread_of(record: Record, read: Branches, rest: Iterable[str] = ()) -> Unread:
    """What of the record the tree `read` does not name. rest: fields that were not read although
    it names them. O(values in fields that are read in part)."""
    others = set(rest)
    whole = {name: v for name, v in record.items() if name in others or name not in read}
    parts = dict.fromkeys(
        part
        for name, value in record.items()
        if name not in whole
        for part in _unread_parts(value, read[name], name)
    )
    return Unread(whole, tuple(parts))


def _unread_parts(value: Any, read: Branches, path: str) -> Iterator[str]:
    if isinstance(value, list) and EACH in read:
        for entry in value:
            yield from _unread_parts(entry, read[EACH], path + EACH)
    elif isinstance(value, dict) and read.keys() - {EACH}:
        for name, part in value.items():
            if name in read:
                yield from _unread_parts(part, read[name], f"{path}.{name}")
            elif part is not None:
                yield f"{path}.{name}"


def judges(name: str) -> bool:
    """Does a field of this name look like labels, such as "step_labels" or "isCorrect"?"""
    last = name.replace(EACH, "").rpartition(".")[2]
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", last)
    return any(word.lower() in JUDGING for word in words)
