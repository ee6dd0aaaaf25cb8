"""MAgICoRe (arXiv:2409.12147): refine only what is both of low quality and not sure.

    conf = 2 (1 - s(H)),  H = - sum_a p(a) ln p(a),  p(a) = answer a's share of the samples' worth
    quality = mean over the majority answer's samples of z = (worth - mean) / deviation
    HARD iff quality < 0 and conf < 1/2 (of any verifier):  three equally good answers: conf = 1/2
    easy: weighted vote.  hard: every sample is reviewed and rewritten, old and new together, the
    best n stay, and the gate is asked again

Dimension key: n samples.
"""

import math
from collections.abc import Sequence

import numpy as np

from surefoot.core.budget import Budget
from surefoot.core.errors import InputError
from surefoot.core.protocols import Checker, Sampler, Scorer
from surefoot.core.types import Problem
from surefoot.core.votes import answer_classes, heaviest_class
from surefoot.recipes.refinement.recipe import RefineRecipe, scored_desk
from surefoot.search import Found, Unfinished, vote, vote_weights
from surefoot.search.critique import first_doubt, rewritten, with_feedback
from surefoot.search.refinement import Desk, Draft, How, Remark

LOW = 0.6  # a step that the reviewer is told to look at


def confidence(shares: Sequence[float]) -> float:
    """conf of answers with these weights, in (0, 1]; they need not sum to 1.

    Raises InputError unless some weight is positive and none negative.
    """
    total = math.fsum(shares)
    if not total > 0 or min(shares) < 0:
        raise InputError(f"answers need weights of 0 or more, some above it, got {list(shares)}")
    entropy = -math.fsum(w / total * math.log(w / total) for w in shares if w)
    return 2 / (1 + math.exp(entropy))  # 1 - s(H) = s(-H)


def solve(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    score: Scorer,
    rng: np.random.Generator,
    n: int = 8,
    rounds: int = 3,
    how: How | None = None,
    aggregation: str | None = None,
    budget: Budget | None = None,
) -> Found | Unfinished:
    """The weighted vote of n samples, refined in up to `rounds` rounds where the problem is hard.

    how: the refiner; the policy that reads the draft and the review, where none is given.
    Cost: n completions and scores, and n more of both a round.
    """
    if n < 1 or rounds < 0:
        raise InputError(f"expected n of 1 or more and rounds of 0 or more, got {n} and {rounds}")
    how = how or rewritten(with_feedback)
    desk = scored_desk(
        problem, sample=sample, check=check, score=score, rng=rng, aggregation=aggregation,
        budget=budget,
    )  # fmt: skip
    kept = _best(desk.judged(desk.write(n)), n)
    for _ in range(rounds):
        if not is_hard(kept, aggregation):
            break
        new = [trace for draft in kept for trace in how(desk, draft, reviewed(draft))]
        if not new:
            break
        kept = _best(kept + desk.judged(new), n)
    return desk.result(_winner(desk, kept, aggregation))


def is_hard(drafts_n: Sequence[Draft], aggregation: str | None = None) -> bool:
    """Of low quality and unsure; False where nothing was judged or has an answer."""
    classes = answer_classes([draft.trace.answer for draft in drafts_n])
    worths = np.array([draft.worth for draft in drafts_n], dtype=float)
    weights = _weights(drafts_n, aggregation)
    majority = heaviest_class(classes, [1.0] * len(classes), range(len(classes)))
    by_answer = {c: 0.0 for c in classes if c is not None}
    for number, weight in zip(classes, weights, strict=True):
        if number is not None:
            by_answer[number] += weight
    if not majority or not math.fsum(by_answer.values()) > 0:
        return False
    quality = float(worths[majority].mean() - worths.mean())  # its sign is that of the mean z
    return quality < 0 and confidence(list(by_answer.values())) < 0.5


def reviewed(draft: Draft) -> Remark:
    """The step scores in words, n out of 10, and where to look."""
    assert draft.scores is not None  # `_best` keeps what was judged
    scores = draft.scores.values
    lines = [f"Step {t} scores {round(10 * r)}/10." for t, r in enumerate(scores)]
    low = [str(t) for t, r in enumerate(scores) if r < LOW]
    lines.append(f"Look at step {', '.join(low)}." if low else "No step scores low.")
    return Remark(first_doubt(scores, LOW), "\n".join(lines))


def _best(drafts: Sequence[Draft], n: int) -> list[Draft]:
    """The n of most worth, in the order they were made."""
    known = [(draft.worth, -i) for i, draft in enumerate(drafts) if draft.worth is not None]
    return [drafts[-i] for _, i in sorted(sorted(known)[-n:], key=lambda pair: -pair[1])]


def _weights(drafts: Sequence[Draft], aggregation: str | None) -> list[float]:
    scores = [draft.scores for draft in drafts if draft.scores is not None]
    return vote_weights(scores, aggregation) if scores else []


def _winner(desk: Desk, kept: Sequence[Draft], aggregation: str | None) -> Draft | None:
    """The vote's; without one what was made first."""
    chosen = vote([draft.trace for draft in kept], _weights(kept, aggregation))
    if chosen is not None:
        return kept[chosen]
    return next(iter([*kept, *desk.drafts]), None)


RECIPE = RefineRecipe(
    name="magicore",
    paper="2409.12147",
    about="a vote; where it is poor and unsure, every sample is reviewed by scores and rewritten",
    claims="One round: +3.4 points over self-consistency, +3.2 over best-of-k, +4.0 over "
    "Self-Refine on average, with fewer samples.",
    deviations="One verifier in place of the sum of an outcome model and the product of a step "
    "model's scores; z from all samples of the problem, where the code takes the first sample's "
    "mean and deviation. The review is the scores in words: no reviewer model adds to them.",
    checks=(
        "test_magicore.py::test_confidence_of_equal_answers",
        "test_magicore.py::test_hard_is_poor_and_unsure",
        "test_magicore.py::test_a_sure_vote_is_not_refined",
    ),
    solve=solve,
)
