"""Two tokenizers: Pebble's, which never merges over a line break, and one that does."""

import pytest


@pytest.fixture(scope="session")
def pebble_tokenizer():
    transformers = pytest.importorskip("transformers", reason="needs surefoot[models]")
    from pathlib import Path

    import surefoot.policy

    folder = Path(surefoot.policy.__file__).parent / "pebble" / "policy"
    return transformers.AutoTokenizer.from_pretrained(folder)


@pytest.fixture(scope="session")
def merging_tokenizer():
    r"""A byte-pair tokenizer with tokens such as "\nThe": joined text merges over steps."""
    transformers = pytest.importorskip("transformers", reason="needs surefoot[models]")
    import tokenizers

    core = tokenizers.Tokenizer(tokenizers.models.BPE())
    core.decoder = tokenizers.decoders.ByteLevel()
    core.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(
        add_prefix_space=False, use_regex=False
    )
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=280,
        special_tokens=["<s>", "</s>"],
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
    )
    core.train_from_iterator([f"{end}\nThe sum" for end in "0123456789."] * 9, trainer)
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=core, bos_token="<s>", eos_token="</s>"
    )


@pytest.fixture(scope="session", params=["pebble", "merging"])
def tokenizer(request):
    return request.getfixturevalue(f"{request.param}_tokenizer")
