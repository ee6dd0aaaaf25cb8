"""What a step is: splitting, the one encoder, sampling and rollouts."""

from surefoot.steps.encode import Encoded, Encoder, chat_prompt, default_prompt, plain_prompt
from surefoot.steps.rollout import Rollouts, value_of
from surefoot.steps.sample import finished_trace, sample_traces
from surefoot.steps.split import by_blank_line, by_line, by_marker, by_sentence, by_separator

__all__ = [
    "Encoded",
    "Encoder",
    "Rollouts",
    "by_blank_line",
    "by_line",
    "by_marker",
    "by_sentence",
    "by_separator",
    "chat_prompt",
    "default_prompt",
    "finished_trace",
    "plain_prompt",
    "sample_traces",
    "value_of",
]
