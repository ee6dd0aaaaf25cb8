"""What the verbs do, on a tiny random model and on traces made by hand."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cli_helpers import rows_of, write_rows

from surefoot.cli._common import shown
from surefoot.core.records import labelled_of, scored_of, trace_of

PROBLEM = {"id": "a", "problem": "What is 2 + 2?", "answer": "4"}


def sampled(cli, tiny, out, *more, problems="trails:easy"):
    arguments = ["--limit", 2, "--n", 2, "--max-tokens", 12, "--policy", tiny, "--out", out]
    return cli("sample", problems, *arguments, "--json", *more)


def test_sample_writes_checked_traces(cli, tiny, tmp_path):
    told = json.loads(sampled(cli, tiny, tmp_path / "t.jsonl").stdout)
    traces = [trace_of(row) for row in rows_of(tmp_path / "t.jsonl")]
    assert len(traces) == told["traces"] == 4
    assert told["policy_tokens"] == sum(t.tokens for t in traces)
    assert all(t.verdict is not None and t.steps[0].logprobs for t in traces)


def test_a_second_run_comes_out_of_the_journal(cli, tiny, tmp_path):
    sampled(cli, tiny, tmp_path / "t.jsonl")
    first = rows_of(tmp_path / "t.jsonl")
    told = json.loads(sampled(cli, tiny, tmp_path / "t.jsonl").stdout)
    assert told["journal_hits"] == 4
    assert rows_of(tmp_path / "t.jsonl") == first


def test_standard_output_carries_rows_only_when_asked(cli, tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = cli(
        "sample",
        "trails:easy",
        "--limit",
        1,
        "--n",
        2,
        "--max-tokens",
        5,
        "--policy",
        tiny,
        "--out",
        "-",
    ).stdout
    assert [trace_of(json.loads(line)).problem.level for line in rows.splitlines()] == ["easy"] * 2
    quiet = cli(
        "sample",
        "trails:easy",
        "--limit",
        1,
        "--n",
        2,
        "--max-tokens",
        5,
        "--policy",
        tiny,
        "--out",
        "o.jsonl",
    )
    assert quiet.stdout == ""
    assert "accuracy" in quiet.stderr


def test_problems_without_gold_can_be_sampled_unchecked(cli, refused, tiny, tmp_path):
    file = write_rows(tmp_path / "p.jsonl", [PROBLEM, {"id": "b", "problem": "And 3 + 3?"}])
    assert "row 2" in refused("sample", file, "--policy", tiny, "--out", tmp_path / "t.jsonl")
    told = sampled(cli, tiny, tmp_path / "t.jsonl", "--without-gold", problems=file)
    assert {row["verdict"] is None for row in rows_of(tmp_path / "t.jsonl")} == {True, False}
    assert json.loads(told.stdout)["accuracy"] is not None


def test_a_place_that_takes_no_file_is_refused_before_any_work(refused, tmp_path):
    (tmp_path / "folder").mkdir()
    for place in (tmp_path / "folder", "/"):
        told = refused("sample", "trails:easy", "--policy", "no/such/policy", "--out", place)
        assert "it is a folder; choose" in told
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_budget_stops_the_run_between_problems(cli, tiny, tmp_path):
    told = sampled(
        cli, tiny, tmp_path / "t.jsonl", "--problems-in-flight", 1, "--budget-policy-tokens", 3
    )
    assert json.loads(told.stdout)["problems"] == 1
    assert "budget of policy_tokens reached: 1 problems left" in told.stderr


def test_a_budget_counts_tokens_that_belong_to_no_step(cli, tiny, tmp_path):
    """Of solutions of one token each, some are an end of text alone, or a blank line."""
    arguments = ["--n", 64, "--max-tokens", 1, "--temperature", 9]
    more = ["--problems-in-flight", 1, "--budget-policy-tokens", 64]
    told = json.loads(sampled(cli, tiny, tmp_path / "t.jsonl", *arguments, *more).stdout)
    assert told["without_steps"] > 0
    assert (told["problems"], told["policy_tokens"]) == (1, 64)


def test_the_oracle_finds_the_wrong_step(labels):
    for item in map(labelled_of, rows_of(labels)):
        hard = [label.hard for label in item.labels]
        assert all(hard) == (item.trace.verdict.value == "correct")


def test_outcomes_label_every_step_alike(cli, traces, tmp_path):
    cli("label", traces, "--method", "outcome", "--out", tmp_path / "l.jsonl")
    for item in map(labelled_of, rows_of(tmp_path / "l.jsonl")):
        assert {x.value for x in item.labels} == {float(item.trace.verdict.value == "correct")}
    assert not (tmp_path / "l.jsonl.journal.sqlite").exists()


def test_rollouts_keep_their_counts_and_trust_the_verdict(cli, tiny, traces, tmp_path):
    cli(
        "label",
        traces,
        "--limit",
        2,
        "--completions",
        2,
        "--policy",
        tiny,
        "--max-tokens",
        8,
        "--out",
        tmp_path / "l.jsonl",
    )
    for item in map(labelled_of, rows_of(tmp_path / "l.jsonl")):
        assert [x.by for x in item.labels] == ["rollout-2"] * (len(item.labels) - 1) + ["verdict"]
        assert item.usage.calls == 2 * (len(item.labels) - 1)


def test_ids_of_another_tokenizer_are_not_read_as_words(tiny):
    from surefoot.cli._annotators import with_own_ids
    from surefoot.core.types import Problem, Step, Trace
    from surefoot.policy.local import load_policy

    policy = load_policy(str(tiny))
    own = policy.encoder.step_ids(Step("Mia = 4"))
    problem = Problem("a", "?")
    kept = Trace(problem, (Step("Mia = 4", own),))
    assert with_own_ids(kept, policy) == kept
    for foreign in ((5, 6, 7), (10**6,)):
        trace = Trace(problem, (Step("Mia = 4", foreign),))
        assert with_own_ids(trace, policy).steps == (Step("Mia = 4"),)


def test_a_trained_verifier_has_a_card_and_metrics(verifier):
    assert {"verifier.json", "head.safetensors", "README.md"} <= {
        p.name for p in verifier.iterdir()
    }
    assert "held_out_brier" in (verifier / "README.md").read_text()
    assert not (verifier / "training_state.pt").exists()


def test_training_again_does_nothing_and_other_settings_are_refused(
    cli, refused, tiny, labels, verifier
):
    again = cli("train", labels, "--base", tiny, "--epochs", 1, "--out", verifier)
    assert "nothing to do" in again.stderr
    line = refused("train", labels, "--base", tiny, "--epochs", 2, "--out", verifier)
    assert "belongs to another training" in line


def test_problems_are_split_never_traces_of_one(labels):
    from surefoot.cli._training import split_by_problem

    rows = [labelled_of(row) for row in rows_of(labels)]
    learnt, held = split_by_problem(rows, 0.3, seed=0)
    ids = [{row.trace.problem.id for row in part} for part in (learnt, held)]
    assert not ids[0] & ids[1]
    assert len(ids[1]) == 2
    assert len(learnt) + len(held) == len(rows)
    assert split_by_problem(rows[:1], 0.3, seed=0) == (rows[:1], [])


def test_hard_targets_round_soft_labels_up(cli, tiny, labels, tmp_path):
    rows = rows_of(labels)
    for row in rows:
        row["labels"] = [{**x, "successes": 1, "tries": 4, "kind": "value"} for x in row["labels"]]
    file, told = write_rows(tmp_path / "soft.jsonl", rows), {}
    for targets in ("soft", "hard"):
        done = cli(
            "train",
            file,
            "--base",
            tiny,
            "--epochs",
            1,
            "--targets",
            targets,
            "--held-out",
            0.3,
            "--out",
            tmp_path / targets,
            "--json",
        )
        told[targets] = json.loads(done.stdout)
    assert told["hard"]["held_out_loss"] != told["soft"]["held_out_loss"]


def test_a_killed_training_ends_in_the_same_weights(cli, tiny, labels, tmp_path, monkeypatch):
    from safetensors.torch import load_file

    arguments = [
        "train",
        labels,
        "--base",
        tiny,
        "--epochs",
        3,
        "--batch-tokens",
        512,
        "--save-every",
        2,
    ]
    cli(*arguments, "--out", tmp_path / "whole")
    module, calls = sys.modules["surefoot.verifiers.train"], []
    losses = module._losses

    def killed(*args):
        calls.append(1)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return losses(*args)

    monkeypatch.setattr(module, "_losses", killed)
    with pytest.raises(AssertionError):  # exit code 130
        cli(*arguments, "--out", tmp_path / "killed")
    monkeypatch.undo()
    cli(*arguments, "--out", tmp_path / "killed")
    for file in ("model.safetensors", "head.safetensors"):
        whole, again = (load_file(tmp_path / f / file) for f in ("whole", "killed"))
        assert all((whole[k] == again[k]).all() for k in whole)


def test_scores_are_one_a_step(scores):
    for trace, values in map(scored_of, rows_of(scores)):
        assert len(values.values) == len(trace.steps)
        assert all(0 <= v <= 1 for v in values.values)


def test_the_batch_size_of_scoring_changes_nothing(cli, traces, verifier, scores, tmp_path):
    cli("score", traces, "--verifier", verifier, "--batch", 5, "--out", tmp_path / "s.jsonl")
    pairs = zip(rows_of(tmp_path / "s.jsonl"), rows_of(scores), strict=True)
    for left, right in pairs:
        assert left["scores"]["values"] == pytest.approx(right["scores"]["values"], abs=1e-5)


def exact_scores(labels, path, *, flip=False):
    """Scores that say what the oracle says (or the opposite)."""
    rows = rows_of(labels)
    for row in rows:
        values = [0.9 if (x["successes"] > 0) != flip else 0.1 for x in row.pop("labels")]
        row["scores"] = {"kind": "correctness", "values": values, "by": "oracle"}
    return write_rows(path, rows)


def test_perfect_scores_reach_coverage_and_find_every_error(cli, labels, tmp_path):
    told = json.loads(cli("evaluate", exact_scores(labels, tmp_path / "s.jsonl"), "--json").stdout)
    assert told["first_error_f1"] == told["auc_within_problems"] == 1
    assert told["best_of_n"]["mean"] == told["coverage"]["mean"] == pytest.approx(5 / 6)
    assert told["pass@1"]["mean"] == pytest.approx(11 / 24)


def test_opposite_scores_choose_only_wrong_traces(cli, labels, tmp_path):
    scores = exact_scores(labels, tmp_path / "s.jsonl", flip=True)
    told = json.loads(cli("evaluate", scores, "--json").stdout)
    assert told["auc_within_problems"] == told["best_of_n"]["mean"] == 0


def test_preferences_choose_among_steps_and_not_among_solutions(cli, labels, tmp_path):
    rows = rows_of(exact_scores(labels, tmp_path / "s.jsonl"))
    for row in rows:
        row["scores"]["kind"] = "preference"
    scores = write_rows(tmp_path / "p.jsonl", rows)
    told = json.loads(cli("evaluate", scores, "--json").stdout)
    assert told["best_of_n"] is told["auc_within_problems"] is told["auc_pooled"] is None
    assert told["majority"]["mean"] is not None


def test_labels_are_a_truth_where_there_is_no_oracle(cli, labels, tmp_path):
    def renamed(path, out):
        rows = rows_of(path)
        for row in rows:
            row["problem"]["problem"] = "Prove it."
        return write_rows(out, rows)

    scores = renamed(exact_scores(labels, tmp_path / "s.jsonl"), tmp_path / "s2.jsonl")
    blind = json.loads(cli("evaluate", scores, "--json").stdout)
    assert blind["first_error_traces"] == 0
    assert blind["first_error_f1"] is None
    truth = renamed(labels, tmp_path / "l2.jsonl")
    told = json.loads(cli("evaluate", scores, "--labels", truth, "--json").stdout)
    assert told["first_error_f1"] == 1


def test_labels_of_progress_are_no_truth(refused, labels, tmp_path):
    """Little progress is no error: a step that gains 0.2 need not be wrong."""
    rows = rows_of(labels)
    for row in rows:
        row["labels"] = [{**x, "kind": "progress"} for x in row["labels"]]
    moved = write_rows(tmp_path / "l.jsonl", rows)
    scores = exact_scores(labels, tmp_path / "s.jsonl")
    told = refused("evaluate", scores, "--labels", moved)
    assert "labels of kind progress do not say whether a step is right" in told


POOL = [
    {
        "problem_id": "p",
        "candidates": [
            {"extracted_answer": a, "is_correct": a == "4", "steps": ["x", "y"]}
            for a in ("5", "4", "5")
        ],
    }
]
SCORES = [
    {"problem_id": "p", "candidate_index": i, "n_steps": 2, "step_scores": s}
    for i, s in enumerate([[0.9, 0.1], [0.2, 0.9], [0.5, 0.5]])
]


@pytest.mark.parametrize(
    ("aggregation", "best"), [("last", 1.0), ("min", 0.0), ("product", 0.0), ("mean", 1.0)]
)
def test_select_prints_the_six_figures(cli, tmp_path, aggregation, best):
    pool, scores = write_rows(tmp_path / "p", POOL), write_rows(tmp_path / "s", SCORES)
    arguments = ["select", pool, "--scores", scores, "--aggregation", aggregation, "--n", 3]
    told = json.loads(cli(*arguments, "--json").stdout)
    assert list(told) == ["pass@1", "majority", "best_of_n", "weighted_vote", "coverage", "pass^n"]
    assert told["best_of_n"] == best
    assert told["coverage"] == 1
    assert told["pass^n"] == 0
    assert json.loads(cli(*arguments[:-2], "--json").stdout) == told  # all three by default
    table = cli(*arguments).stdout.splitlines()
    assert [line.split()[0] for line in table] == list(told)


def test_select_takes_logits_and_says_what_it_cannot_know(cli, tmp_path):
    logits = [{**row, "step_scores": [s - 3 for s in row["step_scores"]]} for row in SCORES]
    pool, scores = write_rows(tmp_path / "p", POOL), write_rows(tmp_path / "s", logits)
    arguments = ["select", pool, "--scores", scores, "--aggregation", "min"]
    done = cli(*arguments)
    assert "unknown" in next(x for x in done.stdout.splitlines() if x.startswith("weighted"))
    assert "--kind" in done.stderr
    told = {
        kind: json.loads(cli(*arguments, "--json", "--kind", kind).stdout)
        for kind in ("logit", "logratio", "progress")
    }
    plain = json.loads(cli(*arguments, "--json").stdout)
    assert plain["weighted_vote"] is None
    assert told["progress"] == plain
    for kind in ("logit", "logratio"):
        assert 0 <= told[kind].pop("weighted_vote") <= 1
    del plain["weighted_vote"]
    assert told["logit"] == told["logratio"] == plain


def test_select_takes_pools_of_any_size(cli, refused, tmp_path):
    second = {**POOL[0], "problem_id": "q", "candidates": POOL[0]["candidates"][:2]}
    pool = write_rows(tmp_path / "p", [*POOL, second])
    scores = write_rows(tmp_path / "s", [*SCORES, *({**s, "problem_id": "q"} for s in SCORES[:2])])
    told = json.loads(cli("select", pool, "--scores", scores, "--json").stdout)
    assert told == json.loads(cli("select", pool, "--scores", scores, "--n", 2, "--json").stdout)
    assert "n must be in 1..2" in refused("select", pool, "--scores", scores, "--n", 3)


PUBLISHED = [
    ("skywork", "last", 0.918),
    ("skywork", "min", 0.870),
    ("qwen", "last", 0.904),
    ("qwen", "min", 0.888),
    ("rlhflow", "last", 0.842),
    ("rlhflow", "min", 0.852),
    ("math_shepherd", "last", 0.838),
    ("math_shepherd", "min", 0.852),
]


@pytest.mark.parametrize(("verifier", "aggregation", "best"), PUBLISHED)
def test_select_reproduces_the_figures_of_strictprmbench(cli, verifier, aggregation, best):
    folder = Path(os.environ.get("SUREFOOT_DATA", "")) / "strictprmbench"
    if not os.environ.get("SUREFOOT_DATA") or not folder.is_dir():
        pytest.skip("SUREFOOT_DATA does not name a folder that holds strictprmbench")
    pool = folder / "gsm8k_500x32_samples.jsonl.gz"
    scores = next(folder.glob(f"scores_{verifier}*_gsm8k.jsonl.gz"))
    told = cli("select", pool, "--scores", scores, "--aggregation", aggregation, "--json")
    figures = {name: round(value, 4) for name, value in json.loads(told.stdout).items()}
    assert figures.pop("weighted_vote") > 0.85
    assert figures.pop("pass^n") == 0.648
    assert figures == {"pass@1": 0.8419, "majority": 0.857, "best_of_n": best, "coverage": 0.962}


SUMMARY = {
    "title": "Two ways",
    "command": "surefoot run demo",
    "seconds": 1.5,
    "seed": 0,
    "policy": "tiny",
    "problems": 4,
    "methods": {
        "majority": {
            "accuracy": 0.5, "low": 0.1, "high": 0.9, "policy_tokens": 10.0, "verifier_tokens": 0.0
        },
    },
}  # fmt: skip


def test_report_writes_one_page(cli, refused, tmp_path):
    (tmp_path / "s.json").write_text(json.dumps(SUMMARY))
    (tmp_path / "d.json").write_text("{}")
    files = [tmp_path / "s.json", tmp_path / "d.json", "--out", tmp_path / "r.html"]
    cli("report", *files)
    assert "Two ways" in (tmp_path / "r.html").read_text()
    (tmp_path / "s.json").write_text("[]")
    assert "expected a JSON object" in refused("report", *files)


def test_run_hands_the_config_on_and_prints_the_table(cli, tmp_path, monkeypatch):
    seen = []

    def run_demo(config, out, *, progress, command):
        seen.append((config, out, command))
        progress("sample", 1, 2)
        out.mkdir(parents=True)
        (out / "report.json").write_text("{}")
        return SUMMARY

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("surefoot.recipes.demo.run_demo", run_demo)
    (tmp_path / "c.json").write_text('{"samples": 3, "training": {"lr": 0.5}}')
    told = cli("run", tmp_path / "c.json", "--out", tmp_path / "run", "--seed", 7)
    assert "majority" in told.stdout
    assert "Two ways" in (tmp_path / "run" / "report.html").read_text()
    cli("run", "demo")
    (config, out, command), (plain, default, _) = seen
    assert (config.samples, config.training.lr, config.seed) == (3, 0.5, 7)
    assert out == tmp_path / "run"
    assert command.endswith("--seed 7")
    assert (plain, default) == (type(plain)(), Path("runs/demo"))


def test_recipes_lists_the_demo(cli):
    assert cli("recipes").stdout.startswith("demo ")


def test_values_are_shown_as_people_read_them():
    assert [shown(x) for x in (None, 1234, 0.5, 12345.6, [1, None], {"a": 0.25})] == [
        "unknown", "1,234", "0.5", "12,346", "1, unknown", "a 0.25"
    ]  # fmt: skip


def test_ctrl_c_says_what_is_kept_and_the_same_command_goes_on(cli, tiny, tmp_path):
    out = tmp_path / "t.jsonl"
    arguments = [
        "sample",
        "trails:hard",
        "--limit",
        "200",
        "--n",
        "8",
        "--max-tokens",
        "100",
        "--problems-in-flight",
        "2",
        "--policy",
        str(tiny),
        "--out",
        str(out),
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "surefoot", *arguments], stderr=subprocess.PIPE, text=True
    )
    journal, deadline = Path(f"{out}.journal.sqlite"), time.monotonic() + 60
    while not (journal.is_file() and _calls(journal)) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    told = process.communicate(timeout=20)[1]
    assert process.returncode == 130
    assert f"interrupted: every finished call is kept in {journal}" in told
    assert "Traceback" not in told
    known = _calls(journal)
    arguments[arguments.index("200")] = "1"
    summary = json.loads(cli(*arguments, "--json").stdout)
    assert summary["journal_hits"] == min(8, known)


def _calls(journal):
    import sqlite3

    try:
        with sqlite3.connect(journal) as db:
            return db.execute("select count(*) from calls").fetchone()[0]
    except sqlite3.OperationalError:
        return 0


@pytest.mark.slow
def test_bayes_learns_what_to_expect_of_a_policy(cli, tmp_path):
    """Learned from 60 of Pebble's own solutions, labels are nearer to the truth."""
    traces = tmp_path / "traces.jsonl"
    cli("sample", "trails:validation:middle", "--limit", 30, "--n", 4, "--out", traces)
    told = {}
    for learn_from in (0, 60):
        out = tmp_path / f"labels-{learn_from}.jsonl"
        cli("label", traces, "--method", "bayes", "--learn-from", learn_from,
            "--budget-calls", 4, "--out", out)  # fmt: skip
        told[learn_from] = json.loads(cli("audit", out, "--truth", "oracle", "--json").stdout)
    flat, learned = (next(iter(t["labels"].values())) for t in told.values())
    assert learned["first_error_f1"] > flat["first_error_f1"] + 0.1
