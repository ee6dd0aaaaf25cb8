"""Qwen2.5-Math-PRM and Math-Shepherd, against plain torch with the cards' own routines."""

import json

import pytest

torch = pytest.importorskip("torch", reason="needs surefoot[models]")

from safetensors.torch import load_file, save_file  # noqa: E402

from surefoot.core.errors import InputError, ModelError  # noqa: E402
from surefoot.core.types import Kind, Problem, Step, Trace  # noqa: E402
from surefoot.verifiers import load_scorer  # noqa: E402
from surefoot.verifiers.formats.qwen_prm import SYSTEM  # noqa: E402
from tiny_hub import (  # noqa: E402
    causal,
    mistral_tokenizer,
    qwen_tokenizer,
    save,
)


@pytest.fixture(scope="module")
def qwen(tmp_path_factory):
    """(folder, model, head, tokenizer); the folder is laid out like the real repository."""
    tokenizer = qwen_tokenizer()
    model = causal("qwen2", tokenizer)
    head = torch.nn.Sequential(torch.nn.Linear(32, 32), torch.nn.ReLU(), torch.nn.Linear(32, 2))
    extra = {f"score.{key}": value for key, value in head.state_dict().items()}
    folder = save(
        tmp_path_factory.mktemp("hub") / "anything",
        model,
        tokenizer,
        architecture="Qwen2ForProcessRewardModel",
        extra=extra,
        drop="lm_head",
    )
    return folder, model, head, tokenizer


@torch.no_grad()
def golden_qwen(model, head, tokenizer, trace, system=({"role": "system", "content": SYSTEM},)):
    """The card's input; one forward pass for each prefix of steps."""
    scores = []
    for count in range(1, len(trace.steps) + 1):
        messages = [
            *system,
            {"role": "user", "content": trace.problem.text},
            {
                "role": "assistant",
                "content": "<extra_0>".join(s.text for s in trace.steps[:count]) + "<extra_0>",
            },
        ]
        text = tokenizer.apply_chat_template(messages, tokenize=False)
        ids = tokenizer(text, return_tensors="pt")["input_ids"]
        [*_, place] = (ids[0] == tokenizer.convert_tokens_to_ids("<extra_0>")).nonzero().flatten()
        logits = head(model.model(ids).last_hidden_state)[0, place]
        scores.append(float(logits.softmax(-1)[1]))
    return scores


def test_qwen_scores_are_those_of_the_cards_routine(qwen, awkward):
    folder, *parts = qwen
    score = load_scorer(str(folder), device="cpu")  # recognized by its architecture
    assert score.aggregation == "product"
    for trace, scores in zip(awkward, score(awkward), strict=True):
        assert scores.kind is Kind.CORRECTNESS
        assert scores.values == pytest.approx(golden_qwen(*parts, trace), abs=1e-5)


def test_reason_flux_has_no_system_message(qwen, awkward):
    folder, *parts = qwen
    score = load_scorer(str(folder), family="reason-flux", device="cpu")
    for trace, scores in zip(awkward, score(awkward), strict=True):
        assert scores.values == pytest.approx(golden_qwen(*parts, trace, system=()), abs=1e-5)


def test_qwen_system_message_has_a_backslash_not_a_backspace():
    """PRMBench writes "\\boxed" in a plain string: a backspace and "oxed" (bug 10)."""
    assert SYSTEM.endswith("\\boxed{}.")
    assert SYSTEM.isprintable()


def test_a_probability_that_underflows_keeps_its_place(qwen, awkward, tmp_path):
    """Qwen's helper keeps `sample[sample != 0]`, so p exactly 0 shifts all after it (bug 11)."""
    _, model, head, tokenizer = qwen
    sure = {k: v * 40_000 if k.startswith("2") else v for k, v in head.state_dict().items()}
    broken = save(
        tmp_path / "sure",
        model.to(torch.bfloat16),
        tokenizer,
        architecture="Qwen2ForProcessRewardModel",
        extra={f"score.{k}": v.to(torch.bfloat16) for k, v in sure.items()},
        drop="lm_head",
    )
    model.to(torch.float32)
    for dtype in ("bfloat16", "float32"):
        found = load_scorer(str(broken), device="cpu", dtype=dtype)(awkward)
        assert [len(s.values) for s in found] == [len(t.steps) for t in awkward]
        values = [v for s in found for v in s.values]
        assert 0.0 in values, "no probability underflows: the test tests nothing"
        assert all(0 <= v <= 1 for v in values)


def test_batch_mates_and_order_do_not_matter(qwen, awkward):
    score = load_scorer(str(qwen[0]), device="cpu")
    together = score(awkward)
    for n, trace in enumerate(awkward):
        [alone] = score([trace])
        assert alone.values == pytest.approx(together[n].values, abs=1e-5)
        assert alone.tokens == together[n].tokens
    for backward, forward in zip(score(awkward[::-1])[::-1], together, strict=True):
        assert backward.values == pytest.approx(forward.values, abs=1e-5)
    assert score([]) == []


def test_scores_of_a_prefix_are_those_of_the_whole(qwen, awkward):
    score = load_scorer(str(qwen[0]), device="cpu")
    longest = max(awkward, key=lambda t: len(t.steps))
    [whole] = score([longest])
    for count in range(1, len(longest.steps)):
        [part] = score([longest.with_steps(longest.steps[:count])])
        assert part.values == pytest.approx(whole.values[:count], abs=1e-5)


def test_a_marker_in_the_text_is_refused(qwen):
    """OpenRLHF crashes, openr cuts labels, SPARE cuts logits when the counts differ (bug 4)."""
    score = load_scorer(str(qwen[0]), device="cpu")
    ask = Problem("p7", "Why?")
    with pytest.raises(InputError, match=r"step 1 of problem 'p7' holds .*<extra_0>"):
        score([Trace(ask, (Step("fine"), Step("a<extra_0>b")))])
    with pytest.raises(InputError, match=r"the text of problem 'p8' holds .*<extra_0>"):
        score([Trace(Problem("p8", "<extra_0>"), (Step("fine"),))])


def test_what_does_not_fit_is_refused_not_cut(qwen):
    """Truncation drops exactly the last, often the first wrong, step (bugs 13, 14)."""
    score = load_scorer(str(qwen[0]), device="cpu")
    long = Trace(Problem("p9", "Why?"), (Step("fine"), Step("1 + " * 300)))
    with pytest.raises(InputError, match=r"'p9' has \d+ tokens .* 512: step 1 ends beyond"):
        score([long])
    with pytest.raises(InputError, match="step 0 of problem 'p9' is empty"):
        score([Trace(Problem("p9", "Why?"), (Step(" \n"),))])
    with pytest.raises(InputError, match="'p9' has no steps"):
        score([Trace(Problem("p9", "Why?"), ())])


# --- Math-Shepherd ---------------------------------------------------------


@pytest.fixture(scope="module")
def shepherd(tmp_path_factory):
    tokenizer = mistral_tokenizer()
    model = causal("mistral", tokenizer)
    folder = tmp_path_factory.mktemp("hub") / "math-shepherd-mistral-7b-prm"
    return save(folder, model, tokenizer), model, tokenizer


@torch.no_grad()
def golden_shepherd(model, tokenizer, trace):
    """As in the card: ids of the whole text, a softmax over the columns of + and -."""
    candidates = tokenizer("+ -", add_special_tokens=False)["input_ids"]
    tag = tokenizer("ки", add_special_tokens=False)["input_ids"][-1]
    scores = []
    for count in range(1, len(trace.steps) + 1):
        lines = [
            (s.text if s.text.startswith("Step") else f"Step {i}: {s.text}") + " ки"
            for i, s in enumerate(trace.steps[:count], start=1)
        ]
        text = f"{trace.problem.text} " + "\n".join(lines)
        body = tokenizer(text, add_special_tokens=False)["input_ids"]
        ids = torch.tensor([[tokenizer.bos_token_id, *body]])
        logits = model(ids).logits[0, :, candidates].softmax(-1)[:, 0]
        scores.append(float(logits[ids[0] == tag][-1]))
    return scores


def test_shepherd_scores_are_those_of_the_cards_routine(shepherd, awkward):
    folder, model, tokenizer = shepherd
    score = load_scorer(str(folder), device="cpu")  # recognized by the folder's name
    assert score.aggregation == "min"
    for trace, scores in zip(awkward, score(awkward), strict=True):
        assert scores.kind is Kind.CORRECTNESS
        assert scores.values == pytest.approx(golden_shepherd(model, tokenizer, trace), abs=1e-5)


def test_a_tokenizer_that_splits_the_tag_is_refused(tmp_path):
    """With Gemma the labels are silently [], with SmolLM2 it is an AssertionError (bug 3)."""
    tokenizer = qwen_tokenizer()
    folder = save(tmp_path / "split", causal("qwen2", tokenizer), tokenizer)
    text = folder / "tokenizer.json"
    rules = json.loads(text.read_text())
    rules["model"]["merges"] = []  # every byte by itself
    text.write_text(json.dumps(rules))
    with pytest.raises(ModelError, match="needs 'ки' to be one token"):
        load_scorer(str(folder), family="math-shepherd", device="cpu")


# --- what cannot be loaded -------------------------------------------------


def test_an_unclear_family_is_an_error_with_the_choices(shepherd, tmp_path):
    _, model, tokenizer = shepherd
    folder = save(tmp_path / "mine", model, tokenizer)
    with pytest.raises(ModelError, match=r"family of .* is unclear.*say one of .*math-shepherd"):
        load_scorer(str(folder), device="cpu")
    with pytest.raises(ModelError, match=r"family 'prm' is not known.*math-shepherd"):
        load_scorer(str(folder), family="prm", device="cpu")
    assert load_scorer(str(folder), family="math-shepherd", device="cpu") is not None


def test_pickles_are_refused(shepherd, tmp_path):
    _, model, tokenizer = shepherd
    folder = save(tmp_path / "old", model, tokenizer)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"only pickles \(pytorch_model.bin\), which can run code"):
        load_scorer(str(folder), family="math-shepherd", device="cpu")


def test_a_folder_or_name_that_is_none_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"no config.json in"):
        load_scorer(str(tmp_path), device="cpu")
    with pytest.raises(ModelError, match=r"'nobody/nothing' is not a local folder"):
        load_scorer("nobody/nothing", device="cpu")
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(ModelError, match=r"merge the adapter"):
        load_scorer(str(tmp_path), device="cpu")


def test_missing_weights_are_refused(qwen, tmp_path):
    """A layer that is not in the file would be random, and its scores noise."""
    _, model, head, tokenizer = qwen
    kwargs = {"architecture": "Qwen2ForProcessRewardModel", "drop": "lm_head"}
    bare = save(tmp_path / "bare", model, tokenizer, **kwargs)
    with pytest.raises(ModelError, match=r"expected score.2.weight with 2 rows .* found None"):
        load_scorer(str(bare), device="cpu")
    extra = {f"score.{k}": v for k, v in head.state_dict().items()}
    torn = save(tmp_path / "torn", model, tokenizer, extra=extra, **kwargs)
    tensors = load_file(torn / "model.safetensors")
    del tensors["model.layers.1.mlp.up_proj.weight"]
    save_file(tensors, torn / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"weights are missing .*layers.1.mlp.up_proj"):
        load_scorer(str(torn), device="cpu")


def test_our_own_verifier_goes_its_own_way(awkward):
    score = load_scorer("pebble-verifier", device="cpu")
    assert score.aggregation is None
    [scores] = score(awkward[:1])
    assert len(scores.values) == 2
