"""Judges for the tests: they read the prompt they are given and answer as they are told."""

import re

from surefoot.core.types import Completion, Problem, Step, Trace


def trace_of(*texts, **fields):
    return Trace(Problem("p", "What is 2 + 3, doubled?", "10"), tuple(map(Step, texts)), **fields)


def saying(*replies):
    """A judge whose k-th reply to any prompt is `replies[k]`; {code} is the prompt's code word."""

    def judge(problem, prefixes_P, *, count, rng, until="end"):
        assert list(prefixes_P) == [()]
        code = code_in(problem.text)
        texts = [replies[k % len(replies)].replace("{code}", code) for k in range(count)]
        return [[Completion(tuple(map(Step, text.split("\n")))) for text in texts]]

    return judge


def answering(respond):
    """A judge that answers each prompt with `respond(problem)`, and draws from its generator."""

    def judge(problem, prefixes_P, *, count, rng, until="end"):
        return [[Completion((Step(respond(problem, rng)),)) for _ in range(count)]]

    return judge


def code_in(prompt):
    """The code word that a prompt asks for: the last one, since steps come before it."""
    return ["", *re.findall(r"\[([A-Z]{8})\]", prompt)][-1]
