"""`surefoot evaluate BENCHMARK`: side by side, from files, resumable, and what it refuses."""

import json

import pytest
from cli_helpers import rows_of, write_rows

PROCESS = [  # id, steps, label, answer right
    ("a", 3, 0, False), ("b", 3, 1, True), ("c", 3, 2, False), ("d", 3, -1, True),
    ("e", 2, -1, True), ("f", 2, 1, False), ("g", 3, -1, True), ("h", 2, 0, False),
]  # fmt: skip


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    folder = tmp_path_factory.mktemp("processbench")
    for subset in ("gsm8k", "math"):
        rows = [
            {
                "id": f"{subset}-{name}",
                "generator": "nobody",
                "problem": f"What is {name}?",
                "steps": [f"Line {i} of {name}\nin {subset}" for i in range(steps)],
                "final_answer_correct": right,
                "label": label,
            }
            for name, steps, label, right in PROCESS
        ]
        write_rows(folder / f"{subset}.jsonl", rows)
    return folder


@pytest.fixture
def told(cli, bench):
    def run(*arguments):
        command = ["evaluate", "process_bench", "--data", bench, "--json", *arguments]
        return json.loads(cli(*command).stdout)

    return run


def average(summary, name):
    return summary["entries"][name]["figures"]["average"]["f1"]["estimate"]


def test_baselines_stand_where_they_must(cli, bench, tmp_path):
    out = tmp_path / "study"
    scorers = ["--scorer", "random", "--scorer", "always-right", "--scorer", "oracle"]
    done = cli("evaluate", "process_bench", "--data", bench, *scorers, "--out", out, "--json")
    summary = json.loads(done.stdout)
    assert json.loads((out / "summary.json").read_text()) == summary
    assert average(summary, "oracle") == 1
    assert average(summary, "always-right") == 0
    assert 0 <= average(summary, "random") < 1
    assert summary["base"] == "random"
    assert summary["differences"]["oracle"]["average"]["low"] >= 0
    assert [r["prediction"] for r in rows_of(out / "oracle.predictions.jsonl")] == 2 * [
        label for _, _, label, _ in PROCESS
    ]
    page = (out / "report.html").read_text()
    assert "ProcessBench" in page
    assert "http://" not in page
    assert "oracle − random: +" in done.stderr


def test_what_was_written_is_read_back(cli, told, bench, tmp_path):
    first = told("--scorer", "random", "--out", tmp_path)
    again = told("--predictions", tmp_path / "random.predictions.jsonl")
    assert again["entries"]["random"] == first["entries"]["random"]
    stricter = told("--predictions", tmp_path / "random.predictions.jsonl", "--threshold", "0.9")
    assert stricter["entries"]["random"]["threshold"] == 0.9
    assert stricter["entries"]["random"]["figures"] != first["entries"]["random"]["figures"]


def test_a_threshold_is_chosen_on_a_subset_and_told(told):
    entry = told("--scorer", "random", "--threshold-from", "gsm8k")["entries"]["random"]
    assert entry["chosen_on"] == "gsm8k"
    assert entry["threshold"] != 0.5


def test_the_seed_decides_random_scores_and_intervals(told):
    assert told("--scorer", "random")["entries"] == told("--scorer", "random")["entries"]
    other = told("--scorer", "random", "--seed", 1)
    assert other["entries"] != told("--scorer", "random")["entries"]


def test_the_limit_draws_so_many_of_each_subset(told):
    summary = told("--scorer", "oracle", "--limit", 3)
    assert summary["groups"] == {"gsm8k": 3, "math": 3}


def test_critics_replies_by_both_parsers(told, tmp_path):
    rows = [
        {"id": f"{s}-{name}", "replies": [rf"it is \boxed{{\text{{{label}}}}}"]}
        for s in ("gsm8k", "math")
        for name, _, label, _ in PROCESS
    ]
    path = write_rows(tmp_path / "critic.jsonl", rows)
    assert average(told("--predictions", path), "critic") == 1
    assert average(told("--predictions", path, "--parser", "official"), "critic") == 0


def test_predictions_that_are_more_than_numbers_come_back_too(cli, tmp_path):
    label = {"intermediate": [[2, 1]], "final": [1, 2]}
    data = write_rows(
        tmp_path / "sort.jsonl", [{"problem_name": "p", "task_name": "sort", "label": label}]
    )
    command = ["evaluate", "proc_bench", "--data", data, "--json"]
    cli(*command, "--scorer", "oracle", "--out", tmp_path / "o")
    told = cli(*command, "--predictions", tmp_path / "o" / "oracle.predictions.jsonl")
    figures = json.loads(told.stdout)["entries"]["oracle"]["figures"]
    assert figures["all"]["prefix_accuracy"]["estimate"] == 1
    assert "final_match" in told.stderr


def test_a_benchmark_that_asks_for_more_than_scores_says_so(refused, tmp_path):
    row = {"question": "q", "gt": "5", "previous_score": [True]}
    data = write_rows(tmp_path / "gsm8k.jsonl", [row])
    line = refused("evaluate", "real_critic", "--data", data, "--scorer", "random")
    assert "RealCritic asks for more than scores" in line


def test_rows_of_surefoot_score_are_joined_by_their_problem(told, tmp_path):
    rows = [
        {
            "problem": {"id": f"{s}-{name}", "problem": "q"},
            "scores": {
                "kind": "value",
                "values": [0.1 + 0.8 * (i != label) for i in range(steps)],
                "by": "x",
            },
        }
        for s in ("gsm8k", "math")
        for name, steps, label, _ in PROCESS
    ]
    summary = told("--predictions", write_rows(tmp_path / "scored.jsonl", rows))
    assert average(summary, "scored") == 1
    assert summary["entries"]["scored"]["kind"] == "value"


def test_missing_rows_are_no_prediction(told, tmp_path):
    path = write_rows(tmp_path / "few.jsonl", [{"id": "gsm8k-a", "prediction": 0}])
    figures = told("--predictions", path)["entries"]["few"]["figures"]
    assert figures["gsm8k"]["answered"]["estimate"] == 1 / 8
    assert figures["math"]["f1"]["estimate"] == 0


def test_a_verifier_is_scored_once_and_goes_on(cli, verifier, bench, tmp_path):
    pytest.importorskip("torch")
    out = tmp_path / "study"
    command = ["evaluate", "process_bench", "--data", bench, "--scorer", verifier, "--flatten"]
    first, again = (
        json.loads(cli(*command, "--out", out, "--json", "--batch", size).stdout) for size in (4, 3)
    )
    assert first["cost"].get("journal_hits", 0) == 0
    assert again["cost"]["journal_hits"] == 16
    assert again["entries"] == first["entries"]
    name = str(verifier)
    assert first["entries"][name]["kind"] == "correctness"
    assert first["entries"][name]["refused"] == 0


def test_steps_a_verifier_cannot_read_are_told_not_cut(cli, refused, verifier, bench, tmp_path):
    pytest.importorskip("torch")
    command = ["evaluate", "process_bench", "--data", bench, "--scorer", verifier]
    line = refused(*command, "--journal", tmp_path / "j")
    assert "none of 16 cases could be scored" in line
    assert "a step holds the separator" in line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["process_bench", "--scorer", "random"], "--data is missing"),
        (["process_bench", "--data", "{bench}"], "give --scorer or --predictions"),
        (["process_bench", "--data", "nowhere", "--scorer", "random"], "found none"),
        (["novel_bench"], "one of process_bench, prm_bench"),
        (["{scores}", "--scorer", "random"], "--scorer is only for a benchmark"),
        (
            ["process_bench", "--data", "{bench}", "--scorer", "random", "--aggregation", "min"],
            "--aggregation is only for scored traces",
        ),
        (
            ["process_bench", "--data", "{bench}", "--scorer", "random", "--parser", "best"],
            "--parser must be one of robust, official",
        ),
        (
            ["process_bench", "--data", "{bench}", "--scorer", "random", "--scorer", "random"],
            "of different names",
        ),
        (
            [
                "process_bench",
                "--data",
                "{bench}",
                "--scorer",
                "random",
                "--threshold-from",
                "aime",
            ],
            "no case is of 'aime'",
        ),
    ],
)
def test_refusals(refused, bench, tmp_path, arguments, message):
    scores = write_rows(tmp_path / "scores.jsonl", [{}])
    assert message in refused(
        "evaluate", *(a.format(bench=bench, scores=scores) for a in arguments)
    )


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"prediction": 1}], "row 1: field 'id'"),
        ([{"id": "gsm8k-z", "prediction": 1}], "no case of ProcessBench has the id 'gsm8k-z'"),
        ([{"id": "gsm8k-a", "prediction": 1}] * 2, "row 2: a second row for 'gsm8k-a'"),
        ([{"id": "gsm8k-a", "prediction": "1"}], "case 'gsm8k-a': field 'prediction'"),
        (
            [{"id": "gsm8k-a", "scores": {"kind": "value", "values": [0.5], "by": "x"}}],
            "case 'gsm8k-a' has 3 steps and got 1 scores",
        ),
        (
            [{"id": "gsm8k-a", "scores": {"kind": "logit", "values": [0.5] * 3, "by": "x"}}],
            "logit scores have no threshold of their own",
        ),
    ],
)
def test_refused_predictions(refused, bench, tmp_path, rows, message):
    path = write_rows(tmp_path / "p.jsonl", rows)
    assert message in refused("evaluate", "process_bench", "--data", bench, "--predictions", path)


def test_what_has_no_verdict_may_count_as_its_authors_have_it(cli, refused, bench, tmp_path):
    labels = ("error", "error", "no_error", "no_error")
    cases = [{"input": f"q{i}", "llm_response": "r", "label": x} for i, x in enumerate(labels)]
    folder = tmp_path / "data"
    folder.mkdir()
    data = write_rows(folder / "task.jsonl", cases)
    said = [True, None, None, False]
    rows = [{"id": f"task-{i + 1}", "prediction": x} for i, x in enumerate(said)]
    found = write_rows(tmp_path / "p.jsonl", rows)
    command = ["evaluate", "realmistake", "--data", data, "--predictions", found, "--json"]
    figures = {}
    for missing in ("wrong", "official"):
        summary = json.loads(cli(*command, "--missing", missing).stdout)
        assert summary["missing"] == missing
        row = summary["entries"]["p"]["figures"]["all"]
        figures[missing] = [row[key]["estimate"] for key in ("f1", "precision", "accuracy")]
        assert row["f1"]["note"]  # four problems
    assert figures["wrong"] == pytest.approx([2 / 4, 1 / 2, 1 / 2])
    assert figures["official"] == pytest.approx([2 / 3, 1.0, 1 / 2])
    assert "only 4 problems" in cli(*command[:-1]).stderr
    other = ["evaluate", "process_bench", "--data", bench, "--scorer", "random"]
    assert "no way of its own to count" in refused(*other, "--missing", "official")
    assert "--missing must be one of wrong, official" in refused(*command, "--missing", "no")
