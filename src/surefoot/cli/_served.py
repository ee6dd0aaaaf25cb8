"""Servers as the verbs use them: what one can do is kept in the journal beside its answers, so
that a finished run is repeated without it."""

from collections.abc import Iterator, Sequence

from surefoot.cli._common import say
from surefoot.engine import Journal
from surefoot.policy.abilities import Abilities
from surefoot.policy.endpoint import EndpointPolicy, load_endpoint, probed
from surefoot.policy.reading import ServedScorer, likelihood_of
from surefoot.policy.sampling import Sampling
from surefoot.steps.encode import INSTRUCTION


def load_served(
    address: str,
    journal: Journal,
    *,
    sampling: Sampling,
    separator: str = "\n",
    instruction: str = INSTRUCTION,
) -> EndpointPolicy:
    """`load_endpoint`, its gaps told on stderr."""

    def found(places: Sequence[str]) -> Iterator[tuple[int, Abilities]]:
        yield from ((i, probed(place, separator=separator)) for i, place in enumerate(places))

    remembered = journal.recorded(
        found,
        kind="abilities",
        model=separator,
        key=str.encode,
        encode=Abilities.record,
        decode=Abilities.of,
    )
    [abilities] = remembered([address])
    return load_endpoint(
        address,
        sampling=sampling,
        separator=separator,
        instruction=instruction,
        abilities=abilities,
        say=say,
    )


def load_served_likelihood(address: str, journal: Journal) -> ServedScorer:
    """The likelihood of steps under a served model."""
    return likelihood_of(load_served(address, journal, sampling=Sampling()))
