"""What every figure asks of its arguments, refused in one voice."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from surefoot.core.errors import InputError

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.intp]


def finite_numbers(values: Iterable[float], name: str) -> Floats:
    """`values` as a flat array; InputError naming the first that is not a finite number."""
    listed = list(values)
    try:
        array = np.asarray(listed, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{name}: expected numbers, got {listed[:5]!r}; leave out what has none"
        ) from error
    if array.ndim != 1:
        raise InputError(f"{name}: expected a flat list of numbers, got shape {array.shape}")
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size:
        raise InputError(
            f"{name}[{bad[0]}] is {array[bad[0]]}; expected a finite number: "
            "mend it or leave that entry out"
        )
    return array


def unit_numbers(values: Iterable[float], name: str) -> Floats:
    """`finite_numbers` that must lie in [0, 1]."""
    array = finite_numbers(values, name)
    bad = np.flatnonzero((array < 0) | (array > 1))
    if bad.size:
        raise InputError(
            f"{name}[{bad[0]}] is {array[bad[0]]}; expected a number in [0, 1]: "
            "map logits through a sigmoid first"
        )
    return array


def outcomes(values: Iterable[bool], name: str) -> Bools:
    """`values` as a flat array of booleans; 0 and 1 count as such, None does not."""
    listed = list(values)
    for index, value in enumerate(listed):
        if value is None or not (value == 0 or value == 1):
            raise InputError(
                f"{name}[{index}] is {value!r}; expected True or False: "
                "decide what an unreadable outcome counts as, or leave it out"
            )
    return np.array(listed, dtype=np.bool_)


def same_length(**named: int) -> None:
    """InputError unless all lengths agree, e.g. `same_length(scores=3, right=3)`."""
    if len(set(named.values())) > 1:
        told = ", ".join(f"{name} has {length}" for name, length in named.items())
        raise InputError(f"expected one entry each for the same things, but {told}")


def whole_between(value: int, name: str, low: int, high: int) -> None:
    """InputError unless `value` is in low..high, both included."""
    if not low <= value <= high:
        raise InputError(f"{name} must be in {low}..{high}, got {value}")
