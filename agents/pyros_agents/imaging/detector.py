"""What the camera's agent wants from a detector. Each make of camera gets a driver like this.

The agent's thread alone drives an exposure; `temperature` may be asked from any thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Kind = Literal["light", "dark", "flat", "bias"]
Image = NDArray[np.uint16]
"""Rows from south to north, columns from east to west, 16 bits of ADU."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """What to expose: sky seconds, filter, kind, and the ICRS centre in degrees where known."""

    seconds: float
    filter: str
    kind: Kind = "light"
    ra: float | None = None
    dec: float | None = None


@dataclass(frozen=True, slots=True)
class Instrument:
    """What a detector is: pixels, arcseconds a pixel, electrons an ADU, electrons of noise."""

    name: str
    telescope: str
    width: int
    height: int
    scale: float
    gain: float
    read_noise: float
    filters: tuple[str, ...]


class Detector(Protocol):
    """A camera; a driver named `module:Class` is made as `Class(clock=, **options)`."""

    @property
    def instrument(self) -> Instrument:
        """What it is; does not change."""

    @property
    def temperature(self) -> float:
        """The chip's temperature, degC."""

    def start(self, exposure: Exposure) -> None:
        """Open the shutter (for light and flat) and let it expose; returns at once."""

    def remaining(self) -> float:
        """Tell how many sky seconds are left until it can be read; 0 when it can."""

    def read(self) -> Image:
        """Read the image out; this may take seconds.

        Raises:
            DriverError: nothing was exposed, or it is exposing still.
        """

    def abort(self) -> None:
        """Close the shutter and forget the exposure; nothing exposes, do nothing."""
