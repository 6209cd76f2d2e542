"""A simulated dome: a shutter with a travel time and a slit with a speed."""

from __future__ import annotations

from threading import RLock

from pyros_agents.astronomy.sky import SkyClock
from pyros_agents.devices.enclosure import EnclosureReading, ShutterState
from pyros_agents.devices.motion import Axis


class SimulatedEnclosure:
    """A dome made of two axes and a clock; starts closed, its slit to the south.

    Attributes:
        movements: how often the shutter's motor was started.
    """

    def __init__(self, clock: SkyClock, *, travel: float = 20.0, speed: float = 6.0) -> None:
        """Build it: `travel` seconds from closed to open, `speed` degrees a second of azimuth."""
        self.movements = 0
        self._travel = travel
        self._shutter = Axis(clock, 1.0 / travel)
        self._slit = Axis(clock, speed, 180.0, circle=True)
        self._held = False
        self._lock = RLock()

    def read(self) -> EnclosureReading:
        """Measure."""
        with self._lock:
            place = self._shutter.place
            return EnclosureReading(self._state(place), place, self._slit.place, self._held)

    def open(self) -> None:
        """Start opening."""
        self._move(1.0)

    def close(self) -> None:
        """Start closing."""
        self._move(0.0)

    def rotate(self, azimuth: float) -> None:
        """Start turning the slit."""
        with self._lock:
            if not self._held:
                self._slit.go(azimuth)

    def stop(self) -> None:
        """Stop both motors."""
        with self._lock:
            self._shutter.stop()
            self._slit.stop()

    def hold(self) -> None:
        """Stop both motors and lock them."""
        with self._lock:
            self.stop()
            self._held = True

    def release(self) -> None:
        """Unlock the motors."""
        with self._lock:
            self._held = False

    def jam(self) -> None:
        """Break, for tests: the shutter sticks where it is, though its motor runs."""
        with self._lock:
            moving, target = self._shutter.is_moving, self._shutter.target
            self._shutter.stop()
            self._shutter.speed = 0.0
            if moving:
                self._shutter.go(target)

    def mend(self) -> None:
        """Mend what `jam` broke."""
        with self._lock:
            self._shutter.stop()
            self._shutter.speed = 1.0 / self._travel

    def _move(self, target: float) -> None:
        with self._lock:
            if self._held or self._shutter.target == target:
                return
            self.movements += 1
            self._shutter.go(target)

    def _state(self, place: float) -> ShutterState:
        if self._shutter.is_moving:
            opens = self._shutter.target > place
            return ShutterState.OPENING if opens else ShutterState.CLOSING
        ends = {0.0: ShutterState.CLOSED, 1.0: ShutterState.OPEN}
        return ends.get(place, ShutterState.STOPPED)
