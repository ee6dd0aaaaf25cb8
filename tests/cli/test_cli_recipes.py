"""`surefoot run` of systems that label, and the list of them."""

import json

import pytest

from surefoot.cli._common import is_trails
from surefoot.cli._searches import ASKING_MORE, METHODS
from surefoot.cli._work import Work
from surefoot.core.records import labelled_of, read_all, trace_of
from surefoot.core.seeds import each_own
from surefoot.core.types import Completion, Kind, Step, StepScores, Trace
from surefoot.recipes.labelling import RECIPES
from surefoot.recipes.refinement import RECIPES as REFINING
from surefoot.tasks import trails

SMALL = ["--problems", "trails:easy", "--limit", "2", "--n", "2", "--max-tokens", "12"]


def run(cli, folder, name, *options):
    """The summary, and the texts of what was labelled."""
    cli("run", name, *SMALL, *options, "--out", folder)
    texts = [trace.text for trace in read_all(folder / "labels.jsonl", trace_of)]
    return json.loads((folder / "summary.json").read_text()), texts


def test_every_recipe_is_listed_with_its_paper_and_needs(cli):
    first, *lines = cli("recipes").stdout.splitlines()
    assert first.startswith("demo ")
    for recipe, line in zip((*RECIPES, *REFINING), lines, strict=True):
        assert line.split()[:2] == [recipe.name, recipe.paper]
    for recipe, line in zip(RECIPES, lines, strict=False):
        assert all(need in line.split("[")[-1] for need in recipe.needs)
    searches = [line.split()[0] for line in lines if line.endswith("[search --method]")]
    assert "glore" in searches
    assert set(searches) <= set(METHODS | ASKING_MORE)


def test_rollouts_are_sampled_labelled_and_audited(cli, tiny, tmp_path):
    told, texts = run(cli, tmp_path, "math_shepherd", "--policy", tiny)
    assert told["recipe"] == "math_shepherd"
    assert told["traces"] == told["solutions"] == len(texts)
    assert told["problems"] == 2
    assert told["steps"] == told["audit"]["steps"]
    assert told["audit"]["step_errors_by"] == "truth"
    assert told["policy_tokens"] > 0
    again, same = run(cli, tmp_path, "math_shepherd", "--policy", tiny)
    assert same == texts
    assert again["journal_hits"] > told["journal_hits"]


@pytest.mark.parametrize(
    "change",
    ["--n 1", "--limit 1", "--seed 1", "--temperature 0", "--max-tokens 5", "--separator e",
     "--problems trails:hard"],
)  # fmt: skip
def test_an_option_changes_what_is_labelled(cli, tiny, tmp_path, change):
    _, texts = run(cli, tmp_path / "a", "ovm", "--policy", tiny)
    _, others = run(cli, tmp_path / "b", "ovm", "--policy", tiny, *change.split())
    assert others != texts


def test_a_judge_is_asked_and_paid_and_a_verifier_chooses(cli, refused, tiny, verifier, tmp_path):
    asks = ["let_us_verify", "--policy", tiny, "--verifier", verifier]
    line = refused("run", *asks, "--out", tmp_path)
    assert "give its model with --judge" in line
    told, texts = run(cli, tmp_path, *asks, "--judge", tiny)
    assert len(texts) == 2  # one of each problem
    assert told["verifier_tokens"] > 0


def half_right(problem, prefixes_P, *, count, rng, until="end"):
    """Writes the solution of trails, and in one step of five a wrong number; else it says hm."""
    if not is_trails(Trace(problem, ())):
        return [[Completion((Step("hm"),))] * count for _ in prefixes_P]
    texts = trails.solve(trails.read(problem.text))

    def one(prefix, rng):
        lines = texts[len(prefix) :][: 1 if until == "step" else None]
        said = [t[:-1] + "0" if rng.random() < 0.2 else t for t in lines]
        return Completion(tuple(map(Step, said)), len(prefix) + len(lines) >= len(texts))

    rngs = each_own(rng, len(prefixes_P))
    return [
        [one(prefix, own) for _ in range(count)]
        for prefix, own in zip(prefixes_P, rngs, strict=True)
    ]


def undecided(traces_N):
    return [StepScores(Kind.VALUE, (0.5,) * len(t.steps), "undecided") for t in traces_N]


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_every_labelling_recipe_runs(cli, tmp_path, monkeypatch, recipe):
    """pav and relative once ended in an error after all was paid for: progress has no audit."""
    if "tests" in recipe.needs:
        pytest.skip("tests of programs are given from Python alone")
    monkeypatch.setattr(Work, "policy", lambda *_, **__: half_right)
    monkeypatch.setattr(Work, "scorer", lambda *_, **__: undecided)
    told, texts = run(cli, tmp_path, recipe.name, *["--judge", "any"] * ("judge" in recipe.needs))
    assert told["recipe"] == recipe.name
    assert told["traces"] == len(texts)
    assert bool(texts) == (recipe.name != "consensus")  # with a judge who cannot be read
    labels = read_all(tmp_path / "labels.jsonl", labelled_of)
    progress = any(label.kind is Kind.PROGRESS for item in labels for label in item.labels)
    assert progress == (recipe.name in ("pav", "relative"))
    assert (told["audit"] is None) == (progress or not texts)


def test_what_cannot_be_run_says_why(refused, tmp_path):
    assert "prl_coder needs tests" in refused("run", "prl_coder", "--out", tmp_path)
    line = refused("run", "demo", "--n", "2", "--out", tmp_path)
    assert "--n does nothing for demo" in line
    assert "math_shepherd" in refused("run", "no_such_recipe")
