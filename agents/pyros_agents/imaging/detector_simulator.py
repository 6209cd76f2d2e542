"""A simulated CCD behind a simulated telescope: it takes its time, and makes plausible images."""

from __future__ import annotations

from math import exp

import numpy as np

from pyros_agents.astronomy.sky import SkyClock
from pyros_agents.devices.drivers import DriverError
from pyros_agents.imaging.detector import Exposure, Image, Instrument
from pyros_agents.imaging.frame import SIXTY_CENTIMETRES, frame

AMBIENT = 15.0
_COOLING_TIME = 90.0


class SimulatedDetector:
    """A cooled CCD of square pixels."""

    def __init__(  # noqa: PLR0913 - each is a key of the configuration
        self,
        clock: SkyClock,
        *,
        size: int = 1024,
        scale: float = 1.0,
        cooling: float = -40.0,
        readout: float = 1.0,
        seed: int | None = None,
    ) -> None:
        """Build it.

        Args:
            clock: the sky's.
            size: pixels on each side.
            scale: arcseconds a pixel.
            cooling: the temperature it is cooled down to, degC.
            readout: sky seconds from the end of the exposure until it can be read.
            seed: of the noise; without one, no two images are the same.
        """
        filters = tuple(SIXTY_CENTIMETRES.zero_points)
        self.instrument = Instrument(
            "simulated CCD", "simulated 0.6 m", size, size, scale, 1.5, 6.0, filters
        )
        self._clock, self._cooling, self._readout = clock, cooling, readout
        self._switched_on = clock.elapsed()
        self._dice = np.random.default_rng(seed)
        self._exposure: Exposure | None = None
        self._ready_at = 0.0

    @property
    def temperature(self) -> float:
        """The chip's temperature, falling from the air's."""
        warmth = exp(-max(self._clock.elapsed() - self._switched_on, 0.0) / _COOLING_TIME)
        return self._cooling + (AMBIENT - self._cooling) * warmth

    def start(self, exposure: Exposure) -> None:
        """Begin to expose."""
        self._exposure = exposure
        self._ready_at = self._clock.elapsed() + exposure.seconds + self._readout

    def remaining(self) -> float:
        """Tell how many sky seconds are left."""
        return max(self._ready_at - self._clock.elapsed(), 0.0) if self._exposure else 0.0

    def read(self) -> Image:
        """Make the image."""
        exposure = self._exposure
        if exposure is None or self.remaining() > 0:
            raise DriverError("there is no exposure to read")
        self._exposure = None
        dark = 0.01 * 2 ** ((self.temperature + 40.0) / 7.0)
        return frame(exposure, self.instrument, SIXTY_CENTIMETRES, dark, self._dice)

    def abort(self) -> None:
        """Forget the exposure."""
        self._exposure = None
