"""The child process that makes and scores reasoning-gym's puzzles.

    {"make": name, "seed": n, "start": i, "count": k}  ->  {"rows": [[question, answer], ...]}
    {"score": answer, "name", "seed", "index", "question"}  ->  {"score": x} or {"error": text}

Some scorers call `eval` or sympy's `parse_expr` on the answer. Here `eval` reads
literals only, and what `parse_expr` is given may hold nothing but arithmetic.
"""

import ast
import random
import re
import sys
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import Any

from surefoot.core.errors import need
from surefoot.tasks.workers import Message, serve

BLOCK = 500  # puzzles a data set is made with; later ones come from the next block's seed
MOST_DIGITS = 12  # of a number in an expression

EVALUATED = ("string_insertion", "spiral_matrix", "binary_matrix", "n_queens")
ARITHMETIC = ("countdown", "puzzle24")
ALGEBRA = ("simple_integration", "intermediate_integration", "polynomial_multiplication")

# What a scorer of reasoning-gym 0.1.25 forgets to ask, by (answer, entry).
STRICTER: dict[str, Callable[[str, Any], bool]] = {
    # any non-empty text
    "game_of_life_halting": lambda a, e: a.strip().lower() == str(e["answer"]).lower(),
    # any beginning of the gold, such as "0"
    "coin_flip": lambda a, e: (
        abs(Fraction(a.strip()) - Fraction(e["answer"])) <= Fraction(1, 10**4)
    ),
    # nan, which is not farther from the gold than allowed
    "complex_arithmetic": lambda a, _: re.search("nan|inf", a, re.IGNORECASE) is None,
    # any numbers that make 24, or 24 and a fraction, whichever were asked for
    "puzzle24": lambda a, e: _makes_24(a, e["metadata"]["numbers"]),
}
_FUNCTIONS = {"sin", "cos", "tan", "exp", "log", "ln", "sqrt", "asin", "acos", "atan", "sec", "pi"}
_TOKENS = re.compile(r"\s*(?:(\d+(?:\.\d+)?)|([A-Za-z]+)|(\*\*|[-+*/()]))")


def _warm_up() -> Any:
    reasoning_gym = need("reasoning_gym", "gym")
    data_sets = need("reasoning_gym.factory", "gym").DATASETS

    @lru_cache(maxsize=8)
    def block_of(name: str, seed: int, block: int) -> Any:
        return reasoning_gym.create_dataset(name, seed=seed + 1_000_003 * block, size=BLOCK)

    def entry_of(name: str, seed: int, index: int) -> tuple[Any, Any]:
        """(data set, entry); the same for equal arguments, whatever was made before."""
        block, place = divmod(index, BLOCK)
        random.seed(f"{name} {seed} {index}")  # a few data sets draw from the global generator
        data = block_of(name, seed, block)
        random.seed(f"{name} {seed} {index}")
        return data, data[place]

    def reply(request: Message) -> Message:
        if "make" not in request:
            return _score(request, entry_of)
        name, start = request["make"], request["start"]
        if name not in data_sets:
            return {"unknown": sorted(data_sets)}
        entries = [
            entry_of(name, request["seed"], index)[1]
            for index in range(start, start + request["count"])
        ]
        return {"rows": [[e["question"], _text(e["answer"])] for e in entries]}

    return reply


def _text(answer: object) -> str | None:
    return None if answer is None else str(answer)


def _score(request: Message, entry_of: Any) -> Message:
    name, answer = request["name"], request["score"]
    reason = objection(name, answer)
    if reason is not None:
        return {"error": reason}
    data, entry = entry_of(name, request["seed"], request["index"])
    if entry["question"] != request["question"]:
        return {"changed": True}
    try:
        if name in STRICTER and not STRICTER[name](answer, entry):
            return {"score": 0.0}
        return {"score": float(_scorer(name, data)(answer, entry))}
    except Exception as error:  # noqa: BLE001  (a foreign scorer may raise anything on garbage)
        return {"error": f"its scorer raised {type(error).__name__}"}


def _makes_24(answer: str, numbers: list[int]) -> bool:
    """`answer` is known to be plain arithmetic."""
    used = sorted(map(int, re.findall(r"\d+", answer)))
    parsed = need("sympy.parsing.sympy_parser", "gym").parse_expr(answer)
    return used == sorted(numbers) and bool(parsed == 24)


def _scorer(name: str, data: Any) -> Any:
    if name in EVALUATED:
        vars(sys.modules[type(data).__module__])["eval"] = ast.literal_eval
    return data.score_answer


def objection(name: str, answer: str) -> str | None:
    """Why an answer is not shown to a data set's scorer, or None if it may be."""
    if len(answer) > 20_000 or "\x00" in answer:
        return "the answer is too long or holds a NUL character"
    if name in ARITHMETIC and not is_expression(answer, names=False):
        return "expected numbers, + - * / and brackets"
    if name in ALGEBRA and not is_expression(answer, names=True):
        return "expected a polynomial or elementary expression"
    return None


def is_expression(text: str, *, names: bool) -> bool:
    """Nothing but arithmetic of moderate size; with `names`, also letters, functions and powers."""
    if len(text) > 1000:
        return False
    position, power, brackets, text = 0, False, 0, text.strip()
    while position < len(text):
        token = _TOKENS.match(text, position)
        if token is None:
            return False
        number, name, sign = token.groups()
        if number and (len(number) > MOST_DIGITS or (power and len(number) > 2)):
            return False
        if (name and not (names and (len(name) == 1 or name in _FUNCTIONS))) or (
            sign == "**" and not names
        ):
            return False
        brackets += sign == "("
        power = sign == "**" or (power and sign in ("(", "-"))
        position = token.end()
    return bool(text) and brackets <= 50 and text.count("**") <= 40 and not _tower(text)


def _tower(text: str) -> bool:
    return re.search(r"\*\*\s*\(*\s*-?\s*\w+\s*\)*\s*\*\*", text) is not None


if __name__ == "__main__":
    serve(_warm_up)
