"""Measures a checkpoint on trails and writes its model card.

python -m surefoot.policy.pebble.measure FOLDER --trained "18M tokens, ..."
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from surefoot.core.seeds import rng_for
from surefoot.core.types import Problem, Trace, Verdict
from surefoot.engine import Crew
from surefoot.policy.local import load_policy
from surefoot.policy.sampling import Sampling
from surefoot.steps.sample import sample_traces
from surefoot.tasks import trails

PROBLEMS, SAMPLES, TEMPERATURE = 100, 16, 0.8


def measure(folder: Path, level: str) -> dict[str, float]:
    """Greedy accuracy, pass@1, pass@16, majority's reach and error rates at one level.

    Lucky: right answers with a wrong step, among right answers. Step error: the
    chance that a step is wrong when all before it are right.
    """
    asked = trails.problems("validation", PROBLEMS, level=level)
    [greedy_P, drawn_P] = (
        _sampled(folder, asked, temperature, count)
        for temperature, count in ((0.0, 1), (TEMPERATURE, SAMPLES))
    )
    drawn = [trace for traces in drawn_P for trace in traces]
    return {
        "greedy": _right(greedy_P) / PROBLEMS,
        f"pass@1 (T = {TEMPERATURE})": _right(drawn_P) / (PROBLEMS * SAMPLES),
        f"pass@{SAMPLES}": sum(_right([traces]) > 0 for traces in drawn_P) / PROBLEMS,
        **_errors(drawn),
        "tokens a solution": sum(trace.tokens for trace in drawn) / len(drawn),
    }


def _errors(drawn: Sequence[Trace]) -> dict[str, float]:
    """The rates of lucky answers and of first wrong steps."""
    firsts = [trails.first_error(trace.problem, trace) for trace in drawn]
    reached = sum(len(t.steps) if f is None else f + 1 for t, f in zip(drawn, firsts, strict=True))
    wrong = [f is not None for f in firsts]
    of_right = [w for w, t in zip(wrong, drawn, strict=True) if t.verdict is Verdict.CORRECT]
    return {
        "lucky right answers": sum(of_right) / max(1, len(of_right)),
        "step error rate": sum(wrong) / max(1, reached),
    }


def _sampled(
    folder: Path, asked: Sequence[Problem], temperature: float, count: int
) -> list[list[Trace]]:
    crew = Crew(64)
    policy = load_policy(str(folder), sampling=Sampling(temperature, max_tokens=256))
    policy = policy.through(lambda p: crew.merged(p.decoder.complete))

    def work(problem: Problem) -> list[Trace]:
        rng = rng_for(0, "measure", problem.id)
        return sample_traces(problem, sample=policy, check=trails.check, count=count, rng=rng)

    return crew.map(work, asked)


def _right(traces_P: Sequence[Sequence[Trace]]) -> int:
    return sum(trace.verdict is Verdict.CORRECT for traces in traces_P for trace in traces)


def card(name: str, trained: str, rows: dict[str, dict[str, float]]) -> str:
    """The model card's text."""
    names = list(next(iter(rows.values())))
    head = "| level | " + " | ".join(names) + " |\n|---" * 1 + "|---" * len(names) + "|"
    lines = [
        f"| {level} | " + " | ".join(f"{row[n]:.3g}" for n in names) + " |"
        for level, row in rows.items()
    ]
    return (
        f"# Pebble ({name})\n\nA Llama-architecture language model of 1.7M parameters that solves "
        f"trails, Surefoot's generated word problems. {trained}\n\nMeasured on {PROBLEMS} "
        f"validation problems a level, {SAMPLES} samples each:\n\n{head}\n"
        + "\n".join(lines)
        + "\n\nIt knows nothing but trails. Apache-2.0. Made by `surefoot.policy.pebble.train`, "
        "measured by `surefoot.policy.pebble.measure`.\n"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--trained", default="", help="a sentence on how it was trained")
    arguments = parser.parse_args()
    measured = {level: measure(arguments.folder, level) for level in trails.LEVELS}
    text = card(arguments.folder.name, arguments.trained, measured)
    (arguments.folder / "README.md").write_text(text)
