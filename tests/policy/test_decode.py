"""The decoder says what the model says, and the same to everybody, whoever shares the batch."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs surefoot[models]")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from surefoot.core.errors import InputError, ModelError  # noqa: E402
from surefoot.policy.local_decode import Request, Sampling, draw  # noqa: E402


@pytest.fixture(scope="module")
def alone(decoder, requests):
    """Each request's reply when it is asked all by itself."""
    one = decoder(max_tokens=20)
    return [one.complete([request])[0] for request in requests]


def test_greedy_is_that_of_transformers(tiny, decoder, requests):
    model, tokenizer = tiny
    replies = decoder(temperature=0, max_tokens=12).complete(requests[:12])
    model.set_attn_implementation("eager")
    for request, reply in zip(requests, replies, strict=False):
        ids = model.generate(
            torch.tensor([request.ids]),
            attention_mask=torch.ones(1, len(request.ids), dtype=torch.long),
            max_new_tokens=12,
            do_sample=False,
            pad_token_id=tokenizer.pad_token_id,
        )[0]
        assert tuple(ids[len(request.ids) :].tolist()) == reply.ids


def test_log_probabilities_are_those_of_a_plain_forward_pass(tiny, requests, alone):
    model, _ = tiny
    model.set_attn_implementation("eager")
    for request, reply in list(zip(requests, alone, strict=True))[::4]:
        ids = torch.tensor([request.ids + reply.ids])
        with torch.no_grad():
            logprobs = model(ids).logits[0].log_softmax(-1)
        start = len(request.ids) - 1
        expected = logprobs[start:-1].gather(1, ids[0, start + 1 :, None])[:, 0]
        assert np.allclose(expected.numpy(), reply.logprobs, atol=1e-5)


@pytest.mark.parametrize("slots", [16, 32, 256])
def test_replies_are_equal_to_the_last_bit_for_any_number_of_slots(decoder, requests, alone, slots):
    assert decoder(slots, max_tokens=20).complete(requests) == alone


@settings(max_examples=12)
@given(st.permutations(range(40)), st.integers(1, 40), st.sampled_from([16, 32, 256]))
def test_replies_do_not_depend_on_who_shares_the_batch(
    decoder, requests, alone, order, count, slots
):
    chosen = order[:count]
    replies = decoder(slots, max_tokens=20).complete([requests[i] for i in chosen])
    assert replies == [alone[i] for i in chosen]


def test_pebble_says_the_same_to_everybody(pebble):
    """The shipped model, with prefixes that are nested, as the rollouts of a trace are."""
    from surefoot.tasks import trails

    problem, other = trails.problems("test", 2, level="easy")
    rng = np.random.default_rng(0)
    [[whole]] = pebble(problem, [()], count=1, rng=rng)
    prefixes = [whole.steps[:n] for n in range(3)]
    ids = [pebble.encoder.prefix_ids(problem, p) for p in prefixes]
    ids.append(pebble.encoder.prefix_ids(other, ()))
    asked = [Request(i, seed, "end") for seed, i in enumerate(ids * 5)]
    together = pebble.decoder.complete(asked)
    assert together[7] == pebble.decoder.complete(asked[7:8])[0]
    assert together[2:12] == pebble.decoder.complete(asked[2:12])


def test_equal_and_nested_prefixes_are_read_once(tiny, decoder, monkeypatch):
    model, _ = tiny
    body, read = model.base_model, []
    forward = type(body).forward

    def counted(self, input_ids=None, **settings):
        if input_ids.shape[1] > 1:
            read.append(tuple(input_ids.shape))
        return forward(self, input_ids=input_ids, **settings)

    monkeypatch.setattr(type(body), "forward", counted)
    trunk = tuple(range(3, 43))
    prefixes = [trunk[:n] for n in (5, 10, 20, 41)] * 8 + [(*trunk[:10], 99, 98)] * 8
    one = decoder(slots=64, max_tokens=2)
    one.complete([Request(ids, seed, "end") for seed, ids in enumerate(prefixes)])
    assert read == [(2, 48)]  # the trunk and the branch, in one pass, padded to 16s


def test_one_model_step_a_token(tiny, decoder, requests, monkeypatch):
    """30 requests that fit the slots, 9 tokens each: 9 steps, whatever their lengths."""
    model, _ = tiny
    steps, forward = [], type(model).forward

    def counted(self, input_ids=None, **settings):
        steps.append(len(input_ids))
        return forward(self, input_ids=input_ids, **settings)

    monkeypatch.setattr(type(model), "forward", counted)
    replies = decoder(slots=32, max_tokens=9).complete(requests[:30])
    assert len(steps) == max(len(reply.ids) for reply in replies) == 9
    assert set(steps) <= {16, 32}


def test_max_tokens_and_the_context_end_a_text_unfinished(tiny, decoder):
    model, _ = tiny
    limit = model.config.max_position_embeddings
    long = tuple(range(3, 13)) * 25
    assert len(long) < limit
    [reply] = decoder(max_tokens=100).complete([Request(long, 0, "end")])
    assert len(reply.ids) == limit - len(long)
    assert not reply.finished
    for most in (1, 5):
        [reply] = decoder(max_tokens=most).complete([Request((5, 6), 1, "end")])
        assert len(reply.ids) == len(reply.logprobs) == most


@pytest.mark.parametrize("ids", [(), tuple(range(3, 13)) * 26])
def test_a_prefix_that_does_not_fit_is_refused_with_a_cure(decoder, ids):
    with pytest.raises(ModelError, match=r"1 to 255 tokens .* got \[\d+\]; .*longer context"):
        decoder(max_tokens=5).complete([Request((5,), 0, "end"), Request(ids, 0, "end")])


def test_nothing_asked_nothing_answered(decoder):
    assert decoder().complete([]) == []


def test_an_end_token_ends_the_text(tiny, requests):
    """Every second token is declared an end: texts stop at the first of those."""
    from surefoot.policy.local_decode import Decoder

    model, _ = tiny
    ends = frozenset(range(0, model.config.vocab_size, 2))
    one = Decoder(
        model, sampling=Sampling(max_tokens=50), end_ids=ends, ends_step=lambda _: False, slots=16
    )
    for reply in one.complete(requests):
        assert reply.finished
        assert reply.ids[-1] in ends
        assert not ends & set(reply.ids[:-1])


# --- one draw, by hand -----------------------------------------------------

PROBS = [0.5, 0.2, 0.3]


@pytest.mark.parametrize(
    ("uniform", "sampling", "token"),
    [
        (0.0, Sampling(), 0),
        (0.49, Sampling(), 0),
        (0.51, Sampling(), 1),
        (0.69, Sampling(), 1),
        (0.71, Sampling(), 2),
        (0.999999, Sampling(), 2),
        (0.999999, Sampling(temperature=0), 0),
        # squares .25 .04 .09 of .38: the first ends at .658, the second at .763
        (0.65, Sampling(temperature=0.5), 0),
        (0.70, Sampling(temperature=0.5), 1),
        (0.80, Sampling(temperature=0.5), 2),
        # .5 alone is not .6 of the whole, with .3 it is: 0 until .625, then 2
        (0.62, Sampling(top_p=0.6), 0),
        (0.63, Sampling(top_p=0.6), 2),
        (0.999999, Sampling(top_p=0.4), 0),
    ],
)
def test_draws_by_hand(uniform, sampling, token):
    """The log-probability is that at temperature 1, however the token was drawn."""
    logits = torch.tensor([PROBS]).log() + 3.0
    tokens, logprobs = draw(logits, np.array([uniform]), sampling)
    assert tokens == [token]
    assert logprobs == pytest.approx([np.log(PROBS[token])], abs=1e-6)


def test_many_draws_have_the_model_s_distribution():
    count = 20_000
    uniforms = np.random.default_rng(0).random(count)
    tokens, _ = draw(torch.tensor([PROBS]).log().expand(count, 3), uniforms, Sampling())
    shares = np.bincount(tokens) / count
    assert np.abs(shares - PROBS).max() < 4 * np.sqrt(0.25 / count)


def test_a_token_without_probability_is_never_drawn():
    logits = torch.tensor([[-torch.inf, 0.0, -torch.inf, 0.0, -torch.inf]]).expand(4, 5)
    tokens, _ = draw(logits, np.array([0.0, 0.5, 0.25, 1 - 2**-53]), Sampling())
    assert tokens == [1, 3, 1, 3]


@pytest.mark.parametrize(
    ("name", "value"), [("temperature", -0.1), ("top_p", 0), ("top_p", 1.1), ("max_tokens", 0)]
)
def test_impossible_sampling_is_refused(name, value):
    with pytest.raises(InputError, match=f"{name} must be .* got {value}"):
        Sampling(**{name: value})
