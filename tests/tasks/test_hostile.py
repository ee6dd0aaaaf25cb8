"""Hostile answers: each is settled within two seconds, and nothing is ever executed."""

import time

import pytest

from surefoot.core.types import Problem, Step, Trace, Verdict
from surefoot.tasks.answers import final_answer
from surefoot.tasks.equal import Comparison, math_checker
from surefoot.tasks.written import refusal

CANARY = "surefoot-canary"

ROWS = ("&".join(f"a_{{{row}{column}}}" for column in range(9)) for row in range(9))
DETERMINANT = r"\det\begin{pmatrix}" + r"\\".join(ROWS) + r"\end{pmatrix}"

# time and memory
HEAVY = [
    "9**9**9**9", "$9^{9^{9^{9}}}$", "9^9^9^9", "10^{10^{8}}", "2^{2^{2^{2^{2}}}}", "(9^9)^{9^9}",
    "10^{100000000}", "2**99999999", "(10^{7})!", "99999999!", "((9!)!)!", "(9!)!", "5!!!!",
    "(3^{3^3})!", r"\binom{100000000}{50000000}", r"\sum_{n=1}^{10^9} n", r"\prod_{k=1}^{10^9} k",
    r"\int_0^1 \frac{\sin(x^x)}{\ln(1+x^{17})} dx", r"\lim_{x\to 0} \frac{\sin^{50} x}{x^{50}}",
    DETERMINANT, r"\gcd(10^{50}, 10^{49}+1)",
    "(" * 3000 + "1" + ")" * 3000, "(" * 40 + "1" + ")" * 40, "[" * 3000, "{" * 4000,
    r"\frac{1}{" * 300 + "1" + "}" * 300, "+".join(f"x_{{{i}}}" for i in range(3000)),
    "+".join(["1"] * 200), "1" * 100_000, "1" * 300, "0." + "3" * 2000, r"\boxed{" * 2000,
    "$ " * 5000, "1<<(1<<40)", '"a"*10**10', "x" * 4000, r"\sqrt{" * 200 + "2" + "}" * 200,
    "(x+1)^{9999}", "(x+y+z)^{99}", "x^{x^{x^{x^{x}}}}", r"\sin(\cos(\tan(10^{9999})))",
    "=".join(["x"] * 500), ",".join(map(str, range(-500, 500))), "1e999999999", "1e-999999999",
    "1/0", r"\frac{1}{0}", r"\frac{0}{0}", r"\infty-\infty", "0^0", r"\%" * 3000,
    "- " * 2000, "!" * 1000, "3" + "x" * 4000 + "!", "3a" * 2000, ")" * 4090, "3 " * 1000 + "a",
    "^" * 200, "_" * 200, ":" * 3000, r"\pm" * 1000, "a" + "_{b" * 300,
]  # fmt: skip

# code
CODE = [
    f"__import__('os').system('touch {CANARY}')", f'__import__("os").system("touch {CANARY}")',
    f"open('{CANARY}','w')", 'open("/etc/hostname").read()',
    "().__class__.__base__.__subclasses__()", f"exec(\"open('{CANARY}','w')\")",
    f"eval(\"open('{CANARY}','w')\")", "lambda: 1", "(lambda f: f(f))(lambda f: f(f))",
    f"f'{{open(\"{CANARY}\",\"w\")}}'", "sympy.__builtins__", f"os.system('touch {CANARY}')",
    f"subprocess.run(['touch','{CANARY}'])", f"import os; os.system('touch {CANARY}')",
    "globals()", "print(1)", r"\input{/etc/passwd}", r"\write18{touch " + CANARY + "}",
    f"[x for x in [open('{CANARY}','w')]]", "getattr(1, 'real')", "exit()", "1; import os",
]  # fmt: skip

# what is not an answer
STRANGE = [
    "", " ", "\x00", "1\x00", "\x1b[31m3", "\ud800", "\u202e3", "😀", "NaN", "inf", "None", "True",
    "3 or 4", "1,2,3", "{3}{4}", "3=4", "3=4=3", "5=3", ", ,", "= = =", "$$", "$", r"\boxed{}",
    "\\", "\\\\", "()", "[]", "{}", "%", "-", "3;4", "3\n4", "³", "{{3", r"\frac", r"\frac{3}",
    r"\text{}", r"\left(", "I do not know", "3" + "\u0301",
]  # fmt: skip


def within_two_seconds(comparer, gold, answer):
    start = time.perf_counter()
    result = comparer.compare(gold, answer)
    assert time.perf_counter() - start < 2.0
    return result


@pytest.mark.parametrize("answer", [*HEAVY, *CODE, *STRANGE], ids=lambda text: ascii(text[:30]))
def test_no_hostile_answer_is_right_slow_or_executed(comparer, tmp_path, monkeypatch, answer):
    monkeypatch.chdir(tmp_path)
    assert within_two_seconds(comparer, "3", answer) is not Comparison.EQUAL
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("gold", ["(x+y+z)^{99}", "9**9**9**9", r"\frac", "x" * 5000, "\x00", "=="])
def test_hostile_golds_do_no_harm_either(comparer, gold):
    assert within_two_seconds(comparer, gold, "3") is not Comparison.EQUAL


@pytest.mark.parametrize("answer", CODE)
def test_code_reaches_no_worker(answer):
    harmless = ("\\write18", "\\input", "exit()", "[x for", "lambda:")
    assert refusal(answer) is not None or answer.startswith(harmless)


def test_after_an_endless_comparison_the_next_one_is_served_at_once(comparer):
    deep = "(" * 24 + "x" + "+1)" * 24  # the grammar takes exponential time
    assert comparer.compare("x+24", deep) is Comparison.TOO_LONG
    assert within_two_seconds(comparer, "2", r"\sqrt{4}") is Comparison.EQUAL


@pytest.mark.parametrize("text", [*HEAVY, *CODE, *STRANGE], ids=lambda text: ascii(text[:30]))
def test_extraction_of_hostile_text_is_quick(text):
    start = time.perf_counter()
    final_answer(f"The answer is {text}.")
    final_answer(rf"\boxed{{{text}}}")
    assert time.perf_counter() - start < 0.5


def test_a_completion_of_a_million_characters(comparer):
    problem = Problem("p", "?", gold="3")
    check = math_checker(same=comparer.equal)
    for text, verdict in (
        ("9" * 1_000_000, Verdict.UNREADABLE),
        (r"\boxed{" * 150_000 + "3", Verdict.CORRECT),  # by its last number
        ("\n" * 1_000_000 + r"\boxed{3}", Verdict.CORRECT),
    ):
        start = time.process_time()
        assert check(problem, Trace(problem, (Step(text),))) is verdict
        assert time.process_time() - start < 2
