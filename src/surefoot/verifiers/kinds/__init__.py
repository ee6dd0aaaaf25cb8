"""The kinds of verifiers, each a small file: its targets, its loss, and how it is read."""

from surefoot.verifiers.kinds.alphamath import ALPHAMATH
from surefoot.verifiers.kinds.birm import BIRM, birm, past_and_future
from surefoot.verifiers.kinds.generative import GENERATIVE
from surefoot.verifiers.kinds.implicit import (
    IMPLICIT_CE,
    IMPLICIT_DPO,
    IMPLICIT_KTO,
    IMPLICIT_NCA,
    log_ratio,
)
from surefoot.verifiers.kinds.maths_only import MATHS_ONLY, filtered, maths
from surefoot.verifiers.kinds.next_token import NEXT_TOKEN, next_token
from surefoot.verifiers.kinds.oprm import OPRM
from surefoot.verifiers.kinds.orm import ORM
from surefoot.verifiers.kinds.ovm import OVM
from surefoot.verifiers.kinds.p_true import P_TRUE
from surefoot.verifiers.kinds.pairwise import PAIRWISE, triplet_examples
from surefoot.verifiers.kinds.pav import PAV, advantages
from surefoot.verifiers.kinds.prm import PRM, PRM_THREE_WAY, balanced
from surefoot.verifiers.kinds.sorm import SORM
from surefoot.verifiers.kinds.vas import VAS, lambda_returns, td_loss
from surefoot.verifiers.kinds.weak_to_strong import WEAK_TO_STRONG, confidence
from surefoot.verifiers.objective import Objective

KINDS: dict[str, Objective] = {
    kind.name: kind
    for kind in (
        PRM, PRM_THREE_WAY, ORM, OVM, VAS, SORM, ALPHAMATH, PAV, BIRM, NEXT_TOKEN, GENERATIVE,
        P_TRUE, PAIRWISE, IMPLICIT_CE, IMPLICIT_DPO, IMPLICIT_KTO, IMPLICIT_NCA, OPRM,
        WEAK_TO_STRONG, MATHS_ONLY,
    )
}  # fmt: skip

__all__ = [
    "ALPHAMATH",
    "BIRM",
    "GENERATIVE",
    "IMPLICIT_CE",
    "IMPLICIT_DPO",
    "IMPLICIT_KTO",
    "IMPLICIT_NCA",
    "KINDS",
    "MATHS_ONLY",
    "NEXT_TOKEN",
    "OPRM",
    "ORM",
    "OVM",
    "PAIRWISE",
    "PAV",
    "PRM",
    "PRM_THREE_WAY",
    "P_TRUE",
    "SORM",
    "VAS",
    "WEAK_TO_STRONG",
    "Objective",
    "advantages",
    "balanced",
    "birm",
    "confidence",
    "filtered",
    "lambda_returns",
    "log_ratio",
    "maths",
    "next_token",
    "past_and_future",
    "td_loss",
    "triplet_examples",
]
