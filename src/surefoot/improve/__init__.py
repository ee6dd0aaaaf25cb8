"""Who learns from rewards: advantages so far."""

from surefoot.improve.advantages import rloo, worth_learning_from

__all__ = ["rloo", "worth_learning_from"]
