"""Training learns, resumes exactly, and finds the values that outcomes imply."""

import math
from itertools import product

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs surefoot[models]")

from surefoot.annotate import outcomes  # noqa: E402
from surefoot.core.errors import InputError  # noqa: E402
from surefoot.core.types import Kind, LabelledTrace, StepLabel, Trace  # noqa: E402
from surefoot.tasks.toy import ToyWorld  # noqa: E402
from surefoot.verifiers import TrainConfig, examples_of, scorer, soft_target, train  # noqa: E402
from surefoot.verifiers.train import STATE  # noqa: E402

CONFIG = TrainConfig(epochs=3, batch_tokens=600, lr=3e-3, head_lr=1e-2, save_every=4)


def trained(fresh, labelled, config=CONFIG, **settings):
    network, encoder = fresh()
    _, examples, _ = examples_of(labelled, encoder, soft_target)
    return network, train(network, examples, config=config, pad=0, **settings)


def test_training_reduces_both_losses(fresh, labelled):
    _, history = trained(fresh, labelled)
    assert [row["step"] for row in history] == list(range(1, len(history) + 1))
    third = len(history) // 3
    for name in ("step_loss", "token_loss"):
        first, last = (np.mean([r[name] for r in rows]) for rows in (history[:third],
                                                                     history[-third:]))  # fmt: skip
        assert last < first


def test_an_interrupted_training_ends_in_the_same_weights(fresh, labelled, tmp_path):
    def evaluate(network):
        return {"bias": network.state.bias.item()}

    quiet, history = trained(fresh, labelled, evaluate=evaluate)

    def interrupt(update):
        if update.step == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(fresh, labelled, state_folder=tmp_path, report=interrupt, evaluate=evaluate)
    seen = []
    resumed, again = trained(
        fresh, labelled, state_folder=tmp_path, report=seen.append, evaluate=evaluate
    )
    assert seen[0].step == 5  # the state of update 4 was kept
    assert again == history
    assert sum("bias" in row for row in history) == CONFIG.epochs
    for (name, a), b in zip(quiet.state_dict().items(), resumed.state_dict().values(), strict=True):
        assert torch.equal(a, b), name


def test_the_state_of_another_training_is_refused(fresh, labelled, tmp_path):
    trained(fresh, labelled, state_folder=tmp_path)
    from dataclasses import replace

    other = f"{STATE} belongs to a training with other settings or examples"
    with pytest.raises(InputError, match=other):
        trained(fresh, labelled, config=replace(CONFIG, lr=1.0), state_folder=tmp_path)
    with pytest.raises(InputError, match=other):
        trained(fresh, labelled[:2], state_folder=tmp_path)


def test_no_evidence_is_an_error_and_not_a_loss_of_zero(fresh, labelled):
    unknown = [
        LabelledTrace(i.trace, tuple(StepLabel(Kind.CORRECTNESS, 0, 0, "t") for _ in i.labels))
        for i in labelled
    ]
    with pytest.raises(InputError, match="none of 24 examples"):
        trained(fresh, unknown)
    _, history = trained(fresh, [*unknown, labelled[0]])
    assert all(math.isfinite(row["step_loss"]) for row in history)


def test_a_gradient_that_is_no_number_stops_the_training(fresh, labelled):
    network, encoder = fresh()
    _, examples, _ = examples_of(labelled, encoder, soft_target)
    with torch.no_grad():
        network.state.weight.fill_(float("nan"))
    with pytest.raises(InputError, match="gradient of update 0 is nan; lower the learning rate"):
        train(network, examples, config=CONFIG, pad=0)


@pytest.mark.slow
def test_outcome_labels_teach_the_value_of_a_prefix(fresh):
    """OVM: the best fit to outcomes at a prefix is its success rate in the training set."""
    world, rng = ToyWorld(length=3, slip=0.3, recover=0.25), np.random.default_rng(0)
    [problem] = world.problems(1)
    [ends] = world.sample(problem, [()], count=1500, rng=rng)
    traces = [Trace(problem, end.steps) for end in ends]
    traces = [Trace(problem, t.steps, None, world.check(problem, t)) for t in traces]
    network, encoder = fresh()
    _, examples, _ = examples_of(outcomes(traces), encoder, soft_target)
    config = TrainConfig(epochs=6, batch_tokens=2048, lr=3e-3, head_lr=1e-2, lm_weight=0.0)
    train(network, examples, config=config, pad=0)
    score = scorer(network, encoder, kind=Kind.VALUE, name="v", fingerprint="")
    for word in product(("good", "bad"), repeat=2):
        chosen = [t for t in traces if tuple(s.text for s in t.steps[:2]) == word]
        values = score([chosen[0]])[0].values
        for length in (1, 2):
            alike = [t for t in traces if tuple(s.text for s in t.steps[:length]) == word[:length]]
            rate = np.mean([t.steps[-1].text == "good" for t in alike])
            assert values[length - 1] == pytest.approx(rate, abs=0.08)


def test_a_trainer_that_ran_before_does_not_decide_the_precision(fresh, labelled):
    """accelerate's precision is the process's; ours is the config's."""
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState

    AcceleratorState._reset_state(reset_partial_state=True)
    _, alone = trained(fresh, labelled)
    AcceleratorState._reset_state(reset_partial_state=True)
    Accelerator(mixed_precision="bf16", cpu=True)
    try:
        _, after = trained(fresh, labelled)
    finally:
        AcceleratorState._reset_state(reset_partial_state=True)
    assert alone == after
