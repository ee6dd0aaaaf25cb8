r"""Comparing two answers as they are written, before (and often instead of) any algebra.

`refusal` says what is too large, too deep or too much like code to be compared.
`same_as_written` takes an answer apart and compares the leaves with a function
that is passed to it; True and False are final, None is "cannot tell".

    a, b   a or b   \pm a     a list: equal as multisets, so "3 or 4" is not 3
    (a,b)  [a,b)  \{a,b\}     brackets must agree; only sets are unordered
    x = a                     the name may be left out on one side, but not differ
    a = b = c                 against a lone value: every side must equal it
    a:b                       part by part
"""

import re
from collections.abc import Callable, Iterator

from surefoot.tasks.answers import ascii_digits

Same = Callable[[str, str], bool | None]

LONGEST = 4096  # characters
DEEPEST = 32  # brackets within brackets
MOST_PARTS = 16  # elements of a list that are compared in any order

_CODE = re.compile(
    r"__|\bimport\b|(?<!\\)\blambda\b|\b(?:os|sys|subprocess|builtins|sympy|numpy)\s*\.\s*\w"
    r"|\b(?:eval|exec|open|getattr|compile|globals|input|print)\s*\(|<<|>>|[\"`]|[fbr]'"
)
_EAGER = re.compile(r"\\(?:sum|prod|i*int|oint|lim|det|gcd|lcm|operatorname|mathop|bigcup|bigcap)")
_POWER = re.compile(r"(?:\^|\*\*)[{(\s]*-?(\d+)")
_POWER_OF_POWER = re.compile(
    r"(?:\^|\*\*)[{(\s]*-?(\d+)[})\s]*(?:\^|\*\*)[{(\s]*-?(\d+)([})\s]*(?:\^|\*\*|!))?"
)
_FACTORIAL = re.compile(r"(\d*)([)}\s]{0,9})!(?!=)([)}\s]{0,9}!)?")
_LARGE_CHOICE = re.compile(r"\\[dt]?binom[^a-z]{0,40}?\d{5}")


def refusal(text: str) -> str | None:
    """Why a text is not compared, or None if it may be. Linear time; computes nothing."""
    if len(text) > LONGEST:
        return f"longer than {LONGEST} characters"
    if any(ord(char) < 32 and char not in "\t\n\r" for char in text):
        return "holds control characters"
    text = ascii_digits(text)
    if _CODE.search(text):
        return "looks like program code"
    if _EAGER.search(text):
        return "holds an operator that would be evaluated at once, such as a sum"
    if re.search(r"\d{257}", text) or sum(map(str.isdigit, text)) > 2048:
        return "holds too many digits"
    if sum(text.count(sign) for sign in "+-*/^!&\\") > 256:
        return "holds too many operators"
    if _depth(text) > DEEPEST:
        return f"nested deeper than {DEEPEST}"
    return _explodes(text)


def _depth(text: str) -> int:
    depth = deepest = 0
    for char in text:
        depth += (char in "([{") - (char in ")]}")
        deepest = max(deepest, depth)
    return deepest


def _explodes(text: str) -> str | None:
    """A number that would have more digits than can be worked with?"""
    if any(len(m[1]) > 4 for m in _POWER.finditer(text)):
        return "holds too large an exponent"
    if any(map(_is_tall, _POWER_OF_POWER.finditer(text))):
        return "holds too tall a tower of powers"
    if any(map(_is_large, _FACTORIAL.finditer(text))):
        return "holds too large a factorial"
    return "holds too large a binomial" if _LARGE_CHOICE.search(text) else None


def _is_tall(power: re.Match[str]) -> bool:
    base, exponent = int(power[1]), int(power[2])
    return bool(power[3]) or exponent > 13 or base**exponent > 9999


def _is_large(factorial: re.Match[str]) -> bool:
    """Of a number over 5000, of a factorial, or of brackets in which something grows?"""
    before = factorial.string[max(0, factorial.start() - 40) : factorial.start()]
    composed = bool(factorial[2]) and re.search(r"\^|\*|!|\d{4}", before) is not None
    return bool(factorial[3]) or composed or len(factorial[1]) > 4 or int(factorial[1] or 0) > 5000


# --- one way of writing ----------------------------------------------------

_DROPPED = re.compile(
    r"\\left(?![a-z])|\\right(?![a-z])|\\[!,;:>]|\\displaystyle|\\q?quad|\\limits|\\phantom\{[^{}]*\}"
    r"|\^\s*\{?\s*\\circ\s*\}?|\\degree|°|\\\s|~"
)
_TEXT = re.compile(r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mbox|rm|bf)\s*\{([^{}]*)\}")
_SHORT_FRACTION = re.compile(r"\\frac\s*(?:\{([^{}]*)\}|(\w))\s*(?:\{([^{}]*)\}|(\w))")
_E_NOTATION = re.compile(r"\A([-+]?\d+(?:\.\d+)?)[eE]([-+]?\d{1,3})\Z")  # else e is Euler's number
_WRAPPED = re.compile(
    r"\$\$?(?P<a>(?:[^$\\]|\\.)*)\$\$?|\\\((?P<b>.*)\\\)|\\\[(?P<c>.*)\\\]|\\boxed\{(?P<d>[^{}]*)\}",
    re.DOTALL,
)
_SIGNS: dict[str, str | int | None] = {
    "±": r"\pm ", "∓": r"\mp ", "π": r"\pi ", "∞": r"\infty ", "≤": r"\le ", "≥": r"\ge ",
    "≠": r"\ne ", "×": r"\times ", "·": r"\cdot ", "÷": "/", "∪": r"\cup ", "∩": r"\cap ",
    "∈": r"\in ", "²": "^{2}", "³": "^{3}", "−": "-", "½": r"\frac{1}{2}",
}  # fmt: skip


def tidy(text: str) -> str:
    """The same answer with one spelling of signs, fractions and spaces, and no wrapping."""
    text = ascii_digits(text).translate(str.maketrans(_SIGNS)).strip()
    while (match := _WRAPPED.fullmatch(text)) is not None:
        text = next(g for g in match.groups() if g is not None).strip()
    text = text.replace(r"\$", "$").replace(r"\%", "%").replace("{,}", ",")
    text = re.sub(r"\\[dtc]frac", r"\\frac", _DROPPED.sub(" ", text))
    text = _SHORT_FRACTION.sub(_full_fraction, _TEXT.sub(r" \1 ", text))
    text = re.sub(r"\\(?:leq|leqslant)(?![a-z])", r"\\le", text)
    text = re.sub(r"\\(?:geq|geqslant)(?![a-z])", r"\\ge", text)
    text = " ".join(text.split()).rstrip(".").rstrip()
    return _E_NOTATION.sub(r"\1 \\times 10^{\2}", text)


def _full_fraction(match: re.Match[str]) -> str:
    top, bottom = (match[1] or match[2] or "").strip(), (match[3] or match[4] or "").strip()
    return rf"\frac{{{top}}}{{{bottom}}}"


# --- taking answers apart --------------------------------------------------


def same_as_written(gold: str, answer: str, same: Same) -> bool | None:
    """Are two tidied answers the same, with `same` for what is not made of parts?

    None if a leaf could not tell and no other leaf decides.
    """
    if _key(gold) == _key(answer):
        return True
    golds, answers = parts(gold), parts(answer)
    if len(golds) == len(answers) == 1:
        return _same_one(golds[0], answers[0], same)
    for one, others in ((golds, answers), (answers, golds)):
        inner = bracketed(one[0]) if len(one) == 1 else None
        if inner is not None and inner[0] + inner[2] in ("()", r"\{\}"):
            one[:] = parts(inner[1])
            if inner[0] == "(" and len(one) == len(others):
                return _in_order(golds, answers, same)
    return _in_any_order(golds, answers, same)


def _key(text: str) -> str:
    return re.sub(r"\s+", "", text).casefold()


def _same_one(gold: str, answer: str, same: Same) -> bool | None:
    left, right = bracketed(gold), bracketed(answer)
    if left is not None and right is not None:
        if (left[0], left[2]) != (right[0], right[2]):
            return False
        golds, answers = parts(left[1]), parts(right[1])
        compare = _in_any_order if left[0] == r"\{" else _in_order
        return compare(golds, answers, same)
    if ":" in gold or ":" in answer:
        golds, answers = gold.split(":"), answer.split(":")
        return False if len(golds) != len(answers) else _in_order(golds, answers, same)
    golds, answers = _sides(gold), _sides(answer)
    if len(golds) == len(answers) == 1:
        return same(golds[0], answers[0])
    return _same_equations(golds, answers, same)


def _same_equations(golds: list[str], answers: list[str], same: Same) -> bool | None:
    if len(golds) == 1:
        values = [*(side for side in answers[:-1] if not _is_name(side)), answers[-1]]
        return all_of(same(golds[0], value) for value in values)
    if not _is_name(golds[0]) or len(golds) != 2:
        return same(" = ".join(golds), " = ".join(answers)) if len(answers) > 1 else False
    if len(answers) == 1:
        return same(golds[1], answers[0])
    if len(answers) == 2 and _is_name(answers[0]) and not _is_name(golds[1]):
        return _key(golds[0]) == _key(answers[0]) and same(golds[1], answers[1])
    return same(" = ".join(golds), " = ".join(answers))


def _sides(text: str) -> list[str]:
    return [side.strip() for side in re.split(r"(?<![<>!=:\\])=(?!=)", text)]


def _is_name(text: str) -> bool:
    return re.fullmatch(r"\\?[A-Za-z]{1,12}(_\{?\w+\}?)?\s*(\([a-z, ]+\))?", text) is not None


def parts(text: str) -> list[str]:
    r"""The elements of a list "a, b", "a or b", "\pm a"; one element if it is none.

    Thousands commas do not separate, nor does anything within brackets.
    """
    pieces, depth, start = [], 0, 0
    for token in re.finditer(r"[(\[{]|[)\]}]|[,;]|\s(?:or|and)\s", text):
        if token[0] in "([{":
            depth += 1
        elif token[0] in ")]}":
            depth -= 1
        elif depth == 0 and not _is_thousands(text, token.start()):
            pieces.append(text[start : token.start()])
            start = token.end()
    pieces.append(text[start:])
    found = [p.strip() for p in pieces if p.strip()] or [text]
    return [signed for piece in found for signed in _both_signs(piece)]


def _is_thousands(text: str, comma: int) -> bool:
    left = re.search(r"(?<![\d.])(\d{1,3})(?:,\d{3})*$", text[max(0, comma - 40) : comma])
    return (
        text[comma] == ","
        and left is not None
        and not left[1].startswith("0")
        and re.match(r",\d{3}(?:,\d{3})*(?!\d|,\d)", text[comma : comma + 40]) is not None
    )


def _both_signs(piece: str) -> list[str]:
    if piece.count(r"\pm") != 1 or r"\mp" in piece:
        return [piece]
    return [piece.replace(r"\pm", sign).lstrip("+ ").replace("- ", "-") for sign in "+-"]


def bracketed(text: str) -> tuple[str, str, str] | None:
    """(opening, inside, closing) of a text that one pair of brackets encloses, if it is a list."""
    match = re.fullmatch(r"(\\\{|[(\[])(.*)(\\\}|[)\]])", text, re.DOTALL)
    if match is None:
        return None
    opening, inside, closing = match.groups()
    depth = 0
    for char in inside:
        depth += (char in "([{") - (char in ")]}")
        if depth < 0:
            return None
    listed = "," in inside and not text.startswith("(\\begin")
    return (opening, inside, closing) if listed or opening == r"\{" else None


def _in_order(golds: list[str], answers: list[str], same: Same) -> bool | None:
    if len(golds) != len(answers):
        return False
    pairs = zip(golds, answers, strict=True)
    return all_of(same_as_written(g.strip(), a.strip(), same) for g, a in pairs)


def _in_any_order(golds: list[str], answers: list[str], same: Same) -> bool | None:
    if len(golds) != len(answers):
        return False
    if len(golds) > MOST_PARTS:
        return _in_order(golds, answers, same)
    left, unsure = list(answers), False
    for gold in golds:
        verdicts = [same_as_written(gold, answer, same) for answer in left]
        if True in verdicts:
            left.pop(verdicts.index(True))
        elif None in verdicts:
            unsure = True
        else:
            return False
    return None if unsure else True


def all_of(verdicts: Iterator[bool | None]) -> bool | None:
    """True if all are, False as soon as one is, else None."""
    unsure = False
    for verdict in verdicts:
        if verdict is False:
            return False
        unsure |= verdict is None
    return None if unsure else True
