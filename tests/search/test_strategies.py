"""Prompt strategies change what is read and nothing else; stories are read back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.core.errors import InputError
from surefoot.core.tree import Tree
from surefoot.core.types import Completion, Problem, Step, Trace
from surefoot.search.strategies import (
    WORDS,
    Asked,
    auto_cot,
    by_examples,
    by_program,
    by_words,
    parsed,
    serialised,
)

P = Problem("p", "What is 2 + 3?", gold="5")


def echo(problem, prefixes_P, *, count, rng, until="end"):
    return [[Completion((Step(problem.text),))] * count for _ in prefixes_P]


def read_by(ask):
    [[reply]] = Asked(echo, ask)(P, [()], count=1, rng=np.random.default_rng(0))
    return reply.steps[0].text


@pytest.mark.parametrize("name", WORDS)
def test_the_policy_reads_the_problem_and_the_words(name):
    assert read_by(by_words(name)) == f"What is 2 + 3?\n\n{WORDS[name]}"
    assert by_words(name)(P).id == "p"
    assert by_words(name)(P).gold == "5"


def test_an_unknown_strategy_is_refused():
    with pytest.raises(InputError, match=r"one of zero_shot, .*got 'shout'"):
        by_words("shout")


def test_programs_and_examples_come_before_the_problem():
    solved = Trace(Problem("q", "What is 1 + 1?"), (Step("1 + 1 = 2"), Step("The answer is 2")))
    assert read_by(by_program("print(a + b)")).startswith("print(a + b)\n\nRun this program")
    assert read_by(by_examples([solved])) == (
        "What is 1 + 1?\n1 + 1 = 2\nThe answer is 2\n\nWhat is 2 + 3?"
    )
    assert read_by(by_examples([])) == "What is 2 + 3?"


def test_auto_cot_takes_the_first_simple_solution_of_each_cluster():
    def trace(steps, answer="1", finished=True):
        return Trace(P, (Step("x"),) * steps, answer, finished=finished)

    short, long = trace(3), trace(6)
    clusters = [[long, short], [trace(2, answer=None), trace(2, finished=False)], [short]]
    assert auto_cot(clusters) == [short, short]


@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from("abc"), st.booleans()), max_size=30))
def test_a_story_is_read_back(moves):
    tree = Tree()
    for parent, text, finished in moves:
        node = tree.add(parent % len(tree), Step(f"{text} = {text}"))
        tree.finished[node] |= finished
    again = parsed(serialised(tree))

    def paths(t):
        return {(tuple(s.text for s in t.prefix(n)), t.finished[n]) for n in range(1, len(t))}

    assert paths(again) == paths(tree)
    assert serialised(again) == serialised(tree)


def test_a_story_by_hand():
    text = "1> 4 * 6\n2= 24\n1> 4 + 6\n2> 10"
    tree = parsed(text)
    assert tree.parents == [-1, 0, 1, 0, 3]
    assert tree.finished == [False, False, True, False, False]
    for broken in ("2> too deep", "x", "1>\n3> too deep", "0> none"):
        with pytest.raises(InputError, match=r"line [12]: expected a depth"):
            parsed(broken)
    tree.add(0, Step("two\nlines"))
    with pytest.raises(InputError, match="one line"):
        serialised(tree)
