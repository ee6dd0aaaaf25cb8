"""A verifier of each kind in `surefoot search`: what fits runs, the rest is refused at once."""

import json

import pytest

from surefoot.cli._searches import ASKING_MORE, KINDS, METHODS, takes
from surefoot.verifiers import KINDS as TRAINED

ALL = METHODS | ASKING_MORE


@pytest.fixture(scope="session")
def of_kind(tiny, tmp_path_factory):
    """The folder of an untrained verifier of a kind; its scores mean nothing, but are scores."""
    from surefoot.core.types import Kind
    from surefoot.verifiers import new_network, save_verifier
    from surefoot.verifiers.checkpoint import encoder_card

    made = {}

    def folder(kind):
        if kind not in made:
            made[kind] = tmp_path_factory.mktemp("kinds") / kind
            objective = TRAINED[kind]
            network, encoder = new_network(str(tiny), objective=objective, device="cpu")
            scores = objective.kind or Kind.CORRECTNESS
            card = encoder_card(kind, scores, encoder, "", objective=objective, base=str(tiny))
            save_verifier(made[kind], network, encoder, card)
        return made[kind]

    return folder


def command(method, tiny, verifier, out):
    return ["search", "trails:easy", "--limit", 1, "--method", method, "--policy", tiny,
            "--verifier", verifier, "--max-tokens", 12, "--out", out, "--json"]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "method", "more"),
    [
        ("pav", "pav_beam:beams=2,width=2,rounds=2", []),
        ("ovm", "pav_beam:beams=2,width=2,rounds=2", ["--prover", "pav"]),
        ("alphamath", "pav_beam:beams=2,width=2,rounds=2", ["--prover", "ovm"]),
        ("pairwise", "stepwise_best_of_n:n=2,rounds=2", []),
        ("implicit-dpo", "weighted_vote:n=2", []),
        ("birm", "birm_beam:beta=1.5,beams=2,width=2,rounds=2", []),
        ("ovm", "birm_beam:beams=2,width=2,rounds=2", ["--past", "prm"]),
    ],
)
def test_each_kind_has_a_search(cli, tiny, of_kind, tmp_path, kind, method, more):
    more = [x if x.startswith("--") else of_kind(x) for x in more]
    told = cli(*command(method, tiny, of_kind(kind), tmp_path / "f"), *more).stdout
    assert json.loads(told)["problems"] == 1


@pytest.mark.parametrize(
    ("kind", "method", "more", "why"),
    [
        ("pav", "mcts", [], "mcts needs scores of kind correctness or value. Searches for "
         "progress scores: pav_beam, "),
        ("pairwise", "mcts", [], "Searches for preference scores: stepwise_best_of_n"),
        ("implicit-dpo", "particle_filter", [], "Searches for logratio scores: weighted_vote, "),
        ("pairwise", "glore", [], "glore needs scores of kind correctness or value"),
        ("ovm", "pav_beam", ["--prover", "prm"], "--prover needs scores of kind value or progress"),
        ("ovm", "birm_beam", ["--past", "ovm"], "--past needs scores of kind correctness"),
        ("prm", "birm_beam", [], "must be of kind birm"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_before_the_policy_is_asked(
    refused, tiny, of_kind, tmp_path, kind, method, more, why
):
    more = [x if x.startswith("--") else of_kind(x) for x in more]
    line = refused(*command(method, tiny, of_kind(kind), tmp_path / "f"), *more)
    assert why in line
    assert "Finished calls are in" not in line


def test_the_weight_of_the_past_decides_and_has_calls_of_its_own(tiny, of_kind):
    """One model, two heads: f = (v + beta mean r) / (1 + beta), whatever the journal knows."""
    import torch
    from cli_helpers import made_traces

    from surefoot.verifiers import load_birm, load_verifier

    folder = str(of_kind("birm"))
    heads = torch.tensor([[0.1, 0.3], [-0.2, 0.0]])  # z^r, z^v of two steps

    [trace] = made_traces(1, 1)
    read = {beta: load_birm(folder, beta=beta) for beta in (0.0, 1.0, 1.5)}
    assert len({scorer.fingerprint for scorer in (*read.values(), load_verifier(folder))}) == 4
    [plain], [one] = load_verifier(folder)([trace]), read[1.0]([trace])
    assert plain.values == one.values
    from surefoot.verifiers.kinds import birm

    found = birm(1.5).read(heads[None])[0].tolist()
    assert found == pytest.approx([(0.8 + 1.5 * 0.6) / 2.5, (0.5 + 1.5 * 0.45) / 2.5])


@pytest.mark.slow
@pytest.mark.parametrize("kind", TRAINED)
def test_every_kind_with_every_search(cli, refused, tiny, of_kind, tmp_path, kind):
    from surefoot.verifiers import load_scorer

    scores = load_scorer(str(of_kind(kind))).kind
    small = {"n": 2, "beams": 2, "width": 2, "rounds": 2}
    ran = 0
    for method, kinds in KINDS.items():
        run = command(method, tiny, of_kind(kind), tmp_path / method)
        run += [
            x for name, n in small.items() if name in takes(ALL[method]) for x in (f"--{name}", n)
        ]
        run += ["--judge", tiny] if "judge" in takes(ALL[method]) else []
        run += ["--past", of_kind("prm")] if method == "birm_beam" else []
        if scores in kinds:
            assert json.loads(cli(*run).stdout)["problems"] == 1
            ran += 1
        else:
            assert f"Searches for {scores.value} scores: " in refused(*run)
    assert ran


# --- guides -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("guide", "kind"),
    [("vas:beta=30,top=8", "vas"), ("llm2:alpha=0.8,beta=5", "pairwise"), ("ending", None)],
)
def test_a_guide_changes_what_is_written(cli, tiny, of_kind, tmp_path, guide, kind):
    by = ["--guided-by", lively(of_kind(kind))] if kind else []
    run = ["sample", "trails:easy", "--limit", 1, "--n", 2, "--policy", tiny, "--max-tokens", 16]
    texts = []
    for name, more in (("plain", []), ("guided", ["--guide", guide, *by])):
        cli(*run, *more, "--journal", tmp_path / "one", "--out", tmp_path / name)
        rows = [json.loads(line) for line in (tmp_path / name).read_text().splitlines()]
        texts.append([row["steps"] for row in rows])
    assert texts[0] != texts[1], "nor does one find the other's answers in the journal"
    cli(*search_with(tiny, tmp_path / "s"), "--guide", guide, *by)


def search_with(policy, out):
    return ["search", "trails:easy", "--limit", 1, "--method", "majority", "--n", 2,
            "--policy", policy, "--max-tokens", 12, "--out", out]  # fmt: skip


def lively(folder):
    """The same verifier with a head that is not zero: a fresh one has no opinion."""
    import torch
    from safetensors.torch import load_file, save_file

    path = folder / "head.safetensors"
    torch.manual_seed(0)
    save_file({k: torch.randn_like(v) for k, v in load_file(path).items()}, path)
    return folder


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (["--guide", "vas"], "--guide vas: --guided-by is needed"),
        (["--guide", "ending", "--guided-by", "vas"], "--guided-by does nothing"),
        (["--guided-by", "vas"], "--guided-by does nothing without --guide"),
        (["--guide", "vast", "--guided-by", "vas"], "--guide must be one of vas, llm2, ending"),
        (["--guide", "vas:alpha=1", "--guided-by", "vas"], "has no numeric setting 'alpha'"),
        (["--guide", "vas:beta=nan", "--guided-by", "vas"], "beta must be of type float"),
        (["--guide", "ending:temperature=0"], "expected a temperature above 0"),
        (["--guide", "vas", "--guided-by", "prm"], "of kind vas or ovm or orm"),
        (["--guide", "llm2", "--guided-by", "vas"], "of kind pairwise"),
        (["--guide", "ending", "--policy", "http://localhost:9/v1#m"], "a server does not give"),
    ],
)
def test_what_a_guide_needs(refused, tiny, of_kind, tmp_path, more, why):
    if more[-2] == "--guided-by":
        more = [*more[:-1], of_kind(more[-1])]
    assert why in refused(*search_with(tiny, tmp_path / "f"), *more)


def test_what_ends_a_policy_s_thinking_or_its_text(tiny):
    """An unknown word is no end of thinking, and only that of thinking comes but once."""
    from dataclasses import replace

    from surefoot.cli._guides import END, ends_of
    from surefoot.policy.local import load_policy

    policy = load_policy(str(tiny), device="cpu")
    plain = (tuple(sorted(policy.decoder.end_ids)), False)
    assert ends_of(policy) == plain

    class Reads:
        def __init__(self, text):
            self.text = text

        def __call__(self, _, add_special_tokens):
            assert not add_special_tokens
            return {"input_ids": [7]}

        def decode(self, ids):
            return self.text if ids == (7,) else ""

    def reading(text):
        return replace(policy, encoder=replace(policy.encoder, tokenizer=Reads(text)))

    assert ends_of(reading(END)) == ((7,), True)
    assert ends_of(reading("<unk>")) == plain


def test_a_guide_must_read_the_policy_s_ids(tiny, of_kind):
    from surefoot.core.errors import ModelError
    from surefoot.policy.local import load_policy
    from surefoot.verifiers.tokens import VALUED, load_token_scorer

    policy = load_policy(str(tiny), device="cpu", separator="\n\n")
    with pytest.raises(ModelError, match="reads other ids than the policy"):
        load_token_scorer(str(of_kind("vas")), kinds=VALUED, like=policy.encoder, device="cpu")
