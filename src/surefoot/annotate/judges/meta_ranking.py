"""Meta Ranking (arXiv:2402.12146): is one answer right? Compare it with answers known to be.

    v_i = +1    at least as good as a right reference
          -1    no better than a wrong one
          +w    better than a wrong one          -w    worse than a right one
    score = (1 + mean_i v_i) / 2

References belong to other problems; a weak judge compares better than it judges. Being better
than something wrong says less than being as good as something right, hence w < 1. The paper
weighs its votes too; with which weights we could not check, so these are [ours].

Dimension key: M references.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from surefoot.annotate.asking import reading_notes
from surefoot.annotate.judges.opinion import Opinion, mean_known
from surefoot.annotate.judges.pairwise import Comparison, pairwise
from surefoot.core.errors import InputError
from surefoot.core.protocols import Sampler
from surefoot.core.types import Trace, Usage, Verdict


@dataclass(frozen=True, slots=True)
class Ranked:
    """comparisons_M: with each reference. opinion: its score is over those that said something."""

    comparisons_M: tuple[Comparison, ...]
    opinion: Opinion


def meta_ranking(
    trace: Trace,
    references_M: Sequence[Trace],
    *,
    judge: Sampler,
    weight: float = 0.5,
    votes: int = 2,
    seed: int = 0,
) -> Ranked:
    """A solution against checked solutions, five of which the paper finds enough.

    weight: w, in [0, 1]. Cost: M times that of a comparison. Raises InputError without
    references, and for one whose verdict is neither right nor wrong.
    """
    unchecked = [t for t in references_M if t.verdict not in (Verdict.CORRECT, Verdict.WRONG)]
    if not references_M or unchecked or not 0 <= weight <= 1:
        raise InputError(
            f"expected checked references, one or more, and a weight in [0, 1]; got "
            f"{len(references_M)}, of which {len(unchecked)} are neither right nor wrong, and "
            f"{weight}"
        )
    comparisons, votes_M, usage = list[Comparison](), list[float | None](), Usage()
    for number, reference in enumerate(references_M):
        found = pairwise(trace, reference, judge=judge, votes=votes, seed=seed + number)
        comparisons.append(found)
        votes_M.append(vote_of(found, right=reference.verdict is Verdict.CORRECT, weight=weight))
        usage += found.opinion.usage
    mean = mean_known(votes_M)
    unreadable = sum(int(c.opinion.notes["unreadable"]) for c in comparisons)
    notes = reading_notes(votes * len(comparisons), unreadable)
    score = None if mean is None else (1 + mean) / 2
    return Ranked(tuple(comparisons), Opinion(score, usage, notes))


def vote_of(comparison: Comparison, *, right: bool, weight: float) -> float | None:
    """v of one reference, which is right or wrong; None if the comparison said nothing."""
    preference = comparison.opinion.score
    if preference is None:
        return None
    if right:
        return 1.0 if preference >= 0.5 else -weight
    return -1.0 if preference <= 0.5 else weight
