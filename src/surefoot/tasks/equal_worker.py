r"""The child process that does the algebra: `python -m surefoot.tasks.equal_worker`.

One request {"gold", "answer", "both_ways"}, one reply {"same": true, false or null}.
math-verify reads LaTeX. Expressions are told apart, and mostly told equal, by numbers:

    constants    must agree to 20 digits relative to their size (1/2004! is not 1/2006!)
    expressions  must agree so at six points, which depend on both texts: nobody can write an
                 answer that agrees with an unknown gold at these points only
    equations    must be multiples of each other

What numbers cannot decide (other domains, sets, inequalities) math-verify decides.
"""

import hashlib
import logging
import time
from collections.abc import Iterator
from functools import lru_cache, partial
from typing import Any

from surefoot.core.errors import need
from surefoot.tasks.leaves import same_plainly
from surefoot.tasks.quantities import in_one_unit
from surefoot.tasks.spelling import degrees
from surefoot.tasks.workers import Message, serve
from surefoot.tasks.written import same_as_written

MOST_NODES = 512
READ = 512  # expressions that are kept once they are read
DIGITS, EXACTLY = 40, "1e-20"
CLOSE, CLOSE_PART, FLOATS = "5e-7", "1e-5", "1e-12"  # as in values.py; of what a float can hold
POINTS = 3  # of either sign


class Reader:
    """Reads LaTeX with math-verify, each text once; some would take its grammar hours."""

    def __init__(self) -> None:
        self._now: tuple[str, float, float] | None = None  # what is read; since when, by 2 clocks

    @lru_cache(READ)  # noqa: B019  (there is one reader, which lives as long as its process)
    def read(self, text: str) -> Any:
        """A sympy object, or None if it cannot be read or is too large to work with."""
        self._now = (text, time.perf_counter(), time.process_time())
        # its own tidying would take the t of 4t for tons
        spelling = need("latex2sympy2_extended.math_normalization", "maths").NormalizationConfig(
            basic_latex=True, units=False, malformed_operators=True, nits=True, boxed="none"
        )
        latex = need("math_verify.parser", "maths").LatexExtractionConfig(
            normalization_config=spelling
        )
        found = need("math_verify", "maths").parse(
            f"${text}$",
            extraction_config=[latex],
            fallback_mode="no_fallback",
            parsing_timeout=None,
        )
        self._now = None
        return found[0] if found and _is_small(found[0], need("sympy", "maths")) else None

    def stopped(self) -> Message:
        """After a request that ran out of time: forgets what sympy had half worked out.

        {"reading": text, "busy": bool} if it was a text that took so long, not a comparison;
        busy: the machine was, with something else.
        """
        need("sympy.core.cache", "maths").clear_cache()
        now, self._now = self._now, None
        if now is None:
            return {}
        text, wall, worked = now
        wall, worked = time.perf_counter() - wall, time.process_time() - worked
        return {"reading": text, "busy": worked < wall / 2}


def _warm_up(reader: Reader) -> Any:
    math_verify = need("math_verify", "maths")
    sympy = need("sympy", "maths")
    logging.disable(logging.CRITICAL)

    def same(gold: str, answer: str) -> bool | None:
        plainly = same_plainly(gold, answer)
        if plainly is not None:
            return plainly
        pair = in_one_unit(gold, answer)
        if pair is None:
            return False
        verdicts = [decided(*spelled) for spelled in degrees(*pair)]
        return True if True in verdicts else None if None in verdicts else False

    def decided(gold: str, answer: str) -> bool | None:
        left, right = reader.read(gold.replace("%", "")), reader.read(answer.replace("%", ""))
        if right is None:
            return None
        if left is None:  # a gold that is no mathematics is compared as text
            return False
        by_numbers = _same_by_numbers(left, right, f"{gold}\n{answer}", sympy)
        if by_numbers is not None:
            return by_numbers
        return bool(math_verify.verify(left, right, timeout_seconds=None))

    def reply(request: Message) -> Message:
        gold, answer = request["gold"], request["answer"]
        verdict = same_as_written(gold, answer, same)
        if request.get("both_ways") and not verdict:
            back = same_as_written(answer, gold, same)
            verdict = back if back or verdict is not None else None
        return {"same": verdict}

    # the first uses of the grammar and of `simplify` load much: not on a request's time
    for pair in ((r"\frac{\sqrt{8}}{2}", r"\sqrt{2}"), ("x^2+2x+1=y", "(x+1)^2-y=0"), ("1<x", "2")):
        reply({"gold": pair[0], "answer": pair[1]})
    return reply


def _is_small(expression: Any, sympy: Any) -> bool:
    """Few nodes, and no power or factorial too large to be worked out?"""
    if not isinstance(expression, sympy.Basic):
        return bool(expression.rows * expression.cols <= 64)  # a mutable matrix
    for count, node in enumerate(sympy.preorder_traversal(expression)):
        if count > MOST_NODES:
            return False
        if isinstance(node, sympy.Pow) and _is_tall(node.exp):
            return False
        if isinstance(node, sympy.factorial) and _is_large(node.args[0]):
            return False
    return True


def _is_tall(exponent: Any) -> bool:
    if exponent.free_symbols:
        return False
    tower = exponent.is_Pow and not exponent.exp.is_Rational
    return bool(tower or abs(float(exponent)) > 9999)


def _is_large(argument: Any) -> bool:
    """Of a factorial; one that is no whole number by now is not worked out either."""
    return not argument.free_symbols and bool(not argument.is_Integer or argument > 5000)


def _same_by_numbers(left: Any, right: Any, texts: str, sympy: Any) -> bool | None:
    """Are two expressions or equations the same at some points? None if these do not decide it."""
    if isinstance(left, sympy.Eq) and isinstance(right, sympy.Eq):
        return _are_multiples(left, right, texts, sympy)
    if not (isinstance(left, sympy.Expr) and isinstance(right, sympy.Expr)):
        return None
    left, right = (_with_imaginary_unit(side, sympy) for side in (left, right))
    symbols = sorted(left.free_symbols | right.free_symbols, key=str)
    if left.is_Symbol or right.is_Symbol:  # a word in \text{} is read as one symbol
        return None if symbols else left == right
    if not symbols:
        return _agree(left, right, sympy)
    is_real = not (left.has(sympy.I) or right.has(sympy.I))
    verdicts = []
    for i, point in enumerate(_points(symbols, texts, sympy)):
        if i >= POINTS and is_real and not all(_is_real(s, point, sympy) for s in (left, right)):
            continue  # \sqrt{x}\sqrt{y} and \sqrt{xy} differ only where the first is not real
        verdicts.append(_agree(left.subs(point), right.subs(point), sympy))
    return False if False in verdicts else True if all(verdicts) else None


def _is_real(side: Any, point: dict[Any, Any], sympy: Any) -> bool:
    """Is no root and no logarithm taken of a negative number?"""
    inner = [p.base for p in side.atoms(sympy.Pow) if not p.exp.is_integer]
    inner += [logarithm.args[0] for logarithm in side.atoms(sympy.log)]
    return not any(sympy.N(arg.subs(point)).is_negative for arg in inner)


def _are_multiples(left: Any, right: Any, texts: str, sympy: Any) -> bool | None:
    """Is lhs - rhs of one equation, without denominators, a fixed multiple of the other's?"""
    if not all(isinstance(side, sympy.Expr) for eq in (left, right) for side in eq.args):
        return None
    first, second = (sympy.fraction(sympy.together(eq.lhs - eq.rhs))[0] for eq in (left, right))
    symbols = sorted(first.free_symbols | second.free_symbols, key=str)
    ratios = [first.subs(point) / second.subs(point) for point in _points(symbols, texts, sympy)][
        : POINTS if symbols else 1
    ]
    verdicts = [_agree(ratios[0], ratio, sympy) for ratio in ratios]
    if None in verdicts:
        return None
    return all(verdicts) and ratios[0] != 0


def _with_imaginary_unit(side: Any, sympy: Any) -> Any:
    """i is the imaginary unit in an expression of numbers and i alone."""
    return side.subs({s: sympy.I for s in side.free_symbols if s.name == "i"})


def _points(symbols: list[Any], texts: str, sympy: Any) -> Iterator[dict[Any, Any]]:
    """Points that follow from both texts: first all positive, then of either sign."""
    for i in range(2 * POINTS):
        digest = hashlib.sha256(f"{i}\n{texts}".encode("utf-8", "replace")).digest()
        yield {
            symbol: sympy.Rational(500 + 7 * digest[k % 32] + k, 1009)
            * (-1 if i >= POINTS and digest[(k + 16) % 32] % 2 else 1)
            for k, symbol in enumerate(symbols)
        }


def _agree(left: Any, right: Any, sympy: Any) -> bool | None:
    """Do two numbers agree to 20 digits, decimals to 6 places? None if they are no numbers."""
    if left == right:
        return True
    rounded = left.has(sympy.Float) or right.has(sympy.Float)
    first, second = sympy.N(left, DIGITS), sympy.N(right, DIGITS)
    if not (first.is_number and second.is_number and first.is_finite and second.is_finite):
        return None
    scale = max(abs(first), abs(second))
    apart = abs(first - second)
    if not rounded:
        return bool(apart <= scale * sympy.Float(EXACTLY))
    close = max(sympy.Float(CLOSE), scale * sympy.Float(FLOATS))
    return bool(apart < close and apart <= scale * sympy.Float(CLOSE_PART))


if __name__ == "__main__":
    reader = Reader()
    serve(partial(_warm_up, reader), after_late=reader.stopped)
