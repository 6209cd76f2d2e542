"""A sky clock that starts in a dark night over Les Makes, and that a test turns on."""

from __future__ import annotations

from tests.agents.hand_clock import HandClock

NIGHT = 1_795_284_000.0
"""2026-11-21T18:00:00Z, ten in the evening at Les Makes: dark."""

NOON = NIGHT - 10 * 3600.0
"""The noon before it: the Sun is high."""


class NightClock(HandClock):
    """Stands at NIGHT until it is turned."""

    def __init__(self, now: float = NIGHT) -> None:
        super().__init__(hand=[now])

    def turn(self, seconds: float) -> None:
        self.hand[0] += seconds
