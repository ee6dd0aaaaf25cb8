"""What people and programs reach over HTTP: the gateway, scoring, and the page to look at runs."""

from surefoot.serve.gateway import gateway
from surefoot.serve.gateway_parts import (
    Labeller,
    Limits,
    Search,
    Served,
    nothing_to_check,
    one_solution,
    uniform,
)

__all__ = [
    "Labeller",
    "Limits",
    "Search",
    "Served",
    "gateway",
    "nothing_to_check",
    "one_solution",
    "uniform",
]
