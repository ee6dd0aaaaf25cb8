"""Guides on a real decoder: models whose logits and values are known exactly."""

import math
from functools import partial

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs surefoot[models]")

from transformers import LlamaConfig, LlamaForCausalLM  # noqa: E402

from surefoot.annotate import rejoined, token_quality, triplets  # noqa: E402
from surefoot.core.types import Problem, Trace, Verdict  # noqa: E402
from surefoot.policy.local import load_policy  # noqa: E402
from surefoot.policy.local_decode import Decoder, Request  # noqa: E402
from surefoot.policy.sampling import Sampling  # noqa: E402
from surefoot.search.token_guidance import ending, llm2, vas  # noqa: E402
from surefoot.steps import Rollouts  # noqa: E402
from surefoot.verifiers import KINDS, TrainConfig, new_network, train  # noqa: E402
from surefoot.verifiers.kinds import triplet_examples  # noqa: E402
from surefoot.verifiers.network import StateNetwork, VerifierNetwork  # noqa: E402
from surefoot.verifiers.packing import packed  # noqa: E402
from surefoot.verifiers.tokens import TokenScorer, token_scorer  # noqa: E402
from tiny_model import save_tiny_model  # noqa: E402

END = 3
CHANCES = [0.5, 0.3, 0.16, 0.04]  # of each of four tokens, after any text


def model_of(embedding, head):
    """A Llama whose state after a token is that token's embedding, and nothing else."""
    config = LlamaConfig(
        vocab_size=4, hidden_size=4, intermediate_size=4, num_hidden_layers=1,
        num_attention_heads=1, num_key_value_heads=1, max_position_embeddings=64,
        rms_norm_eps=1e-12, tie_word_embeddings=False, pad_token_id=0, eos_token_id=END,
    )  # fmt: skip
    torch.manual_seed(0)
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        model.model.layers[0].self_attn.o_proj.weight.zero_()
        model.model.layers[0].mlp.down_proj.weight.zero_()
        model.model.embed_tokens.weight.copy_(embedding)
        model.lm_head.weight.copy_(head)
    return model.eval()


@pytest.fixture(scope="module")
def policy():
    logits = torch.tensor(CHANCES).log()
    model = model_of(torch.ones(4, 4), logits[:, None].expand(4, 4) / 4)

    def make(**sampling):
        return Decoder(
            model, sampling=Sampling(**sampling), end_ids=frozenset({END}),
            ends_step=lambda _: False, slots=256,
        )  # fmt: skip

    return make


def values(table):
    """A verifier that gives token v the score 1/2 + table[v], after any text."""
    network = StateNetwork(model_of(2 * torch.eye(4), torch.eye(4)))
    with torch.no_grad():
        network.state.weight.copy_(torch.tensor([table]) / 2)  # a state's norm makes it 2
    score = TokenScorer(packed(network.eval()), None, lambda z: 0.5 + z, "table")
    known = {}  # many draws after the same text

    def once(ids, tokens_K):
        key = (ids, tuple(tokens_K))
        if key not in known:
            known[key] = score(ids, tokens_K)
        return known[key]

    return once


def shares(decoder, count=2000):
    replies = decoder.complete([Request((0, 1), seed, "end") for seed in range(count)])
    return np.bincount([reply.ids[0] for reply in replies], minlength=4) / count, replies


def test_a_token_scorer_reads_the_network_at_each_token():
    score = values([0.1, -0.3, 0.25, 0.0])
    assert score((0, 1, 2), [2, 0, 1]) == pytest.approx([0.75, 0.6, 0.2], abs=1e-6)
    base = model_of(torch.randn(4, 4, generator=torch.Generator().manual_seed(1)), torch.eye(4))
    network = VerifierNetwork(base)
    torch.nn.init.normal_(network.state.weight)
    torch.nn.init.normal_(network.surprise[-1].weight)
    ids, tokens = (1, 0, 2), [3, 1]
    rows = torch.tensor([[*ids, token] for token in tokens])
    plain, _ = network(rows, torch.tensor([[[3, 4]]] * 2))  # a step of one token
    found = TokenScorer(packed(network.eval()), None, lambda z: z, "")(ids, tokens)
    assert found == pytest.approx(plain[:, 0].tolist(), abs=1e-5)


def test_vas_draws_from_the_tilted_policy_by_hand(policy):
    """Top 2: logits ln .5 + 1, ln .3 - 1 for V = 1, 0 and beta = 2; the others keep theirs."""
    weights = np.array([0.5 * math.e, 0.3 / math.e, 0.16, 0.04])
    guided = policy(max_tokens=1).guided(vas(values([0.5, -0.5, 9.0, 9.0]), beta=2.0, top=2))
    found, replies = shares(guided)
    assert found == pytest.approx(weights / weights.sum(), abs=0.03)
    own = {reply.ids[0]: reply.logprobs[0] for reply in replies}
    assert own == pytest.approx({v: math.log(CHANCES[v]) for v in own}, abs=1e-5), "the model's"


def test_llm2_takes_the_likeliest_plausible_token_with_its_reward_by_hand(policy):
    """alpha = .2: .04 is implausible (below .1), whatever its reward; ln(.5/.16) = 1.139."""

    def greedy(table, **settings):
        guide = llm2(values(table), alpha=0.2, **settings)
        decoder = policy(temperature=0, max_tokens=1).guided(guide)
        return decoder.complete([Request((0, 1), 0, "end")])[0].ids[0]

    assert greedy([0.0, 0.0, 1.0, 99.0], beta=1.0) == 0
    assert greedy([0.0, 0.0, 1.2, 99.0], beta=1.0) == 2
    assert greedy([0.0, 0.0, 1.2, 99.0], beta=0.5) == 0
    found, _ = shares(policy(max_tokens=1).guided(llm2(values([0.0] * 4), alpha=0.2, beta=0.25)))
    assert found == pytest.approx([0.5 / 0.96, 0.3 / 0.96, 0.16 / 0.96, 0], abs=0.03)


def test_a_hotter_end_comes_sooner_by_hand(policy):
    """P(end) = .04: odds 1/24 become 1/sqrt(24), so that a text has 1/p tokens: 25, then 5.9."""
    stop = 1 / (1 + math.sqrt(24))
    hot = policy(max_tokens=60).guided(ending([END], temperature=2.0))
    replies = hot.complete([Request((0, 1), seed, "end") for seed in range(600)])
    assert np.mean([len(reply.ids) for reply in replies]) == pytest.approx(1 / stop, abs=0.7)
    plain = policy(max_tokens=60)
    same = plain.guided(ending([END], temperature=1.0))
    asked = [Request((0, 1), seed, "end") for seed in range(20)]
    assert [r.ids for r in same.complete(asked)] == [r.ids for r in plain.complete(asked)]


def test_a_guided_reply_does_not_depend_on_who_shares_the_batch(policy):
    guided = policy(max_tokens=6).guided(vas(values([0.5, -0.5, 0.2, 0.0]), beta=2.0))
    asked = [Request((0,) * (1 + seed % 3), seed, "end") for seed in range(9)]
    assert guided.complete(asked) == [guided.complete([one])[0] for one in asked]
    assert policy().guide is None


def test_a_guide_sees_the_whole_text_so_far(policy):
    seen = []

    def guide(ids, logits_V):
        seen.append(ids)
        return logits_V

    [reply] = policy(max_tokens=3).guided(guide).complete([Request((0, 1), 5, "end")])
    assert seen == [(0, 1, *reply.ids[:n]) for n in range(len(reply.ids))]
    assert len(seen) > 1


@pytest.mark.slow
def test_llm2_from_rollouts_to_decoding(tmp_path):
    """Token quality -> triplets -> pairwise training -> guided decoding, with one small model.

    A solution is right if it has a "7"; from rollouts alone the verifier learns to order the
    triplets, and the guided policy draws plausible tokens.
    """
    policy = load_policy(
        str(save_tiny_model(tmp_path / "tiny", initializer_range=0.02)),
        sampling=Sampling(max_tokens=4), device="cpu",
    )  # fmt: skip
    problem = Problem("p", "Write a seven.", gold="7")

    def check(_, trace):
        return Verdict.CORRECT if "7" in trace.text else Verdict.WRONG

    def cut(ids):
        return policy.encoder.cut(ids, (0.0,) * len(ids))

    rollouts = Rollouts(problem, sample=policy, check=rejoined(check, cut))
    [drawn] = policy(problem, [()], count=8, rng=np.random.default_rng(0))
    network, encoder = new_network(
        str(tmp_path / "tiny"), objective=KINDS["pairwise"], device="cpu"
    )
    candidates = partial(policy.next_tokens, problem, most=4)
    examples, pairs = [], []
    for completion in drawn:
        trace = Trace(problem, completion.steps)
        choices = token_quality(
            trace, rollouts=rollouts, candidates=candidates, cut=cut, completions=4,
            plausible=0.5,
        )  # fmt: skip
        found = triplets(choices)
        examples += triplet_examples(trace, found, encoder)
        ids = tuple(i for step in trace.steps for i in step.ids)
        pairs += [(ids[:place], better, worse) for place, better, worse in found]
    config = TrainConfig(epochs=3, lr=2e-3, head_lr=2e-2, lm_weight=0.0)
    train(network, examples, config=config, pad=0, objective=KINDS["pairwise"])
    score = token_scorer(network, encoder, kind="pairwise", fingerprint="")
    start = tuple(encoder.prompt(problem))
    margins = [np.subtract(*score((*start, *ids), [better, worse])) for ids, better, worse in pairs]
    assert np.mean(np.array(margins) > 0) > 0.8
    guided = policy.guided(llm2(score, alpha=0.2, beta=3.0), "llm2")
    assert guided.fingerprint != policy.fingerprint
    ids = tuple(encoder.prompt(problem))
    [reply] = guided.complete([Request(ids, 3, "step")])
    likely = dict(policy.next_tokens(problem, (), most=len(encoder.tokenizer)))
    assert likely[reply.ids[0]] >= 0.2 * max(likely.values())
