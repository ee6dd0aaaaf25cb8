r"""Arithmetic as people write it, computed exactly. No text is ever run as code.

    sum     = product (("+" | "-") product)*
    product = power (("*" | "/") power)*
    power   = ["-"] atom ["^" power]
    atom    = number ["%"] | "(" sum ")" | \frac{sum}{sum}

Numbers may carry thousands commas and a currency sign; \times, \cdot, × and ÷ are operators.
All values are fractions: nothing is rounded. What is not arithmetic (letters, implicit
products, mixed numbers) is not guessed at: it has no value.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

LONGEST = 2000  # tokens of one expression
DEEPEST = 64  # brackets within brackets
LARGEST_POWER = 64
MOST_DIGITS = 300

_TOKEN = re.compile(
    r"(?P<space>\s+|\\[,;:! ]|\\(?:left|right)(?![a-z]))"
    r"|(?P<number>(?:\\?[$€£]\s?)?(?:(?:\d{1,3}(?:(?:,|\{,\})\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+)"
    r"(?:\\?%)?)"
    r"|(?P<op>\\times(?![a-z])|\\cdot(?![a-z])|\\div(?![a-z])|\*(?!\*)|[×·÷−⋅+/^-])"
    r"|(?P<bracket>[()\[\]{}])"
    r"|(?P<frac>\\[dt]?frac(?![a-z]))"
    r"|(?P<equals>=)"
    r"|(?P<other>\\[A-Za-z]+|\\[\\()\[\]{}|]|[^\W\d_]+|\*\*|.)",
    re.ASCII | re.DOTALL,
)
_OPS = {r"\times": "*", r"\cdot": "*", r"\div": "/"} | dict(zip("×·⋅÷−", "***/-", strict=True))
_OPEN, _CLOSE = dict(zip("([{", ")]}", strict=True)), ")]}"


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a text: text[start:stop]. sort: number, op, bracket, frac, equals or other.

    text: an operator in its plainest form, anything else as it was written.
    after_space: does white space, or the text's beginning, stand before it?
    """

    sort: str
    text: str
    start: int
    stop: int
    after_space: bool


class NotArithmetic(ValueError):
    """The text has no value as arithmetic."""


def tokens_of(text: str) -> list[Token]:
    """A text's pieces in order, white space left out. Linear time."""
    tokens, space = list[Token](), True
    for match in _TOKEN.finditer(text):
        sort = str(match.lastgroup)
        if sort != "space":
            piece = _OPS.get(match[0], match[0]) if sort == "op" else match[0]
            tokens.append(Token(sort, piece, match.start(), match.end(), space))
        space = sort == "space"
    return tokens


def number_of(text: str) -> Fraction | None:
    """The value of one written number ("$1,234.50", "20%"), or None."""
    bare = re.sub(r"[\\$€£,{}\s]", "", text)
    percent = bare.endswith("%")
    bare = bare.removesuffix("%")
    if not re.fullmatch(r"\d*\.?\d+", bare, re.ASCII) or len(bare) > MOST_DIGITS:
        return None
    return Fraction(bare) / (100 if percent else 1)


def value_of_text(text: str) -> Fraction | None:
    """The value of a text that is one arithmetic expression, or None."""
    return value_of_tokens(tokens_of(text))


def value_of_tokens(tokens: Sequence[Token]) -> Fraction | None:
    """The value of pieces that are one arithmetic expression, or None.

    None also for a division by zero and for what is too long, deep or large to be computed.
    """
    if not 0 < len(tokens) <= LONGEST:
        return None
    reader = _Reader(tokens)
    try:
        value = reader.sum(0)
    except (NotArithmetic, ZeroDivisionError):
        return None
    return value if reader.at == len(tokens) else None


class _Reader:
    """Recursive descent over the grammar above; `at` is the next token."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens, self.at = tokens, 0

    def sum(self, depth: int) -> Fraction:
        value = self.product(depth)
        while (sign := self.taken("+", "-")) is not None:
            other = self.product(depth)
            value = value + other if sign == "+" else value - other
        return value

    def product(self, depth: int) -> Fraction:
        value = self.power(depth)
        while (sign := self.taken("*", "/")) is not None:
            other = self.power(depth)
            value = value * other if sign == "*" else value / other
            if max(value.numerator.bit_length(), value.denominator.bit_length()) > 4096:
                raise NotArithmetic("too large")
        return value

    def power(self, depth: int) -> Fraction:
        if depth > DEEPEST:
            raise NotArithmetic("too deep")
        if self.taken("-") is not None:
            return -self.power(depth + 1)
        base = self.atom(depth)
        if self.taken("^") is None:
            return base
        exponent = self.power(depth + 1)
        small = max(base.numerator.bit_length(), base.denominator.bit_length()) <= 64
        if exponent.denominator != 1 or abs(exponent) > LARGEST_POWER or not small:
            raise NotArithmetic("not a small whole exponent")
        return base ** int(exponent)

    def atom(self, depth: int) -> Fraction:
        token = self.next()
        if token.sort == "number":
            value = number_of(token.text)
            if value is None:
                raise NotArithmetic(token.text)
            return value
        if token.sort == "frac":
            top = self.bracketed("{", depth)
            return top / self.bracketed("{", depth)
        if token.text in _OPEN:
            self.at -= 1
            return self.bracketed(token.text, depth)
        raise NotArithmetic(token.text)

    def bracketed(self, opening: str, depth: int) -> Fraction:
        if self.taken(opening) is None:
            raise NotArithmetic(f"no {opening}")
        value = self.sum(depth + 1)
        if self.taken(_OPEN[opening]) is None:
            raise NotArithmetic(f"no {_OPEN[opening]}")
        return value

    def taken(self, *texts: str) -> str | None:
        """The next token's text if it is one of `texts`; then it is passed."""
        if self.at < len(self.tokens) and self.tokens[self.at].text in texts:
            self.at += 1
            return self.tokens[self.at - 1].text
        return None

    def next(self) -> Token:
        if self.at == len(self.tokens):
            raise NotArithmetic("it ends too early")
        self.at += 1
        return self.tokens[self.at - 1]
