"""One verdict a response: figures by hand, thresholds, the three benchmarks' rows, self-check."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.core.errors import InputError
from surefoot.core.types import Kind, Problem, Step, StepScores, Trace
from surefoot.evaluate.benchmarks import Case, figures_of, resampled_table
from surefoot.evaluate.benchmarks.benchmark import problems_in
from surefoot.evaluate.benchmarks.critic_bench import (
    CRITIC_BENCH_GOOGLE,
    CRITIC_BENCH_TSINGHUA,
    self_check,
)
from surefoot.evaluate.benchmarks.realmistake import REALMISTAKE
from surefoot.evaluate.benchmarks.verdict import Judged, choose, decide, read


def case(number, wrong):
    trace = Trace(Problem(str(number), "p"), (Step("a"), Step("b")))
    return Case(str(number), "set", f"p{number}", (trace,), Judged(wrong))


def told(cases, predictions, row="all", of=REALMISTAKE):
    table = resampled_table(of, cases, predictions, resamples=20)
    return {name: i and i.estimate for name, i in figures_of(table)[row].items()}


def write(path, *rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_figures_by_hand():
    """TP 2, FP 1, TN 1, FN 1 and one without a verdict, whose truth is "error": FN 2."""
    cases = [case(i, wrong) for i, wrong in enumerate([1, 1, 1, 1, 0, 0])]
    figures = told(cases, [True, True, False, None, True, False])
    assert figures["precision"] == pytest.approx(2 / 3)
    assert figures["recall"] == pytest.approx(2 / 4)
    assert figures["f1"] == pytest.approx(4 / 7)
    assert figures["accuracy"] == pytest.approx(3 / 6)
    assert figures["base_rate"] == pytest.approx(4 / 6)
    assert figures["always_error_f1"] == pytest.approx(8 / 10)
    assert figures["answered"] == pytest.approx(5 / 6)


def test_what_has_no_verdict_counts_as_the_authors_have_it():
    """TP 2, FP 0 for 1, FN 1, TN 1 and two without a verdict: FN 2, TN 2, accuracy 3 of 6."""
    cases = [case(i, wrong) for i, wrong in enumerate([1, 1, 1, 1, 0, 0])]
    predictions = [True, True, False, None, None, False]
    official = replace(REALMISTAKE, count=REALMISTAKE.count_official)
    ours, theirs = (told(cases, predictions, of=b) for b in (REALMISTAKE, official))
    assert (ours["precision"], theirs["precision"]) == (pytest.approx(2 / 3), 1.0)
    assert (ours["f1"], theirs["f1"]) == (pytest.approx(4 / 7), pytest.approx(4 / 6))
    for same in ("recall", "accuracy", "answered", "base_rate", "always_error_f1"):
        assert ours[same] == theirs[same]
    assert ours["accuracy"] == pytest.approx(3 / 6)
    complete = [True, True, False, False, True, False]
    assert told(cases, complete, of=official) == told(cases, complete)


def test_always_error_is_a_baseline_like_any_other():
    cases = [case(i, i % 3 > 0) for i in range(30)]
    always = told(cases, [True] * 30)
    assert always["f1"] == pytest.approx(always["always_error_f1"])
    assert always["accuracy"] == pytest.approx(always["base_rate"])


def test_scores_are_aggregated_by_their_kind():
    assert decide(case(0, True), [StepScores(Kind.CORRECTNESS, (0.7, 0.7), "x")], 0.5)  # 0.49
    assert not decide(case(0, True), [StepScores(Kind.VALUE, (0.1, 0.5), "x")], 0.5)  # the last
    with pytest.raises(InputError, match=r"is nan"):
        decide(case(0, True), [StepScores(Kind.VALUE, (0.1, float("nan")), "x")], 0.5)


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([-1.0, 0.0, 0.5, 2.0])), min_size=2))
def test_no_threshold_beats_the_chosen_one(pairs):
    cases = [case(i, wrong) for i, (wrong, _) in enumerate(pairs)]
    scores = [(StepScores(Kind.LOGRATIO, (v, 0.0), "x"),) for _, v in pairs]
    if len({wrong for wrong, _ in pairs}) == 1:
        with pytest.raises(InputError, match="with and without an error"):
            choose(cases, scores)
        return

    def f1(threshold):
        found = [decide(c, s, threshold) for c, s in zip(cases, scores, strict=True)]
        return told(cases, found)["f1"]

    assert f1(choose(cases, scores)) == max(map(f1, [-1.0, 0.0, 0.5, 2.0, 3.0]))


def test_a_verdict_is_a_boolean():
    assert read(case(0, True), {"prediction": False}) is False
    assert read(case(0, True), {"prediction": None}) is None
    with pytest.raises(InputError, match="expected bool, got str"):
        read(case(0, True), {"prediction": "error"})


# --- rows ------------------------------------------------------------------


def test_realmistake_reads_folders_of_tasks_and_both_names_of_the_label(tmp_path):
    row = {"input": "q", "llm_response": "First.\n\nSecond.", "label": "error"}
    write(tmp_path / "answerability" / "gpt-4-0613.jsonl", row)
    hub = {"input": "q", "llm_response": "x", "error_label": "no_error"}
    write(tmp_path / "facts" / "llama.jsonl", hub, hub)
    cases = REALMISTAKE.load(tmp_path)
    assert [(c.id, c.truth.wrong) for c in cases] == [
        ("answerability/gpt-4-0613-1", True),
        ("facts/llama-1", False),
        ("facts/llama-2", False),
    ]
    assert [s.text for s in cases[0].traces[0].steps] == ["First.", "Second."]
    with pytest.raises(InputError, match=r"field 'label': expected one of .*, got 'wrong'"):
        REALMISTAKE.load(write(tmp_path / "x.jsonl", {**row, "label": "wrong"}))


def test_the_two_critic_benches_have_two_names_two_papers_and_two_main_figures(tmp_path):
    google, tsinghua = CRITIC_BENCH_GOOGLE, CRITIC_BENCH_TSINGHUA
    assert (google.paper, tsinghua.paper) == ("2310.04815", "2402.14809")
    assert (google.main, tsinghua.main) == ("accuracy", "f1")
    row = {"id": 7, "source": "GSM8K", "query": "q", "response": "r", "correct": False}
    [case] = google.load(write(tmp_path / "g.jsonl", row))
    assert (case.id, case.group, case.truth.wrong) == ("7", "GSM8K", True)
    row = {
        "id": 7, "question_source": "AQuA", "question": "q", "response": "r",
        "response_label": True, "question_type": "math", "answer": ["a"],
    }  # fmt: skip
    [case] = tsinghua.load(write(tmp_path / "t.jsonl", row))
    assert (case.id, case.group, case.truth.wrong) == ("7", "AQuA", False)


def test_silence_counts_as_the_opposite_of_the_truth():
    cases = [case(i, wrong) for i, wrong in enumerate([True, True, False, False, True])]
    said, opposite = [True, None, None, False, True], [True, False, True, False, True]
    silent, wrong = told(cases, said), told(cases, opposite)
    assert silent["answered"] == pytest.approx(3 / 5)
    assert {**silent, "answered": 1} == wrong


# --- self-check ------------------------------------------------------------


def test_self_check_votes_among_the_accepted():
    answers = ["3", "3", "5", "5", "5", None]
    assert self_check(answers, [False] * 6) == "5"
    assert self_check(answers, [False, False, True, True, False, False]) == "3"
    assert self_check(answers, [True] * 6) == "5"  # everything rejected: nothing was said
    assert self_check([None, None], [False, False]) is None
    assert self_check([None, "4"], [False, True]) is None  # only an unreadable one was kept
    assert self_check(["a", "b"], [False, False]) == "a"


def test_a_row_of_few_problems_is_noted_and_its_neighbours_are_not():
    cases = [replace(case(i, i % 2 > 0), group="few" if i < 5 else "many") for i in range(60)]
    table = resampled_table(REALMISTAKE, cases, [i % 3 > 0 for i in range(60)], resamples=500)
    problems = problems_in(cases)
    assert problems == {"": 60, "few": 5, "many": 55}
    figures = figures_of(table, problems=problems)
    notes = {row: figures[row]["accuracy"].note for row in figures}
    assert notes.pop("few") == "only 5 problems: the interval is likely too short"
    assert set(notes.values()) == {""}
    assert figures_of(table)["many"]["accuracy"].note == ""
