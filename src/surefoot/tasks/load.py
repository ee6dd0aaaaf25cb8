"""Problems by name or file, and the checker that fits them.

trails:LEVEL                 200 test problems of a level (easy, middle, hard), seed 0
trails:SPLIT:LEVEL[:SEED]    of a split (train, validation, test)
gym:NAME[:SEED]              a reasoning-gym data set
gsm8k:SPLIT                  from the Hugging Face Hub (train, test)
FILE.jsonl[.gz]              our own {"id", "problem", "answer", "level"},
                             or GSM8K's {"question", "answer"}
"""

from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import get_args

from surefoot.core.errors import InputError
from surefoot.core.protocols import Checker
from surefoot.core.records import problem_of, read_rows
from surefoot.core.types import Problem, Trace, Verdict
from surefoot.tasks import gsm, gym, trails
from surefoot.tasks.equal import math_checker

DEFAULT_COUNT = 200  # problems of a source that could make any number


def load_problems(
    source: str | Path, *, count: int | None = None, need_gold: bool = True
) -> list[Problem]:
    """The first `count` problems of a source (see the module), in its order.

    count: by default all of a file, and `DEFAULT_COUNT` of an endless source.
    need_gold: refuse a file's problem without an "answer".

    Raises InputError that names the file, the row, the field and the cure.
    """
    if count is not None and count < 1:
        raise InputError(f"count must be 1 or more, got {count}")
    kind, _, rest = str(source).partition(":")
    maker = MAKERS.get(kind)
    if maker is None or Path(source).is_file():
        return _from_file(Path(source), count, need_gold=need_gold)
    problems = maker(rest, count or DEFAULT_COUNT)
    return problems if count is None else problems[:count]


def checker_for(source: str | Path) -> Checker:
    """The checker of a source's problems: exact for trails and gym, mathematics for files."""
    kind = str(source).partition(":")[0]
    return CHECKERS[kind]() if kind in CHECKERS and not Path(source).is_file() else _for_files()


def check_golds(problems: Sequence[Problem], check: Checker) -> list[str]:
    """Ids of the problems whose own gold answer their checker does not accept; [] is healthy."""
    return [
        problem.id
        for problem in problems
        if problem.gold is not None
        and check(problem, Trace(problem, (), answer=problem.gold)) is not Verdict.CORRECT
    ]


# --- generated and downloaded ----------------------------------------------


def _trails(rest: str, count: int) -> list[Problem]:
    split, level, seed, *more = (["test", rest] if ":" not in rest else rest.split(":")) + ["0"]
    if more not in ([], ["0"]) or split not in get_args(trails.Split) or not seed.isdecimal():
        raise InputError(
            f"expected trails:LEVEL or trails:SPLIT:LEVEL[:SEED] with a split of "
            f"{list(get_args(trails.Split))} and a seed of 0 or more, got 'trails:{rest}'"
        )
    if level not in trails.LEVELS:
        raise InputError(f"trails has the levels {sorted(trails.LEVELS)}, got {level!r}")
    known: trails.Split = next(name for name in get_args(trails.Split) if name == split)
    return trails.problems(known, count, level=level, seed=int(seed))


def _gym(rest: str, count: int) -> list[Problem]:
    name, _, seed = rest.partition(":")
    if seed and not seed.isdecimal():
        raise InputError(f"expected gym:NAME[:SEED] with a seed of 0 or more, got 'gym:{rest}'")
    return gym.gym_problems(name, count, seed=int(seed or 0))


def _gsm8k(rest: str, count: int) -> list[Problem]:  # noqa: ARG001  (a data set has its own end)
    if rest not in get_args(gsm.Split):
        raise InputError(f"expected gsm8k:train or gsm8k:test, got 'gsm8k:{rest}'")
    return gsm.gsm8k_hub("train" if rest == "train" else "test")


def _for_files() -> Checker:
    """By each problem's id, since a file may hold saved problems of any source."""
    of_gym, of_maths = gym.gym_checker(), math_checker()

    def check(problem: Problem, trace: Trace) -> Verdict:
        if problem.id.startswith("trails-"):
            return trails.check(problem, trace)
        return (of_gym if problem.id.startswith("gym-") else of_maths)(problem, trace)

    return check


MAKERS: dict[str, Callable[[str, int], list[Problem]]] = {
    "trails": _trails,
    "gym": _gym,
    "gsm8k": _gsm8k,
}
CHECKERS: dict[str, Callable[[], Checker]] = {
    "trails": lambda: trails.check,
    "gym": gym.gym_checker,
    "gsm8k": math_checker,
}


# --- files -----------------------------------------------------------------


def _from_file(path: Path, count: int | None, *, need_gold: bool) -> list[Problem]:
    if not path.is_file():
        raise InputError(
            f"there is no file {path}, and it is not one of "
            f"{', '.join(f'{kind}:...' for kind in MAKERS)}; "
            "give a path to a .jsonl file or such a name"
        )
    rows = list(islice(read_rows(path), count))
    if not rows:
        raise InputError(f"{path} has no rows; expected a problem a line")
    if "question" in rows[0][1] and "problem" not in rows[0][1]:
        return gsm.gsm8k_file(path, count)
    first_row: dict[str, int] = {}
    problems = []
    for row, record in rows:
        try:
            problem = problem_of(record)
            _complain(problem, first_row, need_gold=need_gold)
        except InputError as error:
            raise InputError(f"{path} row {row}: {error}") from error
        first_row[problem.id] = row
        problems.append(problem)
    return problems


def _complain(problem: Problem, first_row: dict[str, int], *, need_gold: bool) -> None:
    if problem.id in first_row:
        raise InputError(
            f"field 'id': {problem.id!r} is already the id of row {first_row[problem.id]}; "
            "make the ids differ"
        )
    if need_gold and problem.gold is None and not problem.id.startswith("gym-"):
        raise InputError(
            f"field 'answer' of problem {problem.id!r} is missing; add its gold answer "
            "(or delete the row)"
        )
