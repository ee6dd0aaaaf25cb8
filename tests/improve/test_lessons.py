"""Lessons: masks end where steps end, prefixes get no gradient, the DPO loss by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.core.errors import InputError
from surefoot.core.types import Problem, Step
from surefoot.improve import Lesson, Preference, after, dpo_loss, inserted, masked, whole

torch = pytest.importorskip("torch", reason="needs surefoot[models]")
from surefoot.policy.local import load_policy  # noqa: E402

PROBLEM = Problem("p", "Mia has 14 coins. How many coins does Mia have?", "14")
texts = st.lists(
    st.text("ab 12+=.", min_size=1, max_size=12).filter(str.strip), min_size=1, max_size=6
)


@pytest.fixture(scope="module")
def encoder():
    return load_policy("pebble").encoder


def steps_of(*words):
    return tuple(map(Step, words))


def learnt_text(lesson, encoder):
    found = masked(lesson, encoder)
    kept = [i for i, m in zip(found.ids, found.mask, strict=True) if m]
    return encoder.tokenizer.decode(kept, skip_special_tokens=True)


@given(texts, st.data())
def test_exactly_the_learnt_steps_have_loss(encoder, words, data):
    marks = data.draw(st.lists(st.booleans(), min_size=len(words), max_size=len(words)).filter(any))
    lesson = Lesson(PROBLEM, steps_of(*words), tuple(marks))
    found = masked(lesson, encoder)
    assert len(found.ids) == len(found.mask)
    learnt = "".join(f"{w}\n" for w, mark in zip(words, marks, strict=True) if mark)
    assert learnt_text(lesson, encoder) == learnt
    assert found.ids[-1] == encoder.tokenizer.eos_token_id
    assert found.mask[-1] == marks[-1]
    assert not any(found.mask[: len(encoder.prompt(PROBLEM))])


def test_what_does_not_fit_has_no_end(encoder):
    from dataclasses import replace

    short = replace(encoder, max_tokens=len(encoder.prompt(PROBLEM)) + 8)
    found = masked(whole_of("a = 1", "b = 2", "c = 3"), short)
    assert found.dropped > 0
    assert found.ids[-1] != encoder.tokenizer.eos_token_id
    assert len(found.ids) == len(found.mask) <= short.max_tokens


def whole_of(*words):
    return after(PROBLEM, (), steps_of(*words))


def test_insertion_and_its_inverse():
    lesson = inserted(steps_of("a"), ["x", "y"], steps_of("b", "c"), PROBLEM)
    assert lesson.learnt_S == (True, False, False, True, True)
    kept = [s.text for s, mark in zip(lesson.steps, lesson.learnt_S, strict=True) if mark]
    assert kept == ["a", "b", "c"]


def test_a_shown_problem_replaces_its_own():
    from surefoot.core.types import Trace

    shown = Problem("p", "other words", "14")
    assert whole(Trace(PROBLEM, steps_of("a")), shown).problem is shown
    assert whole(Trace(PROBLEM, steps_of("a"))).problem is PROBLEM


def test_nothing_to_learn_is_refused():
    with pytest.raises(InputError, match="2 steps and 1 marks"):
        Lesson(PROBLEM, steps_of("a", "b"), (True,))
    with pytest.raises(InputError, match="0 of them to learn"):
        Lesson(PROBLEM, steps_of("a"), (False,))


def test_a_preference_has_no_gradient_before_its_first_own_token(encoder):
    """SuperCorrect's property: the logits that predict tokens before s_k get exactly zero."""
    pair = Preference(
        PROBLEM, steps_of("Mia = 14"), steps_of("Sam = 15"), steps_of("Sam = 16", "oh")
    )
    torch.manual_seed(0)
    sides, first = [], None
    for lesson in pair.lessons():
        found = masked(lesson, encoder)
        ids = torch.tensor(found.ids)
        logits = torch.randn(len(ids), len(encoder.tokenizer), requires_grad=True)
        logprobs = logits[:-1].log_softmax(-1).gather(-1, ids[1:, None])[:, 0]
        ratio = (logprobs * torch.tensor(found.mask[1:])).sum()
        first = found.mask.index(True)
        sides.append((logits, ratio, first))
    assert sides[0][2] == sides[1][2]
    dpo_loss(sides[0][1], sides[1][1]).backward()
    for logits, _, first in sides:
        assert not logits.grad[: first - 1].any()
        assert logits.grad[first - 1].any()


def test_dpo_by_hand():
    zero = torch.tensor(0.0)
    assert float(dpo_loss(zero, zero)) == pytest.approx(math.log(2))
    assert float(dpo_loss(zero + 3, zero - 1, beta=0.5)) == pytest.approx(
        math.log(1 + math.exp(-2))
    )
