"""Mutated rows of every file, through every verb that reads it: one clear error each.

`scripts/fuzz.py` runs as many rows as one likes.
"""

import json

import pytest
from fuzzing import FILES, FORMAT_ROWS, ROWS, Findings, Fuzzer, table, verbs_of


@pytest.fixture(scope="module")
def fuzzer(tmp_path_factory):
    return Fuzzer(tmp_path_factory.mktemp("fuzz"))


def faults_of(findings):
    return [(what, findings.faults[what], *at) for what, at in findings.examples.items()]


@pytest.mark.parametrize("name", ROWS)
def test_mutated_rows_end_in_one_clear_error(fuzzer, name):
    findings = Findings()
    fuzzer.fuzz(name, 3, 0, findings)
    assert findings.runs == 3 * len(verbs_of(name)) > 0
    assert faults_of(findings) == []


@pytest.mark.parametrize("name", ["math_shepherd", "rlhflow", "messages"])
def test_no_field_is_lost_without_a_word(fuzzer, name):
    findings = Findings()
    fuzzer.fuzz(name, 12, 0, findings)
    assert findings.lost == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ROWS)
def test_many_mutated_rows(fuzzer, name):
    findings = Findings()
    fuzzer.fuzz(name, 200, 1, findings)
    print(table({name: findings}))
    assert faults_of(findings) == []
    assert findings.lost == []


@pytest.mark.parametrize("name", FORMAT_ROWS)
def test_each_good_row_is_read(fuzzer, name):
    """Else its mutations would all end in the same error."""
    path = fuzzer.good / f"{FILES.get(name, name)}.jsonl"
    said = fuzzer.runner.invoke(fuzzer.app, ["doctor", str(path), "--from", name, "--json"])
    assert json.loads(said.stdout)["traces"] > 0
