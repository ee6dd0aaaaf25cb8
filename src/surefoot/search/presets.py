"""Selection formulas of other libraries under their names, for a change without surprises.

    openr           prm_min_max, prm_last_max     argmax_i agg(s_i)
                    prm_min_vote, prm_last_vote   argmax_a sum_{i: a_i = a} agg(s_i)
    search-and-learn  naive, weighted, maj        agg = last, min or product
    llm-reasoners   beam: last, mean, cumulative  agg of a beam's step rewards
    thinkbooster    mean over the last W steps
    TS-LLM          orm_vote    sum of (s - min s) / (max s - min s); orm_max
    its_hub         particle weights softmax(logit s), s the last score
    treequest       UCT  Q + sqrt(2) P sqrt(ln N_p / N),  P = softmax of siblings' scores

What they mean is the caller's business: our own searches go by the scores' kind
(`core.kinds`). Where a peer's code goes wrong ours does not follow: a trace without scores
is refused (openr lets it vote with weight -1), and no answer is no class.

Dimension key: N traces, S steps of each.
"""

import math
from collections.abc import Callable, Sequence

from surefoot.core.kinds import reduce_values
from surefoot.core.votes import answer_classes, heaviest_class

Chosen = Callable[[Sequence[str | None], Sequence[Sequence[float]]], int | None]
CLIP = 1e-7  # how near to 0 and 1 its_hub lets a score come before its logit is taken


def best(how: str) -> Chosen:
    """argmax of aggregated scores, the first of equals; None for no traces."""

    def choose(
        answers_N: Sequence[str | None], scores_N_S: Sequence[Sequence[float]]
    ) -> int | None:
        worths = [reduce_values(scores_S, how) for scores_S in scores_N_S]
        return max(range(len(answers_N)), key=worths.__getitem__, default=None)

    return choose


def voted(how: str) -> Chosen:
    """First trace of the answer with the largest sum of aggregated scores."""

    def choose(
        answers_N: Sequence[str | None], scores_N_S: Sequence[Sequence[float]]
    ) -> int | None:
        return _vote(answers_N, [reduce_values(scores_S, how) for scores_S in scores_N_S])

    return choose


def majority_vote(
    answers_N: Sequence[str | None],
    scores_N_S: Sequence[Sequence[float]],  # noqa: ARG001
) -> int | None:
    """First trace of the most frequent answer."""
    return _vote(answers_N, [1.0] * len(answers_N))


def ts_llm_orm_vote(
    answers_N: Sequence[str | None], scores_N_S: Sequence[Sequence[float]]
) -> int | None:
    """A vote by last scores, stretched to [0, 1]; equal scores all weigh 1."""
    last = [reduce_values(scores_S, "last") for scores_S in scores_N_S]
    low, high = min(last, default=0.0), max(last, default=0.0)
    return _vote(answers_N, [(s - low) / (high - low) if high > low else 1.0 for s in last])


def thinkbooster_window(window: int) -> Chosen:
    """argmax of the mean over the last `window` steps."""

    def choose(
        answers_N: Sequence[str | None], scores_N_S: Sequence[Sequence[float]]
    ) -> int | None:
        return best("mean")(answers_N, [scores_S[-window:] for scores_S in scores_N_S])

    return choose


def its_hub_weights(scores_N: Sequence[float]) -> list[float]:
    """[N] chances in a resampling step; odds r / (1 - r), normalised."""
    clipped = [min(max(r, CLIP), 1 - CLIP) for r in scores_N]
    odds = [r / (1 - r) for r in clipped]
    total = math.fsum(odds)
    return [o / total for o in odds]


def treequest_uct(
    scores_K: Sequence[float], visits_K: Sequence[int], parent: int, *, weight: float = math.sqrt(2)
) -> list[float]:
    """[K] UCT scores of siblings from their mean scores and visits, 1 or more each."""
    top = max(scores_K)
    raised = [math.exp(score - top) for score in scores_K]
    total = math.fsum(raised)
    return [
        score + weight * r / total * math.sqrt(math.log(parent) / n)
        for score, r, n in zip(scores_K, raised, visits_K, strict=True)
    ]


PRESETS: dict[str, Chosen] = {
    "openr:majority_vote": majority_vote,
    "openr:prm_min_max": best("min"),
    "openr:prm_last_max": best("last"),
    "openr:prm_min_vote": voted("min"),
    "openr:prm_last_vote": voted("last"),
    "sal:naive_last": best("last"),
    "sal:naive_min": best("min"),
    "sal:naive_prod": best("product"),
    "sal:weighted_last": voted("last"),
    "sal:weighted_min": voted("min"),
    "sal:weighted_prod": voted("product"),
    "sal:maj": majority_vote,
    "lr:beam_last": best("last"),
    "lr:beam_mean": best("mean"),
    "lr:beam_cumulative": best("sum"),
    "tb:mean_window": thinkbooster_window(3),
    "tsllm:majority_vote": majority_vote,
    "tsllm:orm_vote": ts_llm_orm_vote,
    "tsllm:orm_max": best("last"),
}


def _vote(answers_N: Sequence[str | None], weights_N: Sequence[float]) -> int | None:
    classes_N = answer_classes(answers_N)
    return next(iter(heaviest_class(classes_N, weights_N, range(len(answers_N)))), None)
