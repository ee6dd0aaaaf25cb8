"""GSM8K (Cobbe et al., arXiv:2110.14168): problems, model solutions, and its official rule.

A row is {"question", "answer"}; the answer is a worked solution with calculator
marks <<3*4=12>>, whose last line is "#### " and the gold number.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Literal

from surefoot.core.errors import InputError, need
from surefoot.core.records import Record, field_of, read_rows
from surefoot.core.types import Problem, Step, Trace, Verdict
from surefoot.tasks.answers import gsm8k_gold, without_marks

Split = Literal["train", "test"]


def gsm8k_file(path: str | Path, count: int | None = None) -> list[Problem]:
    """The first `count` problems (by default all) of a .jsonl or .jsonl.gz file in GSM8K's format,
    with ids "FILE-ROW"."""
    return [trace.problem for trace in gsm8k_references(path, count)]


def gsm8k_hub(split: Split) -> list[Problem]:
    """GSM8K's 7,473 train or 1,319 test problems, by `datasets` (needs the network)."""
    rows = need("datasets", "data").load_dataset("openai/gsm8k", "main", split=split)
    return [trace.problem for trace in _references(enumerate(rows, start=1), f"gsm8k-{split}")]


def gsm8k_references(path: str | Path, count: int | None = None) -> list[Trace]:
    """The first `count` worked solutions (by default all) of a GSM8K file as traces, calculator
    marks removed.

    A step is a line; the last, "The answer is N", replaces "#### N".
    """
    name = Path(path).name.removesuffix(".gz").removesuffix(".jsonl")
    return list(_references(islice(read_rows(path), count), name))


def _references(rows: Iterable[tuple[int, Record]], name: str) -> Iterator[Trace]:
    for row, record in rows:
        try:
            yield _reference(record, f"{name}-{row}")
        except InputError as error:
            raise InputError(f"{name} row {row}: {error}") from error


def _reference(record: Record, name: str) -> Trace:
    question: str = field_of(record, "question", str)
    answer: str = field_of(record, "answer", str)
    gold = gsm8k_gold(answer)
    if gold is None:
        raise InputError(
            f"field 'answer' has no '#### NUMBER' line, got ...{answer[-40:]!r}; "
            "add its gold answer"
        )
    lines = [line.strip() for line in without_marks(answer).split("####")[0].splitlines()]
    steps = [Step(line) for line in lines if line]
    return Trace(
        problem=Problem(id=name, text=question.strip(), gold=gold),
        steps=(*steps, Step(f"The answer is {gold}")),
        answer=gold,
        verdict=Verdict.CORRECT,
    )


def official_check(problem: Problem, trace: Trace) -> Verdict:
    """GSM8K's own rule: the text after "#### " must be the gold number, character by character.

    18 and 18.0 differ under it; UNREADABLE without such a line. For comparison with
    published numbers; `math_checker` is the better judge.
    """
    answer = gsm8k_gold(trace.text)
    if answer is None:
        return Verdict.UNREADABLE
    return Verdict.CORRECT if answer == problem.gold else Verdict.WRONG
