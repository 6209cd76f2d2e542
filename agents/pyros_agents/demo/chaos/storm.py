"""The storm: kills an agent or the broker every few seconds, by a plan that a seed gives."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from random import Random

from pyros_mqtt import PyrosError

SHORTEST, LONGEST = 2.0, 5.0
"""Wall seconds between two blows."""

Strike = Callable[[], bool]
"""Kills one process; says whether there was one to kill."""


@dataclass(frozen=True, slots=True)
class Blow:
    """One act of the storm: after `pause` wall seconds `victim` is killed."""

    pause: float
    victim: str


def blows(seed: int, victims: tuple[str, ...]) -> Iterator[Blow]:
    """Plan a storm without an end; the same seed gives the same one."""
    dice = Random(seed)  # noqa: S311 - it is to be repeatable, not secret
    while True:
        yield Blow(dice.uniform(SHORTEST, LONGEST), dice.choice(victims))


class Storm:
    """Kills from `begin` to `end`, in a thread of its own.

    Attributes:
        kills: how often each victim was killed, by name.
        trouble: why it had to end, for people: what was killed cannot be started again.
    """

    def __init__(
        self, seed: int, strikes: Mapping[str, Strike], narrate: Callable[[str], None]
    ) -> None:
        """Prepare; `narrate` is told of each kill."""
        self.kills: Counter[str] = Counter()
        self.trouble = ""
        self._strikes = strikes
        self._plan = blows(seed, tuple(strikes))
        self._narrate = narrate
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._rage, name="storm", daemon=True)

    def begin(self) -> None:
        """Let it come. Returns at once."""
        self._thread.start()

    def end(self) -> None:
        """Let it pass; whoever is being struck now is struck to the end. May be called again."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _rage(self) -> None:
        due = time.monotonic()
        for blow in self._plan:
            due += blow.pause
            if self._over.wait(max(0.0, due - time.monotonic())):
                return
            try:
                self._strike(blow.victim)
            except PyrosError as error:
                self.trouble = f"{blow.victim} was killed and does not come back: {error}"
                return

    def _strike(self, victim: str) -> None:
        """Kill one; who is dead already, and not started again yet, is let off."""
        if self._strikes[victim]():
            self.kills[victim] += 1
            self._narrate(f"Killed: {victim}.")
