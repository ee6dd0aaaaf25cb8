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
diff            accuracy - the best plain rule's at as many policy tokens, paired by problem;
                the claim NAME_vs_plain
"""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from claims import Claim, publish
from surefoot.core.files import write_whole
from surefoot.core.seeds import rng_for
from surefoot.core.types import Problem, Trace, Verdict
from surefoot.engine import Crew, Journal
from surefoot.evaluate import Interval, paired_interval, self_correction
from surefoot.recipes.compare import RULES, Plain, compare_searches, curves
from surefoot.recipes.demo import DemoConfig, Shop, sampled
from surefoot.recipes.refinement import (
    auto_math_critique,
    glore,
    magicore,
    prefix_resample,
    rearter,
    spar,
)
from surefoot.report.html import write_report
from surefoot.search import Found, Unfinished, best_of_n, vote
from surefoot.search.critique import continued, rewritten, with_draft, with_tag
from surefoot.tasks import trails
from surefoot.verifiers import load_verifier

CONFIG = DemoConfig(level="middle", test_problems=400, samples=32, in_flight=64)
Solve = Callable[..., Found | Unfinished]
Before = Callable[[Found], Trace]


def systems() -> dict[str, tuple[Before, Solve]]:
    """name: what it had before it refined, and the search; the policy writes everything."""
    loop, local = auto_math_critique.solve, continued()
    return {
        "prefix resample, 4 passes": (first, prefix_resample.solve),
        "GLoRe, policy, 1 pass": (first, partial(glore.solve, when=0.9)),
        "critic in the loop x4": (partial(elected, 4), loop),
        "MAgICoRe x4": (partial(weighted, 4), partial(magicore.solve, n=4, how=local)),
        "ReARTeR, 4 passes": (first, rearter.solve),
        "SPaR tree, 3 levels": (first, partial(spar.solve, gate=0.9)),
        "prefix resample, 8 passes": (first, partial(prefix_resample.solve, passes=8)),
        "GLoRe, policy, 3 passes": (first, partial(glore.solve, when=0.9, passes=3)),
        "critic in the loop x1, 2 passes": (first, partial(loop, n=1, passes=2)),
    }


def with_refiners(refiner: Any, control: Any) -> dict[str, tuple[Before, Solve]]:
    """The systems whose refiner is a trained one, and the control."""
    local, whole = continued(by=refiner, shown=with_tag), rewritten(with_draft, by=refiner)
    loop = auto_math_critique.solve
    both = partial(glore.solve, when=0.9, whole_refiner=refiner, local_refiner=refiner)
    return {
        "GLoRe, refiners, 1 pass": (first, both),
        "GLoRe, refiners, 3 passes": (first, partial(both, passes=3)),
        "critic in the loop x1, refiner": (first, partial(loop, n=1, how=local)),
        "critic in the loop x4, refiner": (partial(elected, 4), partial(loop, how=local)),
        "MAgICoRe x4, refiner": (partial(weighted, 4), partial(magicore.solve, n=4, how=whole)),
        "control, best of 2": (first, _by(control, 2)),
        "control, best of 4": (first, _by(control, 4)),
    }


def _by(control: Any, n: int) -> Solve:
    def solve(problem: Problem, *, sample: Any, **verbs: Any) -> Found | Unfinished:
        del sample
        return best_of_n(problem, sample=control, n=n, **verbs)

    return solve


def first(found: Found) -> Trace:
    """The first draft."""
    return found.candidates[0]


def elected(drafts: int, found: Found) -> Trace:
    """The majority of the first drafts."""
    return found.candidates[vote(found.candidates[:drafts], [1.0] * drafts) or 0]


def weighted(drafts: int, found: Found) -> Trace:
    """The weighted vote of the first drafts."""
    return found.candidates[vote(found.candidates[:drafts], found.scores[:drafts]) or 0]


def chosen(found: Found) -> Trace:
    """The answer."""
    return found.chosen


def right(result: Found | Unfinished, which: Before) -> bool:
    """Is that solution of it right? What was not finished is not."""
    return isinstance(result, Found) and which(result).verdict is Verdict.CORRECT


def plain_at(plain: Plain, rule: str, tokens: float) -> tuple[float, list[float]]:
    """How many plain solutions cost so much, and [P] their accuracy, between whole numbers of
    them in proportion."""
    n = max(1.0, tokens / plain.cost("policy tokens", rule))
    low = plain.accuracy(rule, int(n))
    high = plain.accuracy(rule, int(n) + 1)
    assert low is not None
    assert high is not None
    return n, [a + (n - int(n)) * (b - a) for a, b in zip(low, high, strict=True)]


def row_of(results: Sequence[Found | Unfinished], before: Before, plain: Plain) -> dict:
    """A row of the table."""
    firsts = [[right(result, before)] for result in results]
    seconds = [[right(result, chosen)] for result in results]
    found = self_correction(firsts, seconds, rng=rng_for(0, "interval"))
    tokens = sum(r.usage.policy_tokens for r in results) / len(results)
    rules = {rule: plain_at(plain, rule, tokens) for rule in RULES}
    means = {rule: sum(values) / len(values) for rule, (_, values) in rules.items()}
    best = max(RULES, key=lambda rule: means[rule])
    after = [float(right_P) for [right_P] in seconds]
    gap = paired_interval(after, rules[best][1], rng=rng_for(0, "interval"))
    return {
        **{name: _figure(value) for name, value in asdict_of(found).items()},
        "policy_tokens": tokens,
        "verifier_tokens": sum(r.usage.verifier_tokens for r in results) / len(results),
        "n": rules[best][0],
        "best_plain": best,
        "plain": means,
        "diff": _figure(gap),
    }


def asdict_of(found: Any) -> dict[str, Interval | None]:
    return {name: getattr(found, name) for name in found.__dataclass_fields__}


def _figure(interval: Interval | None) -> list[float | None] | None:
    return None if interval is None else list(asdict(interval).values())


def main(problems: int, out: Path, refiners: Path) -> None:
    """Runs or resumes all systems; writes table.json, table.md and report.html, and publishes."""
    out.mkdir(parents=True, exist_ok=True)
    config = replace(CONFIG, test_problems=problems)
    shop = Shop(
        config, out, Journal(out / "journal.sqlite"), Crew(config.in_flight), lambda *_: None
    )
    score = shop.scorer(load_verifier(config.verifier))
    policy = shop.policy(config.policy, config.temperature)
    asked_of = systems()
    folders = [refiners / name for name in ("refiner", "control")]
    if all((folder / "model.safetensors").is_file() for folder in folders):
        writers = [shop.policy(str(folder), config.temperature) for folder in folders]
        asked_of |= with_refiners(*writers)
    verbs = {"sample": policy, "check": trails.check, "score": score}
    pool = sampled(shop, policy, "test", problems, config.samples)
    plain = Plain(pool, shop.over("score", score, pool))
    asked = trails.problems("test", problems, level=config.level, seed=config.seed)
    results, rows = {}, {}
    for name, (before, solve) in asked_of.items():
        results[name] = shop.over(name, partial(_solved, solve, verbs), asked)
        rows[name] = row_of(results[name], before, plain)
        print(line_of(name, rows[name]), flush=True)
        table = {"problems": problems, "rows": rows}
        write_whole(out / "table.json", json.dumps(table, indent=1) + "\n")
        lines = [HEAD, *(line_of(*item) for item in rows.items())]
        write_whole(out / "table.md", "\n".join(lines) + "\n")
    summary = compare_searches(results, plain, seconds=dict.fromkeys(results, 0.0))
    command = f"python benchmarks/refinement.py {problems}"
    publish("refinement", command, [claim_of(*item) for item in rows.items()], threads=1)
    about = {
        "title": "Refinement and plain sampling on trails (middle)", "seed": 0,
        "command": command, "policy": "pebble",
        "problems": problems, "seconds": 0.0,
    }  # fmt: skip
    write_report(out / "report.html", {**about, **summary}, {"curves": curves(results, plain)})
    shop.journal.close()


def _solved(solve: Solve, verbs: dict[str, Any], problem: Problem) -> Any:
    return solve(problem, rng=rng_for(0, "sample", problem.id), **verbs)  # the pool's first drafts


def claim_of(name: str, row: dict) -> Claim:
    """The goal is an interval above zero: better than plain sampling of the same cost."""
    plain_words = name.replace(",", "").replace(" ", "_").lower()
    return Claim(f"{plain_words}_vs_plain", *row["diff"], 0.0, "at least")


HEAD = (
    "| system | before | after | CL | CS | RSS | tokens | plain n | majority | best-of-n | "
    "weighted vote | after - best plain |\n|---|---|---|---|---|---|---|---|---|---|---|---|"
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
        percent(first("critique")), rss, f"{row['policy_tokens']:.0f}", f"{row['n']:.1f}",
        percent(row["plain"]["majority"]), percent(row["plain"]["best-of-n"]),
        percent(row["plain"]["weighted vote"]),
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
