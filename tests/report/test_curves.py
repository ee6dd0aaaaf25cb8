"""The picture: well-formed, complete, and with labels that never overlap."""

import itertools
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefoot.core.errors import StorageError
from surefoot.report.curves import (
    BOTTOM,
    LABEL_GAP,
    TOP,
    accuracy_svg,
    with_coverage,
    write_accuracy_svg,
)
from surefoot.report.data import CurvePoint, Details
from surefoot.report.looks import percent
from surefoot.report.svg import linear, log_ticks, logarithmic, rate_ticks, spread

SVG = "{http://www.w3.org/2000/svg}"


def labels_of(picture):
    return [t for t in ET.fromstring(picture).iter(f"{SVG}text") if t.get("class") == "label"]


def test_every_method_has_a_label_apart_from_the_others(details):
    labels = labels_of(accuracy_svg(Details.from_json(details).curves))
    assert len(labels) == len(details["curves"])
    places = sorted(float(label.get("y")) for label in labels)
    assert all(b - a >= LABEL_GAP - 0.02 for a, b in itertools.pairwise(places))
    assert places[0] >= TOP
    assert places[-1] <= BOTTOM + 4


def test_every_number_is_in_a_tooltip(details):
    picture = accuracy_svg(Details.from_json(details).curves)
    for points in details["curves"].values():
        for p in points:
            assert all(percent(p[key]) in picture for key in ("accuracy", "low", "high"))
            assert f"n = {p['n']}" in picture


def test_hostile_names_and_lone_points_are_drawn():
    lone = [CurvePoint(100.0, 1.0, None, None, 1)]
    picture = accuracy_svg({"<script>&\x00" + "x" * 99: lone, "b": lone}, standalone=True)
    assert len(labels_of(picture)) == 2
    assert "<script" not in picture
    assert "nan" not in picture


def test_nothing_to_draw_is_no_picture():
    assert accuracy_svg({}) == accuracy_svg({"majority": []}) == ""


def test_coverage_becomes_a_line_only_where_there_is_none():
    point = CurvePoint(100.0, 0.5, 0.4, 0.6, 4)
    curves = with_coverage({"majority": [point]}, {"4": 0.9, "8": 0.95})
    assert curves["coverage (pass@n)"] == [CurvePoint(100.0, 0.9, None, None, 4)]
    assert set(with_coverage({"perfect scorer": [point]}, {"4": 0.9})) == {"perfect scorer"}
    assert with_coverage({}, {"4": 0.9}) == {}


def test_a_file_for_a_readme(tmp_path, summary, details):
    write_accuracy_svg(tmp_path / "new" / "curve.svg", summary, details)
    text = (tmp_path / "new" / "curve.svg").read_text()
    assert "prefers-color-scheme: dark" in text
    assert ET.fromstring(text).tag == f"{SVG}svg"
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="could not write"):
        write_accuracy_svg(tmp_path / "file" / "curve.svg", summary, details)


@given(st.lists(st.floats(-50, 450), min_size=1, max_size=20))
def test_spread_keeps_gap_border_and_order(places):
    moved = spread(places, 17, 0, 400)
    ordered = sorted(moved)
    assert all(b - a >= 17 - 1e-6 for a, b in itertools.pairwise(ordered))
    assert min(moved) >= -1e-6
    assert max(moved) <= 400 + 1e-6
    for (a, x), (b, y) in itertools.combinations(zip(places, moved, strict=True), 2):
        assert a == b or (a < b) == (x < y)


def test_spread_by_hand():
    assert spread([10, 100], 20, 0, 200) == [10, 100]
    assert spread([50, 50], 20, 0, 200) == [40, 60]
    assert spread([2, 2], 20, 0, 200) == [0, 20]
    assert spread([], 20, 0, 200) == []


def test_scales_and_ticks_by_hand():
    assert linear(0, 2, 10, 30)(1) == 20
    assert logarithmic(1, 100, 0, 10)(10) == pytest.approx(5)
    assert log_ticks(30, 600) == [50, 100, 200, 500]
    assert rate_ticks(0.42, 0.78) == pytest.approx([0.4, 0.5, 0.6, 0.7, 0.8])
    assert rate_ticks(1, 1)[-1] == pytest.approx(1)
    assert rate_ticks(0, 1)[0] == 0
