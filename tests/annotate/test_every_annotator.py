"""What holds for all annotators of traces: repeatable, one label a step, honest about cost and
about what they do not know, and never paying twice. A new one is a line in `ANNOTATORS`.

(Methods that grow a tree of their own have theirs in test_tree_methods.py.)
"""

import json
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from judges import code_in

from surefoot import annotate
from surefoot.core.records import labelled_of, labelled_record
from surefoot.core.seeds import each_own
from surefoot.core.types import Completion, Kind, Step, Trace, Verdict
from surefoot.engine import Journal
from surefoot.steps import Rollouts
from surefoot.tasks import trails
from surefoot.tasks.toy import ToyWorld

WORLD = ToyWorld(length=6, slip=0.2, recover=0.1, unreadable=0.1)
MUTE = ToyWorld(length=9, unreadable=1.0)  # no rollout can be read


def by_rollouts(method, trace, sample, seed=0, world=WORLD, **settings):
    rollouts = Rollouts(trace.problem, sample=sample, check=world.check, seed=seed)
    return method(trace, rollouts=rollouts, **settings)


def by_judge(method, trace, sample, seed=0, world=WORLD, **settings):
    return method(trace, judge=sample, seed=seed, **settings)


def by_debate(trace, sample, seed=0, world=WORLD):
    return annotate.debate(trace, accuser=sample, defender=sample, judge=sample, seed=seed)


def by_judges(trace, sample, seed=0, world=WORLD):
    return annotate.ensemble(trace, judges=[sample], seed=seed)


def for_nothing(method, trace, sample, seed=0, world=WORLD, **settings):
    return method(trace, **settings)


ROLLED = {
    "monte_carlo": partial(by_rollouts, annotate.monte_carlo),
    "omega_trace": partial(by_rollouts, annotate.omega_trace),
    "sorm": partial(by_rollouts, annotate.sorm),
    "progress": partial(by_rollouts, annotate.progress),
    "progress of the best of 3": partial(by_rollouts, annotate.progress, best_of=3),
    "bayes": partial(by_rollouts, annotate.bayes, stop=annotate.Stop(rollouts=40)),
}
JUDGED = {
    "critic": partial(by_judge, annotate.critic),
    "ensemble": by_judges,
    "debate": by_debate,
    "deductive": partial(by_judge, annotate.deductive),
    "reference": partial(by_judge, annotate.reference, reference=["1 + 1 = 2"], votes=4),
    "error_list": partial(by_judge, annotate.error_list, votes=4),
    "tool_judge": partial(by_judge, annotate.tool_judge, votes=2),
}
FREE = {
    "outcome": partial(for_nothing, annotate.outcome),
    "calculator": partial(for_nothing, annotate.calculator),
    "consensus": partial(for_nothing, annotate.consensus, others=[]),
    "oracle": partial(for_nothing, annotate.oracle, check_steps=lambda _, t: [None] * len(t.steps)),
}
ASKING = ROLLED | JUDGED
ANNOTATORS = ASKING | FREE
MOST_CALLS = {  # of a trace of S steps
    "monte_carlo": lambda S: 8 * S,
    "omega_trace": lambda S: 8 * (int(np.ceil(np.log2(S + 1))) + 1),
    "sorm": lambda S: 8 * S,
    "progress": lambda S: 8 * (S + 1),
    "progress of the best of 3": lambda S: 8 * (S + 1),
    "bayes": lambda S: 40,
    "critic": lambda S: 8,
    "ensemble": lambda S: 8,
    "debate": lambda S: S * (2 * 2 + 4),
    "deductive": lambda S: S * 3,
    "reference": lambda S: 4,
    "error_list": lambda S: 4,
    "tool_judge": lambda S: 2 * (4 + 1),
}

each_asking = pytest.mark.parametrize("name", ASKING)
every = pytest.mark.parametrize("name", ANNOTATORS)
words = st.text("gb", min_size=1, max_size=6)
verdicts = st.sampled_from([None, Verdict.CORRECT, Verdict.WRONG, Verdict.UNREADABLE])


def trace_of(word, verdict=None, finished=True):
    steps = tuple(Step({"g": "good", "b": "bad"}[letter]) for letter in word)
    return Trace(WORLD.problems(1)[0], steps, None, verdict, finished)


class Killed(Exception):
    """The process is gone; what the journal holds is not."""


class Model:
    """Policy and judge at once, behind a real journal. made: calls that were computed.

    mumbles: as a judge, say nothing that can be read. lives: calls till it is killed.
    """

    def __init__(self, path, world=WORLD, *, mumbles=False, lives=10**9):
        self.journal, self.made, self.asked, self._lives = Journal(path), 0, 0, lives
        self._world, self._mumbles = world, mumbles
        self._complete = self.journal.recorded(
            self._stream,
            kind="test",
            model="toy",
            key=lambda r: repr((r[0].id, r[0].text, [s.text for s in r[1]], r[2], r[3])).encode(),
            encode=lambda end: [[[s.text, list(s.ids)] for s in end.steps], end.finished],
            decode=lambda x: Completion(tuple(Step(t, tuple(i)) for t, i in x[0]), x[1]),
        )

    def __call__(self, problem, prefixes_P, *, count, rng, until="end"):
        owns = each_own(rng, len(prefixes_P))
        requests = [
            (problem, prefix, int(own.integers(2**62)), until)
            for prefix, own in zip(prefixes_P, owns, strict=True)
            for _ in range(count)
        ]
        self.asked += len(requests)
        replies = iter(self._complete(requests))
        return [[next(replies) for _ in range(count)] for _ in prefixes_P]

    def _stream(self, requests):
        for index, (problem, prefix, seed, until) in enumerate(requests):
            if self.made == self._lives:
                raise Killed
            self.made += 1
            rng = np.random.default_rng(seed)
            if "/judge/" in problem.id:
                text = "?" if self._mumbles else opinion(problem, rng)
                yield index, Completion((Step(text, (0,) * len(text)),))
            else:
                [[end]] = self._world.sample(problem, [prefix], count=1, rng=rng, until=until)
                yield index, end


def opinion(question, rng):
    """A judge that guesses, in the words that any of the prompts asks for."""
    if question.id.endswith("/reference"):
        return json.dumps([{"step": 0, "reference": [], "reason": "", "label": guess(rng).lower()}])
    if question.id.endswith("/errors"):
        error = {"step": 0, "aspect": "", "explanation": "", "penalty": 1}
        return json.dumps([error] * int(rng.integers(2)))
    code = code_in(question.text)
    lines = [f"Step {i} [{code}]: {guess(rng)}" for i in range(6)]
    place = int(rng.integers(2))
    return "\n".join(
        [*lines, f"The step [{code}]: {guess(rng)}", f"First wrong step [{code}]: {place}"]
    )


def guess(rng):
    return "RIGHT" if rng.random() < 0.5 else "WRONG"


@pytest.fixture
def model(tmp_path):
    """Makes models; those with the same `name` share a journal."""
    made = []

    def make(name="journal", **settings):
        made.append(Model(tmp_path / name, **settings))
        return made[-1]

    yield make
    for each in made:
        each.journal.close()


@every
def test_same_seed_same_labels(model, name):
    label = ANNOTATORS[name]
    runs = [label(trace_of("ggbgbb"), model(f"{i}"), seed) for i, seed in enumerate((3, 3))]
    assert runs[0] == runs[1]
    others = [label(trace_of("ggbgbb"), model(f"x{s}"), s).labels for s in range(4, 9)]
    assert (name in FREE) == all(labels == runs[0].labels for labels in others)


@every
@given(words, verdicts, st.booleans())
def test_one_label_a_step_and_its_cost_is_what_was_asked(tmp_path_factory, name, word, end, done):
    model = Model(tmp_path_factory.mktemp("journal") / "j")
    trace = trace_of(word, end, done)
    labelled = ANNOTATORS[name](trace, model)
    model.journal.close()
    assert labelled.trace == trace
    assert labelled_of(json.loads(json.dumps(labelled_record(labelled)))) == labelled
    assert len(labelled.labels) == len(trace.steps)
    assert labelled.usage.calls == model.asked
    assert model.asked <= MOST_CALLS.get(name, lambda S: 0)(len(word))
    for label in labelled.labels:
        assert label.by
        low = -1 if label.kind is Kind.PROGRESS else 0
        assert label.value is None or low <= label.value <= 1
        assert label.belief is not None or (label.value is None) == (label.tries == 0)
    assert all(isinstance(k, str) and isinstance(v, str) for k, v in labelled.notes.items())


@each_asking
@given(word=words)
def test_nothing_readable_is_unknown_never_wrong(tmp_path_factory, name, word):
    """Rollouts that end in a mumble, judges that say "?": no label calls a step wrong or right."""
    model = Model(tmp_path_factory.mktemp("journal") / "j", MUTE, mumbles=True)
    labelled = ASKING[name](trace_of(word), model, world=MUTE)
    model.journal.close()
    assert model.asked or name == "bayes"  # which knows that one step's rollouts tell it nothing
    for label in labelled.labels:
        assert (label.successes, label.tries) == (0, 0)
        assert label.value is None or 0 < label.value < 1  # bayes has its prior, and says so
    if name != "bayes":
        assert all(label.value is None for label in labelled.labels)


@each_asking
@pytest.mark.parametrize("lives", [0, 1, 3, 9])
def test_a_killed_run_goes_on_and_pays_nothing_twice(model, name, lives):
    label, trace = ASKING[name], trace_of("ggbgbb")
    whole = model("undisturbed")
    expected = label(trace, whole)
    deaths = 0
    while True:
        alive = model(lives=lives + 1)  # each life computes some calls and dies in the next
        try:
            found = label(trace, alive)
            break
        except Killed:
            deaths += 1
            assert deaths < 200
    assert found == expected
    assert alive.journal.count() == whole.journal.count() == whole.made
    assert alive.journal.made_twice() == 0
    again = model()
    assert label(trace, again) == expected
    assert again.made == 0


def test_traces_of_trails_are_labelled_by_those_that_need_no_model():
    [problem] = trails.problems("test", 1, level="easy")
    texts = trails.solve(trails.read(problem.text))
    trace = Trace(problem, tuple(map(Step, texts)), problem.gold, Verdict.CORRECT)
    broken = trace.with_steps((Step(texts[0] + "1"), *trace.steps[1:]))
    for label in (
        annotate.calculator,
        partial(annotate.oracle, check_steps=trails.check_steps),
    ):
        assert all(x.value in (None, 1) for x in label(trace).labels)
        assert label(broken).labels[0].value == 0


def test_every_annotator_of_traces_is_here():
    """Whatever `annotate` offers that labels a given trace is tested above."""
    elsewhere = {"inject", "edited", "by_rule", "abstaining"}  # broken traces; rules of one task
    labels = {
        name
        for name in annotate.__all__
        if getattr(getattr(annotate, name), "__annotations__", {}).get("return")
        is annotate.monte_carlo.__annotations__["return"]
    }
    assert labels - elsewhere <= {name.split()[0] for name in ANNOTATORS}
