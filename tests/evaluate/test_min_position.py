"""The place of the lowest score, by hand."""

import pytest

from surefoot.core.errors import InputError
from surefoot.evaluate import MinAtLast, min_at_last_share


def test_shares_by_hand():
    scores = [[0.9, 0.1], [0.1, 0.9], [0.5, 0.5], [0.3], [0.2, 0.1, 0.1, 0.1]]
    found = min_at_last_share(scores, [False, True, True, True, False])
    # at last: 1, 0, 1/2, 1, 1/3
    assert found.share == pytest.approx((1 + 0 + 1 / 2 + 1 + 1 / 3) / 5)
    assert found.by_chance == pytest.approx((1 / 2 + 1 / 2 + 1 / 2 + 1 + 1 / 4) / 5)
    assert found.among_right == pytest.approx(0.5)
    assert found.among_wrong == pytest.approx((1 + 1 / 3) / 2)


def test_constant_scores_are_chance():
    found = min_at_last_share([[0.5] * n for n in (1, 2, 5)], [True] * 3)
    assert found.share == pytest.approx(found.by_chance)
    assert found.among_wrong is None


def test_nothing_is_unknown_and_no_steps_are_refused():
    assert min_at_last_share([], []) == MinAtLast(None, None, None, None)
    with pytest.raises(InputError, match="without steps"):
        min_at_last_share([[]], [True])
