"""What went wrong in other people's verifier training, and must not here.

Each test says whose bug it is, and fails on their behaviour. Others stand with their kind
(test_kinds.py: BiRM's tied heads, LLM2's padded mean, weak-to-strong's warm-up, openr's critic)
or with the loop (test_loop.py: openr's places, merged separators, accumulation).
"""

import math

import pytest

torch = pytest.importorskip("torch", reason="needs surefoot[models]")

from surefoot.annotate import outcomes  # noqa: E402
from surefoot.core.errors import InputError  # noqa: E402
from surefoot.core.types import (  # noqa: E402
    Kind,
    LabelledTrace,
    Problem,
    Step,
    StepLabel,
    Trace,
    Verdict,
)
from surefoot.verifiers import KINDS, TrainConfig, new_network, prepare, train  # noqa: E402
from surefoot.verifiers.data import batch_of  # noqa: E402
from surefoot.verifiers.losses import IGNORED  # noqa: E402
from surefoot.verifiers.network import Batch  # noqa: E402

SOFT = (15, 8, 4, 16)  # sixteenths: 0.9375, 0.5, 0.25, 1.0


def trace_of(texts, verdict=None):
    return Trace(Problem("p7", "Why?"), tuple(map(Step, texts)), None, verdict)


def labelled_of(texts, counts, kind=Kind.VALUE, tries=16):
    return LabelledTrace(
        trace_of(texts), tuple(StepLabel(kind, c, 0 if c is None else tries, "t") for c in counts)
    )


def batch(targets):
    empty = torch.zeros(0)
    return Batch(empty, empty, empty, torch.tensor(targets))


@pytest.fixture
def encoder(base):
    return new_network(str(base), device="cpu")[1]


@pytest.mark.parametrize("name", ["prm", "next-token", "p-true", "weak-to-strong", "maths-only"])
def test_soft_labels_stay_soft(encoder, name):
    """TRL and axolotl: int(label) makes [0.9375, 0.5, 0.25, 1.0] into [0, 0, 0, 1].
    OpenRLHF: soft labels raise Long/Float."""
    examples = prepare([labelled_of("abcd", SOFT)], encoder, KINDS[name]).examples
    kept = batch_of(examples, pad=0).targets_NS
    assert [t for t in kept.flatten().tolist() if t != IGNORED] == [c / 16 for c in SOFT]


def test_ignored_targets_are_not_positive_ones(encoder):
    """TRL#2127: a boolean column makes -100 True, and every token a positive label."""
    [example] = prepare([labelled_of("abc", (0, None, 16))], encoder, KINDS["prm"]).examples
    assert example.targets_S == (0.0, None, 1.0)
    targets = batch_of([example], pad=0).targets_NS
    assert targets.dtype == torch.float32
    assert targets.tolist() == [[0.0, IGNORED, 1.0]]


@pytest.mark.parametrize("name", ["prm", "orm", "implicit-ce", "next-token", "birm"])
def test_a_set_whose_targets_were_all_cut_off_is_refused(base, name):
    """TRL: loss 0.0 and success. OpenRLHF: NaN."""
    kind = KINDS[name]
    network, encoder = new_network(str(base), objective=kind, device="cpu")
    long = trace_of(["fine", "1 + " * 200], Verdict.UNREADABLE)
    label = StepLabel(Kind.CORRECTNESS, 0, 1, "t")
    unknown = StepLabel(Kind.CORRECTNESS, 0, 0, "t")
    prepared = prepare([LabelledTrace(long, (unknown, label))], encoder, kind)
    assert prepared.dropped == 1
    with pytest.raises(
        InputError, match=r"none of 1 examples has a step with evidence.*1 were cut"
    ):
        train(network, prepared.examples, config=TrainConfig(), pad=0, objective=kind)


def test_the_step_that_was_cut_off_is_counted_and_its_label_goes_with_it(encoder):
    """Right truncation takes the first error's label and leaves the right steps' (TRL)."""
    item = labelled_of(["fine", "good", "1 + " * 200], (16, 16, 0))
    prepared = prepare([item], encoder, KINDS["prm"])
    assert prepared.dropped == 1
    assert prepared.examples[0].targets_S == (1.0, 1.0)


@pytest.mark.parametrize("name", ["prm", "generative", "p-true", "orm"])
def test_a_step_that_holds_the_separator_is_named(encoder, name):
    """openr cuts labels, SPARE cuts logits, axolotl zips to the shorter."""
    kind = Kind.CORRECTNESS if name == "generative" else Kind.VALUE
    with pytest.raises(InputError, match=r"'p7', step 1: .*holds the separator"):
        prepare([labelled_of(["a", "b\nc"], (1, 1), kind)], encoder, KINDS[name])


@pytest.mark.parametrize("name", ["implicit-ce", "implicit-dpo", "implicit-nca"])
def test_a_surely_wrong_reward_is_corrected(name):
    """ImplicitPRM, PRIME, verl: log(sigmoid(-240)) has loss 100 and gradient 0; DPO gives inf."""
    gains = torch.tensor([[-240.0], [0.0]], requires_grad=True)
    loss = KINDS[name].loss(gains, batch([[1.0], [0.0]]))
    assert 100 <= float(loss.detach()) < math.inf
    loss.backward()
    assert gains.grad[0, 0] <= -0.49


@pytest.mark.parametrize("name", ["prm", "implicit-ce", "pairwise"])
def test_half_precision_on_the_wrong_side_still_has_a_gradient(name):
    """RLHFlow's ORM: in bfloat16 the gradient is 0 at logit 12 on the wrong side."""
    z = torch.tensor([[12.0], [0.0]], dtype=torch.bfloat16, requires_grad=True)
    KINDS[name].loss(z, batch([[0.0], [1.0]])).backward()
    assert z.grad[0, 0] >= 0.4


def test_a_solution_of_ten_steps_is_whole(encoder):
    """RLHFlow's ORM splits at "Step 1" and so cuts every answer at "Step 10"."""
    trace = trace_of([f"Step {n}: {n}" for n in range(1, 12)], Verdict.CORRECT)
    [example] = prepare(outcomes([trace]), encoder, KINDS["orm"]).examples
    text = encoder.tokenizer.decode(example.encoded.ids[example.encoded.start :])
    assert text.split("\n")[:-1] == [step.text for step in trace.steps]
    assert example.known == len(example.encoded.ids) - example.encoded.start


def test_the_last_token_stays_what_it_was(encoder):
    """ImplicitPRM overwrites the last token with the end token."""
    trace = trace_of("ab", Verdict.WRONG)
    [example] = prepare(outcomes([trace]), encoder, KINDS["implicit-ce"]).examples
    assert example.encoded.ids == encoder.encode(trace.problem, trace.steps).ids


def test_one_trace_without_targets_does_not_spoil_the_batch(base):
    """verl: one empty response makes the advantages of the whole batch NaN."""
    kind = KINDS["prm"]
    network, encoder = new_network(str(base), objective=kind, device="cpu")
    items = [labelled_of("ab", (None, None)), labelled_of("cd", (16, 0))]
    examples = prepare(items, encoder, kind).examples
    batch = batch_of(examples, pad=0)
    z, _ = network(batch.ids_NT, batch.spans_NS2)
    assert float(kind.loss(z, batch).detach()) == pytest.approx(math.log(2))
