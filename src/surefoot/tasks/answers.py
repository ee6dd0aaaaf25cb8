r"""Reading final answers out of what a model wrote. Text in, text out; nothing is evaluated.

`final_answer` takes the first of these that is there:

    1. the last balanced, non-empty \boxed{...}
    2. the last "#### x"
    3. the last "the answer is x", "Answer: x" or line "A: x"
    4. the last number, if `last_resort`

All of it takes time linear in the text, whose last million characters are read.
"""

import re
import unicodedata

LONGEST = 1_000_000  # characters of a completion that are looked at, from its end
LONGEST_STATED = 300  # characters of an answer that is stated in a sentence

_BRACES = re.compile(r"\\(?:boxed|fbox)\s{0,9}\{|\\.|[{}]", re.DOTALL)
_HASHES = re.compile(r"####[ \t]*([^\n]{1,300})")
_STATED = re.compile(
    r"(?:\banswers?(?:\s+is|\s+are|\s*:|\s*=)\s*:?|^[ \t*]{0,9}A\s?:)",
    re.IGNORECASE | re.MULTILINE,
)
_STATED_MATH = re.compile(r"\s*(?:\$\$?([^$]+)\$\$?(?!\d)|\\\((.+?)\\\)|\\\[(.+?)\\\])")
_SENTENCE_END = re.compile(
    r"[.!?](?=\s|$)|[,;]?\s+(?:because|since|which|where|so|as|but|for)\b", re.IGNORECASE
)
_NUMBER = re.compile(r"(?<![\w.])[-+]?\$?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:/\d+)?%?(?!\d)", re.ASCII)
_GSM8K_GOLD = re.compile(r"#### (-?[0-9.,]+)")
_MARK = re.compile(r"<<[^<>\n]{0,200}>>")
_MINUSES = str.maketrans(dict.fromkeys("−‒–﹣-", "-") | {"⁄": "/", "∕": "/"})


def final_answer(text: str, *, last_resort: bool = True) -> str | None:
    """The answer a solution ends with, as it was written, or None if there is none.

    last_resort: without a stated answer, take the last number of the text.
    """
    text = text[-LONGEST:]
    found = last_boxed(text) or after_hashes(text) or stated(text)
    return found or (last_number(text) if last_resort else None)


# --- one extractor each ----------------------------------------------------


def last_boxed(text: str) -> str | None:
    r"""What stands in the last balanced, non-empty \boxed{}; unbalanced ones are ignored.

    Of boxes within a box the outermost counts, without the inner \boxed.
    """
    open_braces: list[int] = []  # where the content of an open box starts; -1 for a mere brace
    last = None
    for token in _BRACES.finditer(text):
        if token[0] == "}":
            start = open_braces.pop() if open_braces else -1
            if start >= 0 and text[start : token.start()].strip():
                last = text[start : token.start()].strip()
        elif token[0] == "{":
            open_braces.append(-1)
        elif token[0][-1] == "{" and len(token[0]) > 2:
            open_braces.append(token.end())
    return None if last is None else _unwrap(last)


def _unwrap(content: str) -> str:
    inner = re.fullmatch(r"(?:\\boxed\s*\{)+([^{}]*)\}+", content)
    return inner[1].strip() if inner and inner[1].strip() else content


def after_hashes(text: str) -> str | None:
    """What follows the last "####", up to the end of its line."""
    found = _HASHES.findall(text)
    return (_tidy(found[-1]) or None) if found else None


def stated(text: str) -> str | None:
    """What the last "the answer is x", "Answer: x" or line "A: x" states, or None.

    It ends with its sentence; a unit stays, markdown and the closing period go.
    """
    for match in reversed(list(_STATED.finditer(text))):
        rest = text[match.end() : match.end() + LONGEST_STATED].split("\n")[0].strip(" \t*_`")
        maths = _STATED_MATH.match(rest)
        if maths is not None:
            return next(group for group in maths.groups() if group).strip()
        answer = _tidy(_SENTENCE_END.split(rest, maxsplit=1)[0])
        if answer:
            return answer
    return None


def last_number(text: str) -> str | None:
    """The last number of a text ("1,234.5", "-3", "3/4", "$20", "5%"), or None."""
    found = None
    for found in _NUMBER.finditer(ascii_digits(text[-LONGEST:])):  # noqa: B007
        pass
    return found[0].rstrip(",") if found else None


def _tidy(answer: str) -> str:
    answer = answer.strip().strip("*_`").strip()
    return answer.rstrip(".").rstrip() if not answer.endswith("...") else answer


# --- GSM8K -----------------------------------------------------------------


def gsm8k_gold(answer: str) -> str | None:
    """The number after "#### ", without commas, or None: GSM8K's own rule for golds and answers."""
    found = _GSM8K_GOLD.search(answer)
    return found[1].strip().replace(",", "") if found else None


def without_marks(text: str) -> str:
    """The text without GSM8K's calculator marks: "3*4=<<3*4=12>>12" becomes "3*4=12"."""
    return _MARK.sub("", text)


# --- characters and numbers ------------------------------------------------


def ascii_digits(text: str) -> str:
    """Any script's decimal digits, full-width signs and Unicode minus in ASCII."""
    if text.isascii():
        return text
    return "".join(map(_plain, text)).translate(_MINUSES)


def _plain(char: str) -> str:
    if char.isascii():
        return char
    digit = unicodedata.decimal(char, None)
    if digit is not None:
        return str(digit)
    return chr(ord(char) - 0xFEE0) if "！" <= char <= "～" else char


def plain_number(text: str) -> str | None:
    """A number in its plainest form ("$1,234.50." -> "1234.50"), or None if it is not one number.

    Currency signs, thousands commas, a trailing period or percent sign, a leading
    plus and zeros go; digits become ASCII. Nothing is rounded.
    """
    text = ascii_digits(text).replace("\\$", "$").replace("\\%", "%").strip().rstrip(".%").strip()
    match = re.fullmatch(
        r"([-+]?)\s*[$€£]?\s*([-+]?)(\d{1,3}(?:,\d{3})+|\d+)?(\.\d+)?", text, re.ASCII
    )
    if match is None or (match[3] is None and match[4] is None) or (match[1] and match[2]):
        return None
    sign = "-" if "-" in (match[1], match[2]) else ""
    whole = (match[3] or "0").replace(",", "").lstrip("0") or "0"
    return f"{sign}{whole}{match[4] or ''}"
