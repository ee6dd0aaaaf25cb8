"""Token quality: in the toy world a token is a step, so its exact quality is known."""

import math

import pytest

from surefoot.annotate import TokenChoice, rejoined, token_quality, triplets
from surefoot.core.budget import Budget
from surefoot.core.errors import InputError
from surefoot.core.types import Kind, Problem, Step, StepLabel, Trace, Verdict
from surefoot.steps import Rollouts
from surefoot.tasks.toy import ToyWorld

WORLD = ToyWorld(length=4, slip=0.3, recover=0.2)


def cut(ids):
    return tuple(Step("good" if i else "bad", (i,)) for i in ids)


def candidates_of(world):
    def candidates(ids):
        good = 1 - world.slip if not ids or ids[-1] else world.recover
        return [(1, good), (0, 1 - good)]

    return candidates


def choices(world, word, completions=8, **settings):
    [problem] = world.problems(1)
    trace = Trace(problem, cut([int(letter == "g") for letter in word]))
    rollouts = Rollouts(problem, sample=world.sample, check=rejoined(world.check, cut))
    found = token_quality(
        trace, rollouts=rollouts, candidates=candidates_of(world), cut=cut,
        completions=completions, **settings,
    )  # fmt: skip
    return found, rollouts.usage


def test_qualities_are_the_exact_values():
    found, _ = choices(WORLD, "gbg", completions=1500)
    assert [(choice.position, choice.token) for choice in found] == [(0, 1), (1, 0), (2, 1)]
    for choice in found:
        assert list(choice.qualities) == [choice.token, 1 - choice.token], "the written one first"
        for token, label in choice.qualities.items():
            written = [1, 0, 1][: choice.position]
            value = WORLD.value(cut([*written, token]))
            deviation = math.sqrt(value * (1 - value) / label.tries)
            assert abs(label.value - value) <= 4 * deviation
            assert label.kind is Kind.VALUE


def test_a_good_token_beats_a_bad_one_and_a_bad_one_beats_nothing():
    found, _ = choices(WORLD, "gbgb", completions=400)
    assert triplets(found) == [(0, 1, 0), (2, 1, 0)]


def test_triplets_by_hand():
    def label(successes, tries=4):
        return StepLabel(Kind.VALUE, successes, tries, "rollout-4")

    first = TokenChoice(5, 7, {7: label(2), 8: label(1), 9: label(2), 3: label(3), 4: label(0, 0)})
    unread = TokenChoice(6, 7, {7: label(0, 0), 8: label(0)})
    assert triplets([first, unread]) == [(5, 7, 8)]


def test_a_single_plausible_token_costs_nothing():
    found, usage = choices(ToyWorld(length=4, slip=0.05, recover=0.05), "gggg")
    assert found == []
    assert usage.calls == 0


@pytest.mark.parametrize(("share", "found"), [(1 / 3, 1), (0.34, 0)])
def test_a_token_at_the_share_of_the_likeliest_is_plausible(share, found):
    assert len(choices(ToyWorld(length=1, slip=0.25), "g", plausible=share)[0]) == found


def test_an_implausible_token_that_was_written_is_compared_with_the_plausible_one():
    found, usage = choices(ToyWorld(length=4, slip=0.05, recover=0.5), "bg")
    assert [(choice.position, set(choice.qualities)) for choice in found] == [
        (0, {0, 1}),
        (1, {0, 1}),
    ]
    assert usage.calls == 4 * 8


@pytest.mark.parametrize("calls", [0, 15, 16, 31, 32, 40])
def test_a_budget_is_never_exceeded_and_what_was_found_is_kept(calls):
    found, usage = choices(WORLD, "gbg", budget=Budget(calls=calls))
    assert usage.calls == calls // 16 * 16
    assert found == choices(WORLD, "gbg")[0][: calls // 16]


def test_a_broken_step_is_checked_whole():
    """A prefix that ends within "The answer is 5" leaves "is 5" for a step of its own."""
    words = {1: "The answer", 2: "is", 3: "5", 4: "6"}

    def cut_words(ids):
        return (Step(" ".join(words[i] for i in ids), tuple(ids)),)

    def check(problem, trace):
        return Verdict.CORRECT if trace.answer == problem.gold else Verdict.WRONG

    problem = Problem("p", "?", gold="5")
    broken = Trace(problem, (Step("The answer", (1,)), Step("is 5", (2, 3))))
    assert rejoined(check, cut_words)(problem, broken) is Verdict.CORRECT
    wrong = Trace(problem, (Step("The answer is", (1, 2)), Step("6", (4,))), answer="5")
    assert rejoined(check, cut_words)(problem, wrong) is Verdict.WRONG


def test_a_trace_without_ids_is_refused():
    with pytest.raises(InputError, match="'p' has steps without token ids"):
        token_quality(
            Trace(Problem("p", "?"), (Step("a", (1,)), Step("b"))),
            rollouts=None, candidates=None, cut=None,
        )  # fmt: skip


@pytest.mark.slow
def test_a_language_model_continues_within_a_step():
    """Pebble on trails: prefixes end within a step, and the ends are read all the same."""
    torch = pytest.importorskip("torch", reason="needs surefoot[models]")
    from surefoot.policy.local import load_policy
    from surefoot.tasks import trails

    policy = load_policy("pebble")
    encoder, model = policy.encoder, policy.decoder.model
    problem = trails.problems("test", 1, level="easy")[0]
    texts = trails.solve(trails.read(problem.text))
    trace = Trace(problem, tuple(Step(text, encoder.step_ids(Step(text))) for text in texts))

    def cut_ids(ids):
        return encoder.cut(ids, (0.0,) * len(ids))

    def candidates_after(ids):
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([[*encoder.prompt(problem), *ids]])).logits
        top = torch.softmax(logits[0, -1].float(), -1).topk(8)
        return list(zip(top.indices.tolist(), top.values.tolist(), strict=True))

    rollouts = Rollouts(problem, sample=policy, check=rejoined(trails.check, cut_ids))
    found = token_quality(
        trace, rollouts=rollouts, candidates=candidates_after, cut=cut_ids,
        plausible=0.001, budget=Budget(calls=300),
    )  # fmt: skip
    assert found
    written = [choice.qualities[choice.token].value for choice in found]
    assert max(written) > 0.5
    inside = cut_ids(tuple(i for step in trace.steps for i in step.ids)[:-2])
    bare = Rollouts(problem, sample=policy, check=trails.check)
    verdicts = [[end.verdict for end in made([inside], 4)[0]] for made in (rollouts, bare)]
    assert verdicts == [[Verdict.CORRECT] * 4, [Verdict.WRONG] * 4], "124 broken to 12 and 4"
