"""Votes drawn from known sources: every fusion must find them again."""

import numpy as np

from surefoot.core.types import Kind, LabelledTrace, Problem, Step, StepLabel, Trace, Usage


def drawn_classes(rng, count, balance, confusions_J, silent=0.0):
    """(truth [N], votes [N][J]) of sources with these confusion matrices."""
    truth = rng.choice(len(balance), size=count, p=balance)
    below_J_N_C = np.cumsum(np.asarray(confusions_J)[:, truth], axis=2)
    votes_J_N = (rng.random((len(confusions_J), count, 1)) >= below_J_N_C).sum(axis=2)
    votes = np.where(rng.random(votes_J_N.shape) < silent, None, votes_J_N)
    return truth, votes.T.tolist()


def drawn_first_errors(rng, count, steps, sound, channels_J, silent=0.0):
    """(truth [N], votes [N][J], steps [N]); `steps` are drawn from evenly."""
    lengths = rng.choice(steps, size=count)
    truth = np.where(rng.random(count) < sound, lengths, rng.integers(0, lengths))
    votes = [
        [None if rng.random() < silent else drawn_vote(rng, c, t, s) for c in channels_J]
        for t, s in zip(truth, lengths, strict=True)
    ]
    return truth, votes, lengths.tolist()


def drawn_vote(rng, channel, tau, steps):
    if tau == steps:
        return int(rng.integers(steps)) if rng.random() < channel.false_alarm else steps
    if rng.random() < channel.miss:
        return steps
    if steps == 1 or rng.random() < channel.place:
        return int(tau)
    return int(rng.choice([t for t in range(steps) if t != tau]))


def labelled(tau, steps, name="p", by="judge", tokens=0):
    """A trace labelled right before its first error, wrong from there on."""
    trace = Trace(Problem(name, "How much?", "1"), tuple(Step(f"step {t}") for t in range(steps)))
    labels = tuple(StepLabel(Kind.CORRECTNESS, int(t < tau), 1, by) for t in range(steps))
    return LabelledTrace(trace, labels, Usage(verifier_tokens=tokens))
