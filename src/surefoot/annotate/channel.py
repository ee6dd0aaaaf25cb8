"""How rollouts tell about a first error: what a prefix can be, and how often each sort ends right.

    P(a rollout of the prefix of t steps ends right) = a_t, b or 0        sound, repairable, doomed

with rates that are not known but lie on a grid (`Channel`). A prefix is sound up to the first
wrong step and repairable after it, unless something else happens on the way (`States`).

Dimension key: S steps, T = S + 1 prefixes (of 0..S steps), G grid points.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surefoot.core.errors import InputError

Floats = NDArray[np.float64]

SURE = 1e-3  # no rate is nearer to 0 or 1: a checker may err, and so may a model of a policy
SOUND, REPAIRABLE, DOOMED = 0, 1, 2  # what a prefix can be


@dataclass(frozen=True, slots=True)
class States:
    """What else than the first error changes how rollouts of a prefix end.

    stuck_S: s_t, the chance that rollouts fail from the prefix of t steps on as they do after an
      error, although no step is wrong yet, if they did not before. In [0, 1).
    doom: the chance that a step, from the first wrong one on, makes the rest hopeless. In [0, 1).
    The end of a trace is there already: without an error it is right, stuck or not.
    """

    stuck_S: Floats
    doom: float = 0.0

    def __post_init__(self) -> None:
        for chance in (*self.stuck_S.tolist(), self.doom):
            if not 0 <= chance < 1:
                raise InputError(f"a chance to get stuck or doomed lies in [0, 1), got {chance}")


def two_states(steps: int) -> States:
    """A prefix is sound up to the first wrong step and repairable after it."""
    return States(np.zeros(steps))


def three_states(steps: int, *, doom: float = 0.2) -> States:
    """After the first wrong step, each step makes the rest hopeless with chance `doom`."""
    return States(np.zeros(steps), doom)


def stuck_states(steps: int, *, lost: float = 0.15, stuck: float = 0.05) -> States:
    """A right prefix may be hopeless too: the policy is about to err, or cannot solve it: from the
    start with chance `lost`, else from each later place with chance `stuck`.

    The defaults are those of traces of about five steps. A right trace of S steps is never stuck
    with chance (1 - lost) (1 - stuck)^(S - 1): give long traces a smaller `stuck`, or no success
    from a late prefix will be believed.
    """
    return States(np.array([lost, *[stuck] * (steps - 1)][:steps]))


@dataclass(frozen=True, slots=True)
class Channel:
    """What is thought possible of a policy: G combinations of rates, and how likely each is.

    sound_G: chance to end right from the start. wrong_G: chance after a repairable error;
    below sound_G. eases_G: does a_t ease towards 1, or stay? weights_G: sum to 1.
    strength: how far one prefix may be from the rate of its sort: its own rate is thought
      of as Beta(strength * p_t, strength * (1 - p_t)). Above 0; infinity: all are alike.
    """

    sound_G: Floats
    wrong_G: Floats
    eases_G: NDArray[np.bool_]
    weights_G: Floats
    strength: float = math.inf

    def __post_init__(self) -> None:
        if not self.strength > 0:
            raise InputError(f"strength must be above 0, got {self.strength}")

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
