"""The page in a browser: opened, followed by keyboard, compared, replayed; large and hostile.

Needs Playwright and a Chromium (SUREFOOT_CHROMIUM names one that is not in the PATH).
"""

import os
import shutil
import threading
import time

import pytest
from viewer_files import (
    HOSTILE,
    PROBLEM,
    RIGHT,
    RIGHT_TRACE,
    WRONG_TRACE,
    found,
    large_tree,
    other,
    trace,
    write,
)

from surefoot.core.tree import Tree
from surefoot.core.types import Problem, Step, Verdict
from surefoot.serve.viewer_page import write_viewer
from surefoot.serve.viewer_runs import read_runs

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
CHROMIUM = os.environ.get("SUREFOOT_CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium; set SUREFOOT_CHROMIUM"),
]
CURRENT = "[role=treeitem][aria-selected=true]"


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def tab(browser):
    """A page whose every error and refused load fails the test."""
    context = browser.new_context(viewport={"width": 1360, "height": 900})
    page, told = context.new_page(), []
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.told = told
    yield page
    context.close()
    assert told == []


def searched():
    """A tree of four solutions, two of which begin alike."""
    tree = Tree()
    extra = trace(("Mia = 14", *RIGHT), Verdict.CORRECT, "19")
    late = trace(("Mia = 14", "Sam = 14 - 5 = 9", "The answer is 9"), Verdict.WRONG, "9")
    traces = (WRONG_TRACE, extra, late, RIGHT_TRACE)
    for made in traces:
        tree.add_path(made.steps, finished=True, verdict=made.verdict)
    tree.scores = [None, *(0.1 * n for n in range(1, len(tree)))]
    return tree, traces


@pytest.fixture(scope="module")
def page_of_runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    tree, traces = searched()
    second = trace([s.text for s in RIGHT_TRACE.steps], Verdict.CORRECT, "19", other(2))
    beam = [found(RIGHT_TRACE, candidates=traces, tree=tree), found(second)]
    mcts = [found(WRONG_TRACE, method="mcts", tokens=(90, 10)), found(second, method="mcts")]
    files = [write(folder / "beam.jsonl", *beam), write(folder / "mcts.jsonl", *mcts)]
    write_viewer(folder / "page.html", read_runs(files))
    return folder / "page.html"


def current(tab):
    return tab.locator(CURRENT)


def text_of_current(tab):
    return current(tab).locator(".text").inner_text()


# --- a person's way through it -----------------------------------------------


def test_a_run_a_tree_and_a_path_by_keyboard_alone(tab, page_of_runs):
    tab.goto(page_of_runs.as_uri())
    tab.get_by_role("link", name="beam").focus()
    tab.keyboard.press("Enter")
    tab.get_by_role("link", name="p-1").focus()
    tab.keyboard.press("Enter")
    tree = tab.get_by_role("tree")
    tree.focus()
    assert text_of_current(tab) == RIGHT[1]  # the chosen solution's end is where it starts
    tab.keyboard.press("Home")
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("ArrowDown")
    assert text_of_current(tab) == "Mia = 14"
    item = current(tab)
    assert item.get_attribute("aria-level") == "1"
    assert item.get_attribute("aria-expanded") == "true"
    assert (item.get_attribute("aria-posinset"), item.get_attribute("aria-setsize")) == ("2", "3")
    before = tab.get_by_role("treeitem").count()
    tab.keyboard.press("ArrowLeft")  # closes it
    assert current(tab).get_attribute("aria-expanded") == "false"
    assert tab.get_by_role("treeitem").count() == before - 4
    tab.keyboard.press("ArrowRight")  # opens it
    tab.keyboard.press("ArrowRight")  # goes in
    assert text_of_current(tab) == RIGHT[0]
    tab.keyboard.press("ArrowDown")
    path = tab.locator(".path .text")
    assert path.all_inner_texts() == ["Mia = 14", *RIGHT]
    tab.keyboard.press("ArrowLeft")  # a leaf goes to its parent
    assert text_of_current(tab) == RIGHT[0]
    tab.keyboard.press("End")
    tab.keyboard.press("c")
    assert tree.get_attribute("aria-activedescendant") == current(tab).get_attribute("id")
    assert "chosen" in (current(tab).get_attribute("aria-label") or "")
    assert "right" in tab.locator(".side .facts").inner_text()


def test_scores_labels_and_truth_stand_beside_each_other(tab, page_of_runs):
    tab.goto(page_of_runs.as_uri() + "#/run/beam/p-1/1")
    tab.wait_for_selector(CURRENT)
    assert current(tab).locator(".cell").all_inner_texts() == ["0.10", "✗"]
    assert "computes a wrong result" in tab.locator(".path .reason").first.inner_text()
    assert current(tab).locator(".astray").count() == 0  # low, and wrong: they agree
    tab.keyboard.press("Escape")  # a key that means nothing does nothing
    assert current(tab).count() == 1


def test_two_runs_where_one_is_right_and_the_other_wrong(tab, page_of_runs):
    tab.goto(page_of_runs.as_uri())
    tab.get_by_role("button", name="Side by side").click()
    tab.wait_for_selector(".filters")
    assert "+50.0 points" in tab.locator(".headline").inner_text()
    filters = tab.locator(".filters button").all_inner_texts()
    assert [" ".join(f.split()) for f in filters] == [
        "Only beam right 1", "Only mcts right 0", "Both right 1", "Both wrong 0",
    ]  # fmt: skip
    tab.get_by_role("link", name="p-1").click()
    sides = tab.locator(".sides .side")
    assert sides.nth(0).locator(".path .text").all_inner_texts() == list(RIGHT)
    assert sides.nth(1).locator(".path .text").first.inner_text() == WRONG_TRACE.steps[0].text
    assert sides.nth(1).locator("tr.parting .number").inner_text() == "1"
    tab.get_by_role("link", name="Next problem").click()
    tab.locator("h1", has_text="p-2").wait_for()
    assert "the same" in tab.locator("main .note").inner_text()
    tab.go_back()
    tab.locator("h1", has_text="p-1").wait_for()


def test_a_replay_shows_nodes_in_the_order_they_were_grown(tab, page_of_runs):
    tab.goto(page_of_runs.as_uri() + "#/run/beam/p-1")
    slider = tab.get_by_role("slider")
    slider.focus()
    tab.keyboard.press("Home")
    assert tab.get_by_role("treeitem").count() == 1
    grown = []
    for _ in range(8):
        grown.append(int((current(tab).get_attribute("id") or "").removeprefix("node-")))
        tab.keyboard.press("ArrowRight")
    assert grown == [1, 2, 3, 4, 5, 6, 7, 8]
    assert slider.get_attribute("aria-valuetext") == "node 9 of 9"
    tab.get_by_role("button", name="Replay").click()
    tab.get_by_role("button", name="Pause").wait_for()
    tab.get_by_role("button", name="Replay").wait_for(timeout=10_000)  # it ends by itself
    assert tab.get_by_role("treeitem").count() == 9


def test_a_step_that_is_not_in_sight_is_found(tab, page_of_runs):
    tab.goto(page_of_runs.as_uri() + "#/run/beam/p-1")
    tab.wait_for_selector(CURRENT)
    tab.get_by_role("button", name="Close all").click()
    field = tab.get_by_role("searchbox")
    field.fill("MIA = 14")
    visited = []
    for _ in range(3):
        field.press("Enter")
        visited.append(text_of_current(tab))
    assert visited == ["Mia = 14"] * 3  # the only one, again and again
    field.fill("mia + 5")
    field.press("Enter")
    assert text_of_current(tab) == RIGHT[0]  # below a node that was closed
    field.fill("no such step")
    field.press("Enter")
    assert tab.get_by_role("status").inner_text() == "No step has this text"


def test_a_node_has_an_address(tab, page_of_runs):
    tab.goto(page_of_runs.as_uri() + "#/run/beam/p-1")
    tab.get_by_role("tree").focus()
    tab.keyboard.press("Home")
    tab.wait_for_url("**/beam/p-1/1")
    tab.reload()
    tab.wait_for_selector(CURRENT)
    assert text_of_current(tab) == WRONG_TRACE.steps[0].text


def test_an_address_that_leads_nowhere_says_so(tab, page_of_runs):
    tab.goto(page_of_runs.as_uri() + "#/run/<b>nobody")
    assert "There is no run named <b>nobody here." in tab.locator("main").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_stand_out_from_what_is_behind_them(tab, page_of_runs, scheme):
    """WCAG AA: 4.5 for the colours of text on paper and card."""
    tab.emulate_media(color_scheme=scheme)
    tab.goto(page_of_runs.as_uri())
    names = ["--ink", "--soft", "--hue-0", "--hue-1", "--paper", "--card"]
    style = "getComputedStyle(document.documentElement).getPropertyValue"
    colours = tab.evaluate(
        f"names => names.map(n => {style[:-17]}.getPropertyValue(n).trim())", names
    )
    *texts, paper, card = map(luminance, colours)
    for text in texts:
        for behind in (paper, card):
            high, low = max(text, behind), min(text, behind)
            assert (high + 0.05) / (low + 0.05) >= 4.5


def luminance(colour):
    digits = colour[1:] if len(colour) == 7 else "".join(2 * c for c in colour[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


# --- hostile and large ---------------------------------------------------------


def test_hostile_texts_are_shown_and_nothing_of_them_runs(tab, tmp_path):
    rows = []
    for text in HOSTILE:
        problem = Problem(f"id {text}", text, text[:50])
        rows.append(found(trace((text, *RIGHT), Verdict.WRONG, text, problem), method=text))
    write_viewer(tmp_path / "p.html", read_runs([write(tmp_path / "h.jsonl", *rows)]))
    tab.goto((tmp_path / "p.html").as_uri())
    elements = "[...new Set([...document.querySelectorAll('main *')].map(e => e.localName))]"
    for number, text in enumerate(HOSTILE):
        tab.evaluate("location.hash = '#/'")
        tab.locator("tbody tr").nth(number).get_by_role("link").click()
        tab.locator(".stack a").click()
        tab.wait_for_selector(CURRENT)
        shown = tab.locator(".path .text").first.inner_text()
        if text.isascii() and text.isprintable():
            assert shown == text[:20_000] + ("…" if len(text) > 20_000 else "")
        assert {"script", "img", "svg"}.isdisjoint(tab.evaluate(elements))
        assert tab.evaluate("window.hacked") is None
    assert "[U+202E]to left" in seen(tab, tmp_path, 6)
    assert "nul [U+0000] bell [U+0007] escape [U+001B]" in seen(tab, tmp_path, 7)
    width = tab.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert width <= 0  # a line of 200,000 letters does not widen the page


def seen(tab, folder, number):
    tab.goto((folder / "p.html").as_uri() + "#/")
    tab.reload()
    tab.locator("tbody tr").nth(number).get_by_role("link").click()
    tab.locator(".stack a").click()
    tab.wait_for_selector(CURRENT)
    return tab.locator(".path .text").first.inner_text()


def test_10_000_nodes_open_scroll_and_replay_without_delay(tab, tmp_path):
    """The limits are twenty times what was measured (see docs/viewer.md), for busy machines."""
    tree = large_tree(10_000)
    wide = found(trace(s.text for s in tree.prefix(9_999)), tree=tree)
    chain, node = Tree(), 0
    for link in range(9_999):
        node = chain.add(node, Step(f"link {link}"))
    deep = found(trace(("link 0",)), tree=chain, method="deep")
    files = [write(tmp_path / "wide.jsonl", wide), write(tmp_path / "deep.jsonl", deep)]
    write_viewer(tmp_path / "p.html", read_runs(files))
    for run in ("wide", "deep"):
        tab.goto((tmp_path / "p.html").as_uri() + "#/")
        tab.wait_for_selector("tbody a")
        figures = tab.evaluate(MEASURE, run)
        print(run, {name: round(ms) for name, ms in figures.items()})
        assert figures["rows"] < 100  # of 9,999: the others are not in the document
        assert figures["open"] < 10_000
        assert figures["open_all"] < 3_000
        assert max(figures[name] for name in ("scroll", "key", "replay")) < 1_000


MEASURE = """async (run) => {
  const frame = () => new Promise(requestAnimationFrame);
  const median = (times) => times.sort((a, b) => a - b)[times.length >> 1];
  const timed = async (repeats, act) => {
    const times = [];
    for (let i = 0; i < repeats; i += 1) {
      const start = performance.now();
      act(i);
      await frame();
      times.push(performance.now() - start);
    }
    return median(times);
  };
  const start = performance.now();
  location.hash = `#/run/${run}/p-1`;
  while (!document.querySelector("[role=treeitem][aria-selected=true]")) await frame();
  const open = performance.now() - start;
  const tree = document.querySelector("[role=tree]");
  const press = (key) => tree.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  const slider = document.querySelector("input[type=range]");
  return {
    open,
    open_all: await timed(1, () => document.querySelector(".tools button").click()),
    scroll: await timed(40, () => { tree.scrollTop += 5000; }),
    rows: document.querySelectorAll("[role=treeitem]").length,
    key: await timed(40, (i) => press(i % 4 ? "ArrowDown" : "PageDown")),
    replay: await timed(40, (i) => {
      slider.value = (i + 1) * 240;
      slider.dispatchEvent(new Event("input"));
    }),
  };
}"""


# --- served ----------------------------------------------------------------------


@pytest.fixture
def server(tmp_path):
    """The routes in a real server, behind a token; yields its address."""
    fastapi = pytest.importorskip("fastapi", reason="FastAPI is not installed")
    uvicorn = pytest.importorskip("uvicorn", reason="uvicorn is not installed")
    from surefoot.serve.viewer import viewer_router

    def guard(authorization: str = fastapi.Header("")):
        if authorization != "Bearer secret":
            raise fastapi.HTTPException(401, detail="a bearer token is needed")

    tree, traces = searched()
    file = write(tmp_path / "beam.jsonl", found(RIGHT_TRACE, candidates=traces, tree=tree))
    app = fastapi.FastAPI()
    app.include_router(viewer_router([file], guards=[fastapi.Depends(guard)]))
    served = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=served.run)
    thread.start()
    while not served.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{served.servers[0].sockets[0].getsockname()[1]}"
    served.should_exit = True
    thread.join()


def test_a_served_page_asks_for_the_token_and_loads_trees_when_they_are_opened(tab, server):
    asked = []
    tab.on("request", lambda request: asked.append(request.url.removeprefix(server)))
    tab.goto(f"{server}/view")
    for given in ("wrong", "secret"):
        tab.get_by_label("token").fill(given)
        tab.get_by_role("button", name="Open").click()
    tab.get_by_role("link", name="beam").click()
    assert not any("tree.json" in address for address in asked)
    tab.get_by_role("link", name="p-1").click()
    tab.wait_for_selector(CURRENT)
    assert text_of_current(tab) == RIGHT[1]
    assert [address for address in asked if "tree.json" in address] == [
        "/view/tree.json?run=beam&problem=p-1"
    ]
    refused = [text for text in tab.told if "401" in text]
    assert len(refused) == 2  # the browser notes what the server refused
    tab.told[:] = [text for text in tab.told if text not in refused]
    assert PROBLEM.text in tab.locator(".problem").inner_text()
    tab.reload()  # the tab keeps the token
    tab.wait_for_selector(CURRENT)
