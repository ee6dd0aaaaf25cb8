"""Model work of a verb: calls merged over problems, kept in a journal, counted."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from surefoot.cli._common import at_least_one, interruptible, models, progress
from surefoot.cli._served import load_served, load_served_likelihood
from surefoot.core.errors import SurefootError
from surefoot.core.files import place_of
from surefoot.core.types import StepScores, Usage
from surefoot.engine import Crew, Journal
from surefoot.engine.calls import served_calls
from surefoot.policy.endpoint import Address, is_address
from surefoot.policy.served import Reply as ServedReply

A = TypeVar("A")
B = TypeVar("B")
LIKELIHOOD = "likelihood:"


class Work:
    """One verb's model work: calls merged over problems, kept in a journal, and counted.

    with Work("sample", out, journal, in_flight) as work:
        policy = work.policy("pebble", sampling=..., ...)
        results = work.each("sample", function, problems)
    """

    def __init__(self, verb: str, out: str, journal: Path | None, in_flight: int = 64) -> None:
        at_least_one(problems_in_flight=in_flight)
        if out != "-":
            place_of(out)  # refused before anything is paid for
        self.path = journal or Path(f"{verb if out == '-' else out}.journal.sqlite")
        self.usage = Usage()
        self.fresh: Counter[str] = Counter()  # tokens of calls that the journal did not know
        self.busy: Counter[str] = Counter()  # milliseconds of the models at work on them
        self._journal: Journal | None = None  # opened with the first model
        self._crew = Crew(in_flight)
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._interrupts = interruptible(f"every finished call is kept in {self.path}")
        self._interrupts.__enter__()
        self._started = time.monotonic()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        journal = self._journal
        if journal is not None:
            if isinstance(error, SurefootError) and journal.hits + journal.misses:
                error.add_note(
                    f"(Finished calls are in {self.path}: the same command goes on from there.)"
                )
            journal.close()
        self._interrupts.__exit__(None, None, None)

    def each(self, stage: str, work: Callable[[A], B], items: Sequence[A]) -> list[B]:
        """[work(item)] with a progress bar, many at once."""
        with progress() as update:
            done = Counter[str]()

            def tick(_: B) -> None:
                with self._lock:
                    done[stage] += 1
                update(stage, done[stage], len(items))

            update(stage, 0, len(items))
            return self._crew.map(work, items, done=tick)

    def policy(
        self,
        name: str,
        *,
        spends: str = "policy_tokens",
        guided: Callable[[Any], Any] | None = None,
        **settings: Any,
    ) -> Any:
        """`load_policy(name, **settings)` behind crew and journal; a `Sampler`.

        spends: the field of `Usage` that its tokens count for. guided: puts a guide on it.
        """
        if is_address(name):
            return self._endpoint(name, spends, settings)
        models(settings["device"])
        from surefoot.engine.calls import policy_calls
        from surefoot.policy.local import load_policy
        from surefoot.policy.local_decode import Reply

        def wrapped(policy: Any) -> Any:
            stream = self._noted(spends, policy.decoder.stream, lambda r: len(r.ids))
            complete = policy_calls(
                stream, policy.fingerprint, self._opened(), self._crew, reply=Reply
            )
            return self._charged(spends, complete, lambda r: len(r.ids))

        loaded = load_policy(name, **settings)
        return (loaded if guided is None else guided(loaded)).through(wrapped)

    def _endpoint(self, address: str, spends: str, settings: dict[str, Any]) -> Any:
        """A served policy behind the journal; a `Sampler`."""
        Address.of(address)  # refused before there is a journal
        journal = self._opened()

        def wrapped(policy: Any) -> Any:
            complete = served_calls(
                policy.served.stream, policy.fingerprint, journal, reply=ServedReply
            )
            return self._charged(spends, complete, lambda r: r.tokens)

        wanted = ("sampling", "separator", "instruction")
        return load_served(
            address,
            journal,
            **{name: value for name, value in settings.items() if name in wanted},
        ).through(wrapped)

    def scorer(
        self, name: str, *, device: str, family: str | None = None, beta: float | None = None
    ) -> Any:
        """A verifier, or likelihood:MODEL, behind crew and journal; a `Scorer`.

        beta: read a verifier of kind birm with this weight of the past.
        """
        from surefoot.engine.calls import scorer_calls

        def read(scores: StepScores) -> int:
            return scores.tokens

        def wrapped(scorer: Any) -> Any:
            stream = self._noted("verifier_tokens", scorer.stream, read)
            complete = scorer_calls(stream, scorer.fingerprint, self._opened(), self._crew)
            return self._charged("verifier_tokens", complete, read)

        served = name.removeprefix(LIKELIHOOD)
        if name.startswith(LIKELIHOOD) and is_address(served):
            Address.of(served)
            return load_served_likelihood(served, self._opened()).through(wrapped)
        models(device)
        from surefoot.verifiers import load_birm, load_likelihood, load_scorer

        if beta is not None:
            loaded = load_birm(name, beta=beta, device=device)
        elif name.startswith(LIKELIHOOD):
            loaded = load_likelihood(served, device=device)
        else:
            loaded = load_scorer(name, family=family, device=device)
        return loaded.through(wrapped)

    def cost(self) -> dict[str, Any]:
        """What was asked for, how much of it the journal knew, and the speed of what was new."""
        seconds = round(time.monotonic() - self._started, 2)
        spent = {k: v for k, v in asdict(replace(self.usage, seconds=seconds)).items() if v}
        speeds = {
            f"{name}_per_second": round(1000 * tokens / max(1, self.busy[name]), 1)
            for name, tokens in self.fresh.items()
        }
        if self._journal is None:
            return spent
        return {**spent, **speeds, "journal_hits": self._journal.hits, "journal": str(self.path)}

    def _opened(self) -> Journal:
        if self._journal is None:
            self._journal = Journal(self.path)
        return self._journal

    def _noted(self, name: str, stream: Any, tokens: Callable[[Any], int]) -> Any:
        def noted(requests: Sequence[Any]) -> Iterator[tuple[int, Any]]:
            started = time.monotonic()
            for index, reply in stream(requests):
                self.fresh[name] += tokens(reply)
                yield index, reply
            self.busy[name] += round(1000 * (time.monotonic() - started))

        return noted

    def _charged(self, name: str, complete: Any, tokens: Callable[[Any], int]) -> Any:
        def charged(requests: Sequence[Any]) -> list[Any]:
            replies: list[Any] = complete(requests)
            spent = {name: sum(map(tokens, replies)), "calls": len(replies)}
            with self._lock:
                self.usage = self.usage + Usage(**spent)
            return replies

        return charged
