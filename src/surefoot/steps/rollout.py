"""Prefix values by rollout: how often does the policy end correctly from here?

    V(s_1..s_t) = (1/n) sum_k 1[completion k of the prefix s_1..s_t is correct]

over the n <= K readable completions.

Dimension key: P prefixes, K completions of one prefix.
"""

from collections.abc import Sequence

import numpy as np

from surefoot.core.errors import InputError
from surefoot.core.protocols import Checker, Sampler, Steps
from surefoot.core.seeds import rng_for
from surefoot.core.types import Kind, Problem, StepLabel, Trace, Usage, Verdict
from surefoot.steps.sample import Read, finished_trace
from surefoot.tasks.answers import final_answer


class Rollouts:
    """The rollouts of one problem, by prefix, each of them drawn once.

    The k-th rollout of a prefix is decided by the seed, the problem, the prefix's text
    and k alone. Whoever asks about a prefix gets the same ones: another trace that
    shares it, another method, a run that goes on. What one method has paid for, the
    journal answers for the next.

    usage: what all draws so far cost, the journal's answers included.
    """

    def __init__(
        self,
        problem: Problem,
        *,
        sample: Sampler,
        check: Checker,
        seed: int = 0,
        read: Read = final_answer,
    ) -> None:
        if problem.gold is None:
            raise InputError(
                f"problem {problem.id!r} has no gold answer; rollouts cannot be checked"
            )
        self.problem, self.usage = problem, Usage()
        self._sample, self._check, self._read, self._seed = sample, check, read, seed
        self._seen: dict[tuple[str, ...], list[Trace]] = {}
        self._tokens: dict[tuple[str, ...], list[int]] = {}  # of each rollout in _seen
        self._rngs: dict[tuple[str, ...], np.random.Generator] = {}

    def __call__(self, prefixes_P: Sequence[Steps], count: int) -> list[list[Trace]]:
        """[P][count] the first rollouts of each prefix as whole traces; draws what is missing.

        One sampler call for all prefixes that lack equally many. Raises InputError for
        fewer than one completion.
        """
        if count < 1:
            raise InputError(f"completions must be 1 or more, got {count}")
        missing: dict[int, dict[tuple[str, ...], Steps]] = {}
        for prefix in prefixes_P:
            lacking = count - len(self.seen(prefix))
            if lacking > 0:
                missing.setdefault(lacking, {})[_key(prefix)] = prefix
        for lacking, prefixes in missing.items():
            self._draw(list(prefixes.values()), lacking)
        return [self.seen(prefix)[:count] for prefix in prefixes_P]

    def seen(self, prefix: Steps) -> list[Trace]:
        """All rollouts of a prefix so far, in order."""
        return list(self._seen.get(_key(prefix), ()))

    def tokens(self, prefix: Steps, count: int) -> int:
        """What the policy wrote for the first `count` rollouts of a prefix, its own not counted."""
        return sum(self._tokens.get(_key(prefix), ())[:count])

    def drawn(self) -> list[Trace]:
        """All rollouts of all prefixes, prefix by prefix in order of first asking."""
        return [trace for traces in self._seen.values() for trace in traces]

    def values(self, prefixes_P: Sequence[Steps], count: int) -> list[StepLabel]:
        """[P] V after each prefix from its first `count` rollouts; without evidence (tries 0)
        where none of them could be read."""
        traces_P_K = self(prefixes_P, count)
        return [value_of([trace.verdict for trace in traces_K]) for traces_K in traces_P_K]

    def _draw(self, prefixes_P: Sequence[Steps], count: int) -> None:
        rngs_P = [self._rng(prefix) for prefix in prefixes_P]
        ends_P_K = self._sample(self.problem, prefixes_P, count=count, rng=rngs_P)
        tokens = sum(end.tokens for ends_K in ends_P_K for end in ends_K)
        self.usage += Usage(policy_tokens=tokens, calls=len(prefixes_P) * count)
        for prefix, ends_K in zip(prefixes_P, ends_P_K, strict=True):
            self._tokens.setdefault(_key(prefix), []).extend(end.tokens for end in ends_K)
            self._seen.setdefault(_key(prefix), []).extend(
                finished_trace(self.problem, prefix, end, self._check, self._read) for end in ends_K
            )

    def _rng(self, prefix: Steps) -> np.random.Generator:
        """The prefix's own generator; it stands where its last rollout left it."""
        key = _key(prefix)
        if key not in self._rngs:
            self._rngs[key] = rng_for(self._seed, "rollout", self.problem.id, *key)
        return self._rngs[key]


def _key(prefix: Steps) -> tuple[str, ...]:
    return tuple(step.text for step in prefix)


def value_of(verdicts_K: Sequence[Verdict | None]) -> StepLabel:
    """Success rate over the readable verdicts, as a label with its counts."""
    readable = [v for v in verdicts_K if v in (Verdict.CORRECT, Verdict.WRONG)]
    correct = sum(v is Verdict.CORRECT for v in readable)
    return StepLabel(Kind.VALUE, correct, len(readable), f"rollout-{len(verdicts_K)}")
