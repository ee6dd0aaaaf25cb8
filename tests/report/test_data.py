"""Reading the two records: what is missing or impossible is named, what is unknown is kept."""

import copy
import json

import pytest

from surefoot.core.errors import InputError
from surefoot.report.data import Details, Summary

REQUIRED = ("title", "command", "seconds", "seed", "policy", "problems", "methods")


def test_there_and_back(summary, details):
    for kind, record in ((Summary, summary), (Details, details)):
        read = kind.from_json(record)
        assert kind.from_json(json.loads(json.dumps(read.to_json()))) == read


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_field_is_named(summary, name):
    del summary[name]
    with pytest.raises(InputError, match=f"field '{name}' is missing"):
        Summary.from_json(summary)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (("methods", "majority", "accuracy"), "methods.majority: field 'accuracy' is missing"),
        (("methods", "majority", "low"), "methods.majority: field 'low' is missing"),
        (("label_quality", "rollouts", "tokens_per_trace"), "rollouts: field 'tokens_per_trace'"),
        (("curves", "majority", 1, "tokens"), r"curves.majority\[1\]: field 'tokens' is missing"),
        (("calibration", "own verifier", 0, "count"), r"own verifier\[0\]: field 'count'"),
        (("traces", 3, "steps", 2, "text"), r"traces\[3\]: steps\[2\]: field 'text' is missing"),
        (("traces", 3, "problem"), r"traces\[3\]: field 'problem' is missing"),
    ],
)
def test_a_missing_field_deep_down_is_named_by_its_path(summary, details, path, message):
    record = {**summary, **details}
    *way, last = path
    place = record
    for key in way:
        place = place[key]
    del place[last]
    read = Details if path[0] in details else Summary
    with pytest.raises(InputError, match=message):
        read.from_json(record)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"accuracy": 71.2}, r"'accuracy': expected a number in \[0, 1\], got 71.2"),
        ({"accuracy": float("nan")}, "'accuracy': expected a number"),
        ({"accuracy": True}, "'accuracy': expected int or float, got bool"),
        ({"low": 0.9, "high": 0.1}, "expected low <= high, got 0.9 and 0.1"),
        ({"policy_tokens": -1}, "'policy_tokens': expected a number of 0 or more"),
    ],
)
def test_an_impossible_number_is_refused(summary, change, message):
    summary["methods"]["majority"] |= change
    with pytest.raises(InputError, match=message):
        Summary.from_json(summary)


def test_what_is_not_an_object_is_refused(summary):
    for wrong, message in (([], "methods"), ({"a": 3}, "methods.a: expected an object, got int")):
        with pytest.raises(InputError, match=message):
            Summary.from_json({**summary, "methods": wrong})


def test_unknown_is_none_not_zero(summary, details):
    summary["methods"]["majority"] |= {"low": float("nan"), "high": None}
    row = Summary.from_json(summary).methods["majority"]
    assert (row.low, row.high) == (None, None)
    step = copy.deepcopy(details["traces"][0]["steps"][0]) | {"score": None, "truth": None}
    read = Details.from_json({"traces": [{**details["traces"][0], "steps": [step]}]})
    assert (read.traces[0].steps[0].score, read.traces[0].steps[0].truth) == (None, None)


def test_scores_outside_of_a_probability_and_strange_truths_are_refused(details):
    step = details["traces"][0]["steps"][0]
    for change, message in (({"score": -3.2}, "'score'"), ({"truth": "maybe"}, "'truth'")):
        bad = {**details["traces"][0], "steps": [{**step, **change}]}
        with pytest.raises(InputError, match=message):
            Details.from_json({"traces": [bad]})


def test_a_curve_point_without_tokens_has_no_place_on_a_log_axis(details):
    details["curves"]["majority"][0]["tokens"] = 0
    with pytest.raises(InputError, match="more than 0"):
        Details.from_json(details)


def test_other_keys_are_ignored(summary):
    assert Summary.from_json({**summary, "more": 1}) == Summary.from_json(summary)
