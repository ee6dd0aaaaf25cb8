"""A tiny fresh verifier with Pebble's tokenizer, and labelled traces of trails to learn from."""

import numpy as np
import pytest

from tiny_model import save_tiny_model

pytest.importorskip("torch", reason="needs surefoot[models]")


@pytest.fixture(scope="session")
def base(tmp_path_factory):
    """A folder with a random language model of 2 layers."""
    return save_tiny_model(tmp_path_factory.mktemp("base"), initializer_range=0.2)


@pytest.fixture
def fresh(base):
    """Makes (network, encoder): the same weights every time."""
    import torch

    from surefoot.verifiers import new_network

    def make():
        torch.manual_seed(1)
        return new_network(str(base), device="cpu")

    return make


@pytest.fixture(scope="session")
def traces():
    """12 right traces of trails and 12 with one wrong number, of 1 to 5 steps."""
    from surefoot.core.types import Step, Trace, Verdict
    from surefoot.tasks import trails

    found = []
    for number, problem in enumerate(trails.problems("train", 12, level="easy")):
        texts = trails.solve(trails.read(problem.text))
        wrong = [*texts]
        place = number % len(texts)
        wrong[place] = wrong[place][:-1] + str((int(wrong[place][-1]) + 1) % 10)
        for lines, verdict in [(texts, Verdict.CORRECT), (wrong, Verdict.WRONG)]:
            found.append(Trace(problem, tuple(map(Step, lines)), None, verdict))
    return [t.with_steps(t.steps[: 1 + i % 5]) for i, t in enumerate(found)]


@pytest.fixture(scope="session")
def labelled(traces):
    from surefoot.annotate import oracle
    from surefoot.tasks import trails

    return [oracle(trace, check_steps=trails.check_steps) for trace in traces]


@pytest.fixture
def woken():
    """Gives a fresh network a head that says something."""
    import torch

    def wake(network):
        torch.manual_seed(2)
        with torch.no_grad():
            for parameter in [*network.state.parameters(), *network.surprise.parameters()]:
                parameter.copy_(torch.randn_like(parameter) * 0.5)
        return network

    return wake


@pytest.fixture
def rng():
    return np.random.default_rng(0)
