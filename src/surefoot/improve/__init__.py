"""Who learns: advantages of rewards, and lessons whose loss is on some steps only."""

from surefoot.improve.advantages import rloo, worth_learning_from
from surefoot.improve.lengths import tldr
from surefoot.improve.lessons import (
    Lesson,
    Masked,
    Preference,
    after,
    dpo_loss,
    inserted,
    masked,
    whole,
)

__all__ = [
    "Lesson",
    "Masked",
    "Preference",
    "after",
    "dpo_loss",
    "inserted",
    "masked",
    "rloo",
    "tldr",
    "whole",
    "worth_learning_from",
]
