"""Who publishes step labels, one system a file: the composition, its claims, our deviations.

>>> from surefoot.recipes.labelling import math_shepherd, sampled
>>> from surefoot.tasks.toy import ToyWorld
>>> world = ToyWorld(length=3, slip=0.2, recover=0.1)
>>> parts = sampled(world.problems(1)[0], sample=world.sample, check=world.check, count=4)
>>> [len(item.labels) for item in math_shepherd.label(parts)]
[3, 3, 3, 3]
"""

from surefoot.recipes.labelling import (
    alphamath,
    aurora,
    consensus,
    debate,
    glore,
    let_us_verify,
    math_shepherd,
    natural_program,
    omega_prm,
    ovm,
    pav,
    prl_coder,
    relative,
    rest_mcts,
    rise,
    spare,
    surefoot,
    themis,
    tigerscore,
)
from surefoot.recipes.labelling.recipe import (
    LabelRecipe,
    Parts,
    sampled,
    solutions_of,
    valued_by,
)

RECIPES: tuple[LabelRecipe, ...] = (
    ovm.RECIPE,
    math_shepherd.RECIPE,
    omega_prm.RECIPE,
    glore.RECIPE,
    pav.RECIPE,
    alphamath.RECIPE,
    rest_mcts.RECIPE,
    relative.RECIPE,
    aurora.RECIPE,
    spare.RECIPE,
    debate.RECIPE,
    natural_program.RECIPE,
    consensus.RECIPE,
    let_us_verify.RECIPE,
    rise.RECIPE,
    prl_coder.RECIPE,
    tigerscore.RECIPE,
    themis.RECIPE,
    surefoot.RECIPE,
)

__all__ = [
    "RECIPES",
    "LabelRecipe",
    "Parts",
    "alphamath",
    "aurora",
    "consensus",
    "debate",
    "glore",
    "let_us_verify",
    "math_shepherd",
    "natural_program",
    "omega_prm",
    "ovm",
    "pav",
    "prl_coder",
    "relative",
    "rest_mcts",
    "rise",
    "sampled",
    "solutions_of",
    "spare",
    "surefoot",
    "themis",
    "tigerscore",
    "valued_by",
]
