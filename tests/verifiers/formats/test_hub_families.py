"""The other families, each against plain torch that goes prefix by prefix."""

import math

import pytest

torch = pytest.importorskip("torch", reason="needs surefoot[models]")

from surefoot.core.errors import InputError, ModelError  # noqa: E402
from surefoot.core.types import Kind, Problem, Step, Trace  # noqa: E402
from surefoot.verifiers import load_scorer  # noqa: E402
from tiny_hub import causal, llama_tokenizer, qwen_tokenizer, save  # noqa: E402


def ids_of(tokenizer, text):
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def prefixes(trace):
    return [trace.steps[: count + 1] for count in range(len(trace.steps))]


def agree(score, traces, golden, **close):
    found = score(traces)
    for trace, scores in zip(traces, found, strict=True):
        assert scores.values == pytest.approx(golden(trace), **(close or {"abs": 1e-5}))
    for trace, scores in zip(traces, found, strict=True):  # nor do batch mates matter
        [alone] = score([trace])
        assert alone.values == pytest.approx(scores.values, **(close or {"abs": 1e-5}))


# --- RLHFlow ---------------------------------------------------------------


@pytest.fixture(scope="module")
def rlhflow(tmp_path_factory):
    tokenizer = llama_tokenizer()
    model = causal("llama", tokenizer)
    folder = tmp_path_factory.mktemp("hub") / "Llama3.1-8B-PRM-Deepseek-Data"
    return save(folder, model, tokenizer), model, tokenizer


@torch.no_grad()
def golden_rlhflow(model, tokenizer, trace):
    """The published script: one chat a prefix, "+" as history, two columns of position -3."""
    columns = [tokenizer.convert_tokens_to_ids(sign) for sign in "+-"]
    scores, chat = [], []
    for number, step in enumerate(trace.steps):
        text = step.text if number else f"{trace.problem.text} {step.text}"
        chat += [{"role": "user", "content": text}, {"role": "assistant", "content": "+"}]
        rendered = tokenizer.apply_chat_template(chat, tokenize=False, date_string="26 Jul 2024")
        ids = torch.tensor([ids_of(tokenizer, rendered)])
        scores.append(float(model(ids).logits[0, -3, columns].softmax(-1)[0]))
    return scores


def test_rlhflow_in_one_pass_is_the_script_prefix_by_prefix(rlhflow, awkward):
    """And a softmax over two signs, not over the vocabulary as in PRMBench (bug 11)."""
    folder, model, tokenizer = rlhflow
    score = load_scorer(str(folder), device="cpu")
    assert score.aggregation == "mean"
    agree(score, awkward, lambda trace: golden_rlhflow(model, tokenizer, trace))


def test_rlhflow_scores_do_not_depend_on_the_day(rlhflow, awkward, monkeypatch):
    folder, *_ = rlhflow
    before = load_scorer(str(folder), device="cpu")(awkward)
    import transformers.utils.chat_template_utils as chat

    class Tomorrow(chat.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2031, 7, 1)

    monkeypatch.setattr(chat, "datetime", Tomorrow)
    chat._compile_jinja_template.cache_clear()
    assert load_scorer(str(folder), device="cpu")(awkward) == before


def test_a_template_that_rewrites_the_past_is_refused(rlhflow, tmp_path):
    _, model, tokenizer = rlhflow
    tokenizer = llama_tokenizer()
    tokenizer.chat_template = (
        "{{ messages | length }}{% for m in messages %}{{ m['content'] }}{% endfor %}"
    )
    folder = save(tmp_path / "rewriting", model, tokenizer)
    with pytest.raises(ModelError, match="rewrites earlier turns"):
        load_scorer(str(folder), family="rlhflow", device="cpu")


# --- Skywork ---------------------------------------------------------------


@pytest.fixture(scope="module")
def skywork(tmp_path_factory):
    tokenizer = qwen_tokenizer(bos_token="<|endoftext|>")
    model = causal("qwen2", tokenizer)
    torch.manual_seed(3)
    head = torch.nn.Linear(32, 1)
    folder = save(
        tmp_path_factory.mktemp("hub") / "Skywork-o1-Open-PRM-Qwen-2.5-1.5B",
        model,
        tokenizer,
        architecture="Qwen2ForCausalLM",
        extra={f"v_head.summary.{k}": v for k, v in head.state_dict().items()},
    )
    return folder, model, head, tokenizer


@torch.no_grad()
def golden_pieces(states, head, prompt, steps_ids, transform):
    ids, scores = [*prompt], []
    for step in steps_ids:
        ids += step
        scores.append(float(transform(head(states(torch.tensor([ids]))[0, -1]))))
    return scores


def test_skywork_reads_concatenated_ids(skywork, awkward):
    """Steps tokenized one by one, even where the joined text would merge (bug 2)."""
    folder, model, head, tokenizer = skywork
    [newline] = ids_of(tokenizer, "\n")

    def golden(trace):
        return golden_pieces(
            lambda ids: model.model(ids).last_hidden_state,
            head,
            ids_of(tokenizer, f"<|endoftext|>{trace.problem.text}\n"),
            [[*ids_of(tokenizer, s.text), newline] for s in trace.steps],
            lambda z: 1 / (1 + math.exp(-float(z))),
        )

    agree(load_scorer(str(folder), device="cpu"), awkward, golden)
    joined = ids_of(tokenizer, "a.\nb")
    assert joined != [*ids_of(tokenizer, "a."), newline, *ids_of(tokenizer, "b")]


def test_skywork_without_a_begin_token_is_refused(skywork, tmp_path):
    _, model, head, _ = skywork
    extra = {f"v_head.summary.{k}": v for k, v in head.state_dict().items()}
    folder = save(tmp_path / "no-bos", model, qwen_tokenizer(), extra=extra)
    with pytest.raises(ModelError, match="begin token"):
        load_scorer(str(folder), family="skywork", device="cpu")


# --- TRL and PURE ----------------------------------------------------------


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    from transformers import Qwen2Config, Qwen2ForTokenClassification

    from tiny_hub import SHAPE

    tokenizer = qwen_tokenizer()
    torch.manual_seed(4)
    config = Qwen2Config(vocab_size=len(tokenizer), num_labels=2, **SHAPE)
    model = Qwen2ForTokenClassification(config).eval()
    torch.nn.init.normal_(model.score.bias)
    return save(tmp_path_factory.mktemp("hub") / "mine", model, tokenizer), model, tokenizer


@pytest.mark.parametrize(("family", "separator"), [(None, "\n"), ("trl", "\n"), ("pure", "\n\n")])
def test_token_classifiers_read_the_ids_they_were_trained_on(
    classifier, awkward, family, separator
):
    """Not the joined text, which cost a TRL model 4 points of ProcessBench F1 (bug 2)."""
    folder, model, tokenizer = classifier
    end = ids_of(tokenizer, separator)

    def golden(trace):
        return golden_pieces(
            lambda ids: model(ids).logits,
            lambda logits: logits.softmax(-1),
            ids_of(tokenizer, trace.problem.text),
            [[*ids_of(tokenizer, s.text), *end] for s in trace.steps],
            lambda p: p[1],
        )

    agree(load_scorer(str(folder), family=family, device="cpu"), awkward, golden)


def test_trl_begins_with_the_begin_token_where_there_is_one(tmp_path, awkward):
    from transformers import LlamaConfig, LlamaForTokenClassification

    from tiny_hub import SHAPE

    tokenizer = llama_tokenizer()
    torch.manual_seed(8)
    config = LlamaConfig(vocab_size=len(tokenizer), num_labels=2, **SHAPE)
    model = LlamaForTokenClassification(config).eval()
    folder = save(tmp_path / "mine", model, tokenizer)

    def golden(trace):
        return golden_pieces(
            lambda ids: model(ids).logits,
            lambda logits: logits.softmax(-1),
            [tokenizer.bos_token_id, *ids_of(tokenizer, trace.problem.text)],
            [[*ids_of(tokenizer, s.text), *ids_of(tokenizer, "\n")] for s in trace.steps],
            lambda p: p[1],
        )

    agree(load_scorer(str(folder), device="cpu"), awkward, golden)


def test_pures_published_score_is_twice_ours_less_one(classifier, awkward):
    folder, model, tokenizer = classifier
    [scores] = load_scorer(str(folder), family="pure", device="cpu")(awkward[1:2])
    ids = ids_of(tokenizer, awkward[1].problem.text) + ids_of(tokenizer, awkward[1].steps[0].text)
    ids += ids_of(tokenizer, "\n\n")
    with torch.no_grad():
        wrong, right = model(torch.tensor([ids])).logits[0, -1].softmax(-1).tolist()
    assert 2 * scores.values[0] - 1 == pytest.approx(right - wrong, abs=1e-5)


def test_a_classifier_of_three_labels_is_refused(tmp_path):
    from transformers import Qwen2Config, Qwen2ForTokenClassification

    from tiny_hub import SHAPE

    tokenizer = qwen_tokenizer()
    config = Qwen2Config(vocab_size=len(tokenizer), num_labels=3, **SHAPE)
    folder = save(tmp_path / "three", Qwen2ForTokenClassification(config), tokenizer)
    with pytest.raises(ModelError, match=r"score.weight with 2 rows .* found \(3, 32\)"):
        load_scorer(str(folder), device="cpu")


# --- VersaPRM --------------------------------------------------------------


def test_versa_reads_its_one_token_separator(tmp_path, awkward):
    tokenizer = llama_tokenizer()
    model = causal("llama", tokenizer, seed=5)
    folder = save(tmp_path / "VersaPRM", model, tokenizer)
    [marker] = ids_of(tokenizer, " \n\n\n\n")
    columns = [tokenizer.convert_tokens_to_ids(sign) for sign in "-+"]

    @torch.no_grad()
    def golden(trace):
        scores = []
        for steps in prefixes(trace):
            text = trace.problem.text + " \n\n" + "".join(s.text + " \n\n\n\n" for s in steps)
            ids = [tokenizer.bos_token_id, *ids_of(tokenizer, text)]
            assert ids[-1] == marker
            scores.append(float(model(torch.tensor([ids])).logits[0, -1, columns].softmax(-1)[1]))
        return scores

    score = load_scorer(str(folder), device="cpu")
    agree(score, awkward, golden)
    blanks = awkward[1].with_steps((Step("x = 2 \n"),))  # would merge with the separator
    assert score([blanks])[0].values == score(awkward[1:2])[0].values
    with pytest.raises(InputError, match="step 0 of problem 'p' holds"):
        score([Trace(Problem("p", "Why?"), (Step("a \n\n\n\n b"),))])


# --- implicit --------------------------------------------------------------


@pytest.fixture(scope="module")
def implicit(tmp_path_factory):
    tokenizer = qwen_tokenizer()
    model, base = causal("qwen2", tokenizer, seed=6), causal("qwen2", tokenizer, seed=7)
    hub = tmp_path_factory.mktemp("hub")
    folders = save(hub / "EurusPRM-Mine", model, tokenizer), save(hub / "base", base, tokenizer)
    return *folders, model, base, tokenizer


@torch.no_grad()
def golden_cumulative(model, base, tokenizer, trace):
    """q_s of each step: a loop over the tokens of the whole text, in plain float64."""
    chat = [{"role": "user", "content": trace.problem.text}]
    prompt = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    texts = [
        s.text if s.text.startswith("Step") else f"Step {i}: {s.text}"
        for i, s in enumerate(trace.steps, start=1)
    ]
    encoded = tokenizer(
        prompt + "\n\n".join(texts), add_special_tokens=False, return_offsets_mapping=True
    )
    ids = torch.tensor([encoded["input_ids"]])
    ours, theirs = (m(ids).logits[0].double().log_softmax(-1) for m in (model, base))
    values = []
    for count in range(1, len(texts) + 1):
        stop = len(prompt + "\n\n".join(texts[:count])) + (2 if count < len(texts) else 0)
        values.append(
            sum(
                0.001 * float(ours[t - 1, ids[0, t]] - theirs[t - 1, ids[0, t]])
                for t, (_, end) in enumerate(encoded["offset_mapping"])
                if len(prompt) < end <= stop
            )
        )
    return values


def test_implicit_steps_add_up_to_the_cumulative_value(implicit, awkward):
    folder, base_folder, *parts = implicit
    score = load_scorer(str(folder), family=f"implicit:{base_folder}", device="cpu")

    def golden(trace):
        values = golden_cumulative(*parts, trace)
        return [b - a for a, b in zip([0.0, *values], values, strict=False)]

    agree(score, awkward, golden, abs=1e-6)
    assert {s.kind for s in score(awkward)} == {Kind.LOGRATIO}
    assert score.aggregation == "sum"


def test_a_model_gains_nothing_over_itself(implicit, awkward):
    _, base_folder, *_ = implicit
    found = load_scorer(str(base_folder), family=f"implicit:{base_folder}", device="cpu")(awkward)
    assert {v for s in found for v in s.values} == {0.0}


def test_an_implicit_checkpoint_needs_its_reference(implicit, rlhflow):
    folder, *_ = implicit
    with pytest.raises(ModelError, match="say family 'implicit:REFERENCE'"):
        load_scorer(str(folder), family="implicit", device="cpu")
    with pytest.raises(ModelError, match="gives other ids"):
        load_scorer(str(folder), family=f"implicit:{rlhflow[0]}", device="cpu")


# --- real texts ------------------------------------------------------------


@pytest.mark.slow
def test_every_real_step_gets_a_place_of_its_own(data):
    """ProcessBench's steps hold tables, code, several lines and blanks at their ends."""
    from surefoot.core.records import read_rows
    from surefoot.verifiers.formats.implicit import implicit_template
    from surefoot.verifiers.formats.marked import Format
    from surefoot.verifiers.formats.template import read
    from surefoot.verifiers.load import MARKED
    from tiny_hub import mistral_tokenizer

    tokenizers = {
        "math-shepherd": mistral_tokenizer(),
        "rlhflow": llama_tokenizer(),
        "versa-prm": llama_tokenizer(),
    }
    qwen = qwen_tokenizer(bos_token="<|endoftext|>")
    files = sorted((data / "processbench").glob("*.jsonl.gz"))
    assert len(files) == 4
    traces = [
        Trace(Problem(row["id"], row["problem"]), tuple(map(Step, row["steps"])))
        for file in files
        for _, row in list(read_rows(file))[:50]
    ]

    def places(form: Format) -> list[int]:
        template = form.template(tokenizers.get(form.name, qwen))
        read_one = [read(template, t, marker=form.marker, context=1 << 20) for t in traces]
        return [len(encoded.ends_S) for encoded in read_one]

    expected = [len(trace.steps) for trace in traces]
    for form in MARKED:
        assert places(form) == expected, form.name
    template = implicit_template(qwen)
    assert [len(template(t.problem, t.steps).ends_S) for t in traces] == expected


# --- on the command line ---------------------------------------------------


def test_the_command_line_scores_with_any_of_them(classifier, awkward, tmp_path):
    from typer.testing import CliRunner

    from surefoot.cli.main import build_app
    from surefoot.core.records import read_rows, trace_record, write_all

    folder, *_ = classifier
    source, out = tmp_path / "traces.jsonl", tmp_path / "scores.jsonl"
    write_all(source, map(trace_record, awkward))
    options = ["--verifier", str(folder), "--family", "pure", "--device", "cpu", "--out", str(out)]
    result = CliRunner().invoke(build_app(), ["score", str(source), *options])
    assert result.exit_code == 0, result.output
    expected = load_scorer(str(folder), family="pure", device="cpu")(awkward)
    for (_, row), scores in zip(read_rows(out), expected, strict=True):
        assert row["scores"]["kind"] == "correctness"
        assert row["scores"]["values"] == pytest.approx(scores.values, abs=1e-5)
