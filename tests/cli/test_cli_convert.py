"""`surefoot convert` and `surefoot doctor`: what they write, what they say, what they refuse."""

import json

import pytest
from cli_helpers import rows_of, write_rows

TRL = {"prompt": "q", "completions": ["a", "b"], "labels": [True, False]}
SOFT = {"prompt": "r", "completions": ["a"], "labels": [0.7]}
BAD = {"prompt": "q", "completions": ["a"], "labels": [2]}
GAP = {"prompt": "q", "completions": ["a", "b"], "labels": [None, True]}
NEUTRAL = {
    "is_quality_control_question": False,
    "is_initial_screening_question": False,
    "question": {"problem": "q", "ground_truth_answer": "1"},
    "label": {
        "steps": [
            {
                "completions": [{"text": "a", "rating": 0}, {"text": "b", "rating": -1}],
                "human_completion": None,
                "chosen_completion": 0,
            }
        ],
        "finish_reason": "solution",
    },
}
TEXT = {"prompt": "q", "completion": "a;b"}


@pytest.fixture
def converted(cli, tmp_path):
    """The rows that `convert` writes of these, and its summary."""

    def run(rows, *options):
        path = write_rows(tmp_path / "in.jsonl", rows)
        told = json.loads(cli("convert", path, tmp_path / "out.jsonl", *options, "--json").stdout)
        return rows_of(tmp_path / "out.jsonl"), told

    return run


def test_rows_become_our_labels_and_the_summary_accounts_for_all(converted):
    rows, told = converted([TRL, BAD])
    [row] = rows
    assert row["problem"]["problem"] == "q"
    assert [label["successes"] for label in row["labels"]] == [1, 0]
    assert (told["from"], told["to"], told["rows"], told["written"]) == (
        "trl_stepwise",
        "labels",
        2,
        1,
    )
    assert told["dropped"] == {"not a row of this format": {"count": 1, "rows": [2]}}
    assert "'labels[0]'" in told["broken"]["row 2"]


def test_labels_of_surefoot_become_trl_rows(cli, labels, tmp_path):
    cli("convert", labels, tmp_path / "trl.jsonl", "--to", "trl_stepwise")
    ours, theirs = rows_of(labels), rows_of(tmp_path / "trl.jsonl")
    assert [row["completions"] for row in theirs] == [row["steps"] for row in ours]
    assert [row["labels"] for row in theirs] == [
        [label["successes"] == 1 for label in row["labels"]] for row in ours
    ]
    told = cli("convert", tmp_path / "trl.jsonl", tmp_path / "again.jsonl").stderr
    assert "trl_stepwise" in told


@pytest.mark.parametrize(
    ("rows", "option", "default"),
    [
        ([TRL], "--kind value", ""),
        ([TRL], "--to rlhflow", ""),
        ([NEUTRAL], "--neutral negative", ""),
        ([NEUTRAL], "--neutral ignore", ""),
        ([NEUTRAL], "--path-only", ""),
        ([TEXT], "--separator ;", ""),
        ([SOFT], "--to openrlhf --soft", "--to openrlhf --threshold 0.5"),
        ([SOFT], "--to openrlhf --threshold 0.8", "--to openrlhf --threshold 0.5"),
        ([TRL], "--from trl_stepwise --to messages", "--from trl_stepwise"),
    ],
)
def test_every_option_changes_what_is_written(converted, rows, option, default):
    assert converted(rows, *option.split())[0] != converted(rows, *default.split())[0]


def test_lines_that_are_no_json_are_dropped_aloud(cli, tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_text(f'oops\n{json.dumps(TRL)}\n[1]\n{{"prompt": "cut o')
    told = json.loads(cli("convert", path, tmp_path / "out.jsonl", "--json").stdout)
    assert (told["rows"], told["written"], told["from"]) == (4, 1, "trl_stepwise")
    assert told["dropped"] == {"not a row of this format": {"count": 3, "rows": [1, 3, 4]}}
    assert told["broken"]["row 1"].startswith("expected a JSON object, got 'oops'")
    assert len(rows_of(tmp_path / "out.jsonl")) == 1
    found = json.loads(cli("doctor", path, "--json").stdout)
    assert (found["rows"], found["broken"]) == (4, told["broken"])


def test_fields_that_no_format_reads_are_told(converted, cli, tmp_path):
    row = {**TRL, "prediction": 3}
    [ours], told = converted([row])
    assert ours["extra"] == {"prediction": 3}
    assert told["kept"] == {"extra.prediction": 1}
    [_], told = converted([row], "--to", "rlhflow")
    assert told["lost"] == {"field prediction": 1, "label kinds and makers": 1}
    table = cli("doctor", tmp_path / "in.jsonl", "--to", "rlhflow").stdout
    assert "  field prediction: 1" in table


TALK = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
AGENT = {"messages": TALK, "step_labels": {"1": -1}}


@pytest.mark.parametrize("verb", ["convert", "doctor"])
def test_labels_that_nobody_reads_are_asked_about(refused, cli, tmp_path, verb):
    path, out = write_rows(tmp_path / "in.jsonl", [AGENT]), tmp_path / "out.jsonl"
    told = refused(verb, path, *([out] if verb == "convert" else []))
    assert "it does not read step_labels, which looks like labels" in told
    assert "--from messages`" in told
    done = cli("convert", path, out, "--from", "messages", "--json")
    assert json.loads(done.stdout)["kept"] == {"extra.step_labels": 1}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("indent", [None, 2])
def test_files_as_people_have_them(cli, tmp_path, encoding, indent):
    path = tmp_path / "in.json"
    path.write_bytes("\n".join(json.dumps(TRL, indent=indent) for _ in "ab").encode(encoding))
    cli("convert", path, tmp_path / "out.jsonl", "--to", "trl_stepwise")
    assert rows_of(tmp_path / "out.jsonl") == [TRL, TRL]


def test_rows_to_standard_output(cli, tmp_path):
    path = write_rows(tmp_path / "in.jsonl", [TRL, TRL])
    done = cli("convert", path, "-", "--to", "trl_stepwise")
    assert [json.loads(line) for line in done.stdout.splitlines()] == [TRL, TRL]


def test_parquet_in_and_out(cli, tmp_path):
    pytest.importorskip("pyarrow", reason="needs surefoot[data]")
    path = write_rows(tmp_path / "in.jsonl", [TRL, TRL])
    cli("convert", path, tmp_path / "rows.parquet", "--to", "trl_stepwise")
    cli("convert", tmp_path / "rows.parquet", tmp_path / "out.jsonl", "--to", "trl_stepwise")
    assert rows_of(tmp_path / "out.jsonl") == [TRL, TRL]


@pytest.mark.parametrize(
    ("rows", "options", "told"),
    [
        ([SOFT], "--to math_shepherd", "row 1: the format to write has right-or-wrong labels only"),
        ([TRL], "--to prm800k", "--to prm800k: such rows can be kept, not made"),
        ([TRL], "--to word", "--to must be one of labels"),
        ([TRL], "--from word", "--from must be one of labels"),
        ([TRL], "--neutral maybe", "--neutral must be one of positive, negative, ignore"),
        ([TRL], "--kind logit", "--kind must be one of correctness, value"),
        ([TRL], "--threshold 0", "--threshold must be over 0"),
        ([TRL], "--to rlhflow --soft", "--soft: rlhflow holds no soft labels"),
        (
            [BAD],
            "--from trl_stepwise",
            "nothing can be converted of 1 rows: not a row of this format (1, such as row 1); "
            "row 1: field 'labels[0]'",
        ),
        ([GAP, TRL, GAP], "--to rlhflow --from messages", "(3, such as row 1); row 1: field"),
        ([GAP, GAP], "--to rlhflow", "stands before one with a label (2, such as row 1)"),
        ([BAD], "", "is not surely in any known format: a row has prompt (str)"),
        ([], "--from labels", "has no rows"),
        ([TRL], "--from math_shepherd", "field 'input' is missing"),
        ([{"a": 1}], "", "is in no known format: its first row has a (int)"),
    ],
)
def test_refusals_leave_the_old_file_alone(refused, tmp_path, rows, options, told):
    path, out = write_rows(tmp_path / "in.jsonl", rows), tmp_path / "out.jsonl"
    out.write_text("old\n")
    assert told in refused("convert", path, out, *options.split())
    assert out.read_text() == "old\n"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


def test_what_is_compressed_afterwards(refused, tmp_path):
    path = write_rows(tmp_path / "in.jsonl", [TRL])
    assert "compress it afterwards" in refused("convert", path, tmp_path / "out.jsonl.gz")


@pytest.mark.parametrize("verb", [["convert", "none.jsonl", "out.jsonl"], ["doctor", "none.jsonl"]])
def test_missing_file(refused, verb):
    assert "there is none at none.jsonl" in refused(*verb)


@pytest.fixture
def examined(cli, tmp_path):
    """What `doctor` finds in these rows."""

    def run(rows, *options):
        path = write_rows(tmp_path / "in.jsonl", rows)
        return json.loads(cli("doctor", path, *options, "--json").stdout)

    return run


def test_doctor_as_json_and_as_a_table(examined, cli, tmp_path):
    told = examined([TRL, TRL, BAD], "--to", "process_bench")
    assert (told["format"], told["rows"], told["traces"], told["problems"]) == (
        "trl_stepwise",
        3,
        2,
        1,
    )
    assert told["labels"] == {"right": 2, "wrong": 2}
    assert told["duplicates"] == {"count": 1, "rows": [2]}
    assert told["broken"]["row 3"].startswith("field 'labels[0]'")
    [reason] = set(told["dropped"]) - {"not a row of this format"}
    assert reason == "the format needs to know whether the final answer is right"
    table = cli("doctor", tmp_path / "in.jsonl", "--to", "process_bench").stdout
    assert "duplicates      1 (rows 2)" in table
    assert f"  {reason}: 2 (rows 1, 2)" in table


def test_doctor_finds_problems_that_files_share(examined, tmp_path):
    other = {**TRL, "prompt": " q\n"}
    same = write_rows(tmp_path / "same.jsonl", [other, SOFT])
    plain = write_rows(tmp_path / "plain.jsonl", [{"id": "1", "problem": "r", "answer": "1"}])
    shared = examined([TRL], "--against", same, "--against", plain)["shared_problems"]
    assert shared == {str(same): 1, str(plain): 0}


def test_doctor_tells_what_of_another_file_it_did_not_compare(cli, tmp_path):
    path = write_rows(tmp_path / "in.jsonl", [TRL])
    other = write_rows(tmp_path / "other.jsonl", [{**TRL, "prompt": "r"}, {**TRL, "labels": []}])
    other.write_text(other.read_text() + '{"prompt": \n' + json.dumps(TRL) + "\n")
    done = cli("doctor", path, "--against", other, "--json")
    assert json.loads(done.stdout)["shared_problems"] == {str(other): 1}
    assert f"{other}: 2 of 4 rows are not compared: not a row of this format" in done.stderr
    assert "(rows 2, 3)" in done.stderr


@pytest.mark.parametrize(
    ("rows", "option"),
    [
        ([TRL], "--to math_shepherd"),
        ([TRL], "--kind value"),
        ([NEUTRAL], "--neutral negative"),
        ([NEUTRAL], "--path-only"),
        ([TEXT], "--separator ;"),
        ([SOFT], "--to rlhflow --threshold 0.5"),
    ],
)
def test_every_option_of_doctor_changes_its_findings(examined, rows, option):
    default = option.split("--threshold")[0] if "--threshold" in option else ""
    assert examined(rows, *option.split()) != examined(rows, *default.split())


def test_doctor_believes_its_user(refused, tmp_path):
    path = write_rows(tmp_path / "in.jsonl", [TRL])
    assert "--from must be one of" in refused("doctor", path, "--from", "word")


def test_a_benchmark_that_overlaps_its_training_set(examined, cli, data):
    test = data / "processbench" / "gsm8k.jsonl.gz"
    arguments = ["--against", data / "gsm8k" / "test.jsonl.gz", "--json"]
    told = json.loads(cli("doctor", test, *arguments).stdout)
    assert told["problems"] == 375  # 25 repeat
    assert list(told["shared_problems"].values()) == [375]  # all of them are GSM8K's
