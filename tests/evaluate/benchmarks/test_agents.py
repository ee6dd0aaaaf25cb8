"""Who&When on its published runs; AgentProcessBench on runs made here."""

import json
from collections import Counter

import pytest

from surefoot.core.errors import InputError
from surefoot.core.types import Kind, StepScores
from surefoot.evaluate.benchmarks import (
    decide_all,
    figures_of,
    resampled_table,
    score_cases,
    threshold_of,
)
from surefoot.evaluate.benchmarks.agent_process_bench import AGENT_PROCESS_BENCH
from surefoot.evaluate.benchmarks.who_and_when import WHO_AND_WHEN
from surefoot.formats import foreign_rows


def told(benchmark, cases, predictions):
    table = resampled_table(benchmark, cases, predictions, resamples=20)
    return {name: i and i.estimate for name, i in figures_of(table)["all"].items()}


def write(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


# --- Who&When --------------------------------------------------------------


@pytest.fixture(scope="module")
def runs(data):
    return WHO_AND_WHEN.load(data / "who_and_when")


def test_published_runs_and_their_three_contradictions(runs):
    assert Counter(c.group for c in runs) == {"algorithm_generated": 126}
    odd = [c for c in runs if c.truth.agents_S[c.truth.step] != c.truth.agent]
    assert len(odd) == 3
    assert told(WHO_AND_WHEN, runs, list(map(WHO_AND_WHEN.perfect, runs)))["both"] == 1


def test_runs_as_their_authors_publish_them_a_pretty_printed_file_each(runs, data, tmp_path):
    rows = [row for _, row in foreign_rows(data / "who_and_when" / "algorithm_generated.jsonl.gz")]
    folder = tmp_path / "Algorithm-Generated"
    folder.mkdir()
    for number, row in enumerate(rows, start=1):
        (folder / f"{number}.json").write_text(json.dumps(row, indent=4))
    for path in (folder, tmp_path):
        found = WHO_AND_WHEN.load(path)
        assert [c.id for c in found[:2]] == ["Algorithm-Generated-1", "Algorithm-Generated-2"]
        assert {c.group for c in found} == {"Algorithm-Generated"}
        assert [c.truth for c in found] == [c.truth for c in runs]
    (folder / "7.json").write_text(json.dumps({**rows[6], "mistake_step": "x"}, indent=4))
    with pytest.raises(InputError, match=r"7\.json row 1: field 'mistake_step'"):
        WHO_AND_WHEN.load(folder)


def test_a_scorer_that_knows_the_step_misses_the_contradicting_agents(runs):
    def score(traces):
        steps = {c.id: c.truth.step for c in runs}
        return [
            StepScores(
                Kind.LOGIT,
                tuple(-float(i == steps[t.problem.id]) for i in range(len(t.steps))),
                "knows",
            )
            for t in traces
        ]

    scores = score_cases(runs, score)
    predictions = decide_all(
        WHO_AND_WHEN.rule, runs, scores, threshold_of(WHO_AND_WHEN.rule, runs, scores)
    )
    figures = told(WHO_AND_WHEN, runs, predictions)
    assert figures["step"] == figures["within_one"] == 1
    assert figures["agent"] == figures["both"] == pytest.approx(123 / 126)


def run(step="1", history=None):
    history = history or [
        {"role": "user", "name": "Planner", "content": "do it"},
        {"role": "Coder (thought)", "content": "done"},
        {"role": "user", "name": "Planner", "content": "thanks"},
    ]
    return {
        "question": "q", "history": history, "mistake_agent": "Coder (thought)",
        "mistake_step": step,
    }  # fmt: skip


def test_figures_by_hand(tmp_path):
    cases = WHO_AND_WHEN.load(write(tmp_path / "hand_crafted.jsonl", *[run()] * 5))
    assert cases[0].truth.agents_S == ("Planner", "Coder (thought)", "Planner")
    assert cases[0].traces[0].steps[1].text == "Coder (thought): done"
    predictions = [("Coder (thought)", 1), ("Planner", 0), (None, 1), ("Coder (thought)", None)]
    figures = told(WHO_AND_WHEN, cases, [*predictions, None])
    assert figures == {
        "step": 2 / 5, "agent": 2 / 5, "both": 1 / 5, "within_one": 3 / 5, "answered": 4 / 5,
    }  # fmt: skip


def test_rows_of_predictions(tmp_path):
    [case] = WHO_AND_WHEN.load(write(tmp_path / "x.jsonl", run()))
    assert WHO_AND_WHEN.read(case, {"prediction": ["Coder", 1]}) == ("Coder", 1)
    assert WHO_AND_WHEN.read(case, {"prediction": [None, 1]}) == (None, 1)
    assert WHO_AND_WHEN.read(case, {"prediction": None}) is None
    with pytest.raises(InputError, match=r"expected \[agent, step\]"):
        WHO_AND_WHEN.read(case, {"prediction": [1]})
    for step in ("3", "-1", "last"):
        with pytest.raises(InputError, match="'mistake_step': expected the index of one of 3"):
            WHO_AND_WHEN.load(write(tmp_path / "x.jsonl", run(step)))


# --- AgentProcessBench -----------------------------------------------------


def trajectory(number, labels, **more):
    messages = [{"role": "system", "content": "be good"}, {"role": "user", "content": "find it"}]
    for i in range(len(labels)):
        call = {"function": {"name": "search", "arguments": f'{{"query": {i}}}'}}
        messages.append({"role": "assistant", "content": "", "tool_calls": [call]})
        messages.append({"role": "tool", "content": f"result {i}"})
    return {
        "data_source": "made", "query_index": number, "sample_index": 0, "messages": messages,
        "step_labels": {str(2 + 2 * i): label for i, label in enumerate(labels)}, **more,
    }  # fmt: skip


@pytest.fixture
def turns(tmp_path):
    rows = [trajectory(i, labels) for i, labels in enumerate([[1, -1, -1], [1, 0], [1, 1]])]
    return AGENT_PROCESS_BENCH.load(write(tmp_path / "hotpotqa.jsonl", *rows))


def test_a_step_holds_what_came_before_it_and_the_call(turns):
    trace = turns[0].traces[0]
    assert trace.problem.text == "system: be good\nuser: find it"
    assert trace.steps[0].text == 'assistant: search({"query": 0})'
    assert trace.steps[1].text == 'tool: result 0\nassistant: search({"query": 1})'
    assert len(trace.steps) == 3


def test_agent_process_figures_by_hand(turns):
    assert [c.id for c in turns] == ["made:0:0", "made:1:0", "made:2:0"]
    figures = told(AGENT_PROCESS_BENCH, turns, [(1, -1, 1), (1, 1), (1, 1)])
    assert figures == pytest.approx(
        {"step_accuracy": 5 / 7, "first_error": 1, "exact_match": 1 / 3, "answered": 1}
    )


def test_a_missing_run_is_not_no_error_the_official_script_counts_it_so(turns):
    """Its first -1 of no labels is "none", which is right for two of the three runs."""
    figures = told(AGENT_PROCESS_BENCH, turns, [None] * 3)
    assert figures == {"step_accuracy": 0, "first_error": 0, "exact_match": 0, "answered": 0}


def test_rows_of_labels(turns):
    row = {"step_labels": {"2": 1, "4": -1, "6": -1, "3": 0}}
    assert AGENT_PROCESS_BENCH.read(turns[0], row) == (1, -1, -1)
    assert AGENT_PROCESS_BENCH.read(turns[0], {"step_labels": {"2": 1}}) == (1, None, None)
    assert AGENT_PROCESS_BENCH.read(turns[1], {"prediction": [1, 0]}) == (1, 0)
    assert AGENT_PROCESS_BENCH.read(turns[1], {"prediction": None}) is None
    with pytest.raises(InputError, match="expected 2 labels"):
        AGENT_PROCESS_BENCH.read(turns[1], {"prediction": [1]})


def test_a_scorer_says_good_or_bad(turns):
    scores = [
        (StepScores(Kind.VALUE, tuple(0.9 if v >= 0 else 0.1 for v in c.truth.labels_S), "x"),)
        for c in turns
    ]
    rule = AGENT_PROCESS_BENCH.rule
    for threshold in (0.5, threshold_of(rule, turns, scores, chosen_on="hotpotqa")):
        predictions = decide_all(rule, turns, scores, threshold)
        assert predictions == [(1, -1, -1), (1, 1), (1, 1)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"step_labels": {"2": 1}}, r"a label for each assistant message \[2, 4\]"),
        ({"step_labels": {"2": 1, "4": 2}}, "the label of message 4 is 2"),
        ({"data_source": None}, "'data_source': expected str or int"),
    ],
)
def test_broken_runs_are_refused(tmp_path, change, message):
    path = write(tmp_path / "bfcl.jsonl", {**trajectory(0, [1, 1]), **change})
    with pytest.raises(InputError, match=message):
        AGENT_PROCESS_BENCH.load(path)
