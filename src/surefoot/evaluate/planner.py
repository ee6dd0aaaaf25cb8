r"""How often to resample when the verifier may err (Inference Scaling fLaws, arXiv:2411.17501).

Draw until the verifier accepts, at most K times, else abstain. With V for an accepted
right answer, V_f for an accepted wrong one (0 or less) and 0 for abstaining, for
problems of types t with share p_t, success rate r_t, completeness c_t = P(accept | right)
and soundness s_t = P(reject | wrong):

    beta_t = (1 - c_t) r_t + s_t (1 - r_t)                 rejected
    u_t    = V c_t r_t + V_f (1 - s_t) (1 - r_t)           worth of one draw
    U(K)   = sum_t p_t u_t (1 - beta_t^K) / (1 - beta_t)
    K*     = the smallest K of largest U(K);  0 is to abstain always

With one type K* is 0 or endless. Only a mixture has an end: easy problems leave first,
and what is accepted late is ever more often wrong. The paper's notebook weighs the
survival sum by the posterior where the prior belongs; its utilities differ, not its K*.

On a pool no model is needed. Of N candidates a problem accepts a = a_r + a_w (right,
wrong); the first accepted of K drawn without replacement is each with equal chance, so

    U(K)   = mean_p [1 - C(N - a, K) / C(N, K)] (V a_r + V_f a_w) / a            ([ours])

is unbiased for K = 1..N, whatever the types are.

Dimension key: T types, P problems, N candidates, K attempts.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from surefoot.core.errors import InputError
from surefoot.evaluate.checks import Floats, outcomes, same_length
from surefoot.evaluate.curves import coverage_curves

ENDLESS = math.inf
ROUNDING = 1e-12  # utilities that differ by less are the same
FARTHEST = 100_000  # attempts looked at before the end is left to the limit


@dataclass(frozen=True, slots=True)
class ProblemType:
    """Problems that are alike to the policy and its verifier; all numbers in [0, 1].

    share: of the problems; shares sum to 1. success: P(right) of one draw.
    completeness: P(accept | right). soundness: P(reject | wrong).
    """

    share: float
    success: float
    completeness: float = 1.0
    soundness: float = 1.0

    def __post_init__(self) -> None:
        for name in ("share", "success", "completeness", "soundness"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name} must be in [0, 1], got {getattr(self, name)}")

    @property
    def rejected(self) -> float:
        """beta: the chance that a draw is rejected."""
        return (1 - self.completeness) * self.success + self.soundness * (1 - self.success)

    @property
    def accuracy(self) -> float | None:
        """P(right | accepted), which no number of attempts can raise; None if none is."""
        accepted = 1 - self.rejected
        return self.success * self.completeness / accepted if accepted > 0 else None

    def worth(self, right: float, wrong: float) -> float:
        """u: the utility of one draw."""
        accepted_wrong = (1 - self.soundness) * (1 - self.success)
        return right * self.completeness * self.success + wrong * accepted_wrong


@dataclass(frozen=True, slots=True)
class Plan:
    """attempts: K*; 0 is to abstain always, inf never to stop. utility: U(K*) a problem."""

    attempts: float
    utility: float


def utility_curve(
    types_T: Sequence[ProblemType], most: int, *, right: float = 1.0, wrong: float = -1.0
) -> Floats:
    """U(K) for K = 0..most, [most + 1]; U(0) = 0.

    right: V. wrong: V_f. Raises InputError unless the shares sum to 1. O(T * most).
    """
    _check_shares(types_T)
    if most < 1:
        raise InputError(f"most must be 1 or more attempts, got {most}")
    powers_K = np.arange(most)
    gains = sum(t.share * t.worth(right, wrong) * t.rejected**powers_K for t in types_T)
    return np.concatenate(([0.0], np.cumsum(gains)))


def best_attempts(
    types_T: Sequence[ProblemType], *, right: float = 1.0, wrong: float = -1.0
) -> Plan:
    """K* and its utility, over K = 0, 1, 2, ... and the limit.

    The gain of draw K is a sum of at most T exponentials; it is looked at for 100,000
    draws, and beyond as the limit U(inf).
    """
    utilities = utility_curve(types_T, FARTHEST, right=right, wrong=wrong)
    best = fewest_best(utilities)
    limit = sum(
        t.share * t.worth(right, wrong) / (1 - t.rejected) for t in types_T if t.rejected < 1
    )
    if limit > utilities[best] + ROUNDING or _still_rising(types_T, right, wrong, best):
        return Plan(ENDLESS, float(limit))
    return Plan(best, float(utilities[best]))


def fewest_best(utilities_K: Floats) -> int:
    """K*: the smallest K of largest utility, but for rounding. utilities_K: for K = 0, 1, ..."""
    return int(np.argmax(utilities_K >= utilities_K.max() - ROUNDING))


def _still_rising(types_T: Sequence[ProblemType], right: float, wrong: float, best: int) -> bool:
    """No draw is worth less than nothing and one is worth more: the limit is above all K."""
    worths = [t.worth(right, wrong) * t.share for t in types_T if t.rejected > 0]
    return best > 0 and min(worths, default=0.0) >= 0 and max(worths, default=0.0) > 0


def estimate_type(
    right_M: Sequence[bool], accepted_M: Sequence[bool], *, share: float = 1.0
) -> ProblemType:
    """A type from draws of its problems on a calibration set.

    right_M, accepted_M: [M] of every draw. Raises InputError without a right or without
    a wrong draw: then completeness or soundness is unknown, which is not 1.
    """
    right, accepted = outcomes(right_M, "right"), outcomes(accepted_M, "accepted")
    same_length(right=len(right), accepted=len(accepted))
    if not right.any() or right.all():
        raise InputError(
            f"{int(right.sum())} of {len(right)} draws are right: completeness needs a right draw "
            "and soundness a wrong one; draw more, or merge this type with another"
        )
    return ProblemType(
        share,
        success=float(right.mean()),
        completeness=float(accepted[right].mean()),
        soundness=float(1 - accepted[~right].mean()),
    )


def estimate_types(
    right_P_N: npt.ArrayLike, accepted_P_N: npt.ArrayLike, *, types: int = 2
) -> list[ProblemType]:
    """Easy to hard types of a pool, without reading the same draw twice. [types] or fewer.

    Even draws sort the problems by success into equal groups; odd draws say how each
    group does, so that luck in the sorting is not taken for ease. A group without right
    or without wrong odd draws takes completeness or soundness from the whole pool.

    Raises InputError with fewer than 2 draws a problem, or as `estimate_type` for the pool.
    """
    right, accepted = np.asarray(right_P_N, dtype=bool), np.asarray(accepted_P_N, dtype=bool)
    if right.ndim != 2 or right.shape != accepted.shape or right.shape[1] < 2:
        raise InputError(
            "expected outcomes of one shape, problems by 2 or more draws, got "
            f"{right.shape} and {accepted.shape}"
        )
    if not 1 <= types <= len(right):
        raise InputError(f"types must be in 1..{len(right)}, the problems, got {types}")
    pooled = estimate_type(right.ravel().tolist(), accepted.ravel().tolist())
    easy_first = np.argsort(-right[:, ::2].mean(axis=1), kind="stable")
    found = []
    for group in np.array_split(easy_first, types):
        r, a = right[group, 1::2], accepted[group, 1::2]
        found.append(
            ProblemType(
                len(group) / len(right),
                success=float(r.mean()),
                completeness=float(a[r].mean()) if r.any() else pooled.completeness,
                soundness=float(1 - a[~r].mean()) if not r.all() else pooled.soundness,
            )
        )
    return found


def pool_utilities(
    right_P_N: npt.ArrayLike,
    accepted_P_N: npt.ArrayLike,
    *,
    right: float = 1.0,
    wrong: float = -1.0,
) -> Floats:
    """U(K) of every problem for K = 0..N from its own candidates, unbiased. [P, N + 1].

    The mean over problems is U(K), and `fewest_best` of it K*. right_P_N, accepted_P_N: [P, N].
    """
    came_right, accepted = np.asarray(right_P_N, dtype=bool), np.asarray(accepted_P_N, dtype=bool)
    any_accepted = coverage_curves(accepted)  # that one of K draws is accepted
    counts = accepted.sum(axis=1)
    right_share = (accepted & came_right).sum(axis=1) / np.maximum(counts, 1)
    worth_P = np.where(counts > 0, right * right_share + wrong * (1 - right_share), 0.0)
    return np.pad(any_accepted * worth_P[:, None], ((0, 0), (1, 0)))


def _check_shares(types_T: Sequence[ProblemType]) -> None:
    total = math.fsum(t.share for t in types_T)
    if not math.isclose(total, 1.0, abs_tol=1e-6):
        raise InputError(f"the shares of the types must sum to 1, got {total}")
