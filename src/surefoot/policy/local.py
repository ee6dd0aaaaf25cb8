"""A transformers model as a policy: a Hub name, a local folder, or a GGUF file.

    policy = load_policy("pebble", sampling=Sampling(temperature=0.8))
    [[completion]] = policy(problem, [()], count=1, rng=rng_for(0, problem.id))

The policy turns problems and prefixes into ids, gives each wanted completion a
seed of its own, and cuts what comes back into steps. The model work itself is
`policy.complete`, a function of requests; wrap it (in a journal, in a crew) with
`policy.through(...)`.

Dimension key: P prefixes, K completions of one prefix.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import torch
from huggingface_hub import hf_hub_download
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from surefoot.core.errors import ModelError
from surefoot.core.protocols import Steps, Until
from surefoot.core.seeds import Rng, each_own
from surefoot.core.types import Completion, Problem
from surefoot.policy.local_decode import Decoder, Guide, Reply, Request
from surefoot.policy.local_files import check_counts, check_folder, json_of
from surefoot.policy.sampling import Sampling
from surefoot.steps.encode import Encoder, default_prompt

PEBBLE = Path(__file__).parent / "pebble"
SHIPPED = {"pebble": PEBBLE / "policy", "pebble-reader": PEBBLE / "reader"}

Complete = Callable[[Sequence[Request]], list[Reply]]


@dataclass(frozen=True)
class LocalPolicy:
    """A `Sampler`. Build it with `load_policy`.

    encoder: ids of problems and steps.
    decoder: the model at work.
    complete: answers requests; the decoder itself, or something around it.
    fingerprint: changes whenever the same request could get another answer.
    """

    encoder: Encoder
    decoder: Decoder
    complete: Complete
    fingerprint: str

    def __call__(
        self,
        problem: Problem,
        prefixes_P: Sequence[Steps],
        *,
        count: int,
        rng: Rng,
        until: Until = "end",
    ) -> list[list[Completion]]:
        """[P][K] completions, all asked for at once; a finished prefix is its own completion."""
        seeds_P_K = [own.integers(1 << 62, size=count) for own in each_own(rng, len(prefixes_P))]
        requests = [
            Request(self.encoder.prefix_ids(problem, prefix), int(seed), until)
            for prefix, seeds_K in zip(prefixes_P, seeds_P_K, strict=True)
            if not self._ended(prefix)
            for seed in seeds_K
        ]
        replies = iter(self.complete(requests) if requests else [])
        return [
            [Completion((), finished=True)] * count
            if self._ended(prefix)
            else [self._completion(next(replies)) for _ in range(count)]
            for prefix in prefixes_P
        ]

    def through(self, wrap: Callable[[Self], Complete]) -> Self:
        """The same policy with its model work wrapped."""
        return replace(self, complete=wrap(self))

    def guided(self, guide: Guide, name: str) -> Self:
        """The same policy, its tokens drawn from what `guide` makes of its logits.

        name: all that decides the guide, for the fingerprint.
        """
        decoder = self.decoder.guided(guide)
        fingerprint = f"{self.fingerprint}|{name}"
        return replace(self, decoder=decoder, complete=decoder.complete, fingerprint=fingerprint)

    @torch.inference_mode()
    def next_tokens(
        self, problem: Problem, ids: Sequence[int], most: int = 64
    ) -> list[tuple[int, float]]:
        """The `most` likeliest tokens after a solution's first ids, with their probabilities at
        temperature 1, likeliest first. Cost: one reading of problem and ids."""
        model = self.decoder.model
        read = torch.tensor([[*self.encoder.prompt(problem), *ids]], device=model.device)
        probs_V = model(input_ids=read, use_cache=False).logits[0, -1].float().softmax(-1)
        probs, tokens = probs_V.topk(min(most, len(probs_V)))
        return list(zip(tokens.tolist(), probs.tolist(), strict=True))

    def _ended(self, prefix: Steps) -> bool:
        return bool(prefix and prefix[-1].ids and prefix[-1].ids[-1] in self.decoder.end_ids)

    def _completion(self, reply: Reply) -> Completion:
        steps = self.encoder.cut(reply.ids, reply.logprobs)
        silent = len(reply.ids) - sum(len(step.ids) for step in steps)
        return Completion(steps, reply.finished, silent)


def load_policy(
    name: str,
    *,
    sampling: Sampling | None = None,
    separator: str = "\n",
    dtype: str = "auto",
    device: str = "auto",
    slots: int = 256,
) -> LocalPolicy:
    """Loads a causal language model as a policy.

    Args:
      name: "pebble" or "pebble-reader" (shipped), a Hub name, a folder with a
        transformers checkpoint, or a path to a .gguf file.
      sampling: how tokens are drawn; temperature 1 by default.
      separator: text that ends a step.
      dtype: "float32", "bfloat16", "float16"; "auto" is float32 for models below
        100M parameters on CPU (draws are then exactly repeatable), else bfloat16.
      device: "cpu", "cuda", ...; "auto" takes a GPU if there is one.
      slots: most requests in one batch.

    Raises ModelError, with the cure, if the model cannot be found or read.
    """
    sampling = sampling or Sampling()
    model, tokenizer = load_model(name, dtype=dtype, device=device)
    encoder = Encoder(tokenizer, default_prompt(tokenizer), separator)
    decoder = Decoder(
        model,
        sampling=sampling,
        end_ids=_end_ids(model, tokenizer),
        ends_step=encoder.ends_step,
        slots=slots,
    )

    parts = (fingerprint(name), encoder.fingerprint(), repr(sampling), str(model.dtype))
    return LocalPolicy(encoder, decoder, decoder.complete, "|".join(parts))


def load_model(name: str, *, dtype: str, device: str) -> tuple[PreTrainedModel, Any]:
    """A causal language model and its tokenizer; see `load_policy` for the arguments."""
    path = SHIPPED.get(name, Path(name))
    source: dict[str, Any] = {
        "pretrained_model_name_or_path": str(path),
        "trust_remote_code": False,  # unsaid, transformers asks a person at a terminal
    }
    weights: dict[str, Any] = {"use_safetensors": True}
    if path.suffix == ".gguf":
        if not path.is_file():
            raise ModelError(f"there is no GGUF file at {path}; give the path of an existing one")
        source |= {"pretrained_model_name_or_path": str(path.parent), "gguf_file": path.name}
        weights = {}
    try:
        if path.is_dir():
            check_folder(path)
        elif path.suffix == ".gguf":
            check_counts(AutoConfig.from_pretrained(**source).to_dict(), path)
        else:
            check_counts(json_of(Path(hf_hub_download(name, "config.json"))), name)
        tokenizer = AutoTokenizer.from_pretrained(**source)
        model = AutoModelForCausalLM.from_pretrained(**source, **weights, dtype=torch.float32)
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(_why_not_loaded(name, path, error)) from error
    return place(model, dtype=dtype, device=device).eval(), tokenizer


def place(model: PreTrainedModel, *, dtype: str, device: str) -> PreTrainedModel:
    """Moves a model to where and what `load_policy`'s arguments say."""
    chosen = _dtype(dtype, model, device)
    torch.nn.Module.to(model, device=_device(device), dtype=chosen)
    return model


def _why_not_loaded(name: str, path: Path, error: Exception) -> str:
    reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
    if path.exists():
        return (
            f"the model at {path} cannot be read: {reason}. Expected a transformers checkpoint "
            "folder (config.json, *.safetensors, tokenizer files) or a .gguf file; copy it again"
        )
    return (
        f"model {name!r} is not shipped ({', '.join(SHIPPED)}), not a local path, and could not "
        f"be had from the Hub: {reason}. Check the name, or download it and give its folder"
    )


def _dtype(dtype: str, model: PreTrainedModel, device: str) -> torch.dtype:
    if dtype != "auto":
        chosen = getattr(torch, dtype, None)
        if not isinstance(chosen, torch.dtype):
            raise ModelError(f"dtype must be auto, float32, bfloat16 or float16, got {dtype!r}")
        return chosen
    small = sum(p.numel() for p in model.parameters()) < 100_000_000
    return torch.float32 if small and _device(device).type == "cpu" else torch.bfloat16


def _device(device: str) -> torch.device:
    if device != "auto":
        try:
            return torch.device(device)
        except RuntimeError as error:
            raise ModelError(f"device must be auto, cpu or cuda, got {device!r}") from error
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _end_ids(model: PreTrainedModel, tokenizer: Any) -> frozenset[int]:
    """All ids that end a text: some chat models name several."""
    named = model.generation_config.eos_token_id if model.generation_config else None
    ids = named if isinstance(named, list) else [named]
    return frozenset(i for i in [*ids, tokenizer.eos_token_id] if i is not None)


def fingerprint(name: str) -> str:
    """A short hash of a model's files (size, first and last MiB of each); of the name if remote."""
    path = SHIPPED.get(name, Path(name))
    digest = hashlib.blake2b(digest_size=8)
    if not path.exists():
        digest.update(name.encode())
        return digest.hexdigest()
    kinds = {".safetensors", ".gguf", ".bin", ".json"}
    files = [path] if path.is_file() else sorted(p for p in path.iterdir() if p.suffix in kinds)
    for file in files:
        size = file.stat().st_size
        digest.update(f"{file.name}|{size}".encode())
        with file.open("rb") as data:
            digest.update(data.read(1 << 20))
            data.seek(max(0, size - (1 << 20)))
            digest.update(data.read())
    return digest.hexdigest()
