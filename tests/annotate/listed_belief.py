"""Beliefs by brute force: every hypothesis is listed, with its state at every prefix.

The belief of `annotate.belief` sums them without listing them; this one is its referee.
O(G H T) numbers, H = O(S^2).
"""

import math

import numpy as np

from surefoot.annotate.channel import DOOMED, REPAIRABLE, SOUND, stuck_states, three_states


def listed(states, steps):
    """(tau, [S + 1] states, chance given tau) of every hypothesis, from the words of `States`."""
    for tau in range(steps + 1):
        for before, chance in _stuck(states, tau, steps):
            for after, more in _doomed(states, tau, steps):
                path = [*before, *after]
                if tau == steps:
                    path[-1] = SOUND  # a right trace has its right end already
                yield tau, path, chance * more


def _stuck(states, tau, steps):
    """Prefixes of 0..tau steps: from which place on are they stuck?"""
    free = 1.0
    for place in range(min(tau, steps - 1) + 1):
        yield [SOUND] * place + [REPAIRABLE] * (tau + 1 - place), free * states.stuck_S[place]
        free *= 1 - states.stuck_S[place]
    yield [SOUND] * (tau + 1), free


def _doomed(states, tau, steps):
    """Prefixes of tau + 1..S steps: which step dooms?"""
    hoped = 1.0
    for lost in range(tau, steps):
        yield [REPAIRABLE] * (lost - tau) + [DOOMED] * (steps - lost), hoped * states.doom
        hoped *= 1 - states.doom
    yield [REPAIRABLE] * (steps - tau), hoped


class ListedBelief:
    """As `Belief`, with evidence as a list of (place, successes, tries)."""

    def __init__(self, steps, channel, model, seen, prior=None):
        found = [h for h in listed(model(steps), steps) if h[2] > 0]
        self.tau_H, states_H_T, chances_H = (
            np.array(column) for column in zip(*found, strict=True)
        )
        self.steps, places_T = steps, np.arange(steps + 1)
        rates_G_H_T = channel.rates(steps)[:, states_H_T, places_T]
        prior_N = np.ones(steps + 1) if prior is None else prior
        with np.errstate(divide="ignore"):
            log_G_H = np.log(channel.weights_G)[:, None] + np.log(chances_H * prior_N[self.tau_H])
        won_T, tried_T = np.zeros((2, steps + 1))
        for place, successes, tries in seen:
            for won in [1] * successes + [0] * (tries - successes):
                now_G_H = self._now(channel, rates_G_H_T, won_T, tried_T)[..., place]
                log_G_H = log_G_H + np.log(now_G_H if won else 1 - now_G_H)
                won_T[place] += won
                tried_T[place] += 1
        self.rates_G_H_T = self._now(channel, rates_G_H_T, won_T, tried_T)
        self.joint_G_H = np.exp(log_G_H - log_G_H.max())
        self.joint_G_H /= self.joint_G_H.sum()

    def _now(self, channel, rates_G_H_T, won_T, tried_T):
        if math.isinf(channel.strength):
            return rates_G_H_T
        return (channel.strength * rates_G_H_T + won_T) / (channel.strength + tried_T)

    def by_tau(self, values_H):
        return np.array([values_H[self.tau_H == tau].sum(0) for tau in range(self.steps + 1)])

    @property
    def first_error(self):
        return self.by_tau(self.joint_G_H.sum(0))

    @property
    def values(self):
        return self.chances_T[1:]

    @property
    def chances_T(self):
        """That the next rollout succeeds, from each prefix."""
        return np.einsum("gh,ght->t", self.joint_G_H, self.rates_G_H_T)

    @property
    def channel_weights(self):
        return self.joint_G_H.sum(1)

    def information(self):
        success_N_T = self.by_tau(np.einsum("gh,ght->ht", self.joint_G_H, self.rates_G_H_T))
        tau_N = self.first_error
        given_N_T = success_N_T / np.maximum(tau_N, 1e-300)[:, None]
        return np.maximum(_coin(success_N_T.sum(0)) - tau_N @ _coin(given_N_T), 0)


def _coin(p):
    p = np.clip(p, 1e-12, 1 - 1e-12)
    return -p * np.log2(p) - (1 - p) * np.log2(1 - p)


def stuck_and_doomed(steps):
    """Both at once, which no model of ours is."""
    both = stuck_states(steps, lost=0.3, stuck=0.1)
    return type(both)(both.stuck_S, three_states(steps, doom=0.25).doom)
