"""Which scores each search can use.

    RANKS    orders prefixes or solutions of one problem: any score but a preference
    VOTES    weighs answers: probabilities, and log-ratios as exp(r - max r)
    CHANCES  holds scores against a scale from 0 to 1: weights, bonuses, thresholds
    VALUES   compares finished with unfinished prefixes

A preference compares the next steps of one prefix and nothing else, so it needs a search in
which nothing else is compared: a beam of one. Log-ratios and progress rank by their sums,
which are the value of a prefix up to a constant of the problem; they are no probabilities.

`TAKES` names the searches of `surefoot.search`; those that ask no verifier are not in it.
"""

from collections.abc import Collection, Sequence

from surefoot.core.errors import KindError
from surefoot.core.types import Kind, StepScores

VALUES = frozenset({Kind.VALUE})
CHANCES = frozenset({Kind.CORRECTNESS, Kind.VALUE})
VOTES = CHANCES | {Kind.LOGRATIO}
RANKS = frozenset(Kind) - {Kind.PREFERENCE}
GUIDES = VALUES | {Kind.PROGRESS}  # Q^pi and A^mu of a beam by progress
SIBLINGS = frozenset(Kind)

TAKES: dict[str, frozenset[Kind]] = {
    "stepwise_best_of_n": SIBLINGS,
    **dict.fromkeys(("best_of_n", "beam", "dvts", "lookahead", "best_first"), RANKS),
    **dict.fromkeys(("weighted_vote", "rebase"), VOTES),
    **dict.fromkeys(("particle_filter", "particle_gibbs", "repeated"), CHANCES),
    **dict.fromkeys(("mcts", "tot_bfs", "tot_dfs", "ab_mcts"), CHANCES),
    "pav_beam": GUIDES,
    **dict.fromkeys(("ovm_beam", "sbs", "birm_beam"), VALUES),
}
NAMED = 6  # searches in a message


def fitting(kind: Kind) -> list[str]:
    """The searches that take scores of a kind, those that take the fewest kinds first."""
    return sorted((name for name, kinds in TAKES.items() if kind in kinds), key=_breadth)


def need_kind(kind: Kind, by: str, kinds: Collection[Kind], why: str) -> None:
    """Raises KindError, with `why` and with what would work, for scores of another kind."""
    allowed = [known for known in Kind if known in kinds]
    if kind in allowed:
        return
    wanted = " or ".join(k.value for k in allowed)
    names = fitting(kind)
    more = " and others" if len(names) > NAMED else ""
    raise KindError(
        f"{by!r} gives {kind.value} scores; {why} needs scores of kind {wanted}. "
        f"Searches for {kind.value} scores: {', '.join(names[:NAMED])}{more}"
    )


def need_kinds(scores_N: Sequence[StepScores], kinds: Collection[Kind], why: str) -> None:
    """`need_kind` of each trace's scores."""
    for scores in scores_N:
        need_kind(scores.kind, scores.by, kinds, why)


def _breadth(name: str) -> int:
    return len(TAKES[name])
