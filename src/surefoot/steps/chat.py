"""A conversation in a checkpoint's own chat template, which is a program that we did not write.

transformers renders it in Jinja's sandbox, where it can reach nothing. What the sandbox does not
bound is time: two nested loops over 100,000 run for hours. So its lines are counted as they run.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

from surefoot.core.errors import ModelError

MOST_PRECISION = 100  # decimal places that `round` may be asked for
MOST_LINES = 300_000  # real templates run some hundred for a conversation; this many take 0.3 s
_TEMPLATE = "<template>"  # the file that Jinja says its compiled code is from


class _TooLong(BaseException):
    """A template ran for too many lines. (Jinja swallows an Exception where it folds constants.)"""


def chat_text(
    tokenizer: Any, messages: Sequence[Mapping[str, str]], *, date: str | None = None
) -> str:
    """The text of messages up to where the assistant is to speak.

    date: for templates that state one; None for their default.
    Raises ModelError for a template that fails, or runs for more than MOST_LINES lines.
    """
    stated = {} if date is None else {"date_string": date}
    try:
        _check(tokenizer.chat_template)
        with _counted_lines():
            text: str = tokenizer.apply_chat_template(
                list(messages), tokenize=False, add_generation_prompt=True, **stated
            )
    except (Exception, _TooLong) as error:
        raise ModelError(
            f"the chat template of the checkpoint cannot be used: {_reason(error)}; put back the "
            "tokenizer files it was published with, or take the template out"
        ) from error
    return text


def _check(template: Any) -> None:
    """Powers run in C, where no line is counted: 10 ** 10 ** 10 never ends."""
    import jinja2

    texts = template.values() if isinstance(template, Mapping) else [template]
    for text in texts:
        tokens = jinja2.Environment().lex(str(text))
        if any(kind == "operator" and value == "**" for _, kind, value in tokens):
            raise _TooLong("it raises to a power, which no template needs")


@contextmanager
def _counted_lines() -> Iterator[None]:
    from jinja2.filters import do_round

    left = MOST_LINES

    def line(_frame: FrameType, _event: str, _value: object) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise _TooLong(f"it has not ended after {MOST_LINES:,} lines")
        return line

    def call(frame: FrameType, _event: str, _value: object) -> Any:
        if frame.f_code is do_round.__code__ and frame.f_locals["precision"] > MOST_PRECISION:
            raise _TooLong("it rounds to more places than any number has")  # 10 ** places, in C
        return line if frame.f_code.co_filename == _TEMPLATE else None

    before = sys.gettrace()  # of this thread alone: a debugger's, or a coverage tool's
    sys.settrace(call)
    try:
        yield
    finally:
        sys.settrace(before)


def _reason(error: BaseException) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
