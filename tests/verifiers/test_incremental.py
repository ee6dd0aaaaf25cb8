"""Incremental scores are those of whole traces, and no step is read twice."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="needs surefoot[models]")

from transformers import MambaConfig, MambaForCausalLM  # noqa: E402

from surefoot.core.errors import InputError, ModelError  # noqa: E402
from surefoot.core.types import Kind, Problem, Step, Trace  # noqa: E402
from surefoot.verifiers import IncrementalScorer, scorer  # noqa: E402
from surefoot.verifiers.incremental import PrefixCache  # noqa: E402
from surefoot.verifiers.network import VerifierNetwork, read_rows  # noqa: E402
from surefoot.verifiers.score import LocalScorer, likelihood_scorer  # noqa: E402

WORDS = ("Tom", "has", "3", "+ 4 = 7", "pears")


@pytest.fixture
def score(fresh, woken):
    network, encoder = fresh()
    return scorer(woken(network), encoder, kind=Kind.VALUE, name="v", fingerprint="f")


def trace(problem, *texts):
    return Trace(Problem(problem, f"Why {problem}?"), tuple(map(Step, texts)))


def assert_equal(found, expected):
    for a, b in zip(found, expected, strict=True):
        assert a.values == pytest.approx(b.values, abs=1e-5)
        assert (a.kind, a.by) == (b.kind, b.by)


paths = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5)
calls = st.lists(st.lists(st.tuples(st.sampled_from("ab"), paths), max_size=5), max_size=5)


@given(calls=calls, cache_tokens=st.sampled_from([1, 30, 1 << 16]))
@settings(max_examples=40, deadline=None)
def test_equal_to_full_scoring_whatever_was_asked_before(scorers, calls, cache_tokens):
    incremental = IncrementalScorer(scorers, cache_tokens=cache_tokens)
    for call in calls:
        traces = [trace(problem, *texts) for problem, texts in call]
        assert_equal(incremental(traces), scorers(traces))


@pytest.fixture(scope="module")
def scorers(base):
    from surefoot.verifiers import new_network

    torch.manual_seed(2)
    network, encoder = new_network(str(base), device="cpu")
    with torch.no_grad():
        for parameter in [*network.state.parameters(), *network.surprise.parameters()]:
            parameter.copy_(torch.randn_like(parameter) * 0.5)
    return scorer(network, encoder, kind=Kind.VALUE, name="v", fingerprint="f")


def test_each_step_is_read_once(score):
    incremental = IncrementalScorer(score)
    incremental([trace("a", "3", "4"), trace("a", "3", "5"), trace("a", "3", "4")])
    assert (incremental.steps_asked, incremental.steps_read) == (6, 3)
    [one] = incremental([trace("a", "3", "4", "5")])
    assert (incremental.steps_asked, incremental.steps_read) == (9, 4)
    assert one.tokens < score([trace("a", "3", "4", "5")])[0].tokens
    [again] = incremental([trace("a", "3", "4", "5")])
    assert again.tokens == 0
    assert incremental.steps_read == 4
    incremental([trace("b", "3", "4", "5")])  # another problem is another tree
    assert incremental.steps_read == 7
    assert incremental([]) == []


def test_what_a_call_reads_is_charged_once(score):
    """Prompt and steps of the first call; the last token of the past and the new step then."""
    incremental = IncrementalScorer(score)
    long, short = trace("a", "3", "4", "5"), trace("a", "3", "4")
    [whole] = score([long])
    [part] = score([short])
    first = incremental([short, short])
    assert [s.tokens for s in first] == [part.tokens, 0]
    assert incremental([long])[0].tokens == whole.tokens - part.tokens + 1


def test_memory_is_bounded_and_the_least_recent_is_forgotten(scorers):
    cache = PrefixCache(60)
    limited = scorers.reading(cache, lambda examples, _, together=1: [[*range(len(examples))]])
    for number in range(12):
        traces = [trace("a", *WORDS[:2]), trace(f"p{number}", *WORDS)]
        assert_equal(limited(traces), scorers(traces))
        assert cache.tokens_kept <= 60
        kept = list(cache._recent)
        assert cache.tokens_kept == sum(len(node.ids) for node in kept)
        for node in kept:  # nobody is without its parent
            assert node.parent.parent is None or node.parent in cache._recent
    read = cache.steps_read
    limited([trace("p11", *WORDS)])
    assert cache.steps_read == read
    limited([trace("p1", *WORDS)])
    assert cache.steps_read == read + len(WORDS)


def test_a_beam_search_pays_for_new_steps_alone(scorers):
    """Full scoring pays for every prefix again."""
    rng = np.random.default_rng(0)
    incremental = IncrementalScorer(scorers)
    beams, new = [()], set()
    for _ in range(5):
        grown = [(*beam, str(rng.integers(9))) for beam in beams for _ in range(4)]
        new |= set(grown)
        traces = [trace("a", *texts) for texts in grown]
        scores = incremental(traces)
        assert_equal(scores, scorers(traces))
        order = sorted(range(len(grown)), key=lambda i: -scores[i].values[-1])
        beams = [grown[i] for i in order[:3]]
    assert incremental.steps_read == len(new)
    assert incremental.steps_asked > 2 * len(new)


def test_other_readers_of_a_network_go_on_from_prefixes_too(base, traces):
    from surefoot.verifiers import new_network

    network, encoder = new_network(str(base), device="cpu")
    likelihood = likelihood_scorer(network, encoder, name="l", fingerprint="")
    incremental = IncrementalScorer(likelihood)
    for count in (1, 2, 5):
        parts = [t.with_steps(t.steps[:count]) for t in traces[:6]]
        for a, b in zip(incremental(parts), likelihood(parts), strict=True):
            assert a.values == pytest.approx(b.values, abs=1e-4)


def test_threads_may_share_it(scorers):
    incremental = IncrementalScorer(scorers)
    asked = [[trace("a", *WORDS[: 1 + i % 5]), trace("b", str(i % 7))] for i in range(24)]
    with ThreadPoolExecutor(8) as pool:
        for found, traces in zip(pool.map(incremental, asked), asked, strict=True):
            assert_equal(found, scorers(traces))
    assert incremental.steps_read == 5 + 7


def test_it_goes_around_the_model_work_of_a_scorer(scorers):
    wrapped = scorers.through(IncrementalScorer)
    assert_equal(wrapped([trace("a", "3")]), scorers([trace("a", "3")]))
    assert wrapped.fingerprint == scorers.fingerprint


def test_readings_are_those_of_rows(scorers):
    """Every number a head may look at, not the scores alone."""
    torch.manual_seed(0)
    ids = torch.randint(1, 50, (3, 16))
    ids[1, :9] = ids[0, :9]
    spans = torch.tensor(
        [[[3, 6], [6, 9], [9, 14]], [[3, 6], [6, 9], [9, 16]], [[1, 5], [5, 7], [0, 0]]]
    )
    base = base_of(scorers)
    cache = PrefixCache()
    for rows in ([0], [0, 1], [0, 1, 2], [2]):
        expected = read_rows(base, ids[rows], spans[rows])
        found = cache(base, ids[rows], spans[rows])
        for k, row in enumerate(rows):
            stop, steps = spans[row].max(), int((spans[row][:, 1] > 0).sum())
            for name in ("logprobs_NT", "regrets_NT"):
                a, b = (getattr(r, name)[k, :stop] for r in (found, expected))
                assert torch.allclose(a, b, atol=1e-5)
            assert torch.allclose(
                found.states_NSC[k, :steps], expected.states_NSC[k, :steps], atol=1e-5
            )


def base_of(score):
    """The language model that a scorer reads with."""
    seen = []

    def spy(base, ids, spans):
        seen.append(base)
        return read_rows(base, ids, spans)

    score.reading(spy, lambda examples, _, together=1: [[0]])([trace("a", "3")])
    return seen[0]


def test_what_cannot_go_on_is_refused(scorers):
    foreign = LocalScorer(lambda traces: iter(()), list, "f")
    with pytest.raises(ModelError, match="reads its own format"):
        IncrementalScorer(foreign)
    with pytest.raises(InputError, match="1 or more tokens, got 0"):
        IncrementalScorer(scorers, cache_tokens=0)
    torch.manual_seed(0)
    config = MambaConfig(vocab_size=50, hidden_size=16, num_hidden_layers=1)
    network = VerifierNetwork(MambaForCausalLM(config).eval())
    with pytest.raises(ModelError, match=r"leave it|use it as it is"):
        network.reading(PrefixCache())(torch.ones((1, 8), dtype=torch.long),
                                       torch.tensor([[[2, 8]]]))  # fmt: skip
