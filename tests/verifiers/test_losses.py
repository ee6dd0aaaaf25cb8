"""Losses and features against numbers computed by hand."""

import math

import pytest

torch = pytest.importorskip("torch", reason="needs surefoot[models]")

from surefoot.verifiers.losses import IGNORED, step_loss, token_loss  # noqa: E402
from surefoot.verifiers.network import FEATURES, surprise_features  # noqa: E402


def softplus(x):
    return math.log1p(math.exp(x))


@pytest.mark.parametrize(
    ("logits", "targets", "loss"),
    [
        ([[0.0]], [[1.0]], math.log(2)),
        ([[0.0]], [[0.3]], math.log(2)),
        ([[2.0]], [[1.0]], softplus(-2)),
        ([[2.0]], [[0.0]], softplus(2)),
        ([[1.0]], [[0.25]], 0.25 * softplus(-1) + 0.75 * softplus(1)),
        ([[2.0, 5.0]], [[1.0, IGNORED]], softplus(-2)),  # ignored, not averaged in
        ([[2.0, 0.0], [1.0, 9.0]], [[1.0, 0.5], [0.0, IGNORED]],
         (softplus(-2) + math.log(2) + softplus(1)) / 3),  # over steps, not over traces
    ],
)  # fmt: skip
def test_step_loss_by_hand(logits, targets, loss):
    found = step_loss(torch.tensor(logits), torch.tensor(targets))
    assert float(found) == pytest.approx(loss, rel=1e-6)


@pytest.mark.parametrize("shape", [(2, 3), (0, 0)])
def test_a_mean_over_nothing_is_refused(shape):
    targets = torch.full(shape, IGNORED)
    with pytest.raises(ValueError, match=f"none of {targets.numel()} steps"):
        step_loss(torch.zeros(shape), targets)


@pytest.mark.parametrize("z", [-240.0, -20.0, 0.0, 20.0, 240.0])
@pytest.mark.parametrize("target", [0.0, 0.4, 1.0])
def test_the_gradient_is_score_minus_target_even_where_the_score_is_0_or_1(z, target):
    """log(sigmoid(z)) in float32 would give 0 (or NaN) at z = -240."""
    logit = torch.tensor([[z]], requires_grad=True)
    step_loss(logit, torch.tensor([[target]])).backward()
    assert float(logit.grad) == pytest.approx(1 / (1 + math.exp(-z)) - target, abs=1e-6)


def test_half_precision_logits_are_judged_in_float32():
    logits = torch.tensor([[11.0]], dtype=torch.bfloat16)
    assert step_loss(logits, torch.tensor([[1.0]])).dtype == torch.float32
    assert float(step_loss(logits, torch.tensor([[1.0]]))) == pytest.approx(softplus(-11))


def test_token_loss_by_hand():
    logprobs = torch.tensor([[0.0, -1.0, -2.0], [0.0, -4.0, -100.0]])
    weights = torch.tensor([[0.0, 1.0, 1.0], [0.0, 2.0, 0.0]])
    assert float(token_loss(logprobs, weights)) == pytest.approx((1 + 2 + 8) / 4)
    assert float(token_loss(logprobs, torch.zeros(2, 3))) == 0


def test_surprise_by_hand():
    """Two steps of two and one tokens after one of the prompt, and a padding step."""
    logprobs = torch.tensor([[0.0, -9.0, -1.0, -2.0, -5.0, -7.0]])
    regrets = torch.tensor([[0.0, -9.0, 0.0, -0.5, -3.0, -7.0]])
    spans = torch.tensor([[[2, 4], [4, 5], [0, 0]]])
    found = surprise_features(logprobs, regrets, spans)
    assert found.shape == (1, 3, FEATURES)
    raw = [
        # sum, lowest, lowest regret of the step; the same of all so far
        [-3.0, -2.0, -0.5, -3.0, -2.0, -0.5],
        [-5.0, -5.0, -3.0, -8.0, -5.0, -3.0],
    ]
    expected = [[-math.log(1 - x) for x in row] for row in raw]
    for row, numbers in zip(found[0], expected, strict=False):
        assert row.tolist() == pytest.approx(numbers)
    assert found[0, 2, :3].tolist() == [0, 0, 0]


def test_the_worst_so_far_stays():
    """A calm step after a surprising one: its own figures are small, those so far are not."""
    logprobs = torch.tensor([[0.0, -5.0, -1.0]])
    regrets = torch.tensor([[0.0, -3.0, -0.5]])
    found = surprise_features(logprobs, regrets, torch.tensor([[[1, 2], [2, 3]]]))
    raw = [-1.0, -1.0, -0.5, -6.0, -5.0, -3.0]
    assert found[0, 1].tolist() == pytest.approx([-math.log(1 - x) for x in raw])


def test_features_of_a_step_do_not_see_later_ones():
    torch.manual_seed(0)
    logprobs, regrets = -torch.rand(1, 20) * 5, -torch.rand(1, 20)
    spans = torch.tensor([[[3, 8], [8, 12], [12, 20]]])
    whole = surprise_features(logprobs, regrets, spans)
    assert torch.allclose(whole[:, :2], surprise_features(logprobs, regrets, spans[:, :2]))
    assert torch.allclose(
        whole[:, :2], surprise_features(logprobs[:, :12], regrets[:, :12], spans[:, :2])
    )
