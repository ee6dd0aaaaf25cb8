"""One score a step, the same in any company; what cannot be scored is named."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs surefoot[models]")

from surefoot.core.errors import InputError, KindError, ModelError  # noqa: E402
from surefoot.core.types import (  # noqa: E402
    Kind,
    LabelledTrace,
    Problem,
    Step,
    StepLabel,
    Trace,
)
from surefoot.verifiers import (  # noqa: E402
    Card,
    examples_of,
    hard_target,
    load_likelihood,
    load_verifier,
    save_verifier,
    scorer,
    soft_target,
)
from surefoot.verifiers.checkpoint import HEAD, encoder_card  # noqa: E402
from surefoot.verifiers.data import batch_of, by_length  # noqa: E402


def scorer_of(network, encoder, kind=Kind.VALUE):
    return scorer(network, encoder, kind=kind, name="v", fingerprint="f")


def test_a_fresh_verifier_knows_nothing(fresh, traces):
    for trace, scores in zip(traces, scorer_of(*fresh())(traces), strict=True):
        assert scores.values == (0.5,) * len(trace.steps)
        assert scores.kind is Kind.VALUE
        assert scores.by == "v"


def test_scores_do_not_depend_on_batch_mates_or_padding(fresh, woken, traces, rng):
    network, encoder = fresh()
    score = scorer_of(woken(network), encoder)
    together = score(traces)
    assert np.ptp([v for s in together for v in s.values]) > 0.1, "the head says nothing"
    for trace, scores in zip(traces, together, strict=True):
        [alone] = score([trace])
        assert np.allclose(alone.values, scores.values, atol=1e-5)
        assert alone.tokens == scores.tokens == len(encoder.encode(trace.problem, trace.steps).ids)
    order = rng.permutation(len(traces))[:7]
    for i, scores in zip(order, score([traces[i] for i in order]), strict=True):
        assert np.allclose(scores.values, together[i].values, atol=1e-5)


@pytest.mark.parametrize("name", ["prm", "birm", "alphamath", "next-token", "p-true", "pav"])
def test_scores_are_equal_to_the_last_bit_in_any_company(name, base, woken, traces, rng):
    """They once were not, by 5e-7: a head's product over N S places rounds by their number."""
    from surefoot.verifiers import KINDS, new_network

    kind = KINDS[name]
    network, encoder = new_network(str(base), objective=kind, device="cpu", seed=1)
    if hasattr(network, "surprise"):
        woken(network)
    elif hasattr(network, "state"):
        torch.nn.init.normal_(network.state.weight)
    score = scorer(network, encoder, kind=Kind.VALUE, name="v", fingerprint="", objective=kind)
    together = score(traces)
    for count in (1, 2, 3, 5, 9, 14):
        chosen = rng.permutation(len(traces))[:count]
        for i, scores in zip(chosen, score([traces[i] for i in chosen]), strict=True):
            assert scores == together[i]


def test_scores_of_a_prefix_are_those_of_the_whole(fresh, woken, traces):
    """A step is judged by what comes before it."""
    network, encoder = fresh()
    score = scorer_of(woken(network), encoder)
    longest = max(traces, key=lambda t: len(t.steps))
    [whole] = score([longest])
    for count in range(1, len(longest.steps)):
        [part] = score([longest.with_steps(longest.steps[:count])])
        assert np.allclose(part.values, whole.values[:count], atol=1e-5)


def test_what_cannot_be_scored_is_named(fresh):
    score = scorer_of(*fresh())
    problem = Problem("p9", "Why?")
    with pytest.raises(InputError, match="'p9' has no steps"):
        score([Trace(problem, ())])
    with pytest.raises(InputError, match=r"'p9' is too long.*step 1 ends beyond 256 tokens"):
        score([Trace(problem, (Step("fine"), Step("1 + " * 200)))])
    with pytest.raises(ModelError, match="'p9'"):
        score([Trace(problem, (Step("1 + " * 200),))])
    assert score([]) == []


def test_likelihood_is_that_of_the_model(base, traces):
    score = load_likelihood(str(base), device="cpu")
    [scores] = score(traces[4:5])
    assert scores.kind is Kind.LOGRATIO
    from surefoot.verifiers import new_network

    network, encoder = new_network(str(base), device="cpu")
    encoded = encoder.encode(traces[4].problem, traces[4].steps)
    ids = torch.tensor([encoded.ids])
    with torch.no_grad():
        logprobs = network.base(ids).logits[0, :-1].log_softmax(-1)
    chosen = logprobs.gather(1, ids[0, 1:, None])[:, 0]
    expected = [float(chosen[a - 1 : b - 1].sum()) for a, b in encoded.spans_S]
    assert scores.values == pytest.approx(expected, abs=1e-4)


# --- examples --------------------------------------------------------------


def test_examples_keep_targets_beside_their_steps(fresh, labelled):
    _, encoder = fresh()
    kind, examples, dropped = examples_of(labelled, encoder, soft_target)
    assert kind is Kind.CORRECTNESS
    assert dropped == 0
    for item, example in zip(labelled, examples, strict=True):
        assert example.targets_S == tuple(label.value for label in item.labels)
        assert len(example.encoded.ends_S) == len(item.trace.steps)
        assert example.imitate == (item.trace.verdict.value == "correct")
    batch = batch_of(examples, pad=0)
    assert batch.ids_NT.shape[1] % 16 == 0
    for n, example in enumerate(examples):
        steps = len(example.targets_S)
        assert batch.targets_NS[n, :steps].tolist() == list(example.targets_S)
        assert set(batch.targets_NS[n, steps:].tolist()) <= {-100.0}
        assert batch.weights_NT[n, : example.encoded.start].sum() == 0


def test_targets_by_hand():
    def label(successes, tries):
        return StepLabel(Kind.VALUE, successes, tries, "t")

    assert [soft_target(label(*c)) for c in [(1, 4), (0, 4), (0, 0)]] == [0.25, 0.0, None]
    assert [hard_target(label(*c)) for c in [(1, 4), (0, 4), (0, 0)]] == [1.0, 0.0, None]


def test_label_sets_that_mean_nothing_are_refused(fresh, traces):
    _, encoder = fresh()

    def labelled(kinds, trace=traces[0]):
        labels = tuple(StepLabel(kind, 1, 1, "t") for kind in kinds)
        return LabelledTrace(trace.with_steps((Step("a"), Step("b"))), labels)

    for empty in ([], [LabelledTrace(traces[0].with_steps(()), ())]):
        with pytest.raises(InputError, match="no labels"):
            examples_of(empty, encoder, soft_target)
    mixed = [labelled([Kind.VALUE] * 2), labelled([Kind.CORRECTNESS] * 2)]
    with pytest.raises(KindError, match=r"correctness.*value.*train on one kind"):
        examples_of(mixed, encoder, soft_target)
    for count in (1, 3):
        with pytest.raises(InputError, match=f"2 steps and {count} labels"):
            examples_of([labelled([Kind.VALUE] * count)], encoder, soft_target)


def test_batches_hold_every_example_once_within_the_limit(fresh, labelled):
    _, examples, _ = examples_of(labelled, fresh()[1], soft_target)
    for tokens in (1, 300, 10_000):
        batches = by_length(examples, tokens)
        assert sorted(i for batch in batches for i in batch) == list(range(len(examples)))
        for batch in batches:
            width = batch_of([examples[i] for i in batch], pad=0).ids_NT.numel()
            assert width <= tokens or len(batch) == 1


# --- on disk ---------------------------------------------------------------


@pytest.fixture
def saved(fresh, woken, tmp_path):
    network, encoder = fresh()
    folder = tmp_path / "verifier"
    card = encoder_card("v", Kind.VALUE, encoder, "nothing")
    save_verifier(folder, woken(network), encoder, card)
    return folder


def test_saved_and_loaded_it_scores_the_same(saved, fresh, woken, traces):
    network, encoder = fresh()
    loaded = load_verifier(str(saved), device="cpu")
    assert loaded(traces) == scorer_of(woken(network), encoder)(traces)
    from transformers import AutoModelForCausalLM

    AutoModelForCausalLM.from_pretrained(saved)  # a plain checkpoint as well
    assert "Scores are of kind `value`" in (saved / "README.md").read_text()


def test_two_heads_are_two_fingerprints(saved):
    before = load_verifier(str(saved), device="cpu").fingerprint
    from safetensors.torch import load_file, save_file

    head = load_file(saved / HEAD)
    save_file({k: v + 1 for k, v in head.items()}, saved / HEAD)
    assert load_verifier(str(saved), device="cpu").fingerprint != before


@pytest.mark.parametrize("damage", ["bytes", "missing", "a tensor less", "a tensor more", "shape"])
def test_a_head_that_does_not_fit_is_refused(saved, damage):
    from safetensors.torch import load_file, save_file

    head = load_file(saved / HEAD)
    if damage == "bytes":
        (saved / HEAD).write_bytes(b"no tensors here")
    elif damage == "missing":
        (saved / HEAD).unlink()
    else:
        name = min(head)
        tensor = head.pop(name)
        if damage == "a tensor more":
            head |= {name: tensor, "other.weight": tensor.clone()}
        if damage == "shape":
            head[name] = torch.cat([tensor, tensor])
        save_file(head, saved / HEAD)
    with pytest.raises(ModelError, match=r"head\.safetensors cannot be read"):
        load_verifier(str(saved), device="cpu")


def test_another_tokenizer_is_refused(saved):
    path = saved / "tokenizer.json"
    content = json.loads(path.read_text())
    vocabulary = content["model"]["vocab"]
    vocabulary["1"], vocabulary["2"] = vocabulary["2"], vocabulary["1"]
    vocabulary["Ġ1"], vocabulary["Ġ2"] = vocabulary["Ġ2"], vocabulary["Ġ1"]
    path.write_text(json.dumps(content))
    with pytest.raises(ModelError, match=r"another tokenizer.*put back the tokenizer files"):
        load_verifier(str(saved), device="cpu")


@pytest.mark.parametrize("content", [None, "{", "[]", '{"name": "v"}', '{"colour": 1}'])
def test_what_is_no_verifier_says_what_was_expected(saved, content):
    path = saved / "verifier.json"
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(ModelError, match=r"no readable verifier.*surefoot train"):
        load_verifier(str(saved), device="cpu")


def test_a_verifier_without_a_name_is_refused(fresh):
    with pytest.raises(InputError, match="name"):
        encoder_card("", Kind.VALUE, fresh()[1], "")
    assert Card("v", "value", "\n", "x").metrics == {}
