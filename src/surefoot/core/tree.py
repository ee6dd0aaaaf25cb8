"""A tree of steps as parallel lists: any depth, JSON-safe, mergeable.

Node 0 is the root and has no step. Node i was added i-th, hence parents[i] < i.

Dimension key: N nodes.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Self, TypeVar

from surefoot.core.errors import InputError
from surefoot.core.fields import field_of, list_of, number_of
from surefoot.core.types import Kind, Step, Verdict

E = TypeVar("E", bound=Enum)


@dataclass(slots=True)
class Tree:
    """All steps that were tried for one problem.

    steps: [N] the step of each node; an empty one at the root.
    parents: [N] index of each node's parent; -1 at the root.
    visits: [N] how many backups a node has seen.
    value_sums: [N] sum of what they brought.
    finished: [N] does a solution end with this node?
    verdicts: [N] how that solution came out; None where none ends or nobody checked.
    scores: [N] what a verifier says of each step, for choosing again; None where it was not asked.
    kind: what the scores mean; None while there are none.
    """

    steps: list[Step] = field(default_factory=lambda: [Step("")])
    parents: list[int] = field(default_factory=lambda: [-1])
    visits: list[int] = field(default_factory=lambda: [0])
    value_sums: list[float] = field(default_factory=lambda: [0.0])
    finished: list[bool] = field(default_factory=lambda: [False])
    verdicts: list[Verdict | None] = field(default_factory=lambda: [None])
    scores: list[float | None] = field(default_factory=lambda: [None])
    kind: Kind | None = None
    _index: dict[tuple[int, str], int] = field(default_factory=dict, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.steps)

    def add(self, parent: int, step: Step) -> int:
        """The child of `parent` with this step's text; made if there is none yet. O(1)."""
        if not 0 <= parent < len(self):
            raise IndexError(f"parent {parent} is not one of the {len(self)} nodes")
        known = self._index.get((parent, step.text))
        if known is not None:
            return known
        node = len(self)
        self._index[parent, step.text] = node
        self.steps.append(step)
        self.parents.append(parent)
        self.visits.append(0)
        self.value_sums.append(0.0)
        self.finished.append(False)
        self.verdicts.append(None)
        self.scores.append(None)
        return node

    def add_path(
        self, steps: tuple[Step, ...], *, finished: bool, verdict: Verdict | None = None
    ) -> list[int]:
        """Adds a solution from the root, sharing what is there; returns its nodes, root first."""
        nodes = [0]
        for step in steps:
            nodes.append(self.add(nodes[-1], step))
        self.finished[nodes[-1]] |= finished
        self.verdicts[nodes[-1]] = verdict or self.verdicts[nodes[-1]]
        return nodes

    def merge(self, other: Self) -> None:
        """Adds all of another tree of the same problem; where both have a node, evidence adds up
        and what this tree knows of its score and verdict stays. O(size of the other)."""
        here = [0]
        for node in range(1, len(other)):
            here.append(self.add(here[other.parents[node]], other.steps[node]))
        for mine, theirs in zip(here, range(len(other)), strict=True):
            self.observe(mine, other.value_sums[theirs], other.visits[theirs])
            self.finished[mine] |= other.finished[theirs]
            self.verdicts[mine] = self.verdicts[mine] or other.verdicts[theirs]
            if self.scores[mine] is None:
                self.scores[mine] = other.scores[theirs]
        self.kind = self.kind or other.kind

    def find(self, steps: tuple[Step, ...]) -> list[int] | None:
        """The nodes of these steps, root first, by their texts; None if not all are there."""
        nodes = [0]
        for step in steps:
            child = self._index.get((nodes[-1], step.text))
            if child is None:
                return None
            nodes.append(child)
        return nodes

    def observe(self, node: int, successes: float, tries: int) -> None:
        """Adds evidence about `node` alone; its ancestors do not see it."""
        self.visits[node] += tries
        self.value_sums[node] += successes

    def back_up(self, node: int, value: float) -> None:
        """Adds one visit of `value` to `node` and all its ancestors. O(depth)."""
        for ancestor in self.path(node):
            self.visits[ancestor] += 1
            self.value_sums[ancestor] += value

    def value(self, node: int) -> float | None:
        """Mean of what was backed up through `node`; None if nothing was."""
        return self.value_sums[node] / self.visits[node] if self.visits[node] else None

    def path(self, node: int) -> list[int]:
        """Indices from the root to `node`, both included."""
        indices = []
        while node != -1:
            indices.append(node)
            node = self.parents[node]
        return indices[::-1]

    def prefix(self, node: int) -> tuple[Step, ...]:
        """The steps from the root to `node`."""
        return tuple(self.steps[i] for i in self.path(node)[1:])

    def children(self) -> list[list[int]]:
        """[N] the children of each node, in order of their making. O(N)."""
        children: list[list[int]] = [[] for _ in self.parents]
        for node, parent in enumerate(self.parents[1:], start=1):
            children[parent].append(node)
        return children

    def to_json(self) -> dict[str, Any]:
        """A record of plain lists; `from_json` is its inverse."""
        return {
            "steps": [_step_row(s) for s in self.steps],
            "parents": list(self.parents),
            "visits": list(self.visits),
            "value_sums": list(self.value_sums),
            "finished": list(self.finished),
            "verdicts": [verdict and verdict.value for verdict in self.verdicts],
            "scores": list(self.scores),
            "kind": self.kind and self.kind.value,
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        """Inverse of `to_json`. Raises InputError if the columns do not make a tree. O(N)."""
        columns = _columns(record)
        parents = list_of(columns, "parents", (int,))
        if parents[0] != -1 or not all(0 <= p < n for n, p in enumerate(parents[1:], start=1)):
            raise InputError("each parent must come before its child, and -1 stand first")
        steps = [_step_of(f"steps[{i}]", row) for i, row in enumerate(columns["steps"])]
        verdicts = [_member(Verdict, "verdicts", value) for value in columns["verdicts"]]
        kind = _member(Kind, "kind", record.get("kind"))
        numbers = (columns["visits"], columns["value_sums"], columns["finished"])
        tree = cls(steps, parents, *numbers, verdicts, columns["scores"], kind)
        tree._index = {(parents[i], s.text): i for i, s in enumerate(steps) if i}
        return tree


def _step_row(step: Step) -> list[Any]:
    """A step's fields; the last two only where a server's policy wrote it."""
    served = [step.size, step.ended] if step.size else []
    return [step.text, list(step.ids), list(step.logprobs), *served]


def _step_of(name: str, row: object) -> Step:
    """Inverse of `_step_row`; `name` is where the row stands."""
    if not isinstance(row, list) or not 3 <= len(row) <= 5:
        raise InputError(f"field {name!r}: expected [text, ids, logprobs], got {row!r:.60}")
    parts = {f"{name}[{i}]": part for i, part in enumerate(row)}
    kinds = (str, list, list, int, bool)
    read: list[Any] = [
        field_of(parts, part, kind) for part, kind in zip(parts, kinds, strict=False)
    ]
    text, ids, logprobs, *served = read
    list_of(parts, f"{name}[1]", (int,))
    list_of(parts, f"{name}[2]", (int, float))
    return Step(text, tuple(ids), tuple(logprobs), *served)


def _member(kind: type[E], name: str, value: str | None) -> E | None:
    known = [member.value for member in kind]
    if value is not None and value not in known:
        raise InputError(f"a tree's {name} must be one of {known} or null, got {value!r:.60}")
    return None if value is None else kind(value)


def _columns(record: dict[str, Any]) -> dict[str, list[Any]]:
    """A tree's lists by name, copied; all there and of one length."""
    names = ("steps", "parents", "visits", "value_sums", "finished", "verdicts", "scores")
    if isinstance(record.get("steps"), list):  # trees from before there were scores
        record = {"scores": [None] * len(record["steps"]), **record}
    missing = [name for name in names if not isinstance(record.get(name), list)]
    if missing:
        raise InputError(f"a tree's record needs the lists {names}; {missing} are not there")
    sizes = {name: len(record[name]) for name in names}
    if len(set(sizes.values())) != 1 or not record["steps"]:
        raise InputError(f"a tree's lists must be equally long, 1 or more; got {sizes}")
    columns = {name: list(record[name]) for name in names}
    for name, kinds in (("visits", (int,)), ("value_sums", (int, float)), ("finished", (bool,))):
        list_of(columns, name, kinds)
    for i, score in enumerate(columns["scores"]):
        if score is not None:
            number_of({f"scores[{i}]": score}, f"scores[{i}]")
    for i, total in enumerate(columns["value_sums"]):
        number_of({f"value_sums[{i}]": total}, f"value_sums[{i}]")
    if min(columns["visits"]) < 0:
        raise InputError(f"field 'visits': expected 0 or more, got {min(columns['visits'])}")
    return columns
