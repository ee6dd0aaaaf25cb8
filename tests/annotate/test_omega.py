"""OmegaPRM: the binary search is exact where nothing recovers, the tree grows as published."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from interruptions import sound_world

from surefoot.annotate import omega, omega_rank, omega_trace
from surefoot.core.budget import Budget
from surefoot.core.errors import InputError
from surefoot.core.types import Completion, Kind, Problem, Step, StepLabel, Trace, Usage, Verdict
from surefoot.steps import Rollouts
from surefoot.tasks.toy import ToyWorld
from surefoot.trees import counted, labelled_traces

PROBLEM = Problem("p", "Take good steps.", gold="good")


def wrong_trace(length, error, verdict=Verdict.WRONG, finished=True):
    """Step `error` (from 0) is the first wrong one; none is if it is `length`."""
    texts = [f"{'bad' if i >= error else 'good'} {i}" for i in range(length)]
    return Trace(PROBLEM, tuple(map(Step, texts)), None, verdict, finished)


def no_recovery(problem, prefixes_P, *, count, rng, until="end"):
    """A policy that always ends right unless something is wrong already."""
    sound = [all(step.text.startswith("good") for step in prefix) for prefix in prefixes_P]
    return [[Completion((Step("right" if ok else "wrong", (1,)),))] * count for ok in sound]


def mumble(problem, prefixes_P, *, count, rng, until="end"):
    return [[Completion((Step("mumble", (1,)),))] * count for _ in prefixes_P]


def check(problem, trace):
    last = trace.steps[-1].text
    return {"right": Verdict.CORRECT, "wrong": Verdict.WRONG}.get(last, Verdict.UNREADABLE)


def rollouts(sample=no_recovery):
    return Rollouts(PROBLEM, sample=sample, check=check)


# --- one trace ---------------------------------------------------------------


@given(st.integers(1, 70), st.data())
def test_without_recovery_the_first_error_is_found_in_log2_probes(length, data):
    error = data.draw(st.integers(0, length - 1))
    labelled = omega_trace(wrong_trace(length, error), rollouts=rollouts(), completions=3)
    assert [label.hard for label in labelled.labels] == [t < error for t in range(length)]
    assert labelled.usage.calls <= 3 * math.ceil(math.log2(length))
    probed = [label for label in labelled.labels[:-1] if label.tries]
    assert labelled.usage.calls == 3 * len(probed)
    assert all(label.successes / label.tries == label.value for label in probed)


def test_by_hand():
    """Eight steps, step 5 wrong: probes after 4 (right), 6 (wrong), 5 (right)."""
    labelled = omega_trace(wrong_trace(8, 5), rollouts=rollouts(), completions=2)

    def label(successes, tries, belief):
        return StepLabel(Kind.CORRECTNESS, successes, tries, "omega_trace-2", belief)

    unasked = [label(0, 0, 1.0)] * 3
    probed = [label(2, 2, 1.0), label(2, 2, 1.0), label(0, 2, 0.0)]
    assert labelled.labels == (*unasked, *probed, label(0, 0, 0.0), label(0, 1, 0.0))
    assert labelled.usage == Usage(policy_tokens=6, calls=6)
    assert labelled.notes == {}


def test_a_trace_that_ends_correctly_is_right_throughout_and_free():
    labelled = omega_trace(wrong_trace(4, 4, Verdict.CORRECT), rollouts=rollouts(mumble))
    assert [label.value for label in labelled.labels] == [1.0] * 4
    assert labelled.usage == Usage()


@pytest.mark.parametrize("end", [(None, True), (Verdict.UNREADABLE, True), (Verdict.WRONG, False)])
@pytest.mark.parametrize("error", [2, 5])
def test_an_end_that_is_not_known_costs_a_probe_more(end, error):
    labelled = omega_trace(wrong_trace(5, error, *end), rollouts=rollouts(), completions=1)
    assert [label.hard for label in labelled.labels] == [t < error for t in range(5)]
    assert labelled.labels[-1].tries == 1
    assert labelled.usage.calls == (1 if error == 5 else 1 + 2)


def test_unreadable_is_not_wrong():
    """The probe after 4 of 8 steps says nothing: only the end is known to be wrong."""
    labelled = omega_trace(wrong_trace(8, 2), rollouts=rollouts(mumble))
    assert [label.value for label in labelled.labels] == [None] * 7 + [0.0]
    assert labelled.notes == {"unreadable": "no rollout after 4 steps could be read"}


def test_what_was_found_before_an_unreadable_probe_is_kept():
    def sample(problem, prefixes_P, *, count, rng, until="end"):
        policy = mumble if len(prefixes_P[0]) == 2 else no_recovery
        return policy(problem, prefixes_P, count=count, rng=rng)

    labelled = omega_trace(wrong_trace(8, 2), rollouts=rollouts(sample))
    assert [label.value for label in labelled.labels] == [None] * 3 + [0.0] * 5
    assert labelled.notes == {"unreadable": "no rollout after 2 steps could be read"}


@pytest.mark.parametrize("length", [1, 4])
def test_an_end_that_no_rollout_can_read_leaves_no_evidence(length):
    labelled = omega_trace(wrong_trace(length, 0, None), rollouts=rollouts(mumble))
    assert [label.value for label in labelled.labels] == [None] * length


def test_recovery_misleads_as_predicted():
    """Length 2, first step wrong: found iff not one of k rollouts recovers, (1 - b)^k."""
    world, runs, k = ToyWorld(length=2, slip=0.0, recover=0.2), 1500, 4
    [problem] = world.problems(1)
    trace = Trace(problem, (Step("bad"), Step("bad")), None, Verdict.WRONG)

    def found(seed):
        own = Rollouts(problem, sample=world.sample, check=world.check, seed=seed)
        return not omega_trace(trace, rollouts=own, completions=k).labels[0].hard

    share, expected = sum(map(found, range(runs))) / runs, 0.8**k
    assert abs(share - expected) < 4 * math.sqrt(expected * (1 - expected) / runs)


def test_a_trace_without_steps_is_refused():
    with pytest.raises(InputError, match="'p' has no steps"):
        omega_trace(Trace(PROBLEM, ()), rollouts=rollouts())


# --- the tree ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("mc", "tokens", "total", "chosen", "expected"),
    [
        (0.5, 250, 0, 0, 0.5**0.5 * 0.9**0.5),  # 0.7071 * 0.9487 = 0.6708
        (0.25, 500, 0, 0, 0.535144),  # 0.594604 * 0.9
        (0.75, 0, 0, 0, 0.840896),  # 2^(-1/4)
        (0.75, 0, 9, 0, 0.840896 + 0.375),
        (0.75, 0, 9, 2, 0.840896 + 0.125),
    ],
)
def test_priorities_by_hand(mc, tokens, total, chosen, expected):
    assert omega_rank(mc, tokens, total, chosen) == pytest.approx(expected, abs=1e-6)


@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 2000), st.integers(0, 2000))
def test_surer_states_and_shorter_rollouts_come_first(mc, other, tokens, more):
    low, high = sorted((mc, other))
    assert omega_rank(low, tokens, 5, 1) <= omega_rank(high, tokens, 5, 1)
    assert omega_rank(mc, tokens + more, 5, 1) <= omega_rank(mc, tokens, 5, 1)


def grow(world, seed=0, **settings):
    [problem] = world.problems(1)
    own = Rollouts(problem, sample=world.sample, check=world.check, seed=seed)
    return omega(problem, rollouts=own, **settings)


def test_without_recovery_every_label_is_right_and_searches_are_short():
    world = sound_world(length=9, slip=0.1)
    grown = grow(world, completions=64, searches=12)
    probed = [node for node in range(len(grown.tree)) if grown.tree.visits[node]]
    assert len(probed) >= 10
    for node in probed:
        sound = world.first_error(grown.tree.prefix(node)) is None
        assert (grown.tree.value(node) > 0) == sound
    assert grown.usage.calls == 64 * len(probed)
    assert grown.usage.calls <= 64 * (1 + 12 * math.ceil(math.log2(9)))


def test_the_first_search_finds_the_first_error_of_its_rollout():
    world = sound_world(length=9, slip=0.1)
    grown = grow(world, completions=64, searches=1)
    tree = grown.tree
    assert grown.picks == (0,)
    [last_sound] = [
        node
        for node in range(len(tree))
        if tree.visits[node]
        and not any(tree.visits[child] and tree.value(child) for child in tree.children()[node])
        and tree.value(node)
        and any(tree.visits[child] for child in tree.children()[node])
    ]
    errors = [c for c in tree.children()[last_sound] if tree.visits[c] and not tree.value(c)]
    assert [tree.steps[node].text for node in errors] == ["bad"]


def test_probed_values_are_the_exact_ones():
    world = ToyWorld(length=5, slip=0.2, recover=0.1)
    grown = grow(world, completions=1500, searches=5)
    probed = [node for node in range(len(grown.tree)) if grown.tree.visits[node]]
    assert len(probed) >= 4
    for node in probed:
        value = world.value(grown.tree.prefix(node))
        deviation = math.sqrt(value * (1 - value) / grown.tree.visits[node])
        assert abs(grown.tree.value(node) - value) <= 4 * deviation


def test_openr_reselects_one_rollout_but_here_each_probe_is_a_new_prefix():
    """openr puts the popped rollout back, never raises N(s), and spends 800 rollouts on 8.6
    distinct prefixes. Here 800 rollouts are 100 prefixes."""
    grown = grow(ToyWorld(length=24, slip=0.1, recover=0.05), budget=Budget(calls=800))
    tree = grown.tree
    probed = {tuple(s.text for s in tree.prefix(n)) for n in range(len(tree)) if tree.visits[n]}
    assert grown.usage.calls == 800
    assert len(probed) == 100


def test_openr_counts_estimates_but_n_counts_selections_and_ranks_are_recomputed():
    """openr raises N at every Monte-Carlo estimate and freezes priorities in a heap."""
    asked = []

    def spy(mc, tokens, total, chosen):
        asked.append((total, chosen, mc))
        return omega_rank(mc, tokens, total, chosen)

    grown = grow(ToyWorld(length=8, slip=0.2, recover=0.1), searches=6, rank=spy)
    values = [grown.tree.value(node) for node in range(len(grown.tree))]
    assert all(0 < values[state] < 1 for state in grown.picks), "others never enter the pool"
    for total in range(6):
        pops = [(chosen, mc) for t, chosen, mc in asked if t == total]
        assert len(pops) > 1, "the whole pool is ranked at each pop"
        before = grown.picks[:total]
        allowed = {(before.count(node), value) for node, value in enumerate(values)}
        assert set(pops) <= allowed
        assert sum(before.count(node) for node in set(before)) == total


def test_openr_measures_words_but_length_is_in_tokens():
    """Two wrong rollouts of one word each; the one of fewer tokens is taken first."""
    scripts = [("long", 400), ("short", 4), ("right", 1)]

    def sample(problem, prefixes_P, *, count, rng, until="end"):
        steps = [Step(text, (0,) * size) for text, size in scripts]
        return [[Completion((step,)) for step in steps]]

    def verdict(problem, trace):
        return Verdict.CORRECT if trace.steps[-1].text == "right" else Verdict.WRONG

    asked = []

    def spy(mc, tokens, total, chosen):
        asked.append(tokens)
        return omega_rank(mc, tokens, total, chosen)

    own = Rollouts(PROBLEM, sample=sample, check=verdict)
    omega(PROBLEM, rollouts=own, completions=3, rank=spy)
    assert asked == [400, 4, 400]


def test_n_counts_the_selections_of_the_state_itself():
    """U(s) = c sqrt(sum N) / (1 + N(s)): solutions have 8 tokens, so a rollout's length says how
    deep its state is, and N is how often a state of that depth was selected."""
    asked = []

    def spy(mc, tokens, total, chosen):
        asked.append((total, 8 - tokens, chosen))
        return omega_rank(mc, tokens, total, chosen)

    grown = grow(sound_world(length=8, slip=0.1), searches=12, rank=spy)
    depths = [len(grown.tree.path(pick)) - 1 for pick in grown.picks]
    assert len(set(depths)) > 2
    assert {total for total, _, _ in asked} == set(range(len(grown.picks)))
    for total, depth, chosen in asked:
        earlier = grown.picks[:total]
        at_depth = [n for n, d in zip(earlier, depths, strict=False) if d == depth]
        assert chosen in {0, *(at_depth.count(node) for node in at_depth)}
        if len(set(at_depth)) == 1 and depth == 0:
            assert chosen == len(at_depth)
    assert any(chosen for _, depth, chosen in asked if depth)


@pytest.mark.parametrize("slip", [0.0, 1.0])
def test_problems_that_are_all_right_or_all_wrong_are_left_alone(slip):
    grown = grow(sound_world(slip=slip))
    assert (grown.picks, grown.why) == ((), "nothing left to try")
    assert grown.usage.calls == 8


def test_unreadable_rollouts_are_not_searched():
    own = rollouts(mumble)
    grown = omega(PROBLEM, rollouts=own)
    assert (grown.picks, grown.why) == ((), "nothing left to try")
    assert grown.tree.value(0) is None


def test_openr_calls_a_prefix_wrong_up_to_a_half_but_one_success_is_enough():
    """openr's "+" needs MC > 0.5; the paper's hard label is MC > 0."""
    grown = grow(ToyWorld(length=12, slip=0.2, recover=0.05))
    packed = labelled_traces(grown.problem, grown.tree, counted(grown.tree, "omega-8"))
    low = [x for item in packed for x in item.labels if x.tries and 0 < x.value <= 0.5]
    assert low
    assert all(label.hard for label in low)


def test_rearter_gives_leaves_their_parents_text_but_here_text_and_score_are_one_node():
    grown = grow(ToyWorld(length=6, slip=0.3, recover=0.05), searches=3)
    tree = grown.tree
    packed = labelled_traces(grown.problem, tree, counted(tree, "omega-8"))
    assert len(packed) == sum(tree.finished)
    for item in packed:
        steps = item.trace.steps
        assert item.labels[-1] == StepLabel(Kind.VALUE, int(steps[-1].text == "good"), 1, "verdict")
        assert item.trace.verdict is ToyWorld(length=6).check(grown.problem, item.trace)
        for t, label in enumerate(item.labels[:-1], start=1):
            [node] = [n for n in range(len(tree)) if tree.prefix(n) == steps[:t]]
            assert (label.successes, label.tries) == (tree.value_sums[node], tree.visits[node])


def test_pieces_shorter_than_a_share_of_a_solution_are_not_split():
    """Solutions have 8 tokens: with pieces=2 a piece of fewer than 4 ends its search."""
    world = sound_world(length=8, slip=0.1)
    fine, even, coarse = (grow(world, searches=1, pieces=pieces) for pieces in (16, 4, 2))
    assert fine.usage.calls == 8 * (1 + 3)
    assert even.usage.calls == fine.usage.calls, "a piece of 2 tokens is not shorter than 8 / 4"
    assert coarse.usage.calls < fine.usage.calls


def test_rollouts_of_another_problem_are_refused():
    with pytest.raises(InputError, match="'q' was given the rollouts of problem 'p'"):
        omega(Problem("q", "?", gold="1"), rollouts=rollouts())
