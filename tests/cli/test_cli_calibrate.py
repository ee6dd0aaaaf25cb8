"""`surefoot calibrate`: fitted on labels, kept with the checkpoint, applied from then on."""

import json
import shutil

import pytest
from cli_helpers import rows_of

pytest.importorskip("torch", reason="needs surefoot[models]")

from surefoot.verifiers import load_scorer
from surefoot.verifiers.calibrate import map_of
from surefoot.verifiers.checkpoint import SHIPPED, SIDECAR


@pytest.fixture(scope="module")
def sampled(cli, tmp_path_factory):
    """Solutions of Pebble, right and wrong, each step labelled with how its solution came out."""
    folder = tmp_path_factory.mktemp("calibrate")
    cli("sample", "trails:easy", "--limit", 12, "--n", 4, "--out", folder / "traces.jsonl")
    out = folder / "labels.jsonl"
    cli("label", folder / "traces.jsonl", "--method", "outcome", "--out", out)
    return out


@pytest.fixture
def copy(tmp_path):
    """The shipped verifier, to be written to."""
    return shutil.copytree(SHIPPED["pebble-verifier"], tmp_path / "v")


def told(cli, sampled, verifier, *arguments):
    done = cli("calibrate", sampled, "--verifier", verifier, "--json", *arguments)
    return json.loads(done.stdout)


def test_the_map_is_kept_and_applied_whenever_the_verifier_is_loaded(cli, sampled, copy):
    from surefoot.core.records import labelled_of

    traces = [labelled_of(row).trace for row in rows_of(sampled)][:5]
    raw = load_scorer(str(copy))(traces)
    summary = told(cli, sampled, copy, "--map", "temperature")
    card = json.loads((copy / SIDECAR).read_text())
    fitted = map_of(card["calibration"])
    mapped = load_scorer(str(copy))(traces)
    for before, after in zip(raw, mapped, strict=True):
        assert after.values == pytest.approx(fitted(before.values))
    assert summary["map"] == "temperature"
    assert summary["stored"] == str(copy)
    assert card["metrics"]["ece_after"] == summary["ece_after"]
    assert summary["brier_change"]["estimate"] == pytest.approx(
        summary["brier_after"] - summary["brier_before"]
    )
    assert "## Calibration" in (copy / "README.md").read_text()


def test_a_second_calibration_starts_from_the_scores_as_they_were_trained(cli, sampled, copy):
    first = told(cli, sampled, copy)
    kept = (copy / SIDECAR).read_bytes()
    assert told(cli, sampled, copy) == first
    assert (copy / SIDECAR).read_bytes() == kept


def test_a_dry_run_only_measures(cli, sampled, copy):
    kept = (copy / SIDECAR).read_bytes()
    dry = told(cli, sampled, copy, "--dry-run", "--limit", 40)
    assert dry["stored"] is None
    assert dry["traces"] == 40
    assert (copy / SIDECAR).read_bytes() == kept
    other = told(cli, sampled, copy, "--dry-run", "--limit", 40, "--map", "isotonic")
    assert other["brier_after"] != dry["brier_after"]
    again = told(cli, sampled, copy, "--dry-run", "--limit", 40, "--seed", 1)
    assert again["brier_after"] != dry["brier_after"]  # other folds


def test_what_cannot_be_is_said(refused, sampled, copy, labels, tmp_path):
    assert "--map must be one of temperature, platt, isotonic" in refused(
        "calibrate", sampled, "--verifier", copy, "--map", "linear"
    )
    assert f"has no {SIDECAR} to keep a calibration in" in refused(
        "calibrate", sampled, "--verifier", tmp_path / "none"
    )
    assert "value scores are calibrated on labels of value, not of correctness" in refused(
        "calibrate", labels, "--verifier", copy
    )
    assert "1 problems cannot be fitted and measured in 5 folds" in refused(
        "calibrate", sampled, "--verifier", copy, "--limit", 2
    )
