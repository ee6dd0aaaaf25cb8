"""The one encoder: problems and steps become ids here and nowhere else.

    ids = prompt(problem) + step_1 + step_2 + ... + step_S

A step's ids are those of its text and the separator, encoded by themselves, so
ids of a prefix are a prefix of the ids, and `ends_S` are plain integers:
nothing searches for a separator in ids afterwards. (Encoding the joined text
instead merges tokens across steps with many tokenizers, and labels land beside
the places where scores are read.) Truncation drops whole steps from the end and
says how many.

Dimension key: S steps.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from surefoot.core.errors import InputError, TooLong
from surefoot.core.protocols import Steps
from surefoot.core.types import Problem, Step
from surefoot.steps.chat import chat_text

Prompt = Callable[[Problem], list[int]]


@dataclass(frozen=True, slots=True)
class Encoded:
    """ids: [T]. ends_S: index in ids of each kept step's last token. start: of the first step.

    dropped: how many steps at the end did not fit.
    """

    ids: tuple[int, ...]
    start: int
    ends_S: tuple[int, ...]
    dropped: int

    @property
    def spans_S(self) -> list[tuple[int, int]]:
        """[start, stop) of each kept step's ids."""
        starts = (self.start, *(end + 1 for end in self.ends_S[:-1]))
        return [(a, b + 1) for a, b in zip(starts, self.ends_S, strict=False)]


@dataclass(frozen=True, slots=True)
class Encoder:
    """A tokenizer, a prompt format and a step separator.

    tokenizer: any tokenizer of transformers.
    prompt: ids shown before the first step.
    separator: text that ends every step.
    max_tokens: longest encoding; more drops steps from the end.
    """

    tokenizer: Any
    prompt: Prompt
    separator: str = "\n"
    max_tokens: int = 1 << 20

    def step_ids(self, step: Step) -> tuple[int, ...]:
        """Ids of a step and its separator.

        Raises InputError for a step without text, or whose text holds the
        separator (it would be two steps).
        """
        if not step.text.strip():
            raise InputError("a step is empty; drop it or give it text")
        if self.separator in step.text:
            raise InputError(
                f"a step holds the separator {self.separator!r}: {step.text[:60]!r}; "
                "split it, or choose a separator that no step contains"
            )
        return tuple(self._ids(step.text + self.separator))

    def encode(self, problem: Problem, steps: Steps) -> Encoded:
        """The whole of a trace or prefix, from its text.

        Raises TooLong if not even the problem and one step fit.
        """
        ids = [*self.prompt(problem)]
        start, ends = len(ids), []
        for index in range(len(steps)):
            step_ids = self._step_ids_of(problem, steps, index)
            if len(ids) + len(step_ids) > self.max_tokens:
                break
            ids += step_ids
            ends.append(len(ids) - 1)
        if len(ids) > self.max_tokens or (steps and not ends):
            raise TooLong(
                f"problem {problem.id!r} has {len(ids)} tokens before its first step ends, and the "
                f"model takes {self.max_tokens}; shorten it or use a longer context"
            )
        return Encoded(tuple(ids), start, tuple(ends), len(steps) - len(ends))

    def prefix_ids(self, problem: Problem, steps: Steps) -> tuple[int, ...]:
        """Ids to continue from: a step that this policy wrote keeps the ids it was written with."""
        ids = [*self.prompt(problem)]
        for index, step in enumerate(steps):
            ids += step.ids or self._step_ids_of(problem, steps, index)
        return tuple(ids)

    def cut(self, ids: Sequence[int], logprobs: Sequence[float]) -> Steps:
        """New ids as steps; each keeps its own ids and log-probabilities.

        A step ends with the token that completes the separator. Ids without
        text (an end token after the last separator) join the step before them.
        """
        steps: list[Step] = []
        start = 0
        for stop in range(1, len(ids) + 1):
            if stop == len(ids) or self.ends_step(ids[start:stop]):
                text = self.tokenizer.decode(ids[start:stop], skip_special_tokens=True).strip()
                new = Step(text, tuple(ids[start:stop]), tuple(logprobs[start:stop]))
                if text or not steps:
                    steps.append(new)
                else:
                    last = steps.pop()
                    steps.append(Step(last.text, last.ids + new.ids, last.logprobs + new.logprobs))
                start = stop
        return tuple(step for step in steps if step.text)

    def ends_step(self, ids: Sequence[int]) -> bool:
        """Does the last of `ids` complete a separator after some text?"""
        if not any(c in self._piece(ids[-1]) for c in self.separator):
            return False
        head, found, _ = self._text(ids).rpartition(self.separator)
        return bool(found and head.strip())

    def fingerprint(self) -> str:
        """Changes when ids would: the journal and verifier checkpoints are keyed by it.

        It covers the tokenizer's rules, the prompt's form and the separator.
        """
        probe = Problem(id="probe", text="How many 12 + 3.5 apples?\n\nÄ")
        ids = (*self.prompt(probe), *self._ids(f"x = 1{self.separator}"))
        parts = (_rules_of(self.tokenizer), self.separator, str(ids))
        return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=8).hexdigest()

    def _step_ids_of(self, problem: Problem, steps: Steps, index: int) -> tuple[int, ...]:
        try:
            return self.step_ids(steps[index])
        except InputError as error:
            raise InputError(f"problem {problem.id!r}, step {index}: {error}") from error

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids

    def _text(self, ids: Sequence[int]) -> str:
        text: str = self.tokenizer.decode(list(ids), skip_special_tokens=True)
        return text

    def _piece(self, token: int) -> str:
        return _piece_of(self.tokenizer, token)


_PIECES: WeakKeyDictionary[Any, dict[int, str]] = WeakKeyDictionary()


def _piece_of(tokenizer: Any, token: int) -> str:
    """The text of one token; remembered, because every drawn token is looked at."""
    pieces = _PIECES.setdefault(tokenizer, {})
    if token not in pieces:
        pieces[token] = tokenizer.decode([token], skip_special_tokens=True)
    return pieces[token]


def _rules_of(tokenizer: Any) -> str:
    """All that decides a tokenizer's ids, as text."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:  # a tokenizer in pure Python: its vocabulary has to do
        return json.dumps(tokenizer.get_vocab(), sort_keys=True)
    rules: dict[str, Any] = json.loads(backend.to_str())
    return json.dumps({k: v for k, v in rules.items() if k not in ("padding", "truncation")})


def plain_prompt(tokenizer: Any) -> Prompt:
    """The problem's text and a line break, after the begin token if the tokenizer has one."""

    def prompt(problem: Problem) -> list[int]:
        begin = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
        return [*begin, *tokenizer(problem.text + "\n", add_special_tokens=False)["input_ids"]]

    return prompt


INSTRUCTION = (
    "Solve the problem step by step, one short step a line. "
    'End with a line "The answer is N", where N is the final answer alone.'
)


def chat_prompt(tokenizer: Any, instruction: str = INSTRUCTION) -> Prompt:
    """The problem as a user's message in the model's own chat template."""

    def prompt(problem: Problem) -> list[int]:
        message = {"role": "user", "content": f"{instruction}\n\n{problem.text}"}
        ids: list[int] = tokenizer(chat_text(tokenizer, [message]), add_special_tokens=False)[
            "input_ids"
        ]
        return ids

    return prompt


def default_prompt(tokenizer: Any) -> Prompt:
    """`chat_prompt` for a tokenizer with a chat template, else `plain_prompt`."""
    return chat_prompt(tokenizer) if tokenizer.chat_template else plain_prompt(tokenizer)
