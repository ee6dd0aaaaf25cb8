"""The gateway's routes: from a request to work in the crew, and back.

Whatever ends a request (an answer, an error, a time-out, a client that hangs up) stops what
still works for it.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from surefoot.core.errors import Stopped
from surefoot.core.kinds import aggregate
from surefoot.core.types import LabelledTrace, Problem, StepScores, Trace, Usage
from surefoot.engine import OpenCrew
from surefoot.serve import gateway_schemas as say
from surefoot.serve.gateway_answers import (
    DONE,
    Answer,
    ChatForm,
    Form,
    Head,
    TextForm,
    answer_so_far,
    cost_of,
    event,
    remark,
    total,
    usage_out,
)
from surefoot.serve.gateway_ask import Ask, asked, text_of, traces_of
from surefoot.serve.gateway_errors import Refusal, error_body, refusal_of
from surefoot.serve.gateway_jobs import Desk, Job, settled, stop
from surefoot.serve.gateway_metrics import Metrics
from surefoot.serve.gateway_parts import Labeller, Limits, Served
from surefoot.serve.gateway_watch import Watch

T = TypeVar("T")
SoFar = Callable[[Watch, str], T | None]  # (what is known of a search, why it is cut short)
NOT_KEPT = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Routes:
    """What the gateway does at each address."""

    def __init__(self, served: Served, crew: OpenCrew, limits: Limits) -> None:
        self._served, self._limits = served, limits
        self.desk = Desk(crew, waiting=limits.waiting)
        self.metrics = Metrics(lambda: self.desk.taken)
        self._started = int(time.time())

    # --- completions -------------------------------------------------------

    async def chat(self, body: say.ChatRequest, request: Request) -> Response:
        """Answers a conversation with a search."""
        texts = [text_of(body.messages, self._limits.messages)]
        most = body.max_completion_tokens or body.max_tokens
        return await self._answered(ChatForm(), body, texts, most, request)

    async def complete(self, body: say.TextRequest, request: Request) -> Response:
        """Answers each prompt as a problem, with a search."""
        return await self._answered(TextForm(), body, body.prompts, body.max_tokens, request)

    async def _answered(
        self,
        form: Form,
        body: say.Generation,
        texts: Sequence[str],
        max_tokens: int | None,
        request: Request,
    ) -> Response:
        ask = asked(body, texts, max_tokens, served=self._served, limits=self._limits)
        prompt_tokens = await asyncio.to_thread(self._prompt_tokens, ask.problems)
        jobs = self._begun(ask.model, ask.works(self._served))
        head = self._head(form, ask)
        if not body.stream:
            answers = await self._all(request, jobs, answer_so_far)
            whole = form.whole(head, answers, prompt_tokens)
            return Response(whole.model_dump_json(), media_type="application/json")
        costs = body.stream_options is not None and bool(body.stream_options.include_usage)
        events = self._events(form, head, jobs, prompt_tokens if costs else None)
        return Events(events, jobs)

    async def _events(
        self, form: Form, head: Head, jobs: Sequence[Job[Answer]], prompt_tokens: int | None
    ) -> AsyncIterator[str]:
        """The answer as server-sent events. prompt_tokens: None if the cost is not to be told."""
        watches = [job.watch for job in jobs]
        shared = {
            "id": head.id,
            "object": form.chunk,
            "created": int(time.time()),
            "model": head.model,
            "system_fingerprint": head.fingerprint,
        }
        usage = {} if prompt_tokens is None else {"usage": None}
        answers: list[Answer] = []
        yield remark(watches)
        async for index in self._ended(jobs):
            if index is None:
                yield remark(watches)
                continue
            try:
                answer = self._result(jobs[index], answer_so_far)
            except Refusal as refusal:
                yield event(error_body(refusal)) + DONE
                return
            answers.append(answer)
            for delta in form.deltas(head, index, answer):
                yield event({**shared, **usage, "choices": [delta]})
        if prompt_tokens is not None:
            cost = usage_out(prompt_tokens, answers).model_dump()
            yield event({**shared, "choices": [], "usage": cost})
        yield DONE

    def _prompt_tokens(self, problems: Sequence[Problem]) -> int:
        """Of all; raises Refusal (400) for one that leaves no room to answer."""
        sizes = [self._served.prompt_tokens(problem) for problem in problems]
        most = self._served.context
        if most is not None and max(sizes) >= most:
            told = (
                f"This model's maximum context length is {most} tokens, and the prompt has "
                f"{max(sizes)}; shorten it"
            )
            raise Refusal(400, told, param="messages", code="context_length_exceeded")
        return sum(sizes)

    def _head(self, form: Form, ask: Ask) -> Head:
        return Head(
            id=form.prefix + secrets.token_hex(12),
            model=ask.model,
            search=ask.name,
            seed=ask.seed,
            fingerprint=self._served.fingerprint,
            separator=self._served.separator,
        )

    # --- steps -------------------------------------------------------------

    async def score(self, body: say.ScoreRequest, request: Request) -> say.ScoreList:
        """The verifier's score of every step."""
        if self._served.score is None:
            raise Refusal(404, "this server has no verifier", code="no_verifier")
        traces = traces_of(body.traces, self._limits)
        watch = Watch()
        score = partial(watch.scorer(self._served.score), traces)
        [scores_N] = await self._all(request, self._begun("score", [(watch, score)]))
        data = [self._score_out(index, scores) for index, scores in enumerate(scores_N)]
        return say.ScoreList(data=data, usage=cost_of(watch.usage))

    async def label(self, body: say.LabelRequest, request: Request) -> say.LabelList:
        """Evidence about every step."""
        if body.method not in self._served.labellers:
            told = f"there is no method {body.method[:80]!r}; there are "
            raise Refusal(
                404, told + (", ".join(self._served.labellers) or "none"), param="method",
                code="method_not_found",
            )  # fmt: skip
        labeller = self._served.labellers[body.method]
        pairs = [(Watch(), trace) for trace in traces_of(body.traces, self._limits)]
        works = [(w, partial(self._labelled, labeller, w, t, body.seed)) for w, t in pairs]
        labelled_N = await self._all(request, self._begun("label", works))
        data = [_labelled_out(index, labelled) for index, labelled in enumerate(labelled_N)]
        usage = total([watch.usage for watch, _ in pairs])
        return say.LabelList(data=data, usage=cost_of(usage))

    def _labelled(self, labeller: Labeller, watch: Watch, trace: Trace, seed: int) -> LabelledTrace:
        sample = watch.sampler(self._served.sampler(self._served.sampling))
        return labeller(trace, sample=sample, seed=seed)

    def _score_out(self, index: int, scores: StepScores) -> say.ScoreOut:
        return say.ScoreOut(
            index=index,
            kind=scores.kind,
            values=list(scores.values),
            score=aggregate(scores, self._served.aggregation),
            by=scores.by,
            tokens=scores.tokens,
        )

    # --- what there is -----------------------------------------------------

    async def models(self) -> say.ModelList:
        """All models: the policy, and each search over it."""
        return say.ModelList(
            data=[say.ModelOut(id=name, created=self._started) for name in self._served.models]
        )

    async def model(self, name: str) -> say.ModelOut:
        """One model."""
        if name not in self._served.models:
            told = f"there is no model {name[:80]!r}"
            raise Refusal(404, told, param="model", code="model_not_found")
        return say.ModelOut(id=name, created=self._started)

    async def health(self) -> say.Health:
        """That the gateway takes requests."""
        return say.Health(in_flight=self.desk.taken)

    async def metrics_page(self) -> Response:
        """Prometheus metrics."""
        return Response(self.metrics.text(), media_type="text/plain; version=0.0.4")

    # --- work and waiting --------------------------------------------------

    def _begun(self, label: str, works: Sequence[tuple[Watch, Callable[[], T]]]) -> list[Job[T]]:
        return self.desk.begin(works, ended=partial(self._count, label))

    def _count(self, label: str, watch: Watch, future: Future[Any]) -> None:
        self.metrics.ended(label, _how(future), watch.usage)

    async def _ended(self, jobs: Sequence[Job[T]]) -> AsyncIterator[int | None]:
        """Indices of the jobs as they end, None as signs of life; at the time-out, and when the
        server ends, all the rest."""
        left = set(range(len(jobs)))
        async for index in settled(jobs, self._limits.seconds, over=self.desk.over):
            left.discard(-1 if index is None else index)
            yield index
        stop([jobs[index] for index in left])
        for index in sorted(left):
            yield index

    def _result(self, job: Job[T], so_far: SoFar[T]) -> T:
        """What came of a job, or what there is of it so far. Raises Refusal."""
        error = _error(job.future)
        if error is None:
            return job.future.result()
        if not isinstance(error, Stopped):
            raise refusal_of(error) from error
        found = so_far(job.watch, "stopping" if self.desk.ending else "timeout")
        if found is not None:
            return found
        if self.desk.ending:
            raise refusal_of(error)
        told = f"no solution was finished within {self._limits.seconds:g} seconds"
        raise Refusal(504, told, code="timeout")

    async def _all(
        self, request: Request, jobs: Sequence[Job[T]], so_far: SoFar[T] = lambda *_: None
    ) -> list[T]:
        """[J] what came of each job; they stop as soon as nobody waits for them."""

        async def all_ended() -> None:
            async for _ in self._ended(jobs):
                pass

        waiting = [asyncio.create_task(all_ended()), asyncio.create_task(_hung_up(request))]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if not waiting[0].done():
                raise Refusal(499, "the client has hung up", code="hung_up")
            return [self._result(job, so_far) for job in jobs]
        finally:
            stop(jobs)
            for task in waiting:
                task.cancel()


class Events(StreamingResponse):
    """Server-sent events whose jobs stop with them, however they end."""

    def __init__(self, events: AsyncIterator[str], jobs: Sequence[Job[Answer]]) -> None:
        super().__init__(events, media_type="text/event-stream", headers=NOT_KEPT)
        self._jobs = jobs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends them all, or as many as the client wants."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            stop(self._jobs)


async def _hung_up(request: Request) -> None:
    """Waits until the client has gone; its body has been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _error(future: Future[Any]) -> BaseException | None:
    """What was raised; Stopped for work that was told to stop, whether it has noticed or not."""
    if future.cancelled() or not future.done():
        return Stopped("nobody waits for it any more")
    return future.exception()


def _how(future: Future[Any]) -> str:
    """How work ended: done, unfinished, stopped or failed."""
    if future.cancelled() or isinstance(future.exception(), Stopped):
        return "stopped"
    if future.exception() is not None:
        return "failed"
    result = future.result()
    return "unfinished" if isinstance(result, Answer) and result.why else "done"


def _labelled_out(index: int, labelled: LabelledTrace) -> say.LabelledOut:
    labels = [
        say.LabelOut(
            kind=label.kind,
            successes=label.successes,
            tries=label.tries,
            by=label.by,
            value=label.value,
            hard=label.hard,
        )
        for label in labelled.labels
    ]
    usage: Usage = labelled.usage
    return say.LabelledOut(
        index=index, labels=labels, notes=dict(labelled.notes), usage=cost_of(usage)
    )
