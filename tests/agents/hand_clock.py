"""A sky clock that is set by hand."""

from __future__ import annotations

from dataclasses import dataclass, field

from pyros_agents.astronomy.sky import SkyClock

START = 1.768e9
"""POSIX seconds at which the hand stands at first."""


@dataclass(frozen=True)
class HandClock(SkyClock):
    """A sky clock that is set by hand."""

    hand: list[float] = field(default_factory=lambda: [START])
    stepped: list[float] = field(default_factory=lambda: [0.0])

    def now(self) -> float:
        return self.hand[0]

    def elapsed(self) -> float:
        return self.hand[0] - self.stepped[0]

    def step(self, seconds: float) -> None:
        """Set the machine's clock, while no time goes by."""
        self.hand[0] += seconds
        self.stepped[0] += seconds
