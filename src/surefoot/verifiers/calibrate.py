"""Scores that mean what they say: maps to probabilities, fitted on held-out steps.

    temperature   q = s(z / T)               one parameter    (arXiv:1706.04599)
    Platt         q = s(a z + b),  a > 0     two              (Platt, 1999)
    isotonic      q = g(x), the non-decreasing g with the least sum_i (g(x_i) - y_i)^2
                                             one a block, by pooling adjacent violators

s is the logistic function, y the outcomes, and z = log(x / (1 - x)) for a probability x; a
logit or log-ratio is its own z, and its map makes a probability of correctness of it. T, a and
b minimize the mean of -y log q - (1 - y) log(1 - q), by Newton's method.

All maps are monotone: the order of steps stays (isotonic maps make ties), and so does that
of traces under min and last. Under product and mean it may change, because the scores did.

Dimension key: M scored steps, K knots, F features.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from surefoot.core.errors import InputError, KindError, ModelError
from surefoot.core.types import Kind, LabelledTrace, StepScores, Trace
from surefoot.verifiers.score import LocalScorer

Floats = npt.NDArray[np.float64]
EDGE = 1e-6  # probabilities nearer to 0 or 1 are taken for this near: their logit is noise
LEAST, LEAST_OF_EACH = 20, 5  # pairs, and right and wrong ones, below which nothing is fitted
# What scores of each kind become. Progress, a difference of values, is no probability.
OUTPUT = dict.fromkeys((Kind.CORRECTNESS, Kind.LOGIT, Kind.LOGRATIO), Kind.CORRECTNESS)
OUTPUT |= {Kind.VALUE: Kind.VALUE}


@dataclass(frozen=True, slots=True)
class Logistic:
    """q = s(scale z + shift), for scores of one kind."""

    kind: Kind
    scale: float
    shift: float = 0.0

    def __call__(self, scores_M: Sequence[float]) -> list[float]:
        """[M] probabilities."""
        probabilities: list[float] = _sigmoid(self.scale * _z(scores_M, self.kind) + self.shift)
        return list(map(float, probabilities))


@dataclass(frozen=True, slots=True)
class Isotonic:
    """q through the knots (scores_K, values_K), straight between them and flat beyond."""

    kind: Kind
    scores_K: tuple[float, ...]
    values_K: tuple[float, ...]

    def __call__(self, scores_M: Sequence[float]) -> list[float]:
        """[M] probabilities."""
        return list(map(float, np.interp(scores_M, self.scores_K, self.values_K)))


Calibration = Logistic | Isotonic


@dataclass(frozen=True, slots=True)
class Pairs:
    """Held-out steps: score and outcome of each, and the problem it belongs to."""

    kind: Kind
    scores_M: tuple[float, ...]
    outcomes_M: tuple[float, ...]
    problems_M: tuple[str, ...]


def pairs_of(scores_N: Sequence[StepScores], labelled_N: Sequence[LabelledTrace]) -> Pairs:
    """The labelled steps of scored traces; steps without evidence are left out.

    Raises KindError if the scores are of several kinds or the labels do not say what the
    scores do, InputError if numbers of traces or steps differ.
    """
    if len(scores_N) != len(labelled_N) or not scores_N:
        raise InputError(f"got {len(scores_N)} scored traces and {len(labelled_N)} labelled ones")
    kinds = {scores.kind for scores in scores_N}
    if len(kinds) > 1:
        raise KindError(f"scores of several kinds: {sorted(kind.value for kind in kinds)}")
    rows = [row for pair in zip(scores_N, labelled_N, strict=True) for row in _pairs_in(*pair)]
    return Pairs(kinds.pop(), *(zip(*rows, strict=True) if rows else ((), (), ())))


def _pairs_in(scores: StepScores, item: LabelledTrace) -> Iterator[tuple[float, float, str]]:
    """Score, outcome and problem of each step with evidence."""
    name, meaning = item.trace.problem.id, _output(scores.kind)
    if len(scores.values) != len(item.labels):
        raise InputError(
            f"a trace of problem {name!r} has {len(scores.values)} scores and {len(item.labels)} "
            "labels; score the traces that were labelled"
        )
    for value, label in zip(scores.values, item.labels, strict=True):
        if label.kind is not meaning:
            raise KindError(
                f"{scores.kind.value} scores are calibrated on labels of {meaning.value}, "
                f"not of {label.kind.value}"
            )
        if label.value is not None:
            yield value, label.value, name


# --- fitting ---------------------------------------------------------------


def temperature(scores_M: Sequence[float], outcomes_M: Sequence[float], *, kind: Kind) -> Logistic:
    """The map with 1 / T = scale. Where a map of one parameter will do: few pairs.

    scores_M: of `kind`, from steps the verifier was not trained on. outcomes_M: True or False,
      or a share in [0, 1]. Raises InputError for too few or one-sided pairs, for scores that
      rank the outcomes the wrong way round or separate them completely (T would be 0);
      KindError for progress.
    """
    z_M, y_M = _checked(scores_M, outcomes_M, kind)
    _not_separated(np.append(z_M, (0, 0)), np.append(y_M, (0, 1)))  # this map is 1/2 at 0
    [scale] = _newton(z_M[:, None], y_M)
    return Logistic(kind, _rising(scale))


def platt(scores_M: Sequence[float], outcomes_M: Sequence[float], *, kind: Kind) -> Logistic:
    """The map with scale and shift, for scores that are also too high or too low throughout."""
    z_M, y_M = _checked(scores_M, outcomes_M, kind)
    _not_separated(z_M, y_M)
    scale, shift = _newton(np.column_stack((z_M, np.ones_like(z_M))), y_M)
    return Logistic(kind, _rising(scale), float(shift))


def isotonic(scores_M: Sequence[float], outcomes_M: Sequence[float], *, kind: Kind) -> Isotonic:
    """The best monotone map: for many pairs (about a thousand), or it repeats their noise.

    Values are kept 1 / (M + 2) away from 0 and 1 [ours]: M pairs prove nothing certain, and one
    score of 0 would decide a product. O(M log M). Raises as `temperature`, but takes scores
    that separate the outcomes.
    """
    _checked(scores_M, outcomes_M, kind)
    x_U, first_U, count_U = np.unique(scores_M, return_inverse=True, return_counts=True)
    means_U = np.bincount(first_U, weights=np.asarray(outcomes_M, dtype=float)) / count_U
    fitted_U = pool_adjacent_violators(means_U, count_U.astype(float))
    room = 1 / (len(scores_M) + 2)
    fitted_U = np.clip(fitted_U, room, 1 - room)
    inner = (np.diff(fitted_U, prepend=np.nan) == 0) & (np.diff(fitted_U, append=np.nan) == 0)
    return Isotonic(kind, tuple(x_U[~inner].tolist()), tuple(fitted_U[~inner].tolist()))


def pool_adjacent_violators(values_M: Floats, weights_M: Floats) -> Floats:
    """The non-decreasing numbers nearest to `values_M` in weighted squares. O(M).

    Neighbours in the wrong order become their weighted mean, until none are.
    """
    blocks: list[tuple[float, float, int]] = []  # mean, weight, length
    for value, weight in zip(values_M.tolist(), weights_M.tolist(), strict=True):
        block = (value, weight, 1)
        while blocks and blocks[-1][0] >= block[0]:
            mean, mass, length = blocks.pop()
            total = mass + block[1]
            block = ((mean * mass + block[0] * block[1]) / total, total, length + block[2])
        blocks.append(block)
    means, _, lengths = zip(*blocks, strict=True)
    return np.repeat(np.array(means), lengths)


def _checked(
    scores_M: Sequence[float], outcomes_M: Sequence[float], kind: Kind
) -> tuple[Floats, Floats]:
    """z and y, if there is enough of both outcomes to learn from."""
    _output(kind)
    if len(scores_M) != len(outcomes_M):
        raise InputError(f"got {len(scores_M)} scores and {len(outcomes_M)} outcomes")
    z_M, y_M = _z(scores_M, kind), np.asarray(outcomes_M, dtype=np.float64)
    if not (np.isfinite(z_M).all() and ((y_M >= 0) & (y_M <= 1)).all()):
        raise InputError("expected finite scores, and outcomes in [0, 1]; leave out what has none")
    right, wrong = y_M.sum(), (1 - y_M).sum()
    if len(y_M) < LEAST or min(right, wrong) < LEAST_OF_EACH:
        raise InputError(
            f"{len(y_M)} pairs with {right:g} right and {wrong:g} wrong outcomes are too few to "
            f"calibrate on; it takes {LEAST}, and {LEAST_OF_EACH} of each"
        )
    if np.ptp(z_M) == 0:
        raise InputError(f"all {len(z_M)} scores are {scores_M[0]}; there is nothing to map")
    return z_M, y_M


def _newton(features_M_F: Floats, y_M: Floats) -> Floats:
    """argmin_w mean_i [ log(1 + e^(u_i)) - y_i u_i ],  u = X w: convex, so it is the only one."""

    def loss(w_F: Floats) -> float:
        u_M = features_M_F @ w_F
        return float(np.mean(np.logaddexp(0, u_M) - y_M * u_M))

    w_F = np.zeros(features_M_F.shape[1])
    for _ in range(100):
        q_M = _sigmoid(features_M_F @ w_F)
        slope_F = features_M_F.T @ (q_M - y_M) / len(y_M)
        bend_F_F = (features_M_F.T * (q_M * (1 - q_M))) @ features_M_F / len(y_M)
        step_F = np.linalg.solve(bend_F_F + 1e-12 * np.eye(len(w_F)), slope_F)
        while loss(w_F - step_F) > loss(w_F) and np.abs(step_F).max() > 1e-12:
            step_F = step_F / 2  # far from the minimum a whole step may overshoot
        w_F = w_F - step_F
        if np.abs(step_F).max() < 1e-10:
            break
    return w_F


def _not_separated(z_M: Floats, y_M: Floats) -> None:
    """Raises InputError where the likelihood has no maximum: no wrong step scores above a right
    one, and a steeper map is always better."""
    if z_M[y_M < 1].max() <= z_M[y_M > 0].min():
        raise InputError(
            "the scores separate right from wrong completely, so the best map is a step; "
            "calibrate on more pairs, or with `isotonic`"
        )


def _rising(scale: float) -> float:
    if scale <= 0:
        raise InputError(
            "the scores rank the outcomes the wrong way round, so a monotone map would be flat; "
            "are they of another verifier, or are labels 1 for wrong steps?"
        )
    return float(scale)


def _z(scores_M: Sequence[float], kind: Kind) -> Floats:
    scores = np.asarray(scores_M, dtype=np.float64)
    if kind in (Kind.LOGIT, Kind.LOGRATIO):
        return scores
    if ((scores < 0) | (scores > 1)).any():
        raise InputError(f"{kind.value} scores lie in [0, 1]; got {scores.min()}..{scores.max()}")
    inside = np.clip(scores, EDGE, 1 - EDGE)
    z: Floats = np.log(inside) - np.log1p(-inside)
    return z


def _sigmoid(u: Any) -> Any:
    return 0.5 * (1 + np.tanh(0.5 * u))  # without overflow at either end


def _output(kind: Kind) -> Kind:
    if kind not in OUTPUT:
        raise KindError(f"{kind.value} scores are no probabilities, and no logits of any")
    return OUTPUT[kind]


# --- with a scorer, on disk ------------------------------------------------


def calibrated(scorer: LocalScorer, calibration: Calibration | None) -> LocalScorer:
    """The scorer with mapped scores; itself for None. A published aggregation that does not fit
    the new kind is dropped. Scoring raises KindError if the map is for another kind."""
    if calibration is None:
        return scorer
    output = OUTPUT[calibration.kind]

    def stream(traces_N: Sequence[Trace]) -> Iterator[tuple[int, StepScores]]:
        for index, scores in scorer.stream(traces_N):
            if scores.kind is not calibration.kind:
                raise KindError(
                    f"{scores.by!r} gives {scores.kind.value} scores and its calibration is for "
                    f"{calibration.kind.value} ones; calibrate it anew"
                )
            values = tuple(calibration(scores.values))
            yield index, StepScores(output, values, scores.by, scores.tokens)

    def complete(traces_N: Sequence[Trace]) -> list[StepScores]:
        scores = dict(stream(traces_N))
        return [scores[index] for index in range(len(traces_N))]

    kept = scorer.aggregation if output is calibration.kind else None
    fingerprint = f"{scorer.fingerprint}|{calibration!r}"
    return LocalScorer(stream, complete, fingerprint, kept, uncalibrated=scorer, kind=output)


def record_of(calibration: Calibration) -> dict[str, Any]:
    """A map as JSON values; `map_of` is the inverse."""
    record = asdict(calibration)
    return {"map": type(calibration).__name__, **record, "kind": calibration.kind.value}


def map_of(record: dict[str, Any]) -> Calibration | None:
    """The map in a card; None for {}. Raises ModelError if it is not one."""
    if not record:
        return None
    try:
        kind = Kind(record["kind"])
        if record["map"] == Logistic.__name__:
            return Logistic(kind, float(record["scale"]), float(record["shift"]))
        if record["map"] == Isotonic.__name__:
            knots = (tuple(map(float, record[name])) for name in ("scores_K", "values_K"))
            return Isotonic(kind, *knots)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"the verifier's calibration cannot be read ({error!r})") from error
    raise ModelError(f"the verifier's calibration is of form {record['map']!r}; update surefoot")
