"""What the telescope's agent wants from a mount. Each make of mount gets a driver that keeps this.

Orders return at once; what became of them is told by `read`. Any thread may call at any moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class MountState(StrEnum):
    """What a mount does, as measured."""

    PARKED = "parked"
    SLEWING = "slewing"
    TRACKING = "tracking"
    STOPPED = "stopped"
    PARKING = "parking"


@dataclass(frozen=True, slots=True)
class MountReading:
    """What the encoders say now: degrees, ICRS and horizontal, azimuth from north through east."""

    state: MountState
    ra: float
    dec: float
    altitude: float
    azimuth: float


class Mount(Protocol):
    """A mount; a driver named `module:Class` is made as `Class(site=, clock=, **options)`."""

    def read(self) -> MountReading:
        """Measure. PARKED means: at the park position, by the encoders, and held there."""

    def slew(self, ra: float, dec: float) -> None:
        """Start towards an ICRS direction (degrees), then track it.

        Raises:
            DriverError: it is parked, or on its way there.
        """

    def park(self) -> None:
        """Start towards the park position, from whatever it does; parked already, do nothing."""

    def unpark(self) -> None:
        """Let go of the park position and stand still; not parked, do nothing.

        Raises:
            DriverError: it is on its way to the park position.
        """

    def stop(self) -> None:
        """Stand still at once and stop tracking; a parked one stays parked."""
