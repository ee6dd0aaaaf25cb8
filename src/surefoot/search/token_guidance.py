"""Guidance of single tokens, while a solution is written: by values, by rewards, towards its end.

    VAS    l_v <- l_v + beta ( V(v) - mean_{u in top k} V(u) ),  v in top k      (arXiv:2405.06639)
    LLM2   l_v <- l_v + beta r(v)  if log p_v >= max log p + log alpha, else -oo (arXiv:2412.20372)
    ending P(end) <- s(L / T),  L = log P(end) / (1 - P(end))                    (arXiv:2505.07961)

VAS draws from the policy tilted by exp(beta V), the best policy at that distance from the
first; tokens outside the top k keep their logits. With beta = 0 it is the policy, and a
constant added to V changes nothing. LLM2 never leaves the plausible tokens, and asks its
verifier only where there is a choice; its authors take the likeliest of what is left
(temperature 0). With alpha = 1 it is greedy decoding.

The third is *efficient small reasoners*: the temperature of one decision, to end the thinking.
T = 1 is the policy, T above 1 ends earlier wherever ending is the less likely, T below 1 later.
What else is written keeps its odds. Deviation: only the paper's abstract could be read, which
names the temperature and not its formula; dividing the end's logit alone by T would depend on a
constant that logits do not have, so it is the decision's log-odds that are divided here.

Dimension key: V vocabulary, K tokens that are judged.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from surefoot.core.errors import InputError

Floats = npt.NDArray[np.float64]
Ids = tuple[int, ...]
Judge = Callable[[Sequence[int]], Sequence[float]]  # [K] tokens -> [K] numbers
Scored = Callable[[Ids, Sequence[int]], Sequence[float]]  # the same, after given ids
Guide = Callable[[Ids, Floats], Floats]


def vas_logits(logits_V: Floats, values: Judge, *, beta: float, top: int = 20) -> Floats:
    """[V] logits tilted by the values of the `top` likeliest tokens.

    Raises InputError for fewer than one token, or another number of values than tokens.
    """
    _check_top(top)
    judged_K = np.argsort(-logits_V, kind="stable")[:top]
    values_K = _asked(values, judged_K)
    tilted = np.array(logits_V, dtype=float)
    tilted[judged_K] += beta * (values_K - values_K.mean())
    return tilted


def plausible(logits_V: Floats, *, alpha: float = 0.1) -> list[int]:
    """Tokens at least `alpha` times as likely as the likeliest, which is first among equals.

    Raises InputError unless alpha lies in (0, 1].
    """
    _check_alpha(alpha)
    return [int(i) for i in np.flatnonzero(logits_V >= logits_V.max() + math.log(alpha))]


def llm2_logits(
    logits_V: Floats, rewards: Judge, *, alpha: float = 0.1, beta: float = 0.25
) -> Floats:
    """[V] logits and rewards of the plausible tokens together; -inf for all others."""
    judged_K = plausible(logits_V, alpha=alpha)
    chosen = np.full(len(logits_V), -np.inf)
    chosen[judged_K] = logits_V[judged_K]
    if len(judged_K) > 1:
        chosen[judged_K] += beta * _asked(rewards, judged_K)
    return chosen


def ending_logits(logits_V: Floats, ends: Sequence[int], *, temperature: float = 2.0) -> Floats:
    """[V] logits whose decision to end is at another temperature: s(L) becomes s(L / T).

    ends: the tokens that end, in a fixed ratio to each other, as the others keep theirs.
    Raises InputError unless T is above 0 and there are ends and other tokens.
    """
    _check_temperature(temperature)
    if not 0 < len(ends) < len(logits_V):
        raise InputError(f"expected 1 to {len(logits_V) - 1} tokens that end, got {len(ends)}")
    end_V = np.isin(np.arange(len(logits_V)), ends)
    odds = _log_sum(logits_V[end_V]) - _log_sum(logits_V[~end_V])
    return np.where(end_V, logits_V + odds / temperature - odds, logits_V)


# --- as guides of a policy (`LocalPolicy.guided`): settings are checked before a token is drawn --


def vas(values: Scored, *, beta: float = 2.0, top: int = 20) -> Guide:
    """VAS by values of next tokens, Q(s, a)."""
    _check_top(top)
    _check_beta(beta)

    def guide(ids: Ids, logits_V: Floats) -> Floats:
        return vas_logits(logits_V, partial(values, ids), beta=beta, top=top)

    return guide


def llm2(rewards: Scored, *, alpha: float = 0.1, beta: float = 0.25) -> Guide:
    """LLM2 by rewards of next tokens."""
    _check_alpha(alpha)
    _check_beta(beta)

    def guide(ids: Ids, logits_V: Floats) -> Floats:
        return llm2_logits(logits_V, partial(rewards, ids), alpha=alpha, beta=beta)

    return guide


def ending(ends: Sequence[int], *, temperature: float = 2.0, once: bool = True) -> Guide:
    """The temperature of the end of thinking, or of the text.

    once: after one of `ends` nothing changes any more. Thinking ends once; a text's end also
      ends the turns of a chat's prompt, before the text begins.
    """
    _check_temperature(temperature)

    def guide(ids: Ids, logits_V: Floats) -> Floats:
        if once and set(ends) & set(ids):
            return logits_V
        return ending_logits(logits_V, ends, temperature=temperature)

    return guide


def _check_top(top: int) -> None:
    if top < 1:
        raise InputError(f"top must be 1 or more tokens, got {top}")


def _check_alpha(alpha: float) -> None:
    if not 0 < alpha <= 1:
        raise InputError(f"alpha must lie in (0, 1], got {alpha}")


def _check_beta(beta: float) -> None:
    if not math.isfinite(beta):
        raise InputError(f"beta must be a finite number, got {beta}")


def _check_temperature(temperature: float) -> None:
    if not 0 < temperature < math.inf:
        raise InputError(f"expected a temperature above 0 and finite, got {temperature}")


def _log_sum(logits: Floats) -> float:
    top = float(logits.max())
    return top + math.log(float(np.exp(logits - top).sum()))


def _asked(judge: Judge, tokens_K: Sequence[int] | npt.NDArray[np.intp]) -> Floats:
    numbers = np.array(judge([int(i) for i in tokens_K]), dtype=float)
    if numbers.shape != (len(tokens_K),) or not np.isfinite(numbers).all():
        raise InputError(
            f"{len(tokens_K)} tokens were judged; expected as many finite numbers, got "
            f"{numbers.tolist()}"
        )
    return numbers
