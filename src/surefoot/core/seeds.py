"""Randomness by name: the order of work never changes a result.

A generator belongs to a path of names, such as ("sample", "trails-17"), under
the run's one seed. Whoever asks for the same path gets the same numbers.
"""

import hashlib
from collections.abc import Sequence

import numpy as np

from surefoot.core.errors import InputError

Rng = np.random.Generator | Sequence[np.random.Generator]


def rng_for(seed: int, *path: str | int) -> np.random.Generator:
    """The generator of `path` under `seed`; equal arguments give equal streams.

    >>> rng_for(0, "sample", "p1").integers(10) == rng_for(0, "sample", "p1").integers(10)
    np.True_
    """
    name = "\x1f".join(str(part) for part in (seed, *path))
    digest = hashlib.blake2b(name.encode(), digest_size=16).digest()
    return np.random.default_rng(int.from_bytes(digest, "little"))


def each_own(rng: Rng, count: int) -> list[np.random.Generator]:
    """[count] the generator of each of several things: one for all, or one of its own each.

    With its own, what is drawn for a thing does not depend on what else is drawn.
    Raises InputError if there are neither one nor `count` of them.
    """
    if isinstance(rng, np.random.Generator):
        return [rng] * count
    if len(rng) != count:
        raise InputError(f"expected one generator, or {count} (one each), got {len(rng)}")
    return list(rng)
