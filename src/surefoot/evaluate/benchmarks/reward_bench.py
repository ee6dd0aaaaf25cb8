"""RewardBench's maths pairs (Lambert et al., arXiv:2403.13787): which solution is right?

    accuracy (rank@1) = share of 447 pairs whose right solution scores higher; a tie counts half

The right solution is a person's and the wrong one a model's, so length and style tell them apart
too: read the accuracy beside that of always preferring the shorter text. The leaderboard weighs
the pairs as 984 to balance its code sets, which leaves their accuracy as it is.
"""

from pathlib import Path

from surefoot.core.errors import InputError
from surefoot.core.records import Record, field_of
from surefoot.core.types import Problem, Step, Trace, Verdict
from surefoot.evaluate.benchmarks import choice
from surefoot.evaluate.benchmarks.benchmark import Benchmark, Case, files_of, unique
from surefoot.evaluate.benchmarks.choice import Candidates, Picked
from surefoot.formats.files import read_foreign
from surefoot.steps.split import by_blank_line

SUBSET = "math-prm"


def load(path: Path) -> list[Case[Candidates]]:
    """The maths pairs of the published file; its other subsets are left out."""
    rows = [pair for file in files_of(path).values() for pair in read_foreign(file, _case)]
    pairs = [pair for pair in rows if pair.group == SUBSET]
    if not pairs:
        raise InputError(f"{path}: no row has 'subset' {SUBSET!r}; name RewardBench's own file")
    return unique(pairs)


def _case(record: Record) -> Case[Candidates]:
    name = str(field_of(record, "id", (int, str)))
    prompt = field_of(record, "prompt", str)
    traces = tuple(
        Trace(
            Problem(name, prompt),
            tuple(map(Step, by_blank_line(field_of(record, key, str)))),
            verdict=verdict,
        )
        for key, verdict in (("chosen", Verdict.CORRECT), ("rejected", Verdict.WRONG))
    )
    subset = field_of(record, "subset", str)
    return Case(f"{subset}-{name}", subset, prompt, traces, Candidates((True, False)))


def prefer_shorter(case: Case[Candidates]) -> Picked:
    """The shorter solution, both if they are equally long: the shortcut a verifier may take."""
    lengths = [sum(len(step.text) for step in trace.steps) for trace in case.traces]
    return tuple(i for i, length in enumerate(lengths) if length == min(lengths))


REWARD_BENCH = Benchmark(
    name="reward_bench",
    title="RewardBench, maths pairs",
    paper="2403.13787",
    load=load,
    read=choice.read,
    count=choice.count,
    table=choice.table,
    main="rank_at_1",
    total="all",
    perfect=choice.perfect,
    rule=choice.RULE,
)
