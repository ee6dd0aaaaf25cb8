"""Where soundness ends: binary search over the prefixes of one solution.

invariant: the prefix of `low` steps is sound, that of `high` is not
probe the middle; sound: low <- middle, else high <- middle
"""

from collections.abc import Callable


def first_error_between(
    length: int,
    sound: Callable[[int], bool | None],
    *,
    fine: Callable[[int, int], bool] = lambda _low, _high: False,
) -> tuple[int, int]:
    """(low, high]: `low` steps are sound, and the first error is among the steps up to `high`.

    sound: are the first t steps free of error? 0 < t < length; asked ceil(log2 length)
      times at most. None, "cannot tell", ends the search.
    fine: is (low, high] small enough? One step always is.
    """
    low, high = 0, length
    while high - low > 1 and not fine(low, high):
        middle = (low + high) // 2
        verdict = sound(middle)
        if verdict is None:
            break
        low, high = (middle, high) if verdict else (low, middle)
    return low, high
