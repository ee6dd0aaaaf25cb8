"""Who uses verifiers at test time: best-of-n, votes, step beam search."""

from surefoot.search.beam import beam
from surefoot.search.best_of_n import best_of_n
from surefoot.search.mcts import mcts
from surefoot.search.result import Found, Unfinished
from surefoot.search.tree_of_thoughts import tot_bfs, tot_dfs
from surefoot.search.vote import majority, vote, vote_weights, weighted_vote

__all__ = [
    "Found",
    "Unfinished",
    "beam",
    "best_of_n",
    "majority",
    "mcts",
    "tot_bfs",
    "tot_dfs",
    "vote",
    "vote_weights",
    "weighted_vote",
]
