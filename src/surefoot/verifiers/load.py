"""Any verifier as a Scorer: ours from disk, somebody else's from the Hub.

A family is chosen by name, else by the checkpoint's own name, else by the
architecture its config states, else not at all: reading a checkpoint in another
family's words gives scores too, and they mean nothing.
"""

from pathlib import Path

from surefoot.core.errors import ModelError
from surefoot.verifiers.checkpoint import SHIPPED, SIDECAR, load_verifier
from surefoot.verifiers.formats.files import config_of, folder_of
from surefoot.verifiers.formats.marked import Format, load_format
from surefoot.verifiers.formats.math_shepherd import MATH_SHEPHERD
from surefoot.verifiers.formats.qwen_prm import QWEN_PRM
from surefoot.verifiers.score import LocalScorer

FAMILIES: dict[str, Format] = {form.name: form for form in (QWEN_PRM, MATH_SHEPHERD)}

BY_NAME = {
    "Qwen2.5-Math-PRM-7B": "qwen-prm",
    "Qwen2.5-Math-PRM-72B": "qwen-prm",
    "Qwen2.5-Math-7B-PRM800K": "qwen-prm",
    "math-shepherd-mistral-7b-prm": "math-shepherd",
}

BY_ARCHITECTURE = {"Qwen2ForProcessRewardModel": "qwen-prm"}


def load_scorer(
    name: str, *, family: str | Format | None = None, device: str = "auto", dtype: str = "auto"
) -> LocalScorer:
    """A verifier as a `Scorer`: exactly one score a step, or an error that names the step.

    Args:
      name: "pebble-verifier" (shipped), a folder `surefoot train` wrote, or a process reward
        model: a Hub name or its folder (safetensors; pickles and remote code are refused).
      family: one of FAMILIES, or a `Format` of your own; None recognizes the checkpoint.
      device: "cpu", "cuda", ...; "auto" takes a GPU if there is one.
      dtype: of the backbone; "auto" is bfloat16, or float32 for a small model on CPU.

    Raises ModelError if the checkpoint cannot be read, its family cannot be told, or it
    fails the family's self-test (ids that are no single token, a separator that does not
    survive tokenization, a two-step example without two finite scores).
    """
    if name in SHIPPED or (Path(name) / SIDECAR).is_file():
        return load_verifier(name, device=device)
    folder = folder_of(name)
    form = family if isinstance(family, Format) else family_of(name, folder, family)
    return load_format(form, folder, name, dtype=dtype, device=device)


def family_of(name: str, folder: Path, family: str | None = None) -> Format:
    """The family that was asked for, or the checkpoint's. Raises ModelError, with the choices."""
    config = config_of(folder)
    architectures = config.get("architectures") or []
    chosen = family or BY_NAME.get(Path(name).name)
    for architecture in architectures:
        chosen = chosen or BY_ARCHITECTURE.get(architecture)
    if chosen not in FAMILIES:
        what = f"family {family!r} is not known" if family else f"the family of {name!r} is unclear"
        raise ModelError(
            f"{what} (its config states {architectures}); say one of {', '.join(sorted(FAMILIES))}"
        )
    return FAMILIES[chosen]
