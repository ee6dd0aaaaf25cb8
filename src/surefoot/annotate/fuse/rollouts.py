"""Counts of rollouts as evidence about the first error, for `fit_channels`.

    L(c | tau) = sum_g w_g prod_t p_t(tau, g)^{c_t} (1 - p_t(tau, g))^{k_t - c_t}

over a grid g of what rollouts succeed at before and after an error (`annotate.belief`). So
the posterior of votes and counts is P(tau | all) ∝ P(tau) prod_j C_j(lambda_j | tau) L(c | tau).

Dimension key: S steps of a trace.
"""

import numpy as np

from surefoot.annotate.belief import Belief
from surefoot.annotate.fuse.sources import Floats
from surefoot.core.types import Kind, LabelledTrace, StepLabel

COUNTED = ("rollout-", "verdict")  # the makers of labels that are counts of independent rollouts


def is_counted(label: StepLabel) -> bool:
    """Is it a count of rollouts from its own prefix, or a known end, and nothing else?"""
    return label.kind is Kind.VALUE and label.belief is None and label.by.startswith(COUNTED)


def rollout_evidence(labelled: LabelledTrace) -> Floats:
    """[S + 1] log-likelihood of the counts for each tau, up to a constant; flat without any.

    labelled: labels of `monte_carlo`; those that are not counts say nothing here.
    """
    belief = Belief(len(labelled.labels))
    for t, label in enumerate(labelled.labels, start=1):
        if is_counted(label):
            belief.observe(t, label.successes, label.tries)
    with np.errstate(divide="ignore"):
        evidence: Floats = np.log(belief.first_error)
    return evidence
