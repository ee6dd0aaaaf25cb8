"""Generative critics: what is read from a text, what is asked, and that no guess fills a gap."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="needs surefoot[models]")

from surefoot.core.errors import InputError, ModelError  # noqa: E402
from surefoot.core.types import Kind, Problem, Trace  # noqa: E402
from surefoot.policy.local_decode import Sampling  # noqa: E402
from surefoot.verifiers import load_scorer  # noqa: E402
from surefoot.verifiers.formats.critic import Written, critique, load_critic, scores_of  # noqa: E402
from surefoot.verifiers.formats.gen_prm import gen_prm, gen_verdict  # noqa: E402
from surefoot.verifiers.formats.r_prm import NO_STEPS, r_prm, r_verdict  # noqa: E402
from surefoot.verifiers.formats.think_prm import think_prm, think_verdicts  # noqa: E402
from tiny_hub import causal, mistral_tokenizer, qwen_tokenizer, save  # noqa: E402

RIGHT, WRONG = r"\boxed{correct}", r"\boxed{incorrect}"


def scripted(answer):
    """A writer that answers by a function of the chat, and remembers what it was asked."""
    asked = []

    def write(chats):
        asked.extend(chats)
        return [Written(answer(chat), tokens=10) for chat in chats]

    write.asked = asked
    return write


# --- verdicts --------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "verdicts"),
    [
        ("", [None, None, None]),
        (f"Step 1: fine, {RIGHT}.\nStep 2: no, {WRONG}", [True, False, None]),
        ("Step 1: \\boxed{\\text{correct}}\n**Step 2:** \\boxed{ Incorrect }", [True, False, None]),
        (f"Step 1: it seems {WRONG}. Wait, no: {RIGHT}.", [True, None, None]),
        (f"Step 1: {RIGHT}\nStep 1: again: {WRONG}", [False, None, None]),
        (f"Step 3: {WRONG}\nStep 4: {RIGHT}\nStep 0: {RIGHT}", [None, None, False]),
        (f"As Step 1: says, all is {RIGHT}", [None, None, None]),  # no heading of its own
        (f"Step 2 uses step 1. {RIGHT}", [None, None, None]),
        ("Step 1: correct", [None, None, None]),
        ("Step 1: \\boxed{correct or incorrect}", [None, None, None]),
        (f"{RIGHT}\nStep 2:\n### Step 3: {RIGHT}", [None, None, True]),
    ],
)
def test_think_verdicts(text, verdicts):
    assert think_verdicts(text, 3) == verdicts


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("Verification: Is the step correct (Yes/No)? Yes", True),
        ("Verification: Is the step correct (Yes/No)? **No**.", False),
        ("Is the step correct (Yes/No)? Yesterday", None),
        ("The step is correct. Yes", None),
        ("Is the step correct (Yes/No)? Yes ... Is the step correct (Yes/No)? No", None),
        ("Is the step correct (Yes/No)? Yes ... Is the step correct (Yes/No)? yes", True),
        ("", None),
    ],
)
def test_r_verdict(text, verdict):
    assert r_verdict(text) is verdict


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("{Yes}$\n</output>", True),
        (" {No}$", False),
        (r"{\text{Yes}}$", True),
        ("{Maybe}$ \\boxed{Yes}", None),  # the reference finds "Yes}" anywhere
        ("$ I think \\boxed{Yes}", None),
        ("", None),
    ],
)
def test_gen_verdict(text, verdict):
    assert gen_verdict(text) is verdict


@given(st.text(max_size=200), st.integers(1, 4))
def test_any_text_is_read_without_a_guess(text, steps):
    verdicts = think_verdicts(text, steps)
    assert len(verdicts) == steps
    assert "boxed" in text or verdicts == [None] * steps
    assert r_verdict(text) in (None, True, False)


# --- what is asked ---------------------------------------------------------


def test_think_prm_asks_once_and_numbers_the_steps(awkward):
    write = scripted(lambda chat: f"Step 1: {RIGHT}\nStep 2: {WRONG}")
    [labelled] = critique(think_prm, write, awkward[2:3], votes=3, seed=1, by="t")
    assert len(write.asked) == 3
    assert len({chat.seed for chat in write.asked}) == 3
    [(role, text)] = write.asked[0].messages
    assert role == "user"
    assert "[Solution]\n\nStep 1: 3 + 4:\nStep 2: = 7\nso 7 apples\nStep 3: - or 6?\n" in text
    assert "How many has she?" in text
    assert write.asked[0].opening == "\nLet's verify step by step:"
    assert [(x.successes, x.tries) for x in labelled.labels] == [(3, 3), (0, 3), (0, 0), (0, 0)]
    assert [x.value for x in labelled.labels] == [1.0, 0.0, None, None]
    assert labelled.usage.verifier_tokens == 30
    assert labelled.usage.calls == 3


def test_braces_in_a_problem_are_only_text(awkward):
    problem = Problem("braces", "Let f{x} be {solution} in {}. {problem}")
    trace = Trace(problem, awkward[0].steps)
    write = scripted(lambda chat: "")
    critique(think_prm, write, [trace], votes=1, seed=0, by="t")
    critique(r_prm("Q {} P {} N {} end"), write, [trace], votes=1, seed=0, by="t")
    think, first, _ = (chat.messages[0][1] for chat in write.asked)
    assert "Let f{x} be {solution} in {}. {problem}\n\n[Solution]" in think
    assert first == f"Q {problem.text} P {NO_STEPS} N {trace.steps[0].text} end"


def test_r_prm_asks_for_each_step_with_those_before_it(awkward):
    trace = awkward[3]
    write = scripted(lambda chat: "Is the step correct (Yes/No)? Yes")
    [labelled] = critique(r_prm("{}|{}|{}"), write, [trace], votes=2, seed=0, by="r")
    assert [x.value for x in labelled.labels] == [1.0, 1.0, 1.0]
    asked = [chat.messages[0][1].split("|") for chat in write.asked]
    assert asked[:3] == asked[3:]
    assert asked[2][1:] == ["5 - 3 = 1.\nTherefore \\boxed{1}.", "Yes."]
    with pytest.raises(InputError, match=r"three fields \{\}, got 2"):
        r_prm("{} and {}")


def test_gen_prm_keeps_its_judgements_in_the_talk(awkward):
    """Two chats a step; traces of several lengths take their steps together."""

    def answer(chat):
        if not chat.opening.endswith("\\boxed"):
            return "2 - 1 is 1. </analyze>\n<verify>never asked for"
        return "{No}$\n</output>\n more" if "= 6" in chat.messages[-1][1] else "{Yes}$\n</output>"

    write = scripted(answer)
    labelled = critique(gen_prm, write, awkward, votes=1, seed=0, by="g")
    assert [len(x.labels) for x in labelled] == [len(t.steps) for t in awkward]
    assert all(x.value == 1.0 for item in labelled for x in item.labels)
    last = write.asked[-1]
    assert [role for role, _ in last.messages] == ["system", *["user", "assistant"] * 3, "user"]
    assert last.messages[1][1] == f"{awkward[2].problem.text}\nStep 1: 3 + 4:"
    said = last.messages[2][1]
    assert said.startswith("<analyze>\nLet's analyze the Paragraph 1 step by step: 2 - 1 is 1.")
    assert said.endswith("</analyze>\n<output>\n**Judgement**: $\\boxed{Yes}$\n</output>\n")
    assert "<verify>" not in said
    assert labelled[2].usage.calls == 8


def test_a_critics_code_is_not_run(awkward, tmp_path):
    """GenPRM's own evaluator passes this to exec, in its own process (trap 18)."""
    mark = tmp_path / "was here"
    code = f"<verify>\n```python\nopen({str(mark)!r}, 'w')\n```\n</analyze>\n{{Yes}}"
    write = scripted(lambda chat: code)
    critique(gen_prm, write, awkward[:1], votes=1, seed=0, by="g")
    assert not mark.exists()


# --- abstention ------------------------------------------------------------


def test_silence_is_not_a_wrong_step(awkward):
    """SPARE makes a step the judge skipped INCORRECT, GenPRM's reader gives it 0.5 (bug 23)."""
    write = scripted(lambda chat: "")
    for critic in (think_prm, gen_prm, r_prm("{}{}{}")):
        labelled = critique(critic, write, awkward, votes=2, seed=0, by="silent")
        assert {x.value for item in labelled for x in item.labels} == {None}
        assert {x.kind for item in labelled for x in item.labels} == {Kind.CORRECTNESS}
    with pytest.raises(ModelError, match=r"'silent' gave no readable verdict on step 0 .*'ann'"):
        scores_of(labelled[0], "silent")


def test_labels_do_not_depend_on_the_traces_beside(awkward):
    def answer(chat):
        return f"Step 1: {RIGHT if chat.seed % 2 else WRONG}"

    together = critique(think_prm, scripted(answer), awkward, votes=8, seed=5, by="t")
    assert 0 < sum(item.labels[0].successes for item in together) < 8 * len(awkward)
    for n in range(len(awkward)):
        [alone] = critique(think_prm, scripted(answer), awkward[n : n + 1], votes=8, seed=5, by="t")
        assert alone == together[n]


def test_a_trace_without_steps_is_refused(awkward):
    with pytest.raises(InputError, match="'ann' has no steps"):
        critique(think_prm, scripted(str), [awkward[0].with_steps(())], votes=1, seed=0, by="t")


# --- with a model ----------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    tokenizer = qwen_tokenizer()
    path = tmp_path_factory.mktemp("hub") / "GenPRM-Tiny"
    return save(path, causal("qwen2", tokenizer), tokenizer)


def test_a_random_critic_is_loaded_and_abstains(folder, awkward):
    short = partial(load_critic, think_prm, sampling=Sampling(max_tokens=24))
    score = load_scorer(str(folder), family=short, device="cpu")
    with pytest.raises(ModelError, match="no readable verdict on step 0 of problem 'ann'"):
        score(awkward[:1])
    assert score.fingerprint == load_scorer(str(folder), family=short, device="cpu").fingerprint
    assert "think_prm" in score.fingerprint
    assert "0x" not in score.fingerprint


def test_a_written_verdict_becomes_a_score(folder, awkward):
    """The tiny model's replies, through a critic that finds a verdict in their length."""
    from surefoot.verifiers.formats.critic import Chat, Critique

    def by_length(traces, seeds, write):
        chats = [
            Chat((("user", t.text),), "So:", "", s) for t, s in zip(traces, seeds, strict=True)
        ]
        return [
            Critique((len(reply.text) % 2 == 0,) * len(t.steps), 1, reply.tokens)
            for t, reply in zip(traces, write(chats), strict=True)
        ]

    family = partial(load_critic, by_length, votes=4, sampling=Sampling(max_tokens=16))
    score = load_scorer(str(folder), family=family, device="cpu")
    found = score(awkward)
    assert [len(s.values) for s in found] == [len(t.steps) for t in awkward]
    assert all(v in (0, 0.25, 0.5, 0.75, 1) for s in found for v in s.values)
    assert all(s.tokens > 4 * 16 for s in found)
    assert score(awkward[1:2]) == found[1:2]


def test_a_critic_without_a_chat_template_is_refused(tmp_path):
    tokenizer = mistral_tokenizer()
    path = save(tmp_path / "ThinkPRM-mute", causal("mistral", tokenizer), tokenizer)
    with pytest.raises(ModelError, match="no chat template"):
        load_scorer(str(path), device="cpu")
