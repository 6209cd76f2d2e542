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

    def now(self) -> float:
        return self.hand[0]
