"""A served verifier scores as the same checkpoint does here, or says why it cannot."""

import json

import pytest

pytest.importorskip("torch", reason="needs surefoot[models]")
pytest.importorskip("datasets", reason="needs surefoot[data]")

from pooling_server import Pooling, serving
from trl_experiment import ROWS, classifier, settings, tokenizer

from surefoot.core.errors import InputError, ModelError
from surefoot.core.types import Kind, Problem, Step, Trace
from surefoot.policy.http import Patience, Refused, call_json
from surefoot.verifiers import load_scorer
from surefoot.verifiers.calibrate import Logistic
from surefoot.verifiers.calibration_card import store_calibration
from surefoot.verifiers.formats.trl import TRL
from surefoot.verifiers.pooling import AT_ONCE, EASY, Endpoint, load_served
from surefoot.verifiers.trl import PRMConfig, PRMTrainer

HASTY = Patience(tries=4, first=0.001, longest=0.002, deadline=20.0, timeout=10.0)


def trace(*texts, name="ann"):
    return Trace(Problem(name, "Ann has 3 apples."), tuple(map(Step, texts)))


TRACES = [trace("3 + 4 = 7."), trace("3 + 4 = 8.", "So (8)", "It is 8."), trace("7", "7.")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    words = tokenizer()
    made = tmp_path_factory.mktemp("prm")
    classifier(words).save_pretrained(made)
    words.save_pretrained(made)
    return made


@pytest.fixture(scope="module")
def local(folder):
    return load_scorer(str(folder), family="trl", device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def easy(local):
    """The easy pair in the order in which this (random) model has it."""
    pair = sorted(EASY, key=lambda t: -local([t])[0].values[0])
    assert local([pair[0]])[0].values[0] > local([pair[1]])[0].values[0]
    return tuple(pair)


@pytest.fixture
def pooling():
    return Pooling(classifier(tokenizer()).eval())


@pytest.fixture
def load(folder, easy, pooling):
    """Loads the served scorer; what the self-test asked is forgotten."""
    with serving(pooling) as url:

        def make(form=TRL, key=None, patience=HASTY, pair=easy, model="prm", path=""):
            endpoint = Endpoint(url + path, model, key, patience)
            scorer = load_served(endpoint, form, tokenizer=str(folder), easy=pair)
            pooling.asked.clear()
            return scorer

        yield make


# --- scores ----------------------------------------------------------------


@pytest.mark.parametrize("step_pooling", [False, True])
def test_scores_are_those_of_the_checkpoint(load, local, pooling, step_pooling):
    """With a row a token, and with STEP pooling, a row a step tag."""
    pooling.tag = tokenizer()("\n", add_special_tokens=False)["input_ids"][0]
    pooling.tag = pooling.tag if step_pooling else None
    served = load()
    for ours, theirs in zip(local(TRACES), served(TRACES), strict=True):
        assert theirs.values == pytest.approx(ours.values, abs=1e-6)
        assert (theirs.kind, theirs.tokens) == (ours.kind, ours.tokens)
    assert theirs.by == "prm"
    assert theirs.kind is Kind.CORRECTNESS


def test_answers_may_come_in_any_order(load, local, pooling):
    pooling.shuffle = True
    served = load()
    for ours, theirs in zip(local(TRACES), served(TRACES), strict=True):
        assert theirs.values == pytest.approx(ours.values, abs=1e-6)


def test_many_traces_are_several_requests_and_come_as_they_are_answered(load, pooling):
    served = load()
    many = [trace(f"{i} + 1 = {i + 1}.") for i in range(AT_ONCE + 3)]
    first = next(iter(served.stream(many)))
    assert first[0] == 0
    assert len(pooling.asked) == 1
    pooling.asked.clear()
    assert len(served(many)) == len(many)
    assert [len(body["input"]) for body in pooling.asked] == [AT_ONCE, 3]


def test_the_request_and_the_key(load, pooling):
    load(key="secret", path="/v1/")(TRACES[:1])
    [body] = pooling.asked
    assert set(body) == {"model", "task", "input", "use_activation"}
    assert (body["model"], body["task"], body["use_activation"]) == ("prm", "token_classify", True)
    assert pooling.keys[-1] == "Bearer secret"


def test_nothing_to_score_asks_nothing(load, pooling):
    assert load()([]) == []
    assert pooling.asked == []


@pytest.fixture
def able(local):
    """A model that tells the easy pair apart as it should."""
    model = classifier(tokenizer()).eval()
    if local(EASY[:1])[0].values[0] < local(EASY[1:])[0].values[0]:
        model.score.weight.data.neg_()
        model.score.bias.data.neg_()
    return model


def test_a_served_verifier_is_loaded_by_its_address(able, tmp_path):
    """With the family said, or with the card (separator, calibration) that it was saved with."""
    model = able
    words = tokenizer()
    run = PRMTrainer(
        model=model,
        args=settings(PRMConfig, tmp_path),
        train_dataset=ROWS,
        processing_class=words,
    )
    run.save_model()
    store_calibration(tmp_path, Logistic(Kind.CORRECTNESS, 0.5))
    expected = load_scorer(str(tmp_path), device="cpu", dtype="float32")(TRACES)
    with serving(Pooling(model, name=str(tmp_path))) as url:
        found = load_scorer(f"{url}#{tmp_path}")(TRACES)
        plain = load_scorer(f"{url}#{tmp_path}", family="trl")(TRACES)
        with pytest.raises(ModelError, match="family of a served verifier must be said"):
            load_scorer(f"{url}#{tmp_path}", family="implicit")
    for a, b, c in zip(found, expected, plain, strict=True):
        assert a.values == pytest.approx(b.values, abs=1e-6)
        assert a.values != pytest.approx(c.values, abs=1e-3)
    with pytest.raises(InputError, match="expected URL#MODEL"):
        load_scorer("http://localhost:1")


def test_the_command_line_goes_on_where_it_was_interrupted(able, folder, tmp_path):
    from typer.testing import CliRunner

    from surefoot.cli.main import build_app
    from surefoot.core.records import read_rows, trace_record, write_all

    count = AT_ONCE + 8
    source, out = tmp_path / "traces.jsonl", tmp_path / "scores.jsonl"
    write_all(source, (trace_record(trace(f"{i} + 1 = {i + 1}.")) for i in range(count)))
    pooling = Pooling(able, name=str(folder))
    with serving(pooling) as url:
        options = ["--verifier", f"{url}#{folder}", "--family", "trl", "--out", str(out)]

        def score():
            result = CliRunner().invoke(build_app(), ["score", str(source), *options])
            inputs = [len(body["input"]) for body in pooling.asked]
            pooling.asked.clear()
            return result.exit_code, inputs

        answered = pooling.pool
        pooling.pool = lambda body: (403, {}) if len(pooling.asked) == 3 else answered(body)
        code, inputs = score()
        assert code != 0
        assert inputs == [2, AT_ONCE, 8]  # the easy pair, what was answered, what was not
        assert not out.exists()
        assert score() == (0, [2, 8])
    assert sum(1 for _ in read_rows(out)) == count


# --- patience --------------------------------------------------------------


@pytest.mark.parametrize(
    "fault", [(503, "busy"), (429, "slow down"), (500, {}), (200, "<html>"), (200, "[]"), "drop"]
)
def test_what_may_pass_is_tried_again(load, local, pooling, fault):
    served = load()
    pooling.faults = [fault, fault]
    [scores] = served(TRACES[:1])
    assert scores.values == pytest.approx(local(TRACES[:1])[0].values, abs=1e-6)
    assert len(pooling.asked) == 3


def test_the_servers_wish_to_wait_is_granted_and_waits_double(pooling):
    waits = []
    patience = Patience(tries=5, first=1.0, longest=3.0, deadline=1000.0)
    with serving(pooling) as url:
        busy = (503, "busy")
        pooling.faults = [busy, (503, "busy", {"Retry-After": "7"}), busy, busy]
        body = {"input": [[1, 2]], "model": "prm"}
        call_json(url + "/pooling", body, patience=patience, sleep=waits.append)
    assert waits[1] == 7.0
    for wait, most in zip(waits, [1.0, 7.0, 3.0, 3.0], strict=True):
        assert most / 2 <= wait <= most  # jitter: who failed together does not come back together


def test_tries_run_out(load, pooling):
    served = load()
    pooling.faults = [(503, "busy")] * 9
    with pytest.raises(ModelError, match=r"no answer from .* in 4 tries: status 503"):
        served(TRACES)
    assert len(pooling.asked) == 4


def test_a_wait_beyond_the_deadline_is_not_begun(pooling):
    with serving(pooling) as url:
        pooling.faults = [(503, "busy", {"Retry-After": "3600"})]
        with pytest.raises(ModelError, match="in 1 tries"):
            call_json(url + "/pooling", {"input": []}, patience=HASTY)


def test_nobody_there():
    with pytest.raises(ModelError, match="no answer from"):
        call_json("http://127.0.0.1:9/pooling", {}, patience=HASTY)
    with pytest.raises(InputError, match="begins with http"):
        call_json("file:///etc/hostname")


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_no_is_a_no(load, pooling, status):
    served = load()
    pooling.faults = [(status, {"error": "because"})]
    with pytest.raises(Refused, match=f"answered {status}: .*because"):
        served(TRACES)
    assert len(pooling.asked) == 1


# --- what does not fit -----------------------------------------------------


def test_a_trace_that_is_too_long_is_not_sent(load, pooling):
    served = load()
    with pytest.raises(
        InputError, match=r"problem 'long' has \d+ tokens and the verifier takes 256"
    ):
        served([*TRACES, trace("1 + 1 = 2. " * 60, name="long")])
    assert pooling.asked == []


def test_an_overflow_that_the_server_reports_names_the_trace(load, pooling):
    """Where the server does not say its limit beforehand."""
    pooling.lists_models = False
    served = load()
    with pytest.raises(InputError, match=r"problem 'long' has \d+ tokens.*maximum context length"):
        served([*TRACES, trace("1 + 1 = 2. " * 60, name="long")])


def test_a_step_tag_inside_a_step_is_found_out(load, pooling):
    pooling.tag = tokenizer()("\n", add_special_tokens=False)["input_ids"][0]
    served = load()
    with pytest.raises(ModelError, match=r"gave 3 rows for 2 steps in \d+ tokens"):
        served([trace("3 + 4\n= 7.", "It is 7.")])


# --- self-test -------------------------------------------------------------


def test_a_verifier_that_cannot_tell_the_easy_pair_is_refused(load, easy):
    with pytest.raises(ModelError, match="expected the first above the second"):
        load(pair=easy[::-1])


def test_raw_outputs_are_refused(load, pooling):
    pooling.activation = False
    with pytest.raises(ModelError, match="expected probabilities that sum to 1"):
        load()


def test_a_tag_that_never_occurs_is_refused(load, pooling):
    pooling.tag = 0
    with pytest.raises(ModelError, match="gave 0 rows for 2 steps"):
        load()


def test_another_model_is_refused(load):
    with pytest.raises(ModelError, match=r"serves \['prm'\], not 'other'"):
        load(model="other")


@pytest.mark.parametrize("body", [{"data": []}, {"data": [{"index": 0, "data": [0.5]}]}, {}])
def test_an_answer_of_another_form_is_refused(load, pooling, body):
    pooling.faults = [(200, json.dumps(body))]
    with pytest.raises(ModelError, match=r"cannot be read.*--runner pooling"):
        load()
