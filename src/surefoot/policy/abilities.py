"""What a server can do, found out once by asking: its manners differ, and few say so.

Every ability is shown by an answer, never believed from a name or a status 200: a server that
ignores a field it does not know says nothing about it. About fifteen requests of a few tokens.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Any, Self, TypeVar

from surefoot.core.errors import InputError, ModelError
from surefoot.policy.dialects import CHAT, DIALECTS, PLAIN, PREFILLS, Answer, Dialect
from surefoot.policy.http import Json, Patience, Refused, Servers

T = TypeVar("T")
COUNT = "Count from one to twelve in English words on one line: one two three"
WORDS = "seven nine four eleven six two twelve three"
FEW = 16
BRIEF = Patience(tries=2, deadline=20.0, timeout=10.0)


@dataclass(frozen=True, slots=True)
class Abilities:
    """One model of one server.

    model: its name there. root: what the server says it really is, or "".
    dialect: "chat" or "plain". limit: the field that bounds new tokens.
    n: several continuations in one request.
    stop: ends at a text of our choice. stop_told: and says that it was that text, not the end.
    prefill: how a chat's answer is begun for it (`dialects.PREFILLS`), or "" where it cannot be.
    keeps_end: does the separator at the end of what was said reach the model?
    logprobs: of the tokens it writes. prompt_logprobs: of those it reads: "prompt_logprobs",
      "echo", or "".
    draws: at a temperature above 0, continuations differ.
    seed: equal seeds give equal continuations, others do not; among requests at the same time.
    usage: it counts tokens. context: most tokens of prompt and continuation; None if not told.
    """

    model: str
    root: str = ""
    dialect: str = "chat"
    limit: str = "max_tokens"
    n: bool = False
    stop: bool = False
    stop_told: bool = False
    prefill: str = ""
    keeps_end: bool = False
    logprobs: bool = False
    prompt_logprobs: str = ""
    draws: bool = False
    seed: bool = False
    usage: bool = False
    context: int | None = None

    def record(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)

    @classmethod
    def of(cls, record: dict[str, Any]) -> Self:
        """Inverse of `record`."""
        return cls(**record)

    @property
    def steps(self) -> bool:
        """Can one step be asked for, and paid for, alone?"""
        return self.stop and (self.dialect == "plain" or not self.prefill or self.keeps_end)

    def gaps(self) -> list[str]:
        """What it lacks, and what is done about it, one sentence each."""
        chat = self.dialect == "chat"
        lacking = {
            "it ignores n: one request for each continuation": not self.n,
            "steps cannot be asked for alone: whole solutions are written and paid for, and the "
            "first step of each is taken": not self.steps,
            "it does not say whether a stop text or the end stopped it: the end costs up to two "
            "more requests": self.steps and not self.stop_told,
            "a chat's answer cannot be begun for it: it is shown the steps so far and told to go "
            "on, which is another prompt than its own solution": chat and not self.prefill,
            "no log-probabilities: steps have none, and tokens are shared out among them by "
            "length": not self.logprobs,
            "it draws nothing: all continuations of a prompt are the same, whatever the "
            "temperature (its own settings may forbid sampling)": not self.draws,
            "no seeds: a run repeats only through its journal": not self.seed,
            "it does not count tokens: costs and token budgets are unknown": not self.usage,
        }
        return [sentence for sentence, lacks in lacking.items() if lacks]


def probe(
    servers: Servers, model: str = "", *, dialect: str = "", separator: str = "\n"
) -> Abilities:
    """Asks a server for everything in `Abilities`.

    model: its name there; may be left out where only one is served.
    dialect: "chat" or "plain"; without it, chat if the server can.
    Raises ModelError if the server has no such model, or continues nothing.
    """
    known = _served(servers, model)
    if dialect and dialect not in DIALECTS:
        raise InputError(f"dialect must be one of {sorted(DIALECTS)}, got {dialect!r}")
    tried = [DIALECTS[dialect]] if dialect else [CHAT, PLAIN]
    asked = _first_that_answers(servers, known, tried)
    asked = asked.with_(usage=asked.first.tokens is not None)
    for find in (_n, _stop, _logprobs, _prompt_logprobs, _draws):
        asked = find(asked)
    return _prefill(asked, separator).abilities


@dataclass(frozen=True, slots=True)
class _Asked:
    """The questions so far. first: the answer to COUNT."""

    servers: Servers
    abilities: Abilities
    first: Answer

    @property
    def dialect(self) -> Dialect:
        return DIALECTS[self.abilities.dialect]

    def with_(self, **found: Any) -> "_Asked":
        return replace(self, abilities=replace(self.abilities, **found))

    def ask(self, prompt: Json | None = None, **fields: Any) -> Answer | None:
        """None where the server will not have it."""
        try:
            return ask(self.servers, self.abilities, prompt, read=self.dialect.read, **fields)
        except Refused:
            return None

    def raw(self, prompt: Json | None = None, **fields: Any) -> Json:
        """The whole answer; {} where the server will not have it."""
        try:
            return ask(self.servers, self.abilities, prompt, read=lambda a: a, **fields)
        except Refused:
            return {}

    def tokens_read(self, prompt: Json) -> int | None:
        answer = self.ask(prompt, most=1)
        return answer.prompt_tokens if answer else None


def ask(
    servers: Servers,
    abilities: Abilities,
    prompt: Json | None = None,
    *,
    read: Callable[[Json], T],
    most: int = FEW,
    temperature: float = 0.0,
    patience: Patience | None = None,
    **fields: Any,
) -> T:
    """One request; `fields` are the server's, whatever their names."""
    dialect = DIALECTS[abilities.dialect]
    body = {
        "model": abilities.model,
        **(prompt if prompt is not None else dialect.prompt(COUNT, "", "")),
        abilities.limit: most,
        "temperature": temperature,
        **fields,
    }
    return servers.call(dialect.path, body, read=read, patience=patience)


def _served(servers: Servers, model: str) -> Abilities:
    """The model's name, root and context, from the server's list of models if it has one."""
    try:
        answer = servers.call("/models", read=lambda answer: answer, patience=BRIEF)
    except ModelError as error:  # some have no such list, and some fail at making it
        if isinstance(error, Refused) and error.status in (401, 403):
            raise
        answer = {}
    listed = answer.get("data") or []
    served = {str(entry.get("id")): entry for entry in listed if isinstance(entry, dict)}
    if not model and len(served) == 1:
        [model] = served
    if not model:
        names = ", ".join(sorted(served)[:5]) or "no list of its models"
        raise InputError(f"expected URL#MODEL: {servers.urls[0]} serves {names}")
    entry = served.get(model, {})  # some serve more than they list: the first question will tell
    return Abilities(model, root=str(entry.get("root") or ""), context=_context(entry))


def _context(entry: Json) -> int | None:
    meta = entry.get("meta") or {}
    told = (entry.get("max_model_len"), entry.get("context_length"), meta.get("n_ctx"))
    return next((int(value) for value in told if isinstance(value, int) and value > 0), None)


def _first_that_answers(servers: Servers, known: Abilities, dialects: Sequence[Dialect]) -> _Asked:
    refusals = []
    for dialect in dialects:
        for limit in ("max_tokens", "max_completion_tokens"):
            tried = replace(known, dialect=dialect.name, limit=limit)
            try:
                return _Asked(servers, tried, _first(servers, tried))
            except Refused as refused:
                if refused.status in (401, 403):
                    raise
                refusals.append(f"{dialect.path}: {refused.status} {refused.text[:150]}")
                if "max_completion_tokens" not in refused.text:
                    break
    raise ModelError(
        f"{servers.urls[0]} continues nothing as {known.model!r}: {'; '.join(refusals)}. Is it the "
        "address of an OpenAI-compatible API, such as http://localhost:8000/v1, and the model's "
        "name there?"
    )


def _first(servers: Servers, tried: Abilities) -> Answer:
    """Not for long, where nobody listens; a server may be loading the model, though."""
    read = DIALECTS[tried.dialect].read
    return ask(servers, tried, read=read, patience=Patience(tries=5))


def _n(asked: _Asked) -> _Asked:
    answer = asked.ask(n=2, most=2, temperature=1.0)
    return asked.with_(n=answer is not None and len(answer.choices) == 2)


def _stop(asked: _Asked) -> _Asked:
    """Stops it at a word that it is known to write, and compares."""
    text = asked.first.choices[0].text
    word = next((part for part in [*text.split(), *text] if text.index(part) > 0), "")
    answer = asked.ask(stop=[word]) if word else None
    if answer is None:
        return asked
    [choice, *_] = answer.choices
    before = text[: text.index(word)]
    kept = choice.text == before + word
    stop = kept or choice.text.rstrip() == before.rstrip()
    return asked.with_(stop=stop, stop_told=stop and (kept or choice.stopped_by == word))


def _logprobs(asked: _Asked) -> _Asked:
    answer = asked.ask(most=4, **asked.dialect.logprobs)
    return asked.with_(logprobs=answer is not None and bool(answer.choices[0].pieces))


def _prompt_logprobs(asked: _Asked) -> _Asked:
    """Of more tokens than it may write: those it read."""
    if asked.abilities.dialect == "plain":
        answer = asked.ask(most=1, echo=True, **asked.dialect.logprobs)
        if answer is not None and len(answer.choices[0].pieces) > 2:
            return asked.with_(prompt_logprobs="echo")
    raw = asked.raw(most=1, prompt_logprobs=0)
    return asked.with_(prompt_logprobs="prompt_logprobs" if prompt_logprobs_of(raw) else "")


def prompt_logprobs_of(answer: Json) -> list[Any]:
    """vLLM's list, one entry a token that was read; [] where there is none."""
    choices = answer.get("choices") or [{}]
    return answer.get("prompt_logprobs") or choices[0].get("prompt_logprobs") or []


def _draws(asked: _Asked) -> _Asked:
    """Draws at once with seeds 1, 2, 1 and 2; where seeds are refused, without."""

    def drawn(seed: int | None) -> str:
        fields: Json = {} if seed is None else {"seed": seed}
        answer = asked.ask(temperature=1.5, **fields)
        return answer.choices[0].text if answer else ""

    with ThreadPoolExecutor(4) as pool:
        one, two, *again = pool.map(drawn, (1, 2, 1, 2))
        texts = {one, two, *again} if one else set(pool.map(drawn, (None, None)))
    seed = bool(one) and one != two and again == [one, two]
    return asked.with_(draws=len(texts - {""}) > 1, seed=seed)


def _prefill(asked: _Asked, separator: str) -> _Asked:
    """By counting: a message that is continued costs its own tokens, and no new message's frame.

    extra = tokens(Q, said) - tokens(Q) - tokens(said)     0 if continued, 2 to 6 if not
    """
    if asked.abilities.dialect == "plain":
        return asked.with_(keeps_end=True)
    ask = CHAT.prompt
    question = asked.tokens_read(ask(COUNT, "", ""))
    longer = asked.tokens_read(ask(f"{COUNT}\n{WORDS}", "", ""))
    if question is None or longer is None:
        return asked
    for way in PREFILLS:
        both = asked.tokens_read(ask(COUNT, WORDS, way))
        if both is not None and -3 <= both - longer <= 0:  # 1: the line break between the two
            ended = asked.tokens_read(ask(COUNT, WORDS + separator, way))
            return asked.with_(prefill=way, keeps_end=ended is not None and ended > both)
    return asked
