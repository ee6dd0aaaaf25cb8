"""The least that finding a first error can cost, whoever asks and however cleverly.

A rollout is one use of a channel that says "right" with probability a from a sound prefix and
b < a from a wrong one. With h the entropy of a coin, it tells at most

    C = (b h(a) - a h(b)) / (a - b) + log2(1 + 2^((h(b) - h(a)) / (a - b)))   bits,

and finding one of S equally likely steps with error rate e takes, on average, at least

    (log2 S - h(e) - e log2(S - 1)) / C   rollouts                            (Fano, 1961).
"""

import math

from surefoot.core.errors import InputError


def capacity(a: float, b: float) -> float:
    """C in bits a rollout. 0 <= b < a <= 1."""
    if not 0 <= b < a <= 1:
        raise InputError(f"expected 0 <= b < a <= 1, got a = {a}, b = {b}")
    h_a, h_b = coin_bits(a), coin_bits(b)
    return (b * h_a - a * h_b) / (a - b) + math.log2(1 + 2 ** ((h_b - h_a) / (a - b)))


def fewest_rollouts(steps: int, a: float, b: float, error: float) -> float:
    """Fano's bound for a wrong step among `steps` (2 or more) with rate `error` of mistakes."""
    if steps < 2 or not 0 <= error < 1:
        raise InputError(f"expected 2 steps or more and 0 <= error < 1, got {steps} and {error}")
    to_find = math.log2(steps) - coin_bits(error) - error * math.log2(steps - 1)
    return max(0.0, to_find) / capacity(a, b)


def coin_bits(p: float) -> float:
    """h(p) = -p log2 p - (1 - p) log2(1 - p), in bits; p in [0, 1]."""
    return -sum(x * math.log2(x) for x in (p, 1 - p) if x > 0)
