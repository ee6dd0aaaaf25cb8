"""Who uses verifiers at test time: samples and votes, beams, particles, tree searches."""

from surefoot.search.ab_mcts import ab_mcts
from surefoot.search.adaptive_vote import adaptive_vote
from surefoot.search.beam import beam
from surefoot.search.best_first import best_first
from surefoot.search.best_of_n import best_of_n
from surefoot.search.birm import birm_beam
from surefoot.search.dvts import dvts
from surefoot.search.generative_selection import generative_selection, usc
from surefoot.search.lookahead import lookahead
from surefoot.search.mcts import mcts
from surefoot.search.particles import particle_filter, particle_gibbs
from surefoot.search.pav_beam import pav_beam
from surefoot.search.rebase import rebase
from surefoot.search.refine import self_refine, stepwise_best_of_n
from surefoot.search.remembered import Remembered
from surefoot.search.repeat import repeated
from surefoot.search.reselect import reselect
from surefoot.search.result import Found, Unfinished
from surefoot.search.rpc import rpc
from surefoot.search.rstar import rstar
from surefoot.search.search_tree import SearchTree
from surefoot.search.temperatures import temperature_vote
from surefoot.search.thinking import thinking_budget
from surefoot.search.tree_of_thoughts import tot_bfs, tot_dfs
from surefoot.search.value_beam import ovm_beam, sbs
from surefoot.search.vote import majority, vote, vote_weights, weighted_vote

__all__ = [
    "Found",
    "Remembered",
    "SearchTree",
    "Unfinished",
    "ab_mcts",
    "adaptive_vote",
    "beam",
    "best_first",
    "best_of_n",
    "birm_beam",
    "dvts",
    "generative_selection",
    "lookahead",
    "majority",
    "mcts",
    "ovm_beam",
    "particle_filter",
    "particle_gibbs",
    "pav_beam",
    "rebase",
    "repeated",
    "reselect",
    "rpc",
    "rstar",
    "sbs",
    "self_refine",
    "stepwise_best_of_n",
    "temperature_vote",
    "thinking_budget",
    "tot_bfs",
    "tot_dfs",
    "usc",
    "vote",
    "vote_weights",
    "weighted_vote",
]
