"""What the dome's agent wants from a dome: a shutter, a slit that turns, a stop that holds.

Orders return at once; what became of them is told by `read`. Any thread may call at any moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class ShutterState(StrEnum):
    """What a shutter does, as its limit switches and its motor tell."""

    OPEN = "open"
    CLOSED = "closed"
    OPENING = "opening"
    CLOSING = "closing"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class EnclosureReading:
    """What the dome is now.

    `fraction` is how far the shutter is open, 0 to 1; `azimuth` is where the slit looks, degrees
    from north through east; `held` tells that a person holds the emergency stop.
    """

    shutter: ShutterState
    fraction: float
    azimuth: float
    held: bool = False


class Enclosure(Protocol):
    """A dome; a driver named `module:Class` is made as `Class(clock=, **options)`."""

    def read(self) -> EnclosureReading:
        """Measure. CLOSED means: by the limit switch."""

    def open(self) -> None:
        """Start opening the shutter; without effect while held."""

    def close(self) -> None:
        """Start closing the shutter; without effect while held, closing or closed."""

    def rotate(self, azimuth: float) -> None:
        """Start turning the slit to an azimuth, the shorter way; without effect while held."""

    def stop(self) -> None:
        """Stop shutter and rotation at once."""

    def hold(self) -> None:
        """Stop, and move no more until `release`, even if the agent is started anew."""

    def release(self) -> None:
        """Allow motion again; nothing starts by itself."""
