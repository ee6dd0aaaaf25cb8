"""One encoder: labels, scores and rollouts all mean the same places in the ids."""

import gc

import pytest

pytest.importorskip("transformers", reason="needs surefoot[models]")

from hypothesis import given
from hypothesis import strategies as st

from surefoot.core.errors import InputError, ModelError
from surefoot.core.types import Kind, LabelledTrace, Problem, Step, StepLabel, Trace
from surefoot.steps import Encoder, default_prompt, plain_prompt
from surefoot.steps.encode import chat_prompt

PROBLEM = Problem("p7", "It is 5. What is the sum?", gold="7")
TEXTS = ("It is 5.", "The sum is 7.", "The answer is 7.")
STEPS = tuple(map(Step, TEXTS))
# Any text without the separator, as a step holds it; both tokenizers know these characters.
step_texts = st.lists(
    st.text("It is5.The 7sumanwr=+-", min_size=1).map(str.strip).filter(bool), max_size=6
)


def encoder_of(tokenizer, **settings):
    return Encoder(tokenizer, plain_prompt(tokenizer), **settings)


def decoded(encoder, ids):
    return encoder.tokenizer.decode(list(ids), skip_special_tokens=True)


@given(texts=step_texts)
def test_ends_are_where_the_separators_end(tokenizer, texts):
    encoder = encoder_of(tokenizer)
    encoded = encoder.encode(PROBLEM, tuple(map(Step, texts)))
    assert encoded.dropped == 0
    assert decoded(encoder, encoded.ids[: encoded.start]) == PROBLEM.text + "\n"
    assert len(encoded.ends_S) == len(encoded.spans_S) == len(texts)
    for text, (start, stop), end in zip(texts, encoded.spans_S, encoded.ends_S, strict=True):
        assert decoded(encoder, encoded.ids[start:stop]) == text + "\n"
        assert stop == end + 1
    stops = [encoded.start, *(stop for _, stop in encoded.spans_S)]
    assert [start for start, _ in encoded.spans_S] == stops[:-1]  # no gap, no overlap
    assert stops[-1] == len(encoded.ids)


@given(texts=step_texts, data=st.data())
def test_ids_of_a_prefix_are_a_prefix_of_the_ids(tokenizer, texts, data):
    encoder, steps = encoder_of(tokenizer), tuple(map(Step, texts))
    count = data.draw(st.integers(0, len(steps)))
    whole, part = encoder.encode(PROBLEM, steps), encoder.encode(PROBLEM, steps[:count])
    assert whole.ids[: len(part.ids)] == part.ids
    assert whole.ends_S[:count] == part.ends_S
    assert encoder.prefix_ids(PROBLEM, steps[:count]) == part.ids


def test_joined_text_merges_over_steps_and_ours_does_not(merging_tokenizer):
    """Known from other projects: in ids of the joined text a step may end inside a token."""
    encoder = encoder_of(merging_tokenizer)
    ours = encoder.encode(PROBLEM, STEPS)
    joined = merging_tokenizer("\n".join(TEXTS) + "\n", add_special_tokens=False)["input_ids"]
    assert list(ours.ids[ours.start :]) != joined
    pieces = [merging_tokenizer.decode([i]) for i in joined]
    assert any("\n" in piece and not piece.endswith("\n") for piece in pieces)
    for end in ours.ends_S:
        assert merging_tokenizer.decode([ours.ids[end]]).endswith("\n")


def test_training_and_scoring_read_the_same_places(tokenizer):
    """Elsewhere labels sat on one token and scores were read from another."""
    data = pytest.importorskip("surefoot.verifiers.data")
    encoder, trace = encoder_of(tokenizer), Trace(PROBLEM, STEPS)
    labels = tuple(StepLabel(Kind.VALUE, s, 1, "t") for s in (1, 0, 1))
    _, [train], _ = data.examples_of([LabelledTrace(trace, labels)], encoder, data.soft_target)
    [score] = data.encode_for_scoring([trace], encoder)
    assert train.encoded == score.encoded == encoder.encode(PROBLEM, STEPS)
    assert train.targets_S == (1.0, 0.0, 1.0)
    spans = data.batch_of([train], pad=0).spans_NS2
    assert spans[0].tolist() == [list(span) for span in train.encoded.spans_S]


@given(texts=step_texts)
def test_cut_is_the_inverse_of_encode(tokenizer, texts):
    encoder = encoder_of(tokenizer)
    ids = encoder.encode(PROBLEM, tuple(map(Step, texts)))
    new = ids.ids[ids.start :]
    logprobs = [-float(i) for i in range(len(new))]
    steps = encoder.cut(new, logprobs)
    assert [step.text for step in steps] == texts
    assert tuple(i for step in steps for i in step.ids) == new
    assert [x for step in steps for x in step.logprobs] == logprobs
    assert encoder.prefix_ids(PROBLEM, steps) == ids.ids


def test_cut_keeps_end_tokens_blank_lines_and_cut_off_steps(tokenizer):
    encoder = encoder_of(tokenizer)

    def ids(text):
        return tuple(tokenizer(text, add_special_tokens=False)["input_ids"])

    def cut(new):
        return [step.text for step in encoder.cut(new, (0.0,) * len(new))]

    end = (tokenizer.eos_token_id,)
    assert cut(()) == []
    assert cut(end) == []
    assert cut(ids("\n") + ids("It is 5.\n")) == ["It is 5."]
    assert cut(ids("It is 5.\n") + ids("The su")) == ["It is 5.", "The su"]
    [step] = encoder.cut(ids("It is 5.\n") + end, (0.0,) * (len(ids("It is 5.\n")) + 1))
    assert step.ids[-1:] == end
    [step] = encoder.cut(ids("It is 5.") + end, (0.0,) * (len(ids("It is 5.")) + 1))
    assert step.ids[-1:] == end


def test_truncation_drops_whole_steps_from_the_end_and_counts_them(tokenizer):
    whole = encoder_of(tokenizer).encode(PROBLEM, STEPS)
    for most in range(whole.ends_S[0] + 1, len(whole.ids) + 1):
        cut = encoder_of(tokenizer, max_tokens=most).encode(PROBLEM, STEPS)
        assert len(cut.ids) <= most
        assert cut.dropped == 3 - len(cut.ends_S)
        assert cut.ends_S == tuple(end for end in whole.ends_S if end < most)
        assert cut.ids == whole.ids[: cut.ends_S[-1] + 1]
    for most in (1, whole.start, whole.ends_S[0]):
        with pytest.raises(ModelError, match=r"'p7'.*the model takes \d+"):
            encoder_of(tokenizer, max_tokens=most).encode(PROBLEM, STEPS)


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "empty"), (" \t", "empty"), ("a\nb", r"separator '\\n'"), ("a\n", "separator")],
)
def test_an_empty_step_and_one_with_a_separator_are_refused_by_place(tokenizer, text, words):
    encoder = encoder_of(tokenizer)
    for encode in (encoder.encode, encoder.prefix_ids):
        with pytest.raises(InputError, match=f"'p7', step 1: .*{words}"):
            encode(PROBLEM, (Step("fine"), Step(text)))


def test_another_separator_allows_lines_in_a_step(tokenizer):
    encoder = encoder_of(tokenizer, separator="\n\n")
    steps = (Step("It is\n5."), Step("The sum is 7."))
    encoded = encoder.encode(PROBLEM, steps)
    new = encoded.ids[encoded.start :]
    assert [s.text for s in encoder.cut(new, (0.0,) * len(new))] == ["It is\n5.", "The sum is 7."]


def test_ids_that_the_policy_wrote_are_kept(tokenizer):
    """Sampled ids need not be those that the text would be encoded to."""
    encoder = encoder_of(tokenizer)
    written = Step("It is 5.", ids=(5, 6, 7))
    assert encoder.prefix_ids(PROBLEM, (written,))[-3:] == (5, 6, 7)
    assert encoder.encode(PROBLEM, (written,)) == encoder.encode(PROBLEM, (Step("It is 5."),))


def test_fingerprints_tell_tokenizers_prompts_and_separators_apart(
    pebble_tokenizer, merging_tokenizer
):
    def begin_only(problem):
        return [1]

    encoders = [
        encoder_of(pebble_tokenizer),
        encoder_of(merging_tokenizer),
        encoder_of(pebble_tokenizer, separator="\n\n"),
        Encoder(pebble_tokenizer, begin_only),
    ]
    prints = [encoder.fingerprint() for encoder in encoders]
    assert len(set(prints)) == len(prints)
    assert encoder_of(pebble_tokenizer).fingerprint() == prints[0]


def test_a_prompt_s_own_list_is_never_grown(pebble_tokenizer):
    kept = [1, 5, 6]
    encoder = Encoder(pebble_tokenizer, lambda _: kept)
    first = encoder.encode(PROBLEM, STEPS)
    assert encoder.encode(PROBLEM, STEPS) == first
    assert encoder.prefix_ids(PROBLEM, STEPS) == first.ids
    assert kept == [1, 5, 6]


def test_pieces_of_a_tokenizer_that_is_gone_are_forgotten(pebble_tokenizer):
    import copy

    from surefoot.steps import encode

    before = len(encode._PIECES)
    other = copy.deepcopy(pebble_tokenizer)
    encoder_of(other).ends_step([5])
    assert len(encode._PIECES) == before + 1
    del other
    gc.collect()
    assert len(encode._PIECES) == before


def test_a_chat_template_is_used_where_there_is_one(pebble_tokenizer):
    import copy

    chat = copy.deepcopy(pebble_tokenizer)
    chat.chat_template = (
        "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
        "{% if add_generation_prompt %}assistant: {% endif %}"
    )
    assert default_prompt(pebble_tokenizer)(PROBLEM) == plain_prompt(pebble_tokenizer)(PROBLEM)
    ids = default_prompt(chat)(PROBLEM)
    assert ids == chat_prompt(chat)(PROBLEM)
    assert all(isinstance(i, int) for i in ids)
    assert len(ids) > len(plain_prompt(chat)(PROBLEM))
