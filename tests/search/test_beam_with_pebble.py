"""The shipped policy ends a solution after its last line break; a beam must not lose it."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs surefoot[models]")

from surefoot.policy.local import load_policy
from surefoot.policy.local_decode import Sampling
from surefoot.search import Found, beam
from surefoot.tasks import trails


def test_a_beam_finishes_pebble_s_solutions(constant):
    policy = load_policy("pebble", sampling=Sampling(max_tokens=60), device="cpu", slots=16)
    [problem] = trails.problems("test", 1, level="easy")
    found = beam(
        problem,
        sample=policy,
        check=trails.check,
        score=constant,
        rng=np.random.default_rng(0),
        beams=2,
        width=2,
        rounds=12,
    )
    assert isinstance(found, Found)
    assert found.chosen.steps[-1].text.startswith("The answer is")
    assert found.usage.calls <= 12 * 4 * 2
