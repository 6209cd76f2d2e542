"""The telescope's agent: points, tracks, parks, and stays within its limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from pyros_agents.arguments import Declination, RightAscension
from pyros_agents.astronomy.ephemeris import Horizontal, airmass, separation
from pyros_agents.astronomy.sky import Site, SkyClock
from pyros_agents.devices.drivers import load
from pyros_agents.devices.helm import Helm
from pyros_agents.devices.mount import Mount, MountReading, MountState
from pyros_agents.devices.mount_simulator import SimulatedMount
from pyros_agents.safeguards.last_act import POLL, LastAct
from pyros_agents.safeguards.pointing_rules import PointingRules
from pyros_agents.safeguards.sun_watch import Advice, SunWatch
from pyros_mqtt import ActionFailed, Agent, Channel, every, on

SUN = "the Sun"
"""What a fault is about while the Sun may shine into the tube."""


class Telescope(Agent):
    """Points the telescope at a place of the sky and tracks it, within horizon and Sun limits."""

    channels = (
        Channel(
            "pointing",
            description="where the telescope looks: ICRS and horizontal degrees, airmass, state",
            fields=("ra", "dec", "alt", "az", "airmass", "state"),
            rate=1,
            retain=True,
        ),
    )

    def __init__(  # noqa: PLR0913 - each is a key of the configuration
        self,
        name: str = "telescope",
        *,
        site: Mapping[str, Any] | Site | None = None,
        sky: Mapping[str, Any] | SkyClock | None = None,
        driver: str | Mount = "simulator",
        driver_options: Mapping[str, Any] | None = None,
        horizon: float = 15.0,
        sun_radius: float = 30.0,
        park_position: tuple[float, float] | None = None,
        patience: float = 300.0,
        at_end: Literal["stop", "park"] = "stop",
        **options: Any,
    ) -> None:
        """Connect to the mount.

        Args:
            name: the agent's.
            site: the place, a table of the configuration.
            sky: the sky's clock, a table of the configuration.
            driver: `simulator`, or `package.module:Class` of a mount.
            driver_options: what that class is made with.
            horizon: lowest altitude, degrees.
            sun_radius: never nearer to the Sun, degrees.
            park_position: altitude and azimuth, degrees, to know whether the Sun stands in the way
                there; by default where the mount was last seen parked.
            patience: sky seconds after which a slew or a parking has failed.
            at_end: what the mount is left with when the agent ends; a parked one stays parked.
            options: the agent's.

        Raises:
            ValueError: `at_end` is neither.
        """
        if at_end not in {"stop", "park"}:
            raise ValueError(f"at_end is {at_end!r}: write 'stop' or 'park'")
        super().__init__(name, **options)
        place, self.clock = Site.of(site), SkyClock.of(sky)
        self.mount: Mount = load(
            driver, SimulatedMount, site=place, clock=self.clock, **(driver_options or {})
        )
        self.rules = PointingRules(place, horizon, sun_radius)
        self._sun = SunWatch(self.rules, Horizontal(*park_position) if park_position else None)
        self._helm = Helm()
        self._slew_patience = patience
        self._parking_since: float | None = None
        self._lost_its_way = False
        self._at_end = at_end
        self._last_order: Callable[[], None] | None = None

    @on("goto", ttl=30)
    def goto(self, ra: RightAscension, dec: Declination) -> dict[str, float]:
        """Slew to an ICRS direction and track it; done once it is there and has settled."""
        turn, began = self._helm.take(), self.clock.elapsed()
        if reason := self.rules.why_not(ra, dec, self.clock.now()):
            raise ActionFailed(f"not to ra={ra:g} dec={dec:g}: {reason}", code="out-of-limits")
        state = self.mount.read().state
        if state in {MountState.PARKED, MountState.PARKING}:
            raise ActionFailed(f"the telescope is {state}: send unpark first", code="parked")
        if not self._helm.steer(turn, lambda: self.mount.slew(ra, dec)):
            raise ActionFailed("a later command has taken over", code="overtaken")
        try:
            reading = self._arrive(ra, dec, began)
        except BaseException:
            self._helm.steer(turn, self.mount.stop)
            raise
        self._tell()
        missed = separation((ra, dec), (reading.ra, reading.dec)) * 3600.0
        return {
            "ra": reading.ra,
            "dec": reading.dec,
            "separation": round(missed, 2),
            "seconds": round(self.clock.elapsed() - began, 2),
        }

    @on("park")
    def park(self) -> dict[str, str]:
        """Start towards the park position; the channel `pointing` tells when it is parked."""
        self.cancel_running("the telescope is to be parked")
        self._helm.take(self.mount.park)
        return {"state": self._tell().state}

    @on("unpark", ttl=30)
    def unpark(self) -> dict[str, str]:
        """Let go of the park position, ready to slew."""
        state = self.mount.read().state
        if state is MountState.PARKING:
            raise ActionFailed("the telescope is on its way to the park position", code="parking")
        self._helm.take(self.mount.unpark)
        return {"state": self._tell().state}

    @on("stop")
    def stop_motion(self) -> dict[str, str]:
        """Stand still at once, and cancel the slew that runs; too near the Sun, it parks then."""
        self.cancel_running("the telescope is to stop")
        self._helm.take(self.mount.stop)
        return {"state": self._tell().state}

    @on("abort")
    def abort_motion(self) -> None:
        """Stand still at once."""
        self._helm.take(self.mount.stop)
        self._tell()

    @every(seconds=1)
    def measure(self) -> None:
        """Publish where the telescope looks, and keep it within its limits."""
        turn, reading = self._helm.turn, self.mount.read()
        try:
            self._keep_within_limits(turn, reading)
            self._watch_the_parking(reading)
        finally:
            self._publish(reading)

    def shutdown(self) -> None:
        """Stop, or park (`at_end`), since nobody watches from now on; a parking goes on."""
        LastAct(self.clock, self._slew_patience, self.sleep, self.log).play(self._is_at_rest)

    def _is_at_rest(self) -> bool:
        """Give the last order, until the mount has taken one; tell whether it is carried out."""
        if self._last_order is None:
            order = self.mount.park if self._at_end == "park" or self._parks() else self.mount.stop
            self._helm.take(order)
            self._last_order = order
        if self._last_order == self.mount.stop:
            return True
        return self.mount.read().state in {MountState.PARKED, MountState.STOPPED}

    def _parks(self) -> bool:
        """Tell whether it is on its way to the park position; one that cannot be read is not."""
        try:
            return self.mount.read().state is MountState.PARKING
        except Exception:
            self.log.exception("the mount cannot be read")
            return False

    def _tell(self) -> MountReading:
        """Measure and publish; also at each turn of events, so that nobody acts on old news."""
        reading = self.mount.read()
        self._publish(reading)
        return reading

    def _publish(self, reading: MountReading) -> None:
        mass = airmass(reading.altitude)
        self.telemetry(
            "pointing",
            {
                "ra": round(reading.ra, 6),
                "dec": round(reading.dec, 6),
                "alt": round(reading.altitude, 6),
                "az": round(reading.azimuth, 6),
                "airmass": None if mass is None else round(mass, 4),
                "state": reading.state.value,
            },
        )

    def _arrive(self, ra: float, dec: float, began: float) -> MountReading:
        """Wait until the mount tracks; report how much of the way is done."""
        reading = self.mount.read()
        way = max(separation((ra, dec), (reading.ra, reading.dec)), 1e-6)
        while reading.state is MountState.SLEWING:
            left = separation((ra, dec), (reading.ra, reading.dec))
            self.progress(min(max(1.0 - left / way, 0.0), 1.0), f"{left:.1f} deg to go")
            if self.clock.elapsed() - began > self._slew_patience:
                raise ActionFailed(f"no arrival within {self._slew_patience:g} s", code="timeout")
            self.sleep(POLL)
            reading = self.mount.read()
        if reading.state is not MountState.TRACKING:
            raise ActionFailed(f"the mount does not track, it is {reading.state}", code="no-track")
        return reading

    def _keep_within_limits(self, turn: int, reading: MountReading) -> None:
        """Stop a telescope whose target is out of limits; let the Sun shine into none."""
        now = self.clock.now()
        if reading.state is MountState.TRACKING:
            reason = self.rules.why_not(reading.ra, reading.dec, now)
            if reason and self._helm.relieve(turn, self.mount.stop):
                self.log.warning("the telescope is stopped: %s", reason)
        self._keep_the_sun_out(turn, self._sun.look(reading, now))

    def _keep_the_sun_out(self, turn: int, advice: Advice) -> None:
        """Do what keeps the Sun out, and call for a person as long as it may shine in."""
        if advice is Advice.FINE:
            self.recover(SUN)
            return
        self.fault(f"the Sun is nearer than {self.rules.sun_radius:g} deg: {advice}", SUN)
        orders = {Advice.STOP: self.mount.stop, Advice.PARK: self.mount.park}
        if advice in orders and self._helm.relieve(turn, orders[advice]):
            self.log.warning("for the Sun's sake the telescope is told to %s", advice.name.lower())

    def _watch_the_parking(self, reading: MountReading) -> None:
        """Say so when a telescope that was sent to its park position does not get there."""
        now = self.clock.elapsed()
        if reading.state is not MountState.PARKING:
            self._parking_since = None
        elif self._parking_since is None:
            self._parking_since = now
        late = self._parking_since is not None and now - self._parking_since > self._slew_patience
        if late and not self._lost_its_way:
            self.fault(
                f"not parked within {self._slew_patience:g} s: it stands at altitude "
                f"{reading.altitude:.1f}, azimuth {reading.azimuth:.1f}"
            )
        elif self._lost_its_way and reading.state is MountState.PARKED:
            self.recover()
        self._lost_its_way = late or (self._lost_its_way and reading.state is not MountState.PARKED)
