"""The gateway through the official client and through bare HTTP: a real server on a free port."""

import asyncio
import json
import threading

import pytest

pytest.importorskip("fastapi", reason="needs surefoot[serve]")
pytest.importorskip("uvicorn", reason="needs surefoot[serve]")
pytest.importorskip("openai", reason="needs surefoot[dev]")

import httpx
import openai
from gateway_world import QUESTION, RIGHT, TOKEN, WRONG, scripted, serving, until

from surefoot.engine import OpenCrew
from surefoot.serve import gateway

LETTERS = len("".join(RIGHT))
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
HTTP = httpx.Client(timeout=20)  # one for all: each would read the system's certificates anew


@pytest.fixture(scope="module")
def drawn():
    return []


@pytest.fixture(scope="module")
def address(drawn):
    with serving(scripted(drawn=drawn), body_bytes=20_000) as address:
        yield address


@pytest.fixture(scope="module")
def client(address):
    with openai.OpenAI(base_url=f"{address}/v1", api_key=TOKEN, max_retries=0) as client:
        yield client


def chat(client, model="toy+vote9", **more):
    return client.chat.completions.create(
        **{"model": model, "messages": QUESTION, "seed": 1, **more}
    )


# --- the official client ----------------------------------------------------


def test_models(client):
    names = [model.id for model in client.models.list()]
    assert names == ["toy", "toy+vote9", "toy+best_of_4", "toy+beam2x2"]
    assert client.models.retrieve("toy+vote9").owned_by == "surefoot"


@pytest.mark.parametrize("model", ["toy+vote9", "toy+best_of_4", "toy+beam2x2"])
def test_an_answer_and_what_all_of_the_search_cost(client, model):
    found = chat(client, model)
    [choice] = found.choices
    assert (choice.message.role, choice.message.content) == ("assistant", "\n".join(RIGHT))
    assert choice.finish_reason == "stop"
    cost = found.usage.model_extra["surefoot"]
    verified = {"toy+vote9": 0, "toy+best_of_4": 4 * 2}.get(model)
    assert cost["policy_tokens"] == found.usage.completion_tokens
    assert verified is None or cost["verifier_tokens"] == verified
    assert found.usage.total_tokens == found.usage.prompt_tokens + found.usage.completion_tokens
    assert found.usage.completion_tokens_details.reasoning_tokens == (
        found.usage.completion_tokens - LETTERS
    )
    if model == "toy+vote9":
        assert (cost["policy_tokens"], cost["calls"]) == (9 * LETTERS, 9)  # both are as long
    assert found.system_fingerprint == "toy-1"


def test_equal_seeds_give_equal_answers_and_the_seed_is_told(client):
    def said(**more):
        found = chat(client, "toy", n=16, **more)
        return [choice.message.content for choice in found.choices], found.model_extra["surefoot"]

    first, told = said()
    assert told["seed"] == 1
    assert said()[0] == first
    assert len(set(first)) == 2, "each of the n has its own draws"
    free, told = said(seed=None)
    assert said(seed=told["seed"])[0] == free


def test_what_a_request_asks_for_reaches_the_policy(client, drawn):
    chat(client, temperature=0.25, top_p=0.5, max_tokens=7)
    sampling = drawn[-1]
    assert (sampling.temperature, sampling.top_p, sampling.max_tokens) == (0.25, 0.5, 7)
    chat(client, max_completion_tokens=9, max_tokens=7)
    assert drawn[-1].max_tokens == 9


def test_stop(client):
    [choice] = chat(client, "toy", stop=["=", "The"]).choices
    assert (choice.message.content, choice.finish_reason) == ("2 + 2 ", "stop")


def test_a_budget_and_another_strategy(client):
    options = {"policy_tokens": 2 * LETTERS, "strategy": "best_of_4"}
    found = chat(client, "toy+vote9", extra_body={"surefoot": options})
    assert found.usage.completion_tokens == 2 * LETTERS
    assert found.model_extra["surefoot"]["search"] == "best_of_4"
    assert found.model_extra["surefoot"]["choices"][0]["candidates"] == 2


def test_no_budget_at_all_leaves_an_empty_answer_cut_short(client):
    [choice] = chat(client, extra_body={"surefoot": {"policy_tokens": 0}}).choices
    assert (choice.message.content, choice.finish_reason) == ("", "length")


def test_streaming(client):
    chunks = list(chat(client, stream=True, n=2, stream_options={"include_usage": True}))
    said = ["", ""]
    for chunk in chunks[:-1]:
        assert chunk.usage is None
        [choice] = chunk.choices
        said[choice.index] += choice.delta.content or ""
    assert said == ["\n".join(RIGHT)] * 2
    assert [c.choices[0].finish_reason for c in chunks[:-1]].count("stop") == 2
    assert chunks[-1].choices == []
    assert chunks[-1].usage.completion_tokens == 2 * 9 * LETTERS
    whole = chat(client, n=2)
    assert [choice.message.content for choice in whole.choices] == said


def test_streaming_without_usage_tells_none(client):
    chunks = list(chat(client, stream=True))
    assert all(chunk.usage is None and len(chunk.choices) == 1 for chunk in chunks)


def test_the_stream_helper_of_the_client(client):
    with client.chat.completions.stream(model="toy+vote9", messages=QUESTION, seed=1) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].message.content == "\n".join(RIGHT)


def test_the_older_completions(client):
    found = client.completions.create(model="toy+vote9", prompt=["2 + 2?", "again"], n=2, seed=1)
    assert [choice.index for choice in found.choices] == [0, 1, 2, 3]
    assert {choice.text for choice in found.choices} == {"\n".join(RIGHT)}
    chunks = client.completions.create(model="toy", prompt="2 + 2?", seed=1, stream=True)
    alone = client.completions.create(model="toy", prompt="2 + 2?", seed=1)
    assert "".join(chunk.choices[0].text for chunk in chunks) == alone.choices[0].text


def test_async(address):
    async def run():
        async with openai.AsyncOpenAI(
            base_url=f"{address}/v1", api_key=TOKEN, max_retries=0
        ) as client:
            plain = [chat(client) for _ in range(6)]
            found = await asyncio.gather(*plain)
            stream = await chat(client, stream=True)
            said = [chunk.choices[0].delta.content or "" async for chunk in stream]
        return [f.choices[0].message.content for f in found], "".join(said)

    answers, streamed = asyncio.run(run())
    assert {*answers, streamed} == {"\n".join(RIGHT)}


@pytest.mark.parametrize(
    ("error", "change"),
    [
        (openai.NotFoundError, {"model": "toy+nothing"}),
        (openai.NotFoundError, {"extra_body": {"surefoot": {"strategy": "magic"}}}),
        (openai.BadRequestError, {"messages": []}),
        (openai.BadRequestError, {"messages": [{"role": "assistant", "content": "4"}]}),
        (openai.BadRequestError, {"messages": QUESTION * 65}),
        (openai.BadRequestError, {"n": 17}),
        (openai.BadRequestError, {"max_tokens": 10**6}),
        (openai.BadRequestError, {"max_tokens": 0}),
        (openai.BadRequestError, {"temperature": -1}),
        (openai.BadRequestError, {"stop": ""}),
        (openai.BadRequestError, {"logprobs": True}),
        (openai.BadRequestError, {"response_format": {"type": "json_object"}}),
        (openai.BadRequestError, {"extra_body": {"surefoot": {"tokens": 1}}}),
        (openai.BadRequestError, {"extra_body": {"surefoot": {"calls": -1}}}),
        (
            openai.BadRequestError,
            {"tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}]},
        ),
    ],
)
def test_what_cannot_be_served_is_the_clients_own_error(client, error, change):
    with pytest.raises(error) as raised:
        chat(client, **change)
    assert raised.value.type == "invalid_request_error"
    assert str(raised.value.body["message"])


# --- who may ask, and what ----------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": TOKEN},
    ],
)
@pytest.mark.parametrize("path", ["/v1/models", "/v1/chat/completions", "/metrics", "/nowhere"])
def test_without_a_token_nothing_is_told(address, path, given):
    for method in ("GET", "POST"):
        answer = HTTP.request(method, address + path, headers=given, content=b"{")
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.json()["error"]["code"] == "invalid_api_key"
        assert "SUREFOOT_API_KEY" in answer.json()["error"]["message"]


def test_health_is_open(address):
    assert HTTP.get(f"{address}/health").json() == {"status": "ok", "in_flight": 0}


def test_the_door_is_open_only_on_purpose():
    with serving(scripted(), tokens=None) as address:
        assert HTTP.get(f"{address}/v1/models").status_code == 200
    crew = OpenCrew(1)
    with pytest.raises(ValueError, match="at least one token"):
        gateway(scripted(), crew=crew, tokens=[])
    crew.close()


HOSTILE = {
    "empty": b"",
    "not JSON": b"{",
    "not UTF-8": b'{"model": "\xff"}',
    "a list": b"[]",
    "null": b"null",
    "a lone surrogate": b'{"model":"toy","messages":[{"role":"user","content":"\\ud800"}]}',
    "a surrogate's name": b'{"model":"\\ud800","messages":[{"role":"user","content":"x"}]}',
    "deep": b"[" * 19_000,
    "long number": b'{"model":"toy","messages":[],"n":' + b"9" * 5000 + b"}",
    "not a number": b'{"model":"toy","messages":[{"role":"user","content":"x"}],"temperature":NaN}',
    "endless": b'{"model":"toy","messages":[{"role":"user","content":"x"}],"temperature":Infinity}',
    "a picture": b'{"model":"toy","messages":[{"role":"user","content":[{"type":"image_url"}]}]}',
    "a number as text": b'{"model":"toy","messages":[{"role":"user","content":"x"}],"n":"2"}',
    "an empty message": b'{"model":"toy","messages":[{"role":"user","content":" "}]}',
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize(
    "path", ["/v1/chat/completions", "/v1/completions", "/v1/score", "/v1/label"]
)
def test_hostile_bodies_are_refused(address, path, body):
    headers = {**HEADERS, "Content-Type": "application/json"}
    answer = HTTP.post(address + path, headers=headers, content=body)
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert set(error) == {"message", "type", "param", "code"}


def test_a_large_body_is_refused_before_it_is_read(address):
    def pieces():
        for _ in range(100):
            yield b" " * 1000

    stated = HTTP.post(f"{address}/v1/score", headers=HEADERS, content=b" " * 20_001)
    unstated = HTTP.post(f"{address}/v1/score", headers=HEADERS, content=pieces())
    for answer in (stated, unstated):
        assert answer.status_code == 413
        assert answer.json()["error"]["code"] == "body_too_large"


def test_other_addresses_and_methods(address):
    assert HTTP.get(f"{address}/nowhere", headers=HEADERS).json()["error"]["code"] == "not_found"
    answer = HTTP.get(f"{address}/v1/score", headers=HEADERS)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


# --- steps --------------------------------------------------------------------


def test_scores(address):
    traces = [{"problem": "2 + 2?", "steps": RIGHT}, {"problem": "2 + 2?", "steps": WRONG[:1]}]
    answer = HTTP.post(f"{address}/v1/score", headers=HEADERS, json={"traces": traces}).json()
    assert [row["values"] for row in answer["data"]] == [[0.9, 0.9], [0.1]]
    assert [row["score"] for row in answer["data"]] == [0.9, 0.1]
    assert answer["usage"]["verifier_tokens"] == 3


def test_labels(address):
    traces = [{"problem": "2 + 2?", "steps": RIGHT}, {"problem": "2 + 2?", "steps": WRONG}]
    body = {"method": "calculator", "traces": traces}
    answer = HTTP.post(f"{address}/v1/label", headers=HEADERS, json=body).json()
    hard = [[label["hard"] for label in row["labels"]] for row in answer["data"]]
    assert hard == [[True, None], [False, None]]
    body["method"] = "guess"
    answer = HTTP.post(f"{address}/v1/label", headers=HEADERS, json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "method_not_found")


@pytest.mark.parametrize("limit", [{"traces": 1}, {"steps": 3}])
def test_too_many_traces(limit):
    traces = [{"problem": "2 + 2?", "steps": RIGHT}] * 2
    with serving(scripted(), **limit) as address:
        answer = HTTP.post(f"{address}/v1/score", headers=HEADERS, json={"traces": traces})
    assert answer.status_code == 400
    assert "limit" in answer.json()["error"]["message"]


# --- time, room, and clients that leave ------------------------------------------


class Gate:
    """Wraps a policy whose calls wait to be let through, from the n-th on."""

    def __init__(self, free=0):
        self.free, self.calls = free, 0
        self.open = threading.Event()

    def __call__(self, sample):
        def gated(problem, prefixes, **more):
            self.calls += 1
            if self.calls > self.free:
                assert self.open.wait(20)
            return sample(problem, prefixes, **more)

        return gated


def ask(address, **more):
    body = {"model": "toy", "messages": QUESTION, "seed": 1, **more}
    return HTTP.post(f"{address}/v1/chat/completions", headers=HEADERS, json=body, timeout=20)


def in_flight(address):
    return HTTP.get(f"{address}/health").json()["in_flight"]


BUDGETED = {"surefoot": {"strategy": "best_of_4", "policy_tokens": 10**6}}  # one by one


@pytest.mark.parametrize("stream", [False, True])
def test_a_time_out_returns_the_best_so_far(stream):
    gate = Gate(free=2)
    with serving(scripted(RIGHT, wrap=gate), seconds=0.5) as address:
        answer = ask(address, stream=stream, **BUDGETED)
        gate.open.set()
        until(lambda: in_flight(address) == 0)
    assert gate.calls == 3, "the search stops at its next call"
    assert answer.status_code == 200
    if stream:
        events = [line[6:] for line in answer.text.splitlines() if line.startswith("data: ")]
        assert events.pop() == "[DONE]"
        said = [json.loads(event)["choices"][0]["delta"].get("content", "") for event in events]
        assert "".join(said) == "\n".join(RIGHT)
        return
    assert answer.json()["choices"][0]["message"]["content"] == "\n".join(RIGHT)
    assert answer.json()["surefoot"]["choices"][0]["why"] == "timeout"


@pytest.mark.parametrize("stream", [False, True])
def test_a_time_out_with_nothing_found_is_an_error(stream):
    gate = Gate()
    with serving(scripted(wrap=gate), seconds=0.3) as address:
        answer = ask(address, stream=stream)
        gate.open.set()
    assert answer.status_code == (200 if stream else 504)
    assert '"code": "timeout"' in answer.text or '"code":"timeout"' in answer.text


def test_more_than_there_is_room_for_is_refused():
    gate = Gate()
    with serving(scripted(wrap=gate), size=1, waiting=1) as address:
        threads = [threading.Thread(target=ask, args=(address,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        until(lambda: in_flight(address) == 2)
        refused = ask(address)
        gate.open.set()
        for thread in threads:
            thread.join(20)
        until(lambda: in_flight(address) == 0)
        assert ask(address).status_code == 200
    assert refused.status_code == 429
    assert refused.headers["Retry-After"]
    assert refused.json()["error"]["code"] == "too_busy"


def hang_up(url, body):
    """Asks, and leaves when nothing has come for a while."""
    patience = httpx.Timeout(20, read=0.4)
    with HTTP.stream("POST", url, json=body, headers=HEADERS, timeout=patience) as answer:
        answer.read()


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_stops_its_search(stream):
    gate = Gate()
    with serving(scripted(wrap=gate)) as address:
        body = {"model": "toy", "messages": QUESTION, "stream": stream, **BUDGETED}
        with pytest.raises(httpx.ReadTimeout):
            hang_up(f"{address}/v1/chat/completions", body)
        assert gate.calls == 1
        until(lambda: "surefoot_in_flight 1.0" in HTTP.get(
            f"{address}/metrics", headers=HEADERS).text)  # fmt: skip
        gate.open.set()
        until(lambda: in_flight(address) == 0)
        told = HTTP.get(f"{address}/metrics", headers=HEADERS).text
    assert gate.calls == 1, "it stopped at its next call"
    assert 'surefoot_searches_total{end="stopped",model="toy"} 1.0' in told


def test_work_that_fails_is_a_500_without_its_words():
    def broken(sample):
        def fail(problem, prefixes, **more):
            raise RuntimeError("the secret of the house")

        return fail

    with serving(scripted(wrap=broken)) as address:
        answer, streamed = ask(address), ask(address, stream=True)
        assert ask(address, n=2).status_code == 500  # and it goes on
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal_error")
    assert "internal_error" in streamed.text
    assert "secret" not in answer.text + streamed.text


def test_clients_share_batches():
    """While the model works for one client, 31 others ask: they are answered by one call."""
    crew, gate, sizes = OpenCrew(32), threading.Event(), []

    def merged(sample):
        def complete(requests):
            sizes.append(len(requests))
            assert gate.wait(20)
            return [
                sample(problem, prefixes, count=count, rng=rng, until=how)
                for problem, prefixes, count, rng, how in requests
            ]

        ask_crew = crew.merged(complete)

        def through(problem, prefixes, *, count, rng, until="end"):
            return ask_crew([(problem, prefixes, count, rng, until)])[0]

        return through

    with serving(scripted(wrap=merged), crew=crew) as address:
        threads = [threading.Thread(target=ask, args=(address,)) for _ in range(32)]
        for thread in threads:
            thread.start()
        until(lambda: sum(sizes) + len(crew._tickets) == 32)
        first = sum(sizes)
        gate.set()
        for thread in threads:
            thread.join(20)
    assert sizes == [first, 32 - first]


def test_openapi_says_what_is_answered(address):
    told = HTTP.get(f"{address}/openapi.json").json()
    assert set(told["paths"]["/v1/score"]["post"]["responses"]) == {
        "200", "400", "401", "404", "408", "413", "429", "500", "502", "503", "504",
    }  # fmt: skip
    assert not {"HTTPValidationError", "ValidationError"} & set(told["components"]["schemas"])
    assert told["paths"]["/v1/score"]["post"]["security"] == [{"HTTPBearer": []}]
