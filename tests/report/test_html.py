"""The page: complete, one file, and text stays text, in a real browser where there is one."""

import errno
import html as markup
import json
import os
import re
import shutil
import subprocess

import pytest

from surefoot.core.errors import InputError, StorageError
from surefoot.report.data import ShownStep, ShownTrace
from surefoot.report.html import embedded, misled, page, write_report
from surefoot.report.looks import amount, decimal, percent, signed

HOSTILE = (
    '</script><script>document.title="owned"</script><img src=x onerror="document.title=1">'
    "<!-- & &lt; ${x} $title \u202e\u2028\u2029\x00 ' \" \ud800" + "long" * 500
)
BROWSER = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), None)
QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--virtual-time-budget=2000",
]
needs_browser = pytest.mark.skipif(BROWSER is None, reason="no chromium on the PATH")


def hostile(value):
    """`value` with every text in it replaced; verdicts and truths are kept."""
    kept = {"correct", "wrong", "unreadable"}
    if isinstance(value, dict):
        return {k: hostile(v) for k, v in value.items()}
    if isinstance(value, list):
        return [hostile(v) for v in value]
    return HOSTILE if isinstance(value, str) and value not in kept else value


def data_of(text):
    found = re.search(r'<script type="application/json" id="report-data">(.*?)</script>', text)
    return json.loads(found[1])


def opened(path, folder):
    """The page's DOM after its script ran."""
    command = [BROWSER, *QUIET, f"--user-data-dir={folder}", "--dump-dom", path.as_uri()]
    done = subprocess.run(command, capture_output=True, timeout=60, check=True)
    return done.stdout.decode("utf-8")


def test_every_number_of_the_input_appears(summary, details):
    text = page(summary, details)
    shown = [
        *(percent(row[k]) for row in summary["methods"].values() for k in ("accuracy", "low")),
        *(amount(row["verifier_tokens"]) for row in summary["methods"].values()),
        *(signed(row[k]) for row in summary["paired_vs_majority"].values() for k in row),
        *(percent(rate) for rate in [*summary["coverage"].values(), *summary["greedy"].values()]),
        *(decimal(row.get(k)) for row in summary["verifiers"].values() for k in ("auc", "ece")),
        *(amount(row["tokens_per_trace"]) for row in summary["label_quality"].values()),
        *(amount(b["count"]) for bins in details["calibration"].values() for b in bins),
        *(decimal(b["score"]) for bins in details["calibration"].values() for b in bins),
        *(amount(p["tokens"]) for points in details["curves"].values() for p in points),
    ]
    assert [number for number in shown if number not in text] == []
    for key in ("title", "command", "policy"):
        assert markup.escape(summary[key]) in text
    traces = data_of(text)["traces"]
    assert [{k: v for k, v in t.items() if k != "misled"} for t in traces] == details["traces"]


def test_it_is_one_file(summary, details):
    text = page(summary, details)
    assert not re.findall(r"(?:src|href)=\"(?!#)", text)
    assert "url(" not in text
    assert "@import" not in text
    assert set(re.findall(r"https?://[^\"' <]+", text)) <= {"http://www.w3.org/2000/svg"}


def test_hostile_text_adds_no_element(summary, details):
    calm, owned = page(summary, details), page(hostile(summary), hostile(details))
    elements = re.compile(r"<(script|img|!--)")
    assert elements.findall(calm) == elements.findall(owned)
    assert data_of(owned)["traces"][0]["problem"] == HOSTILE.replace("\ud800", "?")


def test_embedded_json_holds_nothing_that_ends_a_script():
    text = embedded({"a": HOSTILE})
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text) == {"a": HOSTILE.replace("\ud800", "?")}


def test_names_of_methods_are_text(summary):
    row = summary["methods"]["majority"]
    text = page({**summary, "methods": {"<b>bold</b>": row}, "paired_vs_majority": {}})
    assert "<b>bold" not in text
    assert "&lt;b&gt;bold" in text


def test_parts_without_data_are_left_out(summary, details):
    bare = {**summary, "label_quality": {}, "verifiers": {}, "coverage": {}, "methods": {}}
    empty = {"curves": {}, "calibration": {}, "traces": []}
    for more in (None, {}, empty, {"curves": {"majority": []}, "calibration": {"v": []}}):
        text = page(bare, more)
        assert "<section" not in text
        assert 'href="#' not in text
    full = page(summary, details)
    assert re.findall(r'<section id="(\w+)"', full) == re.findall(r'<a href="#(\w+)"', full)
    assert re.findall(r'<section id="(\w+)"', full) == [
        "methods",
        "budget",
        "labels",
        "verifiers",
        "traces",
    ]


def test_unknown_figures_are_dashes(summary):
    empty = [{"low": 0.0, "high": 0.5, "count": 0, "score": None, "outcome": None}]
    page(summary, {"calibration": {"v": empty}})
    summary["methods"]["majority"] |= {"low": None, "high": None}
    assert "nan" not in page(summary).lower().replace("dominant", "")


def test_a_verifier_is_misled_by_what_it_chose_or_did_not_doubt():
    def trace(verdict, scores, chosen_by=()):
        steps = tuple(ShownStep("s", score) for score in scores)
        return ShownTrace("p", "1", "2", verdict, steps, None, chosen_by)

    assert misled(trace("wrong", [0.9, 0.2], ("own verifier",)))
    assert misled(trace("wrong", [0.9, 0.5]))
    assert not misled(trace("wrong", [0.9, 0.2]))
    assert not misled(trace("wrong", [0.9, 0.2], ("random scorer", "majority")))
    assert not misled(trace("wrong", [None]))
    assert not misled(trace("correct", [0.9], ("own verifier",)))


def no_room(_):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_bad_summary_or_disk_leaves_the_old_page(tmp_path, summary, details, monkeypatch):
    path = tmp_path / "report.html"
    write_report(path, summary, details)
    before = path.read_text(encoding="utf-8")
    with pytest.raises(InputError, match="'title' is missing"):
        write_report(path, {k: v for k, v in summary.items() if k != "title"}, details)
    monkeypatch.setattr(os, "fsync", no_room)
    with pytest.raises(StorageError, match="could not write"):
        write_report(path, summary, details)
    assert path.read_text(encoding="utf-8") == before


@needs_browser
@pytest.mark.slow
def test_hostile_text_stays_text_in_a_browser(tmp_path, summary, details):
    path = tmp_path / "report.html"
    write_report(path, hostile(summary), hostile(details))
    dom = opened(path, tmp_path / "profile")
    body = dom[dom.index("<body") :]
    assert 'id="steps"><tr' in body  # the script ran
    assert "1 of 60" in body
    assert "<title>&lt;/script&gt;" in dom  # the title is still the hostile text, not "owned"
    assert "<img" not in body
    assert body.count("<script") == 2


@needs_browser
@pytest.mark.slow
def test_keys_and_filters_in_a_browser(tmp_path, summary, details):
    press = """<script>
      const log = [];
      const note = () => log.push(document.getElementById("place").textContent);
      for (const key of ["ArrowRight", "ArrowRight", "ArrowLeft", "3", "ArrowRight", "x", "1"]) {
        document.dispatchEvent(new KeyboardEvent("keydown", { key }));
        note();
      }
      document.body.dataset.log = log.join("; ");
    </script></body>"""
    text = page(summary, details).replace("</body>", press)
    path = tmp_path / "report.html"
    path.write_text(re.sub(r"<meta http-equiv[^>]+>", "", text), encoding="utf-8")
    wrong = sum(trace["verdict"] == "wrong" for trace in details["traces"])
    expected = f"2 of 60; 3 of 60; 2 of 60; 1 of {wrong}; 2 of {wrong}; 2 of {wrong}; 1 of 60"
    assert f'data-log="{expected}"' in opened(path, tmp_path / "profile")
