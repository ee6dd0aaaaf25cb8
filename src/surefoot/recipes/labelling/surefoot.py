"""Surefoot's own labels: a hazard learned without step labels, rollouts where they tell most."""

from collections.abc import Callable, Sequence
from functools import partial

from surefoot.annotate import Belief, Stop, bayes, learn, stuck_states, surprise_features
from surefoot.core.types import LabelledTrace, Problem, Trace, Verdict
from surefoot.recipes.labelling.recipe import Each, Label, LabelRecipe, Parts
from surefoot.steps import Rollouts

FEWEST_TO_LEARN_FROM = 20  # traces; fewer say too little about a policy
LEARN_FROM = 100
LOOK_CONFIDENCE, LOOK_ROLLOUTS = 0.95, 16  # how closely each of them is looked at

BeliefOf = Callable[[Trace], Belief | None]


def label(parts: Parts, belief_of: BeliefOf = lambda _: None) -> list[LabelledTrace]:
    """Rollouts by expected information; from a flat belief where `belief_of` gives None."""
    return [
        bayes(trace, rollouts=parts.rollouts, belief=belief_of(trace)) for trace in parts.traces_N
    ]


def learned_label(parts_P: Sequence[Parts], each: Each) -> Label:
    """`label` with what the first hundred solutions say about the policy."""
    rollouts = {parts.problem.id: parts.rollouts for parts in parts_P}
    traces = [trace for parts in parts_P for trace in parts.traces_N][:LEARN_FROM]
    belief_of = learned_beliefs(traces, lambda problem: rollouts[problem.id], each)
    return partial(label, belief_of=belief_of)


def learned_beliefs(
    traces_N: Sequence[Trace], rollouts_of: Callable[[Problem], Rollouts], each: Each
) -> BeliefOf:
    """What `bayes` begins with: rates and hazard learned from the traces; None for the flat
    belief, where they are too few or their log-probabilities are not known."""
    known = [trace for trace in traces_N if _can_teach(trace)]
    if len(known) < FEWEST_TO_LEARN_FROM:
        return lambda _: None

    def looked_at(trace: Trace) -> Belief:
        belief = Belief(len(trace.steps), model=stuck_states)
        stop = Stop(LOOK_CONFIDENCE, rollouts=LOOK_ROLLOUTS)
        bayes(trace, rollouts=rollouts_of(trace.problem), belief=belief, stop=stop)
        return belief

    beliefs = each(looked_at, known)
    channel, hazard = learn(beliefs, [surprise_features(trace) for trace in known])

    def belief_of(trace: Trace) -> Belief | None:
        if not _can_teach(trace):
            return None
        prior = hazard.prior(surprise_features(trace))
        return Belief(len(trace.steps), channel, prior, stuck_states)

    return belief_of


def _can_teach(trace: Trace) -> bool:
    """Finished, checked, and every step with its log-probabilities."""
    checked = trace.verdict in (Verdict.CORRECT, Verdict.WRONG)
    return trace.finished and checked and all(step.logprobs for step in trace.steps)


RECIPE = LabelRecipe(
    name="surefoot",
    paper="ours",
    about="the first error by asking where an answer tells most, after learning a hazard",
    claims="First errors of Pebble's wrong solutions of middle trails: 71 % from the hazard "
    "alone, 92 % with a verifier in it; OmegaPRM 60 %.",
    deviations="The hazard sees the surprise of tokens; a verifier's scores or a judge may "
    "join it (see the page).",
    page="annotate-bayes.md",
    checks=(
        "test_bayes.py::test_the_planted_error_is_found_with_few_rollouts",
        "test_belief.py::test_a_posterior_is_bayes_rule_over_every_hypothesis",
        "test_hazard.py::test_outcomes_and_rollouts_teach_a_hazard_without_a_step_label",
    ),
    methods=("bayes",),
    label=label,
    learn=learned_label,
)
