"""Every labelling system: its text stands, its checks are there, its composition runs."""

import ast
import re
from dataclasses import replace

import pytest

from source_tree import ROOT
from surefoot.cli._annotators import METHODS
from surefoot.core.errors import InputError
from surefoot.core.types import Completion, Kind, Problem, Step, StepScores, Trace, Verdict
from surefoot.recipes.labelling import RECIPES, math_shepherd, prl_coder, rise, sampled, spare
from surefoot.recipes.labelling.surefoot import FEWEST_TO_LEARN_FROM, learned_label
from surefoot.steps import Rollouts
from surefoot.tasks import trails
from surefoot.tasks.toy import ToyWorld

each_recipe = pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
NO_SYSTEM = {"oracle", "calculator"}  # checks, not published ways to label
OTHER_CONSENSUS = {"consensus"}  # of results between solutions; `recipes` has that of sources
WORLD = ToyWorld(length=4, slip=0.3, recover=0.1)


def parts_of(count=6, **others):
    parts = sampled(WORLD.problems(1)[0], sample=WORLD.sample, check=WORLD.check, count=count)
    return replace(parts, **others)


def mute(problem, prefixes_P, *, count, rng, until="end"):
    return [[Completion((Step("hm"),)) for _ in range(count)] for _ in prefixes_P]


def alike(traces_N):
    return [StepScores(Kind.VALUE, (0.5,) * len(t.steps), "alike") for t in traces_N]


def each(work, items):
    return [work(item) for item in items]


def test_every_method_that_labels_belongs_to_a_system():
    used = {method for recipe in RECIPES for method in recipe.methods}
    assert used | NO_SYSTEM | OTHER_CONSENSUS == set(METHODS)
    assert not used & (NO_SYSTEM | OTHER_CONSENSUS)


def test_a_system_has_a_file_of_its_name():
    folder = ROOT / "src/surefoot/recipes/labelling"
    files = {path.stem for path in folder.glob("*.py")} - {"__init__", "recipe"}
    names = [recipe.name for recipe in RECIPES]
    assert sorted(files) == sorted(names)


@each_recipe
def test_its_text_is_whole(recipe):
    assert re.fullmatch(r"\d{4}\.\d{5}|ours", recipe.paper)
    assert (ROOT / "docs" / recipe.page).is_file()
    assert recipe.claims.endswith(".")
    assert recipe.deviations.endswith(".")
    assert "\n" not in recipe.about


@each_recipe
def test_its_known_answers_are_tested(recipe):
    assert recipe.checks
    for check in recipe.checks:
        file, _, name = check.partition("::")
        tree = ast.parse((ROOT / "tests/annotate" / file).read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@each_recipe
def test_it_gives_one_label_a_step(recipe):
    labelled = recipe.label(parts_of(judge=mute, score=alike, tests={"runs": lambda _: True}))
    assert all(len(item.labels) == len(item.trace.steps) for item in labelled)
    left_out = {"rise", "prl_coder", "consensus"}  # nothing to edit, nor to agree on
    assert bool(labelled) == (recipe.name not in left_out)


@pytest.mark.parametrize("recipe", [r for r in RECIPES if r.needs], ids=lambda recipe: recipe.name)
def test_what_it_needs_is_asked_for(recipe):
    with pytest.raises(InputError, match=r"judge|verifier|tests"):
        recipe.label(parts_of())


def test_what_a_tree_cost_holds_the_rollouts_that_valued_it():
    [alphamath] = [recipe for recipe in RECIPES if recipe.name == "alphamath"]
    parts = parts_of()
    labelled = alphamath.label(parts)
    assert labelled[0].usage.calls > parts.rollouts.usage.calls > 0
    assert not any(item.usage.calls for item in labelled[1:])


def test_spare_reads_the_shortest_right_solution():
    """The reference shown is the right one of fewest steps; without one, nothing is labelled."""
    shown = []

    def judge(problem, prefixes_P, *, count, rng, until="end"):
        shown.append(problem.text)
        return mute(problem, prefixes_P, count=count, rng=rng)

    problem = Problem("p", "?", "5")
    long = Trace(problem, (Step("one"), Step("two"), Step("five")), "5", Verdict.CORRECT)
    short = Trace(problem, (Step("at once"),), "5", Verdict.CORRECT)
    wrong = Trace(problem, (Step("no"),), "6", Verdict.WRONG)
    parts = parts_of(problem=problem, judge=judge)
    spare.label(replace(parts, traces_N=[long, short, wrong]))
    assert all("at once" in text for text in shown)
    assert spare.label(replace(parts, traces_N=[wrong])) == []


def test_rise_breaks_right_solutions_by_the_exact_checker():
    [problem] = trails.problems("train", 1, level="easy")
    right = Trace(problem, tuple(map(Step, trails.solve(trails.read(problem.text)))))
    right = replace(right, verdict=Verdict.CORRECT)
    parts = parts_of(problem=problem, traces_N=[right, replace(right, verdict=Verdict.WRONG)])
    [broken] = rise.label(replace(parts, check_steps=trails.check_steps))
    assert trails.first_error(problem, broken.trace) == len(broken.labels) - 1


def test_programs_are_mutated_by_their_tests():
    program = Trace(Problem("p", "?"), (Step("x = 1"),), verdict=Verdict.CORRECT)
    parts = parts_of(traces_N=[program], tests={"is one": lambda text: text == "x = 1"})
    values = [item.labels[-1].value for item in prl_coder.label(parts)]
    assert values == [0, 0]  # x = 2 and x = 0


def test_surefoot_learns_only_from_enough_traces():
    asked = []

    def noted(work, items):
        asked.append(len(items))
        return each(work, items)

    parts = parts_of(FEWEST_TO_LEARN_FROM)
    drawn = [replace(t, steps=tuple(replace(s, ids=(1,), logprobs=(-0.1,)) for s in t.steps))
             for t in parts.traces_N]  # fmt: skip
    learned_label([replace(parts, traces_N=drawn[:-1])], noted)
    assert not asked
    label = learned_label([replace(parts, traces_N=drawn)], noted)
    assert asked == [FEWEST_TO_LEARN_FROM]
    assert len(label(replace(parts, traces_N=drawn[:2]))) == 2


def test_solutions_are_those_of_their_seed_and_rollouts_are_shared():
    parts = parts_of()
    assert list(parts.traces_N) == list(parts_of().traces_N)
    labelled = math_shepherd.label(parts)
    assert sum((item.usage.calls for item in labelled), 0) == parts.rollouts.usage.calls
    assert isinstance(parts.rollouts, Rollouts)
