"""Token guidance: known answers, identities, and the optimal policy of a small world."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.core.errors import InputError
from surefoot.search.token_guidance import (
    ending,
    ending_logits,
    llm2,
    llm2_logits,
    plausible,
    vas,
    vas_logits,
)

logits = st.lists(st.floats(-8, 8), min_size=1, max_size=12).map(np.array)


def llm2_token(*given, **settings):
    return int(np.argmax(llm2_logits(*given, **settings)))


def softmax(x):
    w = np.exp(np.array(x) - np.max(x))
    return w / w.sum()


def test_vas_by_hand():
    tilted = vas_logits(np.log([0.5, 0.5]), lambda ids: [1.0 - i for i in ids], beta=1.0)
    assert softmax(tilted) == pytest.approx([0.7311, 0.2689], abs=5e-5)


@given(logits, st.integers(1, 12), st.floats(-3, 3))
def test_vas_without_weight_is_the_policy_and_knows_no_constant(x, top, constant):
    def values(ids):
        return [math.sin(i) for i in ids]

    assert vas_logits(x, values, beta=0.0, top=top) == pytest.approx(x)
    shifted = vas_logits(x, lambda ids: [v + constant for v in values(ids)], beta=2.0, top=top)
    assert shifted == pytest.approx(vas_logits(x, values, beta=2.0, top=top))
    rest = np.argsort(-x, kind="stable")[top:]
    assert vas_logits(x, values, beta=2.0, top=top)[rest] == pytest.approx(x[rest])


def test_vas_with_the_right_values_is_the_best_policy_near_the_first():
    """pi*(path) ~ pi(path) exp(beta R(path)) where V(v) = (1/beta) log E exp(beta R | v)."""
    beta, pi = 1.5, {(): [0.6, 0.4], (0,): [0.3, 0.7], (1,): [0.8, 0.2]}
    reward = {(0, 0): 1.0, (0, 1): 0.0, (1, 0): 0.2, (1, 1): 2.0}

    def value(path):
        if len(path) == 2:
            return reward[path]
        return math.log(sum(p * math.exp(beta * value((*path, v))) for v, p in enumerate(pi[path]))
                        ) / beta  # fmt: skip

    def guided(path):
        judge = [value((*path, v)) for v in (0, 1)]
        return softmax(vas_logits(np.log(pi[path]), lambda ids: [judge[i] for i in ids], beta=beta))

    law = {(a, b): guided(())[a] * guided((a,))[b] for a in (0, 1) for b in (0, 1)}
    wanted = {(a, b): pi[()][a] * pi[(a,)][b] * math.exp(beta * reward[a, b]) for a, b in law}
    total = sum(wanted.values())
    assert law == pytest.approx({path: w / total for path, w in wanted.items()})


def test_plausible_tokens_by_hand():
    x = np.log([0.5, 0.3, 0.05, 0.049, 0.101])
    assert plausible(x, alpha=0.1) == [0, 1, 2, 4]
    assert plausible(x, alpha=1.0) == [0]
    for alpha in (0.0, 1.1, math.nan):
        with pytest.raises(InputError, match="alpha"):
            plausible(x, alpha=alpha)


@given(logits, st.floats(0.01, 1), st.floats(0, 50))
def test_llm2_never_leaves_the_plausible_and_is_greedy_at_one(x, alpha, beta):
    def rewards(ids):
        return [-float(x[i]) * 3 for i in ids]

    assert llm2_token(x, rewards, alpha=alpha, beta=beta) in plausible(x, alpha=alpha)
    assert x[llm2_token(x, rewards, alpha=1.0, beta=beta)] == x.max()
    assert x[llm2_token(x, rewards, alpha=alpha, beta=0.0)] == x.max()


def test_llm2_asks_only_where_there_is_a_choice():
    asked = []

    def rewards(ids):
        asked.append(list(ids))
        return [0.0, 4.0]

    assert llm2_token(np.log([0.98, 0.01, 0.01]), rewards) == 0
    assert not asked
    assert llm2_token(np.log([0.6, 0.399, 0.001]), rewards) == 1
    assert asked == [[0, 1]]


@pytest.mark.parametrize("said", [[1.0], [1.0, 2.0, 3.0], [math.nan, 1.0]])
def test_a_judge_of_tokens_owes_one_finite_number_each(said):
    for call in (
        lambda j: vas_logits(np.zeros(2), j, beta=1.0),
        lambda j: llm2_token(np.zeros(2), j),
    ):
        with pytest.raises(InputError, match="2 tokens were judged"):
            call(lambda _: said)
    with pytest.raises(InputError, match="top"):
        vas_logits(np.zeros(2), lambda ids: ids, beta=1.0, top=0)


# --- the end of thinking ------------------------------------------------------


def test_the_temperature_of_an_end_by_hand():
    """Odds of 1 : 99 become their root, 1 : 9.95; the others keep their ratio."""
    x = np.log([0.01, 0.66, 0.33])
    hot = softmax(ending_logits(x, [0], temperature=2.0))
    assert hot == pytest.approx([0.09132, 0.60579, 0.30289], abs=1e-5)
    cold = softmax(ending_logits(x, [0], temperature=0.5))
    assert cold[0] / (1 - cold[0]) == pytest.approx(1 / 99**2)
    two = softmax(ending_logits(np.log([0.01, 0.03, 0.96]), [0, 1], temperature=2.0))
    assert two[1] / two[0] == pytest.approx(3)
    assert (two[0] + two[1]) / two[2] == pytest.approx(math.sqrt(0.04 / 0.96))


@given(logits.filter(lambda x: len(x) > 1), st.floats(0.1, 9), st.floats(-5, 5))
def test_an_end_s_temperature_knows_no_constant_and_one_is_the_policy(x, heat, constant):
    assert ending_logits(x, [0], temperature=1.0) == pytest.approx(x)
    one, other = (softmax(ending_logits(y, [0], temperature=heat)) for y in (x, x + constant))
    assert one == pytest.approx(other)
    rarer = softmax(x)[0] < 0.5
    assert (one[0] >= softmax(x)[0] - 1e-12) == (rarer == (heat >= 1)) or heat == 1 or one[0] == 0.5


def test_ends_and_temperatures_that_cannot_be():
    for ends, heat in (([], 2.0), ([0, 1], 2.0), ([0], 0.0), ([0], -1.0), ([0], math.nan)):
        with pytest.raises(InputError, match=r"expected (a temperature above 0|1 to 1 tokens)"):
            ending_logits(np.zeros(2), ends, temperature=heat)


def test_once_ended_thinking_is_over():
    guide, x = ending([5], temperature=3.0), np.arange(6.0)
    assert guide((1, 2), x) == pytest.approx(ending_logits(x, [5], temperature=3.0))
    assert guide((1, 5, 2), x) is x


def test_the_end_of_a_chat_s_turn_is_not_the_end_of_its_answer():
    """Chat models end each turn of a prompt with the token that ends their text."""
    guide, x = ending([5], temperature=3.0, once=False), np.arange(6.0)
    assert guide((1, 5, 2), x) == pytest.approx(ending_logits(x, [5], temperature=3.0))


@pytest.mark.parametrize(
    ("guide", "settings"),
    [
        (vas, {"top": 0}), (vas, {"beta": math.nan}), (vas, {"beta": math.inf}),
        (llm2, {"alpha": 0.0}), (llm2, {"alpha": math.nan}), (llm2, {"beta": math.nan}),
        (ending, {"temperature": 0.0}), (ending, {"temperature": math.inf}),
    ],
)  # fmt: skip
def test_a_guide_s_settings_are_checked_before_a_token_is_drawn(guide, settings):
    with pytest.raises(
        InputError, match=f"{next(iter(settings))}.*{next(iter(settings.values()))}"
    ):
        guide([], **settings)


def test_guides_pass_on_what_was_written():
    asked = []

    def score(ids, tokens):
        asked.append((ids, list(tokens)))
        return [float(token) for token in tokens]

    x = np.log([0.5, 0.4, 0.1])
    assert vas(score, beta=1.0, top=2)((7, 8), x) == pytest.approx(x + np.array([-0.5, 0.5, 0.0]))
    assert llm2(score, alpha=0.5, beta=1.0)((9,), x) == pytest.approx([x[0], x[1] + 1, -np.inf])
    assert asked == [((7, 8), [0, 1]), ((9,), [0, 1])]
