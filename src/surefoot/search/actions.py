"""Environments with side effects: a search node holds the actions that lead to it.

    state(node) = replay(fresh environment, a_1, ..., a_t)

A tree jumps between branches; a world with side effects cannot. So no state is kept in a
node: the actions of its path are done again in a fresh environment, from the deepest
environment at hand that is a prefix of them, else from the start. What an action showed
must come out the same again, or the replay is refused by name: then the environment is
not deterministic, and values of its nodes mean nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from surefoot.core.errors import InputError


class Environment(Protocol):
    """A world that is acted on."""

    def act(self, action: str) -> str:
        """Does the action and returns what it shows."""


@dataclass(slots=True)
class Replay:
    """States of a search as histories of actions; one live environment at a time.

    fresh: makes an environment in its first state; whoever made it also ends it.
    done: how many actions were done so far, replays included.
    """

    fresh: Callable[[], Environment]
    done: int = 0
    _live: Environment | None = None
    _history: tuple[str, ...] = ()
    _shown: dict[tuple[str, ...], str] = field(default_factory=dict)

    def observe(self, actions: Sequence[str]) -> str:
        """What the last of the actions shows after those before it; "" for none.

        Costs no action for a history that was seen before, else only the missing ones if
        the live environment stands on the way. Raises InputError if an action that is done
        again shows something else.
        """
        wanted = tuple(actions)
        if not wanted:
            return ""
        if wanted not in self._shown:
            self._go_to(wanted)
        return self._shown[wanted]

    def _go_to(self, wanted: tuple[str, ...]) -> None:
        live = self._live
        if live is None or wanted[: len(self._history)] != self._history:
            live, self._history = self.fresh(), ()
            self._live = live
        for t in range(len(self._history), len(wanted)):
            shown = live.act(wanted[t])
            self.done += 1
            self._history = wanted[: t + 1]
            before = self._shown.setdefault(self._history, shown)
            if shown != before:
                self._live = None
                raise InputError(
                    f"action {t} ({wanted[t]!r}) showed {shown!r} where it showed {before!r} "
                    "before; a search needs an environment that repeats itself: fix its seed, "
                    "clock and network"
                )
