"""Guidance of single tokens by a verifier of tokens, while a solution is written.

    VAS    l_v <- l_v + beta ( V(v) - mean_{u in top k} V(u) ),  v in top k      (arXiv:2405.06639)
    LLM2   v* = argmax { l_v + beta r(v) : log p_v >= max log p + log alpha }    (arXiv:2412.20372)

VAS draws from the policy tilted by exp(beta V), the best policy at that distance from the
first; tokens outside the top k keep their logits. With beta = 0 it is the policy, and a
constant added to V changes nothing. LLM2 never leaves the plausible tokens, and asks its
verifier only where there is a choice; with alpha = 1 it is greedy decoding.

Dimension key: V vocabulary, K tokens that are judged.
"""

import math
from collections.abc import Callable, Collection, Sequence

import numpy as np
import numpy.typing as npt

from surefoot.core.errors import InputError

Floats = npt.NDArray[np.float64]
Ids = tuple[int, ...]
Judge = Callable[[Sequence[int]], Sequence[float]]  # [K] tokens -> [K] numbers
Next = Callable[[Ids], int]


def vas_logits(logits_V: Floats, values: Judge, *, beta: float, top: int = 20) -> Floats:
    """[V] logits tilted by the values of the `top` likeliest tokens.

    Raises InputError for fewer than one token, or another number of values than tokens.
    """
    if top < 1:
        raise InputError(f"top must be 1 or more tokens, got {top}")
    judged_K = np.argsort(-logits_V, kind="stable")[:top]
    values_K = _asked(values, judged_K)
    tilted = np.array(logits_V, dtype=float)
    tilted[judged_K] += beta * (values_K - values_K.mean())
    return tilted


def plausible(logits_V: Floats, *, alpha: float = 0.1) -> list[int]:
    """Tokens at least `alpha` times as likely as the likeliest, which is first among equals.

    Raises InputError unless alpha lies in (0, 1].
    """
    if not 0 < alpha <= 1:
        raise InputError(f"alpha must lie in (0, 1], got {alpha}")
    return [int(i) for i in np.flatnonzero(logits_V >= logits_V.max() + math.log(alpha))]


def llm2_token(logits_V: Floats, rewards: Judge, *, alpha: float = 0.1, beta: float = 0.25) -> int:
    """The plausible token of highest logit and reward together."""
    judged_K = plausible(logits_V, alpha=alpha)
    if len(judged_K) == 1:
        return judged_K[0]
    totals_K = logits_V[judged_K] + beta * _asked(rewards, judged_K)
    return judged_K[int(np.argmax(totals_K))]


def drawn_token(logits_V: Floats, rng: np.random.Generator) -> int:
    """A token by softmax."""
    weights = np.exp(logits_V - logits_V.max())
    sums = np.cumsum(weights)
    found = np.searchsorted(sums, rng.random() * sums[-1], side="right")
    return int(min(found, len(sums) - 1))


def write(prompt: Ids, token: Next, *, ends: Collection[int], most: int) -> Ids:
    """What is written after a prompt, token by token, at most `most` and up to one of `ends`.

    token: chooses the next one, e.g. `llm2_token` of a model's logits.
    """
    ids = prompt
    for _ in range(most):
        ids = (*ids, token(ids))
        if ids[-1] in ends:
            break
    return ids[len(prompt) :]


def _asked(judge: Judge, tokens_K: Sequence[int] | npt.NDArray[np.intp]) -> Floats:
    numbers = np.array(judge([int(i) for i in tokens_K]), dtype=float)
    if numbers.shape != (len(tokens_K),) or not np.isfinite(numbers).all():
        raise InputError(
            f"{len(tokens_K)} tokens were judged; expected as many finite numbers, got "
            f"{numbers.tolist()}"
        )
    return numbers
