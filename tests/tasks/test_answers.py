import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.tasks.answers import (
    after_hashes,
    final_answer,
    gsm8k_gold,
    last_boxed,
    last_number,
    plain_number,
    stated,
    without_marks,
)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"so \boxed{42}.", "42"),
        (r"\boxed{1} then \boxed{2}", "2"),  # the last
        (r"\boxed{\frac{1}{2}}", r"\frac{1}{2}"),  # braces nest
        (r"\boxed{\{1,2\}}", r"\{1,2\}"),  # escaped braces do not count
        (r"\boxed {3}", "3"),
        (r"\fbox{3}", "3"),
        (r"\boxed{\boxed{7}}", "7"),
        (r"\boxed{\text{paragraph_2}}", r"\text{paragraph_2}"),
        (r"\boxed{5} and \boxed{6", "5"),  # unbalanced: ignored
        (r"{ \boxed{5}", "5"),
        (r"} \boxed{5}", "5"),
        (r"\boxed{5} or \boxed{}", "5"),  # empty: ignored
        (r"The problem says \boxed{1}. I get \boxed{2}", "2"),
        (r"\boxed{", None),
        ("no box", None),
    ],
)
def test_boxed(text, answer):
    assert last_boxed(text) == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The answer is 42.", "42"),
        ("the answer is $42$.", "42"),
        ("The answer is $18.", "$18"),
        ("The answer is: **7**", "7"),
        ("The final answer is 3.5 miles.", "3.5 miles"),
        (r"The answer is $\frac{1}{2}$. I hope it is correct.", r"\frac{1}{2}"),
        (r"The answer is \(x+1\).", "x+1"),
        ("The answer is 3. No, the answer is 4.", "4"),
        ("The answer is 42 because 6*7 is.", "42"),
        ("Answer: 12", "12"),
        ("A: 26", "26"),
        ("The answer is 1,234.50.", "1,234.50"),
        ("The answer is 3 or 4", "3 or 4"),
        ("The answer is", None),
        ("I cannot say.", None),
    ],
)
def test_stated(text, answer):
    assert stated(text) == answer


def test_order_of_extractors():
    everything = "#### 2\nThe answer is 3\n\\boxed{1}\n4"
    assert final_answer(everything) == "1"
    assert final_answer(everything.replace("\\boxed{1}", "")) == "2"
    assert final_answer("The answer is 3\n4") == "3"
    assert final_answer("we get 4 apples") == "4"
    assert final_answer("we get 4 apples", last_resort=False) is None
    assert final_answer("nothing") is None
    assert final_answer("") is None
    assert after_hashes("a #### 1\n#### 2,000.\n") == "2,000"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("#### Step 4: Conclusion\nSo she has 12 eggs.", "12"),  # a heading
        ("#### Total:\n\\[3+4=7\\]", "7"),
        ("#### 4. Solve for \\( S \\):\n\\( S = 8 \\)", "8"),
        ("#### 3. Total\n3 + 4 = 7", "7"),
        ("#### Conclusion", None),
        ("#### 18\n\nI hope this helps.", "18"),
        ("#### (B)\nbecause of that", "(B)"),
        ("#### x + 2", "x + 2"),
        ("He comes at 2:00 pm.", "2:00 pm"),  # times, ratios, fractions, large numbers
        ("He comes at 14:05.", "14:05"),
        ("The answer is 2:00 p.m.", "2:00 p.m"),
        ("a ratio of 3:4.", "3:4"),
        ("He came 12th.", "12"),
        (r"a chance of \frac{3}{4}.", r"\frac{3}{4}"),
        ("it took 2 1/3 hours", "2 1/3"),
        (r"a mass of 1.5 \times 10^3 kg", r"1.5 \times 10^3"),
        ("It cost 1.5 million dollars", "1.5 million"),
        ("Final Answer: He came 12th in the race.", "12"),  # sentences
        ("### Final Answer:\nJohn made a total of $114,200 that year.", "$114,200"),
        ("### Final Answer\n\nAfter 10 years and a loss, Tom has **91 trees** left.", "91 trees"),
        ("**Final Answer:** George bought 5 candy bars.", "5"),
        ("Final Answer: The water in the remaining 24 liters of it is 15 liters.", "15"),
        ("Thus the answer is that the 5 people brought **14 old records**.", "14 old records"),
        ("Answer: The value of $x$ is $5$.", "5"),
        ("The answer is all real numbers except 3.", "all real numbers except 3"),
        ("The answer is 5 miles per hour.", "5 miles per hour"),
        ("Answer: Monday, 5 May 2021", "Monday, 5 May 2021"),
        ("The answer would be 17 apples.", "17 apples"),
        ("The answer to the question is 9.", "9"),
        ('{"reasoning": "3*4=12", "answer": "12"}', "12"),  # JSON
        ('```json\n{"answer": 7.50}\n```', "7.50"),
        ("{'answer': 'yes'}", "yes"),
        (r'{"final_answer": "\\frac{1}{2}"}', r"\frac{1}{2}"),
        (r'{"answer": "\frac{1}{2}"}', r"\frac{1}{2}"),  # the writer forgot to escape
        ('{"answer": ["1", 2]}', "1, 2"),
        ('{"reasoning": "the answer is 3.", "answer": "4"', "4"),  # cut off
        ('{"answer": "The total is 18 dollars a day"}', "18"),
        ('{"answer": "3"}\nBut no: \\boxed{4}', "4"),
        ('{"answer": {"a": 3}}', "3"),
    ],
)
def test_final_answer_of_what_models_write(text, answer):
    assert final_answer(text) == answer


def test_a_million_characters_take_linear_time():
    for text in (
        r"\boxed{" * 150_000,
        r"\boxed{1}" * 110_000,
        "{" * 1_000_000,
        "$ " * 500_000,
        "the answer is " * 70_000,
        "answer" * 170_000,
        "1," * 500_000,
        "1" * 1_000_000,
        "#" * 1_000_000,
        "\n" * 1_000_000,
        "\\" * 1_000_000,
        "A:" + " " * 1_000_000,
        "<<" * 500_000,
        "#### 1. a\n" * 100_000,
        "answer to " * 100_000,
        "\nA :" * 250_000,
        "1 " * 500_000,
        '{"answer":' + "[" * 990_000,
        '{"answer":' * 100_000,
    ):
        start = time.thread_time()
        final_answer(text)
        without_marks(text)
        assert time.thread_time() - start < 2, text[:10]


@given(st.text(alphabet="\\boxed{}$#A: 1,.-answeri\n", max_size=200))
def test_any_text_gives_a_piece_of_itself_or_none(text):
    answer = final_answer(text)
    assert answer is None or (answer and answer in text)


@given(st.recursive(st.just("x"), lambda inner: inner.map(lambda s: f"{{{s}}}y"), max_leaves=20))
def test_balanced_content_survives_boxing(content):
    assert last_boxed(f"so $\\boxed{{{content}}}$ it is") == content


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1,234", "1234"),
        ("$1,234.50.", "1234.50"),
        ("-3", "-3"),
        ("−3", "-3"),
        ("－３", "-3"),
        ("４２", "42"),
        ("٤٢", "42"),
        ("007", "7"),
        (".5", "0.5"),
        ("-$5", "-5"),
        ("50%", "50"),
        (r"50\%", "50"),
        ("+5", "5"),
        ("12,34", None),
        ("1 2", None),
        ("1\x00", None),
        ("²", None),
        ("", None),
        ("-", None),
        ("1e5", None),
    ],
)
def test_plain_number(text, number):
    assert plain_number(text) == number


@given(st.integers())
def test_plain_number_of_any_integer(number):
    assert plain_number(f"${number:,}.".replace("$-", "-$")) == str(number)


def test_last_number():
    assert last_number("he paid $20, so 3/4 of 5% and 1,234.5.") == "1,234.5"
    assert last_number("x2 = 7.") == "7"
    assert last_number("none") is None


def test_gsm8k_rules():
    assert gsm8k_gold("3*4=<<3*4=12>>12\n#### 1,200") == "1200"
    assert gsm8k_gold("#### -5") == "-5"
    assert gsm8k_gold("####5") is None  # the official pattern wants a space
    assert without_marks("3*4=<<3*4=12>>12") == "3*4=12"


def test_light_imports():
    code = (
        "import sys, surefoot.tasks.answers, surefoot.tasks.equal, surefoot.tasks.load\n"
        "heavy = {'torch', 'sympy', 'math_verify', 'reasoning_gym', 'datasets'}\n"
        "heavy &= set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_is_said_after_thinking_is_the_answer():
    assert final_answer("<think>the answer is 3</think>\n<answer>4</answer>") == "4"


def test_not_one_but_the_other():
    assert final_answer("The answer is not 5 but 6.") == "6"
