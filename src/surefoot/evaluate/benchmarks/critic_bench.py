"""Two benchmarks of one name: is a model's response right? Their ids keep them apart.

    critic_bench_google    Luo et al., "Critique Ability", arXiv:2310.04815: accuracy of the verdict
    critic_bench_tsinghua  Lin et al., arXiv:2402.14809: F1 of finding the wrong responses

The latter has 3,825 responses from 15 sets; a verdict that cannot be read counts as wrong, as in
its own script. Rows of the former were never published with field names; ours are
{"id", "source", "query", "response", "correct"}.

The former's self-check answers by vote after dropping the samples that the critique rejects:

    a* = majority {a_i : not rejected_i},   of all samples if every one is rejected.
"""

from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import TypeVar

from surefoot.core.records import Record, field_of
from surefoot.core.types import Problem, Step, Trace, Verdict
from surefoot.core.votes import answer_classes, heaviest_class
from surefoot.evaluate.benchmarks import verdict
from surefoot.evaluate.benchmarks.benchmark import Benchmark, Case, cases_of, files_of
from surefoot.evaluate.benchmarks.verdict import Judged
from surefoot.evaluate.checks import same_length
from surefoot.steps.split import by_blank_line

A = TypeVar("A", bound=Hashable)


def load_google(path: Path) -> list[Case[Judged]]:
    """The cases of a file, or of all files of a folder; groups are the sources of questions."""
    return cases_of(files_of(path), _google)


def load_tsinghua(path: Path) -> list[Case[Judged]]:
    """The cases of a file, or of all files of a folder; groups are the sources of questions."""
    return cases_of(files_of(path), _tsinghua)


def _google(record: Record, _row: str, _file: str) -> Case[Judged]:
    return _case(record, group="source", asked="query", correct="correct")


def _tsinghua(record: Record, _row: str, _file: str) -> Case[Judged]:
    return _case(record, group="question_source", asked="question", correct="response_label")


def _case(record: Record, *, group: str, asked: str, correct: str) -> Case[Judged]:
    name, text = str(field_of(record, "id", (str, int))), field_of(record, asked, str)
    response = field_of(record, "response", str)
    right = field_of(record, correct, bool)
    trace = Trace(
        Problem(name, text),
        tuple(map(Step, by_blank_line(response))) or (Step(response),),
        verdict=Verdict.CORRECT if right else Verdict.WRONG,
    )
    return Case(name, field_of(record, group, str), text, (trace,), Judged(not right))


def self_check(answers_N: Sequence[A | None], rejected_N: Sequence[bool]) -> A | None:
    """The majority answer of the samples that their critique accepts; of equals the first seen.

    answers_N: [N] samples of one question; None could not be read and never votes.
    rejected_N: [N] does the critique call the sample wrong? All rejected: all vote. None if
      nobody votes.
    """
    same_length(answers=len(answers_N), rejected=len(rejected_N))
    kept = [i for i, rejected in enumerate(rejected_N) if not rejected]
    classes = answer_classes(answers_N)
    winners = heaviest_class(classes, [1.0] * len(classes), kept or range(len(classes)))
    return answers_N[winners[0]] if winners else None


CRITIC_BENCH_GOOGLE = Benchmark(
    name="critic_bench_google",
    title="CriticBench (Google)",
    paper="2310.04815",
    load=load_google,
    read=verdict.read,
    count=verdict.count,
    table=verdict.table,
    main="accuracy",
    total="all",
    perfect=verdict.perfect,
    rule=verdict.RULE,
)

CRITIC_BENCH_TSINGHUA = Benchmark(
    name="critic_bench_tsinghua",
    title="CriticBench (Tsinghua)",
    paper="2402.14809",
    load=load_tsinghua,
    read=verdict.read,
    count=verdict.count,
    table=verdict.table,
    main="f1",
    total="all",
    perfect=verdict.perfect,
    rule=verdict.RULE,
)
