"""Rewards that prefer short right answers, at a length that is asked for.

    TLDR    r_i = 1 - alpha min(1, max(0, (L_i - L*) / L*))   if sample i is right, else 0

(*efficient small reasoners*, arXiv:2505.07961): L_i tokens were written, L* is the length of the
level that the prompt asks for (short, medium, long), and RL on these rewards teaches one policy
all levels. Up to L* length is free, from 2 L* on a right answer is worth 1 - alpha. A wrong one
gains nothing by being short, or a policy would learn to give up.

Deviation [ours]: only the paper's abstract could be read, which names GRPO with a length
regulariser and several levels, and not its formula. This is the reward alone; a policy that
learns from it needs a trainer, which is not in this version. `rloo` makes advantages of it.

Dimension key: n samples of a prompt.
"""

from collections.abc import Sequence

from surefoot.core.errors import InputError


def tldr(
    right_n: Sequence[bool], tokens_n: Sequence[int], *, level: int, alpha: float = 0.5
) -> list[float]:
    """[n] rewards in [0, 1]. level: L*, in tokens.

    Raises InputError unless level is 1 or more, alpha lies in [0, 1], and each sample has a length
    of 0 or more.
    """
    if level < 1 or not 0 <= alpha <= 1:
        raise InputError(f"expected a level of 1 or more and alpha in [0, 1], got {level}, {alpha}")
    if len(right_n) != len(tokens_n) or min(tokens_n, default=0) < 0:
        raise InputError(f"{len(right_n)} samples need as many lengths of 0 or more: {tokens_n}")
    excess_n = [min(1.0, max(0.0, (tokens - level) / level)) for tokens in tokens_n]
    return [
        (1 - alpha * excess) if right else 0.0
        for right, excess in zip(right_n, excess_n, strict=True)
    ]
