"""What a checkpoint may not bring or ask for: pickles, code, 10^6 layers, endless templates."""

import json
import os
import shutil
import subprocess
import sys
import time

import pytest

pytest.importorskip("torch", reason="needs surefoot[models]")

import torch

from surefoot.core.errors import ModelError
from surefoot.core.types import Problem
from surefoot.policy.local import PEBBLE, load_model, load_policy
from surefoot.policy.local_files import check_counts, check_folder
from surefoot.steps import chat
from surefoot.steps.encode import chat_prompt

FAST = 20  # seconds on a busy machine; what is refused here hangs for minutes or for ever


@pytest.fixture
def folder(checkpoint, tmp_path):
    return shutil.copytree(checkpoint, tmp_path / "copy")


def changed(folder, file="config.json", **fields):
    """The folder, with some fields of a JSON file set."""
    record = json.loads((folder / file).read_text())
    (folder / file).write_text(json.dumps({**record, **fields}))
    return folder


def refused(folder, words):
    started = time.monotonic()
    with pytest.raises(ModelError, match=words) as caught:
        load_model(str(folder), dtype="float32", device="cpu")
    assert time.monotonic() - started < FAST
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- weights and code ------------------------------------------------------


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "weights.ckpt"])
def test_pickled_weights_are_refused_with_the_cure(folder, name):
    (folder / "model.safetensors").unlink()
    torch.save({"a": torch.zeros(1)}, folder / name)
    told = refused(folder, f"no safetensors weights, only pickles .{name}., which can run code")
    assert "convert it" in told


def test_a_pickle_beside_safetensors_is_not_read(folder):
    (folder / "pytorch_model.bin").write_bytes(b"not even a pickle")
    load_model(str(folder), dtype="float32", device="cpu")


def test_an_adapter_is_safetensors_too_and_so_is_its_base(folder, tmp_path):
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text(
        json.dumps({"base_model_name_or_path": str(folder), "peft_type": "LORA"})
    )
    (adapter / "adapter_model.bin").write_bytes(b"")
    refused(adapter, "only pickles .adapter_model.bin.")
    (adapter / "adapter_model.safetensors").touch()
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    refused(adapter, "only pickles .pytorch_model.bin.")


EVIL = """
from pathlib import Path
Path({mark!r}).touch()
"""


@pytest.fixture
def evil(folder, tmp_path):
    """(folder, mark): its own code makes the mark where it runs."""
    mark = tmp_path / "evil-ran"
    (folder / "evil.py").write_text(EVIL.format(mark=str(mark)))
    auto = {"AutoConfig": "evil.C", "AutoModelForCausalLM": "evil.M", "AutoModel": "evil.M"}
    changed(folder, model_type="evil", auto_map=auto)
    tokens = {"AutoTokenizer": ["evil.T", None]}
    changed(folder, "tokenizer_config.json", auto_map=tokens, tokenizer_class="Evil")
    return folder, mark


def test_the_own_code_of_a_checkpoint_is_not_run_where_a_person_would_say_yes(evil, monkeypatch):
    folder, mark = evil
    asked = []
    monkeypatch.setattr("builtins.input", lambda *words: asked.append(words) or "y")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    refused(folder, "cannot be read")
    assert (asked, mark.exists()) == ([], False)


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["sample", "score"])
def test_nor_at_a_real_terminal(evil, tmp_path, verb):
    folder, mark = evil
    pty = pytest.importorskip("pty", reason="needs a Unix terminal")
    row = {"id": "a", "problem": "1 + 1?", "answer": "2", "steps": ["The answer is 2"]}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n")
    model = ["--policy", folder] if verb == "sample" else ["--verifier", folder]
    command = [sys.executable, "-m", "surefoot", verb, tmp_path / "rows.jsonl", *model]
    main, side = pty.openpty()
    os.write(main, b"y\ny\ny\ny\n")
    command += ["--out", tmp_path / "out.jsonl"]
    run = subprocess.run(
        [str(part) for part in command], stdin=side, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip
    os.close(side)
    os.close(main)
    assert run.returncode == 1
    assert len(run.stderr.strip().splitlines()) == 1, run.stderr
    assert "[y/N]" not in run.stdout + run.stderr
    assert not mark.exists()


# --- what a config asks for ------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        {"num_hidden_layers": 10**6},
        {"num_hidden_layers": 10**12},
        {"model_type": "qwen2", "num_hidden_layers": 10**9},
        {"text_config": {"deeper": [{"n_layer": 10**6}]}},
        {"num_labels": 10**9},
        {"num_local_experts": 10**7},
    ],
    ids=str,
)
def test_a_config_that_asks_for_endless_modules_is_refused_at_once(folder, fields):
    refused(changed(folder, **fields), "the config of .* asks for .* = 10+, and its weights")


@pytest.mark.parametrize("field", ["vocab_size", "intermediate_size"])
def test_a_config_that_asks_for_all_memory_is_refused(folder, field):
    refused(changed(folder, **{field: 10**10}), "asks for [0-9,]+ parameters, and its weights have")


def test_what_is_no_config_is_named(folder):
    (folder / "config.json").write_text("[" * 100_000)
    refused(folder, "config.json cannot be read")
    (folder / "config.json").write_text("[]")
    refused(folder, "config.json is not a JSON object")


def test_the_shipped_models_and_deep_ones_pass():
    for name in ("policy", "reader", "verifier"):
        check_folder(PEBBLE / name)
    check_counts({"num_hidden_layers": 126, "max_position_embeddings": 10**7}, "Llama 405B")
    check_counts({"num_experts": 384, "vocab_size": 262_144, "num_blocks": True}, "Kimi")
    check_counts({"text_config": {"vocab_size_per_layer_input": 262_144}}, "Gemma 3n")
    check_counts({"shared_expert_intermediate_size": 20_480}, "Qwen2 57B A14B")
    check_counts({"expert_ffn_hidden_size": 2_048, "block_size": 4_096}, "LongCat")
    check_counts({"id2label": {0: "bad", 1: "good"}}, "a config whose keys are numbers")


# --- chat templates --------------------------------------------------------

LOOP = "{% for i in range(100000) %}{% for j in range(100000) %}{% set x = 1 %}{% endfor %}"


@pytest.mark.parametrize(
    ("template", "words"),
    [
        (LOOP + "{% endfor %}", "not ended after 300,000 lines"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "nested too deep"),
        ("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", "chat template"),
        ("{% if x %}" * 3000 + "{% endif %}" * 3000, "chat template"),
        ("{{ 10 ** 10 ** 10 }}", "raises to a power"),
        ("{{ [1]|map('ro' ~ 'und', 10 * 99999999, 'ceil')|list }}", "rounds to more places"),
        ("{{ 1|round(99999999, 'floor') }}", "rounds to more places"),
        ("{% for %}", "Expected|expected"),
        ("{{ messages[7].content }}", "no element 7|undefined"),
        ("{{ raise_exception('no system message, please') }}", "no system message, please"),
        ("{{ ''.__class__.__mro__ }}", "unsafe|access"),
    ],
    ids=[
        "loop",
        "recursion",
        "brackets",
        "ifs",
        "power",
        "rounding",
        "folded",
        "syntax",
        "undefined",
        "own",
        "escape",
    ],
)
def test_a_hostile_template_is_one_clear_error(folder, template, words):
    changed(folder, "tokenizer_config.json", chat_template=template)
    started = time.monotonic()
    with pytest.raises(ModelError, match=words) as caught:
        load_policy(str(folder), device="cpu")
    assert time.monotonic() - started < FAST
    assert "\n" not in str(caught.value)


CHAT = (
    "{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m.content | trim }}\n{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


def test_the_ids_of_a_chat_are_those_of_transformers(tiny):
    _, tokenizer = tiny
    tokenizer.chat_template = CHAT
    try:
        ids = chat_prompt(tokenizer, "Solve.")(Problem("p", "How many?"))
        message = {"role": "user", "content": "Solve.\n\nHow many?"}
        assert ids == tokenizer.apply_chat_template(
            [message], add_generation_prompt=True, tokenize=True, return_dict=False
        )
    finally:
        tokenizer.chat_template = None


def test_lines_are_counted_for_each_text_and_a_trace_function_comes_back(tiny, monkeypatch):
    _, tokenizer = tiny
    monkeypatch.setattr(tokenizer, "chat_template", CHAT, raising=False)
    monkeypatch.setattr(chat, "MOST_LINES", 200)
    before = sys.gettrace()
    for _ in range(20):
        chat.chat_text(tokenizer, [{"role": "user", "content": "Hi"}])
    assert sys.gettrace() is before


# --- GGUF ------------------------------------------------------------------


def test_a_gguf_file_still_loads(tmp_path):
    """One block of random weights; there is no safetensors file and no config.json beside it."""
    gguf = pytest.importorskip("gguf", reason="needs surefoot[models]")
    path, rng = tmp_path / "tiny.gguf", torch.Generator().manual_seed(0)
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_context_length(64)
    writer.add_embedding_length(16)
    writer.add_block_count(1)
    writer.add_feed_forward_length(32)
    writer.add_head_count(2)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-5)
    tokens = ["<|end|>", *(bytes([b]).decode("latin-1") for b in range(33, 127)), "Ġ", "Ċ", "ab"]
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens)
    writer.add_token_types([3] + [1] * (len(tokens) - 1))
    writer.add_token_merges(["a b"])
    writer.add_eos_token_id(0)
    writer.add_bos_token_id(0)
    shapes = {
        "token_embd": (len(tokens), 16), "output": (len(tokens), 16), "output_norm": (16,),
        "blk.0.attn_q": (16, 16), "blk.0.attn_k": (16, 16), "blk.0.attn_v": (16, 16),
        "blk.0.attn_output": (16, 16), "blk.0.ffn_gate": (32, 16), "blk.0.ffn_up": (32, 16),
        "blk.0.ffn_down": (16, 32), "blk.0.attn_norm": (16,), "blk.0.ffn_norm": (16,),
    }  # fmt: skip
    for name, shape in shapes.items():
        writer.add_tensor(f"{name}.weight", torch.randn(shape, generator=rng).numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    model, tokenizer = load_model(str(path), dtype="float32", device="cpu")
    assert model.config.num_hidden_layers == 1
    assert tokenizer("ab", add_special_tokens=False)["input_ids"]
