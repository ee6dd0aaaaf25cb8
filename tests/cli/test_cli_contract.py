"""The contract of the command: help, documentation, no option that does nothing."""

import ast
import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from cli_helpers import rows_of, write_rows
from typer.testing import CliRunner

from surefoot.cli._annotators import METHODS as LABELLING
from surefoot.cli._labelling import ANYWHERE
from surefoot.cli.docs import page
from surefoot.cli.main import VERBS, build_app

DOCS = Path(__file__).parents[2] / "docs" / "cli.md"
COMMANDS = typer.main.get_command(build_app()).commands
VOLATILE = ("seconds", "_per_second", "journal", "out")


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_an_example_and_its_outputs(cli, verb):
    text = cli(verb, "--help").stdout
    assert "Example:" in text
    assert f"surefoot {verb}" in text.split("Example:")[1]
    assert "Writes" in text or "Prints" in text
    for param in COMMANDS[verb].params:
        assert param.help, f"{verb} {param.name} has no help"


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_documented(verb):
    section = DOCS.read_text().split(f"## surefoot {verb}\n")[1].split("\n## ")[0]
    for param in COMMANDS[verb].params:
        name = param.opts[0] if param.opts[0].startswith("-") else param.name.upper()
        assert f"`{name}" in section


@pytest.mark.parametrize("columns", ["40", "200"])
def test_the_page_is_current_whatever_the_terminal(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    assert page() == DOCS.read_text(), "run: python -m surefoot.cli.docs > docs/cli.md"


@pytest.mark.parametrize("verb", VERBS)
def test_every_example_parses(verb):
    lines = [x.split() for x in COMMANDS[verb].help.splitlines() if x.strip()[:9] == "surefoot "]
    assert verb in [name for _, name, *_ in lines]
    for _, name, *arguments in lines:
        COMMANDS[name].make_context(name, arguments)  # raises for an unknown or missing option


@pytest.mark.parametrize("verb", VERBS)
def test_every_parameter_is_used(verb):
    function = inspect.unwrap(COMMANDS[verb].callback)
    [tree] = ast.parse(inspect.getsource(function)).body
    used = {n.id for part in tree.body for n in ast.walk(part) if isinstance(n, ast.Name)}
    assert set(inspect.signature(function).parameters) <= used


def run_python(code, **environment):
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )
    return done.stdout + done.stderr


def test_help_needs_no_torch_and_is_quick():
    code = (
        "import sys, time; started = time.perf_counter()\n"
        "from surefoot.cli.main import main; sys.argv = ['surefoot', '--help']\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(sorted({'torch', 'transformers', 'scipy', 'matplotlib'} & set(sys.modules)),"
        " time.process_time() < 1.0)"
    )
    assert run_python(code).splitlines()[-1] == "[] True"


def test_the_help_says_the_same_of_verbs_that_are_not_imported():
    pages = [
        CliRunner().invoke(build_app(called=called), ["--help"]).output for called in (VERBS, [])
    ]
    assert pages[0] == pages[1]
    assert all(f"  {verb}  " in pages[0] for verb in VERBS)


@pytest.mark.parametrize(
    ("missing", "arguments", "extra"),
    [
        ("typer", [], "cli"),
        ("torch", ["score", "{traces}", "--out", "-"], "models"),
    ],
)
def test_a_missing_extra_prints_its_cure(traces, missing, arguments, extra):
    arguments = [a.format(traces=traces) for a in arguments]
    code = (
        f"import sys; sys.modules[{missing!r}] = None; sys.argv = ['surefoot', *{arguments!r}]\n"
        "from surefoot.cli.main import main\n"
        "main()"
    )
    told = run_python(code)
    assert told.startswith("error: ")
    assert len(told.splitlines()) == 1
    assert f"pip install 'surefoot[{extra}]'" in told


# --- no dead options: each one changes what comes out ----------------------

NO_EFFECT_ON_RESULTS = {
    "problems-in-flight": "how many problems wait at once; results must not change",
    "journal": "where calls are kept: test_the_journal_goes_where_it_is_told",
    "device": "there may be no second device: test_an_unusable_device_is_refused",
    "batch": "how often scores are saved; results must not change",
    "save-every": "how often training is saved; results must not change",
    "micro-tokens": "how an update is cut into passes; results must not change",
    "recompute": "memory for time; results must not change",
    "out": "every test reads it",
    "json": "every test here reads it",
}
SAMPLE = "sample trails:easy --limit 2 --n 2 --max-tokens 12 --policy {tiny}"
LABEL = "label {traces} --limit 3 --policy {tiny} --completions 2 --max-tokens 12"
BAYES = "label {traces} --limit 3 --method bayes --policy {tiny} --max-tokens 12 --budget-calls 6"
TREE = f"{LABEL} --method alphamath --rounds 3"
JUDGE = "label {traces} --limit 2 --method critic --judge {tiny} --max-tokens 12 --votes 2"
TRAIN = "train {labels} --base {tiny} --epochs 1"
ASKED = "search trails:easy --limit 2 --max-tokens 60 --policy {tiny}"
SEARCH = f"{ASKED} --n 3 --verifier {{verifier}}"
COMPARE = (
    "compare best_of_n:n=2 beam:beams=1,width=2 --problems trails:easy --limit 2 --max-tokens 12 "
    "--most-samples 3 --policy {tiny} --verifier {verifier}"
)
BEAM = "--method beam --beams 2 --width 2 --rounds 2"
DRAWS = ("--temperature 0", "--top-p 0.05", "--max-tokens 5", "--seed 1", "--dtype bfloat16")
CHANGES = {
    SAMPLE: [
        *DRAWS,
        "--policy {other}",
        "--n 3",
        "--separator e",
        "--limit 1",
        "--budget-policy-tokens 0",
        "--budget-calls 0",
        "--budget-seconds 0",
    ],
    LABEL: ["--method sorm", "--completions 1", "--limit 2"],
    f"{LABEL} --method progress": ["--best-of 2"],
    BAYES: ["--confidence 0.2"],
    TREE: ["--rounds 1", "--budget-policy-tokens 0", "--budget-calls 3"],
    JUDGE: ["--votes 1"],
    "label {traces} --method inject": ["--seed 1"],
    TRAIN: [
        "--base {other}",
        "--kind orm",
        "--epochs 2",
        "--lr 0.01",
        "--head-lr 0.5",
        "--lm-weight 0",
        "--lora-rank 2",
        "--balance",
        "--dtype bfloat16",
        "--batch-tokens 256",
        "--held-out 0.5",
        "--seed 1",
        "--limit 12",
    ],
    "score {traces}": ["--verifier likelihood:{tiny}", "--limit 3"],
    SEARCH: [
        *DRAWS,
        "--method weighted_vote",
        "--policy {other}",
        "--verifier likelihood:{tiny}",
        "--n 2",
        "--limit 1",
        "--separator e",
        "--budget-policy-tokens 0",
        "--budget-verifier-tokens 0",
        "--budget-calls 0",
        "--budget-seconds 0",
    ],
    f"{ASKED} --verifier {{verifier}} {BEAM}": ["--beams 1", "--width 1", "--rounds 1", "--trees"],
    COMPARE: [
        *(draw for draw in DRAWS if "dtype" not in draw),
        "--problems trails:hard",
        "--policy {other}",
        "--verifier likelihood:{tiny}",
        "--most-samples 1",
        "--limit 1",
        "--separator e",
        "--aggregation min",
        "--budget-policy-tokens 0",
        "--budget-verifier-tokens 0",
        "--budget-calls 0",
        "--budget-seconds 0",
    ],
    "evaluate {scores}": [
        "--labels {outcomes}",
        "--threshold 0.9",
        "--bins 3",
        "--aggregation min",
    ],
}
CONVERSIONS = {
    "to", "from", "threshold", "neutral", "kind", "soft", "path-only", "separator",
}  # fmt: skip  # test_cli_convert.py
ELSEWHERE = {
    "sample": {  # test_problems_without_gold_can_be_sampled_unchecked; test_cli_search_kinds.py
        "without-gold",
        "guide",
        "guided-by",
    },
    "label": {
        "policy",
        "temperature",
        "top-p",
        "dtype",
        "judge",
        "reference",  # below
        "consistent",
        "balance",  # test_cli_sorm.py
    },
    "train": {"targets", "evaluate-every", "patience", "log-with"},  # test_cli_train
    "calibrate": {"verifier", "map", "dry-run", "seed", "limit"},  # test_cli_calibrate
    "score": {"family"},  # tests/verifiers/formats
    "search": {  # as in sample; below; the others: test_cli_search
        "without-gold",
        "aggregation",
        "judge",
        "past",
        "prover",  # test_cli_search_kinds.py, and the guides
        "guide",
        "guided-by",
        "temperatures",
    },
    "compare": {"dtype", "trees"},  # loads as in sample, of so few says little; test_cli_compare
    "reselect": {"by", "aggregation"},  # test_cli_reselect.py
    "probe": {"separator"},  # tries whether a chat keeps it; few servers lose it
    "select": {"scores", "aggregation", "n", "curves", "kind", "seed"},  # test_select, _cli_select
    "evaluate": {  # test_cli_benchmark; family as in score
        "missing",
        "seed",  # of resampling, which shares of so few problems do without
        "data",
        "scorer",
        "family",
        "predictions",
        "parser",
        "threshold-from",
        "flatten",
        "limit",
    },
    "convert": CONVERSIONS,
    "doctor": CONVERSIONS | {"against"},
    "fuse": {"method", "shared"},  # test_cli_audit.py
    "audit": {"truth", "plot", "seed"},  # test_cli_audit.py
    "report": set(),
    "view": {"title"},  # test_cli_view.py
    "run": {  # test_cli_recipes.py, test_cli_verbs.py
        "seed",
        "problems",
        "policy",
        "judge",
        "verifier",
        "n",
        "limit",
        "temperature",
        "max-tokens",
        "separator",
    },
    "recipes": set(),
    "serve": {  # test_cli_serve.py; dtype as in sample
        "policy",
        "verifier",
        "search",
        "name",
        "runs",
        "host",
        "port",
        "no-token",
        "temperature",
        "top-p",
        "max-tokens",
        "separator",
        "aggregation",
        "completions",
        "in-flight",
        "waiting",
        "seconds",
        "most-tokens",
        "most-choices",
        "most-bytes",
        "dtype",
    },
}


@pytest.fixture(scope="session")
def places(tiny, traces, labels, verifier, scores, cli, tmp_path_factory):
    """What the commands' {names} stand for."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    other = tmp_path_factory.mktemp("other")
    model = AutoModelForCausalLM.from_pretrained(tiny)
    torch.manual_seed(1)
    for weights in model.parameters():
        torch.nn.init.normal_(weights, std=0.05)
    model.save_pretrained(other)
    AutoTokenizer.from_pretrained(tiny).save_pretrained(other)
    outcomes = traces.with_name("outcomes.jsonl")
    cli("label", traces, "--method", "outcome", "--out", outcomes)
    return {**locals(), "verifier": verifier}


@pytest.fixture(scope="session")
def result(cli, places, tmp_path_factory):
    """What a command writes and says, without what may differ between equal runs."""
    known = {}

    def run(command):
        if command not in known:
            arguments = command.format(**places).split()
            out = tmp_path_factory.mktemp("result") / "out.jsonl"
            if arguments[0] == "score" and "--verifier" not in arguments:
                arguments += ["--verifier", places["verifier"]]
            if arguments[0] != "evaluate":
                arguments += ["--out", out]
            done = _any(cli, arguments)
            written = out.read_text() if out.is_file() else ""
            known[command] = (
                done,
                [{**r, "usage": None} for r in map(json.loads, written.splitlines())],
            )
        return known[command]

    return run


def _any(cli, arguments):
    """The summary, or the error line."""
    try:
        told = json.loads(cli(*arguments, "--json").stdout)
    except AssertionError as error:
        return str(error).splitlines()[0]
    return {k: v for k, v in told.items() if not k.endswith(VOLATILE)}


@pytest.mark.parametrize(
    ("command", "change"), [(c, change) for c, changes in CHANGES.items() for change in changes]
)
def test_every_option_changes_something(result, command, change):
    assert result(command) == result(command)
    assert isinstance(result(command)[0], dict), result(command)[0]
    assert result(f"{command} {change}") != result(command)


def test_no_option_is_forgotten():
    for verb, command in COMMANDS.items():
        options = {p.opts[0].removeprefix("--") for p in command.params if p.opts[0][0] == "-"}
        tried = {
            change.split()[0].removeprefix("--")
            for base, changes in CHANGES.items()
            if base.split()[0] == verb
            for change in changes
        }
        if verb == "label":  # the same draws as in sample, on the longer way of one test
            tried |= {"max-tokens", "separator"}
            tried |= {"learn-from"}  # test_bayes_learns_what_to_expect_of_a_policy
        left = options - tried - set(NO_EFFECT_ON_RESULTS) - ELSEWHERE[verb] - {"help"}
        assert not left, f"no test shows what {verb} --{left} does"


@pytest.mark.parametrize(
    ("base", "changes"),
    [
        (LABEL, (*DRAWS, "--policy {other}", "--separator :")),
        (JUDGE, (*DRAWS, "--judge {other}")),
    ],
    ids=["rollouts", "judge"],
)
def test_calls_follow_the_draws(cli, places, tmp_path, base, changes):
    """A random model never ends correctly and says nothing a judge would, so its labels are
    alike whatever is drawn; but no other draw may be answered by the journal."""
    hits = []
    for change in ("", *changes, ""):
        command = f"{base} {change}".format(**places).split()
        told = cli(*command, "--journal", tmp_path / "j", "--out", tmp_path / "l", "--json").stdout
        hits.append(json.loads(told)["journal_hits"])
    shared = hits[0]  # within a run: traces of one problem begin alike
    assert hits[:-1] == [shared] * (len(changes) + 1)
    assert hits[-1] > shared


def test_every_method_of_label_is_in_its_help(cli):
    told = cli("label", "--help").stdout
    assert all(name in told for name in LABELLING)


@pytest.mark.parametrize("method", LABELLING)
def test_an_option_that_the_method_does_not_use_is_refused(refused, traces, tmp_path, method):
    values = dict.fromkeys(sorted(set().union(*(m.options for m in LABELLING.values()))), "1")
    for option in values.keys() - LABELLING[method].options:
        name = f"--{option.replace('_', '-')}"
        [param] = [p for p in COMMANDS["label"].params if name in p.opts]
        given = [name] if param.is_flag else [name, "1"]
        line = refused("label", traces, "--method", method, *given, "--out", tmp_path / "o")
        assert f"{name} does nothing for --method {method}" in line


@pytest.mark.parametrize("method", ["omega", "relative", "alphamath", "rest_mcts", "bayes"])
def test_a_budget_of_calls_holds_for_all_that_a_method_asks(cli, places, tmp_path, method):
    """Of one problem, or one trace: steps and the rollouts that value them alike."""
    command = f"{LABEL} --limit 1 --method {method} --budget-calls 13".format(**places)
    command = command.replace("--completions 2", "") if method == "bayes" else command
    told = json.loads(cli(*command.split(), "--out", tmp_path / "l", "--json").stdout)
    assert told.get("calls", 0) <= 13


@pytest.mark.parametrize("method", ["ensemble", "reference", "debate", "deductive"])
def test_a_judge_that_says_nothing_abstains(cli, refused, places, traces, tmp_path, method):
    """A random model's replies cannot be read: no step has evidence, and the run goes through."""
    rows = [{**row, "right_way": "1 + 1 = 2\nThe answer is 2"} for row in rows_of(traces)]
    asked = write_rows(tmp_path / "t.jsonl", rows)
    command = f"--limit 2 --method {method} --max-tokens 8 --votes 2".split()
    command = ["label", asked, *command, "--out", tmp_path / "l.jsonl", "--judge", places["tiny"]]
    if method == "reference":
        assert "field 'reference' is missing" in refused(*command)
        command += ["--reference", "right_way"]
    told = json.loads(cli(*command, "--json").stdout)
    assert told["verifier_tokens"] > 0
    assert told["without_evidence"] in (told["steps"], told["steps"] - 2)  # an end has its verdict


def test_a_method_of_judges_asks_for_one(refused, traces, tmp_path):
    line = refused("label", traces, "--method", "critic", "--out", tmp_path / "o")
    assert "give its model with --judge" in line


def test_every_option_of_label_is_some_methods_own():
    used = set().union(*(m.options for m in LABELLING.values())) | ANYWHERE
    assert {p.name for p in COMMANDS["label"].params} == used | {"traces", "out", "method"}


def test_aggregation_decides_the_choice(cli, places, tmp_path, refused):
    line = refused(
        *SEARCH.format(**places).split(), "--aggregation", "last", "--out", tmp_path / "f.jsonl"
    )
    assert "correctness scores" in line
    assert "not by 'last'" in line


def test_problems_in_flight_change_nothing_but_speed(cli, places, tmp_path):
    outs = []
    for size in (1, 8):
        out = tmp_path / f"{size}.jsonl"
        cli(*SAMPLE.format(**places).split(), "--problems-in-flight", size, "--out", out)
        outs.append(rows_of(out))
    assert outs[0] == outs[1]


def test_the_journal_goes_where_it_is_told(cli, places, tmp_path):
    cli(
        *SAMPLE.format(**places).split(), "--journal", tmp_path / "j", "--out", tmp_path / "o.jsonl"
    )
    assert (tmp_path / "j").is_file()
    assert not (tmp_path / "o.jsonl.journal.sqlite").exists()
