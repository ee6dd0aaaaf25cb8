"""The child process that does the algebra: `python -m surefoot.tasks.equal_worker`.

One request {"gold", "answer"}, one reply {"same": true, false or null}. math-verify
reads and compares LaTeX; what it is known to call equal and is not, is caught here:

    constants    must agree to 20 digits relative to their size (1/2004! is not 1/2006!)
    expressions  must agree so at three points
    equations    must be multiples of each other
"""

import logging
from typing import Any

from surefoot.core.errors import need
from surefoot.tasks.values import same_plainly
from surefoot.tasks.workers import Message, serve
from surefoot.tasks.written import same_as_written

MOST_NODES = 512
DIGITS, EXACTLY, ROUNDED = 40, "1e-20", "1e-5"
POINTS = ("37/29", "101/83", "211/97")


def _warm_up() -> Any:
    math_verify = need("math_verify", "maths")
    sympy = need("sympy", "maths")
    latex = [need("math_verify.parser", "maths").LatexExtractionConfig()]
    logging.disable(logging.CRITICAL)

    def read(text: str) -> Any:
        """A sympy object, or None if it cannot be read or is too large to work with."""
        found = math_verify.parse(
            f"${text}$", extraction_config=latex, fallback_mode="no_fallback", parsing_timeout=None
        )
        return found[0] if found and _is_small(found[0], sympy) else None

    def same(gold: str, answer: str) -> bool | None:
        plainly = same_plainly(gold, answer)
        if plainly is not None:
            return plainly
        left, right = read(gold.replace("%", "")), read(answer.replace("%", ""))
        if right is None:
            return None
        if left is None:  # a gold that is no mathematics is compared as text
            return False
        agreed = math_verify.verify(left, right, timeout_seconds=None)
        return agreed and not _refuted(left, right, sympy)

    def reply(request: Message) -> Message:
        return {"same": same_as_written(request["gold"], request["answer"], same)}

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


def _refuted(left: Any, right: Any, sympy: Any) -> bool:
    """Did math-verify call two things equal that numbers tell apart?"""
    if isinstance(left, sympy.Eq) and isinstance(right, sympy.Eq):
        if any(isinstance(side, sympy.Set) for eq in (left, right) for side in eq.args):
            return False
        first, second = left.lhs - left.rhs, right.lhs - right.rhs
        ratio = sympy.simplify(first / second)
        return bool(ratio.free_symbols) or ratio.is_zero is True or not ratio.is_finite
    if not (isinstance(left, sympy.Expr) and isinstance(right, sympy.Expr)):
        return False
    symbols = sorted(left.free_symbols | right.free_symbols, key=str)
    if not symbols:
        return _apart(left, right, sympy)
    if left.is_Symbol or right.is_Symbol:  # a word in \text{} is read as one symbol
        return False
    for shift in range(len(POINTS)):
        point = {
            symbol: sympy.Rational(POINTS[(i + shift) % len(POINTS)]) + i
            for i, symbol in enumerate(symbols)
        }
        if _apart(left.subs(point), right.subs(point), sympy):
            return True
    return False


def _apart(left: Any, right: Any, sympy: Any) -> bool:
    if left == right:
        return False
    rounded = left.has(sympy.Float) or right.has(sympy.Float)
    first, second = sympy.N(left, DIGITS), sympy.N(right, DIGITS)
    if not (first.is_number and second.is_number and first.is_finite and second.is_finite):
        return False
    scale = max(abs(first), abs(second))
    return bool(abs(first - second) > scale * sympy.Float(ROUNDED if rounded else EXACTLY))


if __name__ == "__main__":
    serve(_warm_up)
