"""First errors from sources that each miss, misplace and imagine errors: Dawid-Skene on tau.

A source's vote lambda in 0..S on a trace whose first error is tau (S: none) is a channel of
three numbers [ours], whatever the trace's length:

    P(lambda = S | tau = S) = 1 - f        P(lambda = t | tau = S) = f / S
    P(lambda = S | tau < S) = m            P(lambda = tau | tau < S) = (1 - m) g
                                           P(another step | tau < S) = (1 - m)(1 - g) / (S - 1)

(g is 1 where S = 1.) With the prior P(tau = S) = s, else (1 - s) / S, a posterior joins the
votes with any other evidence of known likelihood, such as rollout counts:

    P(tau | all)  ∝  P(tau) prod_j C_j(lambda_j | tau) L(evidence | tau)

`fit_channels` estimates s and every (f, m, g) by EM, started at the shares of the votes;
pseudo-counts are heavier on the side of being right.

Dimension key: N traces, J sources, S steps of a trace, L the most steps of any; Z = S + 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from surefoot.annotate.fuse.sources import Floats, Ints, Vote, needs_three, normalised, vote_array
from surefoot.core.errors import InputError

Bools = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True)
class Channel:
    """How a source errs; each number in (0, 1).

    false_alarm: f, it names a step where none is wrong.
    miss: m, it names none where one is wrong.
    place: g, the step it names is the first wrong one, if any is.
    """

    false_alarm: float
    miss: float
    place: float


@dataclass(frozen=True, slots=True)
class Fused:
    """sound: s, the share of traces without an error. channels_J: [J], one a source.

    posteriors_N: [N][S + 1] P(tau | all), the last for no error.
    """

    sound: float
    channels_J: tuple[Channel, ...]
    posteriors_N: tuple[Floats, ...]


@dataclass(frozen=True, slots=True)
class _Votes:
    """Votes as arrays. place: [N, J] the step that is named, 0 where none is."""

    steps_N: Ints
    place_N_J: Ints
    alarm_N_J: Bools
    clear_N_J: Bools
    evidence_N_Z: Floats  # columns 0..L-1 steps, L no error; -inf where there is no such step

    @property
    def rows(self) -> Ints:
        return np.arange(len(self.steps_N))[:, None]


def first_error_posteriors(
    votes_N_J: Sequence[Sequence[Vote]],
    steps_N: Sequence[int],
    *,
    channels_J: Sequence[Channel],
    sound: float = 0.5,
    evidence_N: Sequence[Floats] | None = None,
) -> list[Floats]:
    """[N][S + 1] P(tau | votes, evidence) by channels that are known.

    votes_N_J: [N][J] first errors in 0..S, or None. steps_N: [N] S of each trace, 1 or more.
    evidence_N: [N][S + 1] natural log of a likelihood of each tau; any constant may be added.
    Raises InputError for votes or evidence that do not fit the steps.
    """
    votes = _checked(votes_N_J, steps_N, evidence_N)
    if votes.place_N_J.shape[1] != len(channels_J):
        raise InputError(f"{votes.place_N_J.shape[1]} sources vote, for {len(channels_J)} channels")
    return _unpadded(_posterior(votes, sound, channels_J), votes.steps_N)


def fit_channels(
    votes_N_J: Sequence[Sequence[Vote]],
    steps_N: Sequence[int],
    *,
    evidence_N: Sequence[Floats] | None = None,
    smooth: float = 1.0,
    rounds: int = 500,
    tolerance: float = 1e-6,
) -> Fused:
    """Estimates all channels and joins the votes; arguments as in `first_error_posteriors`.

    smooth: pseudo-counts, above 0. Without evidence three sources or more must vote
    (InputError), independent given tau. Costs O(N (J + L)) a round.
    """
    if smooth <= 0:
        raise InputError(f"smooth must be above 0, got {smooth}; it keeps probabilities off 0")
    votes = _checked(votes_N_J, steps_N, evidence_N)
    if evidence_N is None:
        needs_three(votes.place_N_J, "two cannot tell whose error a disagreement is")
    T = _shares(votes)
    for _ in range(rounds):
        sound, channels = _sound(T, smooth), _channels(votes, T, smooth)
        before, T = T, _posterior(votes, sound, channels)
        if np.abs(T - before).max(initial=0.0) < tolerance:
            break
    return Fused(sound, tuple(channels), tuple(_unpadded(T, votes.steps_N)))


# --- E and M ---------------------------------------------------------------


def _posterior(votes: _Votes, sound: float, channels_J: Sequence[Channel]) -> Floats:
    f, m, g = np.array([[c.false_alarm, c.miss, c.place] for c in channels_J]).reshape(-1, 3).T
    S = votes.steps_N[:, None]
    right = np.where(S > 1, g, 1.0)
    astray = np.where(S > 1, (1 - g) / np.maximum(S - 1, 1), 1.0)  # with S = 1 there is no other
    if_sound = np.where(votes.alarm_N_J, np.log(f / S), votes.clear_N_J * np.log(1 - f))
    if_wrong = np.where(votes.alarm_N_J, np.log((1 - m) * astray), votes.clear_N_J * np.log(m))
    log_T = votes.evidence_N_Z.copy()
    log_T[:, :-1] += np.log(1 - sound) - np.log(S) + if_wrong.sum(axis=1, keepdims=True)
    log_T[:, -1] += np.log(sound) + if_sound.sum(axis=1)
    gain = votes.alarm_N_J * (np.log(right) - np.log(astray))
    np.add.at(log_T, (votes.rows, votes.place_N_J), gain)
    return normalised(log_T)


def _sound(T: Floats, smooth: float) -> float:
    return float((T[:, -1].sum() + smooth) / (len(T) + 2 * smooth))


def _channels(votes: _Votes, T: Floats, smooth: float) -> list[Channel]:
    """The likeliest channels given P(tau); pseudo-counts are 2 for being right, 1 for not."""
    sound, wrong = T[:, -1:], 1 - T[:, -1:]
    spoke = votes.alarm_N_J | votes.clear_N_J
    many = votes.alarm_N_J & (votes.steps_N[:, None] > 1)
    hit = T[votes.rows, votes.place_N_J]
    a, b = smooth, 3 * smooth
    false = ((votes.alarm_N_J * sound).sum(axis=0) + a) / ((spoke * sound).sum(axis=0) + b)
    miss = ((votes.clear_N_J * wrong).sum(axis=0) + a) / ((spoke * wrong).sum(axis=0) + b)
    place = ((many * hit).sum(axis=0) + 2 * a) / ((many * wrong).sum(axis=0) + b)
    return [Channel(*map(float, each)) for each in zip(false, miss, place, strict=True)]


# --- arrays ----------------------------------------------------------------


def _checked(
    votes_N_J: Sequence[Sequence[Vote]],
    steps_N: Sequence[int],
    evidence_N: Sequence[Floats] | None,
) -> _Votes:
    steps = np.array(steps_N, dtype=np.intp)
    if len(votes_N_J) != len(steps) or not len(steps) or steps.min() < 1:
        raise InputError(
            f"expected votes on each trace and its number of steps, 1 or more; got "
            f"{len(votes_N_J)} rows of votes, and steps {list(steps_N)[:5]}"
        )
    votes = vote_array(votes_N_J, list(steps_N))
    alarm = (votes >= 0) & (votes < steps[:, None])
    clear = votes == steps[:, None]
    return _Votes(steps, np.where(alarm, votes, 0), alarm, clear, _padded(evidence_N, steps))


def _padded(evidence_N: Sequence[Floats] | None, steps_N: Ints) -> Floats:
    """[N, L + 1] with "no error" in the last column of all, and -inf between."""
    longest = int(steps_N.max())
    padded = np.full((len(steps_N), longest + 1), -np.inf)
    given = [np.zeros(s + 1) for s in steps_N] if evidence_N is None else evidence_N
    for n, (row, s) in enumerate(zip(given, steps_N, strict=True)):
        if len(row) != s + 1 or not np.isfinite(row).any():
            raise InputError(
                f"evidence on trace {n} of {s} steps: expected {s + 1} log-likelihoods, "
                f"one at least finite, got {np.asarray(row).tolist()}"
            )
        padded[n, :s], padded[n, -1] = row[:-1], row[-1]
    return padded


def _shares(votes: _Votes) -> Floats:
    """The start: each tau's share of the votes, weighed by the evidence."""
    tally = np.full(votes.evidence_N_Z.shape, 1e-3)
    np.add.at(tally, (votes.rows, votes.place_N_J), votes.alarm_N_J)
    tally[:, -1] += votes.clear_N_J.sum(axis=1)
    return normalised(np.log(tally) + votes.evidence_N_Z)


def _unpadded(T: Floats, steps_N: Ints) -> list[Floats]:
    return [np.append(row[:s], row[-1]) for row, s in zip(T, steps_N, strict=True)]
