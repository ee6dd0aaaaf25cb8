"""A Hub family's checkpoint is trained further in its own words, and read again as that family."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs surefoot[models]")

from surefoot.core.errors import ModelError
from surefoot.core.types import Kind, LabelledTrace, StepLabel
from surefoot.verifiers import (
    KINDS,
    TrainConfig,
    load_scorer,
    new_network,
    prepare,
    scorer,
    train,
)
from surefoot.verifiers.formats.math_shepherd import shepherd_template
from surefoot.verifiers.kinds import next_token
from tiny_hub import causal, mistral_tokenizer, save


@pytest.fixture
def folder(tmp_path):
    tokenizer = mistral_tokenizer()
    place = tmp_path / "math-shepherd-mistral-7b-prm"
    save(place, causal("mistral", tokenizer), tokenizer)
    return place


def test_math_shepherd_learns_in_its_own_words(folder, awkward, tmp_path):
    kind = next_token(shepherd_template)
    network, encoder = new_network(str(folder), objective=kind, device="cpu")
    labelled = [
        LabelledTrace(
            t, tuple(StepLabel(Kind.CORRECTNESS, n % 2, 1, "t") for n in range(len(t.steps)))
        )
        for t in awkward
    ]
    before = [s.values for s in load_scorer(str(folder), device="cpu")(awkward)]
    prepared = prepare(labelled, encoder, kind)
    config = TrainConfig(epochs=8, lr=3e-3, lm_weight=0.0)
    history = train(network, prepared.examples, config=config, pad=0, objective=kind)
    assert history[-1]["step_loss"] < history[0]["step_loss"]
    score = scorer(
        network, encoder, kind=Kind.CORRECTNESS, name="v", fingerprint="", objective=kind
    )
    ours = [s.values for s in score(awkward)]
    network.base.save_pretrained(tmp_path / "more")
    encoder.tokenizer.save_pretrained(tmp_path / "more")
    theirs = load_scorer(str(tmp_path / "more"), family="math-shepherd", device="cpu")(awkward)
    for mine, read, old in zip(ours, theirs, before, strict=True):
        assert mine == pytest.approx(read.values, abs=1e-5)
        assert np.abs(np.subtract(mine, old)).max() > 1e-3


def test_words_that_begin_alike_are_refused(folder):
    with pytest.raises(ModelError, match="the first tokens of the words"):
        new_network(str(folder), objective=next_token(words=("+", "+")), device="cpu")
    assert KINDS["next-token"].name == "next-token"
