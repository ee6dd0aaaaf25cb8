"""Chance that at least one of k samples is right, or that all are, without bias.

    pass@k = 1 - C(n-c, k) / C(n, k) = 1 - prod_{i=n-c+1..n} (1 - k/i)     (arXiv:2107.03374)
    pass^k = C(c, k) / C(n, k)                                             (arXiv:2406.12045)

with c right among n samples; pass@k is 1 if n - c < k, pass^k is 0 if c < k. The product has no
large number in it. Its partial products are the chances that best-of-n selection needs as well
(`share_within`), so all figures agree to the last bit.
"""

import numpy as np

from surefoot.core.errors import InputError
from surefoot.evaluate.checks import Floats, whole_between


def share_within(total: int, k: int) -> Floats:
    """C(j, k) / C(total, k) for j = 0..total, [total + 1].

    The chance that k things drawn from `total` all lie among given j of them; 0
    for j < k. Going down from j = total each is the one above times (j - k) / j.
    O(total); what underflows is 0.
    """
    j = np.arange(total, 0, -1, dtype=np.float64)
    falling = np.cumprod(np.maximum(j - k, 0.0) / j)
    return np.concatenate(([1.0], falling))[::-1]


def pass_at_k(n: int, c: int, k: int) -> float:
    """Unbiased estimate of pass@k, in [0, 1]. O(n).

    n: samples drawn; at least 1.
    c: how many of them were right; in 0..n.
    k: samples allowed; in 1..n. More than n cannot be estimated and is refused.
    """
    _check_counts(n, c)
    whole_between(k, "k", 1, n)
    return float(1.0 - share_within(n, k)[n - c])


def pass_at_k_curve(n: int, c: int) -> Floats:
    """pass@k for k = 1..n, [n]; entry k - 1 equals `pass_at_k(n, c, k)`. O(n^2)."""
    _check_counts(n, c)
    return np.array([pass_at_k(n, c, k) for k in range(1, n + 1)])


def pass_hat_k(n: int, c: int, k: int) -> float:
    """Unbiased estimate of pass^k, that all of k samples are right, in [0, 1]. O(n).

    n, c, k: as in `pass_at_k`.
    """
    _check_counts(n, c)
    whole_between(k, "k", 1, n)
    return float(share_within(n, k)[c])


def pass_hat_k_curve(n: int, c: int) -> Floats:
    """pass^k for k = 1..n, [n]; entry k - 1 equals `pass_hat_k(n, c, k)`. O(n^2)."""
    _check_counts(n, c)
    return np.array([pass_hat_k(n, c, k) for k in range(1, n + 1)])


def _check_counts(n: int, c: int) -> None:
    if n < 1:
        raise InputError(f"pass@k needs at least 1 sample, got n = {n}; draw some first")
    whole_between(c, "c (right samples)", 0, n)
