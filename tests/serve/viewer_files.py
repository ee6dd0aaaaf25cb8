"""Files of runs for the viewer's tests: small known ones, a large tree, and hostile texts."""

import json

import numpy as np

from surefoot.core.records import problem_record, trace_record
from surefoot.core.tree import Tree
from surefoot.core.types import Problem, Step, Trace, Verdict

PROBLEM = Problem(
    "p-1", "Mia has 14 coins. Sam has 5 more coins than Mia. How many coins does Sam have?", "19"
)
RIGHT = ("Sam = Mia + 5 = 14 + 5 = 19", "The answer is 19")
WRONG = ("Sam = Mia + 5 = 14 + 5 = 18", "The answer is 18")


def trace(steps, verdict=None, answer=None, problem=PROBLEM):
    return Trace(problem, tuple(map(Step, steps)), answer, verdict)


RIGHT_TRACE = trace(RIGHT, Verdict.CORRECT, "19")
WRONG_TRACE = trace(WRONG, Verdict.WRONG, "18")


def found(chosen, *, method="beam", candidates=(), scores=(), tree=None, tokens=(30, 40)):
    """A row as `surefoot search` writes it."""
    row = {
        **trace_record(chosen),
        "method": method,
        "usage": {"policy_tokens": tokens[0], "verifier_tokens": tokens[1], "calls": 3},
        "candidates": [
            {
                "answer": c.answer,
                "verdict": c.verdict and c.verdict.value,
                "steps": [s.text for s in c.steps],
            }
            for c in candidates or (chosen,)
        ],
        "candidate_scores": list(scores),
    }
    return row if tree is None else {**row, "tree": tree.to_json()}


def unfinished(problem=PROBLEM, why="budget of 3 calls is spent", method="beam"):
    usage = {"policy_tokens": 9, "verifier_tokens": 0, "calls": 3}
    return {
        "problem": problem_record(problem), "method": method, "usage": usage, "unfinished": why,
    }  # fmt: skip


def write(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def other(number, gold="19"):
    """The same question under another id, for runs of several problems."""
    return Problem(f"p-{number}", PROBLEM.text, gold)


def large_tree(count, *, seed=0):
    """A tree of `count` nodes that grew at random, with visits, values and scores."""
    rng = np.random.default_rng(seed)
    tree = Tree()
    for node in range(1, count):
        parent = int(rng.integers(node // 2, node)) if node % 3 else int(rng.integers(node))
        tree.add(parent, Step(f"Step {node}: {rng.integers(100)} + {rng.integers(100)}"))
        tree.scores[node] = float(rng.random())
        tree.observe(node, float(rng.random()), 1)
    return tree


HOSTILE = (
    "<script>window.hacked = 1</script>",
    "</script><script>window.hacked = 2</script>",
    '<img src=x onerror="window.hacked = 3">',
    "<!--<script>",
    "javascript:window.hacked = 4",
    "]]>&lt;b&gt;not bold&amp;<svg onload=window.hacked=5>",
    "right \u202eto left\u202c and \u2067isolated\u2069",
    "nul \x00 bell \x07 escape \x1b[31m",
    "lone \ud800 surrogate",
    "line\u2028and paragraph\u2029separators",
    "ש\u05dcו\u05dd \u200f عربي",
    "w" * 200_000,
    "__proto__",
    "${title} $data $$",
)
