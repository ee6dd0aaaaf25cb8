"""rStar: a search over kinds of steps, checked by a second model (Qi et al., arXiv:2408.06195).

    A1  one more thought                    A4  answer the last subquestion again
    A2  all that is left                    A5  say the problem in other words
    A3  a subquestion and its answer

    select    UCT: W / N + 2 sqrt(ln N_p / N), an unvisited child first
    expand    a node by every action that may follow the one that led to it
    reward    the share of votes that an end's answer has: of `votes` completions drawn
              where A2 ends a solution, else of all ends found so far

    mutual check: the second model completes every end from `CUTS` of its steps; the end
    survives if at least half of the completions come to its answer
    final(a) = sum of the rewards of survivors with answer a / number of survivors
             + number of survivors with answer a / number of ends with answer a
    chosen   the survivor of highest reward with the best answer; if none survives, the end of
             highest reward with the answer whose ends have the largest sum of rewards

No verifier is trained: both are policies. `final` is that of the authors' code; their text
multiplies reward and confidence. Deviations: an action adds steps to the one
solution, so a rephrased problem is a first step; candidates are cut at step borders,
where the paper cuts at words; children are entered in their order, not at random.

Dimension key: N candidates.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from surefoot.core.budget import Budget, Meter
from surefoot.core.errors import InputError
from surefoot.core.protocols import Checker, Sampler, Steps, Until
from surefoot.core.tree import Tree
from surefoot.core.types import Completion, Problem, Trace
from surefoot.core.votes import Same, answer_classes
from surefoot.search.result import Found, Unfinished, spend_completions
from surefoot.search.search_tree import positive
from surefoot.steps.sample import finished_trace
from surefoot.trees.select import descend, uct

CUTS = (0.2, 0.3, 0.4, 0.5)


@dataclass(frozen=True, slots=True)
class Action:
    """One kind of step.

    ask: the problem as the policy shall read it, given the steps so far.
    until: one step, or all that is left. after: the actions that it may follow; "" is the
    start. None is any.
    """

    name: str
    ask: Callable[[Problem, Steps], Problem]
    until: Until = "step"
    after: tuple[str, ...] | None = None


def told(words: str) -> Callable[[Problem, Steps], Problem]:
    """Asks for a kind of step by a sentence below the problem; "" leaves it as it is."""

    def ask(problem: Problem, prefix: Steps) -> Problem:  # noqa: ARG001
        return replace(problem, text=f"{problem.text}\n\n{words}") if words else problem

    return ask


THOUGHT = Action("thought", told(""))
FINISH = Action("finish", told(""), until="end")
SUBQUESTION = Action("subquestion", told("Go on with one simpler question and its answer."))
AGAIN = Action(
    "again", told("Answer the last question again, step by step."), after=("subquestion",)
)
REPHRASE = Action("rephrase", told("First list the problem's conditions anew."), after=("",))
ACTIONS = (THOUGHT, FINISH, SUBQUESTION, AGAIN, REPHRASE)


def rstar(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    rng: np.random.Generator,
    second: Sampler | None = None,
    actions: Sequence[Action] = ACTIONS,
    rollouts: int = 16,
    depth: int = 5,
    votes: int = 8,
    same: Same[str] | None = None,
    budget: Budget | None = None,
) -> Found | Unfinished:
    """The end that search and second model agree on; scores are the final ones.

    second: another policy, or None for the first one again. votes: 32 in the paper.
    depth: a node so deep is only finished. One of the actions must go to the end.
    Cost of an expansion: a step for each action, and `votes` completions for A2; of the
    check: len(CUTS) completions of each end.
    Raises InputError unless rollouts, depth and votes are at least 1 and an action ends.
    """
    positive(rollouts=rollouts, depth=depth, votes=votes)
    if all(action.until != "end" for action in actions):
        raise InputError(
            f"rstar needs an action that goes to the end; got {[a.name for a in actions]}"
        )
    meter = Meter(budget or Budget())
    search = _Search(problem, sample, check, rng, tuple(actions), depth, votes, same, meter)
    for _ in range(rollouts):
        if meter.exhausted() or not search.open[0]:
            break
        search.roll()
    return search.agreed(second or sample)


@dataclass(slots=True)
class _Search:
    """by: [N] the action that led to a node. children, open: [N]."""

    problem: Problem
    sample: Sampler
    check: Checker
    rng: np.random.Generator
    actions: tuple[Action, ...]
    depth: int
    votes: int
    same: Same[str] | None
    meter: Meter
    tree: Tree = field(default_factory=Tree)
    by: list[str] = field(default_factory=lambda: [""])
    children: list[list[int]] = field(default_factory=lambda: [[]])
    open: list[bool] = field(default_factory=lambda: [True])
    ends: dict[int, tuple[Trace, float | None]] = field(default_factory=dict)  # share if voted

    def roll(self) -> None:
        """From the root down to an end, expanding what is not expanded yet."""
        node = descend(self.children, self._look, self.open)
        while node not in self.ends and (self.children[node] or self._expand(node)):
            below = [child for child in self.children[node] if self.open[child]]
            if not below:
                break
            node = below[0]
        if node in self.ends:
            self.tree.back_up(node, self.reward(node))
        self._close(node)

    def reward(self, node: int) -> float:
        """The share of votes for an end's answer, in [0, 1]."""
        trace, share = self.ends[node]
        if share is not None or trace.answer is None:
            return share or 0.0
        texts = [end.answer for end, _ in self.ends.values()]
        classes = answer_classes(texts, same=self.same)
        mine = classes[list(self.ends).index(node)]
        return classes.count(mine) / len(classes)

    def agreed(self, second: Sampler) -> Found | Unfinished:
        """Mutual check of all ends, those of high reward first; the best of those that survive."""
        if not self.ends:
            why = self.meter.exhausted() or "the policy finished no solution"
            return Unfinished(self.problem, why, (), self.meter.total(), self.tree)
        nodes = sorted(self.ends, key=lambda node: -self.reward(node))
        traces = tuple(self.ends[node][0] for node in nodes)
        agree = self._survivals(traces, second)
        checked = traces[: len(agree)]
        classes = answer_classes([trace.answer for trace in checked], same=self.same)
        rewards = [self.reward(node) for node in nodes[: len(agree)]]
        survive = [share >= 0.5 for share in agree]
        finals = final_scores(classes, rewards, survive)
        alive = [i for i, survives in enumerate(survive) if survives] or range(len(agree))
        best = max(alive, key=finals.__getitem__, default=0)
        usage = self.meter.total()
        return Found(self.problem, traces[best], traces, tuple(finals), usage, self.tree)

    def _survivals(self, traces_N: Sequence[Trace], second: Sampler) -> list[float]:
        """[<= N] how far the second model agrees with each, as far as the budget goes."""
        shares: list[float] = []
        for trace in traces_N:
            if self.meter.exhausted():
                break
            shares.append(self._survival(trace, second))
        return shares

    def _survival(self, trace: Trace, second: Sampler) -> float:
        """Share of completions of the candidate's beginnings that come to its answer."""
        cuts = [trace.steps[: math.ceil(cut * len(trace.steps))] for cut in CUTS]
        rows = second(self.problem, cuts, count=1, rng=self.rng)
        spend_completions(self.meter, rows)
        answers = [
            finished_trace(self.problem, cut, end, self.check).answer
            for cut, [end] in zip(cuts, rows, strict=True)
        ]
        classes = answer_classes([trace.answer, *answers], same=self.same)
        return classes[1:].count(classes[0]) / len(CUTS) if classes[0] is not None else 0.0

    def _expand(self, node: int) -> bool:
        """Adds the node's children; False if the budget ends before or no action brings one."""
        prefix = self.tree.prefix(node)
        for action in self.actions:
            follows = action.after is None or self.by[node] in action.after
            deep = len(prefix) >= self.depth and action.until == "step"
            if not follows or deep or self.meter.exhausted():
                continue
            asked, count = (
                action.ask(self.problem, prefix),
                1 if action.until == "step" else self.votes,
            )
            rows = self.sample(asked, [prefix], count=count, rng=self.rng, until=action.until)
            spend_completions(self.meter, rows)
            self._grow(node, prefix, action, rows[0])
        return bool(self.children[node])

    def _grow(self, node: int, prefix: Steps, action: Action, ends_K: list[Completion]) -> None:
        """One child: the step, or the first completion with the answer of most votes."""
        traces = [finished_trace(self.problem, prefix, e, self.check) for e in ends_K if e.steps]
        chosen: Trace | None = next(iter(traces), None)
        share: float | None = None
        if action.until == "end":
            chosen, share = self._elected([trace for trace in traces if trace.finished])
        if chosen is None:
            return
        child = self._attached(node, chosen.steps[len(prefix) :], action.name)
        if chosen.finished:
            self.ends.setdefault(child, (chosen, share))
            self.tree.finished[child], self.tree.verdicts[child] = True, chosen.verdict

    def _elected(self, finished: list[Trace]) -> tuple[Trace | None, float | None]:
        """The first trace with the answer of most votes, and its share of all votes drawn."""
        classes = answer_classes([trace.answer for trace in finished], same=self.same)
        counts = Counter(c for c in classes if c is not None)
        if not counts:
            return None, None
        [(most, count)] = counts.most_common(1)
        return finished[classes.index(most)], count / self.votes

    def _attached(self, node: int, steps: Steps, by: str) -> int:
        for step in steps:
            above, node = node, self.tree.add(node, step)
            if node == len(self.by):
                self.by.append(by)
                self.children.append([])
                self.open.append(True)
                self.children[above].append(node)
        return node

    def _look(self, child: int) -> float:
        tree = self.tree
        parent = max(1, tree.visits[tree.parents[child]])
        return uct(tree.value(child) or 0.0, parent, tree.visits[child])

    def _close(self, node: int) -> None:
        while node >= 0:
            self.open[node] = any(self.open[child] for child in self.children[node])
            if self.open[node]:
                return
            node = self.tree.parents[node]


def final_scores(
    classes_N: Sequence[int | None], rewards_N: Sequence[float], survive_N: Sequence[bool]
) -> list[float]:
    """[N] final(a) of each end's answer class a, in [0, 2]; 0 for an answer without a survivor.

    If none survives, the sum of the rewards of a's ends / N, in [0, 1].
    """
    alive = [i for i, survives in enumerate(survive_N) if survives]
    counted = alive or range(len(classes_N))
    confidence = dict.fromkeys(classes_N, 0.0)
    for i in counted:
        confidence[classes_N[i]] += rewards_N[i] / len(counted)
    survivors, ends = Counter(classes_N[i] for i in alive), Counter(classes_N)
    return [confidence[c] + survivors[c] / ends[c] for c in classes_N]
