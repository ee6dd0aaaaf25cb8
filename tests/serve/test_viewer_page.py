"""The page as a file: what it holds, what it may load, and that every text stays in its place."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest
from viewer_files import (
    HOSTILE,
    PROBLEM,
    RIGHT,
    RIGHT_TRACE,
    WRONG_TRACE,
    found,
    other,
    trace,
    write,
)

from surefoot.core.types import Problem, Verdict
from surefoot.serve.viewer_page import drawing, index_record, viewer_page, write_viewer
from surefoot.serve.viewer_runs import read_runs


class Parts(HTMLParser):
    """Elements that a browser would find, and the text of scripts and styles."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.raw, self.policy, self.inside = [], [], "", False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.tags.append(tag)
        if tag in ("script", "style"):
            self.raw.append([tag, values, ""])
            self.inside = True
        if values.get("http-equiv") == "Content-Security-Policy":
            self.policy = values["content"]

    def handle_data(self, data):
        if self.inside:
            self.raw[-1][2] += data

    def handle_endtag(self, tag):
        self.inside = False


def hostile_problem(text):
    return Problem(f"id {text}", text, text, text)


def hostile_rows():
    for text in HOSTILE:
        problem = hostile_problem(text)
        right = trace((text, *RIGHT), Verdict.CORRECT, text, problem)
        yield found(right, method=text, candidates=(right, trace((text,), None, text, problem)))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    runs = read_runs([write(folder / "<title><script>.jsonl", *hostile_rows())])
    write_viewer(folder / "page.html", runs, title=HOSTILE[1])
    return (folder / "page.html").read_text(encoding="utf-8")


def test_hostile_texts_stay_inside_their_json(hostile):
    plain = viewer_page()
    data = [raw for raw in Parts(hostile).raw if raw[1].get("type") == "application/json"]
    assert len(data) == 1 + len(HOSTILE)  # the index, and a tree for each problem
    kinds = set(Parts(hostile).tags)
    assert kinds == set(Parts(plain).tags)  # no element that the page itself does not have
    assert len(Parts(hostile).raw) == len(Parts(plain).raw) + len(data)
    index = json.loads(data[0][2])
    assert index["runs"][0]["name"] == HOSTILE[0]
    for (_, _, text), wanted in zip(data[1:], HOSTILE, strict=True):
        view = json.loads(text)
        assert view["steps"][1] == wanted.replace("\ud800", "?")


def test_the_content_policy_allows_this_script_and_style_by_hash_and_nothing_else(hostile):
    parts = Parts(hostile)
    policy = dict(rule.strip().split(" ", 1) for rule in parts.policy.split(";"))
    assert policy["default-src"] == "'none'"
    assert "connect-src" not in policy
    for tag in ("script", "style"):
        [text] = [t for name, values, t in parts.raw if name == tag and "type" not in values]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert policy[f"{tag}-src"] == f"'sha256-{digest}'"
    served = Parts(viewer_page()).policy
    assert "connect-src 'self'" in served
    assert "unsafe" not in served + parts.policy


def test_the_page_names_no_other_place(tmp_path):
    write_viewer(tmp_path / "p.html", read_runs([write(tmp_path / "b.jsonl", found(RIGHT_TRACE))]))
    page = (
        (tmp_path / "p.html").read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    )
    assert not re.findall(r"https?://|//[a-z]+\.|url\(|@import|src=", page)


def test_the_script_has_no_way_from_text_to_markup():
    [script] = [t for name, v, t in Parts(viewer_page()).raw if name == "script" and not v]
    sinks = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|DOMParser"
    assert not re.findall(sinks, script)


def test_pairs_are_paired_by_problem(tmp_path):
    def row(number, right):
        problem = other(number)
        made = RIGHT_TRACE if right else WRONG_TRACE
        return found(trace([s.text for s in made.steps], made.verdict, made.answer, problem))

    a = write(tmp_path / "a.jsonl", *(row(n, n < 3) for n in range(4)))  # right on 0, 1, 2
    b = write(tmp_path / "b.jsonl", *(row(n, n == 2) for n in range(1, 6)))  # right on 2
    index = index_record(read_runs([a, b]))
    [pair] = index["pairs"]
    assert (pair["a"], pair["b"], pair["common"]) == (0, 1, 3)  # problems 1, 2, 3
    assert pair["diff"] == pytest.approx(1 / 3)
    assert [run["accuracy"] for run in index["runs"]] == [0.75, 0.2]
    assert [a["right"] for a in index["runs"][0]["attempts"]] == [1, 1, 1, 0]


def test_a_drawing_is_the_same_picture():
    inner = '<text x="1">1 &lt; 2 <tspan>b</tspan> c</text>'
    svg = f'<svg viewBox="0 0 1 1"><g class="a">{inner}</g></svg>'
    text = ["text", {"x": "1"}, ["1 < 2 ", ["tspan", {}, ["b"]], " c"]]
    assert drawing(svg) == ["svg", {"viewBox": "0 0 1 1"}, [["g", {"class": "a"}, [text]]]]
    assert drawing("") is None


def test_each_search_is_a_point_of_the_plot_and_sampled_solutions_are_not(tmp_path):
    from surefoot.core.records import trace_record

    files = [
        write(tmp_path / "beam.jsonl", found(RIGHT_TRACE)),
        write(tmp_path / "traces.jsonl", trace_record(RIGHT_TRACE)),
    ]
    index = index_record(read_runs(files))
    drawn = json.dumps(index["plot"])
    assert "beam" in drawn
    assert "traces" not in drawn
    assert index["problems"] == {"p-1": {"text": PROBLEM.text, "gold": "19"}}
