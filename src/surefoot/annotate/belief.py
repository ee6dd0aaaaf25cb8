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
product is that of a beta-binomial law around p_t (`Channel.strength`). The next rollout
is worth the bits

    I_t = h(E[p_t]) - E_tau[ h(E[p_t | tau]) ]        h: entropy of a coin

that its outcome is expected to tell about tau. [ours; noisy bisection after Horstein
(1963), with an asymmetric channel of unknown rates: see docs/annotate-bayes.md]

Dimension key: S steps, T = S + 1 prefixes (of 0..S steps), H hypotheses, G grid points.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from surefoot.core.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SURE = 1e-3  # no rate is nearer to 0 or 1: a checker may err, and so may a model of a policy
SOUND, REPAIRABLE, DOOMED = 0, 1, 2  # what a prefix can be


# --- what can be the case --------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hypotheses:
    """H ways a trace can go wrong.

    first_error_H: tau of each; S for none.
    states_H_T: SOUND, REPAIRABLE or DOOMED, of each prefix.
    log_prior_H: given tau only; the belief adds its prior over tau.
    """

    first_error_H: Ints
    states_H_T: Ints
    log_prior_H: Floats


def two_states(steps: int) -> Hypotheses:
    """A prefix is sound up to the first wrong step and repairable after it: H = S + 1."""
    first_H = np.arange(steps + 1)
    states_H_T = (np.arange(steps + 1) > first_H[:, None]).astype(np.int64)
    return Hypotheses(first_H, states_H_T, np.zeros(steps + 1))


def three_states(steps: int, *, doom: float = 0.2) -> Hypotheses:
    """After the first wrong step, each step makes the rest hopeless with chance `doom`.

    H = (S + 1) + S (S + 1) / 2: for every tau, the first hopeless step or none.
    """
    if not 0 < doom < 1:
        raise InputError(f"doom must lie between 0 and 1, got {doom}")
    places_T, rows = np.arange(steps + 1), []
    for tau in range(steps + 1):
        for lost in range(tau, steps + 1):  # the step that dooms; `steps` for none
            chance = (1 - doom) ** (lost - tau) * (doom if lost < steps else 1.0)
            states_T = (places_T > tau).astype(np.int64) + (places_T > lost)
            rows.append((tau, states_T, math.log(chance)))
    first, states, chances = zip(*rows, strict=True)
    return Hypotheses(np.array(first), np.array(states), np.array(chances))


def stuck_states(steps: int, *, lost: float = 0.15, stuck: float = 0.05) -> Hypotheses:
    """A right prefix may be hopeless too: the policy is about to err, or cannot solve it.

    From some place on, rollouts fail as they do after an error, although no step is wrong
    yet: from the start with chance `lost`, else from each later place with chance `stuck`.
    H = (S + 1) (S + 4) / 2 - 1: for every tau, the place where success ends.
    """
    places_T, rows = np.arange(steps + 1), []
    for tau in range(steps + 1):
        left = 1.0
        for place in range(min(tau, steps - 1) + 1):
            chance = left * (stuck if place else lost)
            left -= chance
            rows.append((tau, np.where(places_T >= place, REPAIRABLE, SOUND), chance))
        rows.append((tau, np.where(places_T > tau, REPAIRABLE, SOUND), left))
        for _, states_T, _ in rows[-(min(tau, steps - 1) + 2) :]:
            states_T[-1] = REPAIRABLE if tau < steps else SOUND  # the end is there already
    first, states, chances = zip(*rows, strict=True)
    return Hypotheses(np.array(first), np.array(states), np.log(chances))


@dataclass(frozen=True, slots=True)
class Channel:
    """What is thought possible of a policy: G combinations of rates, and how likely each is.

    sound_G: chance to end right from the start. wrong_G: chance after a repairable error;
    below sound_G. eases_G: does a_t ease towards 1, or stay? weights_G: sum to 1.
    strength: how far one prefix may be from the rate of its sort: its own rate is thought
      of as Beta(strength * p_t, strength * (1 - p_t)). Infinity: all are alike.
    """

    sound_G: Floats
    wrong_G: Floats
    eases_G: NDArray[np.bool_]
    weights_G: Floats
    strength: float = math.inf

    def rates(self, steps: int) -> Floats:
        """[G, 3, T] chance that a rollout succeeds, by state of its prefix.

        The last prefix is the whole trace: sound, its end is right.
        """
        left_T = np.arange(steps, -1, -1) / max(steps, 1)
        sound_G_T = np.where(
            self.eases_G[:, None], self.sound_G[:, None] ** left_T, self.sound_G[:, None]
        )
        sound_G_T[:, -1] = 1.0
        wrong_G_T = np.broadcast_to(self.wrong_G[:, None], sound_G_T.shape)
        rates = np.stack((sound_G_T, wrong_G_T, np.zeros_like(sound_G_T)), axis=1)
        clipped: Floats = np.clip(rates, SURE, 1 - SURE)
        return clipped


SOUND_RATES = (0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 0.95)
WRONG_RATES = (0.005, 0.02, 0.06, 0.12, 0.25)


def flat_channel(
    sound: Sequence[float] = SOUND_RATES,
    wrong: Sequence[float] = WRONG_RATES,
    eases: Sequence[bool] = (False, True),
    *,
    strength: float = 4.0,
) -> Channel:
    """Every pair of a sound rate and a lower wrong rate, each shape, equally likely.

    strength: as in `Channel`; 4 did best on a policy's own solutions (dev/LOG.md).
    """
    rows = [(a, b, shape) for shape in eases for a in sound for b in wrong if b < a]
    if not rows:
        raise InputError("expected some wrong rate below some sound rate, got none")
    a_G, b_G, eases_G = zip(*rows, strict=True)
    weights_G = np.full(len(rows), 1 / len(rows))
    return Channel(np.array(a_G), np.array(b_G), np.array(eases_G), weights_G, strength)


# --- what is believed ------------------------------------------------------


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


@dataclass(slots=True)
class Belief:
    """What is believed of one trace; `observe` moves it.

    steps: S, 1 or more. prior: [S + 1] over tau, not negative; None for a flat one. Prior
    and the weights of the channel may be replaced at any time, what was observed stays.
    successes_T, tries_T: all that was observed.
    """

    steps: int
    channel: Channel = field(default_factory=flat_channel)
    prior: Floats | None = None
    model: Callable[[int], Hypotheses] = two_states
    successes_T: Floats = field(init=False)
    tries_T: Floats = field(init=False)
    _states: Hypotheses = field(init=False, repr=False)
    _rates_G_H_T: Floats = field(init=False, repr=False)
    _evidence_G_H: Floats = field(init=False, repr=False)  # log P(data | g, hypothesis)

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise InputError(f"a trace needs a step or more to look for an error, got {self.steps}")
        self._states = self.model(self.steps)
        places_T = np.arange(self.steps + 1)
        rates_G_3_T = self.channel.rates(self.steps)
        self._rates_G_H_T = rates_G_3_T[:, self._states.states_H_T, places_T]
        self._evidence_G_H = np.zeros(self._rates_G_H_T.shape[:2])
        self.successes_T = np.zeros(self.steps + 1)
        self.tries_T = np.zeros(self.steps + 1)

    def observe(self, place: int, successes: float, tries: float) -> None:
        """Takes in `tries` rollouts from the prefix of `place` steps."""
        for won in [1.0] * int(successes) + [0.0] * int(tries - successes):
            rate_G_H = self._rates_now()[:, :, place]
            self._evidence_G_H += np.log(rate_G_H if won else 1 - rate_G_H)
            self.successes_T[place] += won
            self.tries_T[place] += 1

    def weigh(self, likelihood: Floats) -> None:
        """Takes in other evidence: [S + 1] how likely it is under each tau, up to a factor."""
        with np.errstate(divide="ignore"):
            self._evidence_G_H += np.log(likelihood)[self._states.first_error_H]

    @property
    def first_error(self) -> Floats:
        """[S + 1] P(tau = t | all evidence); the last for no error."""
        return self._by_tau(self._joint().sum(0))

    @property
    def right(self) -> Floats:
        """[S] P(tau > t): is every step up to t right?"""
        right: Floats = 1 - np.cumsum(self.first_error)[:-1]
        return right.clip(0, 1)

    @property
    def values(self) -> Floats:
        """[S] posterior mean of p after each step."""
        means: Floats = np.einsum("gh,ght->t", self._joint(), self._rates_now())
        return means[1:]

    @property
    def entropy(self) -> float:
        """Of tau, in bits."""
        return float(_entropy(self.first_error))

    @property
    def channel_weights(self) -> Floats:
        """[G] posterior weights of the channel's grid."""
        weights: Floats = self._joint().sum(1)
        return weights

    def information(self) -> Floats:
        """[T] bits about tau expected from one more rollout at each prefix. O(G H T)."""
        joint_G_H = self._joint()
        tau_N = self._by_tau(joint_G_H.sum(0))
        success_H_T = np.einsum("gh,ght->ht", joint_G_H, self._rates_now())
        success_N_T = np.zeros((self.steps + 1, success_H_T.shape[1]))
        np.add.at(success_N_T, self._states.first_error_H, success_H_T)
        given_N_T = np.divide(
            success_N_T, tau_N[:, None], out=np.zeros_like(success_N_T), where=tau_N[:, None] > 0
        )
        bits: Floats = _coin(success_N_T.sum(0)) - tau_N @ _coin(given_N_T)
        return bits.clip(min=0)

    def _rates_now(self) -> Floats:
        """[G, H, T] chance that the next rollout succeeds, after what its prefix has shown."""
        strength = self.channel.strength
        if math.isinf(strength):
            return self._rates_G_H_T
        rates: Floats = strength * self._rates_G_H_T + self.successes_T
        rates /= strength + self.tries_T
        return rates

    def _joint(self) -> Floats:
        """[G, H] P(g, hypothesis | all evidence)."""
        prior = np.ones(self.steps + 1) if self.prior is None else np.asarray(self.prior, float)
        if prior.shape != (self.steps + 1,) or (prior < 0).any() or not prior.sum() > 0:
            raise InputError(
                f"a prior over the first error of {self.steps} steps has {self.steps + 1} weights, "
                f"none negative, the last for no error; got {prior.tolist()}"
            )
        with np.errstate(divide="ignore"):
            log_prior_H = np.log(prior)[self._states.first_error_H] + self._states.log_prior_H
            log_G_H = self._evidence_G_H + np.log(self.channel.weights_G)[:, None] + log_prior_H
        weights: Floats = np.exp(log_G_H - log_G_H.max())
        weights /= weights.sum()
        return weights

    def _by_tau(self, weights_H: Floats) -> Floats:
        sums: Floats = np.zeros(self.steps + 1)
        np.add.at(sums, self._states.first_error_H, weights_H)
        return sums


def learned(channel: Channel, beliefs: Iterable[Belief], *, rounds: int = 20) -> Channel:
    """The channel's grid, weighted by what was seen of a policy on many traces (EM).

        w_g <- mean over traces of P(g | the trace's evidence, w)

    Empty evidence leaves the channel as it is. O(rounds * N * G * H).
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
    """[G] P(evidence | g), up to a factor."""
    return belief.channel_weights / belief.channel.weights_G


def _entropy(chances: Floats) -> float:
    some = chances[chances > 0]
    return float(-(some * np.log2(some)).sum())


def _coin(p: Floats) -> Floats:
    p = np.clip(p, 1e-12, 1 - 1e-12)
    bits: Floats = -p * np.log2(p) - (1 - p) * np.log2(1 - p)
    return bits
