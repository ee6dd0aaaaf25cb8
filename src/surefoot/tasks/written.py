r"""Comparing two answers as they are written, before (and often instead of) any algebra.

`refusal` says what is too large, too deep or too much like code to be compared.
`same_as_written` takes an answer apart and compares the leaves with a function
that is passed to it; True and False are final, None is "cannot tell".

    a, b   a or b   \pm a     a list: equal as multisets, so "3 or 4" is not 3
    (a,b)  [a,b)  \{a,b\}     brackets must agree; only sets are unordered
    x = a, y = b              by name; against (a,b) in the order of the names
    x = a                     the name may be left out on one side, but not differ
    a = b = c                 against a lone value: every side must equal it
    a:b                       as a proportion, so 1:2 is 2:4 and 1/2
    matrices, intervals       entry by entry, end by end (see matrices.py and regions.py)
"""

import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import lru_cache, partial

from surefoot.tasks.answers import ascii_digits
from surefoot.tasks.leaves import same_whole
from surefoot.tasks.matrices import as_vector, matrix_of, same_matrix
from surefoot.tasks.regions import matched, region_of, same_region
from surefoot.tasks.values import value_of

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


# --- taking answers apart --------------------------------------------------


def same_as_written(gold: str, answer: str, same: Same) -> bool | None:
    """Are two tidied answers the same, with `same` for what is not made of parts?

    None if a leaf could not tell and no other leaf decides.
    """
    if key(gold) == key(answer):
        return True
    within = partial(same_as_written, same=same)
    matrix, other = matrix_of(gold), matrix_of(answer)
    if matrix is not None and other is not None:
        return same_matrix(matrix, other, within)
    for found, text in ((matrix, answer), (other, gold)):
        vector = None if found is None else as_vector(*found)
        elements = bracketed(text) if vector is not None else None
        if vector is not None and elements is not None and elements[0] == "(":
            return _in_order(*_in_turn(vector, parts(elements[1]), text is answer), same)
    left, right = region_of(gold), region_of(answer)
    if left is not None and right is not None and (left.surely or right.surely):
        return same_region(left, right, within)
    whole = same_whole(gold, answer)
    if whole is not None:
        return whole
    return _same_parts(_bare(gold, answer), _bare(answer, gold), same)


def _in_turn(first: list[str], second: list[str], keep: bool) -> tuple[list[str], list[str]]:
    return (first, second) if keep else (second, first)


_POINT = re.compile(r"[A-Z]\s*=?\s*(?=\(.*,)")
_NAMED_TUPLE = re.compile(r"\(\s*[a-z](?:\s*,\s*[a-z])+\s*\)\s*=\s*(?=\()")
_MEMBER_OF = re.compile(r"[a-z]\s*\\in(?![a-z])\s*(?=\\\{)")


def _bare(text: str, other: str) -> str:
    """(x,y) = (1,2), P(1,2) and x \\in \\{1,2\\} without their names, unless both have one."""
    for pattern in (_POINT, _NAMED_TUPLE, _MEMBER_OF):
        match = pattern.match(text)
        if match is not None and not pattern.match(other):
            return text[match.end() :]
    return text


def _same_parts(gold: str, answer: str, same: Same) -> bool | None:
    golds, answers = parts(gold), parts(answer)
    if len(golds) == len(answers) == 1:
        return _same_one(golds[0], answers[0], same)
    named = _named(golds), _named(answers)
    if any(named) and len(golds) + len(answers) > 2:
        by_name = _same_named(*named, golds, answers)
        if by_name is not None:
            return _in_order(*by_name, same)
    for one, others in ((golds, answers), (answers, golds)):
        inner = bracketed(one[0]) if len(one) == 1 else None
        if inner is not None and inner[0] + inner[2] in ("()", r"\{\}"):
            one[:] = parts(inner[1])
            if inner[0] == "(" and len(one) == len(others):
                return _in_order(golds, answers, same)
    return _in_any_order(golds, answers, same)


@lru_cache(4096)
def key(text: str) -> str:
    """A spelling without case and spaces; digits stay apart, since "1 2" is not 12."""
    return re.sub(r"(?<!\d)\s+|\s+(?!\d)", "", text).casefold()


def _named(elements: list[str]) -> dict[str, str]:
    """{"x": "1", "y": "2"} of "x = 1, y = 2"; {} if some element has no name or all have one."""
    sides = [_sides(element) for element in elements]
    if any(len(side) != 2 or not _is_name(side[0]) for side in sides):
        return {}
    stems = {re.sub(r"_.*", "", side[0]) for side in sides}
    return {side[0]: side[1] for side in sides} if len(stems) == len(sides) > 1 else {}


def _same_named(
    named: dict[str, str], others: dict[str, str], golds: list[str], answers: list[str]
) -> tuple[list[str], list[str]] | None:
    """The values to compare in order: by name, or in the order of the names against a tuple."""
    if named and others:
        return [named[n] for n in sorted(named)], [others.get(n, "") for n in sorted(named)]
    values = [value for _, value in sorted((named or others).items())]
    tuple_ = answers if named else golds
    inner = bracketed(tuple_[0]) if len(tuple_) == 1 else None
    plain = parts(inner[1]) if inner is not None and inner[0] == "(" else tuple_
    return (values, plain) if named else (plain, values)


def _same_one(gold: str, answer: str, same: Same) -> bool | None:
    left, right = bracketed(gold), bracketed(answer)
    if left is not None and right is not None:
        if (left[0], left[2]) != (right[0], right[2]):
            return False
        golds, answers = parts(left[1]), parts(right[1])
        if left[0] == r"\{":
            within = partial(same_as_written, same=same)
            return _in_any_order(_distinct(golds, within), _distinct(answers, within), same)
        return _in_order(golds, answers, same)
    ratios = _ratio(gold), _ratio(answer)
    if len(ratios[0]) > 1 or len(ratios[1]) > 1:
        return _same_ratio(*ratios, same)
    golds, answers = _sides(gold), _sides(answer)
    if len(golds) == len(answers) == 1:
        return same(golds[0], answers[0])
    return _same_equations(golds, answers, same)


def _distinct(elements: list[str], same: Same) -> list[str]:
    """A set's members once each; what cannot be told apart stays."""
    if len(elements) > MOST_PARTS:
        return elements
    members: list[str] = []
    for element in elements:
        if not any(same(member, element) for member in members):
            members.append(element)
    return members


def _ratio(text: str) -> list[str]:
    """The parts of "1:2" or "1 to 2"; the text alone if it is no ratio."""
    if re.fullmatch(r"[\d.,]+(?:\s+to\s+[\d.,]+)+", text):
        return re.split(r"\s+to\s+", text)
    return [part.strip() for part in text.split(":")]


def _same_ratio(golds: list[str], answers: list[str], same: Same) -> bool | None:
    left, right = (_numbers(parts_) for parts_ in (golds, answers))
    if len(golds) != len(answers):
        both = [n[0] / n[1] if len(n) == 2 and n[1] else n[0] for n in (left, right) if n]
        fraction = answers[0] if len(answers) == 1 else golds[0]
        written = re.search(r"/|\\frac|\.", fraction) is not None
        return len(both) == 2 and min(len(left), len(right)) == 1 and written and both[0] == both[1]
    if left and right:
        return all(a * right[0] == b * left[0] for a, b in zip(left, right, strict=True))
    return _in_order(golds, answers, same)


def _numbers(texts: list[str]) -> list[Fraction]:
    """Their values, or [] if one of them is no plain number."""
    values = [value_of(text) for text in texts]
    if any(v is None or v.unit or v.percent or v.base or not v.number for v in values):
        return []
    return [v.number for v in values if v is not None]


def _same_equations(golds: list[str], answers: list[str], same: Same) -> bool | None:
    if len(golds) == 1:
        values = [*(side for side in answers[:-1] if not _is_name(side)), answers[-1]]
        return all_of(same_as_written(golds[0], value, same) for value in values)
    if not _is_name(golds[0]) or len(golds) != 2:
        return same(" = ".join(golds), " = ".join(answers)) if len(answers) > 1 else False
    if len(answers) == 1:
        return same_as_written(golds[1], answers[0], same)
    if len(answers) == 2 and _is_name(answers[0]) and not _is_name(golds[1]):
        if key(golds[0]) == key(answers[0]) or _is_graph(golds[0], answers[0]):
            return same_as_written(golds[1], answers[1], same)
        if not re.search(r"[A-Za-z]", golds[1] + answers[1]):  # x = 5 is not y = 5
            return False
    return same(" = ".join(golds), " = ".join(answers))


def _is_graph(name: str, other: str) -> bool:
    """y and f(x) name the same thing."""
    return any(
        a.strip() == "y" and re.fullmatch(r"[a-zA-Z]\s*\(x\)", b)
        for a, b in ((name, other), (other, name))
    )


def _sides(text: str) -> list[str]:
    """The sides of an equation, a lone name first: "5 = x" is x = 5."""
    sides = [side.strip() for side in re.split(r"(?<![<>!=:\\])=(?!=)", text)]
    if len(sides) == 2 and _is_name(sides[1]) and not _is_name(sides[0]):
        return sides[::-1]
    return sides


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
    listed = ("," in inside or ";" in inside) and not text.startswith("(\\begin")
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
    return matched(golds, answers, lambda gold, answer: same_as_written(gold, answer, same))


def all_of(verdicts: Iterator[bool | None]) -> bool | None:
    """True if all are, False as soon as one is, else None."""
    unsure = False
    for verdict in verdicts:
        if verdict is False:
            return False
        unsure |= verdict is None
    return None if unsure else True
