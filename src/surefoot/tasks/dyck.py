"""Dyck languages as BIG-Bench Mistake writes them (arXiv:2311.08516): a stack, kept step by step.

    input   < [ ( )                 what closes it?

    stack: empty
    < ; stack: <
    [ ; stack: < [
    ( ; stack: < [ (
    ) ; stack: < [
    ... So the answer is ] >

A step that reads a symbol is right iff it reads the next one and says what the stack is then.
"""

import re
from collections.abc import Iterator

from surefoot.core.types import Problem, Trace

_PAIRS = dict(zip("([{<", ")]}>", strict=True))
_SYMBOLS = set("([{<)]}>")
_READS = re.compile(r"([()\[\]{}<>]) ; stack: (empty|[()\[\]{}<>](?: [()\[\]{}<>])*)?")
_STARTS = re.compile(r"stack: empty")
_FINAL = re.compile(r'Now, we have reached the end\. The final stack is "([^"]*)"\.')
_POPS = re.compile(r"We will need to pop out (.*) one by one in that order\.")
_ANSWER = re.compile(r"So the answer is ([()\[\]{}<> ]*)$")


def right_steps(problem: Problem, trace: Trace) -> list[bool | None]:
    """[S] is each step right? None for a step that says nothing about the stack.

    The stack is the true one throughout, so what a wrong step did does not count. A problem
    whose text is not brackets gives None everywhere.
    """
    symbols = problem.text.split()
    if not symbols or not set(symbols) <= _SYMBOLS:
        return [None] * len(trace.steps)
    return list(_walk(symbols, trace))


def _walk(symbols: list[str], trace: Trace) -> Iterator[bool | None]:
    read, stack = 0, list[str]()
    for step in trace.steps:
        line = step.text.strip()
        reads = _READS.fullmatch(line)
        if reads is not None:
            known = read < len(symbols)
            stack = _after(stack, symbols[read]) if known else stack
            said = [] if reads[2] in (None, "empty") else reads[2].split()
            yield known and reads[1] == symbols[read] and said == stack
            read += 1
        else:
            yield _is_right(line, stack, ended=read == len(symbols), started=read > 0)


def _is_right(line: str, stack: list[str], *, ended: bool, started: bool) -> bool | None:
    """Is what a step says about the stack right, where it reads no symbol?"""
    final, pops, answer = _FINAL.fullmatch(line), _POPS.fullmatch(line), _ANSWER.search(line)
    if final is not None:
        return ended and final[1].split() == stack
    if pops is not None:
        return ended and re.findall(r'"([^"\s]+)"', pops[1]) == stack[::-1]
    if answer is not None:
        return ended and answer[1].split() == [_PAIRS[symbol] for symbol in reversed(stack)]
    return not started if _STARTS.fullmatch(line) else None


def _after(stack: list[str], symbol: str) -> list[str]:
    """The stack with one more symbol read; what closes nothing is left out."""
    if symbol in _PAIRS:
        return [*stack, symbol]
    return stack[:-1] if stack and _PAIRS[stack[-1]] == symbol else stack
