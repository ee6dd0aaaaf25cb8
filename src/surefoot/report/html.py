"""One HTML file that holds a whole report: no network, no other file, light and dark.

Nothing in the input can become markup or script: numbers and names are escaped,
traces travel as JSON with <, > and & written as \\u escapes and are shown with
`textContent`; a content policy allows this page's own script, by its hash, and
no other.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

from surefoot.core.fields import with_whole_letters
from surefoot.core.files import write_whole
from surefoot.core.records import Record
from surefoot.report import sections
from surefoot.report.data import Details, ShownTrace, Summary
from surefoot.report.headline import headline
from surefoot.report.looks import role_of
from surefoot.report.svg import escape

SURE = 0.5  # a step scored below is one that the verifier doubts


def write_report(path: str | Path, summary: Record, details: Record | None = None) -> None:
    """Writes the page whole or not at all; see `report.data` for the two records.

    Raises InputError that names a missing or impossible field before anything is
    written, StorageError if the file cannot be.
    """
    write_whole(path, page(summary, details))


def page(summary: Record, details: Record | None = None) -> str:
    """The page as text. Parts without data are left out, their links too."""
    brief = Summary.from_json(with_whole_letters(summary))
    more = Details.from_json(with_whole_letters(details or {}))
    parts = {
        "methods": ("Methods", sections.methods(brief)),
        "budget": ("Accuracy against budget", sections.budget(brief, more)),
        "labels": ("Step labels against the oracle", sections.labels(brief)),
        "verifiers": ("Verifiers and their calibration", sections.verifiers(brief, more)),
        "traces": ("Traces, step by step", _asset("traces.html") if more.traces else ""),
    }
    return assemble(
        brief.title,
        headline(brief),
        sections.facts(brief),
        parts,
        data={"traces": [shown_trace(trace) for trace in more.traces]},
    )


def assemble(
    title: str,
    lead: str,
    facts: str,
    parts: Mapping[str, tuple[str, str]],
    *,
    data: object = None,
) -> str:
    """A page of parts {anchor: (title, body)}, those without body left out, their links too.

    title, lead: plain text. facts and the bodies: markup. data: what the page's script shows.
    """
    shown = {key: part for key, part in parts.items() if part[1]}
    links = [f'<a href="#{key}">{title}</a>' for key, (title, _) in shown.items()]
    bodies = [
        f'<section id="{key}"><h2>{title}</h2>{body}</section>'
        for key, (title, body) in shown.items()
    ]
    script = _asset("page.js")
    return Template(_asset("page.html")).substitute(
        title=escape(title),
        headline=escape(lead),
        facts=facts,
        links="".join(links),
        sections="\n".join(bodies),
        style=_asset("plot.css") + _asset("page.css"),
        script=script,
        script_hash=script_hash(script),
        data=embedded(data),
    )


def shown_trace(trace: ShownTrace) -> dict[str, Any]:
    """A trace as the page's script wants it."""
    return {**asdict(trace), "misled": misled(trace)}


def misled(trace: ShownTrace) -> bool:
    """Did a verifier let a wrong solution pass?

    It did if a method that listens to one chose it, or if no step was scored below 0.5.
    """
    if trace.verdict != "wrong":
        return False
    scores = [step.score for step in trace.steps if step.score is not None]
    chosen = any(role_of(name) == "method" for name in trace.chosen_by)
    return chosen or (bool(scores) and min(scores) >= SURE)


def embedded(value: object) -> str:
    """JSON that cannot end the script element it stands in; lone surrogates become "?"."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode("utf-8", errors="replace").decode("utf-8")


def _asset(name: str) -> str:
    return resources.files("surefoot.report").joinpath(name).read_text(encoding="utf-8")


def script_hash(script: str) -> str:
    """The source by which a content policy allows this script, or style sheet, and no other."""
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return "sha256-" + base64.b64encode(digest).decode("ascii")
