"""The loop: equal however it is cut, spread, interrupted or saved; each trouble has one error."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs surefoot[models]")

from surefoot.core.errors import InputError, MissingExtra, ModelError  # noqa: E402
from surefoot.core.seeds import rng_for  # noqa: E402
from surefoot.core.types import Kind  # noqa: E402
from surefoot.verifiers import (  # noqa: E402
    KINDS,
    TrainConfig,
    merged,
    prepare,
    scorer,
    soft_target,
    train,
    with_lora,
)
from surefoot.verifiers.data import Example, batch_of, by_length, examples_of  # noqa: E402
from surefoot.verifiers.kinds import PRM  # noqa: E402
from surefoot.verifiers.losses import step_loss, token_loss  # noqa: E402
from surefoot.verifiers.self_check import check_agreement  # noqa: E402
from surefoot.verifiers.train import mean_loss  # noqa: E402

CONFIG = TrainConfig(epochs=2, batch_tokens=600, lr=3e-3, head_lr=1e-2, save_every=2)
OF_VALUES = {"sorm", "alphamath", "pav", "p-true", "pairwise"}


@pytest.fixture
def made(base):
    from surefoot.verifiers import new_network

    return lambda kind=PRM: new_network(str(base), objective=kind, device="cpu", seed=1)


@pytest.fixture(scope="session")
def values(labelled):
    return [
        replace(i, labels=tuple(replace(x, kind=Kind.VALUE) for x in i.labels)) for i in labelled
    ]


def trained(made, labelled, kind=PRM, config=CONFIG, **settings):
    network, encoder = made(kind)
    examples = prepare(labelled, encoder, kind).examples
    return network, train(network, examples, config=config, pad=0, objective=kind, **settings)


def same(a, b):
    pairs = zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    return all(torch.equal(x, y) for x, y in pairs)


def distance(a, b):
    pairs = zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    return max(float((x - y).abs().max()) for x, y in pairs)


# --- the default, to the last bit --------------------------------------------


def test_the_default_is_the_plain_loop_to_the_last_bit(made, labelled):
    """Objectives, parts and processes cost the default nothing, not even a rounding."""
    network, history = trained(made, labelled)
    plain, encoder = made()
    _, examples, _ = examples_of(labelled, encoder, soft_target)
    head = [*plain.state.parameters(), *plain.surprise.parameters()]
    groups = [{"params": [*plain.base.parameters()], "lr": 3e-3}, {"params": head, "lr": 1e-2}]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=0.01)
    batches = by_length(examples, 600)
    orders = [rng_for(0, "train", epoch).permutation(len(batches)) for epoch in range(2)]
    plan = [batches[i] for order in orders for i in order]

    def rate(step):
        done = (step + 1) / (len(plan) + 1)
        return min(done / 0.05, (1 - done) / 0.95)

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    losses = []
    plain.train()
    for indices in plan:
        batch = batch_of([examples[i] for i in indices], pad=0)
        z, logprobs = plain(batch.ids_NT, batch.spans_NS2)
        step, word = step_loss(z, batch.targets_NS), token_loss(logprobs, batch.weights_NT)
        (step + 0.5 * word).backward()
        torch.nn.utils.clip_grad_norm_(plain.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append((float(step.detach()), float(word.detach())))
    assert [(r["step_loss"], r["token_loss"]) for r in history] == losses
    assert same(network, plain)


# --- parts of an update ------------------------------------------------------


@pytest.mark.parametrize("name", ["prm", "ovm", "alphamath", "birm", "implicit-dpo", "pairwise"])
def test_how_an_update_is_cut_does_not_matter(made, labelled, values, name):
    """Gradient accumulation that averages the means of unequal parts would differ (TRL#2631)."""
    kind = KINDS[name]
    items = values if name in OF_VALUES else labelled
    config = replace(CONFIG, epochs=1, batch_tokens=2000)
    whole, one = trained(made, items, kind, config)
    parts, two = trained(made, items, kind, replace(config, micro_tokens=300))
    for a, b in zip(one, two, strict=True):
        assert a["step_loss"] == pytest.approx(b["step_loss"], rel=1e-4)
        assert a["token_loss"] == pytest.approx(b["token_loss"], rel=1e-4)
    assert distance(whole, parts) < 2e-3


def test_recomputed_activations_change_nothing(made, labelled):
    whole, one = trained(made, labelled, config=replace(CONFIG, epochs=1))
    again, two = trained(made, labelled, config=replace(CONFIG, epochs=1, recompute=True))
    assert [r["step_loss"] for r in one] == pytest.approx([r["step_loss"] for r in two], rel=1e-5)
    assert distance(whole, again) < 1e-4


def test_bfloat16_learns_with_losses_in_float32(made, labelled):
    network, history = trained(made, labelled, config=replace(CONFIG, epochs=4, dtype="bfloat16"))
    exact = trained(made, labelled, config=replace(CONFIG, epochs=4))[1]
    assert {p.dtype for p in network.parameters()} == {torch.float32}
    assert history[0]["step_loss"] == pytest.approx(exact[0]["step_loss"], rel=1e-2)
    assert history[0]["token_loss"] != exact[0]["token_loss"]
    assert np.mean([r["step_loss"] for r in history[-4:]]) < history[0]["step_loss"]


# --- interrupted ---------------------------------------------------------------


@pytest.mark.parametrize("name", KINDS)
def test_an_interrupted_training_of_any_kind_ends_in_the_same_weights(
    made, labelled, values, tmp_path, name
):
    kind, items = KINDS[name], values if name in OF_VALUES else labelled
    config = replace(CONFIG, epochs=4, batch_tokens=1000)
    quiet, history = trained(made, items, kind, config)

    def interrupt(update):
        if update.step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(made, items, kind, config, state_folder=tmp_path, report=interrupt)
    seen = []
    resumed, again = trained(made, items, kind, config, state_folder=tmp_path, report=seen.append)
    assert seen[0].step == 3  # the state of update 2 was kept
    assert again == history
    assert same(quiet, resumed)


SCRIPT = """
import sys, pickle
from pathlib import Path
import torch
torch.set_num_threads(1)
from surefoot.core.records import labelled_of, read_all
from surefoot.verifiers import KINDS, TrainConfig, new_network, prepare, train
kind, base, labels, out = sys.argv[1:]
objective = KINDS[kind]
network, encoder = new_network(base, objective=objective, device="cpu", seed=1)
examples = prepare(read_all(labels, labelled_of), encoder, objective).examples
config = TrainConfig(epochs=4, batch_tokens=600, lr=3e-3, save_every=1)
history = train(network, examples, config=config, pad=0, objective=objective,
                state_folder=Path(out))
import json, hashlib
state = b"".join(v.numpy().tobytes() for v in network.state_dict().values())
print(json.dumps([history, hashlib.sha256(state).hexdigest()]))
"""


@pytest.fixture
def script(tmp_path, base, labelled):
    from surefoot.core.records import labelled_record, write_all

    write_all(tmp_path / "l.jsonl", map(labelled_record, labelled))
    (tmp_path / "train.py").write_text(SCRIPT)

    def command(kind, out):
        parts = [tmp_path / "train.py", kind, base, tmp_path / "l.jsonl", tmp_path / out]
        return list(map(str, parts))

    return command


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["prm", "implicit-dpo"])
def test_killed_with_signal_9_it_has_the_same_curve(script, tmp_path, kind):
    python = [sys.executable]
    whole = subprocess.run(python + script(kind, "a"), capture_output=True, text=True, check=True)
    killed = subprocess.Popen(
        python + script(kind, "b"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while not (tmp_path / "b" / "training_state.pt").exists() and killed.poll() is None:
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    again = subprocess.run(python + script(kind, "b"), capture_output=True, text=True, check=True)
    assert json.loads(again.stdout.splitlines()[-1]) == json.loads(whole.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["prm", "birm", "implicit-dpo"])
def test_two_processes_learn_as_one(script, kind):
    """torchrun with two CPU processes (gloo); their batches differ in size and in targets."""

    def run(command, out):
        done = subprocess.run(
            [*command, *script(kind, out)],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[[")]
        return [row[0] for row in rows]

    [one] = run([sys.executable], "one")
    launch = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--nproc_per_node",
        "2",
        "--standalone",
    ]
    for two in run(launch, "two"):
        for name in ("step_loss", "token_loss"):
            assert [r[name] for r in two] == pytest.approx([r[name] for r in one], rel=2e-3)


@pytest.mark.slow
def test_sharded_over_processes_it_learns_resumes_and_saves_as_one(script, traces, tmp_path):
    """FSDP 2 of two CPU processes, killed once and gone on."""
    from surefoot.verifiers import load_verifier

    _, _, base, labels, _ = script("prm", "unused")
    launch = ["-m", "torch.distributed.run", "--nproc_per_node", "2", "--standalone"]
    asked = {"ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "2", "OMP_NUM_THREADS": "1"}

    def run(folder, *killed_at, launch=launch):
        file = str(Path(__file__).with_name("sharded_training.py"))
        command = [sys.executable, *launch, file, base, labels, str(tmp_path / folder), *killed_at]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env={**os.environ, **asked}
        )
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    [one] = run("one", launch=[])
    whole = run("whole")
    assert run("killed", "7") == []
    assert (tmp_path / "killed" / "training_state.pt").is_file()
    assert run("killed") == whole
    assert [one["sharded"], *(row["sharded"] for row in whole)] == [False, True, True]
    for name in ("step_loss", "token_loss"):
        alone = [row[name] for row in one["history"]]
        assert [row[name] for row in whole[0]["history"]] == pytest.approx(alone, rel=2e-3)
    scores = [
        [scores.values for scores in load_verifier(str(tmp_path / f / "verifier"))(traces[:20])]
        for f in ("one", "whole", "killed")
    ]
    assert scores[1] == scores[2]
    for a, b in zip(scores[0], scores[1], strict=True):
        assert a == pytest.approx(b, abs=5e-3)


# --- early stopping --------------------------------------------------------------


def test_it_stops_after_patience_and_keeps_the_best(made, labelled, tmp_path):
    figures = [3.0, 1.0, 2.0, 4.0, 0.5]
    kept = []

    def evaluate(network):
        kept.append({k: v.clone() for k, v in network.state_dict().items()})
        return {"held_out_loss": figures[len(kept) - 1]}

    config = replace(CONFIG, evaluate_every=2, patience=2)
    network, history = trained(
        made, labelled, config=config, evaluate=evaluate, state_folder=tmp_path
    )
    assert [r["held_out_loss"] for r in history if "held_out_loss" in r] == figures[:4]
    assert sum("step_loss" in r for r in history) == 8
    assert all(map(torch.equal, network.state_dict().values(), kept[1].values()))
    resumed, again = trained(
        made, labelled, config=config, evaluate=evaluate, state_folder=tmp_path
    )
    assert again == history
    assert same(resumed, network)
    with pytest.raises(InputError, match="no figure 'held_out_loss' to watch"):
        trained(made, labelled, config=config, evaluate=lambda _: {"other": 1.0})
    with pytest.raises(InputError, match="patience needs an evaluation"):
        trained(made, labelled, config=config)


def test_mean_loss_is_that_of_all_at_once(made, labelled, values):
    for name in ("prm", "alphamath", "implicit-dpo"):
        kind, items = KINDS[name], values if name in OF_VALUES else labelled
        network, encoder = made(kind)
        train(network, prepare(items, encoder, kind).examples, config=replace(CONFIG, epochs=1),
              pad=0, objective=kind)  # fmt: skip
        examples = prepare(items, encoder, kind).examples
        parts = mean_loss(network, examples, objective=kind, pad=0, batch_tokens=200)
        whole = mean_loss(network, examples, objective=kind, pad=0, batch_tokens=10**6)
        assert parts == pytest.approx(whole, rel=1e-4)
    assert mean_loss(network, [], objective=kind, pad=0) is None


# --- adapters ------------------------------------------------------------------


def test_adapters_alone_are_trained_and_merge_into_a_plain_model(made, labelled, traces):
    pytest.importorskip("peft", reason="needs surefoot[train]")
    network, encoder = made()
    before = {k: v.clone() for k, v in network.base.state_dict().items()}
    with_lora(network, rank=2)
    examples = prepare(labelled, encoder, PRM).examples
    train(network, examples, config=CONFIG, pad=0)
    frozen = [p for n, p in network.base.named_parameters() if "lora" not in n]
    assert not any(p.requires_grad for p in frozen)
    score = scorer(network, encoder, kind=Kind.VALUE, name="v", fingerprint="")
    adapted = score(traces)
    merged(network)
    after = network.base.state_dict()
    assert after.keys() == before.keys()
    changed = {k for k in before if not torch.equal(before[k], after[k])}
    assert changed
    assert all(k.endswith("_proj.weight") for k in changed)
    again = scorer(network, encoder, kind=Kind.VALUE, name="v", fingerprint="")(traces)
    for a, b in zip(adapted, again, strict=True):
        assert a.values == pytest.approx(b.values, abs=1e-4)
    assert merged(network) is network
    with pytest.raises(InputError, match="rank"):
        with_lora(network, rank=0)


def test_without_peft_the_cure_is_told(made, monkeypatch):
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(MissingExtra, match=r"surefoot\[train\]"):
        with_lora(made()[0])


# --- the start-up check ----------------------------------------------------------


def test_places_that_differ_between_training_and_scoring_are_found(made, labelled):
    """openr trains the state one place before the one it reads ([2, 5, 8] and [3, 6, 9])."""
    _, encoder = made()

    def beside(found, view, target):
        examples = PRM.examples(found, view, target)
        return [
            replace(e, encoded=replace(e.encoded, ends_S=tuple(i - 1 for i in e.encoded.ends_S)))
            for e in examples
        ]

    with pytest.raises(ModelError, match="training and scoring must use one view"):
        prepare(labelled, encoder, replace(PRM, examples=beside))


def test_ids_that_differ_between_training_and_scoring_are_found(made, labelled):
    """Separators merged with the step's last token in one of the two (Qwen's ".\\n\\n")."""
    _, encoder = made()

    def joined(found, view, target):
        examples = PRM.examples(found, view, target)
        return [
            Example(replace(e.encoded, ids=(*e.encoded.ids[:-2], 7, 8)), e.targets_S, e.imitate)
            for e in examples
        ]

    with pytest.raises(ModelError, match="training and scoring must use one view"):
        prepare(labelled, encoder, replace(PRM, examples=joined))


def test_a_separator_that_the_tokenizer_swallows_is_found(made, labelled):
    class Stripping:
        """A tokenizer that drops line breaks, as some normalizers do."""

        def __init__(self, inner):
            self.inner = inner

        def __call__(self, text, **settings):
            return self.inner(text.replace("\n", " "), **settings)

        def __getattr__(self, name):
            return getattr(self.inner, name)

    _, encoder = made()
    deaf = replace(encoder, tokenizer=Stripping(encoder.tokenizer))
    view = PRM.view(deaf)
    examples = PRM.examples(labelled, view, soft_target)
    with pytest.raises(ModelError, match=r"separator '\\n' does not survive this tokenizer"):
        check_agreement(labelled, examples, deaf, view)


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_agrees_with_itself(made, labelled, values, name):
    kind, items = KINDS[name], values if name in OF_VALUES else labelled
    assert prepare(items, made()[1], kind).examples
