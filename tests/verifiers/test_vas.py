"""TD(lambda): returns by hand, its two ends, and the true values of a random walk."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs surefoot[models]")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from surefoot.core.errors import InputError  # noqa: E402
from surefoot.verifiers.kinds import ORM, lambda_returns, td_loss  # noqa: E402
from surefoot.verifiers.kinds.vas import LAMBDA, VAS  # noqa: E402
from surefoot.verifiers.losses import IGNORED  # noqa: E402
from surefoot.verifiers.network import Batch  # noqa: E402

X = IGNORED
rows = st.lists(st.floats(-1, 2, width=32), min_size=1, max_size=7)


def batch(targets):
    empty = torch.zeros(0)
    return Batch(empty, empty, empty, torch.tensor(targets))


def returns(values, ends, weight):
    return lambda_returns(torch.tensor(values), torch.tensor(ends), weight).tolist()


def test_returns_by_hand():
    """V = .2, .4, .6 and R = 1: what is believed of the end does not count, R does."""
    [half] = returns([[0.2, 0.4, 0.6]], [[1.0, 1.0, 1.0]], 0.5)
    assert half == pytest.approx([0.5 * 0.4 + 0.5 * 1, 1, 1])
    [longer] = returns([[0.2, 0.4, 0.6, 0.9]], [[0.0] * 4], 0.25)
    assert longer == pytest.approx([0.75 * 0.4 + 0.25 * (0.75 * 0.6), 0.75 * 0.6, 0, 0])
    padded = returns([[0.2, 0.4, 0.6], [0.9, 0.1, 0.3]], [[1.0, 1.0, X], [X, X, X]], 0.5)
    assert padded == [[1, 1, X], [X, X, X]]


@given(rows, st.sampled_from([0.0, 1.0]))
def test_one_is_monte_carlo_and_zero_looks_at_the_next_alone(values, end):
    ends = [[end] * len(values)]
    assert returns([values], ends, 1.0) == ends
    assert returns([values], ends, 0.0) == [[*values[1:-1], end, end][-len(values) :]]
    z = torch.tensor([values])
    assert float(td_loss(1.0)(z, batch(ends))) == pytest.approx(float(ORM.loss(z, batch(ends))))


def test_the_loss_holds_the_returns_fixed():
    z = torch.tensor([[0.0, 0.3, 0.1]], requires_grad=True)  # V = .5, .8, .6;  G = .9, 1, 1
    loss = td_loss(0.5)(z, batch([[1.0] * 3]))
    assert float(loss) == pytest.approx((0.4**2 + 0.2**2 + 0.4**2) / 3)
    loss.backward()
    assert z.grad[0].tolist() == pytest.approx([2 / 3 * -0.4, 2 / 3 * -0.2, 2 / 3 * -0.4])
    assert VAS.loss is not ORM.loss
    assert LAMBDA == 0.95
    with pytest.raises(ValueError, match="none of 2 steps"):
        td_loss()(torch.zeros(1, 2), batch([[X, X]]))
    for wrong in (-0.1, 1.1):
        with pytest.raises(InputError, match="lambda"):
            returns([[0.0]], [[1.0]], wrong)


@pytest.mark.parametrize("weight", [0.0, 0.5, 0.95])
def test_it_finds_the_values_of_a_random_walk(weight):
    """Sutton's walk on 5 places: P(right end | place) = 1/6 ... 5/6, whatever lambda."""
    rng, walks = np.random.default_rng(0), []
    while len(walks) < 1500:
        place, path = 3, [3]
        while 0 < place < 6:
            place += 1 if rng.random() < 0.5 else -1
            path.append(place)
        walks.append((path, float(place == 6)))
    most = max(len(path) for path, _ in walks)
    places = torch.zeros((len(walks), most), dtype=torch.long)
    ends = torch.full((len(walks), most), X)
    for n, (path, end) in enumerate(walks):
        places[n, : len(path)] = torch.tensor(path)
        ends[n, : len(path)] = end
    value, known = torch.full((7,), 0.5), ends != X
    for _ in range(60 if weight == 0 else 25):  # expected TD: each place's mean return
        found = lambda_returns(value[places], ends, weight)
        value = torch.stack([found[known & (places == s)].mean() for s in range(7)])
    assert value.tolist() == pytest.approx([s / 6 for s in range(7)], abs=0.05)


def test_values_beyond_1_are_learnt_from_and_not_refused():
    """V_0 = V_1 = 1.4, R = 1: G_0 = .05 * 1.4 + .95 * 1, and a linear V is often over 1."""
    loss = td_loss(0.95)(torch.tensor([[0.9, 0.9]]), batch([[1.0, 1.0]]))
    assert float(loss) == pytest.approx(0.4**2)  # of two tokens the second is the end: G = R
    loss = td_loss(0.95)(torch.tensor([[0.9, 0.9, 0.5]]), batch([[1.0, 1.0, 1.0]]))
    assert float(loss) == pytest.approx(((1.4 - 1.02) ** 2 + 0.4**2) / 3)
