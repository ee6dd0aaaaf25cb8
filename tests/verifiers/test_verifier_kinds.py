"""Every kind: its loss by hand, what a fresh one says, and what its scores must satisfy."""

import math
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="needs surefoot[models]")

from surefoot.annotate import outcomes  # noqa: E402
from surefoot.core.errors import InputError, KindError  # noqa: E402
from surefoot.core.types import (  # noqa: E402
    Kind,
    LabelledTrace,
    Problem,
    Step,
    StepLabel,
    Trace,
    Verdict,
)
from surefoot.verifiers import KINDS, TrainConfig, prepare, scorer, train  # noqa: E402
from surefoot.verifiers.data import batch_of, step_examples  # noqa: E402
from surefoot.verifiers.kinds import (  # noqa: E402
    BIRM,
    IMPLICIT_CE,
    IMPLICIT_DPO,
    OVM,
    PAIRWISE,
    PAV,
    advantages,
    balanced,
    confidence,
    maths,
    past_and_future,
    triplet_examples,
)
from surefoot.verifiers.kinds.weak_to_strong import hardened  # noqa: E402
from surefoot.verifiers.losses import IGNORED  # noqa: E402
from surefoot.verifiers.network import Batch, ImplicitNetwork  # noqa: E402

X = IGNORED
LN2 = math.log(2)


def softplus(x):
    return math.log1p(math.exp(x))


def batch(targets, others=None, done=1.0):
    empty = torch.zeros(0)
    second = None if others is None else torch.tensor(others)
    return Batch(empty, empty, empty, torch.tensor(targets), second, done)


def loss_of(name, z, targets, others=None, done=1.0):
    return float(KINDS[name].loss(torch.tensor(z), batch(targets, others, done)))


def log_words(*pairs):
    """[1, S, 2] log-probabilities of no and yes."""
    return [[[math.log(no), math.log(yes)] for no, yes in pairs]]


# --- what cannot be learnt from ---------------------------------------------

BOTH = {Kind.CORRECTNESS, Kind.VALUE}
VALUES, ANY = {Kind.VALUE}, set(Kind)
LEARNS_FROM = dict.fromkeys(KINDS, BOTH) | {
    "prm-three-way": {Kind.CORRECTNESS}, "generative": {Kind.CORRECTNESS},
    "birm": {Kind.CORRECTNESS}, "sorm": VALUES, "alphamath": VALUES, "p-true": VALUES,
    "pairwise": VALUES, "pav": {Kind.VALUE, Kind.PROGRESS},
    "orm": ANY, "ovm": ANY, "vas": ANY,  # these read verdicts alone
    "implicit-ce": ANY, "implicit-dpo": ANY, "implicit-kto": ANY, "implicit-nca": ANY,
}  # fmt: skip


@pytest.fixture(scope="session")
def encoder(base):
    from surefoot.verifiers import new_network

    return new_network(str(base), device="cpu")[1]


@pytest.mark.parametrize("label_kind", Kind)
@pytest.mark.parametrize("name", KINDS)
def test_labels_that_cannot_teach_a_kind_are_refused_by_name(name, label_kind, encoder, labelled):
    """A PRM once took progress labels: a cross-entropy of y = -1, which has no lowest value."""
    kind = KINDS[name]
    fine = next(iter(LEARNS_FROM[name] & BOTH))
    rows = of_kind(labelled[:6], fine)
    rows[3:4] = of_kind(labelled[3:4], label_kind)
    if name == "birm" or label_kind in LEARNS_FROM[name]:
        rows = of_kind(labelled[:6], label_kind)
    if label_kind in LEARNS_FROM[name]:
        prepared = prepare(rows, encoder, kind)
        found = [t for e in prepared.examples for t in (*e.targets_S, *e.others_S) if t is not None]
        assert found
        assert all(0 <= t <= kind.highest for t in found)
        return
    with pytest.raises(KindError) as refused:
        prepare(rows, encoder, kind)
    assert label_kind.value in str(refused.value)
    assert "label" in str(refused.value), "the cure"


def test_a_refusal_names_the_trace(encoder, labelled):
    rows = of_kind(labelled[:2], Kind.PROGRESS)
    with pytest.raises(KindError, match=r"trace 1 \(of problem 'trails.*expected correctness or v"):
        prepare(rows, encoder, KINDS["prm"])


@pytest.mark.parametrize("name", [n for n in KINDS if KINDS[n].learns_from])
@pytest.mark.parametrize("belief", [-0.5, 1.5, math.nan, math.inf])
def test_a_target_out_of_range_is_refused_by_trace_and_step(name, belief, encoder, labelled):
    kind = KINDS[name]
    rows = of_kind(labelled[:4], next(iter(LEARNS_FROM[name] & BOTH)))
    last = replace(rows[2].labels[-1], belief=belief)
    rows[2] = replace(rows[2], labels=(*rows[2].labels[:-1], last))
    if not 0 <= (kind.target(last) or 0) <= kind.highest:  # hard targets are in range
        place = f"step {len(rows[2].labels) - 1} of trace 3"
        with pytest.raises(InputError, match=place):
            prepare(rows, encoder, kind)
    else:
        assert name in ("sorm", "prm-three-way")


@pytest.mark.parametrize("wrong", [-1.0, 1.001, 2.5, math.nan, math.inf])
@pytest.mark.parametrize("name", KINDS)
def test_every_loss_checks_the_range_of_its_targets(name, wrong):
    shape = {"prm-three-way": (2, 1, 3), "birm": (2, 1, 2), "next-token": (2, 1, 2)}
    shape |= dict.fromkeys(("generative", "p-true"), (2, 1, 2))
    z = torch.zeros(shape.get(name, (2, 1)))
    if wrong == 1.001 and name == "prm-three-way":
        pytest.skip("its targets are classes 0, 1, 2")
    with pytest.raises(ValueError, match=r"target at \(1, 0.*expected 0 to [12]"):
        KINDS[name].loss(z, batch([[1.0], [wrong]], [[1.0], [wrong]]))


# --- the formulas, by hand -------------------------------------------------


@pytest.mark.parametrize(
    ("name", "z", "targets", "loss"),
    [
        ("prm", [[2.0, 0.0]], [[1.0, 0.25]], (softplus(-2) + LN2) / 2),
        ("prm-three-way", [[[0.0, 0.0, math.log(2)]]], [[2.0]], math.log(2)),
        ("prm-three-way", [[[0.0, 0.0, math.log(2)]] * 2], [[0.0, X]], math.log(4)),
        ("orm", [[0.5, 0.0, -0.5]], [[1.0, 1.0, 1.0]], (0 + 0.25 + 1) / 3),
        ("orm", [[3.0, 9.0], [0.0, 9.0]], [[0.0, X], [1.0, X]], (3.5**2 + 0.25) / 2),
        ("ovm", [[0.5, 0.0, -0.5], [0.0, 9.0, 9.0]], [[1.0] * 3, [0.0, X, X]],
         ((0 + 0.25 + 1) + 0.25) / 2),  # sums over tokens, mean over traces
        ("alphamath", [[0.0, 50.0]], [[1.0, 1.0]], (1 + 0) / 2),
        ("alphamath", [[0.0, 0.0], [-50.0, 9.0]], [[0.75, 0.5], [1.0, X]],
         ((0.25 + 0) / 2 + 4) / 2),  # targets 2 y - 1; mean over steps, then over traces
        ("next-token", log_words((0.1, 0.2)), [[1.0]], -math.log(0.2)),
        ("next-token", log_words((0.1, 0.2)), [[0.25]],
         -0.25 * math.log(0.2) - 0.75 * math.log(0.1)),
        ("implicit-ce", [[1.0, 1.0], [-2.0, 1.0]], [[X, 1.0], [X, 0.0]],
         (softplus(-2) + softplus(-1)) / 2),
        ("implicit-dpo", [[1.0, 1.0], [-2.0, 1.0]], [[X, 1.0], [X, 0.0]], softplus(-3)),
        ("implicit-nca", [[1.0, 1.0], [-2.0, 1.0]], [[X, 1.0], [X, 0.0]],
         softplus(-2) + (softplus(2) + softplus(-1)) / 2),
        ("implicit-kto", [[3.0], [1.0]], [[1.0], [0.0]], 1 / (1 + math.e)),  # k = 2
        ("implicit-kto", [[-3.0], [1.0]], [[1.0], [0.0]],
         (1 / (1 + math.exp(-3)) + 1 / (1 + math.exp(-1))) / 2),  # k is not below 0
        ("pairwise", [[0.0, 2.0], [9.0, -1.0]], [[X, 1.0], [X, 0.0]], softplus(-3)),
        ("pairwise", [[1.0], [0.0]], [[0.75], [0.25]], 0.75 * softplus(-1) + 0.25 * softplus(1)),
    ],
)  # fmt: skip
def test_losses_by_hand(name, z, targets, loss):
    assert loss_of(name, z, targets) == pytest.approx(loss, rel=1e-6)


@pytest.mark.parametrize("name", ["implicit-dpo", "implicit-nca"])
def test_a_side_that_was_cut_off_takes_its_pair_with_it(name):
    """Rows 0 and 3 are left of two pairs: they are no pair, one being of another problem."""
    gains, y = [[1.0], [-7.0], [9.0], [-2.0], [2.0], [-1.0]], [[1.0], [X], [X], [0.0], [1.0], [0.0]]
    assert loss_of(name, gains, y) == pytest.approx(loss_of(name, gains[4:], y[4:]), rel=1e-6)
    with pytest.raises(ValueError, match="pairs of a right and a wrong"):
        loss_of(name, gains[:4], y[:4])
    with pytest.raises(ValueError, match="pairs of a right and a wrong"):
        loss_of(name, gains[4:], [[0.0], [1.0]])


def test_ktos_reference_point_has_no_gradient():
    """k = 2 and both are wrong: s(3 - k) and s(1 - k) rise with their own r alone. If k moved
    with r, the two slopes would add up to 0."""
    gains = torch.tensor([[3.0], [1.0]], requires_grad=True)
    KINDS["implicit-kto"].loss(gains, batch([[0.0], [0.0]])).backward()
    slope = math.e / (1 + math.e) ** 2 / 2
    assert gains.grad[:, 0].tolist() == pytest.approx([slope, slope])


def test_birm_loss_by_hand():
    z = [[[0.5, 0.0], [0.0, -0.5]]]
    both = loss_of("birm", z, [[1.0, 0.0]], [[1.0, 1.0]])
    assert both == pytest.approx(((0 + 0.25) + (0.25 + 1)) / 2)
    assert loss_of("birm", z, [[1.0, X]], [[X, X]]) == 0  # what is unknown is not averaged in


FRESH = {
    "prm": LN2, "prm-three-way": math.log(3), "orm": 0.25, "sorm": LN2, "alphamath": 1.0,
    "pav": LN2, "birm": 0.5, "pairwise": LN2, "implicit-ce": LN2, "implicit-dpo": LN2,
    "implicit-kto": 0.5, "implicit-nca": 2 * LN2, "oprm": LN2, "maths-only": LN2,
}  # fmt: skip


def of_kind(labelled, kind):
    return [replace(i, labels=tuple(replace(x, kind=kind) for x in i.labels)) for i in labelled]


@pytest.fixture(scope="session")
def taught(labelled):
    """Labels that each kind can learn from: of 12 right traces and 12 wrong ones."""
    values = of_kind(labelled, Kind.VALUE)
    given = dict.fromkeys(("sorm", "alphamath", "pav", "p-true", "pairwise"), values)
    return {name: given.get(name, labelled) for name in KINDS}


@pytest.fixture
def made(base):
    """Makes (network, encoder) of a kind, from the same weights every time."""
    from surefoot.verifiers import new_network

    return lambda kind: new_network(str(base), objective=kind, device="cpu", seed=1)


@pytest.mark.parametrize("name", FRESH)
def test_a_fresh_one_has_the_loss_of_knowing_nothing(name, made, taught):
    kind = KINDS[name]
    network, encoder = made(kind)
    examples = [e for e in prepare(taught[name], encoder, kind).examples if e.known]
    found = batch_of(examples[:8], pad=0)
    with torch.no_grad():
        z, _ = network(found.ids_NT, found.spans_NS2)
        assert float(kind.loss(z, found)) == pytest.approx(FRESH[name], abs=1e-6)


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_learns_and_scores_each_step(name, made, taught, traces):
    kind = KINDS[name]
    network, encoder = made(kind)
    prepared = prepare(taught[name], encoder, kind)
    config = TrainConfig(epochs=6, batch_tokens=4000, lr=2e-3, head_lr=1e-2, lm_weight=0.0)
    history = train(network, prepared.examples, config=config, pad=0, objective=kind)
    assert np.mean([r["step_loss"] for r in history[-3:]]) < history[0]["step_loss"]
    score = scorer(network, encoder, kind=prepared.kind, name=name, fingerprint="", objective=kind)
    together = score(traces)
    low, high = {Kind.PROGRESS: (-1, 1), Kind.PREFERENCE: (-99, 99), Kind.LOGRATIO: (-99, 99)}.get(
        prepared.kind, (0, 1)
    )
    for trace, scores in zip(traces, together, strict=True):
        assert len(scores.values) == len(trace.steps)
        assert all(low <= v <= high for v in scores.values)
        assert scores.kind is prepared.kind
    [alone] = score(traces[9:10])
    assert np.allclose(alone.values, together[9].values, atol=1e-5)


@pytest.mark.parametrize("name", KINDS)
def test_saved_and_loaded_it_scores_the_same(name, made, taught, traces, base, tmp_path):
    from surefoot.verifiers import load_verifier, save_verifier
    from surefoot.verifiers.checkpoint import encoder_card

    kind = KINDS[name]
    network, encoder = made(kind)
    prepared = prepare(taught[name], encoder, kind)
    config = TrainConfig(epochs=1, batch_tokens=4000, lr=2e-3, head_lr=1e-1)
    train(network, prepared.examples, config=config, pad=0, objective=kind)
    card = encoder_card("v", prepared.kind, encoder, "t", objective=kind, base=str(base))
    save_verifier(tmp_path, network, encoder, card)
    score = scorer(network, encoder, kind=prepared.kind, name="v", fingerprint="", objective=kind)
    assert load_verifier(str(tmp_path), device="cpu")(traces) == score(traces)


# --- reading ---------------------------------------------------------------


@given(st.lists(st.floats(-8, 8), min_size=2, max_size=7), st.integers(1, 9))
def test_progress_telescopes(logits, k):
    """The sum of A_t is Q_S - Q_0, for the best of K of the prover too."""
    z = torch.tensor([logits], dtype=torch.float64)
    q = [1 - (1 - 1 / (1 + math.exp(-x))) ** k for x in logits]
    found = advantages(best_of=k)(z)[0].tolist()
    assert len(found) == len(logits) - 1
    assert math.fsum(found) == pytest.approx(q[-1] - q[0], abs=1e-6)


def test_a_step_that_changes_nothing_makes_no_progress():
    assert advantages(3)(torch.tensor([[0.7, 0.7]])).tolist() == [[0.0]]


def test_scores_of_a_pav_are_differences_of_its_values(made, taught, traces):
    """Its sum is the value at the end less that of the problem alone."""
    network, encoder = made(PAV)
    prepared = prepare(taught["pav"], encoder, PAV)
    config = TrainConfig(epochs=3, batch_tokens=4000, lr=2e-3, head_lr=1e-1)
    train(network, prepared.examples, config=config, pad=0, objective=PAV)
    [scores] = scorer(
        network, encoder, kind=Kind.PROGRESS, name="v", fingerprint="", objective=PAV
    )(traces[8:9])
    [encoded] = PAV.view(encoder)(traces[8].problem, traces[8].steps)
    assert encoded.spans_S[0] == (encoded.start, encoded.start + 1)
    with torch.no_grad():
        z, _ = network(torch.tensor([encoded.ids]), torch.tensor([encoded.spans_S]))
    q = z[0].sigmoid().tolist()
    assert len(q) == len(scores.values) + 1
    assert math.fsum(scores.values) == pytest.approx(q[-1] - q[0], abs=1e-5)
    assert scores.values[0] == pytest.approx(q[1] - q[0], abs=1e-5)


def test_pav_learns_from_the_counts_of_progress_labels(made):
    steps = (Step("a"), Step("b"))
    labels = (StepLabel(Kind.PROGRESS, 3, 4, "p", -0.1), StepLabel(Kind.PROGRESS, 0, 0, "p"))
    item = LabelledTrace(Trace(Problem("p", "q"), steps), labels, notes={"root": "7 of 8"})
    _, encoder = made(PAV)
    [example] = prepare([item], encoder, PAV).examples
    assert example.targets_S == (0.875, 0.75, None)


@pytest.mark.parametrize("note", ["9 of 8", "1.2.3 of 8", "-1 of 8", "e of 8", "many"])
def test_pav_refuses_a_note_on_the_problem_that_is_no_share(made, note):
    labels = (StepLabel(Kind.PROGRESS, 3, 4, "p", -0.1),)
    item = LabelledTrace(Trace(Problem("p", "q"), (Step("a"),)), labels, notes={"root": note})
    _, encoder = made(PAV)
    with pytest.raises(InputError, match="the note 'root' of a trace of problem 'p'"):
        prepare([item], encoder, PAV)


def test_progress_that_falls_is_refused_for_its_kind(made):
    """Not for its range: whoever drops one such trace after another ends with none."""
    labels = (StepLabel(Kind.PROGRESS, 3, 4, "p", -0.1),)
    item = LabelledTrace(Trace(Problem("p", "q"), (Step("a"),)), labels)
    _, encoder = made(KINDS["prm"])
    with pytest.raises(KindError, match="labels of kind progress cannot teach this"):
        prepare([item], encoder, KINDS["prm"])


def test_birm_weighs_future_and_past():
    z = torch.tensor([[[0.5, 0.3], [-0.5, 0.1], [0.0, -0.9]]])
    v, means = [0.8, 0.6, 0.0], [1.0, 0.5, 0.5]  # of rewards 1, 0, 1/2
    assert past_and_future(0)(z)[0].tolist() == pytest.approx(v)
    found = past_and_future(1.5)(z)[0].tolist()
    assert found == pytest.approx([(a + 1.5 * b) / 2.5 for a, b in zip(v, means, strict=True)])
    assert past_and_future(1e9)(z)[0].tolist() == pytest.approx(means, abs=1e-6)
    with pytest.raises(InputError, match="beta"):
        past_and_future(-1)


def test_birms_heads_are_untied(made, labelled):
    """The published code gives both heads one storage: what one learns, the other says."""
    network, encoder = made(BIRM)
    values = of_kind(labelled, Kind.VALUE)
    examples = BIRM.examples([*labelled, *values], BIRM.view(encoder), BIRM.target)
    found = batch_of(examples, pad=0)
    unknown = torch.full_like(found.targets_NS, IGNORED)
    z, _ = network(found.ids_NT, found.spans_NS2)
    BIRM.loss(z, replace(found, targets_NS=unknown)).backward()
    for head in (network.state.weight, network.surprise[-1].weight):
        assert not head.grad[0].any()
        assert head.grad[1].any()


def test_birm_joins_labels_of_two_kinds(made):
    trace = Trace(Problem("p", "q"), (Step("a"), Step("b")), None, Verdict.WRONG)

    def item(kind, *values):
        return LabelledTrace(trace, tuple(StepLabel(kind, v, 4, "t") for v in values))

    _, encoder = made(BIRM)
    rewards, values = item(Kind.CORRECTNESS, 4, 0), item(Kind.VALUE, 2, 1)
    [example] = prepare([rewards, values], encoder, BIRM).examples
    assert (example.targets_S, example.others_S) == ((1.0, 0.0), (0.5, 0.25))
    [example] = prepare([rewards], encoder, BIRM).examples
    assert example.others_S == (0.0, 0.0)  # the verdict stands for the values
    with pytest.raises(KindError, match="correctness"):
        prepare([values], encoder, BIRM)


# --- theory ----------------------------------------------------------------


def test_the_best_ovm_is_the_share_of_right_ends():
    """Tabular: one free number for each prefix, and the outcomes of every path of a tree."""
    paths = [
        ("a", "a", 1),
        ("a", "a", 0),
        ("a", "b", 0),
        ("b", "a", 1),
        ("b", "b", 1),
        ("a",) * 2 + (0,),
    ]
    prefixes = sorted({p[:n] for p in paths for n in (1, 2)})
    table = torch.zeros(len(prefixes), requires_grad=True)
    places = torch.tensor([[prefixes.index(p[:n]) for n in (1, 2)] for p in paths])
    targets = torch.tensor([[float(p[2])] * 2 for p in paths])
    descent = torch.optim.SGD([table], lr=0.3)
    for _ in range(400):
        descent.zero_grad()
        OVM.loss(table[places], batch(targets.tolist())).backward()
        descent.step()
    for prefix, value in zip(prefixes, OVM.read(table.detach()).tolist(), strict=True):
        ends = [p[2] for p in paths if p[: len(prefix)] == prefix]
        assert value == pytest.approx(np.mean(ends), abs=1e-5)


class Table(torch.nn.Module):
    """P(token | prefix) of a tiny world, as log-probabilities of all sequences of 2 tokens of 3."""

    def __init__(self, seed):
        super().__init__()
        rng = np.random.default_rng(seed)
        self.first = np.log(rng.dirichlet(np.ones(3)))
        self.second = np.log(rng.dirichlet(np.ones(3), size=3))

    def reading(self, ids_NT):
        rows = [[0.0, self.first[a], self.second[a][b]] for _, a, b in ids_NT.tolist()]
        return torch.tensor(rows, dtype=torch.float64)


def test_the_implicit_identity_by_enumeration():
    """T7: sum_{i<=t} score_i = beta log E_{P_ref(. | y_<=t)} exp(r(y) / beta), and 0 at t = 0."""
    from surefoot.verifiers.network import Reading

    beta, model, reference = 0.7, Table(0), Table(1)
    words = list(product(range(3), repeat=2))
    ids = torch.tensor([[0, *word] for word in words])
    spans = torch.tensor([[[1, 2], [2, 3]]] * len(words))
    network = ImplicitNetwork(model, reference, beta)
    network.read = lambda base, ids, _: Reading(None, base.reading(ids), None)
    gains, _ = network(ids, spans)
    r = dict(zip(words, gains.sum(1).tolist(), strict=True))

    def soft_best(prefix):
        rest = [w for w in words if w[: len(prefix)] == prefix]
        p = [(reference.first[a], reference.second[a][b]) for a, b in rest]
        weights = [math.exp(sum(x[len(prefix) :])) for x in p]
        return beta * math.log(
            math.fsum(w * math.exp(r[y] / beta) for w, y in zip(weights, rest, strict=True))
        )

    assert soft_best(()) == pytest.approx(0, abs=1e-9)
    for word, (one, two) in zip(words, gains.tolist(), strict=True):
        assert one == pytest.approx(soft_best(word[:1]), abs=1e-9)
        assert one + two == pytest.approx(soft_best(word), abs=1e-9)


def test_an_implicit_one_equal_to_its_reference_gives_nothing(made, traces):
    network, encoder = made(IMPLICIT_CE)
    score = scorer(
        network, encoder, kind=Kind.LOGRATIO, name="v", fingerprint="", objective=IMPLICIT_CE
    )
    assert all(v == 0 for s in score(traces) for v in s.values)


def test_the_reference_is_neither_trained_nor_saved(made, labelled):
    network, encoder = made(IMPLICIT_CE)
    [reference] = network._reference
    before = [p.clone() for p in reference.parameters()]
    examples = prepare(labelled, encoder, IMPLICIT_CE).examples
    train(network, examples, config=TrainConfig(epochs=1), pad=0, objective=IMPLICIT_CE)
    assert all(map(torch.equal, before, reference.parameters()))
    assert {key.split(".")[0] for key in network.state_dict()} == {"base"}


# --- examples --------------------------------------------------------------


def trace_of(texts, verdict=None, problem="p"):
    return Trace(Problem(problem, "q"), tuple(map(Step, texts)), None, verdict)


def valued(texts, *values, kind=Kind.VALUE):
    labels = tuple(StepLabel(kind, v or 0, 4 if v is not None else 0, "t") for v in values)
    return LabelledTrace(trace_of(texts), labels)


def test_siblings_are_compared_once_each(made):
    """a: 4/4 and 1/4 next; under `a`, x has 2/4 and y 0/4; two nodes of value 0 say nothing."""
    _, encoder = made(PAIRWISE)
    items = [
        valued("ax", 4, 2), valued("ay", 4, 0), valued("by", 1, 0), valued("bz", 1, 0),
        valued("ax", 4, 2),
    ]  # fmt: skip
    examples = prepare(items, encoder, PAIRWISE).examples
    assert [e.targets_S for e in examples] == [(0.8,), (0.2,), (None, 1.0), (None, 0.0)]
    ends = [encoder.tokenizer.decode(e.encoded.ids)[-4:] for e in examples]
    assert ends == ["q\na\n", "q\nb\n", "a\nx\n", "a\ny\n"]
    with pytest.raises(InputError, match="siblings are needed"):
        prepare(items[:1], encoder, PAIRWISE)


def test_a_sibling_that_was_cut_off_has_no_value(made):
    """Its value would stand at the step before, which both share."""
    items = [valued(["a", "b"], None, 2), valued(["a", "1 + " * 200], None, 4)]
    examples = prepare(items, made(PAIRWISE)[1], PAIRWISE).examples
    assert [e.targets_S for e in examples] == [(None, 2 / 6), (None,)]


def test_triplets_differ_in_their_last_token(made):
    _, encoder = made(PAIRWISE)
    step = Step("1 + 2", encoder.step_ids(Step("1 + 2")))
    trace = Trace(Problem("p", "q"), (step,))
    one, other = triplet_examples(trace, [(1, step.ids[1], 7)], encoder)
    prompt = tuple(encoder.prompt(trace.problem))
    assert one.encoded.ids == (*prompt, *step.ids[:2])
    assert other.encoded.ids == (*prompt, step.ids[0], 7)
    assert one.encoded.ends_S == other.encoded.ends_S == (len(prompt) + 1,)
    assert (one.targets_S, other.targets_S) == ((1.0,), (0.0,))


def test_the_mean_over_pairs_knows_no_padding():
    """LLM2's code multiplies by the mask and then averages over all, padding included."""
    one = loss_of("pairwise", [[1.0, 0.0], [0.0, 0.0]], [[1.0, X], [0.0, X]])
    padded = loss_of("pairwise", [[1.0, 0.0, 5.0], [0.0, 0.0, 5.0]], [[1.0, X, X], [0.0, X, X]])
    assert one == padded == pytest.approx(softplus(-1))


def test_solutions_are_paired_within_their_problem(made):
    _, encoder = made(IMPLICIT_DPO)
    right, wrong = Verdict.CORRECT, Verdict.WRONG
    traces = [
        trace_of("a", right), trace_of("b", wrong), trace_of("c", wrong),
        trace_of("d", right, "alone"), trace_of("e", Verdict.UNREADABLE),
    ]  # fmt: skip
    examples = prepare(outcomes(traces), encoder, IMPLICIT_DPO).examples
    texts = [encoder.tokenizer.decode(e.encoded.ids).split()[-1] for e in examples]
    assert texts == ["a", "b", "a", "c"]
    assert [e.targets_S[-1] for e in examples] == [1.0, 0.0, 1.0, 0.0]
    with pytest.raises(InputError, match="both a right and a wrong solution"):
        prepare(outcomes(traces[3:]), encoder, IMPLICIT_DPO)


def test_what_was_cut_off_has_no_outcome(made):
    """A solution without its end did not end wrongly."""
    _, encoder = made(IMPLICIT_CE)
    long = trace_of(["fine", "1 + " * 200], Verdict.WRONG)
    prepared = prepare(outcomes([long]), encoder, IMPLICIT_CE)
    assert prepared.dropped == 1
    assert [e.known for e in prepared.examples] == [0]


def test_mixed_process_and_outcome_data(made):
    kind = KINDS["oprm"]
    _, encoder = made(kind)
    process = valued("ab", 4, 0, kind=Kind.CORRECTNESS)
    [outcome] = outcomes([trace_of("cd", Verdict.CORRECT)])
    found = prepare([process, outcome], encoder, kind).examples
    assert [e.targets_S for e in found] == [(1.0, 0.0), (None, 1.0)]
    torn = replace(process, labels=(process.labels[0], outcome.labels[0]))
    with pytest.raises(KindError, match=r"the labels of trace 1 .* must all be of"):
        prepare([torn], encoder, kind)


def test_sorm_targets_never_rise(made):
    kind = KINDS["sorm"]
    _, encoder = made(kind)
    assert prepare([valued("abc", 4, None, 0)], encoder, kind).examples[0].known == 2
    with pytest.raises(InputError, match=r"rise again.*annotate.sorm"):
        prepare([valued("ab", 0, 1)], encoder, kind)


def test_ratings_of_people_are_three_classes(made):
    from surefoot.formats.nouns import NEUTRAL

    kind = KINDS["prm-three-way"]
    labels = (
        StepLabel(Kind.CORRECTNESS, 1, 1, "prm800k"),
        StepLabel(Kind.CORRECTNESS, 1, 1, f"prm800k{NEUTRAL}"),
        StepLabel(Kind.CORRECTNESS, 0, 1, "prm800k"),
        StepLabel(Kind.CORRECTNESS, 0, 0, "prm800k"),
    )
    [example] = prepare([LabelledTrace(trace_of("abcd"), labels)], made(kind)[1], kind).examples
    assert example.targets_S == (2.0, 1.0, 0.0, None)
    z = torch.tensor([[[math.log(5), math.log(2), math.log(3)]]])
    assert float(kind.read(z)) == pytest.approx(0.5)


def test_a_critic_is_taught_up_to_the_first_error_and_on_its_verdicts_alone(made):
    kind = KINDS["generative"]
    _, encoder = made(kind)
    item = valued("abc", 4, 0, 4, kind=Kind.CORRECTNESS)
    [example] = prepare([item], encoder, kind).examples
    assert example.targets_S == (1.0, 0.0, None)
    assert not example.imitate  # openr's generative reward model learns the whole prompt
    text = encoder.tokenizer.decode(example.encoded.ids)
    assert "q\na\nb\nc\nIs step 1 right?" in text
    for number, place in enumerate(example.encoded.ends_S, start=1):
        before = encoder.tokenizer.decode(example.encoded.ids[: place + 1])
        assert before.endswith(f"Is step {number} right?")


def test_a_critic_takes_a_split_vote_for_no_error(made):
    kind = KINDS["generative"]
    [example] = prepare(
        [valued("abc", 4, 2, 1, kind=Kind.CORRECTNESS)], made(kind)[1], kind
    ).examples
    assert example.targets_S == (1.0, 0.5, 0.25)


def test_p_true_is_asked_after_each_prefix(made):
    kind = KINDS["p-true"]
    _, encoder = made(kind)
    examples = prepare([valued("ab", 4, 1)], encoder, kind).examples
    texts = [encoder.tokenizer.decode(e.encoded.ids) for e in examples]
    question = "Will this solution end with the right answer?"
    assert [t.removeprefix("<s>") for t in texts] == [f"q\na\n{question}", f"q\na\nb\n{question}"]
    assert [e.targets_S for e in examples] == [(1.0,), (0.25,)]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Tom has 3 + 4 = 7 apples.", "3 + 4 = 7"),
        ("So $x^2 + y$ is even, and \\(a b\\) too.", "$x^2 + y$ \\(a b\\)"),
        ("Let us think about it.", "..."),
        ("That is 10 - 4, or 60%.", "10 - 4, 60%."),
    ],
)
def test_the_maths_of_a_step(text, kept):
    assert maths(text) == kept


@given(st.lists(st.sampled_from(["so", "we", "get", "12", "=", "3*4", "+", "-", "$x + y$"])))
def test_the_stripper_keeps_every_formula_in_order(words):
    formulas = [w for w in words if not w.isalpha()]
    assert maths(" ".join(words)) == (" ".join(formulas) or "...")


# --- class balance and trust in oneself --------------------------------------


def test_balance_gives_either_class_half_of_the_loss(made):
    _, encoder = made(KINDS["prm"])
    items = [valued("abcd", 4, 4, 4, 0)]
    examples = step_examples(items, KINDS["prm"].view(encoder), KINDS["prm"].target)
    loss = balanced(examples)
    z = torch.tensor([[0.0, 1.0, 2.0, 3.0]])
    right = softplus(0) + softplus(-1) + softplus(-2)
    expected = (4 / 6 * right + 4 / 2 * softplus(3)) / 4
    assert float(loss(z, batch([[1.0, 1.0, 1.0, 0.0]]))) == pytest.approx(expected)
    with pytest.raises(InputError, match="of one class"):
        balanced(examples[:0] or step_examples([valued("a", 4)], KINDS["prm"].view(encoder),
                                               KINDS["prm"].target))  # fmt: skip


def test_own_predictions_are_hardened_at_the_share_of_the_labels():
    z = torch.tensor([0.1, 3.0, -1.0, 2.0, 0.0])
    y = torch.tensor([1.0, 0.0, 0.5, 0.5, 0.0])
    assert hardened(z, y).tolist() == [0, 1, 0, 1, 0]
    assert hardened(z, y).mean() == y.mean()


@pytest.mark.parametrize(
    ("done", "c"), [(0.0, 0.0), (0.05, 0.125), (0.1, 0.25), (0.2, 0.5), (0.9, 0.5)]
)
def test_confidence_rises_in_proportion(done, c):
    """The published warm-up uses step_frac for step_frac / warmup_frac: 0.1 and then a jump."""
    z, y = [1.0, -1.0], [0.0, 1.0]
    target = [(1 - c) * 0 + c * 1, (1 - c) * 1 + c * 0]
    expected = np.mean(
        [t * softplus(-x) + (1 - t) * softplus(x) for x, t in zip(z, target, strict=True)]
    )
    found = confidence(weight=0.5, warmup=0.2)(torch.tensor([z]), batch([y], done=done))
    assert float(found) == pytest.approx(expected)


def test_without_trust_it_is_plain_cross_entropy():
    z, y = [[1.0, -2.0, 0.3]], [[0.2, 1.0, X]]
    assert float(confidence(weight=0)(torch.tensor(z), batch(y))) == pytest.approx(
        loss_of("prm", z, y)
    )
