"""A dome and a telescope without a bus, and drivers that fail; their clock is set by hand."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from pyros_agents.astronomy.ephemeris import equatorial
from pyros_agents.astronomy.sky import Site
from pyros_agents.devices.enclosure import EnclosureReading
from pyros_agents.devices.enclosure_simulator import SimulatedEnclosure
from pyros_agents.devices.mount import MountReading, MountState
from pyros_agents.devices.mount_simulator import SimulatedMount
from pyros_agents.dome import Dome
from pyros_agents.telescope import Telescope
from pyros_mqtt.transport import Delivery
from tests.agents.kept_troubles import KeptTroubles
from tests.agents.night_clock import NIGHT, NightClock

SITE = Site.of(None)


class FailingEnclosure(SimulatedEnclosure):
    """Writes down what it is ordered; the next of its answers may fail.

    Attributes:
        ordered: the orders of the shutter that it took.
        failures: how many orders to close, from now on, raise.
        is_dumb: it cannot be read.
        knows_azimuth: else the azimuth is None, as no driver should say.
    """

    def __init__(self, clock: NightClock) -> None:
        super().__init__(clock, travel=8.0)
        self.ordered: list[str] = []
        self.failures = 0
        self.is_dumb = False
        self.knows_azimuth = True

    def read(self) -> EnclosureReading:
        if self.is_dumb:
            raise OSError("no answer from the dome")
        reading = super().read()
        return reading if self.knows_azimuth else replace(reading, azimuth=None)  # type: ignore[arg-type]

    def close(self) -> None:
        if self.failures:
            self.failures -= 1
            raise OSError("the serial line is busy")
        self.ordered.append("close")
        super().close()

    def stop(self) -> None:
        self.ordered.append("stop")
        super().stop()


class Alone(KeptTroubles):
    """What an agent without a bus says, kept; its waits turn the hand of the clock."""

    def keep_to_itself(self, clock: NightClock) -> None:
        self.turn, self.step = clock.turn, clock.step
        self.told: dict[str, Any] = {}
        self.troubles: dict[str, str] = {}
        self.meanwhile: Callable[[], object] = lambda: None

    def telemetry(self, channel: str, value: Any, *_: Any, **__: Any) -> None:
        self.told[channel] = value

    def sleep(self, seconds: float) -> None:
        self.turn(seconds)
        self.meanwhile()

    def progress(self, *_: Any, **__: Any) -> None:
        pass

    def cancel_running(self, why: str) -> bool:
        return not why


class LoneDome(Alone, Dome):
    """A dome that stands open, and hears no verdict: it has to close."""

    def __init__(self, now: float = NIGHT, **options: Any) -> None:
        clock = NightClock(now)
        self.keep_to_itself(clock)
        self.shutter = FailingEnclosure(clock)
        super().__init__(sky=clock, driver=self.shutter, **options)
        self.shutter.open()
        self.turn(10.0)

    def hear_good_verdict(self) -> None:
        verdict = json.dumps({"t": time.time(), "v": {"safe": True}}).encode()
        self.follow("safety", "verdict").hear(Delivery("", verdict))

    def watch(self, seconds: int) -> list[Exception]:
        """Measure once a second; what a chore raises is kept, and it is run again."""
        failed = []
        for _ in range(seconds):
            self.turn(1.0)
            try:
                self.measure()
            except Exception as error:  # noqa: BLE001 - as for any chore
                failed.append(error)
        return failed


class FailingMount(SimulatedMount):
    """Writes down what it is ordered; it may have lost its altitude, or refuse to answer.

    Attributes:
        ordered: the orders that it took, other than slews.
        failures: how many orders to stop, from now on, raise.
        knows_altitude: else the altitude is None, as no driver should say.
        after_reading: called once, in the moment after the next reading.
    """

    def __init__(self, clock: NightClock, **options: Any) -> None:
        super().__init__(SITE, clock, **options)
        self.ordered: list[str] = []
        self.failures = 0
        self.knows_altitude = True
        self.after_reading: Callable[[], object] | None = None

    def read(self) -> MountReading:
        reading, then = super().read(), self.after_reading
        if then is not None:
            self.after_reading = None
            then()
        return reading if self.knows_altitude else replace(reading, altitude=None)  # type: ignore[arg-type]

    def stand_at(self, altitude: float, azimuth: float) -> None:
        """Stand there, as if it had been stopped."""
        self._stand(replace(super().read(), altitude=altitude, azimuth=azimuth))

    def park(self) -> None:
        self.ordered.append("park")
        super().park()

    def stop(self) -> None:
        if self.failures:
            self.failures -= 1
            raise OSError("the serial line is busy")
        self.ordered.append("stop")
        super().stop()


class LoneTelescope(Alone, Telescope):
    """A telescope that was let go of its park position, unless `is_parked`."""

    def __init__(
        self,
        now: float = NIGHT,
        *,
        mount: Mapping[str, Any] | None = None,
        is_parked: bool = False,
        **options: Any,
    ) -> None:
        clock = NightClock(now)
        self.keep_to_itself(clock)
        self.device = FailingMount(clock, **(mount or {}))
        super().__init__(sky=clock, driver=self.device, **options)
        if not is_parked:
            self.device.unpark()

    def track(self, altitude: float, azimuth: float) -> None:
        """Go there, with nobody watching, and track."""
        self.device.slew(*equatorial(altitude, azimuth, self.clock.now(), SITE))
        self.turn(120.0)
        assert self.device.read().state is MountState.TRACKING
