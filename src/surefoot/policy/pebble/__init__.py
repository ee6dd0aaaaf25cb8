"""Pebble, the language model that ships: checkpoints, how they were trained and measured."""
