"""What a sample was worth beside the others of its prompt.

    RLOO (arXiv:2402.14740):  A_i = r_i - (1 / (n - 1)) sum_{j != i} r_j

sums to zero over the n samples of a prompt, and is zero where all rewards are equal:
such a prompt teaches nothing. PRIME (arXiv:2502.01456) therefore keeps only prompts that
the policy solves sometimes.

Dimension key: P prompts, n samples of each.
"""

import math
from collections.abc import Sequence

from surefoot.core.errors import InputError


def rloo(rewards_n: Sequence[float]) -> list[float]:
    """[n] each reward less the mean of the others. Raises InputError below two samples, or for a
    reward that is not finite."""
    n = len(rewards_n)
    if n < 2:
        raise InputError(f"leaving one out needs two samples of a prompt or more, got {n}")
    bad = next((i for i, reward in enumerate(rewards_n) if not math.isfinite(reward)), None)
    if bad is not None:
        raise InputError(f"rewards[{bad}] is {rewards_n[bad]}; expected a finite number")
    total = math.fsum(rewards_n)
    return [reward - (total - reward) / (n - 1) for reward in rewards_n]


def worth_learning_from(
    right_P_n: Sequence[Sequence[bool]], *, low: float = 0.2, high: float = 0.8
) -> list[int]:
    """Indices of the prompts whose share of right samples lies in [low, high], as in PRIME.

    A prompt without samples is left out. Raises InputError unless 0 <= low <= high <= 1.
    """
    if not 0 <= low <= high <= 1:
        raise InputError(f"expected 0 <= low <= high <= 1, got {low} and {high}")
    shares = [sum(right_n) / len(right_n) if right_n else None for right_n in right_P_n]
    return [p for p, share in enumerate(shares) if share is not None and low <= share <= high]
