"""What the weather's agent wants from a station. Each make gets a driver that keeps this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the instruments say now; None where one says nothing.

    Air temperature in degC, relative humidity in %, mean wind and gust in km/h, pressure at the
    station in hPa, `cloud` the covered part of the sky from 0 to 1.
    """

    temperature: float | None
    humidity: float | None
    wind: float | None
    gust: float | None
    rain: bool | None
    ice: bool | None
    pressure: float | None
    cloud: float | None


class WeatherStation(Protocol):
    """A station; a driver named `module:Class` is made as `Class(site=, clock=, **options)`."""

    def read(self) -> Conditions:
        """Measure; it must return within a second.

        Raises:
            DriverError, OSError: the station as a whole does not answer.
        """
