"""`surefoot probe`: what a server can do, and what its gaps cost."""

import json
from typing import Annotated, Any

import typer

from surefoot.cli import _options as o
from surefoot.cli._common import shown, unescaped
from surefoot.policy.endpoint import probed


def probe(
    address: Annotated[
        str,
        typer.Argument(
            help="URL#MODEL of an OpenAI-compatible API, such as http://localhost:8000/v1#qwen; "
            "the model may be left out where only one is served."
        ),
    ],
    separator: o.Separator = "\\n",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Find out what a server can do.

    Every ability is shown by an answer to some fifteen short requests, none is believed. Prints
    them all, then what the missing ones cost when the server is used as --policy. An API key is
    read from SUREFOOT_API_KEY (OpenAI's own also from OPENAI_API_KEY).

    Example:
        surefoot probe http://localhost:8000/v1#qwen
    """
    found = probed(address, separator=unescaped(separator))
    if as_json:
        print(json.dumps({**found.record(), "gaps": found.gaps()}, indent=1))
        return
    for name, value in found.record().items():
        print(f"{name:<16}{_told(value)}")
    for gap in found.gaps() or ["nothing is missing"]:
        print(f"- {gap}")


def _told(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "no" if value == "" else shown(value)
