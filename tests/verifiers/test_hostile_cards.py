"""Cards and folders of verifiers that somebody else made, with the worst intentions."""

import json
import shutil
import time

import pytest

pytest.importorskip("torch", reason="needs surefoot[models]")

from surefoot.core.errors import ModelError
from surefoot.policy.local import PEBBLE
from surefoot.verifiers import load_scorer
from surefoot.verifiers.checkpoint import SIDECAR, read_card


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(PEBBLE / "verifier", tmp_path / "verifier")


def with_card(folder, **fields):
    record = json.loads((folder / SIDECAR).read_text())
    (folder / SIDECAR).write_text(json.dumps({**record, **fields}))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"kind": "evil"}, "'evil' is not a valid Kind"),
        ({"kind": ["value"]}, "field 'kind'"),
        ({"name": {"a": 1}}, "field 'name'"),
        ({"separator": 7}, "field 'separator'"),
        ({"separator": ""}, "field 'separator' is empty"),
        ({"metrics": [1]}, "field 'metrics'"),
        ({"objective": ["prm"]}, "field 'objective'"),
        ({"aggregation": "product"}, "value scores aggregate by last, not by 'product'"),
        ({"aggregation": 3}, "field 'aggregation'"),
        ({"calibration": "sure"}, "field 'calibration'"),
        ({"run": "this"}, "unexpected keyword argument 'run'"),
    ],
    ids=str,
)
def test_a_card_that_is_none_is_one_error_that_names_the_field(folder, fields, words):
    with_card(folder, **fields)
    with pytest.raises(ModelError, match=words) as caught:
        load_scorer(str(folder), device="cpu")
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "[1]", "7", "1" * 5000, ""])
def test_a_card_of_any_other_json_is_refused(folder, text):
    (folder / SIDECAR).write_text(text)
    with pytest.raises(ModelError, match="no readable verifier"):
        read_card(folder)


@pytest.mark.parametrize("hub", [False, True], ids=["our own", "from the Hub"])
def test_a_verifier_with_pickled_weights_or_endless_layers_is_refused(folder, hub):
    if hub:
        (folder / SIDECAR).unlink()
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 10**6}))
    started = time.monotonic()
    with pytest.raises(ModelError, match="num_hidden_layers = 1000000"):
        load_scorer(str(folder), family="qwen-prm" if hub else None, device="cpu")
    assert time.monotonic() - started < 20
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    for head in folder.glob("head.*"):
        head.unlink()
    with pytest.raises(ModelError, match=r"only pickles .pytorch_model\.bin., which can run code"):
        load_scorer(str(folder), family="qwen-prm" if hub else None, device="cpu")
