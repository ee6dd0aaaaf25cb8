"""A local policy continues prefixes in steps, repeatably; what cannot be loaded says why."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs surefoot[models]")

from surefoot.core.errors import ModelError
from surefoot.core.types import Problem, Step
from surefoot.policy.local import fingerprint, load_policy
from surefoot.policy.local_decode import Reply, Sampling
from surefoot.tasks import trails


@pytest.fixture(scope="module")
def problem():
    return trails.problems("test", 1, level="easy")[0]


def seeded(seed=0):
    return np.random.default_rng(seed)


def test_pebble_solves_in_steps(pebble, problem):
    [ends] = pebble(problem, [()], count=8, rng=seeded())
    assert any(end.finished for end in ends)
    for end in ends:
        assert all(step.text and "\n" not in step.text for step in end.steps)
        assert all(len(step.ids) == len(step.logprobs) > 0 for step in end.steps)
        assert all(logprob <= 0 for step in end.steps for logprob in step.logprobs)
    assert sum(end.steps[-1].text.startswith("The answer is") for end in ends) >= 4


def test_same_rng_same_completions_and_one_seed_a_request(pebble, problem):
    first = pebble(problem, [(), ()], count=3, rng=seeded(5))
    assert pebble(problem, [(), ()], count=3, rng=seeded(5)) == first
    assert pebble(problem, [()], count=3, rng=seeded(5))[0] == first[0]
    assert pebble(problem, [(), ()], count=3, rng=seeded(6)) != first
    assert len({end for row in first for end in row}) > 1


def test_until_step_stops_at_the_separator(pebble, problem):
    [ends] = pebble(problem, [()], count=6, rng=seeded(), until="step")
    for end in ends:
        [step] = end.steps
        assert not end.finished
        assert pebble.encoder.tokenizer.decode(step.ids) == step.text + "\n"


def test_step_by_step_reads_the_ids_that_were_written(pebble, problem):
    """A greedy solution comes out the same in one go and in single steps."""
    from dataclasses import replace

    greedy = load_policy(
        "pebble", sampling=Sampling(temperature=0, max_tokens=120), device="cpu", slots=16
    )
    [[whole]] = greedy(problem, [()], count=1, rng=seeded())
    steps, finished = (), False
    while not finished and len(steps) < 20:
        [[end]] = greedy(problem, [steps], count=1, rng=seeded(), until="step")
        steps, finished = steps + end.steps, end.finished
    assert [s.text for s in steps] == [s.text for s in whole.steps]
    assert finished == whole.finished
    [[again]] = greedy(problem, [tuple(replace(s, ids=()) for s in steps[:2])], count=1,
                       rng=seeded())  # fmt: skip
    assert [s.ids for s in again.steps] == [s.ids for s in whole.steps[2:]]  # from text alone, too


def test_a_finished_prefix_is_its_own_completion(pebble, problem):
    ended = (Step("The answer is 3", (7, pebble.encoder.tokenizer.eos_token_id)),)
    rows = pebble(problem, [ended, ()], count=2, rng=seeded())
    assert all(end.steps == () and end.finished for end in rows[0])
    assert rows[1] == pebble(problem, [(Step("x"),), ()], count=2, rng=seeded())[1]
    assert pebble(problem, [ended], count=2, rng=seeded())[0] == rows[0]
    assert pebble(problem, [], count=2, rng=seeded()) == []


def test_the_end_token_stays_with_the_last_step(pebble, problem):
    """So that a finished trace, cut into prefixes, ends where the policy ended it."""
    eos = pebble.encoder.tokenizer.eos_token_id
    ends = pebble(problem, [()], count=8, rng=seeded(3))[0]
    for end in ends:
        ids = [i for step in end.steps for i in step.ids]
        assert (ids[-1] == eos) == end.finished
        assert eos not in ids[:-1]


def test_an_end_token_that_comes_alone_is_counted(pebble, problem):
    eos = pebble.encoder.tokenizer.eos_token_id
    lone = pebble.through(lambda _: lambda requests: [Reply((eos,), (0.0,), True)] * len(requests))
    [[end, _]] = lone(problem, [(Step("The answer is 3"),)], count=2, rng=seeded())
    assert (end.steps, end.finished, end.tokens) == ((), True, 1)
    [[end]] = pebble(problem, [()], count=1, rng=seeded())
    assert end.silent == 0


def test_model_work_can_be_wrapped(pebble, problem):
    seen = []

    def wrap(policy):
        def complete(requests):
            seen.extend(requests)
            return policy.decoder.complete(requests)

        return complete

    wrapped = pebble.through(wrap)
    assert wrapped(problem, [()], count=4, rng=seeded()) == pebble(
        problem, [()], count=4, rng=seeded()
    )
    assert len({request.seed for request in seen}) == len(seen) == 4


def test_fingerprints_change_when_answers_would(checkpoint, pebble, tmp_path):
    import shutil

    def of(folder=checkpoint, **sampling):
        return load_policy(str(folder), sampling=Sampling(**sampling), device="cpu").fingerprint

    assert of() == of()
    assert (
        len({of(), of(temperature=0.5), of(top_p=0.9), of(max_tokens=3), pebble.fingerprint}) == 5
    )
    copy = shutil.copytree(checkpoint, tmp_path / "copy")
    assert fingerprint(str(copy)) == fingerprint(str(checkpoint))
    weights = bytearray((copy / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (copy / "model.safetensors").write_bytes(weights)
    assert fingerprint(str(copy)) != fingerprint(str(checkpoint))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no-such-organisation/no-such-model", "not shipped .pebble.*Check the name"),
        ("./nowhere/at/all", "not a local path"),
        ("./nowhere.gguf", "no GGUF file at nowhere.gguf"),
    ],
)
def test_an_unknown_model_says_what_there_is(name, words):
    with pytest.raises(ModelError, match=words):
        load_policy(name, device="cpu")


def test_what_is_no_checkpoint_says_what_was_expected(tmp_path, checkpoint):
    with pytest.raises(ModelError, match="Expected a transformers checkpoint folder"):
        load_policy(str(tmp_path))
    (tmp_path / "model.gguf").write_bytes(b"GGUF, but not really")
    with pytest.raises(ModelError, match=r"model\.gguf cannot be read"):
        load_policy(str(tmp_path / "model.gguf"))
    import shutil

    broken = shutil.copytree(checkpoint, tmp_path / "broken")
    (broken / "model.safetensors").write_bytes(b"cut off")
    with pytest.raises(ModelError, match="copy the checkpoint again"):
        load_policy(str(broken))


@pytest.mark.parametrize("settings", [{"dtype": "float31"}, {"device": "abacus"}])
def test_an_unknown_dtype_or_device_is_named(checkpoint, settings):
    [(name, value)] = settings.items()
    with pytest.raises(ModelError, match=f"{name} must be.*'{value}'"):
        load_policy(str(checkpoint), **settings)


def test_a_problem_too_long_for_the_model_says_so(checkpoint):
    policy = load_policy(str(checkpoint), device="cpu")
    with pytest.raises(ModelError, match="longer context"):
        policy(Problem("p", "9 " * 300), [()], count=1, rng=seeded())
