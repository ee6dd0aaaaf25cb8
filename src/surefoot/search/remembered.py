"""A verifier that scores each step once, however often its prefix comes back.

    new(s_1..s_t) = the steps after the longest prefix that was scored before

A search asks about a prefix, then about its continuations. A verifier that can go on from
where it stopped (one that keeps its state, or judges one step a call) need not be asked for
the old steps again. Scores must not depend on later steps, which holds for any causal model.

Dimension key: N traces.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from surefoot.core.errors import InputError
from surefoot.core.types import Kind, StepScores, Trace

ScoreRest = Callable[[Sequence[tuple[Trace, int]]], list[list[float]]]
_Key = tuple[str, tuple[str, ...]]


@dataclass(slots=True)
class Remembered:
    """A `Scorer` around a verifier that is asked for new steps only.

    score_rest: [(trace, t)] -> for each, the scores of its steps from t on; one call for
      all that is new. kind, by: as in `StepScores`.
    asked: how many steps were scored so far; what is charged is one token a step.
    """

    score_rest: ScoreRest
    kind: Kind
    by: str
    asked: int = 0
    _known: dict[_Key, tuple[float, ...]] = field(default_factory=dict)

    def __call__(self, traces_N: Sequence[Trace]) -> list[StepScores]:
        """[N] scores. Raises InputError if a trace did not get one for each new step."""
        starts: list[tuple[Trace, int]] = []
        coming: set[_Key] = set()
        for trace in traces_N:
            start = self._start(trace, coming)
            if start < len(trace.steps):
                starts.append((trace, start))
                coming |= {_key(trace, t) for t in range(start + 1, len(trace.steps) + 1)}
        fresh = self._learn(starts)
        keys = [_key(trace, len(trace.steps)) for trace in traces_N]
        return [
            StepScores(self.kind, self._known.get(k, ()), self.by, fresh.pop(k, 0)) for k in keys
        ]

    def _start(self, trace: Trace, coming: set[_Key]) -> int:
        """How many first steps are known, or will be by what is asked before this trace."""
        keys = ((t, _key(trace, t)) for t in range(len(trace.steps), 0, -1))
        return next((t for t, key in keys if key in self._known or key in coming), 0)

    def _learn(self, starts: Sequence[tuple[Trace, int]]) -> dict[_Key, int]:
        """Asks for what is new; returns how many steps were scored for each trace."""
        rests = self.score_rest(starts) if starts else []
        fresh: dict[_Key, int] = {}
        for (trace, start), rest in zip(starts, rests, strict=True):
            new = len(trace.steps) - start
            if len(rest) != new:
                raise InputError(
                    f"problem {trace.problem.id!r}: {self.by!r} gave {len(rest)} scores for the "
                    f"{new} new steps of a trace; a scorer owes one a step"
                )
            for t, value in enumerate(rest, start=start + 1):
                old = self._known[_key(trace, t - 1)] if t > 1 else ()
                self._known[_key(trace, t)] = (*old, value)
            fresh[_key(trace, len(trace.steps))] = new
            self.asked += new
        return fresh


def _key(trace: Trace, t: int) -> _Key:
    return trace.problem.id, tuple(step.text for step in trace.steps[:t])
