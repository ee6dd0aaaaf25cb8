"""Which steps look wrong before anything is asked: a hazard, learned without step labels. [ours]

    P(tau = t | tau >= t) = sigma(w . x_t + b)        x_t: F features of step t

A rollout tells nothing about a solution that its policy can hardly finish, but what is
known of each step for nothing, how surprising its tokens were or what a verifier says,
often does. How much each of these is worth is learned from the outcomes of the traces
and the rollouts at hand by expectation-maximisation: beliefs about tau are the labels of
a logistic regression over the steps that were reached, weighted by P(tau >= t), and its
hazard is the next prior of the beliefs.

Dimension key: N traces, S steps of a trace, F features, M steps of all traces.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from surefoot.annotate.belief import Belief, learned, prior_from_steps
from surefoot.annotate.channel import Channel, Floats
from surefoot.core.errors import InputError
from surefoot.core.types import Trace

RIDGE = 1.0  # pseudo-steps that pull each weight to zero


@dataclass(frozen=True, slots=True)
class Hazard:
    """weights_F, bias: of standardised features. means_F, scales_F: that standardise them."""

    weights_F: Floats
    bias: float
    means_F: Floats
    scales_F: Floats

    def prior(self, features_S_F: Floats) -> Floats:
        """[S + 1] P(tau = t) before anything is asked; the last for no error."""
        z_S = (features_S_F - self.means_F) / self.scales_F @ self.weights_F + self.bias
        return prior_from_steps((1 / (1 + np.exp(z_S))).tolist())


def surprise_features(trace: Trace) -> Floats:
    """[S, 2] how surprising each step was to the policy that wrote it: -log(1 - x) of the sum
    and of the lowest of its tokens' log-probabilities x.

    Raises InputError for a step without log-probabilities.
    """
    for number, step in enumerate(trace.steps):
        if not step.logprobs:
            raise InputError(
                f"step {number} of a trace of problem {trace.problem.id!r} has no "
                "log-probabilities (field 'logprobs'); sample it with a local policy, or use "
                "other features"
            )
    raw_S_2 = np.array([[sum(s.logprobs), min(s.logprobs)] for s in trace.steps])
    tamed: Floats = -np.log1p(-raw_S_2.clip(max=0))
    return tamed


def learn(
    beliefs_N: Sequence[Belief], features_N: Sequence[Floats], *, rounds: int = 10
) -> tuple[Channel, Hazard]:
    """The policy's rates and the hazard of a set of traces, from what their beliefs have seen.

    features_N: [N] of [S, F]. Moves the beliefs' priors and channels along. Put traces of
    both outcomes in: why some ended right is half of what there is to learn.
    O(rounds * M * F^2 + rounds * N * G * S).
    """
    if not beliefs_N or len(beliefs_N) != len(features_N):
        raise InputError(
            f"expected features for each of one or more beliefs, got {len(features_N)} for "
            f"{len(beliefs_N)}"
        )
    channel = beliefs_N[0].channel
    for _ in range(rounds):
        hazard = fit_hazard(features_N, [belief.first_error for belief in beliefs_N])
        channel = learned(channel, beliefs_N, rounds=1)
        for belief, features in zip(beliefs_N, features_N, strict=True):
            belief.prior, belief.channel = hazard.prior(features), channel
    return channel, hazard


def fit_hazard(features_N: Sequence[Floats], first_error_N: Sequence[Floats]) -> Hazard:
    """Weighted logistic regression of P(tau = t) on the steps reached, by Newton's method.

    features_N: [N] of [S, F]. first_error_N: [N] of [S + 1], each a distribution of tau.
    """
    x_M_F = np.concatenate(features_N)
    happens_M = np.concatenate([chances[:-1] for chances in first_error_N])
    reached_M = np.concatenate([chances[::-1].cumsum()[::-1][:-1] for chances in first_error_N])
    means_F, scales_F = x_M_F.mean(0), x_M_F.std(0)
    scales_F[scales_F == 0] = 1.0
    x_M_F1 = np.column_stack(((x_M_F - means_F) / scales_F, np.ones(len(x_M_F))))
    ridge_F1 = np.full(x_M_F1.shape[1], RIDGE)
    ridge_F1[-1] = 1e-6  # the bias is free
    w_F1 = np.zeros(x_M_F1.shape[1])
    for _ in range(25):
        p_M = 1 / (1 + np.exp(-(x_M_F1 @ w_F1)))
        slope_F1 = x_M_F1.T @ (happens_M - reached_M * p_M) - ridge_F1 * w_F1
        bend = (x_M_F1.T * (reached_M * p_M * (1 - p_M))) @ x_M_F1 + np.diag(ridge_F1)
        step_F1 = np.linalg.solve(bend, slope_F1)
        w_F1 = w_F1 + step_F1
        if np.abs(step_F1).max() < 1e-8:
            break
    return Hazard(w_F1[:-1], float(w_F1[-1]), means_F, scales_F)
