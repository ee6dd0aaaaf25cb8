"""What benchmarks claim: a goal counts as shown only by the worse end of the interval."""

import importlib.util
import json
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
SPEC = importlib.util.spec_from_file_location("claims", BENCHMARKS / "claims.py")
claims = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(claims)


@pytest.mark.parametrize(
    ("value", "low", "high", "direction", "verdict"),
    [
        (3.8, 2.0, 5.5, "at least", "met, not shown"),
        (3.8, 3.0, 5.5, "at least", "met, shown"),
        (2.9, 2.0, 5.5, "at least", "not met"),
        (2.0, 1.0, 4.0, "at most", "met, not shown"),
        (2.0, 1.0, 3.0, "at most", "met, shown"),
        (4.0, 1.0, 5.0, "at most", "not met"),
        (4.0, 3.5, 4.5, "at least", "met, shown"),
        (2.0, 3.5, 4.5, "at least", "not met"),
        (9.0, None, None, "at least", "met, not shown"),
    ],
)
def test_a_verdict_is_of_the_worse_end(
    capsys, monkeypatch, tmp_path, value, low, high, direction, verdict
):
    claim = claims.Claim("speed", value, low, high, 3.0, direction)
    assert claim.verdict == verdict
    monkeypatch.setattr(claims, "RESULTS", tmp_path)
    claims.publish("x", "python x.py", [claim])
    assert capsys.readouterr().out.rstrip().endswith(f"goal {direction} 3: {verdict}")
    [row] = json.loads((tmp_path / "x.json").read_text())
    assert (row["met"], row["shown"]) == (verdict != "not met", verdict == "met, shown")
    assert "note" not in row


@pytest.mark.parametrize("path", sorted(BENCHMARKS.glob("results/*.json")), ids=lambda p: p.stem)
def test_published_claims_follow_from_their_figures(path):
    rows = json.loads(path.read_text())
    for row in rows if isinstance(rows, list) else ():
        fields = ("claim", "value", "low", "high", "goal", "direction")
        claim = claims.Claim(*(row[name] for name in fields))
        assert (row["met"], row["shown"]) == (claim.met, claim.shown), row["claim"]
