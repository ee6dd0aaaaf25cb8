"""The reference page of the command line, made from the verbs themselves.

python -m surefoot.cli.docs > docs/cli.md
"""

import inspect
import sys
from typing import Any

from surefoot.cli.main import ABOUT, VERBS, build_app

HEAD = """# The command line

<!-- Made by `python -m surefoot.cli.docs > docs/cli.md`; edit the verbs, not this page. -->

Words, progress and summaries go to stderr; data goes to `--out`, or to stdout where you ask for
it (`--json`, `--out -`). Whatever goes wrong is one line, `error: ...`, and exit code 1;
`SUREFOOT_DEBUG=1` shows where it came from. Model calls are kept in a journal beside `--out`, so
an interrupted command, given again, goes on from where it was.
"""


def page() -> str:
    """All of docs/cli.md."""
    import typer

    commands: dict[str, Any] = typer.main.get_command(build_app()).commands  # type: ignore[attr-defined]
    about = _prose_and_example(ABOUT)
    names = "\n".join(
        f"| [`{name}`](#surefoot-{name}) | {_text(commands[name]).splitlines()[0]} |"
        for name in VERBS
    )
    sections = "\n".join(_section(name, commands[name]) for name in VERBS)
    return f"{HEAD}\n{about}\n| verb | |\n|---|---|\n{names}\n\n{sections}"


def _section(name: str, command: Any) -> str:
    rows = "\n".join(_row(p) for p in command.params if p.name != "help")
    table = f"| argument or option | default | |\n|---|---|---|\n{rows}\n" if rows else ""
    return f"## surefoot {name}\n\n{_prose_and_example(_text(command))}\n{table}"


def _text(command: Any) -> str:
    return inspect.cleandoc(command.help.replace("\b\n", ""))


def _prose_and_example(text: str) -> str:
    prose, _, example = text.strip().partition("Example:\n")
    return f"{prose.strip()}\n\n```sh\n{inspect.cleandoc(example)}\n```\n"


def _row(param: Any) -> str:
    is_option = param.opts[0].startswith("-")
    name = " / ".join([*param.opts, *param.secondary_opts]) if is_option else param.name.upper()
    default = "required" if param.required else param.default
    value = (
        "" if default is None or default is False else default if param.required else f"`{default}`"
    )
    return f"| `{name}` | {value} | {param.help} |".replace("[.gz]", "\\[.gz]")


if __name__ == "__main__":
    sys.stdout.write(page())
