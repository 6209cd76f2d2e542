"""The observatory's place on Earth and the clock of its sky.

Devices and rules ask the sky clock, never the wall clock, so that a simulated night can run at
any hour of the day and faster than the real one.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Site:
    """Where the telescope stands: degrees north and east (WGS 84), metres above the ellipsoid."""

    latitude: float
    longitude: float
    height: float = 0.0
    name: str = ""

    @classmethod
    def of(cls, config: Mapping[str, Any] | Self | None) -> Self:
        """Make a site from a table of the configuration; without one, the default site."""
        if config is None or isinstance(config, Mapping):
            return cls(**(config or LES_MAKES))
        return config


LES_MAKES: dict[str, Any] = {
    "latitude": -21.1992,
    "longitude": 55.4108,
    "height": 991.0,
    "name": "Les Makes, La Reunion",
}


@dataclass(frozen=True, slots=True)
class SkyClock:
    """Sky time: `origin` (POSIX seconds, UTC) at the wall time `anchor`, `speed` times as fast.

    `now` is for where the sky is, and jumps where the machine's clock is set; spans are measured by
    `elapsed`, which only goes on. With `origin` None it is the real time. Processes that share one
    sky share all three numbers.
    """

    origin: float | None = None
    speed: float = 1.0
    anchor: float = field(default_factory=time.time)

    @classmethod
    def of(cls, config: Mapping[str, Any] | Self | None) -> Self:
        """Make a clock from a table `{start: UTC time, speed: factor, anchor: POSIX seconds}`."""
        if not (config is None or isinstance(config, Mapping)):
            return config
        table = dict(config or {})
        if "start" in table:
            start = datetime.fromisoformat(table.pop("start"))
            table["origin"] = start.replace(tzinfo=start.tzinfo or UTC).timestamp()
        return cls(**table)

    def now(self) -> float:
        """Sky time in POSIX seconds, UTC."""
        wall = time.time()
        return wall if self.origin is None else self.origin + (wall - self.anchor) * self.speed

    def elapsed(self) -> float:
        """Sky seconds since some moment, for spans and patience: no set clock moves it."""
        return time.monotonic() * self.speed

    def wall_seconds(self, sky_seconds: float) -> float:
        """How long a span of the sky lasts for somebody who waits for it."""
        return sky_seconds / self.speed
