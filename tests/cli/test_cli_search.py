"""`surefoot search`: every method runs, says what it needs, and refuses what it does not use."""

import json

import pytest
from cli_helpers import rows_of

from surefoot.cli._searches import ASKING_MORE, METHODS, search_of, takes
from surefoot.core.errors import InputError

ALL = METHODS | ASKING_MORE
OF_VALUES = ("ovm_beam", "sbs", "pav_beam", "birm_beam")  # the tiny verifier gives correctness
ASKS = {
    "usc": ["--judge", "{tiny}"],
    "generative_selection": ["--judge", "{tiny}"],
    "self_refine": ["--judge", "{tiny}"],
    "stick": ["--judge", "{tiny}"],
    "temperature_vote": ["--temperatures", "0.5,1"],
}
OTHERWISE = {"birm_beam": ["--past", "{verifier}"]}  # without it the verifier has both heads
SMALL = {"n": 3, "beams": 2, "width": 2, "rounds": 3}
NUMBERS = {
    "mcts": "simulations=4",
    "tot_bfs": "depth=3",
    "tot_dfs": "steps=4",
    "lookahead": "ahead=2",
    "repeated": "runs=2",
    "rstar": "rollouts=3,votes=2",
    "thinking_budget": "most=20",
}


def arguments(method, tiny, verifier, out):
    """A small run of a method, with those options that it takes."""
    known = takes(ALL[method])
    numbers = f":{NUMBERS[method]}" if method in NUMBERS else ""
    given = ["search", "trails:easy", "--limit", 2, "--method", f"{method}{numbers}"]
    given += ["--policy", tiny, "--max-tokens", 60, "--out", out]
    given += [x for name, size in SMALL.items() if name in known for x in (f"--{name}", size)]
    given += ["--verifier", verifier] if "score" in known else []
    return given + [
        x.format(tiny=tiny, verifier=verifier) for x in (ASKS | OTHERWISE).get(method, ())
    ]


@pytest.mark.parametrize("method", [name for name in ALL if name not in OF_VALUES])
def test_every_search_writes_a_row_a_problem(cli, tiny, verifier, tmp_path, method):
    out = tmp_path / "f.jsonl"
    told = json.loads(cli(*arguments(method, tiny, verifier, out), "--json").stdout)
    rows = rows_of(out)
    assert len(rows) == told["problems"] == 2
    assert told["low"] <= told["accuracy"] <= told["high"]
    assert sum("unfinished" in row for row in rows) == told["unfinished"]
    assert all(row["method"] == method for row in rows)
    assert all(row["usage"]["policy_tokens"] > 0 for row in rows)
    if not takes(ALL[method]) & {"score", "judge"}:
        assert told["verifier_tokens_per_problem"] == 0


@pytest.mark.parametrize("method", OF_VALUES)
def test_a_search_by_values_says_so(refused, tiny, verifier, tmp_path, method):
    line = refused(*arguments(method, tiny, verifier, tmp_path / "f.jsonl"))
    assert "gives correctness scores" in line
    assert "needs scores of kind value" in line


@pytest.mark.parametrize("method", ALL)
def test_an_option_that_the_search_does_not_use_is_refused(refused, tmp_path, method):
    from surefoot.cli.search import OWN

    needed = [x.format(tiny="a", verifier="b") for x in ASKS.get(method, ())]
    for option, parameter in OWN.items():
        if parameter not in takes(ALL[method]):
            line = refused("search", "trails:easy", "--method", method, *needed, f"--{option}", 1,
                           "--out", tmp_path / "f")  # fmt: skip
            assert f"--{option} does nothing for --method {method}" in line


@pytest.mark.parametrize("method", ASKS)
def test_what_a_search_needs_is_asked_for(refused, tmp_path, method):
    line = refused("search", "trails:easy", "--method", method, "--out", tmp_path / "f")
    assert f"--method {method} needs {ASKS[method][0]}" in line


def test_a_judge_a_past_and_temperatures_must_be_what_they_are(refused, tiny, tmp_path):
    command = ["search", "trails:easy", "--out", tmp_path / "f", "--policy", tiny]
    line = refused(*command, "--method", "temperature_vote", "--temperatures", "warm")
    assert "--temperatures must be numbers such as 0.6,0.8,1, got 'warm'" in line
    line = refused(*command, "--method", "usc", "--judge", tmp_path / "nobody")
    assert "nobody" in line


@pytest.mark.parametrize(
    ("spec", "settings"),
    [
        ("beam", {}),
        ("beam:", {}),
        ("beam:beams=8,width=2", {"beams": 8, "width": 2}),
        ("rebase:n=4,balance=0.5", {"n": 4, "balance": 0.5}),
    ],
)
def test_settings_behind_a_name(spec, settings):
    name, search = search_of("--method", spec, ALL)
    assert name == spec.partition(":")[0]
    assert search.func is ALL[name]
    assert search.keywords == settings


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ("bean", "--method must be one of best_of_n"),
        ("beam:score=1", "beam has no numeric setting 'score'; it has beams, rounds, width"),
        ("beam:beams=2.5", "beams must be of type int, got '2.5'"),
        ("rebase:balance", "balance must be of type float, got ''"),
    ],
)
def test_settings_that_are_not_there(spec, why):
    with pytest.raises(InputError, match=why):
        search_of("--method", spec, ALL)


def test_every_search_of_the_command_is_in_its_help(cli):
    told = cli("search", "--help").stdout
    assert all(name in told for name in ALL)
