"""The flat tree: any depth, JSON and back, sharing, merging, backing up."""

import copy
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.core.errors import InputError
from surefoot.core.tree import Tree
from surefoot.core.types import Kind, Step, Verdict

PATHS = st.lists(
    st.tuples(st.lists(st.sampled_from("abc"), max_size=5), st.booleans(), st.floats(0, 1)),
    max_size=12,
)


def grown(paths):
    tree = Tree()
    for texts, finished, value in paths:
        nodes = tree.add_path(tuple(map(Step, texts)), finished=finished)
        tree.back_up(nodes[-1], value)
    return tree


def test_by_hand():
    tree = Tree()
    first = tree.add_path((Step("a"), Step("b")), finished=True)
    second = tree.add_path((Step("a"), Step("c")), finished=False)
    assert (first, second) == ([0, 1, 2], [0, 1, 3])
    tree.back_up(2, 1.0)
    tree.back_up(3, 0.5)
    assert tree.parents == [-1, 0, 1, 1]
    assert tree.visits == [2, 2, 1, 1]
    assert [tree.value(node) for node in range(4)] == [0.75, 0.75, 1.0, 0.5]
    assert tree.finished == [False, False, True, False]
    assert tree.children() == [[1], [2, 3], [], []]
    assert tree.prefix(3) == (Step("a"), Step("c"))
    assert tree.prefix(0) == ()
    assert tree.path(2) == [0, 1, 2]


def test_a_path_takes_the_latest_verdict_and_keeps_the_one_it_has_without_one():
    tree, path = Tree(), (Step("a"),)
    for verdict, kept in [
        (None, None),
        (Verdict.UNREADABLE, Verdict.UNREADABLE),
        (Verdict.CORRECT, Verdict.CORRECT),
        (None, Verdict.CORRECT),
    ]:
        tree.add_path(path, finished=True, verdict=verdict)
        assert tree.verdicts == [None, kept]


def test_the_empty_tree():
    tree = Tree()
    assert len(tree) == 1
    assert tree.value(0) is None, "unknown is not zero"
    assert tree.children() == [[]]
    assert Tree.from_json(tree.to_json()) == tree


def test_equal_steps_are_shared_below_one_parent_only():
    tree = Tree()
    one = tree.add(0, Step("x", ids=(1,)))
    assert tree.add(0, Step("x", ids=(2,))) == one
    assert tree.steps[one].ids == (1,), "the first to come stays"
    assert tree.add(one, Step("x")) != one
    assert len(tree) == 3


@pytest.mark.parametrize("parent", [-1, 1, 99])
def test_a_parent_must_exist(parent):
    with pytest.raises(IndexError, match=f"parent {parent} is not one of the 1 nodes"):
        Tree().add(parent, Step("x"))


def test_a_chain_of_ten_thousand_steps():
    tree = Tree()
    nodes = tree.add_path(tuple(Step(f"s{i}", (i,)) for i in range(10_000)), finished=True)
    tree.back_up(nodes[-1], 1.0)
    for twin in (
        copy.deepcopy(tree),
        pickle.loads(pickle.dumps(tree)),
        Tree.from_json(json.loads(json.dumps(tree.to_json()))),
    ):
        assert twin == tree
        assert len(twin.path(10_000)) == 10_001
        assert twin.add(9_999, Step("s9999")) == 10_000, "the twin still knows its steps"
        assert twin.add(10_000, Step("more")) == 10_001
        assert len(tree) == 10_001, "the original did not grow with it"


def test_verdicts_are_kept_and_travel():
    tree = Tree()
    tree.add_path((Step("a"),), finished=True, verdict=Verdict.WRONG)
    tree.add_path((Step("a"), Step("b")), finished=False)
    tree.add_path((Step("a"),), finished=True)
    assert tree.verdicts == [None, Verdict.WRONG, None], "a later path does not forget it"
    assert Tree.from_json(json.loads(json.dumps(tree.to_json()))) == tree


def test_observed_evidence_stays_at_its_node():
    tree = Tree()
    [_, a, b] = tree.add_path((Step("a"), Step("b")), finished=True)
    tree.observe(a, 3, 4)
    assert [tree.value(node) for node in (0, a, b)] == [None, 0.75, None]


def test_an_unknown_verdict_is_refused():
    with pytest.raises(InputError, match="got 'perhaps'"):
        Tree.from_json({**Tree().to_json(), "verdicts": ["perhaps"]})


def test_a_record_does_not_follow_the_tree():
    tree = grown([(["a"], True, 1.0)])
    record = tree.to_json()
    tree.back_up(1, 1.0)
    assert record["visits"] == [1, 1]


@given(PATHS)
def test_structure(paths):
    tree = grown(paths)
    lists = (tree.steps, tree.parents, tree.visits, tree.value_sums, tree.finished)
    assert len(tree.verdicts) == len(tree)
    assert {len(x) for x in lists} == {len(tree)}
    assert all(parent < node for node, parent in enumerate(tree.parents))
    prefixes = [tuple(s.text for s in tree.prefix(node)) for node in range(len(tree))]
    assert len(set(prefixes)) == len(prefixes), "two nodes for one prefix"
    wanted = {tuple(texts[:n]) for texts, _, _ in paths for n in range(len(texts) + 1)} | {()}
    assert set(prefixes) == wanted


@given(PATHS)
def test_visits_and_values_are_those_of_the_paths_through_a_node(paths):
    tree = grown(paths)
    for node in range(len(tree)):
        prefix = [s.text for s in tree.prefix(node)]
        through = [value for texts, _, value in paths if texts[: len(prefix)] == prefix]
        assert tree.visits[node] == len(through)
        assert tree.value_sums[node] == pytest.approx(sum(through))


@given(PATHS, PATHS)
def test_merging_is_adding_the_same_paths(paths, more):
    together = grown(paths + more)
    merged = grown(paths)
    merged.merge(grown(more))
    assert merged.value_sums == pytest.approx(together.value_sums)
    merged.value_sums = together.value_sums
    assert merged == together


@given(PATHS)
def test_json_round_trip(paths):
    tree = grown(paths)
    assert Tree.from_json(json.loads(json.dumps(tree.to_json()))) == tree


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"visits": None}, r"needs the lists.*\['visits'\] are not there"),
        ({"visits": [0]}, "equally long"),
        ({"parents": [-1, 1]}, "each parent must come before its child"),
        ({"parents": [-1, -1]}, "each parent must come before its child"),
        ({"parents": [0, 0]}, "each parent must come before its child"),
    ],
)
def test_broken_records_are_refused(change, message):
    record = {**grown([(["a"], True, 1.0)]).to_json(), **change}
    with pytest.raises(InputError, match=message):
        Tree.from_json(record)


def test_no_nodes_is_refused():
    with pytest.raises(InputError, match="1 or more"):
        Tree.from_json({name: [] for name in Tree().to_json()})


def test_a_record_from_before_scores_is_read_and_scores_are_kept():
    tree = grown([(["a", "b"], True, 1.0)])
    record = tree.to_json()
    del record["scores"]
    assert Tree.from_json(record) == tree
    tree.scores[1] = 0.25
    assert Tree.from_json(json.loads(json.dumps(tree.to_json()))).scores == [None, 0.25, None]


def test_merged_evidence_adds_up_and_known_scores_stay():
    mine, theirs = Tree(), Tree()
    [_, a] = mine.add_path((Step("a"),), finished=False)
    mine.back_up(a, 1.0)
    mine.scores[a] = 0.25
    [_, other_a, b] = theirs.add_path((Step("a"), Step("b")), finished=True, verdict=Verdict.WRONG)
    theirs.back_up(b, 3.0)
    theirs.scores[other_a], theirs.scores[b], theirs.kind = 0.75, 0.5, Kind.VALUE
    mine.merge(theirs)
    assert [step.text for step in mine.steps] == ["", "a", "b"]
    assert (mine.visits, mine.value_sums) == ([2, 2, 1], [4.0, 4.0, 3.0])
    assert (mine.scores, mine.kind) == ([None, 0.25, 0.5], Kind.VALUE)
    assert (mine.finished, mine.verdicts[2]) == ([False, False, True], Verdict.WRONG)
