"""`surefoot label` by judges with a protocol: what could not be read is told."""

import json

import pytest


@pytest.mark.parametrize("method", ["error_list", "tool_judge", "critic"])
def test_the_share_of_unreadable_replies_is_told(cli, tiny, traces, tmp_path, method):
    """A tiny random model follows no prompt: all is unreadable, and nothing is labelled."""
    told = json.loads(
        cli(
            "label", traces, "--method", method, "--judge", tiny, "--limit", "1",
            "--max-tokens", "6", "--votes", "2", "--out", tmp_path / "out.jsonl", "--json",
        ).stdout
    )  # fmt: skip
    assert told["unreadable_replies"] == 1
    assert told["without_evidence"] == told["steps"] > 0


def test_without_a_judge_there_are_no_replies(cli, traces, tmp_path):
    out = tmp_path / "out.jsonl"
    told = json.loads(cli("label", traces, "--method", "calculator", "--out", out, "--json").stdout)
    assert "unreadable_replies" not in told
