"""Training records of refinement systems: by hand, and on trails with the exact checker."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.annotate import sorm
from surefoot.core.errors import InputError
from surefoot.core.types import Problem, Step, Trace, Verdict
from surefoot.improve import Preference
from surefoot.recipes.refinement import agent_r, glore, progressive, s3c_math, super_correct
from surefoot.recipes.refinement.auto_math_critique import (
    Critique,
    train_time,
    tries_by_hardness,
    useful,
)
from surefoot.search.critique import continued
from surefoot.search.refinement import Remark
from surefoot.steps import Rollouts, sample_traces
from surefoot.tasks import trails
from surefoot.tasks.toy import ToyWorld

PROBLEM = Problem("p", "How many?", "4")


def trace(*texts, right=None, answer=None):
    verdict = {True: Verdict.CORRECT, False: Verdict.WRONG, None: None}[right]
    return Trace(PROBLEM, tuple(map(Step, texts)), answer, verdict)


def texts_of(steps):
    return [step.text for step in steps]


def learnt(lesson):
    return [s.text for s, m in zip(lesson.steps, lesson.learnt_S, strict=True) if m]


# --- GLoRe --------------------------------------------------------------------------


def test_glore_pairs_wrong_drafts_with_the_closest_right_solution():
    near, far = trace("a", "b", "d", right=True), trace("x", "y", "z", right=True)
    drafts = [trace("a", "b", "c", right=False), trace("x", "c", "z", right=False)]
    found = glore.global_lessons([*drafts, far, near, trace("?")])
    assert [texts_of(lesson.steps) for lesson in found] == [["a", "b", "d"], ["x", "y", "z"]]
    assert found[0].problem.text == "How many?\n\nA first try:\na\nb\nc"
    assert all(all(lesson.learnt_S) for lesson in found)
    assert len(glore.global_lessons([*drafts, far, near], targets=lambda _, right: right)) == 4
    assert glore.global_lessons(drafts) == glore.global_lessons([near]) == []


def test_a_local_lesson_goes_on_from_before_the_tag():
    draft = trace("a", "bad", "c", right=False)
    ends = [trace("a", "good", "d", right=True), trace("a", "no", right=False)]
    [lesson] = glore.local_lessons(draft, 1, ends)
    assert lesson.problem.text == "How many?\n\nA first try:\na\n[BAD] bad\nc"
    assert texts_of(lesson.steps) == ["a", "good", "d"]
    assert learnt(lesson) == ["good", "d"]


def test_a_sorm_of_one_rollout_is_an_orm_of_prefixes():
    """K = 1: the label of a prefix is the outcome of its one rollout, carried back; the last
    step's is the solution's own."""
    world = ToyWorld(length=5, slip=0.3, recover=0.1)
    for problem in world.problems(10):
        rng = np.random.default_rng(0)
        [solution] = sample_traces(
            problem, sample=world.sample, check=world.check, count=1, rng=rng
        )
        rollouts = Rollouts(problem, sample=world.sample, check=world.check)
        hard = [label.hard for label in sorm(solution, rollouts=rollouts, completions=1).labels]
        drawn = rollouts([solution.steps[: t + 1] for t in range(4)], 1)
        ends = [end.verdict is Verdict.CORRECT for [end] in [*drawn, [solution]]]
        assert hard == [any(ends[t:]) for t in range(5)]


# --- AutoMathCritique ---------------------------------------------------------------


WORLD = ToyWorld(length=3, slip=0.5, recover=0.0)
LOOP = {"sample": WORLD.sample, "check": WORLD.check, "how": continued, "samples": 6}


def test_a_null_critic_is_rejection_sampling():
    for problem in WORLD.problems(10):
        taught = train_time(problem, critic=lambda *_: None, rng=np.random.default_rng(3), **LOOP)
        plain = sample_traces(
            problem, sample=WORLD.sample, check=WORLD.check, count=6, rng=np.random.default_rng(3)
        )
        right = [t.steps for t in plain if t.verdict is Verdict.CORRECT]
        assert [lesson.steps for lesson in taught.lessons] == right
        assert taught.usage.policy_tokens == sum(t.tokens for t in plain)
        assert taught.critiques == ()


def test_mended_solutions_teach_twice_and_hard_problems_try_more():
    def critic(desk, draft):
        return Remark(WORLD.first_error(draft.trace.steps), "here")

    seen = set()
    for problem in WORLD.problems(30):
        taught = train_time(problem, critic=critic, rng=np.random.default_rng(5), **LOOP)
        shown = [lesson for lesson in taught.lessons if "here" in lesson.problem.text]
        mended = sum(c.successes for c in taught.critiques)
        right = 6 - len(taught.critiques)
        assert len(shown) == mended
        assert len(taught.lessons) == right + 2 * mended
        assert {c.tries for c in taught.critiques} <= {tries_by_hardness(right, 6)}
        seen |= {c.tries for c in taught.critiques}
        for lesson in taught.lessons:
            assert texts_of(lesson.steps) == ["good"] * 3
    assert seen == {2}  # a world that is right one time in eight is hard
    assert tries_by_hardness(3, 6) == 1


def test_critiques_are_kept_by_what_they_achieve():
    counts = {"vain": (0, 4), "rare": (1, 4), "good": (2, 4), "untried": (0, 0)}
    critiques = [Critique(trace("a"), Remark(0, word), *n) for word, n in counts.items()]
    assert [c.remark.words for c in useful(critiques)] == ["good"]
    assert [c.remark.words for c in useful(critiques, 0.2)] == ["rare", "good"]
    assert [c.remark.words for c in useful(critiques, 0.25)] == ["good"], "over, not at"


# --- SuperCorrect -------------------------------------------------------------------


def writes(*texts):
    return lambda draft, first, attempt: tuple(map(Step, texts))


def test_a_cross_pair_begins_at_the_first_error():
    draft = trace("a", "bad", "worse", right=False)
    found = super_correct.cross_pair(
        draft, 1, teacher=writes("Cause: b", "good"), student=writes("bad again"),
        inspect=lambda *_: True,
    )  # fmt: skip
    expected = tuple(
        tuple(map(Step, side)) for side in (["a"], ["Cause: b", "good"], ["bad again"])
    )
    assert found == Preference(PROBLEM, *expected)
    assert [lesson.learnt_S for lesson in found.lessons()] == [(False, True, True), (False, True)]


def test_the_inspector_decides_which_correction_is_taken():
    def teacher(draft, first, attempt):
        return (Step(f"attempt {attempt}"),)

    def pair(good, rounds=3):
        return super_correct.cross_pair(
            trace("a", "b"), 1, teacher=teacher, student=writes("attempt 1"), rounds=rounds,
            inspect=lambda draft, first, steps: steps[0].text == f"attempt {good}",
        )  # fmt: skip

    assert texts_of(pair(2).chosen) == ["attempt 2"]
    assert pair(1) is None  # the student says the same
    assert pair(3) is None  # too late
    with pytest.raises(InputError, match="one of the 1 steps of problem 'p', got 1"):
        super_correct.cross_pair(
            trace("a"), 1, teacher=teacher, student=teacher, inspect=lambda *_: True
        )


def test_a_template_has_a_thought_above_each_step():
    lesson = super_correct.template(trace("2 + 2 = 4"), ["Add."])
    assert texts_of(lesson.steps) == ["<Thought>Add.</Thought>", "<Step>2 + 2 = 4</Step>"]
    with pytest.raises(InputError, match="each of 1 steps, got 2"):
        super_correct.template(trace("a"), ["b", "c"])


# --- S3c-Math -----------------------------------------------------------------------

solutions = st.lists(st.sampled_from("abcdef"), min_size=1, max_size=6)


@given(solutions, st.data())
def test_without_what_was_put_in_it_is_the_original(texts, data):
    place = data.draw(st.integers(0, len(texts) - 1))
    lesson = s3c_math.with_reflection(trace(*texts), place, "wrong", "Wait.")
    steps = texts_of(lesson.steps)
    assert steps[place : place + 2] == ["wrong", "Wait."]
    assert steps[:place] + steps[place + 2 :] == texts


@given(solutions, st.data())
def test_the_mask_is_off_exactly_on_the_injected_step(texts, data):
    place = data.draw(st.integers(0, len(texts) - 1))
    lesson = s3c_math.with_reflection(trace(*texts), place, "wrong", "Wait.")
    assert [i for i, m in enumerate(lesson.learnt_S) if not m] == [place]


def test_wrong_steps_are_those_that_were_written_there():
    right = trace("a", "b", "c", right=True)
    wrong = [trace("a", "x", "c", right=False), trace("a", "x", "y", right=False), trace("z")]
    found = s3c_math.lessons(
        [right, *wrong], [None, 1, 1, None], rng=np.random.default_rng(0), reflections=["Wait."]
    )
    assert [texts_of(lesson.steps) for lesson in found] == [["a", "x", "Wait.", "b", "c"]]


def test_a_step_is_no_error_of_itself():
    with pytest.raises(InputError, match="another text than its own"):
        s3c_math.with_reflection(trace("a"), 0, "a", "Wait.")


# --- Agent-R ------------------------------------------------------------------------


@given(st.lists(st.sampled_from("ab"), min_size=1, max_size=8),
       st.lists(st.sampled_from("ab"), min_size=1, max_size=8), st.data())  # fmt: skip
def test_a_splice_never_goes_past_the_first_bad_step(bad_texts, good_texts, data):
    """Every step of a run is told apart by its place, so that its origin can be seen."""
    bad = trace(*(f"{x}{i}" for i, x in enumerate(bad_texts)))
    good = trace(*(f"{x}{i}" for i, x in enumerate(good_texts)))
    shared = next(
        (t for t, (a, b) in enumerate(zip(bad.steps, good.steps, strict=False)) if a != b),
        min(len(bad.steps), len(good.steps)),
    )
    place = data.draw(st.integers(0, len(bad.steps) - 1))
    if place < shared:
        with pytest.raises(InputError, match="expected a bad step after them"):
            agent_r.spliced(bad, good, place)
        return
    lesson = agent_r.spliced(bad, good, place, thought="Wait.")
    middle = texts_of(lesson.steps).index("Wait.")
    assert middle == place + 1
    assert lesson.steps[:middle] == bad.steps[: place + 1]
    assert lesson.steps[middle + 1 :] == good.steps[shared:]
    assert learnt(lesson) == ["Wait.", *texts_of(good.steps[shared:])]


def test_runs_are_paired_by_value_and_cut_where_the_actor_says():
    runs = [trace("a", "b", "c"), trace("a", "x", "y"), trace("a")]
    assert agent_r.pairs(runs, [0.9, 0.3, 0.1]) == [(runs[1], runs[0])]
    assert agent_r.pairs(runs, [0.9, 0.75, 0.1]) == []  # too little between them
    assert agent_r.pairs(runs, [0.4, 0.1, 0.1]) == []  # no good one

    def is_bad(run, step):
        return {"x": None, "y": True}.get(run.steps[step].text, False)

    [lesson] = agent_r.revisions(runs, [0.9, 0.3, 0.1], is_bad=is_bad)
    assert texts_of(lesson.steps) == ["a", "x", "y", agent_r.THOUGHT, "b", "c"]
    assert agent_r.revisions(runs, [0.9, 0.3, 0.1], is_bad=lambda *_: None) == []


def test_a_spliced_solution_is_valid_again_after_the_thought():
    """Replayed by trails' exact checker: all of the good part is right where it now stands."""
    for problem in trails.problems("train", 20, level="easy"):
        good = Trace(problem, tuple(map(Step, trails.solve(trails.read(problem.text)))))
        bad = replace(good, steps=(*good.steps[:1], Step(good.steps[1].text + "1"), Step("oh")))
        first = trails.first_error(problem, bad)
        place = agent_r.first_bad(bad, lambda run, t, first=first: t >= first)
        lesson = agent_r.spliced(bad, good, place)
        flaws = trails.check_steps(problem, Trace(problem, lesson.steps))
        assert [flaw is None for flaw in flaws] == [
            True,
            False,
            False,
            *[True] * (len(good.steps) - 1),
        ]


# --- Progressive Thought Refinement -------------------------------------------------


def test_drafts_are_shown_and_only_the_answer_is_learnt():
    lesson = progressive.lesson([trace("t1", "d1"), trace("d2")], trace("a", "b"))
    assert texts_of(lesson.steps) == ["t1", "d1", "d2", "a", "b"]
    assert learnt(lesson) == ["a", "b"]


def test_without_its_other_terms_the_loss_is_masked_fine_tuning():
    assert progressive.loss(1.7, 5.0, 9.0) == 1.7
    assert progressive.loss(1.0, 2.0, 3.0, weights=(1, 0.5, 0.1)) == pytest.approx(2.3)
    with pytest.raises(InputError, match="0 or more"):
        progressive.loss(1.0, weights=(1, -1, 0))


def test_drafts_are_worse_and_still_alike():
    drafts = [trace("weak"), trace("strong"), trace("other")]
    worth = {"weak": 0.2, "strong": 0.9, "other": 0.1, "best": 0.8}

    def alike(draft, answer):
        return 0.0 if draft.text == "other" else 1.0

    kept = progressive.selected(drafts, trace("best"), lambda t: worth[t.text], alike=alike)
    assert [d.text for d in kept] == ["weak"]
