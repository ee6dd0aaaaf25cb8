"""From a tree to labelled traces.

Each prefix is one node and has one label, so traces that share a prefix agree about it,
and a trace's text and its labels come from the same nodes.

Dimension key: N nodes.
"""

from collections.abc import Callable

from surefoot.core.tree import Tree
from surefoot.core.types import Kind, LabelledTrace, Problem, StepLabel, Trace, Verdict
from surefoot.steps.sample import Read
from surefoot.tasks.answers import final_answer

NodeLabel = Callable[[int], StepLabel]


def labelled_traces(
    problem: Problem, tree: Tree, label: NodeLabel, *, read: Read = final_answer
) -> list[LabelledTrace]:
    """Every solution that ends in the tree, in the order of its last node, its steps
    labelled by `label(node)`; [] if none was finished. The root has no step and no label.

    What the tree cost is said by its maker, not by the traces.
    """
    packed = []
    for leaf in (node for node in range(1, len(tree)) if tree.finished[node]):
        steps = tree.prefix(leaf)
        bare = Trace(problem, steps)
        trace = Trace(problem, steps, read(bare.text), tree.verdicts[leaf])
        packed.append(LabelledTrace(trace, tuple(map(label, tree.path(leaf)[1:]))))
    return packed


def counted(tree: Tree, by: str) -> NodeLabel:
    """Labels of kind value from a node's own counts; a solution's end has its verdict.

    Nodes that were never tried have no evidence.
    """

    def label(node: int) -> StepLabel:
        if tree.verdicts[node] in (Verdict.CORRECT, Verdict.WRONG) and not tree.visits[node]:
            won = tree.verdicts[node] is Verdict.CORRECT
            return StepLabel(Kind.VALUE, int(won), 1, "verdict")
        return StepLabel(Kind.VALUE, tree.value_sums[node], tree.visits[node], by)

    return label
