import json
import re
from fractions import Fraction

import pytest

from surefoot.core.errors import InputError
from surefoot.core.records import read_rows
from surefoot.core.types import Problem, Step, Trace, Verdict
from surefoot.tasks.answers import final_answer
from surefoot.tasks.equal import math_checker
from surefoot.tasks.gsm import gsm8k_file, gsm8k_hub, gsm8k_references, official_check
from surefoot.tasks.load import check_golds

ROW = {"question": "How many?", "answer": "3*4=<<3*4=12>>12\nTimes 100 is 1200.\n#### 1,200"}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "tiny.jsonl"
    path.write_text(json.dumps(ROW) + "\n")
    return path


def test_a_row_becomes_a_problem_and_a_trace(file):
    [trace] = gsm8k_references(file)
    assert trace.problem == Problem("tiny-1", "How many?", gold="1200")
    texts = [step.text for step in trace.steps]
    assert texts == ["3*4=12", "Times 100 is 1200.", "The answer is 1200"]
    assert gsm8k_file(file) == [trace.problem]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"question": "?"}, "row 1: field 'answer' is missing"),
        ({"question": "?", "answer": "twelve"}, "no '#### NUMBER' line"),
        ({"answer": "#### 1"}, "field 'question' is missing"),
    ],
)
def test_malformed_rows_are_named(tmp_path, row, message):
    path = tmp_path / "bad.jsonl"
    path.write_text(json.dumps(row))
    with pytest.raises(InputError, match=message):
        gsm8k_file(path)


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("#### 18", Verdict.CORRECT),
        ("#### 18.0", Verdict.WRONG),
        ("#### $18", Verdict.UNREADABLE),
        ("The answer is 18", Verdict.UNREADABLE),
        ("#### 1,8", Verdict.CORRECT),  # all commas go, also this one
    ],
)
def test_the_official_rule(text, verdict):
    problem = Problem("p", "?", gold="18")
    assert official_check(problem, Trace(problem, (Step(text),))) is verdict


def test_the_hub_is_read_by_datasets(monkeypatch):
    datasets = pytest.importorskip("datasets")
    asked = []

    def load_dataset(*names, split):
        asked.append((*names, split))
        return [ROW]

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    assert gsm8k_hub("test") == [Problem("gsm8k-test-1", "How many?", gold="1200")]
    assert asked == [("openai/gsm8k", "main", "test")]


def test_every_gold_passes_its_own_checker(gsm8k):
    for split, count in (("train", 7473), ("test", 1319)):
        problems = gsm8k_file(gsm8k / f"{split}.jsonl.gz")
        assert len(problems) == count
        assert check_golds(problems, math_checker()) == []


def last_number_of(text):
    """An independent reading: the last number in the last box, else in the text."""
    boxes = re.findall(r"\\boxed\{([^{}]*(?:\{[^{}]*\})*[^{}]*)\}", text)
    places = [box for box in boxes[-1:] if re.search(r"\d", box)] or [text]
    found = re.findall(r"(?<![\d.])-?\$?\d[\d,]*(?:\.\d+)?", places[0])
    return Fraction(found[-1].replace("$", "").replace(",", "")) if found else None


@pytest.mark.slow
def test_candidates_graded_like_an_independent_last_number(data, comparer):
    """All 16,000 sampled solutions of 500 GSM8K problems."""
    path = data / "strictprmbench" / "gsm8k_500x32_samples.jsonl.gz"
    if not path.is_file():
        pytest.skip(f"no file {path}")
    candidates = [c for _, row in read_rows(path) for c in row["candidates"]]
    disagreements = []
    for candidate in candidates:
        gold = candidate["problem"]["ground_truth"]
        text = candidate["raw_text"].split("\nassistant\n", 1)[-1]
        ours = comparer.equal(gold, final_answer(text) or "") is True
        if ours != (last_number_of(text) == Fraction(gold.replace(",", ""))):
            disagreements.append((candidate["problem"]["id"], text[-200:]))
    assert len(candidates) == 16_000
    assert disagreements == []


@pytest.mark.slow
def test_replies_in_json(data, comparer):
    """ZeroEval: what the JSON object of a whole reply holds is what is read from it."""
    path = data / "zeroeval_gsm" / "gsm8k_first100_by_model.jsonl.gz"
    if not path.is_file():
        pytest.skip(f"no file {path}")
    read = 0
    for _, record in read_rows(path):
        try:
            reply = record["output"][0]
            reply = reply[reply.find("{") : reply.rfind("}") + 1]
            answer = json.loads(reply, strict=False)["answer"]
        except (ValueError, KeyError, TypeError):
            continue
        if re.fullmatch(r"\$?[\d,.]*\d", str(answer)):
            read += 1
            assert comparer.equal(str(answer), final_answer(record["output"][0])) is True
    assert read > 3000


def test_published_accuracies_and_every_flag(gsm8k, comparer):
    """Our verdict agrees with is_correct on all 4 x 1,319 published solutions."""
    published = {"6b_finetuning": 286, "6b_verification": 515}
    published |= {"175b_finetuning": 458, "175b_verification": 742}
    check = math_checker(same=comparer.equal)
    right, disagreements = dict.fromkeys(published, 0), []
    for row, record in read_rows(gsm8k / "example_model_solutions.jsonl.gz"):
        problem = Problem(str(row), record["question"], gold=final_answer(record["ground_truth"]))
        for model in published:
            verdict = check(problem, Trace(problem, (Step(record[model]["solution"]),)))
            right[model] += verdict is Verdict.CORRECT
            if (verdict is Verdict.CORRECT) != record[model]["is_correct"]:
                disagreements.append((row, model))
    assert disagreements == []
    assert right == published
    percents = [round(100 * count / 1319, 2) for count in right.values()]
    assert percents == [21.68, 39.04, 34.72, 56.25]
