"""The page to look at runs: one HTML file, which holds its data or asks the server for it.

    index    {"title", "runs": [{"name", "source", "searched", "accuracy", "low", "high",
              "policy_tokens", "verifier_tokens", "swatch", "strip", "attempts": [{"id",
              "right", "answer", "solutions", "nodes", "why"}]}], "problems": {id: {"text",
              "gold"}}, "pairs": [{"a", "b", "diff", "low", "high", "common"}], "plot"}
    problem  see `viewer_tree`

A drawing ("swatch", "strip", "plot") is [tag, {attribute: value}, [drawings and texts]]: the page
builds it node by node. Nothing that a run holds becomes markup or script: texts are set as
text, JSON is written without <, > and &, and the content policy allows this page's own
script and style by their hashes, no other source, and no way from text to markup.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from itertools import combinations
from pathlib import Path
from string import Template
from typing import Any
from xml.etree import ElementTree

from surefoot.core.errors import InputError
from surefoot.core.files import write_whole
from surefoot.core.records import Record
from surefoot.core.seeds import rng_for
from surefoot.evaluate.intervals import paired_interval
from surefoot.report.curves import accuracy_svg
from surefoot.report.data import CurvePoint, MethodRow
from surefoot.report.html import embedded, script_hash
from surefoot.report.looks import looks_of
from surefoot.report.panels import interval_scale, interval_strip, swatch
from surefoot.report.svg import escape, tag
from surefoot.serve.viewer_runs import Glance, Place, Run, Runs, read_places
from surefoot.serve.viewer_tree import tree_record

TITLE = "Surefoot runs"
SCRIPTS = ("text", "data", "table", "runs", "compare", "tree", "map", "replay", "problem", "main")
PAIRS_OF = 24  # runs at most whose differences are worked out, each with each


def write_viewer(path: str | Path, runs: Runs, *, title: str = TITLE) -> None:
    """Writes the page with all data in it, whole or not at all.

    Raises InputError for a row that cannot be read, StorageError if the file cannot be written.
    """
    places = (g.place for run in runs.runs for row in run.attempts.values() for g in row)
    rows = read_places(places)
    trees = {
        f"{r}/{p}": problem_view(runs, run, problem, rows)
        for r, run in enumerate(runs.runs)
        for p, problem in enumerate(run.attempts)
    }
    write_whole(path, viewer_page(title, index_record(runs, title), trees))


def viewer_page(
    title: str = TITLE, index: Record | None = None, trees: Mapping[str, Record] | None = None
) -> str:
    """The page as text. Without `index` it holds nothing of any run and asks the server.

    trees: "run/problem", both numbers from 0 -> `problem_view`; parsed when it is opened.
    """
    held = [_held("viewer-index", index)] if index is not None else []
    held += [_held("viewer-tree", view, key) for key, view in (trees or {}).items()]
    style, script = _style(), _script()
    return Template(_asset("viewer.html")).substitute(
        title=escape(title),
        policy=content_policy(served=index is None),
        style=style,
        script=script,
        data="\n".join(held),
    )


def content_policy(*, served: bool) -> str:
    """What the page may load and do: its own script and style; of a server only its data."""
    parts = [
        "default-src 'none'",
        f"style-src '{script_hash(_style())}'",
        f"script-src '{script_hash(_script())}'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    return "; ".join([*parts, "connect-src 'self'"] if served else parts)


def problem_view(
    runs: Runs, run: Run, problem: str, rows: Mapping[Place, Record] | None = None
) -> Record:
    """One problem of a run, with labels and scores that other runs have of the same steps.

    rows: what lies at each place, if it was read already; else what is needed is read now.
    Raises InputError if a row is not what it was.
    """
    own = run.attempts[problem]
    others = [
        glance
        for other in runs.runs
        if other is not run
        for glance in other.attempts.get(problem, ())
        if glance.method is None  # a search's rows have neither labels nor scores of steps
    ]
    if rows is None:
        rows = read_places(glance.place for glance in (*own, *others))
    own_rows, other_rows = ([rows[glance.place] for glance in part] for part in (own, others))
    try:
        return tree_record(own[0].problem, own_rows, other_rows)
    except InputError as error:
        places = [f"{path} row {row}" for path, row in (g.place for g in (*own, *others))]
        raise InputError(f"{' or '.join(places[:4])}: {error}") from error


def index_record(runs: Runs, title: str = TITLE) -> Record:
    """Everything but the trees. O(resamples * problems) for each run and each pair of runs."""
    figures = {run.name: run.figures() for run in runs.runs}
    known = {name: row for name, row in figures.items() if row is not None}
    looks = looks_of(figures)
    scale = interval_scale(list(known.values())) if known else None
    shown = []
    for run in runs.runs:
        row, look = figures[run.name], looks[run.name]
        strip = interval_strip(row, look, None, scale) if row and scale else ""
        pictures = {"swatch": drawing(swatch(look)), "strip": drawing(strip)}
        shown.append({**_run_record(run, row), **pictures})
    glances = [g for run in runs.runs for row in run.attempts.values() for g in row[:1]]
    return {
        "title": title,
        "runs": shown,
        "problems": {
            g.problem.id: {"text": g.problem.text, "gold": g.problem.gold} for g in glances
        },
        "pairs": list(_pairs(runs.runs[:PAIRS_OF])),
        "plot": drawing(_plot(runs, known)),
    }


def drawing(svg: str) -> list[Any] | None:
    """Our own SVG as nested lists; None for ""."""
    return _element(ElementTree.fromstring(svg)) if svg else None


# --- parts -----------------------------------------------------------------


def _run_record(run: Run, figures: MethodRow | None) -> Record:
    rights, ends = run.rights(), ("accuracy", "low", "high")
    policy, verifier = run.tokens() or (None, None)
    return {
        "name": run.name,
        "source": run.source,
        "searched": run.searched,
        **{name: getattr(figures, name, None) for name in ends},
        "policy_tokens": policy,
        "verifier_tokens": verifier,
        "attempts": [_attempt(key, row, rights.get(key)) for key, row in run.attempts.items()],
    }


def _attempt(problem: str, row: Sequence[Glance], right: float | None) -> Record:
    nodes = [g.nodes for g in row if g.nodes is not None]
    return {
        "id": problem,
        "right": right,
        "answer": row[0].answer if len(row) == 1 else None,
        "solutions": sum(g.solutions for g in row),
        "nodes": sum(nodes) if nodes else None,
        "why": row[0].why,
    }


def _pairs(runs: Sequence[Run]) -> Iterator[Record]:
    """a - b on the problems that both have checked solutions of."""
    rights = [run.rights() for run in runs]
    for a, b in combinations(range(len(runs)), 2):
        common = [key for key in rights[a] if key in rights[b]]
        values = ([rights[r][key] for key in common] for r in (a, b))
        gap = paired_interval(*values, rng=rng_for(0, "interval"))
        if gap is not None:
            ends = {"diff": gap.estimate, "low": gap.low, "high": gap.high}
            yield {"a": a, "b": b, **ends, "common": len(common)}


def _plot(runs: Runs, figures: Mapping[str, MethodRow]) -> str:
    """Accuracy against policy tokens: the curves of reports, and a point for each search."""
    curves = dict(runs.curves)
    for run in runs.runs:
        row = figures.get(run.name)
        if row is not None and run.searched and run.name not in curves and row.policy_tokens > 0:
            tried = [glance.solutions for seen in run.attempts.values() for glance in seen]
            n = round(sum(tried) / len(run.attempts))
            point = CurvePoint(row.policy_tokens, row.accuracy, row.low, row.high, n)
            curves[run.name] = [point]
    return accuracy_svg(curves, order=list(figures))


def _element(element: ElementTree.Element) -> list[Any]:
    children: list[Any] = [element.text] if element.text else []
    for child in element:
        children += [_element(child), *([child.tail] if child.tail else [])]
    return [element.tag.rpartition("}")[2], dict(element.attrib), children]


def _held(kind: str, data: Record, key: str = "") -> str:
    values = {"type": "application/json", "class": kind, "data-key": key}
    try:
        return tag("script", values, embedded(data))
    except ValueError as error:
        raise InputError(f"{kind} {key}: a number is not finite ({error})") from error


# --- assets ----------------------------------------------------------------


@cache
def _style() -> str:
    report = resources.files("surefoot.report")
    sheets = [
        report.joinpath(name).read_text(encoding="utf-8") for name in ("plot.css", "page.css")
    ]
    return "\n".join([*sheets, _asset("viewer.css")])


@cache
def _script() -> str:
    """All scripts in one closure, so that they share names with each other and nobody else."""
    parts = "\n".join(_asset(f"viewer-{name}.js") for name in SCRIPTS)
    return f'"use strict";\n(() => {{\n{parts}\n}})();'


def _asset(name: str) -> str:
    return resources.files("surefoot.serve").joinpath(name).read_text(encoding="utf-8")
