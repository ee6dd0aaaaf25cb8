"""How a policy's tokens are drawn, wherever its model runs."""

from dataclasses import dataclass

from surefoot.core.errors import InputError


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn.

    temperature: 0 takes the likeliest token.
    top_p: the smallest set of likeliest tokens with this much probability is kept; 1 keeps all.
    max_tokens: most new tokens of one request.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    max_tokens: int = 512

    def __post_init__(self) -> None:
        if self.temperature < 0:
            raise InputError(f"temperature must be 0 or more, got {self.temperature}")
        if not 0 < self.top_p <= 1:
            raise InputError(f"top_p must be in (0, 1], got {self.top_p}")
        if self.max_tokens < 1:
            raise InputError(f"max_tokens must be 1 or more, got {self.max_tokens}")
