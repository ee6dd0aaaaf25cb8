"""Where does a verifier see the weakest step? (Zhang et al., arXiv:2501.07301, section 4)

    at last = mean over solutions of 1[s_S = min_t s_t] / |{t : s_t = min}|

A verifier of steps has its minimum where the error is; one that has become a verifier of
outcomes has it at the last step. Two baselines say what is many: `by_chance`, the mean of
1/S (a minimum anywhere), and `among_wrong`, the share for wrong solutions alone. Ties
count in parts.

Dimension key: M solutions, S steps, P problems, N candidates.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from surefoot.core.errors import InputError
from surefoot.evaluate.checks import finite_numbers, outcomes, same_length


@dataclass(frozen=True, slots=True)
class MinAtLast:
    """Shares in [0, 1]; None where there is no such solution."""

    share: float | None
    by_chance: float | None
    among_right: float | None
    among_wrong: float | None


def min_at_last_share(scores_M_S: Sequence[Sequence[float]], right_M: Sequence[bool]) -> MinAtLast:
    """How often the last step scores lowest, with its baselines.

    scores_M_S: [M] lists of 1 or more finite scores. right_M: [M] is the final answer right?
    """
    right = outcomes(right_M, "right")
    same_length(scores=len(scores_M_S), right=len(right))
    parts = np.array([last_part(scores_S) for scores_S in scores_M_S])
    if not len(parts):
        return MinAtLast(None, None, None, None)
    return MinAtLast(
        share=float(parts.mean()),
        by_chance=float(np.mean([1 / len(scores_S) for scores_S in scores_M_S])),
        among_right=float(parts[right].mean()) if right.any() else None,
        among_wrong=float(parts[~right].mean()) if not right.all() else None,
    )


def last_part(scores_S: Sequence[float]) -> float:
    """The last step's part of the minimum: 1 alone, 1/2 if tied with one other, 0 if not lowest."""
    if not len(scores_S):
        raise InputError("a solution without steps has no lowest step: drop it")
    scores = finite_numbers(scores_S, "scores")
    lowest = scores == scores.min()
    return float(lowest[-1] / lowest.sum())
