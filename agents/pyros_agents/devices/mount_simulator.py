"""A simulated altazimuth mount: even speed on both axes, a time to settle, a small error."""

from __future__ import annotations

from math import cos, inf, radians
from random import Random
from threading import RLock

from pyros_agents.astronomy.ephemeris import Equatorial, Horizontal, equatorial, horizontal
from pyros_agents.astronomy.sky import Site, SkyClock
from pyros_agents.devices.drivers import DriverError
from pyros_agents.devices.motion import Axis
from pyros_agents.devices.mount import MountReading, MountState


class SimulatedMount:
    """A mount made of two axes and a clock; starts parked."""

    def __init__(  # noqa: PLR0913 - each is a key of the configuration
        self,
        site: Site,
        clock: SkyClock,
        *,
        speed: float = 6.0,
        settle: float = 2.0,
        park: tuple[float, float] = (30.0, 180.0),
        error: float = 1.0,
    ) -> None:
        """Build it.

        Args:
            site: where it stands.
            clock: the sky's.
            speed: degrees a second, of each axis.
            settle: seconds that it swings after a slew.
            park: altitude and azimuth of the park position, degrees.
            error: how far it misses, rms arcseconds on each axis; the same for the same place.
        """
        self._site, self._clock = site, clock
        self._settle, self._park, self._error = settle, Horizontal(*park), error
        self._altitude = Axis(clock, speed, self._park.altitude)
        self._azimuth = Axis(clock, speed, self._park.azimuth, circle=True)
        self._state = MountState.PARKED
        self._target = Equatorial(0.0, 0.0)
        self._ready_at = -inf
        self._lock = RLock()

    def read(self) -> MountReading:
        """Measure."""
        with self._lock:
            now = self._clock.now()
            is_there = self._clock.elapsed() >= self._ready_at
            if is_there and self._state is MountState.SLEWING:
                self._state = MountState.TRACKING
            if is_there and self._state is MountState.PARKING:
                self._state = MountState.PARKED
            if self._state is MountState.TRACKING:
                aim, place = self._target, horizontal(*self._target, now, self._site)
            else:
                place = Horizontal(self._altitude.place, self._azimuth.place)
                aim = equatorial(*place, now, self._site)
            return MountReading(self._state, *aim, *place)

    def slew(self, ra: float, dec: float) -> None:
        """Start towards where the target will be when the mount gets there."""
        with self._lock:
            reading = self.read()
            if reading.state in {MountState.PARKED, MountState.PARKING}:
                raise DriverError(f"the mount is {reading.state}, unpark it first")
            self._stand(reading)
            self._target = self._missed(ra, dec)
            seconds = 0.0
            for _ in range(3):
                there = horizontal(*self._target, self._clock.now() + seconds, self._site)
                seconds = self._seconds_to(there)
            self._go(there, MountState.SLEWING, seconds + self._settle)

    def park(self) -> None:
        """Start towards the park position."""
        with self._lock:
            reading = self.read()
            if reading.state not in {MountState.PARKED, MountState.PARKING}:
                self._stand(reading)
                self._go(self._park, MountState.PARKING, self._seconds_to(self._park))

    def unpark(self) -> None:
        """Let go of the park position."""
        with self._lock:
            if self.read().state is MountState.PARKING:
                raise DriverError("the mount is on its way to the park position")
            if self._state is MountState.PARKED:
                self._state = MountState.STOPPED

    def stop(self) -> None:
        """Stand still."""
        with self._lock:
            reading = self.read()
            if reading.state is not MountState.PARKED:
                self._stand(reading)

    def jam(self) -> None:
        """Break, for tests: the axes stick where they are, whatever is ordered."""
        with self._lock:
            place = self.read()
            self._altitude.stop(place.altitude)
            self._azimuth.stop(place.azimuth)
            self._altitude.speed = self._azimuth.speed = 0.0
            self._ready_at = inf

    def _stand(self, reading: MountReading) -> None:
        """Let the axes stand where slewing or tracking has brought them."""
        self._altitude.stop(reading.altitude)
        self._azimuth.stop(reading.azimuth)
        self._state = MountState.STOPPED

    def _go(self, there: Horizontal, state: MountState, seconds: float) -> None:
        self._altitude.go(there.altitude)
        self._azimuth.go(there.azimuth)
        self._state, self._ready_at = state, self._clock.elapsed() + seconds

    def _seconds_to(self, there: Horizontal) -> float:
        altitude, azimuth = there
        return max(self._altitude.seconds_to(altitude), self._azimuth.seconds_to(azimuth))

    def _missed(self, ra: float, dec: float) -> Equatorial:
        dice = Random(f"{ra:.5f} {dec:.5f}")  # noqa: S311 - a simulation
        east, north = (dice.gauss(0.0, self._error / 3600.0) for _ in range(2))
        # At the pole itself every right ascension is as good as the other.
        return Equatorial(
            (ra + east / max(cos(radians(dec)), 1e-4)) % 360.0, min(max(dec + north, -90.0), 90.0)
        )
