"""Prompt strategies that define what a step is, as policies: they wrap any `Sampler`.

    zero_shot    step by step                                               (arXiv:2205.11916)
    plan_solve   understand, plan, carry out; PS+ also names the quantities (arXiv:2305.04091)
    successive   ask the next simple question, answer it, until none is left (arXiv:2212.04092)
    decomposed   name an operation and its input on each line               (arXiv:2210.02406)
    execute      write the task's pseudocode once, then run it line by line (arXiv:2404.02575)
    auto_cot     one solved example for each cluster of problems            (arXiv:2210.03493)

A strategy changes what the policy reads, never what the problem is: seeds, checkers and
journals go by the problem's id, and the asked text is part of the journal's key.
`serialised` writes a whole search as one text (Algorithm of Thoughts, arXiv:2308.10379),
to be learnt from; `parsed` reads it back: parse(serialise(tree)) = tree.

The words are ours; the papers' own prompts are longer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from surefoot.core.errors import InputError
from surefoot.core.protocols import Sampler, Steps, Until
from surefoot.core.seeds import Rng
from surefoot.core.tree import Tree
from surefoot.core.types import Completion, Problem, Step, Trace

Ask = Callable[[Problem], Problem]

WORDS = {
    "zero_shot": "Let's think step by step.",
    "plan_solve": "First understand the problem and devise a plan. Then carry it out, one step a "
    "line.",
    "plan_solve_plus": "First understand the problem, name each quantity with its number and "
    "devise a plan. Then carry it out, one step a line, computing each intermediate result with "
    "care.",
    "successive": "On each line ask the next simple question that helps and answer it at once. "
    "When no question is left, state the answer.",
    "decomposed": "On each line write an operation in brackets, its input, and its result; refer "
    "to earlier results as #1, #2, ... The last line states the answer.",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A `Sampler` that reads the problem in other words."""

    sample: Sampler
    ask: Ask

    def __call__(
        self,
        problem: Problem,
        prefixes_P: Sequence[Steps],
        *,
        count: int,
        rng: Rng,
        until: Until = "end",
    ) -> list[list[Completion]]:
        """[P][count] what the policy writes for the asked problem. Costs what it costs there."""
        return self.sample(self.ask(problem), prefixes_P, count=count, rng=rng, until=until)


def by_words(name: str) -> Ask:
    """The strategy of WORDS with this name. Raises InputError for an unknown one."""
    if name not in WORDS:
        raise InputError(f"a strategy must be one of {', '.join(WORDS)}, got {name!r}")
    return lambda problem: replace(problem, text=f"{problem.text}\n\n{WORDS[name]}")


def by_program(program: str) -> Ask:
    """Think-and-Execute: the task's pseudocode, written once, is run on each problem."""
    words = "Run this program on the problem; write what it prints, line by line, then the answer."
    return lambda problem: replace(problem, text=f"{program}\n\n{words}\n\n{problem.text}")


def by_examples(examples: Sequence[Trace]) -> Ask:
    """Few-shot: solved problems before the one to solve."""
    shown = "\n\n".join(f"{trace.problem.text}\n{trace.text}" for trace in examples)
    return lambda problem: replace(
        problem, text=f"{shown}\n\n{problem.text}" if shown else problem.text
    )


def auto_cot(clusters: Sequence[Sequence[Trace]], *, most_steps: int = 5) -> list[Trace]:
    """Auto-CoT's examples: of each cluster, nearest to its middle first, the first solution with
    an answer in at most `most_steps` steps; a cluster without one gives none."""
    simple = [
        [t for t in cluster if t.finished and t.answer is not None and len(t.steps) <= most_steps]
        for cluster in clusters
    ]
    return [cluster[0] for cluster in simple if cluster]


# --- a search as one text ---------------------------------------------------


def serialised(tree: Tree) -> str:
    """The tree as its depth-first story, a step a line: "2> text" is a step at depth 2; a line
    that does not go deeper goes back. "=" for ">" where a solution ends.

    Raises InputError for a step with a line break, which could not be read back.
    """
    children, lines, waiting = tree.children(), [], [(0, 0)]
    while waiting:
        node, depth = waiting.pop()
        if node:
            text = tree.steps[node].text
            if "\n" in text:
                raise InputError(f"a step of a serialised tree is one line, got {text!r}")
            lines.append(f"{depth}{'=' if tree.finished[node] else '>'} {text}")
        waiting += [(child, depth + 1) for child in reversed(children[node])]
    return "\n".join(lines)


def parsed(text: str) -> Tree:
    """The tree of a story; labels belong to its nodes, not to its lines.

    Raises InputError that names the first line that is not one of a story.
    """
    tree, path = Tree(), [0]
    for row, line in enumerate(text.splitlines(), start=1):
        head, _, step = line.partition(" ")
        digits, mark = head[:-1], head[-1:]
        if mark not in (">", "=") or not digits.isdecimal() or not 0 < int(digits) <= len(path):
            raise InputError(
                f"line {row}: expected a depth of 1 to {len(path)}, > or =, and a step, such as "
                f"'1> 2 + 3 = 5', got {line!r}"
            )
        path = path[: int(digits)]
        path.append(tree.add(path[-1], Step(step)))
        tree.finished[path[-1]] |= mark == "="
    return tree
