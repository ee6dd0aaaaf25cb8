"""AutoMathCritique (arXiv:2411.16579): a critic in the loop, at test time and in training.

    filter       keep a critique if refinement with it succeeds in more than a share of samples
    test time    actor -> critic -> actor, n drafts side by side, then majority
    train time   n samples a problem; the right ones, and of each wrong one its refinement if that
                 is right: (q -> right) and (q, wrong, critique -> right); hard problems try more

With a critic that never has a remark the last is rejection sampling, for the same samples.

Dimension key: n samples.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from surefoot.core.budget import Budget
from surefoot.core.errors import InputError
from surefoot.core.protocols import Checker, Sampler, Scorer
from surefoot.core.types import Problem, Trace, Usage, Verdict
from surefoot.improve import Lesson, whole
from surefoot.recipes.refinement.recipe import RefineRecipe, desk_of, scored_desk
from surefoot.search import Found, Unfinished, vote
from surefoot.search.critique import Ask, continued, doubtful, with_feedback
from surefoot.search.refinement import Critic, Desk, Draft, How, Remark, always, improved, unrated


def solve(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    score: Scorer,
    rng: np.random.Generator,
    n: int = 4,
    passes: int = 1,
    when: float = 0.5,
    where: float = 0.5,
    how: How | None = None,
    aggregation: str | None = None,
    budget: Budget | None = None,
) -> Found | Unfinished:
    """`in_the_loop` with a verifier as critic, and prefix resampling if `how` is not given."""
    desk = scored_desk(
        problem, sample=sample, check=check, score=score, rng=rng, aggregation=aggregation,
        budget=budget,
    )  # fmt: skip
    return in_the_loop(
        desk, critic=doubtful(when, where), how=how or continued(), n=n, passes=passes
    )


def in_the_loop(desk: Desk, *, critic: Critic, how: How, n: int, passes: int) -> Found | Unfinished:
    """The majority of n drafts, each criticised and rewritten up to `passes` times.

    What the critic doubts is given up for its refinement, whatever that is worth: the critic
    alone decides. Cost: n (1 + passes) completions at most, and as many remarks.
    Raises InputError unless n is 1 or more and passes are not negative.
    """
    if n < 1 or passes < 0:
        raise InputError(f"expected n of 1 or more and passes of 0 or more, got {n} and {passes}")
    drafts = desk.judged(desk.write(n))
    last = [
        improved(desk, draft, critic=critic, how=[how], accept=always, passes=passes)
        for draft in drafts
    ]
    chosen = vote([draft.trace for draft in last], [1.0] * len(last))
    return desk.result(next(iter(last), None) if chosen is None else last[chosen])


@dataclass(frozen=True, slots=True)
class Critique:
    """What was said about a wrong draft, and how often refinement with it was right, of tries."""

    draft: Trace
    remark: Remark
    successes: int
    tries: int


def useful(critiques: Sequence[Critique], threshold: float = 0.3) -> list[Critique]:
    """The critiques whose success rate is over the threshold; one that was never tried is not."""
    return [c for c in critiques if c.tries and c.successes / c.tries > threshold]


@dataclass(frozen=True, slots=True)
class Taught:
    """lessons: what to train on. critiques: of the wrong samples. usage: what it cost."""

    lessons: tuple[Lesson, ...]
    critiques: tuple[Critique, ...]
    usage: Usage


def tries_by_hardness(right: int, samples: int) -> int:
    """Refinements of each wrong sample: one, and two where less than half were right ([ours])."""
    return 1 if 2 * right >= samples else 2


def train_time(
    problem: Problem,
    *,
    sample: Sampler,
    check: Checker,
    critic: Critic,
    how: Callable[[int], How],
    rng: np.random.Generator,
    samples: int = 5,
    tries: Callable[[int, int], int] = tries_by_hardness,
    shown: Ask = with_feedback,
) -> Taught:
    """One round for one problem with a gold answer.

    how: (count) -> who writes so many refinements. tries: (right, samples) -> that count.
    """
    desk = desk_of(problem, sample=sample, check=check, rng=rng, rate=unrated, budget=None)
    traces = desk.write(samples)
    right = [t for t in traces if t.verdict is Verdict.CORRECT]
    write = how(tries(len(right), samples))
    lessons, critiques = [whole(trace) for trace in right], list[Critique]()
    for draft in (Draft(t) for t in traces if t.verdict is Verdict.WRONG):
        remark = critic(desk, draft)
        if remark is None:
            continue
        new = write(desk, draft, remark)
        mended = [t for t in new if t.verdict is Verdict.CORRECT]
        critiques.append(Critique(draft.trace, remark, len(mended), len(new)))
        lessons += [whole(trace) for trace in mended]
        lessons += [whole(trace, shown(draft, remark)) for trace in mended]
    return Taught(tuple(lessons), tuple(critiques), desk.meter.total())


RECIPE = RefineRecipe(
    name="auto_math_critique",
    paper="2411.16579",
    about="actor, critic, actor; then majority; and the same loop to make training data",
    claims="Critic-guided self-training no longer over-samples easy problems; most is gained on "
    "hard ones.",
    deviations="The critic of `solve` is a verifier, which names a step and says nothing; "
    "`in_the_loop` takes a judge (`critique.by_first_error`). How much more hard problems try is "
    "ours.",
    checks=(
        "test_refinement_searches.py::test_a_critic_without_remarks_leaves_a_majority_vote",
        "test_refinement_data.py::test_a_null_critic_is_rejection_sampling",
        "test_refinement_data.py::test_critiques_are_kept_by_what_they_achieve",
    ),
    solve=solve,
    builds=(useful, train_time),
)
