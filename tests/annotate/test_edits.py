"""Edits: each way by hand, no-ops refused, and first errors that an exact checker confirms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from judges import trace_of

from surefoot.annotate.calculator import calculator
from surefoot.annotate.edit_texts import EDITS, Scene, swap_terms
from surefoot.annotate.edits import by_checker, by_recomputation, edited, inject
from surefoot.core.errors import InputError
from surefoot.core.types import Kind, Step, Trace, Verdict
from surefoot.tasks import game24, gsm, trails

ABOVE_1, NOT_2 = range(2, 10), (1, *range(3, 10))
CHECKED = by_checker(trails.check_steps)


def right_trail(index=0, level="easy"):
    problem = trails.problems("train", index + 1, level=level)[index]
    steps = tuple(map(Step, trails.solve(trails.read(problem.text))))
    return Trace(problem, steps, problem.gold, Verdict.CORRECT)


def outcomes(name, text, around=(), seeds=200):
    """All that an edit makes of a text."""
    scene = Scene.of(text, around)
    return {EDITS[name](scene, np.random.default_rng(seed)) for seed in range(seeds)}


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("substitute", "He pays 4 - 1 = 3.", {"He pays 7 - 1 = 6.", "He pays 4 - 7 = -3."}),
        ("delete_term", "9 - 3 - 4 = 2 eggs", {"9 - 3 = 6 eggs", "9 - 4 = 5 eggs"}),
        ("delete_term", "9 - 3 = 6", {None}),  # "9 = 9" says nothing
        ("delete_term", "x = y - 3 = 9 - 3 = 6", {"x = y - 3 = 9 = 9"}),
        ("change_operator", "9 / 3 = 3", {"9 * 3 = 27", "9 - 3 = 6", "9 + 3 = 12"}),
        ("change_operator", "7 + 3 = 10", {"7 - 3 = 4", "7 * 3 = 21", None}),  # 7 / 3 is no decimal
        ("swap_terms", "9 - 3 = $6, so $6 each", {"3 - 9 = -$6, so -$6 each"}),
        ("swap_terms", "9 + 3 = 12", {None}),
        ("misread", "Sam = Mia + 5 = 14 + 5 = 19", {"Sam = Mia - 5 = 14 - 5 = 9"}),
        ("misread", "5 more make 14 + 5 = 19", {"5 fewer make 14 - 5 = 9"}),
        ("misread", "That makes 14 + 5 = 19", {None}),
        ("misread", "A well-read man lost 9 - 3 = 6", {"A well-read man gained 9 + 3 = 12"}),
        ("change_values", "1 * 2 = 2", {f"{a} * {b} = {a * b}" for a in ABOVE_1 for b in NOT_2}),
    ],
)  # fmt: skip
def test_edits_by_hand(name, text, expected):
    assert outcomes(name, text, around=("There are $7 here",), seeds=2000) == expected


def test_one_digit_changes_and_nothing_else():
    text = "Then 3 - 1 = 2, and 1."
    found = outcomes("change_value", text)
    differ = [
        [i for i, (a, b) in enumerate(zip(text, new, strict=True)) if a != b] for new in found
    ]
    assert all(len(places) == 1 and text[places[0]] in "312" for places in differ)
    assert {places[0] for places in differ} == {5, 9, 13}  # the calculation's own numbers


@given(st.integers(0, 500), st.integers(0, 9))
def test_injected_errors_are_first_errors(seed, index):
    right = right_trail(index)
    labelled = inject(right, confirm=CHECKED, rng=np.random.default_rng(seed))
    broken, at = labelled.trace, int(labelled.notes["step"])
    assert len(broken.steps) == len(labelled.labels) == at + 1
    assert trails.first_error(broken.problem, broken) == at
    assert [label.value for label in labelled.labels] == [1.0] * at + [0.0]
    assert {(label.kind, label.by) for label in labelled.labels} == {(Kind.CORRECTNESS, "edit")}
    assert broken.steps[:-1] == right.steps[:at]
    assert broken.steps[-1].text != labelled.notes["was"] == right.steps[at].text
    assert labelled.notes["edit"] in EDITS
    assert (broken.answer, broken.verdict, broken.finished) == (None, None, False)


def test_every_edit_finds_work_on_trails():
    rng = np.random.default_rng(0)
    traces = [right_trail(index, "middle") for index in range(8)]
    made = {
        name: sum(
            edited(trace, step, name, confirm=CHECKED, rng=rng) is not None
            for trace in traces
            for step in range(len(trace.steps))
        )
        for name in EDITS
    }
    assert min(made.values()) >= 5


def test_what_changes_nothing_is_refused():
    def reverse_a_sum(scene, rng):
        return scene.text.replace("14 + 5", "5 + 14")

    right = trace_of("She has 14 + 5 = 19 coins.")
    edits = {"reverse_a_sum": reverse_a_sum, "none": lambda scene, rng: scene.text}
    rng = np.random.default_rng(0)
    assert inject(right, confirm=by_recomputation, rng=rng, edits=edits) is None
    assert inject(right, confirm=lambda *_: True, rng=rng, edits={"none": edits["none"]}) is None
    assert swap_terms(Scene.of("7 - 7 = 0", ()), rng) == "7 - 7 = 0"


def test_an_error_before_the_edit_is_not_the_first():
    right = right_trail()
    wrong_start = right.with_steps((Step("Nobody = 1"), *right.steps[1:]))
    rng = np.random.default_rng(0)
    found = inject(wrong_start, confirm=CHECKED, rng=rng)
    assert found is None or found.notes["step"] == "0"
    false_start = trace_of("1 + 1 = 3", "2 + 2 = 4")
    assert edited(false_start, 1, "change_value", confirm=by_recomputation, rng=rng) is None


@pytest.mark.parametrize(
    ("was", "now", "sure"),
    [
        ("3 + 4 = 7", "3 + 4 = 8", True),
        ("3 + 4 = 7", "3 * 4 = 12", True),
        ("3 + 4 = 7", "4 + 3 = 7", False),
        ("3 + 4 = 7", "Let us see.", False),
        ("The answer is 7", "The answer is 8", True),
        ("The answer is 7", "So the answer is 7", False),
        ("Seven more", "Seven fewer", False),  # wrong, but not by recomputation
    ],
)
def test_recomputation_is_sure_of_numbers_only(was, now, sure):
    assert by_recomputation(trace_of(was), trace_of(now)) is sure


def test_same_seed_same_edit():
    def made(seed):
        return inject(right_trail(), confirm=CHECKED, rng=np.random.default_rng(seed))

    assert made(1) == made(1)
    assert len({made(seed).trace.steps for seed in range(20)}) > 10


def test_solutions_that_end_wrongly_and_empty_ones():
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="'p' ends wrongly"):
        inject(trace_of("1 + 1 = 2", verdict=Verdict.WRONG), confirm=by_recomputation, rng=rng)
    assert inject(trace_of(), confirm=by_recomputation, rng=rng) is None


@given(st.lists(st.text(), max_size=4), st.integers(0, 99))
def test_any_text_can_be_tried(texts, seed):
    rng = np.random.default_rng(seed)
    found = inject(trace_of(*texts), confirm=by_recomputation, rng=rng)
    assert found is None or len(found.labels) == len(found.trace.steps)


def test_the_calculator_sees_the_edits_that_leave_the_result(data):
    """What it cannot see (the result follows) is what judges and rollouts are for."""
    rng = np.random.default_rng(0)
    traces = gsm.gsm8k_references(data / "gsm8k" / "test.jsonl.gz")[:200]
    for name, seen in (("change_value", 1.0), ("swap_terms", 0.0)):
        made = [edited(t, 0, name, confirm=by_recomputation, rng=rng) for t in traces]
        flags = [calculator(m.trace).labels[-1].hard is False for m in made if m is not None]
        assert len(flags) > 20
        assert np.mean(flags) == seen


@pytest.mark.parametrize("seed", range(20))
def test_any_task_with_an_exact_checker_can_be_edited(seed):
    puzzle = game24.problem_of_numbers("g", [4, 5, 6, 10])
    lines = ("10 - 4 = 6 (left: 5 6 6)", "5 * 6 = 30 (left: 30 6)", "30 - 6 = 24 (left: 24)")
    right = Trace(puzzle, tuple(map(Step, lines)))
    confirm = by_checker(game24.check_steps)
    broken = inject(right, confirm=confirm, rng=np.random.default_rng(seed)).trace
    flaws = game24.check_steps(puzzle, broken)
    assert flaws[-1] is not None
    assert not any(flaws[:-1])
