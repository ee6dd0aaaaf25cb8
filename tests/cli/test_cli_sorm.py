"""`label --method sorm` is GLoRe's: rollouts that build on their prefix, and classes evened out."""

import pytest

from surefoot.cli._labelling import Job
from surefoot.core.records import labelled_of, read_all, trace_record, write_all
from surefoot.core.types import Completion, Problem, Step, Trace, Verdict

PROBLEM = Problem("p", "2 and 3 and 2?", gold="7")
RIGHT = Trace(PROBLEM, (Step("2 + 3 = 5"), Step("The answer is 7.")), "7", Verdict.CORRECT)
WRONG = Trace(PROBLEM, (Step("2 + 3 = 5"), Step("The answer is 8.")), "8", Verdict.WRONG)


def guess(problem, prefixes_P, *, count, rng, until="end"):
    """Always right, whatever came before."""
    return [[Completion((Step("The answer is 7."),))] * count for _ in prefixes_P]


@pytest.fixture
def values(cli, tmp_path, monkeypatch):
    """What a labelling with these options says of each step."""
    monkeypatch.setattr(Job, "policy", lambda _: guess)
    write_all(tmp_path / "traces.jsonl", map(trace_record, [RIGHT, WRONG]))

    def run(*options):
        out = tmp_path / "labels.jsonl"
        cli("label", tmp_path / "traces.jsonl", "--method", "sorm", *options, "--out", out)
        return [[label.value for label in item.labels] for item in read_all(out, labelled_of)]

    return run


def test_a_rollout_that_ignores_the_step_is_no_witness_for_it(values):
    assert values("--no-balance") == [[1.0, 1.0], [None, 0.0]]
    assert values("--no-balance", "--any-rollout") == [[1.0, 1.0], [1.0, 0.0]]


def test_each_step_has_as_many_ones_as_zeros(values):
    """Both first steps are 1, so neither is kept."""
    assert values("--any-rollout") == [[None, 1.0], [None, 0.0]]
    assert values() == [[None, 1.0], [None, 0.0]]


def test_the_recipe_evens_out_the_labels_of_all_problems_too():
    from surefoot.core.seeds import rng_for
    from surefoot.recipes.labelling import Parts, glore
    from surefoot.steps import Rollouts

    def check(problem, trace):
        return Verdict.CORRECT if trace.text.endswith(" 7.") else Verdict.WRONG

    rollouts = Rollouts(PROBLEM, sample=guess, check=check)
    labelled = glore.label(Parts(PROBLEM, [RIGHT, WRONG], guess, check, rollouts))
    assert glore.RECIPE.together is not None
    even = glore.RECIPE.together([*labelled, *labelled], rng_for(0))
    assert [[x.value for x in item.labels] for item in even] == [[None, 1.0], [None, 0.0]] * 2
