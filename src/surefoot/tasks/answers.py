r"""Reading final answers out of what a model wrote. Text in, text out; nothing is evaluated.

`final_answer` takes the first of these that is there:

    1. the value of the last "answer" or "final_answer" of a JSON object, if no box comes after it
    2. the last balanced, non-empty \boxed{...}
    3. the last "#### x" that is no markdown heading
    4. the last "the answer is x", "Answer: x" or line "A: x"; of a sentence, its number
    5. the last number, time or ratio, if `last_resort`

All of it takes time linear in the text, whose last million characters are read.
"""

import json
import re
import unicodedata
from collections import deque
from itertools import chain

LONGEST = 1_000_000  # characters of a completion that are looked at, from its end
LONGEST_STATED = 300  # characters of an answer that is stated in a sentence
LONGEST_JSON = 4000  # characters of a value in JSON
MOST_STATEMENTS = 1000  # of which the last that states something counts
SENTENCE = 4  # words from which a stated answer is a sentence with the answer in it

_BRACES = re.compile(r"\\(?:boxed|fbox)\s{0,9}\{|\\.|[{}]", re.DOTALL)
_JSON_KEY = re.compile(r"""(["'])(?:final[_ ]?)?answer\1\s{0,9}:\s{0,9}""", re.IGNORECASE)
_LATEX_ESCAPE = re.compile(  # \frac is a form feed and "rac" to JSON: the writer forgot to escape
    r"(?<!\\)\\(?:frac|binom|boxed|begin|bar|beta|text|times|tfrac|theta|tan|rm|right|rho|ne|nu)\b"
)
_RAW_JSON = re.compile(r"""(["'])((?:(?!\1)[^\\\n]|\\.){0,300})\1|([^\s,}"'{[][^,}\n]{0,100})""")
_HASHES = re.compile(r"####[ \t]*([^\n]{1,300})")
_SHORT = re.compile(  # what is an answer and no heading, although text follows it
    r"[-+]?\s*\\?[$€£]?\s*[-+]?[\d.,/]*\d\s*(?:\\?%|[a-z°]+(?: [a-z]+)?)?\.?|\(?[A-J]\)?|yes|no",
    re.IGNORECASE,
)
_HEADING = re.compile(
    r".*:|\d+[.)]\s+\D.*|(?:step\s+\d+|conclusion|solution|(?:final\s+)?answer|summary|explanation)\b.*",
    re.IGNORECASE,
)
_STATED = re.compile(
    r"(?:\banswers?[*_]{0,3}(?:(?:\s+to\s[^.\n]{1,80}?)?\s+(?:is|are|(?:will|would|should|must)\s+be)\b"
    r"|\s*:|\s*=)\s*:?|^[ \t*]{0,9}A\s?:)",
    re.IGNORECASE | re.MULTILINE,
)
_LABEL_ALONE = re.compile(  # a heading; what it announces is in the next line
    r"^[ \t#*_]{0,9}(?:the\s+)?final\s+answer[ \t:*_]{0,9}$", re.IGNORECASE | re.MULTILINE
)
_STATED_MATH = re.compile(r"\s*(?:\$\$?([^$]+)\$\$?(?!\d)|\\\((.+?)\\\)|\\\[(.+?)\\\])", re.DOTALL)
_SENTENCE_END = re.compile(r"(?<!\b[ap]\.m)[.!?](?=\s|$)", re.IGNORECASE)
_CLAUSE_END = re.compile(r"[,;]?\s+(?:because|since|which|where|so|as|but|for)\b", re.IGNORECASE)
_EMPHASISED = re.compile(
    r"\*\*([^*\n]{1,100})\*\*|\\\(([^\n]{1,100}?)\\\)|\\boxed\{([^{}]{1,100})\}"
)
_COPULA = re.compile(r"\b(?:is|are|was|were|be|equals?)\b|=|:\s", re.IGNORECASE)
_NOT_ONE_NUMBER = re.compile(
    r"\b(?:all|any|every|except|greater|less|than|between|or|multiples?|at least|at most)\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"(?<![\w.])[-+]?\$?(?:"
    r"\d{1,2}(?::\d{2}){0,2}\s?[ap](?:\.m\b\.?|m\b)"  # 2:00 pm
    r"|\d{1,9}(?::\d{1,9}){1,3}"  # 14:30, 3:4
    r"|(?:\d{1,9}\s?)?\\[dt]?frac\{-?\d{1,20}\}\{\d{1,20}\}"
    r"|\d{1,9}\s\d{1,9}/\d{1,9}"  # 2 1/3
    r"|\d{1,3}(?:(?:\{,\}|,\\!|\\,)\d{3})+"
    r"|\d[\d.]{0,20}\s?(?:\\times|×)\s?10\s?\^\s?\{?-?\d{1,3}\}?"
    r"|(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:/\d+)?%?(?:\s(?:thousand|million|billion)\b)?"
    r")(?!\d)",
    re.ASCII | re.IGNORECASE,
)
_GSM8K_GOLD = re.compile(r"#### (-?[0-9.,]+)")
_MARK = re.compile(r"<<[^<>\n]{0,200}>>")
_MINUSES = str.maketrans(dict.fromkeys("−‒–﹣-", "-") | {"⁄": "/", "∕": "/"})


def final_answer(text: str, *, last_resort: bool = True) -> str | None:
    """The answer a solution ends with, as it was written, or None if there is none.

    last_resort: without a stated answer, take the last number of the text.
    """
    text = text[-LONGEST:]
    thought, _, said = text.rpartition("</think>")
    text = said if said.strip() else thought or text  # what was said after thinking
    found = in_json(text) or last_boxed(text) or after_hashes(text) or stated(text)
    return found or (last_number(text) if last_resort else None)


# --- one extractor each ----------------------------------------------------


def last_boxed(text: str) -> str | None:
    r"""What stands in the last balanced, non-empty \boxed{}; unbalanced ones are ignored.

    Of boxes within a box the outermost counts, without the inner \boxed.
    """
    if "\\boxed" not in text and "\\fbox" not in text:
        return None
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


def in_json(text: str) -> str | None:
    """The value of the last "answer" or "final_answer" of a JSON object, also of a broken one.

    None if a box comes after it. A list gives its elements, a sentence its number.
    """
    key = None
    for key in _JSON_KEY.finditer(text):  # noqa: B007
        pass
    if key is None or "{" not in text[: key.start()]:
        return None
    found, length = _json_value(text[key.end() : key.end() + LONGEST_JSON])
    if found is None or "\\boxed" in text[key.end() + length :]:
        return None
    return last_boxed(found) or _essence(_tidy(found)) or None


def _json_value(text: str) -> tuple[str | None, int]:
    """(value as text, its length) at the beginning of a text."""
    if not _LATEX_ESCAPE.search(text.partition("\n")[0]):
        try:
            value, end = json.JSONDecoder().raw_decode(text)
        except (ValueError, RecursionError):
            value, end = None, 0
        if isinstance(value, int | float):
            return text[:end], end  # as it was written, 18.00 too
        if isinstance(value, list):
            return ", ".join(map(str, value)), end
        if isinstance(value, str):
            return value, end
    raw = _RAW_JSON.match(text)
    return (None, 0) if raw is None else (raw[2] if raw[1] else raw[3], raw.end())


def after_hashes(text: str) -> str | None:
    """What follows the last "####", up to the end of its line, if it is no markdown heading.

    A heading ends in a colon, is numbered, is a word such as "Conclusion", or is followed by
    text although it is neither a number nor a choice.
    """
    end = len(text.rstrip())
    for found in reversed(list(_HASHES.finditer(text))):
        answer = _tidy(found[1])
        is_last = found.end() >= end
        if answer and not _HEADING.fullmatch(answer) and (is_last or _SHORT.fullmatch(answer)):
            return answer
    return None


def stated(text: str) -> str | None:
    """What the last "the answer is x", "Answer: x" or line "A: x" states, or None.

    It ends with its sentence; a unit stays, markdown and the closing period go. Of a whole
    sentence ("Final answer: she has 5 apples left") the number is taken: what is emphasised,
    else what follows "is", else the last one.
    """
    for match in reversed(_statements(text)):
        rest = text[match.end() : match.end() + LONGEST_STATED].lstrip(" \t*_`:}")
        if _LABEL_ALONE.fullmatch(match[0]):
            rest = rest.lstrip("\r\n\t *_`#>")
        maths = _STATED_MATH.match(rest)
        if maths is not None:
            return next(group for group in maths.groups() if group).strip()
        answer = _essence(_SENTENCE_END.split(rest.split("\n")[0], maxsplit=1)[0])
        if answer:
            return answer
    return None


def _statements(text: str) -> list[re.Match[str]]:
    """The last statements of either form, in their order; a hostile text may have millions."""
    last = (deque(form.finditer(text), MOST_STATEMENTS) for form in (_STATED, _LABEL_ALONE))
    return sorted(chain(*last), key=lambda match: match.end())[-MOST_STATEMENTS:]


def _essence(sentence: str) -> str:
    """A short answer as it is; of a sentence with a number, the number."""
    sentence = re.sub(r"^not\s[^,;]{1,60}?,?\s+but\s+(?:rather\s+)?(?=\S)", "", sentence)
    answer = re.sub(r"^that\s+", "", _tidy(_CLAUSE_END.split(sentence, maxsplit=1)[0]))
    words = re.findall(r"(?<![\\\w])[^\W\d_]{2,}", answer)
    if len(words) < SENTENCE or not answer[0].isalpha():
        return answer
    emphasised = [next(g for g in m.groups() if g) for m in _EMPHASISED.finditer(sentence)]
    with_number = [piece for piece in emphasised if re.search(r"\d", piece)]
    if with_number:
        return _tidy(with_number[-1])
    if _NOT_ONE_NUMBER.search(answer) or not re.search(r"\d", answer):
        return answer
    copulas = list(_COPULA.finditer(answer))
    maths = _STATED_MATH.match(answer, copulas[-1].end()) if copulas else None
    if maths is not None:
        return next(group for group in maths.groups() if group).strip()
    after = _NUMBER.search(ascii_digits(answer), copulas[-1].end()) if copulas else None
    return after[0].rstrip(",") if after else last_number(answer) or answer


def last_number(text: str) -> str | None:
    """The last number of a text ("1,234.5", "-3", "3/4", "$20", "5%"), or None."""
    found = None
    for found in _NUMBER.finditer(ascii_digits(text[-LONGEST:])):  # noqa: B007
        pass
    return found[0].rstrip(",") if found else None


def _tidy(answer: str) -> str:
    answer = answer.strip().strip("*_`").strip()
    if answer.endswith("$") and answer.count("$") == 1:  # it closes what began before the answer
        answer = answer[:-1].rstrip()
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
