"""Packs are read as their paths are apart: states, log-probabilities, losses and gradients."""

from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="needs surefoot[models]")

from torch.nn.functional import logsigmoid as log_sigmoid  # noqa: E402
from transformers import (  # noqa: E402  # noqa: E402  # noqa: E402  # noqa: E402  # noqa: E402
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MambaConfig,
    MambaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from surefoot.core.errors import InputError, ModelError  # noqa: E402
from surefoot.core.types import Kind, Problem, Step  # noqa: E402
from surefoot.steps.encode import Encoded, Encoder  # noqa: E402
from surefoot.verifiers import (  # noqa: E402
    TrainConfig,
    examples_of,
    packing,
    scorer,
    soft_target,
    train,
)
from surefoot.verifiers.data import Example, batch_of  # noqa: E402
from surefoot.verifiers.losses import step_loss, token_loss  # noqa: E402
from surefoot.verifiers.network import VerifierNetwork  # noqa: E402
from surefoot.verifiers.packing import (  # noqa: E402
    by_prefix,
    each_edge_once,
    forest,
    packed,
    packed_scorer,
    sharing,
)
from surefoot.verifiers.packs import cut, pack, trunk  # noqa: E402
from surefoot.verifiers.score import LocalScorer  # noqa: E402

VOCABULARY = 13
SHAPE = {
    "vocab_size": VOCABULARY,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "initializer_range": 0.3,
}


def network_of(model, seed=0):
    """A network whose head says something."""
    torch.manual_seed(seed)
    network = VerifierNetwork(model.eval())
    with torch.no_grad():
        for parameter in [*network.state.parameters(), *network.surprise.parameters()]:
            parameter.copy_(torch.randn_like(parameter) * 0.5)
    return network


def llama(seed=0, attention="sdpa"):
    torch.manual_seed(seed)
    return LlamaForCausalLM(LlamaConfig(**SHAPE, attn_implementation=attention))


@pytest.fixture(scope="module")
def network():
    return network_of(llama())


@st.composite
def forests(draw):
    """Examples along the paths of random trees, from a tokenizer with few or many ids; paths
    may be equal, and one may be the beginning of another."""
    token = st.integers(0, draw(st.sampled_from([2, VOCABULARY])) - 1)
    step = st.lists(token, min_size=1, max_size=4).map(tuple)
    prompts = draw(st.lists(st.lists(token, min_size=1, max_size=5), min_size=1, max_size=3))
    nodes = [((*prompt,), (), len(prompt)) for prompt in prompts]
    for _ in range(draw(st.integers(1, 8))):
        ids, ends, start = draw(st.sampled_from(nodes))
        ids = ids + draw(step)
        nodes.append((ids, (*ends, len(ids) - 1), start))
    chosen = draw(st.lists(st.sampled_from(nodes[len(prompts) :]), min_size=1, max_size=9))
    target = st.sampled_from([None, 0.0, 0.25, 1.0])
    return [
        Example(
            Encoded(ids, start, ends, 0), tuple(draw(target) for _ in ends), draw(st.booleans())
        )
        for ids, ends, start in chosen
    ]


def loss_and_gradients(network, examples):
    batch = batch_of(examples, pad=0)
    logits, logprobs = network(batch.ids_NT, batch.spans_NS2)
    loss = token_loss(logprobs, batch.weights_NT)
    if any(t is not None for e in examples for t in e.targets_S):
        loss = loss + step_loss(logits, batch.targets_NS)
    network.zero_grad()
    loss.backward()
    gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in network.parameters()]
    return loss.detach(), [g.clone() for g in gradients]


def steps_of(network, examples):
    """[N][S] step logits and [N][T] log-probabilities of the real steps and tokens."""
    batch = batch_of(examples, pad=0)
    with torch.no_grad():
        logits, logprobs = network(batch.ids_NT, batch.spans_NS2)
    pairs = list(enumerate(examples))
    return (
        [logits[n, : len(e.targets_S)] for n, e in pairs],
        [logprobs[n, : len(e.encoded.ids)] for n, e in pairs],
    )


widths = st.sampled_from([(256, 512), (9, 6), (3, 40)])
"""Of packs and of trunks: all in one, many packs on few trunks or many."""


def of_widths(chosen):
    """Packs and trunks of these widths."""
    return mock.patch.multiple(packing, WIDTH=chosen[0], TRUNK_WIDTH=chosen[1])


@given(forests(), widths)
@settings(max_examples=100, deadline=None)
def test_loss_and_gradients_are_those_of_the_separate_paths(network, examples, chosen):
    loss, gradients = loss_and_gradients(network, examples)
    with of_widths(chosen):
        loss_packed, gradients_packed = loss_and_gradients(packed(network), examples)
    assert loss_packed == pytest.approx(float(loss), rel=1e-6, abs=1e-6)
    for a, b in zip(gradients, gradients_packed, strict=True):
        assert torch.allclose(a, b, rtol=1e-5, atol=1e-5 * max(1.0, float(a.abs().max())))


@given(forests(), widths)
@settings(max_examples=100, deadline=None)
def test_scores_and_surprise_are_those_of_the_separate_paths(network, examples, chosen):
    with of_widths(chosen):
        found = steps_of(packed(network), examples)
    for apart, together in zip(steps_of(network, examples), found, strict=True):
        for a, b in zip(apart, together, strict=True):
            assert torch.allclose(a, b, atol=1e-5)


@given(forests(), st.data())
@settings(max_examples=60, deadline=None)
def test_a_branch_does_not_leak_into_another(network, examples, data):
    """Change the last token of a path: the steps that do not end there stay as they were."""
    changed = data.draw(st.integers(0, len(examples) - 1))
    whole = examples[changed].encoded
    other = (*whole.ids[:-1], (whole.ids[-1] + 1) % VOCABULARY)
    perturbed = [*examples]
    perturbed[changed] = Example(
        Encoded(other, whole.start, whole.ends_S, 0), examples[changed].targets_S, False
    )
    before, _ = steps_of(packed(network), examples)
    after, _ = steps_of(packed(network), perturbed)
    for n, (a, b) in enumerate(zip(before, after, strict=True)):
        kept = len(a) - (n == changed)
        assert torch.allclose(a[:kept], b[:kept], atol=2e-6)
    assert not torch.equal(before[changed][-1:], after[changed][-1:])


@pytest.mark.parametrize("attention", ["eager", "sdpa", "surefoot"])
@pytest.mark.parametrize(
    "make",
    [
        lambda: LlamaForCausalLM(LlamaConfig(**SHAPE)),
        lambda: Qwen2ForCausalLM(Qwen2Config(**SHAPE)),
        lambda: MistralForCausalLM(MistralConfig(**SHAPE, sliding_window=64)),
        lambda: GPT2LMHeadModel(
            GPT2Config(vocab_size=VOCABULARY, n_embd=16, n_layer=2, n_head=4, n_positions=128)
        ),
    ],
    ids=["llama", "qwen2", "mistral", "gpt2"],
)
def test_every_attention_that_takes_a_mask_reads_packs(make, attention):
    import surefoot.policy.local_decode  # noqa: F401  registers ours

    torch.manual_seed(0)
    model = make()
    model.set_attn_implementation(attention)
    network = network_of(model)
    examples = by_hand()
    for apart, together in zip(
        steps_of(network, examples), steps_of(packed(network), examples), strict=True
    ):
        for a, b in zip(apart, together, strict=True):
            assert torch.allclose(a, b, atol=1e-5)


def test_a_model_that_cannot_keep_branches_apart_is_refused():
    torch.manual_seed(0)
    config = MambaConfig(vocab_size=VOCABULARY, hidden_size=16, num_hidden_layers=1)
    with pytest.raises(ModelError, match="or leave it unpacked"):
        packed(network_of(MambaForCausalLM(config)))


def test_gradient_checkpointing_reads_packs_too():
    """It forgets keys and values, so there are no trunks."""
    network = network_of(llama())
    _, expected = loss_and_gradients(network, by_hand())
    network.base.gradient_checkpointing_enable({"use_reentrant": False})
    network.train()
    _, found = loss_and_gradients(packed(network), by_hand())
    for a, b in zip(expected, found, strict=True):
        assert torch.allclose(a, b, atol=1e-5)


def test_a_path_beyond_the_sliding_window_is_refused():
    torch.manual_seed(0)
    model = MistralForCausalLM(MistralConfig(**SHAPE, sliding_window=7))
    with pytest.raises(ModelError, match=r"path of 8 tokens is longer than .* window of 7"):
        steps_of(packed(network_of(model)), by_hand())


# --- planning --------------------------------------------------------------


def by_hand():
    """1 2 | 3 4 | 5 6 | 7 8, the same with another third step, and one of another problem."""
    a = Example(Encoded((1, 2, 3, 4, 5, 6, 7, 8), 2, (3, 5, 7), 0), (1.0, 0.5, None), True)
    b = Example(Encoded((1, 2, 3, 4, 9, 9), 2, (3, 5), 0), (0.5, 0.0), True)
    c = Example(Encoded((7, 7), 1, (1,), 0), (1.0,), False)
    return [b, a, c]


def test_a_pack_by_hand():
    made = pack([e.encoded.ids for e in by_hand()], [1, 0, 2])
    assert made.ids_P == [1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 7, 7]
    assert made.depths_P == [0, 1, 2, 3, 4, 5, 6, 7, 4, 5, 0, 1]
    assert made.parents_P == [0, 0, 1, 2, 3, 4, 5, 6, 3, 8, 10, 10]
    assert made.stops_P == [10, 10, 10, 10, 8, 8, 8, 8, 10, 10, 12, 12]
    assert made.places == [[0, 1, 2, 3, 4, 5, 6, 7], [0, 1, 2, 3, 8, 9], [10, 11]]


def test_a_tree_that_does_not_fit_is_cut_at_its_branches():
    ids = [(0, 0, 1, 1, 1), (0, 0, 1, 1, 2), (0, 0, 2, 2, 1), (0, 0, 2, 2, 2), (5,)]
    assert cut(ids, 11) == [([0, 1, 2, 3, 4], 0)]
    assert cut(ids, 10) == [([0, 1, 2, 3], 0), ([4], 0)]
    assert cut(ids, 7) == [([0, 1], 0), ([2, 3, 4], 0)]
    assert cut(ids, 6) == [([0, 1], 0), ([2, 3], 0), ([4], 0)]
    assert cut(ids, 1) == [([0], 0), ([1], 0), ([2], 0), ([3], 0), ([4], 0)]
    assert cut(ids, 9, trunk) == [([0, 1, 2, 3], 1), ([4], 0)]
    assert cut(ids, 3, trunk) == [([0, 1], 3), ([2, 3], 3), ([4], 0)]
    assert cut(ids, 1, trunk) == [([0], 3), ([1], 3), ([2], 3), ([3], 3), ([4], 0)]
    assert cut([], 5) == []


def test_a_forest_by_hand():
    """The trunk 1 2 3 4 is read first; its last token is read again with the branches."""
    ids = [(1, 2, 3, 4, 5, 6), (1, 2, 3, 4, 7)]
    made = forest(ids)
    [stem], [branches] = made.trunks, made.packs
    assert stem.ids_P == [1, 2, 3, 4]
    assert branches.ids_P == [4, 5, 6, 7]
    assert branches.parents_P == [0, 0, 1, 0]
    assert made.stems_BL == [[0, 1, 2, 3]]
    assert made.tokens == 8
    assert made.room() == 128
    places = made.places_NT(torch.Size((2, 7)))
    assert places.tolist() == [[0, 1, 2, 3, 65, 66, -1], [0, 1, 2, 3, 67, -1, -1]]


@given(forests(), st.integers(1, 30))
@settings(deadline=None)
def test_packs_hold_every_path_once_within_their_width(examples, width):
    ids = [e.encoded.ids for e in examples]
    packs = cut(ids, width)
    assert sorted(path for paths, _ in packs for path in paths) == list(range(len(ids)))
    for paths, _ in packs:
        made = pack(ids, paths)
        assert len(made.ids_P) <= width or len(paths) == 1
        for path, places in zip(made.paths, made.places, strict=True):
            assert tuple(made.ids_P[i] for i in places) == ids[path]
            for q in places:  # sees its ancestors and itself, nothing else
                seen = [k for k in range(q + 1) if q < made.stops_P[k]]
                assert seen == places[: made.depths_P[q] + 1]


@pytest.mark.parametrize("together", [1, 2])
def test_batches_hold_every_example_once_and_keep_pairs(together):
    rng = np.random.default_rng(0)
    examples = []
    for _ in range(40):
        ids = tuple(int(i) for i in rng.integers(0, 3, rng.integers(20, 90)))
        examples.append(Example(Encoded(ids, 1, (len(ids) - 1,), 0), (1.0,), False))
    batches = by_prefix(examples, 600, together=together)
    assert sorted(i for batch in batches for i in batch) == list(range(40))
    assert len(batches) > 2
    for batch in batches:
        firsts = batch[::together]
        assert batch == [i + k for i in firsts for k in range(together)]
        chosen = [examples[i].encoded.ids for i in batch]
        assert forest(chosen).room() <= 600 * together


def test_sharing_by_hand():
    everything = sharing(by_hand(), 1000)
    assert (everything.apart, everything.packed, everything.again) == (16, 12, 0)
    assert everything.ratio == pytest.approx(16 / 12)
    shared = (1,) * 60
    long = [Example(Encoded((*shared, *(n,) * 40), 1, (99,), 0), (1.0,), False) for n in (2, 3)]
    cut_up = sharing(long, 64)  # a batch for each
    assert (cut_up.apart, cut_up.packed, cut_up.again) == (200, 200, 60)
    assert sharing(long, 1000).again == 1  # the last token of their trunk
    assert sharing([], 10).ratio == 1.0


# --- weights ---------------------------------------------------------------


def test_each_edge_once_by_hand():
    b, a, c = each_edge_once(by_hand())
    assert b.targets_S == (0.75, 0.0)  # the first path keeps the mean of 1 and 1/2
    assert a.targets_S == (None, 0.5, None)
    assert c.targets_S == (1.0,)
    batch = batch_of([b, a, c], pad=0)
    assert batch.weights_NT.sum() == 8  # 3 4 | 5 6 | 7 8 and 9 9, each once
    assert batch.weights_NT[:2].sum(1).tolist() == [2, 6]


@given(forests())
@settings(max_examples=30, deadline=None)
def test_each_edge_once_is_a_mean_over_edges(network, examples):
    known = {}
    for e in examples:
        for end, target in zip(e.encoded.ends_S, e.targets_S, strict=True):
            if target is not None:
                known.setdefault(e.encoded.ids[: end + 1], []).append(target)
    tokens = {
        e.encoded.ids[: t + 1]: t for e in examples if e.imitate
        for t in range(e.encoded.start, len(e.encoded.ids))
    }  # fmt: skip
    starts = {e.encoded.ids[: e.encoded.start] for e in examples}
    if not known or len(starts) > 1:
        return
    once = each_edge_once(examples)
    logits, _ = steps_of(network, examples)
    expected = 0.0
    for edge, values in known.items():
        n, s = next(
            (n, e.encoded.ends_S.index(len(edge) - 1)) for n, e in enumerate(examples)
            if e.encoded.ids[: len(edge)] == edge and len(edge) - 1 in e.encoded.ends_S
        )  # fmt: skip
        z, y = logits[n][s].double(), np.mean(values)
        expected -= y * log_sigmoid(z) + (1 - y) * log_sigmoid(-z)
    batch = batch_of(once, pad=0)
    z, _ = packed(network)(batch.ids_NT, batch.spans_NS2)
    assert step_loss(z, batch.targets_NS).item() == pytest.approx(
        float(expected) / len(known), rel=1e-5, abs=1e-6
    )
    assert batch.weights_NT.sum() == len(tokens)


# --- in the loop and as a scorer -------------------------------------------


def test_packed_scores_are_those_of_the_separate_traces(fresh, woken, traces):
    network, encoder = fresh()
    plain = scorer(woken(network), encoder, kind=Kind.VALUE, name="v", fingerprint="f")
    quick = packed_scorer(plain)
    for a, b in zip(plain(traces), quick(traces), strict=True):
        assert a.values == pytest.approx(b.values, abs=1e-5)
        assert a.tokens == b.tokens
    for trace in traces[:3]:
        [alone] = quick([trace])
        assert alone.values == pytest.approx(plain([trace])[0].values, abs=1e-5)


def test_packed_training_is_training(fresh, labelled):
    """The same updates from packs lead to the same weights."""
    config = TrainConfig(epochs=2, lr=1e-3, head_lr=1e-2)

    def in_fours(examples, _tokens, *, together=1):
        return [[*range(i, min(i + 4, len(examples)))] for i in range(0, len(examples), 4)]

    ends = []
    for way in (lambda network: network, packed):
        network, encoder = fresh()
        _, examples, _ = examples_of(labelled, encoder, soft_target)
        before = network.base.get_input_embeddings().weight.detach().clone()
        history = train(way(network), examples, config=config, pad=0, batches=in_fours)
        assert not torch.equal(before, network.base.get_input_embeddings().weight)
        ends.append((history, network.state_dict()))
    (rows, weights), (rows_packed, weights_packed) = ends
    for a, b in zip(rows, rows_packed, strict=True):
        assert a["step_loss"] == pytest.approx(b["step_loss"], rel=1e-3)
        assert a["token_loss"] == pytest.approx(b["token_loss"], rel=1e-3)
    for name, weight in weights.items():
        assert torch.allclose(weight, weights_packed[name], atol=2e-3), name


def test_a_training_with_other_batches_is_another_training(fresh, labelled, tmp_path):
    network, encoder = fresh()
    _, examples, _ = examples_of(labelled, encoder, soft_target)
    config = TrainConfig(epochs=1, batch_tokens=600, save_every=1)
    train(packed(network), examples, config=config, pad=0, batches=by_prefix, state_folder=tmp_path)
    with pytest.raises(InputError, match="a training with other settings or examples"):
        train(network, examples, config=config, pad=0, state_folder=tmp_path)


def test_other_makers_formats_are_refused():
    with pytest.raises(ModelError, match="reads its own format"):
        packed_scorer(LocalScorer(lambda traces: iter(()), list, "f"))


@given(
    words=st.lists(
        st.text("abcdef +=12\u00e4\u20ac", min_size=1, max_size=12), min_size=2, max_size=6
    )
)
@settings(max_examples=25, deadline=None)
def test_any_texts_through_real_encoders(tokenizers, network, words):
    """Whatever a tokenizer makes of texts, the ids of a prefix are a prefix of the ids."""
    words = [word for word in words if word.strip()]
    for tokenizer in tokenizers:
        encoder = Encoder(tokenizer, lambda problem: [1])
        problem = Problem("p", "?")
        paths = [tuple(map(Step, words[:k])) for k in range(1, len(words) + 1)]
        paths += [(*path[:-1], Step(path[-1].text + "x")) for path in paths]
        examples = []
        for path in paths:
            encoded = encoder.encode(problem, path)
            ids = tuple(i % VOCABULARY for i in encoded.ids)
            short = Encoded(ids, encoded.start, encoded.ends_S, 0)
            examples.append(Example(short, (None,) * len(path), False))
        for apart, together in zip(
            steps_of(network, examples), steps_of(packed(network), examples), strict=True
        ):
            for a, b in zip(apart, together, strict=True):
                assert torch.allclose(a, b, atol=1e-5)


@pytest.fixture(scope="module")
def tokenizers(base):
    """Pebble's, and one of single bytes."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    raw = Tokenizer(models.BPE({c: i for i, c in enumerate(alphabet)}, []))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    return [AutoTokenizer.from_pretrained(base), PreTrainedTokenizerFast(tokenizer_object=raw)]
