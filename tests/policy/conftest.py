"""A tiny random Llama with Pebble's tokenizer, and Pebble itself."""

import numpy as np
import pytest

from tiny_model import save_tiny_model


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """A folder with a random model of 2 layers; its texts are noise and never end early."""
    pytest.importorskip("torch", reason="needs surefoot[models]")
    return save_tiny_model(tmp_path_factory.mktemp("tiny"), initializer_range=0.3)


@pytest.fixture(scope="session")
def tiny(checkpoint):
    """(model, tokenizer) of the checkpoint, float32 on CPU."""
    from surefoot.policy.local import load_model

    return load_model(str(checkpoint), dtype="float32", device="cpu")


@pytest.fixture(scope="session")
def decoder(tiny):
    """Makes a decoder of the tiny model."""
    from surefoot.policy.local_decode import Decoder, Sampling
    from surefoot.steps import Encoder, plain_prompt

    model, tokenizer = tiny
    encoder = Encoder(tokenizer, plain_prompt(tokenizer))

    def make(slots=16, **sampling):
        return Decoder(
            model,
            sampling=Sampling(**sampling),
            end_ids=frozenset({tokenizer.eos_token_id}),
            ends_step=encoder.ends_step,
            slots=slots,
        )

    return make


@pytest.fixture(scope="session")
def requests(tiny):
    """40 requests over prefixes of 1 to 100 ids: some equal, some nested, some of a kind alone."""
    from surefoot.policy.local_decode import Request

    rng, size = np.random.default_rng(0), tiny[0].config.vocab_size
    trunk = tuple(int(i) for i in rng.integers(3, size, 100))
    prefixes = [trunk[:n] for n in (1, 2, 7, 16, 17, 40, 64, 65, 99, 100)]
    prefixes += [
        tuple(int(i) for i in rng.integers(3, size, n)) for n in (1, 3, 15, 16, 30, 31, 50, 63, 80)
    ]
    prefixes += [trunk[:40]] * 6 + [trunk[:17]] * 4
    while len(prefixes) < 40:
        prefixes.append(tuple(int(i) for i in rng.integers(3, size, int(rng.integers(1, 90)))))
    return [Request(ids, seed, "end") for seed, ids in enumerate(prefixes)]


@pytest.fixture(scope="session")
def pebble():
    """Pebble as its users load it, with short solutions."""
    pytest.importorskip("torch", reason="needs surefoot[models]")
    from surefoot.policy.local import load_policy
    from surefoot.policy.local_decode import Sampling

    return load_policy("pebble", sampling=Sampling(max_tokens=120), device="cpu", slots=32)
