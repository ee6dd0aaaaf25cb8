"""Is refinement worth its tokens? Every test-time system beside plain sampling at equal cost.

    python benchmarks/refinement.py [PROBLEMS] [OUT] [REFINERS]

Pebble on trails (middle); the shipped verifier gates, locates and chooses; refiners are those
of `benchmarks/refiners.py` in REFINERS, which were trained on Pebble's own drafts; without that
folder the rows that need them are left out. The control is a Pebble trained as long on its right
solutions: best-of-n of it is what of the refiners' gain is only more training. All systems begin
with the pool's first drafts. Resumable: model calls are in OUT/journal.sqlite, and the same
command goes on from there.

before, after   accuracy of the first draft (of the vote among them) and of the answer
CL, CS, RSS     what was kept, what was mended, and between two tries' bounds (arXiv:2412.19513)
diff            accuracy - the best plain rule's at as many policy tokens, paired by problem
"""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from surefoot.core.seeds import rng_for
from surefoot.core.types import Problem, Verdict
from surefoot.engine import Crew, Journal
from surefoot.evaluate import Interval, self_correction
from surefoot.recipes.compare import Plain, compare_searches, curves
from surefoot.recipes.demo import DemoConfig, Shop, sampled
from surefoot.recipes.refinement import (
    auto_math_critique,
    glore,
    magicore,
    prefix_resample,
    rearter,
    spar,
)
from surefoot.report.files import write_whole
from surefoot.report.html import write_report
from surefoot.search import Found, Unfinished, best_of_n, vote
from surefoot.search.critique import continued, rewritten, with_draft, with_tag
from surefoot.tasks import trails
from surefoot.verifiers import load_verifier

CONFIG = DemoConfig(level="middle", test_problems=150, samples=32, in_flight=64)
Solve = Callable[..., Found | Unfinished]


def systems() -> dict[str, tuple[int, Solve]]:
    """name: how many first drafts, and the search; the policy writes everything."""
    loop, local = auto_math_critique.solve, continued()
    return {
        "prefix resample, 4 passes": (1, prefix_resample.solve),
        "GLoRe, policy, 1 pass": (1, partial(glore.solve, when=0.9)),
        "critic in the loop x4": (4, loop),
        "MAgICoRe x4": (4, partial(magicore.solve, n=4, how=local)),
        "ReARTeR, 4 passes": (1, rearter.solve),
        "SPaR tree, 3 levels": (1, partial(spar.solve, gate=0.9)),
        "prefix resample, 8 passes": (1, partial(prefix_resample.solve, passes=8)),
        "GLoRe, policy, 3 passes": (1, partial(glore.solve, when=0.9, passes=3)),
        "critic in the loop x1, 2 passes": (1, partial(loop, n=1, passes=2)),
    }


def with_refiners(refiner: Any, control: Any) -> dict[str, tuple[int, Solve]]:
    """The systems whose refiner is a trained one, and the control."""
    local, whole = continued(by=refiner, shown=with_tag), rewritten(with_draft, by=refiner)
    loop = auto_math_critique.solve
    both = partial(glore.solve, when=0.9, whole_refiner=refiner, local_refiner=refiner)
    return {
        "GLoRe, refiners, 1 pass": (1, both),
        "GLoRe, refiners, 3 passes": (1, partial(both, passes=3)),
        "critic in the loop x1, refiner": (1, partial(loop, n=1, how=local)),
        "critic in the loop x4, refiner": (4, partial(loop, how=local)),
        "MAgICoRe x4, refiner": (4, partial(magicore.solve, n=4, how=whole)),
        "control, best of 2": (1, _by(control, 2)),
        "control, best of 4": (1, _by(control, 4)),
    }


def _by(control: Any, n: int) -> Solve:
    def solve(problem: Problem, *, sample: Any, **verbs: Any) -> Found | Unfinished:
        del sample
        return best_of_n(problem, sample=control, n=n, **verbs)

    return solve


def before(result: Found | Unfinished, drafts: int) -> bool:
    """Was the first draft right, or the weighted vote of the first drafts?"""
    if isinstance(result, Unfinished):
        return False
    first, weights = result.candidates[:drafts], list(result.scores[:drafts])
    chosen = vote(first, weights + [0.0] * (len(first) - len(weights)))
    return first[chosen or 0].verdict is Verdict.CORRECT


def right(result: Found | Unfinished) -> bool:
    return isinstance(result, Found) and result.chosen.verdict is Verdict.CORRECT


def row_of(results: Sequence[Found | Unfinished], drafts: int, equal: dict[str, Any]) -> dict:
    """A row of the table."""
    firsts = [[before(result, drafts)] for result in results]
    seconds = [[right(result)] for result in results]
    found = self_correction(firsts, seconds, rng=rng_for(0, "interval"))
    at = equal["policy tokens"]
    gap = at["plain"][at["best_plain"]]
    return {
        **{name: _figure(value) for name, value in asdict_of(found).items()},
        "policy_tokens": sum(r.usage.policy_tokens for r in results) / len(results),
        "verifier_tokens": sum(r.usage.verifier_tokens for r in results) / len(results),
        "n": at["n"],
        "best_plain": at["best_plain"],
        "plain": {rule: at["plain"][rule]["accuracy"] for rule in ("majority", "best-of-n")},
        "diff": [gap["diff"], gap["low"], gap["high"]],
        "verdict": at["verdict"],
    }


def asdict_of(found: Any) -> dict[str, Interval | None]:
    return {name: getattr(found, name) for name in found.__dataclass_fields__}


def _figure(interval: Interval | None) -> list[float | None] | None:
    return None if interval is None else list(asdict(interval).values())


def main(problems: int, out: Path, refiners: Path) -> None:
    """Runs or resumes all systems; writes table.json, table.md and report.html."""
    out.mkdir(parents=True, exist_ok=True)
    config = replace(CONFIG, test_problems=problems)
    shop = Shop(
        config, out, Journal(out / "journal.sqlite"), Crew(config.in_flight), lambda *_: None
    )
    score = shop.scorer(load_verifier(config.verifier))
    policy = shop.policy(config.policy, config.temperature)
    chosen = systems()
    folders = [refiners / name for name in ("refiner", "control")]
    if all((folder / "model.safetensors").is_file() for folder in folders):
        writers = [shop.policy(str(folder), config.temperature) for folder in folders]
        chosen |= with_refiners(*writers)
    verbs = {"sample": policy, "check": trails.check, "score": score}
    pool = sampled(shop, policy, "test", problems, config.samples)
    plain = Plain(pool, shop.over("score", score, pool))
    asked = trails.problems("test", problems, level=config.level, seed=config.seed)
    results, rows = {}, {}
    for name, (drafts, solve) in chosen.items():
        results[name] = shop.over(name, partial(_solved, solve, verbs), asked)
        summary = compare_searches({name: results[name]}, plain, seconds={name: 0.0})
        rows[name] = row_of(results[name], drafts, summary["equal_cost"][name])
        print(line_of(name, rows[name]), flush=True)
        table = {"problems": problems, "rows": rows}
        write_whole(out / "table.json", json.dumps(table, indent=1) + "\n")
        lines = [HEAD, *(line_of(*item) for item in rows.items())]
        write_whole(out / "table.md", "\n".join(lines) + "\n")
    summary = compare_searches(results, plain, seconds=dict.fromkeys(results, 0.0))
    about = {
        "title": "Refinement and plain sampling on trails (middle)", "seed": 0,
        "command": f"python benchmarks/refinement.py {problems}", "policy": "pebble",
        "problems": problems, "seconds": 0.0,
    }  # fmt: skip
    write_report(out / "report.html", {**about, **summary}, {"curves": curves(results, plain)})
    shop.journal.close()


def _solved(solve: Solve, verbs: dict[str, Any], problem: Problem) -> Any:
    return solve(problem, rng=rng_for(0, "sample", problem.id), **verbs)  # the pool's first drafts


HEAD = (
    "| system | before | after | CL | CS | RSS | tokens | plain n | majority | best-of-n | "
    "after - best plain |\n|---|---|---|---|---|---|---|---|---|---|---|"
)


def line_of(name: str, row: dict) -> str:
    """A row as Markdown."""

    def percent(value: float | None) -> str:
        return "-" if value is None else f"{100 * value:.1f}"

    def first(key: str) -> float | None:
        return None if row[key] is None else row[key][0]

    rss = "-" if row["relative"] is None else f"{row['relative'][0]:.2f}"
    diff, low, high = (100 * (value or 0.0) for value in row["diff"])
    cells = [
        name, percent(first("before")), percent(first("after")), percent(first("confidence")),
        percent(first("critique")), rss, f"{row['policy_tokens']:.0f}", str(row["n"]),
        percent(row["plain"]["majority"]), percent(row["plain"]["best-of-n"]),
        f"{diff:+.1f} [{low:+.1f}, {high:+.1f}]",
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    given = sys.argv[1:]
    main(
        int(given[0]) if given else CONFIG.test_problems,
        Path(given[1]) if len(given) > 1 else Path("runs/refinement"),
        Path(given[2]) if len(given) > 2 else Path("runs/refiners"),
    )
