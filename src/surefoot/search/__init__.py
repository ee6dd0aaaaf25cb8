"""Who uses verifiers at test time: best-of-n, votes, step beam search."""

from surefoot.search.beam import beam
from surefoot.search.best_of_n import best_of_n
from surefoot.search.result import Found, Unfinished
from surefoot.search.vote import majority, vote, vote_weights, weighted_vote

__all__ = [
    "Found",
    "Unfinished",
    "beam",
    "best_of_n",
    "majority",
    "vote",
    "vote_weights",
    "weighted_vote",
]
