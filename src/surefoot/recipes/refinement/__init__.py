"""Critique and refinement systems, one a file: what they compose, claim, and how we deviate.

>>> import numpy as np
>>> from surefoot.core.types import Kind, StepScores
>>> from surefoot.recipes.refinement import prefix_resample
>>> from surefoot.tasks.toy import ToyWorld
>>> world = ToyWorld(length=4, slip=0.3, recover=0.1)
>>> def values(traces_N):
...     rows = [[world.value(t.steps[: s + 1]) for s in range(4)] for t in traces_N]
...     return [StepScores(Kind.VALUE, tuple(row), "exact") for row in rows]
>>> found = prefix_resample.solve(world.problems(1)[0], sample=world.sample, check=world.check,
...                               score=values, rng=np.random.default_rng(0), passes=20)
>>> found.chosen.verdict
<Verdict.CORRECT: 'correct'>
"""

from surefoot.recipes.refinement import (
    agent_r,
    auto_math_critique,
    deep_critic,
    glore,
    magicore,
    mistakes,
    prefix_resample,
    progressive,
    rearter,
    s3c_math,
    spar,
    stick,
    super_correct,
)
from surefoot.recipes.refinement.recipe import RefineRecipe

RECIPES: tuple[RefineRecipe, ...] = (
    prefix_resample.RECIPE,
    glore.RECIPE,
    magicore.RECIPE,
    auto_math_critique.RECIPE,
    deep_critic.RECIPE,
    super_correct.RECIPE,
    s3c_math.RECIPE,
    agent_r.RECIPE,
    spar.RECIPE,
    rearter.RECIPE,
    stick.RECIPE,
    progressive.RECIPE,
    mistakes.RECIPE,
)

__all__ = [
    "RECIPES",
    "RefineRecipe",
    "agent_r",
    "auto_math_critique",
    "deep_critic",
    "glore",
    "magicore",
    "mistakes",
    "prefix_resample",
    "progressive",
    "rearter",
    "s3c_math",
    "spar",
    "stick",
    "super_correct",
]
