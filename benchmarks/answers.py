r"""Which answers are the same: ours beside math-verify and the graders of published harnesses.

    python benchmarks/answers.py [FILE.tsv]

Reads tests/tasks/answer_pairs.tsv (or FILE with its columns: family, gold, answer, truth,
reason) and counts, for each grader,

false accepts    pairs that differ and are called equal / pairs that differ
false rejects    pairs that are the same and are not called equal / pairs that are the same

The peers, from their descriptions: math-verify 0.9 (its own parser on $x$, else on the bare
text), MATH's string normalisation (Hendrycks et al., arXiv:2103.03874; Minerva adds units and
commas), PRM800K's grader (that normalisation, tuples part by part, two fractions as text,
sympy by math-verify's reader), GSM8K's last number. low and high: 95 % Wilson intervals.
"""

import logging
import re
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import math_verify
import sympy

from claims import Claim, publish
from surefoot.tasks.equal import Comparer

TABLE = Path(__file__).parents[1] / "tests" / "tasks" / "answer_pairs.tsv"
Z = 1.96
Grader = Callable[[str, str], bool]
Pair = tuple[str, str, str, bool]


def read_table(path: Path) -> list[Pair]:
    """(family, gold, answer, are they the same?) of every row."""
    _, *rows = (line.split("\t") for line in path.read_text("utf-8").splitlines())
    return [(family, gold, answer, truth == "same") for family, gold, answer, truth, _ in rows]


# --- peers -------------------------------------------------------------------


def by_math_verify(gold: str, answer: str) -> bool:
    """math-verify with its defaults."""
    try:
        return bool(math_verify.verify(_parsed(gold), _parsed(answer)))
    except Exception:  # noqa: BLE001  (a grader that raises has not accepted)
        return False


def _parsed(text: str) -> list[Any]:
    return math_verify.parse(f"${text}$") or math_verify.parse(text)


def hendrycks(text: str) -> str:
    """MATH's normal form of an answer: a string."""
    text = text.replace("\n", "").replace("\\!", "").replace("\\\\", "\\")
    text = text.replace("tfrac", "frac").replace("dfrac", "frac")
    text = text.replace("\\left", "").replace("\\right", "")
    text = (
        re.sub(r"\^\{?\\circ\}?", "", text).replace("\\$", "").replace("\\%", "").replace("%", "")
    )
    text = re.split(r"\\text\{ ", text)[0]  # a unit on the right
    text = re.sub(r"(^|[^\d])\.(\d)", r"\g<1>0.\2", text)
    left, equals, right = text.partition("=")
    text = right if equals and len(left.strip()) <= 2 else text
    text = re.sub(r"\\sqrt\s*(\w)", r"\\sqrt{\1}", text).replace(" ", "")
    text = re.sub(r"\\frac(\d)(\d)", r"\\frac{\1}{\2}", text)
    text = r"\frac{1}{2}" if text == "0.5" else text
    return re.sub(r"^(-?\d+)/(\d+)$", r"\\frac{\1}{\2}", text)


def by_hendrycks(gold: str, answer: str) -> bool:
    """MATH: equal normal forms."""
    return hendrycks(gold) == hendrycks(answer)


def minerva(text: str) -> str:
    """Minerva's: without text commands, units and thousands commas too."""
    text = re.sub(r"\\(?:text|mbox|mathrm|textbf)\{(.*?)\}", r"\1", text).replace("$", "")
    words = (
        r"degrees?|units?|cm|meters?|inch(?:es)?|feet|miles?|hours?|minutes?|dollars?|cents?|ways"
    )
    text = re.sub(rf"\b(?:square|cubic)?\s*(?:{words})(?:\^\d)?", "", text)
    text = re.sub(r"(?<=\d),(?:\\!)?(?=\d{3}\b)", "", text)
    return hendrycks(text).rstrip(".")


def by_minerva(gold: str, answer: str) -> bool:
    """Minerva: equal normal forms."""
    return minerva(gold) == minerva(answer)


def by_prm800k(gold: str, answer: str) -> bool:
    """PRM800K: normal forms, tuples part by part, then sympy if the texts are simple."""
    left, right = minerva(gold).lower(), minerva(answer).lower()
    if left == right:
        return True
    lefts, rights = (re.split(r",(?!\d{3}\b)", t.strip("()[]")) for t in (left, right))
    if len(lefts) != len(rights) or (len(lefts) > 1 and left[0] + left[-1] != right[0] + right[-1]):
        return False
    return all(map(_same_element, lefts, rights))


def _same_element(gold: str, answer: str) -> bool:
    fractions = [bool(re.fullmatch(r"-?\\frac\{\d+\}\{\d+\}", t)) for t in (gold, answer)]
    if all(fractions) or (
        re.fullmatch(r"-?\d+", gold) and not re.fullmatch(r"-?\d+(\.0+)?", answer)
    ):
        return gold == answer
    letters = set(re.findall(r"[a-z]", re.sub(r"\\[a-z]+", "", gold + answer)))
    if len(letters) > 2 or re.search(r"\^[{(]|\^\w{2}", gold + answer):
        return False
    try:
        one, other = (math_verify.parse(f"${t}$")[0] for t in (gold, answer))
        return bool(sympy.simplify(one - other) == 0)
    except Exception:  # noqa: BLE001
        return False


def by_last_number(gold: str, answer: str) -> bool:
    """GSM8K as most harnesses score it: the last number, without commas and signs of money."""
    return _last(gold) is not None and _last(gold) == _last(answer)


def _last(text: str) -> Fraction | None:
    found = re.findall(r"-?\d[\d,]*(?:\.\d+)?", text)
    return Fraction(found[-1].replace(",", "")) if found else None


# --- counting ----------------------------------------------------------------


def wilson(count: int, total: int) -> tuple[float, float]:
    """95 % interval of a proportion."""
    share, spread = count / total, Z**2 / total
    middle = (share + spread / 2) / (1 + spread)
    half = Z / (1 + spread) * (share * (1 - share) / total + spread / (4 * total)) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)


def errors(pairs: list[Pair], grade: Grader) -> tuple[list[Pair], list[Pair]]:
    """(falsely accepted, falsely rejected)"""
    verdicts = [grade(gold, answer) for _, gold, answer, _ in pairs]
    graded = list(zip(pairs, verdicts, strict=True))
    return (
        [pair for pair, equal in graded if equal and not pair[3]],
        [pair for pair, equal in graded if pair[3] and not equal],
    )


def main() -> None:
    """Prints the table and publishes the claims."""
    logging.disable(logging.CRITICAL)
    pairs = read_table(Path(sys.argv[1]) if len(sys.argv) > 1 else TABLE)
    same = sum(pair[3] for pair in pairs)
    totals = (len(pairs) - same, same)
    with Comparer() as comparer:
        graders: dict[str, Grader] = {
            "surefoot": lambda gold, answer: comparer.equal(gold, answer) is True,
            "math-verify": by_math_verify,
            "MATH": by_hendrycks,
            "Minerva": by_minerva,
            "PRM800K": by_prm800k,
            "last number": by_last_number,
        }
        found = {name: errors(pairs, grade) for name, grade in graders.items()}
    print(f"{len(pairs)} pairs: {totals[0]} different, {totals[1]} the same")
    for name, wrong in found.items():
        shares = [f"{len(w)} ({len(w) / n:.1%})" for w, n in zip(wrong, totals, strict=True)]
        print(f"{name:12} false accepts {shares[0]:12} false rejects {shares[1]}")
    for pair in [*found["surefoot"][0], *found["surefoot"][1]]:
        print("   ", *pair)
    if len(sys.argv) > 1:
        return
    peers = ", ".join(
        f"{name} {len(a) / totals[0]:.3f} and {len(r) / totals[1]:.3f}"
        for name, (a, r) in found.items()
        if name != "surefoot"
    )
    publish(
        "answers",
        "python benchmarks/answers.py",
        [
            _claim("answers_false_accepts", len(found["surefoot"][0]), totals[0], 0.01, peers),
            _claim("answers_false_rejects", len(found["surefoot"][1]), totals[1], 0.05, peers),
        ],
    )


def _claim(name: str, count: int, total: int, goal: float, peers: str) -> Claim:
    low, high = wilson(count, total)
    note = f"{count} of {total}; accepts and rejects of peers: {peers}"
    return Claim(name, count / total, low, high, goal, "at most", note=note)


if __name__ == "__main__":
    main()
