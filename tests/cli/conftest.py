"""A tiny random model, a tiny verifier, and traces of trails, some of them wrong."""

import os

os.environ.setdefault(
    "HF_HUB_OFFLINE", "1"
)  # an unknown model must fail at once, not after retries

import pytest
from cli_helpers import made_traces
from typer.testing import CliRunner

from surefoot.cli.main import build_app
from surefoot.core.records import trace_record, write_all


@pytest.fixture(scope="session")
def cli():
    """Runs the command as a user would; returns (exit code, stdout, stderr)."""
    app, runner = build_app(), CliRunner()

    def run(*arguments, code=0):
        result = runner.invoke(app, [str(a) for a in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.stderr
        return result

    return run


@pytest.fixture(scope="session")
def refused(cli):
    """Runs a command that must fail: one line on stderr, exit code 1. Returns the line."""

    def run(*arguments):
        result = cli(*arguments, code=1)
        lines = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1, result.stderr
        assert result.stderr.rstrip().endswith(lines[0])
        assert "Traceback" not in result.output
        return lines[0]

    return run


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """A random Llama with Pebble's tokenizer; big steps are unlikely, so its texts are noise."""
    torch = pytest.importorskip("torch")
    from transformers import LlamaConfig, LlamaForCausalLM

    from surefoot.policy.pebble.train import build_tokenizer

    torch.manual_seed(0)
    torch.set_num_threads(1)
    tokenizer = build_tokenizer()
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=4096,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    folder = tmp_path_factory.mktemp("tiny")
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def traces(tmp_path_factory):
    path = tmp_path_factory.mktemp("traces") / "traces.jsonl"
    write_all(path, map(trace_record, made_traces()))
    return path


@pytest.fixture(scope="session")
def labels(cli, traces):
    path = traces.with_name("labels.jsonl")
    cli("label", traces, "--method", "oracle", "--out", path)
    return path


@pytest.fixture(scope="session")
def verifier(cli, labels, tiny):
    path = labels.with_name("verifier")
    cli("train", labels, "--base", tiny, "--epochs", 1, "--out", path)
    return path


@pytest.fixture(scope="session")
def scores(cli, traces, verifier):
    path = traces.with_name("scores.jsonl")
    cli("score", traces, "--verifier", verifier, "--out", path)
    return path
