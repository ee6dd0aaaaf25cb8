"""Real servers beside the same model in this process, greedily and in float32.

Start them (scripts/start_vllm_cpu.sh and scripts/start_transformers_serve.sh say more):

    DTYPE=float32 PORT=8000 scripts/start_vllm_cpu.sh &
    DTYPE=float32 PORT=8001 scripts/start_transformers_serve.sh &
    export SUREFOOT_SMOLLM2=~/.cache/surefoot-servers/smollm2
    export SUREFOOT_VLLM=http://127.0.0.1:8000/v1
    export SUREFOOT_TRANSFORMERS_SERVE=http://127.0.0.1:8001/v1
    pytest -m slow -s tests/policy/test_real_servers.py
"""

import os
from dataclasses import replace

import pytest

from surefoot.annotate import critic
from surefoot.core.seeds import rng_for
from surefoot.core.types import Kind, Problem, Step, StepScores, Trace
from surefoot.policy.abilities import Abilities
from surefoot.policy.endpoint import load_endpoint, probed
from surefoot.policy.reading import likelihood_of
from surefoot.policy.sampling import Sampling
from surefoot.search import beam

pytestmark = pytest.mark.slow

MODEL = os.environ.get("SUREFOOT_SMOLLM2", "")
VLLM = os.environ.get("SUREFOOT_VLLM", "")
TRANSFORMERS = os.environ.get("SUREFOOT_TRANSFORMERS_SERVE", "")
GREEDY = Sampling(temperature=0.0, max_tokens=16)
PROBLEMS = [
    Problem("apples", "Ann has 3 apples and buys 4 more. How many apples has she?", "7"),
    Problem("train", "A train runs 60 km in an hour. How far does it run in 3 hours?", "180"),
    Problem("socks", "Tim has 5 pairs of socks. How many socks are that?", "10"),
]
SOLUTION = Trace(
    PROBLEMS[0],
    (Step("Ann has 3 apples."), Step("She buys 4 more: 3 + 4 = 7."), Step("The answer is 7.")),
)

# Shown by hand, with curl: what each of them does, in its versions of 2026.
KNOWN = {
    "vllm": Abilities(
        model="smollm2", root=MODEL, n=True, stop=True, stop_told=True,
        prefill="continue_final_message", keeps_end=True, logprobs=True,
        prompt_logprobs="prompt_logprobs", draws=True, seed=True, usage=True, context=2048,
    ),
    "transformers": Abilities(
        model=MODEL, stop=True, stop_told=True, draws=True, usage=True,
        # seeds are set for the whole process: of requests at the same time none has its own
    ),
}  # fmt: skip
KNOWN |= {
    "vllm plain": replace(KNOWN["vllm"], dialect="plain", prefill="", prompt_logprobs="echo"),
    "transformers plain": replace(KNOWN["transformers"], dialect="plain", keeps_end=True),
}
ADDRESSES = {
    "vllm": f"{VLLM}#smollm2",
    "vllm plain": f"{VLLM}/completions#smollm2",
    "transformers": f"{TRANSFORMERS}#{MODEL}",
    "transformers plain": f"{TRANSFORMERS}/completions#{MODEL}",
}


@pytest.fixture(params=ADDRESSES)
def name(request):
    return request.param


@pytest.fixture
def served(name):
    """The policy behind a server."""
    if not MODEL or not (VLLM if name.startswith("vllm") else TRANSFORMERS):
        pytest.skip("no server: set SUREFOOT_SMOLLM2, SUREFOOT_VLLM, SUREFOOT_TRANSFORMERS_SERVE")
    return load_endpoint(
        ADDRESSES[name], sampling=GREEDY, abilities=KNOWN[name], say=lambda _: None
    )


@pytest.fixture(scope="module")
def here():
    """The same model in this process, float32, by its chat template."""
    if not MODEL:
        pytest.skip("no model: set SUREFOOT_SMOLLM2 to the folder that scripts/smollm2.py wrote")
    from surefoot.policy.local import load_policy

    return load_policy(MODEL, sampling=GREEDY, dtype="float32", device="cpu", slots=16)


@pytest.fixture
def local(here, name):
    """With the prompt that the server is shown."""
    from surefoot.steps import Encoder

    if not name.endswith("plain"):
        return here
    tokenizer = here.encoder.tokenizer

    def prompt(problem):  # with what the tokenizer itself begins a text with, as servers do
        return tokenizer(f"{problem.text}\n")["input_ids"]

    return replace(here, encoder=Encoder(tokenizer, prompt))


def texts(completion):
    return [step.text for step in completion.steps]


def paragraphs(name, local):
    """(served, local) that write the steps of this model, which are paragraphs, to their ends."""
    from surefoot.policy.local_decode import Decoder

    sampling, encoder = Sampling(0.0, max_tokens=80), replace(local.encoder, separator="\n\n")
    decoder = Decoder(
        local.decoder.model, sampling=sampling, end_ids=local.decoder.end_ids,
        ends_step=encoder.ends_step, slots=16,
    )  # fmt: skip
    served = load_endpoint(
        ADDRESSES[name], sampling=sampling, separator="\n\n", abilities=KNOWN[name],
        say=lambda _: None,
    )  # fmt: skip
    here = replace(local, encoder=encoder, decoder=decoder, complete=decoder.complete)
    return served, by_text(here)


def by_text(policy):
    """A policy that reads prompt and prefix as one text, as servers do. Step by step its ids may be
    others: a model that writes two line breaks need not write the token that stands for both, and
    between two near ties that decides."""
    tokenizer = policy.encoder.tokenizer

    def sample(problem, prefixes, **settings):
        [prefix] = prefixes
        said = "".join(step.text + "\n\n" for step in prefix)
        text = tokenizer.decode(policy.encoder.prompt(problem)) + said
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        read = replace(policy, encoder=replace(policy.encoder, prompt=lambda _: ids))
        return read(problem, [()], **settings)

    return sample


def by_steps(policy, problem, most=3):
    """One step after the other."""
    prefix, rng = (), rng_for(0)
    for _ in range(most):
        [[completion]] = policy(problem, [prefix], count=1, rng=rng, until="step")
        prefix += completion.steps
        if completion.finished or not completion.steps:
            break
    return [step.text for step in prefix]


def test_abilities_are_those_it_has(name, served):
    found = probed(ADDRESSES[name])
    assert served.served.abilities == found
    print(f"\n{name}: {found}", *found.gaps(), sep="\n  ")


def test_greedy_solutions_are_those_of_the_same_model_here(served, local):
    for problem in PROBLEMS:
        [[there]] = served(problem, [()], count=1, rng=rng_for(0))
        [[near]] = local(problem, [()], count=1, rng=rng_for(0))
        assert texts(there) == texts(near)
        assert (there.tokens, there.finished) == (near.tokens, near.finished)
        if served.served.abilities.logprobs:
            worst = max(
                abs(a - b)
                for x, y in zip(there.steps, near.steps, strict=True)
                for a, b in zip(x.logprobs, y.logprobs, strict=True)
            )
            print(f"{problem.id}: {near.tokens} tokens, log-probabilities within {worst:.2g}")
            assert worst < 1e-3


# transformers serve finds a stop text that begins in the prompt: a line break at its end and one
# written make an empty line, so a plain prompt's first paragraph is cut off before it begins.
@pytest.mark.parametrize("name", ["vllm", "vllm plain"], indirect=True)
def test_step_by_step_is_the_same(name, served, local):
    there, near = paragraphs(name, local)
    for problem in PROBLEMS[:2]:
        assert by_steps(there, problem) == by_steps(near, problem)


def test_a_chat_that_cannot_be_continued_still_goes_on(name, served):
    if name != "transformers":
        pytest.skip("this one continues")
    assert by_steps(served, PROBLEMS[0], most=2)


def test_several_draws_differ_and_cost_what_is_counted(served):
    warm = replace(served, complete=replace(served.served, sampling=Sampling(1.0, 1.0, 8)).complete)
    [drawn] = warm(PROBLEMS[0], [()], count=4, rng=rng_for(0))
    assert len({tuple(texts(completion)) for completion in drawn}) > 1
    assert all(1 <= completion.tokens <= 8 for completion in drawn)


def test_a_judge_says_the_same(served, local):
    there = critic(SOLUTION, judge=served, votes=1)
    near = critic(SOLUTION, judge=local, votes=1)
    assert (there.labels, there.notes) == (near.labels, near.notes)
    assert there.usage == near.usage


@pytest.mark.parametrize("name", ["vllm", "vllm plain"], indirect=True)
def test_scores_are_those_of_the_same_model_here(served, local, name):
    [there] = likelihood_of(served)([SOLUTION])
    near = likelihood_here(local, SOLUTION)
    worst = max(abs(a - b) for a, b in zip(there.values, near, strict=True))
    print(f"{name}: {there.values}, within {worst:.2g} of the model here")
    assert worst < 1e-3


@pytest.mark.parametrize("name", ["vllm", "vllm plain"], indirect=True)
def test_a_beam_over_policy_and_scorer_is_the_same(served, local, name):
    def written(sample, score):
        """Every step that is tried, and the order in which the scorer has the prefixes."""
        steps, scored = [], []

        def heard(*arguments, **settings):
            grown = sample(*arguments, **settings)
            if settings.get("until") == "step":  # a long end may part at a near tie
                steps.extend(texts(completion) for row in grown for completion in row)
            return grown

        def ranked(traces):
            found = score(traces)
            scored.extend(sorted(range(len(found)), key=lambda i: -sum(found[i].values)))
            return found

        beam(
            PROBLEMS[1], sample=heard, score=ranked, check=lambda *_: None, rng=rng_for(0),
            beams=2, width=2, rounds=2,
        )  # fmt: skip
        return steps, scored

    def here_scores(traces):
        return [
            StepScores(Kind.LOGRATIO, likelihood_here(local, trace), "here") for trace in traces
        ]

    policy, near = paragraphs(name, local)
    assert written(policy, likelihood_of(served)) == written(near, here_scores)


def likelihood_here(local, trace):
    import torch

    encoded = local.encoder.encode(trace.problem, trace.steps)
    with torch.inference_mode():
        logits = local.decoder.model(torch.tensor([encoded.ids])).logits[0].float()
    logprobs = logits.log_softmax(-1)[:-1].gather(1, torch.tensor(encoded.ids[1:])[:, None])[:, 0]
    return tuple(float(logprobs[a - 1 : b - 1].sum()) for a, b in encoded.spans_S)
