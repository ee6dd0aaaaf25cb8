r"""One way of writing an answer: signs, fractions, spaces and plain-text mathematics.

`tidy` changes how an answer is written, never what it says:

    Unicode and plain text   2√3, 2*sqrt(3) -> 2\sqrt{3}    x**10 -> x^{10}    pi -> \pi
    wrappings                $x$, \boxed{x}, **x**, "x", "the answer is x", \approx x -> x
    fractions                \dfrac12, {1 \over 2}, ½ -> \frac{1}{2}
    degrees                  90^\circ, 90 degrees -> 90°

All of it takes time linear in the text, up to the depth of its brackets.
"""

import re
from functools import lru_cache

from surefoot.tasks.answers import ascii_digits

REMEMBERED = 4096  # spellings; an answer is met again in every pair of a vote

_SIGNS = str.maketrans({
    "±": r"\pm ", "∓": r"\mp ", "π": r"\pi ", "∞": r"\infty ", "≤": r"\le ", "≥": r"\ge ",
    "≠": r"\ne ", "×": r"\times ", "·": r"\cdot ", "⋅": r"\cdot ", "÷": "/", "∪": r"\cup ",
    "∩": r"\cap ", "∈": r"\in ", "≈": r"\approx ", "∅": r"\emptyset ", "ℝ": r"\mathbb{R}",
    "∖": r"\setminus ", "θ": r"\theta ", "α": r"\alpha ", "β": r"\beta ", "λ": r"\lambda ",
    "⟨": r"\langle ", "⟩": r"\rangle ", "¢": " cents", "٫": ".", "٬": ",", "…": "...",
    "º": "°", "′": "'", "’": "'", "‘": "'",
    "“": '"', "”": '"', "½": r"\frac{1}{2}", "⅓": r"\frac{1}{3}", "⅔": r"\frac{2}{3}",
    "¼": r"\frac{1}{4}", "¾": r"\frac{3}{4}", "⅛": r"\frac{1}{8}",
})  # fmt: skip
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ", "0123456789+-n")
_RAISED_RUN = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ]+")
_ROOT = re.compile(r"√\s*(?:\(([^()]*)\)|\{([^{}]*)\}|(\d+(?:\.\d+)?|[A-Za-z]))")

_WRAPPED = re.compile(
    r"\$\$?(?P<a>(?:[^$\\]|\\.)*)\$\$?|\\\((?P<b>.*)\\\)|\\\[(?P<c>.*)\\\]|\\f?box(?:ed)?\{(?P<d>[^{}]*)\}"
    r"|\*\*(?P<e>[^*]+)\*\*|\"(?P<f>[^\"]*)\"|'(?P<g>[^']*)'|`(?P<h>[^`]*)`",
    re.DOTALL,
)
_REPEATS = re.compile(r"(\d{0,50}\.\d{0,20}?)(\d{1,6}?)\2{2,50}(?:\.{3}|\\[lc]?dots)\Z")
_ASIDE = re.compile(r"(?<=\d)\s+\([a-z][a-z -]{2,40}\)\Z")  # "12 (twelve)"
_LEAD = re.compile(
    r"(?:(?:so|thus|hence|therefore),?\s+)?(?:the\s+)?(?:(?:final|correct|right)\s+)?answer\s*(?:is\b:?|:|=)\s*"
    r"|the\s+(?:statement|claim|proposition)\s+is\s+(?=(?:true|false)\b)|on\s+(?=[a-z]{3,6}day\b)"
    r"|(?:it\s+is|it's|they\s+are|there\s+(?:is|are))\s+"
    r"|(?:\\approx|\\sim|~|(?:about|approximately|approx\.|roughly)\s)\s*",
    re.IGNORECASE,
)
_SPACE = re.compile(
    r"\\left(?![a-z])|\\right(?![a-z])|\\[,;:>]|\\displaystyle|\\q?quad|\\limits|\\phantom\{[^{}]*\}"
    r"|(?<!\\)\\\s|~"  # "\\ " is a row break and a space, not a backslash and "\ "
)
_ROW_BREAK = re.compile(r"\\\\\s{0,9}\[[^\[\]]{1,12}\]|\\cr(?![a-z])|\\tabularnewline")
_TEXT = re.compile(
    r"\\(?:text|textbf|textit|underline|textrm|textnormal|mathrm|mathbf|mathit|mbox|rm|bf)\s*\{([^{}]*)\}"
)
_DEGREES = re.compile(r"\^\s*\{?\s*\\circ\s*\}?|\\degree|(?<=[\d})])\s*degrees?\b(?!\s*[CFcf])")
_ORDINAL = re.compile(r"(?<=\d)\s*\^\s*\{?\s*(st|nd|rd|th)\s*\}?")
_OVER = re.compile(r"\{([^{}]*)\\over(?![a-z])([^{}]*)\}")
_SHORT_FRACTION = re.compile(r"\\frac\s*(?:\{([^{}]*)\}|(\w))\s*(?:\{([^{}]*)\}|(\w))")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_E_NOTATION = re.compile(r"\A([-+]?\d+(?:\.\d+)?)[eE]([-+]?\d{1,3})\Z")  # else e is Euler's number
_SYNONYMS = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"\\(?:leq|leqslant)(?![a-z])|<=", r"\\le "),
        (r"\\(?:geq|geqslant)(?![a-z])|>=", r"\\ge "),
        (r"\\neq(?![a-z])|!=", r"\\ne "),
        (r"\\lt(?![a-z])", "<"),
        (r"\\gt(?![a-z])", ">"),
        (r"\\(?:lvert|rvert|vert)(?![a-z])", "|"),
        (r"\\lbrace(?![a-z])", r"\\{"),
        (r"\\rbrace(?![a-z])", r"\\}"),
        (r"\\(?:langle|lparen)(?![a-z])", "("),
        (r"\\(?:rangle|rparen)(?![a-z])", ")"),
        (r"\\(?:varnothing|O(?![a-z]))|\\\{\s*\\\}|\A\{\s*\}\Z", r"\\emptyset "),
        (
            r"(?i)\A(?:there (?:is|are) )?no (?:real )?solutions?(?: exists?)?\Z"
            r"|\A(?:the )?empty set\Z",
            r"\\emptyset ",
        ),
        (r"\\mathbb\s*\{?\s*R\s*\}?\s*\^\s*\{?\s*\+\s*\}?", r"(0, \\infty)"),
        (r"\A\{([^{}]*[,;][^{}]*)\}\Z", r"\\{\1\\}"),
        (r"\\triangle\s*(?=[A-Z]{3}\b)", ""),  # named by its corners
        (r"(?:\{\s*\})?\s*_\s*\{?(\d{1,4})\}?\s*C\s*_\s*\{?(\d{1,4})\}?", r"\\binom{\1}{\2}"),
        (r"\\mathbb\s*R|\\R(?![a-z])", r"\\mathbb{R}"),
        (r"\\(?:smallsetminus|backslash)(?![a-z])", r"\\setminus "),
        (r"(?<=[)\]])\s*[Uu]\s*(?=[(\[])", r" \\cup "),
        (r"\\overline\s*\{\s*([A-Z]{2})\s*\}", r"\1"),  # a segment, named by its ends
        (r"\\textdegree|\^\s*°", "°"),
        (r"\s+°|°\s+(?=[CF]\b)", "°"),
    )
]
_PLAIN = [  # mathematics as programs and keyboards write it
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"\*\*", "^"),
        (r"\A(?:[Mm]inus|[Nn]egative)\s+(?=[\d.\\$])", "-"),
        (r"(?<=\d)'\Z", " feet"),
        (r'(?<=\d)"\Z', " inches"),
        (r"(?<=[A-Za-z\d])\s+squared\b", "^{2}"),
        (r"(?<=[A-Za-z\d])\s+cubed\b", "^{3}"),
        (r"\b(\d+)\s+over\s+(\d+)\b", r"\\frac{\1}{\2}"),
        (r"\^\s*\(([^()]*)\)", r"^{\1}"),
        (r"\^\s*(-?\d{2,}(?![\d.]))", r"^{\1}"),
        (r"(?<![A-Za-z\\])pi(?![A-Za-z])", r"\\pi "),
        (r"(?<![A-Za-z\\])(?:infinity|infty|inf|oo)(?![A-Za-z])", r"\\infty "),
        (r"(?<![A-Za-z\\])(sin|cos|tan|cot|sec|csc|ln|log)(?=\s*[(\d\\^]|\s[a-z]\b)", r"\\\1 "),
        (r"(?<![A-Za-z\\])arc(sin|cos|tan)(?=\s*\()", r"\\arc\1 "),
        (r"(?<![A-Za-z\\])abs\(([^()]*)\)", r"|\1|"),
        (r"(?<=[\w)}])\s*\*\s*(?=[\w(\\])", r" \\cdot "),
        # a factor, as in t(t+4), unless it is named like a function
        (r"(?<![A-Za-z\\])([a-eijk-z])\((?=[^(),]*[-+])", r"\1 \\cdot ("),
    )
]
_CALL = re.compile(r"(?<![A-Za-z\\])(sqrt|exp)\s*\(")
_CALLED = {"sqrt": r"\sqrt", "exp": "e^"}


@lru_cache(REMEMBERED)
def tidy(text: str) -> str:
    """The same answer with one spelling of signs, fractions and spaces, and no wrapping."""
    text = ascii_digits(_RAISED_RUN.sub(_as_power, text)).translate(_SIGNS)
    text = _REPEATS.sub(r"\1\\overline{\2}", text)
    text = _ASIDE.sub("", unwrapped(_ROOT.sub(_as_root, text)))
    text = text.replace(r"\$", "$").replace(r"\%", "%").replace(r"\#", "#").replace("{,}", ",")
    text = _ROW_BREAK.sub(r"\\\\ ", text.replace(r"\!", ""))
    text = re.sub(r"\\[dtc]frac", r"\\frac", _SPACE.sub(" ", text))
    text = _TEXT.sub(r" \1 ", text)
    text = _ORDINAL.sub(r"\1", _DEGREES.sub("°", text))
    text = _SHORT_FRACTION.sub(_full_fraction, _OVER.sub(_full_fraction_over, text))
    for pattern, replacement in _SYNONYMS:
        text = pattern.sub(replacement, text)
    if r"\text" not in text:
        text = _plain_mathematics(text)
    text = unwrapped(" ".join(text.split()))
    return _E_NOTATION.sub(r"\1 \\times 10^{\2}", text)


def unwrapped(text: str) -> str:
    """Without what merely surrounds an answer: maths and quotation marks, "the answer is", "."."""
    before = None
    while text != before:
        before = text = text.strip()
        if (match := _WRAPPED.fullmatch(text)) is not None:
            text = next(g for g in match.groups() if g is not None)
        lead = _LEAD.match(text)
        text = text[lead.end() :] if lead is not None and lead.end() < len(text) else text
        text = text.rstrip(".").rstrip() or text
    return text


def _as_power(run: re.Match[str]) -> str:
    return f"^{{{run[0].translate(_RAISED)}}}"


def _as_root(root: re.Match[str]) -> str:
    return rf"\sqrt{{{next(g for g in root.groups() if g is not None)}}}"


def _full_fraction(match: re.Match[str]) -> str:
    top, bottom = match[1] or match[2] or "", match[3] or match[4] or ""
    top, bottom = (_THOUSANDS.sub("", part).strip() for part in (top, bottom))
    return rf"\frac{{{top}}}{{{bottom}}}"


def _full_fraction_over(match: re.Match[str]) -> str:
    return rf"\frac{{{match[1].strip()}}}{{{match[2].strip()}}}"


def _plain_mathematics(text: str) -> str:
    for pattern, replacement in _PLAIN:
        text = pattern.sub(replacement, text)
    while (call := _CALL.search(text)) is not None:
        end = _closing(text, call.end())
        if end is None:
            break
        inside, rest = text[call.end() : end], text[end + 1 :]
        text = f"{text[: call.start()]}{_CALLED[call[1]]}{{{inside}}}{rest}"
    return text


def _closing(text: str, start: int) -> int | None:
    """Where the bracket closes that was opened just before `start`."""
    depth = 1
    for i in range(start, len(text)):
        depth += (text[i] == "(") - (text[i] == ")")
        if depth == 0:
            return i
    return None


_TRIGONOMETRIC = re.compile(r"\\(?:sin|cos|tan|cot|sec|csc)")
_NUMBER_OF_DEGREES = re.compile(r"(\d+(?:\.\d+)?|\([^()]{1,40}\))\s*°")


def degrees(gold: str, answer: str) -> list[tuple[str, str]]:
    r"""What two expressions with degrees may mean, to be compared in turn.

    90° is 90 where the sign is missing on one side, and \pi/2; within \sin it is \pi/2 only.
    """
    if "°" not in gold + answer:
        return [(gold, answer)]
    spelled = [(_in_radians(gold), _in_radians(answer))]
    if not _TRIGONOMETRIC.search(gold + answer):
        spelled.append((gold.replace("°", ""), answer.replace("°", "")))
    return spelled


def _in_radians(text: str) -> str:
    text = _NUMBER_OF_DEGREES.sub(r"\\frac{\1 \\pi}{180}", text)
    return text.replace("°", r" \cdot \frac{\pi}{180}")
