"""A served policy beside the same policy here, and every gap of a server worked around."""

import json
from dataclasses import replace

import pytest

pytest.importorskip("httpx", reason="needs surefoot[endpoint]")

from hypothesis import given
from hypothesis import strategies as st
from small_server import Local, Manners, Script, SmallServer, serving

from surefoot.core.errors import InputError, ModelError
from surefoot.core.records import trace_of, trace_record
from surefoot.core.seeds import rng_for
from surefoot.core.tree import Tree
from surefoot.core.types import Problem, Step, Trace
from surefoot.engine import Journal
from surefoot.engine.calls import served_calls
from surefoot.policy.abilities import Abilities
from surefoot.policy.endpoint import Address, load_endpoint, probed
from surefoot.policy.http import Patience, Refused
from surefoot.policy.reading import likelihood_of, spans
from surefoot.policy.sampling import Sampling
from surefoot.policy.served import Reply, cut, shares
from surefoot.tasks import trails

HASTY = Patience(tries=4, first=0.001, longest=0.002, deadline=20.0, timeout=10.0)
GREEDY = Sampling(temperature=0.0, max_tokens=120)
ALL = Abilities(
    model="small", n=True, stop=True, stop_told=True, prefill="as it is", keeps_end=True,
    logprobs=True, prompt_logprobs="prompt_logprobs", draws=True, seed=True, usage=True,
    context=1024,
)  # fmt: skip
PLAIN = replace(ALL, dialect="plain", prefill="", prompt_logprobs="echo")


@pytest.fixture(scope="module")
def local(pebble):
    pytest.importorskip("torch", reason="needs surefoot[models]")
    from surefoot.policy.local_decode import Decoder

    decoder = pebble.decoder
    greedy = Decoder(
        decoder.model, sampling=GREEDY, end_ids=decoder.end_ids, ends_step=decoder.ends_step,
        slots=16,
    )  # fmt: skip
    return replace(pebble, decoder=greedy, complete=greedy.complete)


@pytest.fixture(scope="module")
def problems():
    return trails.problems("test", 2, level="easy")


@pytest.fixture(scope="module")
def script(problems):
    return Script(problems)


@pytest.fixture
def serve(script):
    """Starts a server with some manners; returns (it, a policy behind it)."""
    running = []

    def start(manners=None, *, model=script, abilities=None, path="", name="small", **settings):
        server = SmallServer(model, manners, name=name)
        context = serving(server)
        url = context.__enter__()
        running.append(context)
        settings = {"sampling": GREEDY, "patience": HASTY, "instruction": "", **settings}
        policy = load_endpoint(url + path, abilities=abilities, say=lambda _: None, **settings)
        server.asked.clear()
        server.written.clear()
        return server, policy

    yield start
    for context in running:
        context.__exit__(None, None, None)


def texts(completion):
    return [step.text for step in completion.steps]


def by_steps(policy, problem):
    prefix, finished = (), False
    for _ in range(12):
        [[completion]] = policy(problem, [prefix], count=1, rng=rng_for(0), until="step")
        prefix, finished = prefix + completion.steps, completion.finished
        if finished or not completion.steps:
            break
    return prefix, finished


# --- what a server can do ------------------------------------------------------

GAPS = {
    "all": ({}, {}),
    "no n": ({"n": False}, {"n": False}),
    "stop text kept": ({"stop": "kept"}, {}),
    "stop not told": ({"stop": "silent"}, {"stop_told": False}),
    "no stop": ({"stop": ""}, {"stop": False, "stop_told": False}),
    "vLLM's prefill": (
        {"prefill": "continue_final_message"},
        {"prefill": "continue_final_message"},
    ),
    "DeepSeek's prefill": ({"prefill": "prefix"}, {"prefill": "prefix"}),
    "no prefill": ({"prefill": ""}, {"prefill": "", "keeps_end": False}),
    "end trimmed": ({"keeps_end": False}, {"keeps_end": False}),
    "no logprobs": ({"logprobs": False}, {"logprobs": False}),
    "no prompt logprobs": ({"read_logprobs": False}, {"prompt_logprobs": ""}),
    "no seed": ({"seed": False}, {"seed": False}),
    "no usage": ({"usage": False}, {"usage": False, "prefill": "", "keeps_end": False}),
    "small": ({"context": 512}, {"context": 512}),
    "new limit": ({"limit": "max_completion_tokens"}, {"limit": "max_completion_tokens"}),
    "no chat": (
        {"chat": False},
        {"dialect": "plain", "prefill": "", "prompt_logprobs": "echo"},
    ),
}


@pytest.mark.parametrize(("manners", "lacks"), GAPS.values(), ids=GAPS)
def test_a_probe_finds_what_is_there(serve, manners, lacks):
    _, policy = serve(Manners(**manners))
    assert policy.served.abilities == replace(ALL, **lacks)


def test_gaps_are_told_once_each(serve):
    told = []
    _, policy = serve()
    load_endpoint(policy.served.servers.urls[0], abilities=Abilities("small"), say=told.append)
    assert len(told) == 7
    assert all(line.startswith("http://127.0.0.1") for line in told)
    assert ALL.gaps() == []


# --- the same solutions as here --------------------------------------------------


@pytest.mark.parametrize("path", ["", "/completions"])
def test_solutions_are_those_of_the_policy_here(serve, local, problems, path):
    server, policy = serve(path=path, model=Local(local), abilities=PLAIN if path else ALL)
    for problem in problems[:1]:
        [[there]] = policy(problem, [()], count=1, rng=rng_for(0))
        [[near]] = local(problem, [()], count=1, rng=rng_for(0))
        assert texts(there) == texts(near)
        assert [step.tokens for step in there.steps] == [step.tokens for step in near.steps]
        assert there.finished == near.finished
        for x, y in zip(there.steps, near.steps, strict=True):
            assert x.logprobs == pytest.approx(y.logprobs, abs=1e-4)
        assert there.tokens == server.written[-1]


STEPWISE = [
    "all",
    "stop text kept",
    "stop not told",
    "no stop",
    "end trimmed",
    "no logprobs",
    "no chat",
]


@pytest.mark.parametrize("gap", STEPWISE)
def test_step_by_step_is_the_solution_whatever_is_lacking(serve, script, problems, gap):
    server, policy = serve(Manners(**GAPS[gap][0]))
    for problem in problems:
        server.written.clear()
        prefix, finished = by_steps(policy, problem)
        assert [step.text for step in prefix] == script.solutions[problem.text].split("\n")
        assert finished
        ends = 3 if gap == "stop not told" else 0  # it looked like a blank line three times
        assert sum(step.tokens for step in prefix) == sum(server.written) - ends


def test_step_by_step_is_the_policy_here(serve, local, problems):
    server, policy = serve(model=Local(local), abilities=ALL)
    prefix, finished = by_steps(policy, problems[0])
    near, ended = by_steps(local, problems[0])
    assert [step.text for step in prefix] == [step.text for step in near]
    assert finished == ended
    assert sum(step.tokens for step in prefix) == sum(server.written) - 1  # the end came alone


def test_a_chat_that_cannot_be_continued_is_shown_the_steps(serve, problems):
    server, policy = serve(Manners(prefill=""))
    policy(problems[0], [(Step("Ann = 3"),)], count=1, rng=rng_for(0))
    roles = [message["role"] for message in server.asked[-1]["messages"]]
    assert roles == ["user", "assistant", "user"]


def test_a_finished_prefix_is_not_asked_about(serve, problems):
    server, policy = serve()
    [[whole]] = policy(problems[0], [()], count=1, rng=rng_for(0))
    asked = len(server.asked)
    [both] = policy(problems[0], [whole.steps], count=2, rng=rng_for(0))
    assert [(c.steps, c.finished) for c in both] == [((), True)] * 2
    assert len(server.asked) == asked


def test_scores_are_those_of_the_policy_here(serve, local, problems):
    import torch

    [[solution]] = local(problems[0], [()], count=1, rng=rng_for(0))
    trace = Trace(problems[0], tuple(Step(step.text) for step in solution.steps))
    encoded = local.encoder.encode(trace.problem, trace.steps)
    with torch.inference_mode():
        logits = local.decoder.model(torch.tensor([encoded.ids])).logits[0]
    logprobs = logits.log_softmax(-1)[:-1].gather(1, torch.tensor(encoded.ids[1:])[:, None])[:, 0]
    expected = [float(logprobs[a - 1 : b - 1].sum()) for a, b in encoded.spans_S]
    for manners, path in (
        (Manners(), ""),
        (Manners(), "/completions"),
        (Manners(keeps_end=False), ""),
    ):
        can = PLAIN if path else replace(ALL, keeps_end=manners.keeps_end)
        _, policy = serve(manners, path=path, model=Local(local), abilities=can)
        [scores] = likelihood_of(policy)([trace])
        values = scores.values if manners.keeps_end else scores.values[:-1]
        assert values == pytest.approx(expected[: len(values)], abs=1e-4)
        assert scores.tokens == len(encoded.ids) - (not manners.keeps_end) + 4 * (not path)


def test_a_server_that_does_not_read_aloud_cannot_score(serve):
    _, policy = serve(Manners(read_logprobs=False))
    with pytest.raises(ModelError, match="no log-probabilities of what it reads"):
        likelihood_of(policy)


# --- draws -------------------------------------------------------------------------


def test_draws_are_repeated_by_their_seeds(serve, problems):
    _, policy = serve(sampling=Sampling(max_tokens=200))
    drawn = [policy(problems[0], [()], count=8, rng=rng_for(s))[0] for s in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert len({tuple(texts(c)) for c in drawn[0]}) > 1


def test_one_request_for_several_where_asked(serve, problems):
    server, policy = serve(Manners(seed=False), sampling=Sampling(max_tokens=20), choices=3)
    [drawn] = policy(problems[0], [()], count=7, rng=rng_for(0))
    assert sorted(body.get("n", 1) for body in server.asked) == [1, 3, 3]
    assert sum(c.tokens for c in drawn) == sum(server.written)


@pytest.mark.parametrize("logprobs", [True, False])
def test_missing_continuations_are_asked_for_and_costs_stay_exact(serve, problems, logprobs):
    server, policy = serve(
        Manners(seed=False, logprobs=logprobs), sampling=Sampling(max_tokens=20), choices=4
    )
    server.manners.faults[:] = ["few", "few"]
    [drawn] = policy(problems[0], [()], count=4, rng=rng_for(0))
    assert len(drawn) == 4
    assert [body.get("n", 1) for body in server.asked] == [4, 1, 1]


def test_no_continuation_at_all_is_a_failed_try(serve, problems):
    server, policy = serve(abilities=ALL)
    server.manners.faults[:] = ["few", {"choices": []}, {"choices": [{"text": 1}]}]
    [[completion]] = policy(problems[0], [()], count=1, rng=rng_for(0))
    assert completion.finished
    assert len(server.asked) == 4


def test_null_content_is_an_empty_solution(serve, problems):
    server, policy = serve(abilities=ALL)
    choice = {"index": 0, "message": {"content": None}, "finish_reason": "content_filter"}
    server.manners.faults[:] = [{"choices": [choice], "usage": None}]
    [[completion]] = policy(problems[0], [()], count=1, rng=rng_for(0))
    assert (completion.steps, completion.finished) == ((), False)


# --- what does not fit -----------------------------------------------------------------


def test_an_answer_longer_than_the_context_is_cut_off_there(serve, script, problems):
    context = len(script.pieces(problems[0].text)) + 4 + 20
    _, policy = serve(
        Manners(context=context),
        abilities=replace(ALL, context=context),
        sampling=Sampling(0.0, max_tokens=context - 1),
    )
    [[completion]] = policy(problems[0], [()], count=1, rng=rng_for(0))
    assert 18 <= completion.tokens <= 20
    assert not completion.finished
    assert policy.served.servers.happened["context overflow"] == 1


def test_a_prefix_that_fills_the_context_comes_back_unfinished(serve, problems):
    _, policy = serve(Manners(context=130), sampling=Sampling(0.0, max_tokens=60))
    prefix = (Step("Ann = 3 + 4 = 7"),) * 20
    [[completion, other]] = policy(problems[0], [prefix], count=2, rng=rng_for(0))
    assert (completion.steps, completion.finished) == ((), False) == (other.steps, other.finished)


OVERFLOWS = {
    "OpenAI": {
        "error": {
            "message": "This model's maximum context length is 512 tokens. However, you requested "
            "5000 tokens (4000 in the messages, 1000 in the completion).",
            "type": "invalid_request_error",
            "code": "context_length_exceeded",
        }
    },
    "vLLM before 0.10": {
        "object": "error",
        "message": "This model's maximum context length is 512 tokens. Please reduce the length",
        "type": "BadRequestError",
        "code": 400,
    },
    "vLLM, nothing left": {"object": "error", "message": "max_tokens must be at least 1, got -186"},
    "vLLM 0.32": {
        "error": {"message": "max_tokens=4000 cannot be greater than max_model_len=512."}
    },
    "llama.cpp": {
        "error": {
            "code": 400,
            "message": "the request exceeds the available context size, try increasing it",
            "type": "exceed_context_size_error",
        }
    },
}


@pytest.mark.parametrize("body", OVERFLOWS.values(), ids=OVERFLOWS)
def test_every_shape_of_overflow_is_known_and_not_tried_again(serve, problems, body):
    server, policy = serve(abilities=ALL)
    server.manners.faults[:] = [(400, body)] * 2
    [[completion]] = policy(problems[0], [(Step("Ann = 3"),)], count=1, rng=rng_for(0))
    assert (completion.steps, completion.finished) == ((), False)
    assert len(server.asked) == 2  # the request, and one that counts the prompt
    server.manners.faults[:] = [(400, body)] * 2
    with pytest.raises(InputError, match="longer than the context of 'small'"):
        policy(problems[0], [()], count=1, rng=rng_for(0))


def test_another_400_is_an_error(serve, problems):
    server, policy = serve(abilities=ALL)
    server.manners.faults[:] = [(400, {"error": {"message": "top_p must be positive"}})]
    with pytest.raises(Refused, match="top_p must be positive"):
        policy(problems[0], [()], count=1, rng=rng_for(0))


# --- the journal, and failure for good ---------------------------------------------------


def journalled(policy, path):
    journal = Journal(path)
    return journal, policy.through(
        lambda p: served_calls(p.served.stream, p.fingerprint, journal, reply=Reply)
    )


def test_an_answered_call_is_never_asked_again(serve, problems, tmp_path):
    server, policy = serve(sampling=Sampling(max_tokens=30))
    results = []
    for _ in range(2):
        journal, kept = journalled(policy, tmp_path / "calls.sqlite")
        results.append([kept(p, [()], count=3, rng=rng_for(0, p.id)) for p in problems])
        journal.close()
    assert results[0] == results[1]
    assert len(server.asked) == 6
    assert b"hush" not in (tmp_path / "calls.sqlite").read_bytes()


def test_what_was_answered_before_a_failure_is_kept(serve, problems, tmp_path):
    server, policy = serve(abilities=ALL, sampling=Sampling(max_tokens=10), at_once=1)
    server.manners.faults[:] = [None, None, (403, {"error": "no"})]
    journal, kept = journalled(policy, tmp_path / "calls.sqlite")
    with pytest.raises(Refused):
        kept(problems[0], [()], count=6, rng=rng_for(0))
    assert journal.count() == 2
    assert len(server.asked) == 3  # nothing new is begun after a failure for good
    [all_six] = kept(problems[0], [()], count=6, rng=rng_for(0))
    assert len(all_six) == 6
    assert len(server.asked) == 3 + 4
    assert journal.made_twice() == 0
    journal.close()


def test_the_key_reaches_the_server_and_nothing_else(serve, problems, tmp_path, monkeypatch):
    monkeypatch.setenv("MY_KEY", "hush-1234567")
    server, policy = serve(Manners(key="hush-1234567"), key_from="MY_KEY")
    journal, kept = journalled(policy, tmp_path / "calls.sqlite")
    kept(problems[0], [()], count=1, rng=rng_for(0))
    journal.close()
    assert server.headers[-1]["Authorization"] == "Bearer hush-1234567"
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"hush" not in stored
    assert "hush" not in repr(policy) + policy.fingerprint + json.dumps(ALL.record())
    server.manners.key = "changed"
    with pytest.raises(Refused) as caught:
        policy(problems[1], [()], count=1, rng=rng_for(0))
    assert "hush" not in str(caught.value)


# --- addresses -----------------------------------------------------------------------------


def test_addresses():
    one = Address.of("http://a:1/v1/#org/model")
    assert (one.urls, one.model, one.dialect) == (("http://a:1/v1",), "org/model", "")
    two = Address.of("http://a/v1/chat/completions,http://b/v1/chat/completions#m")
    assert (two.urls, two.dialect) == (("http://a/v1", "http://b/v1"), "chat")
    assert Address.of("http://a/v1/completions").dialect == "plain"


def test_a_wrong_model_or_address_is_told(serve):
    _, policy = serve()
    url = policy.served.servers.urls[0]
    with pytest.raises(ModelError, match=r"continues nothing as 'other'.*no model other"):
        probed(f"{url}#other", patience=HASTY)
    with pytest.raises(ModelError, match="no answer from"):
        probed("http://127.0.0.1:9/v1#m", patience=HASTY)
    with pytest.raises(InputError, match="must be 1 or more"):
        load_endpoint(url, at_once=0)


# --- tokens to steps ----------------------------------------------------------------------

words = st.text(alphabet="ab ä字\n", max_size=30)


@given(words, st.integers(0, 50), st.data())
def test_sizes_add_up_and_steps_lose_nothing(text, extra, data):
    """However a text is broken into tokens, and without any."""
    raw, pieces, start = text.encode(), [], 0
    while start < len(raw):
        stop = data.draw(st.integers(start + 1, len(raw)))
        pieces.append((raw[start:stop], -1.0))
        start = stop
    size = len(pieces) + extra
    expected = [line.strip() for line in text.split("\n") if line.strip()]
    for given_pieces in (tuple(pieces), ()):
        steps = cut(text, given_pieces, size, "\n")
        assert [step.text for step in steps] == expected
        assert sum(step.size for step in steps) == (size if expected else 0)


def test_tokens_belong_to_the_step_they_begin_in():
    pieces = tuple(
        (piece.encode(), -float(k)) for k, piece in enumerate(["a", " b\n", "\n", "c", "\n"])
    )
    first, second = cut("a b\n\nc\n", pieces, 6, "\n")
    assert (first.text, first.logprobs, first.size) == ("a b", (0.0, -1.0, -2.0), 3)
    assert (second.text, second.logprobs, second.size) == ("c", (-3.0, -4.0), 3)  # with its end


@given(st.integers(0, 1000), st.lists(st.integers(0, 50), min_size=1, max_size=9))
def test_shares_add_up(total, weights):
    parts = shares(total, weights)
    assert sum(parts) == (total if sum(weights) else 0)
    assert all(part >= 0 for part in parts)


def test_scores_fall_on_the_step_a_token_begins_in():
    tokens = [
        ("Q", -9.0),
        ("\n", -9.0),
        ("a", -1.0),
        ("\ufffd", -2.0),
        ("\ufffd\n", -3.0),
        ("b\n", -4.0),
    ]
    assert spans(tokens, ["aä\n", "b\n"], kept_end=True) == (-6.0, -4.0)
    assert spans(tokens, ["x\n", "b\n"], kept_end=True) is None
    assert spans(tokens, [], kept_end=True) == ()


# --- sizes are kept --------------------------------------------------------------------------


def test_sizes_and_ends_survive_files_and_trees():
    steps = (Step("a", size=3), Step("b", size=4, ended=True))
    trace = Trace(Problem("p", "?"), steps)
    assert trace.tokens == 7
    assert trace_of(trace_record(trace)) == trace
    tree = Tree()
    tree.add(tree.add(0, steps[0]), steps[1])
    assert Tree.from_json(tree.to_json()).steps[1:] == list(steps)
    assert Step("a", ids=(1, 2)).tokens == 2
