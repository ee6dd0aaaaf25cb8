"""The page about benchmarks names each of them with its paper."""

import importlib
from pathlib import Path

import pytest

from surefoot.cli._evaluate_benchmark import BENCHMARKS

PAGE = Path(__file__).parents[3] / "docs" / "evaluate-a-prm.md"


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_is_named_with_its_paper(name):
    module, place = BENCHMARKS[name]
    found = importlib.import_module(f"surefoot.evaluate.benchmarks.{module}")
    [row] = [
        r for r in PAGE.read_text(encoding="utf-8").splitlines() if r.startswith(f"| `{name}`")
    ]
    assert f"arXiv:{getattr(found, place).paper} |" in row
