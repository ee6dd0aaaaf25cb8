"""Where is the first wrong step? A posterior from rollouts whose success rates are unknown.

Let tau in 0..S be the index of the first wrong step of a trace, S if there is none. A
rollout from the prefix of t steps ends right with probability

    p_t = a_t   while all t steps are right (t <= tau)
    p_t = b     after a wrong one that can be repaired or does no harm
    p_t = 0     after one that cannot (only among `three_states`)

and a_t is either constant or eases, a_t = a^((S - t) / S), as every right step brings
the end nearer. After c_t successes in k_t rollouts

    P(tau | data) ~ P(tau) sum_g w_g prod_t p_t(tau, g)^{c_t} (1 - p_t(tau, g))^{k_t - c_t}

over a grid g of (a, b, shape) with weights w; where prefixes of one sort may differ, the
product is that of a beta-binomial law around p_t (`channel.Channel`). The next rollout
is worth the bits

    I_t = h(E[p_t]) - E_tau[ h(E[p_t | tau]) ]        h: entropy of a coin

that its outcome is expected to tell about tau. [ours; noisy bisection after Horstein
(1963), with an asymmetric channel of unknown rates: see docs/annotate-bayes.md]

No hypothesis is listed. With the log evidence A_t, B_t of prefix t for being sound and
repairable, the ways to get stuck (`channel.States`) before an error at tau have one sum:

    P(data of 0..tau | tau, g) = e^(A_0 + .. + A_tau) prod_{t <= tau} (1 - s_t)
                                 + e^(B_0 + .. + B_tau + K_tau)
    K_t = log sum_{p <= t} s_p prod_{u < p} (1 - s_u) e^(A_u - B_u)

and the ways to be doomed after it in another, from the end back. So every posterior is exact in
O(G S) time and memory.

Dimension key: S steps, T = S + 1 prefixes (of 0..S steps), N = S + 1 first errors,
G grid points, B first errors of a block.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from surefoot.annotate.channel import (
    REPAIRABLE,
    SOUND,
    SURE,
    Channel,
    Floats,
    States,
    flat_channel,
    two_states,
)
from surefoot.core.errors import InputError

BLOCK = 32  # first errors at once: enough for matrix products, few enough for the cache


def prior_from_steps(right_S: Sequence[float | None]) -> Floats:
    """[S + 1] P(tau = t) ~ (1 - r_t) prod_{i<t} r_i from P(step right | steps before right).

    None is no opinion on a step, and with no opinion at all every tau is equally likely:
    r_t = 1 - 1 / (S + 1 - t). Opinions are kept `SURE` off 0 and 1.
    """
    steps = len(right_S)
    flat = (1 - 1 / (steps + 1 - t) for t in range(steps))
    known = [r if given is None else given for given, r in zip(right_S, flat, strict=True)]
    right = np.clip(known, SURE, 1 - SURE)
    reached = np.concatenate(([1.0], np.cumprod(right)))
    prior: Floats = reached * np.concatenate((1 - right, [1.0]))
    return prior


@dataclass(frozen=True, slots=True)
class _Sums:
    """joint_G_N: P(g, tau | all evidence). Given g and tau, the prefix of t steps is

    stuck with chance e^(stuck_G_T[t] + unstuck_G_N[tau]), t <= tau, and
    repairable with chance e^(kept_G_T[t] - kept_G_T[tau]), t > tau.
    """

    joint_G_N: Floats
    stuck_G_T: Floats
    unstuck_G_N: Floats
    kept_G_T: Floats


@dataclass(frozen=True, slots=True)
class _Chances:
    """Chances e^(log_G_T + log_G_B) of the prefixes `near` and `far`, for B first errors.

    The exponents may be of any size, their sum is 0 or less. log_G_T rises from the far prefixes
    to the `anchor`, so there the chance is a product of two that are 1 or less each, which a matrix
    product can add up.
    """

    log_G_T: Floats
    log_G_B: Floats
    near: slice
    far: slice
    anchor: int

    def mean(self, weights_G_B: Floats, values_G_T: Floats) -> Floats:
        """[B, T] sum_g weight * chance * value; 0 at the other prefixes."""
        total_B_T = np.zeros((weights_G_B.shape[1], values_G_T.shape[1]))
        anchor_G1 = np.maximum(self.log_G_T[:, self.anchor, None], -1e300)  # not -inf: no NaN
        rows_G_B = weights_G_B * np.exp(np.minimum(anchor_G1 + self.log_G_B, 0))
        columns_G_F = values_G_T[:, self.far] * np.exp(self.log_G_T[:, self.far] - anchor_G1)
        total_B_T[:, self.far] = rows_G_B.T @ columns_G_F
        near_G_B_C = np.exp(
            np.minimum(self.log_G_T[:, None, self.near] + self.log_G_B[..., None], 0)
        )
        near_G_B_C *= values_G_T[:, None, self.near]
        total_B_T[:, self.near] = np.einsum("gb,gbc->bc", weights_G_B, near_G_B_C)
        return total_B_T


@dataclass(slots=True)
class Belief:
    """What is believed of one trace; `observe` moves it.

    steps: S, 1 or more. prior: [S + 1] over tau, not negative; None for a flat one. Prior
    and the weights of the channel may be replaced at any time, what was observed stays.
    model: what a prefix can be, from S.
    successes_T, tries_T: all that was observed.
    Cost: O(G S) numbers and as much time, but O(G S^2) time for `values` and `information`
    (on one core, 1,000 steps and the flat channel: tens of milliseconds).
    """

    steps: int
    channel: Channel = field(default_factory=flat_channel)
    prior: Floats | None = None
    model: Callable[[int], States] = two_states
    successes_T: Floats = field(init=False)
    tries_T: Floats = field(init=False)
    _states: States = field(init=False, repr=False)
    _rates_G_3_T: Floats = field(init=False, repr=False)
    _evidence_G_3_T: Floats = field(init=False, repr=False)  # log P(data of prefix | g, state)
    _other_N: Floats = field(init=False, repr=False)  # log-likelihood of other evidence

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise InputError(f"a trace needs a step or more to look for an error, got {self.steps}")
        self._states = self.model(self.steps)
        self._rates_G_3_T = self.channel.rates(self.steps)
        self._evidence_G_3_T = np.zeros(self._rates_G_3_T.shape)
        self._other_N = np.zeros(self.steps + 1)
        self.successes_T = np.zeros(self.steps + 1)
        self.tries_T = np.zeros(self.steps + 1)

    def observe(self, place: int, successes: float, tries: float) -> None:
        """Takes in `tries` rollouts from the prefix of `place` steps, 0 to S.

        Raises InputError for counts that are not whole, or more successes than tries: they
        would be rounded down without a word.
        """
        whole = float(successes).is_integer() and float(tries).is_integer()
        if not (0 <= place <= self.steps and whole and 0 <= successes <= tries):
            raise InputError(
                f"expected whole successes and tries, no more successes than tries, of a prefix "
                f"of 0 to {self.steps} steps; got {successes} of {tries} at {place}"
            )
        for won in [1.0] * int(successes) + [0.0] * int(tries - successes):
            rate_G_3 = self._rates_now()[:, :, place]
            self._evidence_G_3_T[:, :, place] += np.log(rate_G_3 if won else 1 - rate_G_3)
            self.successes_T[place] += won
            self.tries_T[place] += 1

    def weigh(self, likelihood: Floats) -> None:
        """Takes in other evidence: [S + 1] how likely it is under each tau, up to a factor.

        Raises InputError unless these are finite, none negative, and some positive.
        """
        if likelihood.shape != (self.steps + 1,) or not (
            np.isfinite(likelihood).all() and (likelihood >= 0).all() and likelihood.any()
        ):
            raise InputError(
                f"evidence on the first error of {self.steps} steps has {self.steps + 1} "
                "likelihoods, finite, none negative, some positive, the last for no error; got "
                f"{likelihood.tolist()}"
            )
        with np.errstate(divide="ignore"):
            self._other_N += np.log(likelihood)

    @property
    def first_error(self) -> Floats:
        """[S + 1] P(tau = t | all evidence); the last for no error."""
        chances: Floats = self._sums().joint_G_N.sum(0)
        return chances

    @property
    def right(self) -> Floats:
        """[S] P(tau > t): is every step up to t right?"""
        right: Floats = 1 - np.cumsum(self.first_error)[:-1]
        return right.clip(0, 1)

    @property
    def values(self) -> Floats:
        """[S] posterior mean of p after each step."""
        means = sum(success_B_T.sum(0) for _, success_B_T in self._successes(self._sums()))
        values: Floats = np.asarray(means)[1:]
        return values

    @property
    def entropy(self) -> float:
        """Of tau, in bits."""
        return float(_entropy(self.first_error))

    @property
    def channel_weights(self) -> Floats:
        """[G] posterior weights of the channel's grid."""
        weights: Floats = self._sums().joint_G_N.sum(1)
        return weights

    def information(self) -> Floats:
        """[T] bits about tau expected from one more rollout at each prefix."""
        sums = self._sums()
        tau_N = sums.joint_G_N.sum(0)
        mean_T, left_T = np.zeros(self.steps + 1), np.zeros(self.steps + 1)
        for rows, success_B_T in self._successes(sums):
            tau_B = tau_N[rows]
            given_B_T = success_B_T[tau_B > 0] / tau_B[tau_B > 0, None]
            mean_T += success_B_T.sum(0)
            left_T += tau_B[tau_B > 0] @ _coin(given_B_T)
        bits: Floats = _coin(mean_T) - left_T
        return bits.clip(min=0)

    def _rates_now(self) -> Floats:
        """[G, 3, T] chance that the next rollout succeeds, after what its prefix has shown."""
        strength = self.channel.strength
        if math.isinf(strength):
            return self._rates_G_3_T
        rates: Floats = strength * self._rates_G_3_T + self.successes_T
        rates /= strength + self.tries_T
        return rates

    def _sums(self) -> "_Sums":
        """All hypotheses of each tau, summed."""
        stuck_T = np.append(self._states.stuck_S, 0.0)
        doom, places_T = self._states.doom, np.arange(self.steps + 1)
        sound_G_T, wrong_G_T, doomed_G_T = np.cumsum(self._evidence_G_3_T, axis=2).swapaxes(0, 1)
        same_G_T = wrong_G_T.copy()  # stuck; the last place of a right trace is its right end
        same_G_T[:, -1] += (
            self._evidence_G_3_T[:, SOUND, -1] - self._evidence_G_3_T[:, REPAIRABLE, -1]
        )
        with np.errstate(divide="ignore"):
            free_T = np.cumsum(np.log1p(-stuck_T))
            onset_G_T = np.log(stuck_T) + _shifted(free_T + sound_G_T - wrong_G_T)
            stuck_G_T = np.logaddexp.accumulate(onset_G_T, axis=1)
            before_G_N = np.logaddexp(free_T + sound_G_T, stuck_G_T + same_G_T)
            doomed_G_T = doomed_G_T[:, -1:] - doomed_G_T  # from the next prefix to the end
            yet_G_T = wrong_G_T + places_T * math.log1p(-doom)
            dooms_T = np.append(np.full(self.steps, doom), 1.0)
            ends_G_T = yet_G_T + np.log(dooms_T) + doomed_G_T
            kept_G_T = np.logaddexp.accumulate(ends_G_T[:, ::-1], axis=1)[:, ::-1]
            log_G_N = before_G_N + kept_G_T - yet_G_T
            log_G_N += self._log_prior() + self._other_N + np.log(self.channel.weights_G)[:, None]
        if log_G_N.max() == -np.inf:
            raise InputError(
                "prior and evidence contradict each other: every first error has chance 0; give "
                "none of them a prior or a likelihood of exactly 0"
            )
        joint_G_N: Floats = np.exp(log_G_N - log_G_N.max())
        joint_G_N /= joint_G_N.sum()
        return _Sums(joint_G_N, stuck_G_T, same_G_T - before_G_N, kept_G_T)

    def _successes(self, sums: "_Sums") -> Iterator[tuple[slice, Floats]]:
        """For blocks of tau, [B, T] P(tau, the next rollout at t succeeds)."""
        now_G_3_T = self._rates_now()
        sound_G_T, wrong_G_T, doomed_G_T = now_G_3_T.swapaxes(0, 1)
        stuck_G_T = wrong_G_T.copy()
        stuck_G_T[:, -1] = sound_G_T[:, -1]
        places_T = np.arange(self.steps + 1)
        for start in range(0, self.steps + 1, BLOCK):
            rows = slice(start, min(start + BLOCK, self.steps + 1))
            joint_G_B = sums.joint_G_N[:, rows]
            stuck = _Chances(
                sums.stuck_G_T, sums.unstuck_G_N[:, rows], rows, slice(0, start), start
            )
            kept = _Chances(
                sums.kept_G_T, -sums.kept_G_T[:, rows], rows, slice(rows.stop, None),
                min(rows.stop, self.steps),
            )  # fmt: skip
            until_B_T = joint_G_B.T @ sound_G_T + stuck.mean(joint_G_B, stuck_G_T - sound_G_T)
            after_B_T = joint_G_B.T @ doomed_G_T + kept.mean(joint_G_B, wrong_G_T - doomed_G_T)
            yield rows, np.where(places_T <= places_T[rows, None], until_B_T, after_B_T)

    def _log_prior(self) -> Floats:
        """[S + 1]."""
        prior = np.ones(self.steps + 1) if self.prior is None else np.asarray(self.prior, float)
        if prior.shape != (self.steps + 1,) or (prior < 0).any() or not prior.sum() > 0:
            raise InputError(
                f"a prior over the first error of {self.steps} steps has {self.steps + 1} weights, "
                f"none negative, the last for no error; got {prior.tolist()}"
            )
        with np.errstate(divide="ignore"):
            log_prior: Floats = np.log(prior)
        return log_prior


def learned(channel: Channel, beliefs: Iterable[Belief], *, rounds: int = 20) -> Channel:
    """The channel's grid, weighted by what was seen of a policy on many traces (EM).

        w_g <- mean over traces of P(g | the trace's evidence, w)

    Empty evidence leaves the channel as it is. O(rounds * N * G * S).
    """
    grid = [_evidence_of_grid(belief) for belief in beliefs]
    if not grid:
        return channel
    evidence_N_G = np.stack(grid)
    weights_G = channel.weights_G
    for _ in range(rounds):
        post_N_G = evidence_N_G * weights_G
        weights_G = (post_N_G / post_N_G.sum(1, keepdims=True)).mean(0)
    return replace(channel, weights_G=weights_G)


def _evidence_of_grid(belief: Belief) -> Floats:
    """[G] P(evidence | g), up to a factor; 0 where the weight is: EM never takes that back."""
    weights_G = belief.channel.weights_G  # rounds of EM make the least of them underflow
    evidence_G = np.zeros_like(weights_G)
    np.divide(belief.channel_weights, weights_G, out=evidence_G, where=weights_G > 0)
    return evidence_G


def _entropy(chances: Floats) -> float:
    some = chances[chances > 0]
    return float(-(some * np.log2(some)).sum())


def _coin(p: Floats) -> Floats:
    p = np.clip(p, 1e-12, 1 - 1e-12)
    bits: Floats = -p * np.log2(p) - (1 - p) * np.log2(1 - p)
    return bits


def _shifted(sums_G_T: Floats) -> Floats:
    """Sums before each place, from those up to and with it."""
    before: Floats = np.concatenate((np.zeros((len(sums_G_T), 1)), sums_G_T[:, :-1]), axis=1)
    return before
