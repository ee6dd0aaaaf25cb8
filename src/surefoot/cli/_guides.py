"""Guides of a policy's tokens by name, as --guide says them: vas, llm2, ending."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from surefoot.cli._searches import search_of
from surefoot.core.errors import InputError
from surefoot.policy.endpoint import is_address
from surefoot.search import token_guidance as g

if TYPE_CHECKING:
    from surefoot.policy.local import LocalPolicy

GUIDES: dict[str, Callable[..., Any]] = {"vas": g.vas, "llm2": g.llm2, "ending": g.ending}
END = "</think>"
Guided = Callable[["LocalPolicy"], "LocalPolicy"]


def guided_by(spec: str | None, verifier: str | None, policy: str, device: str) -> Guided | None:
    """What puts the guide on the policy; None without one.

    Raises InputError for an unknown guide or setting, a verifier too many or too few, and a
    policy that does not run here.
    """
    if spec is None:
        if verifier is not None:
            raise InputError("--guided-by does nothing without --guide; leave it out")
        return None
    name, guide = search_of("--guide", spec, GUIDES)
    if is_address(policy):
        raise InputError(
            f"--guide {name} changes a policy's logits, which a server does not give; load the "
            "policy here, or leave --guide out"
        )
    if (verifier is None) != (name == "ending"):
        does = "does nothing" if verifier else "is needed: a verifier of next tokens"
        raise InputError(f"--guide {name}: --guided-by {does}")

    def on(loaded: "LocalPolicy") -> "LocalPolicy":
        if verifier is None:
            ends, once = ends_of(loaded)
            return loaded.guided(guide(ends, once=once), f"{guide.keywords}{name}{ends}{once}")
        from surefoot.verifiers import tokens

        kinds = tokens.VALUED if name == "vas" else tokens.REWARDED
        score = tokens.load_token_scorer(verifier, kinds=kinds, like=loaded.encoder, device=device)
        return loaded.guided(guide(score), f"{guide.keywords}{name}{score.fingerprint}")

    return on


def ends_of(policy: "LocalPolicy") -> tuple[tuple[int, ...], bool]:
    """The token that ends the thinking, of a policy that has one; else those that end the text,
    which may end turns of its prompt as well. The second says which: does it come but once?"""
    tokenizer = policy.encoder.tokenizer
    ids = tuple(tokenizer(END, add_special_tokens=False)["input_ids"])
    if len(ids) == 1 and tokenizer.decode(ids).strip() == END:  # and not the unknown token
        return ids, True
    return tuple(sorted(policy.decoder.end_ids)), False
