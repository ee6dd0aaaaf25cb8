"""The main job on a small scale: all of it runs, repeats, resumes, and counts right."""

import json
import subprocess
import sys

import pytest

from surefoot.core.errors import InputError
from surefoot.engine import Journal
from surefoot.recipes.demo import DemoConfig, run_demo

SMALL = {
    "test_problems": 8,
    "samples": 4,
    "train_problems": 4,
    "train_samples": 3,
    "rolled_out": 2,
    "rollouts": 2,
    "in_flight": 8,
}


def figures(summary):
    return {key: value for key, value in summary.items() if key not in ("seconds", "command")}


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    out = tmp_path_factory.mktemp("demo")
    told = []
    summary = run_demo(
        DemoConfig.from_json(SMALL), out, progress=lambda *tick: told.append(tick), command="test"
    )
    return out, summary, told


def test_the_summary_holds_what_it_promises(ran):
    out, summary, told = ran
    assert json.loads((out / "summary.json").read_text()) == summary
    methods = summary["methods"]
    for row in methods.values():
        assert set(row) == {"accuracy", "low", "high", "policy_tokens", "verifier_tokens"}
        assert row["policy_tokens"] == methods["majority"]["policy_tokens"] > 0
    assert set(summary["paired_vs_majority"]) == set(methods) - {"majority"}
    assert methods["perfect scorer"]["accuracy"] == summary["coverage"]["4"]
    assert methods["random scorer"]["accuracy"] == pytest.approx(summary["coverage"]["1"])
    best = methods["perfect scorer"]["accuracy"]
    assert all(row["accuracy"] <= best + 1e-12 for row in methods.values())
    assert set(summary["label_quality"]) == {"rollouts", "outcomes"}
    assert summary["label_quality"]["rollouts"]["tokens_per_trace"] > 0
    assert {stage for stage, _, _ in told} >= {"sample test", "train verifier"}


def test_a_second_run_makes_no_call_and_tells_the_same(ran):
    out, summary, _ = ran
    before = Journal(out / "journal.sqlite").count()
    again = run_demo(DemoConfig.from_json(SMALL), out)
    journal = Journal(out / "journal.sqlite")
    assert figures(again) == figures(summary)
    assert (journal.count(), journal.made_twice()) == (before, 0)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"sampels": 3}, "unknown setting 'sampels'"),
        ({"samples": "x"}, "'samples': expected int, got 'x'"),
        ({"samples": True}, "'samples': expected int, got True"),
        ({"training": 3}, "'training': expected an object, got 3"),
        ({"training": {"lr": "fast"}}, "'lr': expected float"),
    ],
)
def test_a_broken_config_is_refused_by_name(config, said):
    with pytest.raises(InputError, match=said):
        DemoConfig.from_json(config)


@pytest.mark.slow
def test_killed_and_resumed_it_tells_the_same(ran, tmp_path):
    """A small scripts/kill_and_resume.py; the whole demo and 20 kills are for the script."""
    out, _, _ = ran
    (tmp_path / "small.json").write_text(json.dumps(SMALL))
    script = "scripts/kill_and_resume.py"
    arguments = ["--whole", str(out), "--out", str(tmp_path / "killed"), "--kills", "3"]
    command = [sys.executable, script, "--config", str(tmp_path / "small.json"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
