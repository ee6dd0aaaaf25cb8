"""The searches that the command knows, and how one is named with its settings.

A name alone, or NAME:SETTING=NUMBER,... for any number that the search takes, such as
beam:beams=8,width=2. A new search is an entry of `METHODS`; the refinement recipes that solve
problems are searches too (`REFINING`). Served models have short names (`written_out`): beam4x4,
best_of_16, vote8.
"""

import inspect
import math
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from surefoot import search as s
from surefoot.cli._common import chosen
from surefoot.core.errors import InputError
from surefoot.core.types import Kind
from surefoot.recipes.refinement import RECIPES
from surefoot.search.fit import CHANCES, TAKES, need_kind

Search = Callable[..., s.Found | s.Unfinished]
T = TypeVar("T")

METHODS: dict[str, Search] = {
    "best_of_n": s.best_of_n,
    "majority": s.majority,
    "weighted_vote": s.weighted_vote,
    "adaptive_vote": s.adaptive_vote,
    "rpc": s.rpc,
    "thinking_budget": s.thinking_budget,
    "beam": s.beam,
    "stepwise_best_of_n": s.stepwise_best_of_n,
    "dvts": s.dvts,
    "lookahead": s.lookahead,
    "ovm_beam": s.ovm_beam,
    "sbs": s.sbs,
    "pav_beam": s.pav_beam,
    "rebase": s.rebase,
    "best_first": s.best_first,
    "particle_filter": s.particle_filter,
    "particle_gibbs": s.particle_gibbs,
    "repeated": s.repeated,
    "mcts": s.mcts,
    "tot_bfs": s.tot_bfs,
    "tot_dfs": s.tot_dfs,
    "ab_mcts": s.ab_mcts,
    "rstar": s.rstar,
}
ASKING_MORE: dict[str, Search] = {  # than a policy and a verifier
    "temperature_vote": s.temperature_vote,
    "usc": s.usc,
    "generative_selection": s.generative_selection,
    "self_refine": s.self_refine,
    "birm_beam": s.birm_beam,
}


def takes(search: Search) -> set[str]:
    """The names of what a search can be given."""
    return set(inspect.signature(search).parameters)


def needs(search: Search) -> set[str]:
    """The names of what a search must be given."""
    parameters = inspect.signature(search).parameters.values()
    return {p.name for p in parameters if p.default is p.empty}


VERBS = {"problem", "sample", "check", "score", "judge", "rng"}
REFINING: dict[str, Search] = {
    recipe.name: recipe.solve
    for recipe in RECIPES
    if recipe.solve is not None and needs(recipe.solve) <= VERBS
}
METHODS |= {name: search for name, search in REFINING.items() if "judge" not in takes(search)}
ASKING_MORE |= {name: search for name, search in REFINING.items() if "judge" in takes(search)}
KINDS = TAKES | {name: CHANCES for name, solve in REFINING.items() if "score" in takes(solve)}


def number(text: str) -> float:
    """A float that compares with others: "nan" is none, and would be the best of every ranking."""
    value = float(text)
    if math.isnan(value):
        raise ValueError(text)
    return value


NUMBERS: dict[Any, Callable[[str], int | float]] = {int: int, float: number, int | None: int}


def refuse_misfit(verifier: str, scorer: Any, method: str, kinds: frozenset[Kind]) -> None:
    """Raises KindError, before anything is asked of a model, for a verifier whose scores are not
    of these kinds. What only its scores tell is left to the search."""
    kind = getattr(scorer, "kind", None)
    if kind is not None:
        need_kind(kind, verifier, kinds, method)


def search_of(
    option: str, spec: str, table: Mapping[str, Callable[..., T]]
) -> tuple[str, "partial[T]"]:
    """The name, and the table's function with its settings. Raises InputError for what is wrong."""
    name, _, rest = spec.partition(":")
    search = chosen(option, name, table)
    readers = {
        parameter.name: reader
        for parameter in inspect.signature(search).parameters.values()
        if (reader := _reader(parameter.annotation)) is not None
    }
    settings: dict[str, int | float] = {}
    for part in filter(None, rest.split(",")):
        setting, _, text = part.partition("=")
        if setting not in readers:
            raise InputError(
                f"{name} has no numeric setting {setting!r}; it has {', '.join(sorted(readers))}"
            )
        try:
            settings[setting] = readers[setting](text)
        except ValueError:
            kind = "int" if readers[setting] is int else "float"
            raise InputError(
                f"{option} {spec}: {setting} must be of type {kind}, got {text!r}"
            ) from None
    return name, partial(search, **settings)


def written_out(spec: str, table: Mapping[str, Search]) -> str:
    """A short name with its settings: numbers behind a name are its first whole-number settings.

    beam4x4 is beam:beams=4,width=4; best_of_16 is best_of_n:n=16; vote8 is majority:n=8. What is
    no short name is returned as it is.
    """
    short = re.fullmatch(r"([a-z_]+?)_?(\d+(?:x\d+)*)", spec)
    if short is None or spec in table:
        return spec
    stem = "majority" if short[1] == "vote" else short[1]
    name = stem if stem in table else f"{stem}_n"
    if name not in table:
        return spec
    parameters = inspect.signature(table[name]).parameters.values()
    settings = [p.name for p in parameters if _reader(p.annotation) is int]
    given = list(zip(settings, short[2].split("x"), strict=False))
    if len(given) < short[2].count("x") + 1:
        raise InputError(f"{spec}: {name} has only the settings {', '.join(settings)}")
    return f"{name}:" + ",".join(f"{setting}={number}" for setting, number in given)


def _reader(annotation: Any) -> Callable[[str], int | float] | None:
    return next((read for kind, read in NUMBERS.items() if kind == annotation), None)
