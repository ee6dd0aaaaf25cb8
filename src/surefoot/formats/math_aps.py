"""MATH-APS: what OmegaPRM (Luo et al., arXiv:2406.06592) left behind, as openr publishes it.

    flat  {"question_id", "question", "final_answer",
           "reasoning_steps": [{"solution_prefix": question + text, "mc_value": share}]}
    tree  the same with "reasoning_steps": {"text": question, "mc_value", "children": [...]}

mc_value: share of rollouts from the prefix that ended right; of how many is not said, so a value
counts as one try. A flat prefix's steps are what it adds to the longest other prefix it goes on
from; one that is listed several times has as many tries. The root is the question, not a step.

Dimension key: N nodes or prefixes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from surefoot.core.errors import InputError
from surefoot.core.records import Record, field_of
from surefoot.core.types import Kind, LabelledTrace, StepLabel
from surefoot.formats.fields import built_in, items_of, nullable, rest_of
from surefoot.formats.nouns import Choices, LeftOut, evidence, labelled, problem_for

FIELDS = ("question", "final_answer", "reasoning_steps")
BY = "math_aps"


@dataclass(frozen=True, slots=True)
class MathAPSRow:
    """prefixes_N: question and text. values_N: in [0, 1], None if unknown."""

    question: str
    final_answer: str
    prefixes_N: tuple[str, ...]
    values_N: tuple[float | None, ...]
    rest: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MathAPSTreeRow:
    """texts_N: parents first; the root's is the question. parents_N: their indices, -1 first."""

    question: str
    final_answer: str
    texts_N: tuple[str, ...]
    parents_N: tuple[int, ...]
    values_N: tuple[float | None, ...]
    rest: Mapping[str, Any] = field(default_factory=dict)


# --- flat --------------------------------------------------------------------------


def math_aps_of(record: Record) -> MathAPSRow:
    """A row from its record. Raises InputError that names the prefix and the field."""
    question = field_of(record, "question", str)
    rows = items_of(record, "reasoning_steps", (dict,))
    if not rows:
        raise InputError("field 'reasoning_steps' is empty; expected one prefix or more")
    prefixes = []
    for index, row in enumerate(rows):
        name = f"reasoning_steps[{index}]"
        prefixes.append(built_in(name, lambda row: _prefix(row, question), row))
    return MathAPSRow(
        question=question,
        final_answer=field_of(record, "final_answer", str),
        prefixes_N=tuple(prefixes),
        values_N=tuple(built_in(f"reasoning_steps[{i}]", _value, r) for i, r in enumerate(rows)),
        rest=rest_of(record, FIELDS),
    )


def _prefix(row: Record, question: str) -> str:
    _only(row, {"solution_prefix", "mc_value"})
    text = field_of(row, "solution_prefix", str)
    if not text.startswith(question):
        raise InputError(
            f"field 'solution_prefix': expected it to start with the question, got {text[:40]!r}"
        )
    return text


def _value(row: Record) -> float | None:
    value = nullable(row, "mc_value", (int, float))
    if value is not None and not 0 <= value <= 1:
        raise InputError(f"field 'mc_value': expected a share in [0, 1] or null, got {value}")
    return value  # type: ignore[no-any-return]


def _only(row: Record, names: set[str]) -> None:
    if set(row) - names:
        raise InputError(f"unknown fields {sorted(set(row) - names)}; expected {sorted(names)}")


def math_aps_record(row: MathAPSRow) -> Record:
    """Inverse of `math_aps_of`."""
    pairs = zip(row.prefixes_N, row.values_N, strict=True)
    return {
        "question": row.question,
        "final_answer": row.final_answer,
        "reasoning_steps": [{"solution_prefix": p, "mc_value": v} for p, v in pairs],
        **row.rest,
    }


def math_aps_labelled(row: MathAPSRow, choices: Choices) -> Iterator[LabelledTrace]:
    """A trace for each prefix that no other one goes on from. O(N^2) comparisons."""
    del choices  # the format says all there is to say
    values: dict[str, list[float]] = {}
    for prefix, value in zip(row.prefixes_N, row.values_N, strict=True):
        values.setdefault(prefix, []).extend([] if value is None else [value])
    texts_N = sorted({row.question, *values}, key=lambda text: (len(text), text))
    parents_N = [_longest_start(text, texts_N[:n]) for n, text in enumerate(texts_N)]
    steps_N = [
        text.removeprefix(texts_N[parent] if parent >= 0 else "").strip()
        for text, parent in zip(texts_N, parents_N, strict=True)
    ]
    labels_N = [
        StepLabel(Kind.VALUE, sum(values.get(text, ())), len(values.get(text, ())), BY)
        for text in texts_N
    ]
    return _paths(row, steps_N, parents_N, labels_N)


def _longest_start(text: str, shorter: Sequence[str]) -> int:
    """Index of the longest text that `text` goes on from after white space; -1 at the root."""
    for index in range(len(shorter) - 1, -1, -1):
        start = shorter[index]
        if text.startswith(start) and text[len(start) : len(start) + 1].isspace():
            return index
    return 0 if shorter else -1


# --- tree --------------------------------------------------------------------------


def math_aps_tree_of(record: Record) -> MathAPSTreeRow:
    """A row from its record; any depth. Raises InputError that names the node and the field."""
    texts: list[str] = []
    parents: list[int] = []
    values: list[float | None] = []
    open_nodes = [(field_of(record, "reasoning_steps", dict), -1)]
    while open_nodes:
        node, parent = open_nodes.pop()
        texts.append(built_in(f"node {len(texts)}", _node_text, node))
        values.append(built_in(f"node {len(values)}", _value, node))
        parents.append(parent)
        open_nodes += [(child, len(texts) - 1) for child in reversed(node["children"])]
    question = field_of(record, "question", str)
    if texts[0] != question:
        raise InputError(
            f"field 'reasoning_steps': expected the question at the root, got {texts[0][:40]!r}"
        )
    return MathAPSTreeRow(
        question=question,
        final_answer=field_of(record, "final_answer", str),
        texts_N=tuple(texts),
        parents_N=tuple(parents),
        values_N=tuple(values),
        rest=rest_of(record, FIELDS),
    )


def _node_text(node: Record) -> str:
    _only(node, {"text", "mc_value", "children"})
    items_of(node, "children", (dict,))
    return field_of(node, "text", str)


def math_aps_tree_record(row: MathAPSTreeRow) -> Record:
    """Inverse of `math_aps_tree_of`."""
    nodes: list[Record] = []
    for text, value, parent in zip(row.texts_N, row.values_N, row.parents_N, strict=True):
        nodes.append({"text": text, "mc_value": value, "children": []})
        if parent >= 0:
            nodes[parent]["children"].append(nodes[-1])
    return {
        "question": row.question,
        "final_answer": row.final_answer,
        "reasoning_steps": nodes[0],
        **row.rest,
    }


def math_aps_tree_labelled(row: MathAPSTreeRow, choices: Choices) -> Iterator[LabelledTrace]:
    """A trace for each leaf."""
    del choices  # the format says all there is to say
    labels_N = [evidence(value, Kind.VALUE, BY) for value in row.values_N]
    return _paths(row, [text.strip() for text in row.texts_N], row.parents_N, labels_N)


# --- paths -------------------------------------------------------------------------


def _paths(
    row: MathAPSRow | MathAPSTreeRow,
    steps_N: Sequence[str],
    parents_N: Sequence[int],
    labels_N: Sequence[StepLabel],
) -> Iterator[LabelledTrace]:
    """From the root's children to each leaf. Notes: the root's value, and where labels are new."""
    if len(steps_N) == 1:
        raise LeftOut("the question has no steps below it")
    problem = problem_for(row.question, gold=row.final_answer)
    inner, seen = set(parents_N), {0}
    for leaf in range(1, len(steps_N)):
        if leaf in inner:
            continue
        path = [leaf]
        while parents_N[path[-1]] > 0:
            path.append(parents_N[path[-1]])
        path.reverse()
        notes = {
            "root_value": str(labels_N[0].value),
            "new_from": str(sum(node in seen for node in path)),
        }
        seen.update(path)
        labels = [labels_N[node] for node in path]
        yield labelled(problem, (steps_N[node] for node in path), labels, **notes)
