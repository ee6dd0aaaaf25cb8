"""Traces that tokenizers like to trip over, for every family."""

import pytest

pytest.importorskip("torch", reason="needs surefoot[models]")


@pytest.fixture(scope="session")
def awkward():
    """1 to 4 steps; ends that merge with separators, line breaks inside, no last full stop."""
    from surefoot.core.types import Problem, Step, Trace

    ann = Problem("ann", "Ann has 3 apples and buys 4.\n\nHow many has she?")
    bob = Problem("bob", "So 5 - 3 = x?")
    return [
        Trace(ann, (Step("She has 3 + 4 = 7 apples."), Step("The answer is (7)"))),
        Trace(bob, (Step("x = 2"),)),
        Trace(
            ann,
            (
                Step("Step 1: 3 + 4:"),
                Step("= 7\nso 7 apples"),
                Step("- or 6?"),
                Step("The answer is 6."),
            ),
        ),
        Trace(bob, (Step("5 - 3 = 1."), Step("Therefore \\boxed{1}."), Step("Yes."))),
    ]
